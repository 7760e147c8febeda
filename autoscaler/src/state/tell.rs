//! A state told to an autoscaler, as events in the order of time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{LONG, Listed, Measured, State};
use crate::{
    Autoscaler, Event, Timestamp,
    event::{Observation, Replica, ReplicaId, ReplicaState, Sample, Subject},
    signal::count,
};

impl State {
    /// Brings `autoscaler` to this state; it knows what was until `from`; `None` if it is new.
    pub(super) fn tell(&self, autoscaler: &mut Autoscaler, from: Option<Timestamp>) {
        let fresh = from.is_none();
        let from = from.unwrap_or_default();
        self.remind(autoscaler);
        let listed = self.listed(autoscaler, (!fresh).then_some(from));
        let samples = self.samples(&listed);
        // Replicas are listed before their first sample, so that it is one of the replicas that are there now.
        let first = samples.keys().next().map_or(self.now, |at| at.minus(Duration::from_millis(1)));
        let observation = Observation {
            replicas: listed.into_iter().map(|listed| listed.replica).collect(),
            phase: self.phase.clone(),
            refusals: self.refusals.clone(),
            most: self.most,
            host: self.host,
        };
        for (service, peer) in &self.peers {
            let event = Event::Peer { service: service.clone(), peer: Some(*peer) };
            autoscaler.handle_event(event, from);
        }
        for (name, by_others) in &self.budgets {
            let event = Event::BudgetUsed { name: name.clone(), by_others: *by_others };
            autoscaler.handle_event(event, from);
        }
        autoscaler.handle_event(Event::Observed(observation.clone()), first.max(from).min(self.now));
        for (at, samples) in samples {
            autoscaler.handle_event(Event::Samples(samples), at.max(from).min(self.now));
        }
        if let Some(outcome) = &self.outcome {
            autoscaler.handle_event(Event::Outcome(outcome.clone()), self.now);
        }
        let host = if self.host_lost { Event::HostLost } else { Event::HostFound };
        autoscaler.handle_event(host, self.now);
        autoscaler.handle_event(Event::Observed(observation), self.now);
        self.insist(autoscaler, fresh);
    }

    /// What guards and rules remember, before anything is told.
    fn remind(&self, autoscaler: &mut Autoscaler) {
        let policy = autoscaler.policy().clone();
        let memory = autoscaler.memory_mut();
        memory.target = self.target.or(memory.target);
        memory.evaluations = self.remembered.evaluations.unwrap_or(memory.evaluations);
        memory.manual = self.remembered.manual.or(memory.manual);
        if let Some(steps) = &self.remembered.steps {
            memory.steps = crate::memory::Steps::default();
            for step in steps {
                memory.add_step(step.at, step.from, step.to, &policy);
            }
        }
    }

    /// What what was told must not have changed.
    fn insist(&self, autoscaler: &mut Autoscaler, fresh: bool) {
        let policy = autoscaler.policy().clone();
        let memory = autoscaler.memory_mut();
        let nothing = Vec::new();
        let recommendations = self.remembered.recommendations.as_ref().or(fresh.then_some(&nothing));
        if let Some(recommendations) = recommendations {
            memory.history = crate::guard::History::default();
            for (at, wanted) in recommendations {
                memory.add_recommendation(*wanted, *at, &policy);
            }
        }
        for (state, given) in memory.rules.iter_mut().zip(&self.remembered.rules) {
            if let Some(given) = given {
                state.clone_from(given);
            }
        }
        for (signal, since) in &self.remembered.missing_since {
            memory.missing_since.insert(signal.clone(), *since);
        }
    }

    /// What is listed, or as many as there shall be: the oldest of those that there were, and new ones that have served
    /// since the decision at `from`.
    fn listed(&self, autoscaler: &Autoscaler, from: Option<Timestamp>) -> Vec<Listed> {
        if let Some(replicas) = &self.replicas {
            return replicas.clone();
        }
        let target = autoscaler.memory().target().unwrap_or(0);
        let mut listed: Vec<_> = autoscaler.replicas().iter().filter(|replica| replica.counts()).cloned().collect();
        listed.sort_by_key(|replica| replica.started.map_or((true, Timestamp::default()), |at| (false, at)));
        listed.truncate(usize::try_from(target).unwrap_or(usize::MAX));
        let mut listed: Vec<_> = listed.iter().map(|replica| self.each.as_of(replica)).collect();
        let mut ids: BTreeSet<_> = listed.iter().map(|listed| listed.replica.id.clone()).collect();
        // The epoch stands for ever.
        let decided = from.map_or_else(|| self.now.minus(LONG), |from| from.max(Timestamp::from_millis(1)));
        let new = (1..).map(|number| self.each.numbered(number).serving_since(decided));
        let missing = target.saturating_sub(count(listed.len()));
        let new = new.filter(|new| ids.insert(new.replica.id.clone()));
        listed.extend(new.take(usize::try_from(missing).unwrap_or(usize::MAX)));
        listed
    }

    /// Every sample, by time.
    fn samples(&self, listed: &[Listed]) -> BTreeMap<Timestamp, Vec<Sample>> {
        let of_service = self.signals.iter().map(|measured| measured.sample(Subject::Service));
        let of_replicas = listed.iter().flat_map(|listed| {
            listed.samples.iter().map(|measured| measured.sample(Subject::Replica(listed.replica.id.clone())))
        });
        let mut by_time: BTreeMap<Timestamp, Vec<Sample>> = BTreeMap::new();
        for sample in of_service.chain(of_replicas) {
            by_time.entry(sample.at).or_default().push(sample);
        }
        by_time
    }
}

impl Listed {
    /// The replica of that number, from 1, of those that are all alike.
    pub(crate) fn numbered(&self, number: u32) -> Self {
        let id = ReplicaId::new(format!("replica-{number}"));
        Self { replica: Replica { id, ..self.replica.clone() }, samples: self.samples.clone() }
    }

    /// It, having served since that moment where nothing is said of its age.
    pub(crate) fn serving_since(mut self, moment: Timestamp) -> Self {
        if self.replica.state == ReplicaState::Running && self.replica.unready_since.is_none() {
            self.replica.started = self.replica.started.or(self.replica.ready_since).or(Some(moment));
            self.replica.ready_since = self.replica.ready_since.or(self.replica.started);
        }
        self
    }

    /// A replica of which is said what is said of each, and which else is as it was.
    fn as_of(&self, before: &Replica) -> Self {
        let said = self.replica.started.is_some() || self.replica.ready_since.is_some();
        let each = if said { self.clone().serving_since(Timestamp::default()).replica } else { before.clone() };
        let replica = Replica {
            started: each.started,
            ready_since: each.ready_since,
            cpu_limit_cores: self.replica.cpu_limit_cores,
            memory_limit_bytes: self.replica.memory_limit_bytes,
            cpu_reservation_cores: self.replica.cpu_reservation_cores,
            memory_reservation_bytes: self.replica.memory_reservation_bytes,
            ..before.clone()
        };
        Self { replica, samples: self.samples.clone() }
    }
}

impl Measured {
    fn sample(&self, of: Subject) -> Sample {
        Sample { signal: self.signal.clone(), of, at: self.at, reading: self.reading.clone() }
    }
}
