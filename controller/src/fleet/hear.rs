//! What arrives, taken in.

use std::{collections::BTreeSet, fmt::Display};

use autoscaler::{Event, Timestamp, event::Sample, quantity::SignalName};
use bus::payload::{self, Inventory, Outcome, Samples, ServiceInventory, ServiceName};
use serde::de::DeserializeOwned;

use super::{Fleet, Kind, MOST_COMPLAINTS, MOST_HOSTS, MOST_SERVICES, ServiceKey, host::Host, service::Service};
use crate::events;

impl Fleet {
    /// Takes in one payload.
    pub(super) fn hear_message(&mut self, kind: Kind, subject: &str, payload: &[u8], now: Timestamp) {
        match kind {
            Kind::Samples => {
                if let Some(samples) = self.decode::<Samples>(subject, payload)
                    && self.is_from(subject, &self.setup.subjects.samples(&samples.host))
                {
                    self.hear_samples(samples, now);
                }
            }
            Kind::Inventory => {
                if let Some(inventory) = self.decode::<Inventory>(subject, payload)
                    && self.is_from(subject, &self.setup.subjects.inventory(&inventory.host))
                {
                    self.hear_inventory(inventory, now);
                }
            }
            Kind::Outcome => {
                if let Some(outcome) = self.decode::<Outcome>(subject, payload)
                    && self.is_from(subject, &self.setup.subjects.outcome(&outcome.host))
                {
                    self.hear_outcome(outcome, now);
                }
            }
            Kind::Signal => self.hear_published(subject, payload, now),
        }
    }

    fn hear_samples(&mut self, samples: Samples, now: Timestamp) {
        let Some(host) = self.hear_agent(&samples.host, &samples.agent, now) else { return };
        host.agent_dropped(&samples.agent, samples.lost);
        if !host.samples.accept(&samples.agent, samples.sequence) {
            return;
        }
        host.clock.learn(samples.at_ms, now);
        let at = host.clock.here(samples.at_ms, now);
        let mut measured = events::samples(&samples, |agent_ms| host.clock.here(agent_ms, now));
        let capacity = host.capacity();
        let mut of_host = Vec::new();
        if let Some(sample) = samples.host_sample {
            of_host = events::host_samples(&sample, at);
            host.sample = Some(sample);
        }
        if host.capacity() != capacity {
            self.observe_host(&samples.host, now);
        }
        self.tell_of_host(&samples.host, &of_host, now);
        for replica in &samples.replicas {
            let key = key(&samples.host, &replica.project, &replica.service);
            if let Some(service) = self.services.get_mut(&key) {
                service.measure(replica, at);
            }
        }
        while let Some((ServiceName { project, service }, samples_of_it)) = measured.pop_first() {
            let key = key(&samples.host, &project, &service);
            self.tell(&key, Event::Samples(samples_of_it), now);
        }
    }

    /// Tells the services that go by their host how that is.
    fn tell_of_host(&mut self, host: &str, samples: &[Sample], now: Timestamp) {
        let going_by_it: Vec<ServiceKey> = self
            .keys_of(host)
            .filter(|key| {
                let governed = self.services.get(key).and_then(|service| service.governed.as_deref());
                governed.is_some_and(|governed| governed.reads_any(&SignalName::OF_HOST))
            })
            .collect();
        for key in going_by_it {
            self.tell(&key, Event::Samples(samples.to_vec()), now);
        }
    }

    fn hear_inventory(&mut self, inventory: Inventory, now: Timestamp) {
        let Some(host) = self.hear_agent(&inventory.host, &inventory.agent, now) else { return };
        if !host.inventories.accept(&inventory.agent, inventory.sequence) {
            return;
        }
        host.clock.learn(inventory.at_ms, now);
        if host.engine_error.is_none()
            && let Some(why) = &inventory.engine_error
        {
            tracing::warn!(host = inventory.host, why, "the Docker Engine does not answer");
        }
        let known = inventory.engine.is_some() || inventory.engine_error.is_none();
        host.engine = inventory.engine;
        host.engine_error = inventory.engine_error;
        if known {
            self.list_services(&inventory.host, inventory.services, now);
        }
    }

