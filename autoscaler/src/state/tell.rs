//! A state told to an autoscaler, as events in the order of time.

use std::{collections::BTreeMap, time::Duration};

use super::{Listed, Measured, State};
use crate::{
    Autoscaler, Event, Timestamp,
    event::{Observation, Replica, ReplicaId, Sample, Subject},
};

impl State {
    /// Brings `autoscaler` to this state; it knows what was until `from`; `None` if it is new.
    pub(super) fn tell(&self, autoscaler: &mut Autoscaler, from: Option<Timestamp>) {
        let fresh = from.is_none();
        let from = from.unwrap_or_default();
        self.remind(autoscaler);
        let listed = self.listed(autoscaler);
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

    /// What is listed, or as many as there shall be.
    fn listed(&self, autoscaler: &Autoscaler) -> Vec<Listed> {
        match &self.replicas {
            Some(replicas) => replicas.clone(),
            None => (1..=autoscaler.memory().target().unwrap_or(0)).map(|number| self.each.numbered(number)).collect(),
        }
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
        let id = ReplicaId(format!("replica-{number}"));
        Self { replica: Replica { id, ..self.replica.clone() }, samples: self.samples.clone() }
    }
}

impl Measured {
    fn sample(&self, of: Subject) -> Sample {
        Sample { signal: self.signal.clone(), of, at: self.at, reading: self.reading.clone() }
    }
}
