//! What would be decided if things were otherwise.

use std::time::Duration;

use super::Autoscaler;
use crate::{
    Evaluation, Event, Policy, Timestamp,
    evaluation::{Origin, SignalReading},
    event::{HostCapacity, Observation, Reading, Replica, ReplicaId, Sample, Subject},
    quantity::{Quantity, SignalName},
};

/// Supposed replicas have served for so long.
const SERVED_FOR: Duration = Duration::from_hours(1);
/// The most moments that a supposed span is told as.
const MOST_MOMENTS: u32 = 1000;
/// The most replicas that can be supposed.
const MOST_REPLICAS: u32 = 10_000;

/// What is supposed to be otherwise. Everything else goes on as it is now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hypothesis {
    /// Signals; of `cpu` and `memory`, the value of each replica.
    pub signals: Vec<(SignalName, Supposed)>,
    /// How many replicas there are, all of them serving. The work stays the same and is shared by them.
    pub replicas: Option<u32>,
    /// The policy.
    pub policy: Option<Policy>,
    /// It has been so for this long.
    pub lasting: Duration,
}

/// What a signal is supposed to say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Supposed {
    /// This.
    Value(Quantity),
    /// Nothing.
    Missing,
}

impl Autoscaler {
    /// What would be decided if things were otherwise. Changes nothing.
    ///
    /// # Panics
    /// When `now` is before that of an earlier call: the driver's clock must never go back.
    pub fn what_if(&self, hypothesis: &Hypothesis, now: Timestamp) -> Evaluation {
        let mut other = self.clone();
        let before = other.readings(now);
        if let Some(policy) = &hypothesis.policy {
            other.handle_event(Event::PolicyReplaced(Box::new(policy.clone())), now);
        }
        if let Some(replicas) = hypothesis.replicas {
            other.suppose_replicas(replicas.min(MOST_REPLICAS), now);
        }
        let observation = other.observation.clone();
        let told = other.told(hypothesis, &before, &observation);
        if !told.is_empty() || hypothesis.replicas.is_some() {
            other.last_removal = other.last_removal.min(now.minus(SERVED_FOR));
        }
        let step = (other.policy.guards.stale_after / 2).max(hypothesis.lasting / MOST_MOMENTS);
        let end = now.plus(hypothesis.lasting);
        let mut moment = now;
        loop {
            let samples = told.iter().map(|(signal, of, value)| Sample {
                signal: signal.clone(),
                of: of.clone(),
                at: moment,
                reading: Reading::Value(*value),
            });
            other.handle_event(Event::Samples(samples.collect()), moment);
            if moment >= end {
                return other.evaluate(end);
            }
            moment = moment.plus(step).min(end);
        }
    }

    fn readings(&self, now: Timestamp) -> Vec<SignalReading> {
        let mut readings = Vec::new();
        if self.observed.is_some() {
            self.read(&mut readings, now);
        }
        readings
    }

    /// As many replicas as supposed, each serving for long and like those that there are.
    fn suppose_replicas(&mut self, replicas: u32, now: Timestamp) {
        let mut observation = self.observation.clone();
        let model = observation.replicas.first().cloned().unwrap_or_default();
        let since = Some(now.minus(SERVED_FOR));
        observation.replicas = (0..replicas)
            .map(|place| Replica {
                id: ReplicaId::new(format!("supposed-{place}")),
                ready_since: since,
                started: since,
                unready_since: None,
                ..model.clone()
            })
            .collect();
        self.memory.target = self.memory.target.map(|_| replicas);
        self.handle_event(Event::Observed(observation), now);
    }

    /// What is told of each signal that the policy reads: what is supposed, else what it says now.
    fn told(
        &mut self,
        hypothesis: &Hypothesis,
        before: &[SignalReading],
        observation: &Observation,
    ) -> Vec<(SignalName, Subject, f64)> {
        let mut told = Vec::new();
        let mut done: Vec<SignalName> = Vec::new();
        let names: Vec<SignalName> = self.reads.each.iter().map(|reads| reads.signal.clone()).collect();
        let supposed_names = hypothesis.signals.iter().map(|(name, _)| name.clone());
        for name in names.into_iter().chain(supposed_names) {
            if done.contains(&name) {
                continue;
            }
            done.push(name.clone());
            let supposed = hypothesis.signals.iter().rev().find(|(other, _)| *other == name).map(|(_, said)| *said);
            let present = before.iter().find(|reading| reading.signal == name);
            let goes_on = supposed.is_none() && hypothesis.replicas.is_none() && hypothesis.lasting.is_zero();
            if goes_on {
                continue;
            }
            self.signals.forget(&name);
            told.extend(said_of(&name, supposed, present, observation));
        }
        told
    }
}

/// The samples of one signal.
fn said_of(
    name: &SignalName,
    supposed: Option<Supposed>,
    present: Option<&SignalReading>,
    observation: &Observation,
) -> Vec<(SignalName, Subject, f64)> {
    let of_replicas = SignalName::OF_REPLICAS.contains(&name.as_str())
        || present.is_some_and(|reading| reading.origin == Origin::Replicas);
    let total = present.and_then(|reading| reading.total);
    if !of_replicas {
        let value = match supposed {
            Some(Supposed::Value(quantity)) => Some(quantity.value()),
            Some(Supposed::Missing) => None,
            None => total,
        };
        return value.map(|value| (name.clone(), Subject::Service, value)).into_iter().collect();
    }
    let count = observation.replicas.len().max(1) as f64;
    let each = |replica: &Replica| match supposed {
        Some(Supposed::Value(quantity)) => of_one(name, quantity, replica, observation.host),
        Some(Supposed::Missing) => None,
        None => total.map(|total| total / count),
    };
    let replicas = observation.replicas.iter();
    replicas.filter_map(|replica| Some((name.clone(), Subject::Replica(replica.id.clone()), each(replica)?))).collect()
}

/// A supposed value of one replica; `None` where it is a share of something that is not known.
fn of_one(name: &SignalName, quantity: Quantity, replica: &Replica, host: HostCapacity) -> Option<f64> {
    match quantity {
        Quantity::Absolute { value, .. } => Some(value),
        Quantity::OfLimit(share) => Some(share * crate::signal::limit(name, replica, host)?),
        Quantity::OfReservation(share) => Some(share * crate::signal::reservation(name, replica)?),
    }
}