    /// Takes in what runs on a host; what is not listed runs no longer.
    fn list_services(&mut self, host: &str, listed: Vec<ServiceInventory>, now: Timestamp) {
        let mut missing: BTreeSet<ServiceKey> = self.keys_of(host).collect();
        for inventory in listed {
            let key = key(host, &inventory.project, &inventory.service);
            missing.remove(&key);
            let room = self.services.len() < MOST_SERVICES;
            match self.services.get_mut(&key) {
                Some(service) => service.list(inventory),
                None if room => drop(self.services.insert(key.clone(), Service::new(inventory))),
                None => {
                    self.complain(
                        host,
                        format_args!("more than {MOST_SERVICES} services: some on {host} are not followed"),
                    );
                    continue;
                }
            }
            self.govern(&key, now);
            self.observe(&key, now);
            self.hear_of_operator(&key, now);
        }
        for key in missing {
            match self.services.get_mut(&key) {
                Some(service) if service.governed.is_some() => {
                    service.gone_since.get_or_insert(now);
                }
                _ => drop(self.services.remove(&key)),
            }
        }
        self.forget_stored(host);
    }

    /// Tells the decisions that somebody chose another count by hand, once, and while that is still to be respected.
    /// A plain `docker compose up`, which restores the file's count, is nobody's will.
    fn hear_of_operator(&mut self, key: &ServiceKey, now: Timestamp) {
        let (Some(service), Some(host)) = (self.services.get(key), self.hosts.get(&key.host)) else { return };
        let (Some(governed), Some(chosen)) = (service.governed.as_deref(), &service.inventory.count_by_others) else {
            return;
        };
        let at = host.clock.here(chosen.at_ms, now);
        let known = governed.autoscaler.memory().manual().is_some_and(|manual| manual.at >= at);
        let respected = now.since(at) < governed.autoscaler.policy().guards.manual;
        let settled = service.inventory.phase == payload::Phase::Settled;
        if !chosen.reset && !known && respected && settled {
            tracing::info!(service = %key, replicas = chosen.replicas, "somebody set its count by hand");
            self.tell(key, Event::Rescaled { replicas: chosen.replicas }, now);
        }
    }

    fn hear_outcome(&mut self, outcome: Outcome, now: Timestamp) {
        let Some(host) = self.hear_host(&outcome.host, now) else { return };
        let event = events::outcome(&outcome, |agent_ms| host.clock.ahead(agent_ms));
        let key = key(&outcome.host, &outcome.project, &outcome.service);
        let Some(service) = self.services.get_mut(&key) else { return };
        let target = service.governed.as_deref().and_then(|governed| governed.target.as_ref());
        let of_newest = target.is_some_and(|target| (target.term, target.sequence) == (outcome.term, outcome.sequence));
        service.outcome = Some(outcome);
        if let (true, Some(event)) = (of_newest, event) {
            self.tell(&key, Event::Outcome(event), now);
        }
    }

    /// A value that an application publishes. It does not say on which host: one of a replica is the host's that has the
    /// replica; one of the service as a whole goes to that service on each host that has it.
    fn hear_published(&mut self, subject: &str, payload: &[u8], now: Timestamp) {
        let Some((project, service, signal)) = self.setup.subjects.parse_signal(subject) else {
            self.complain(subject, "not of the form …signal.<project>.<service>.<signal>: ignored");
            return;
        };
        let value = match events::decode_published(payload) {
            Ok(value) => value,
            Err(error) => return self.complain(subject, error),
        };
        let of_that_name = |key: &&ServiceKey| key.project == project && key.service == service;
        let keys: Vec<ServiceKey> = self.services.keys().filter(of_that_name).cloned().collect();
        for key in keys {
            let replicas = self.services.get(&key).map_or(&[][..], |service| &service.inventory.replicas);
            if let Some(sample) = events::published(&signal, &value, replicas, now) {
                self.tell(&key, Event::Samples(vec![sample]), now);
            }
        }
    }

    /// The host, from whose agent something was just heard; `None` where two agents use its name: what they say is of
    /// two hosts, and nothing is to be changed on either by what is known of the other.
    fn hear_agent(&mut self, name: &str, agent: &str, now: Timestamp) -> Option<&mut Host> {
        if let Some(host) = self.hosts.get_mut(name) {
            host.agents.hear(agent, now);
            if host.agents.contested {
                host.heard = now;
                if !std::mem::replace(&mut host.lost, true) {
                    tracing::warn!(
                        host = name,
                        "two agents call themselves so: it is taken as lost until one has left"
                    );
                    self.list_again(name);
                    self.tell_host(name, &Event::HostLost, now);
                }
                return None;
            }
        }
        let host = self.hear_host(name, now)?;
        host.agents.hear(agent, now);
        Some(host)
    }

    /// What the other agent did not list is not gone.
    fn list_again(&mut self, host: &str) {
        let keys: Vec<ServiceKey> = self.keys_of(host).collect();
        for key in keys {
            if let Some(service) = self.services.get_mut(&key) {
                service.gone_since = None;
            }
        }
    }

    /// The host, from which something was just heard; `None` where there are too many hosts.
    fn hear_host(&mut self, name: &str, now: Timestamp) -> Option<&mut Host> {
        if !self.hosts.contains_key(name) && self.hosts.len() >= MOST_HOSTS {
            self.complain("hosts", format_args!("more than {MOST_HOSTS} hosts: some are not listened to"));
            return None;
        }
        let host = self.hosts.entry(name.to_owned()).or_insert_with(|| {
            tracing::info!(host = name, "heard for the first time");
            Host::new(now)
        });
        host.heard = now;
        if !host.agents.contested && std::mem::take(&mut host.lost) {
            tracing::info!(host = name, "heard again");
            self.tell_host(name, &Event::HostFound, now);
        }
        self.hosts.get_mut(name)
    }

    /// Tells the decisions of one service what happened, where it is under a policy.
    pub(super) fn tell(&mut self, key: &ServiceKey, mut event: Event, now: Timestamp) {
        let Some(governed) = self.services.get_mut(key).and_then(|service| service.governed.as_deref_mut()) else {
            return;
        };
        if let Event::Samples(samples) = &mut event {
            governed.keep_relevant(samples);
            if samples.is_empty() {
                return;
            }
        }
        governed.tell(event, now);
        self.dirty.insert(key.clone());
    }

    /// Tells the decisions of every service of a host.
    pub(super) fn tell_host(&mut self, host: &str, event: &Event, now: Timestamp) {
        let keys: Vec<ServiceKey> = self.keys_of(host).collect();
        for key in keys {
            self.tell(&key, event.clone(), now);
        }
    }

    /// Tells the decisions of one service how it was listed.
    pub(super) fn observe(&mut self, key: &ServiceKey, now: Timestamp) {
        let (Some(service), Some(host)) = (self.services.get(key), self.hosts.get(&key.host)) else { return };
        if service.governed.is_some() {
            let observation = service.observation(host.capacity(), &host.clock, now);
            self.tell(key, Event::Observed(observation), now);
        }
    }

    fn observe_host(&mut self, host: &str, now: Timestamp) {
        let keys: Vec<ServiceKey> = self.keys_of(host).collect();
        for key in keys {
            self.observe(&key, now);
        }
    }

    fn keys_of(&self, host: &str) -> impl Iterator<Item = ServiceKey> {
        let first = key(host, "", "");
        self.services.range(first..).map(|(key, _)| key).take_while(move |key| key.host == *host).cloned()
    }

    fn decode<T: DeserializeOwned>(&mut self, subject: &str, payload: &[u8]) -> Option<T> {
        payload::decode(payload).map_err(|error| self.complain(subject, error)).ok()
    }

    /// Whether a payload came on the subject of the host that it names: no host speaks for another.
    fn is_from(&mut self, subject: &str, expected: &str) -> bool {
        let right = subject == expected;
        if !right {
            self.complain(
                subject,
                format_args!("the payload names another host, whose subject is {expected}: ignored"),
            );
        }
        right
    }

    /// Logs what is wrong with what arrives, once for each thing that it is about.
    fn complain(&mut self, about: &str, what: impl Display) {
        if self.complaints.len() < MOST_COMPLAINTS && !self.complaints.contains(about) {
            tracing::warn!(about, "{what}");
            self.complaints.insert(about.to_owned());
        }
    }
}

fn key(host: &str, project: &str, service: &str) -> ServiceKey {
    ServiceKey { host: host.to_owned(), project: project.to_owned(), service: service.to_owned() }
}
