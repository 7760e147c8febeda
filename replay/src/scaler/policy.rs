//! A policy, by the code that decides live.

use std::sync::Arc;

use autoscaler::{Autoscaler, Evaluation, Event, Policy, Timestamp, explain};

use super::{Scaler, Seen};

/// A policy, by the same [`Autoscaler`] that decides live.
#[derive(Clone, Debug)]
pub struct PolicyScaler {
    name: String,
    policy: Arc<Policy>,
    autoscaler: Autoscaler,
    newest: Option<Evaluation>,
}

impl PolicyScaler {
    /// One that remembers nothing. `name` is what the policy is called in reports.
    pub fn new(name: impl Into<String>, policy: impl Into<Arc<Policy>>) -> Self {
        let policy = policy.into();
        Self { name: name.into(), autoscaler: Autoscaler::new(Arc::clone(&policy)), policy, newest: None }
    }

    /// What decides, with all that it remembers.
    pub fn autoscaler(&self) -> &Autoscaler {
        &self.autoscaler
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}

impl Scaler for PolicyScaler {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn decide(&mut self, _seen: &Seen, told: &mut Vec<Event>, now: Timestamp) -> Option<u32> {
        for event in told.drain(..) {
            self.autoscaler.handle_event(event, now);
        }
        let evaluation = match self.newest.take() {
            // Its space is used again: there are a million of them in a second.
            Some(mut evaluation) => {
                self.autoscaler.evaluate_into(&mut evaluation, now);
                evaluation
            }
            None => self.autoscaler.evaluate(now),
        };
        self.autoscaler.record(&evaluation);
        self.newest.insert(evaluation).verdict.replicas()
    }

    fn next_look(&self) -> Option<Timestamp> {
        self.newest.as_ref()?.next.as_ref().map(|wakeup| wakeup.at)
    }

    fn why(&self) -> String {
        self.newest.as_ref().map(explain::sentence).unwrap_or_default()
    }

    fn evaluation(&self) -> Option<&Evaluation> {
        self.newest.as_ref()
    }

    fn restart(&mut self, _now: Timestamp) {
        self.autoscaler = Autoscaler::restore(Arc::clone(&self.policy), self.autoscaler.memory().clone());
    }

    fn reads(&self, signal: &str) -> bool {
        self.policy.signals_read().iter().any(|read| read.as_str() == signal)
    }

    fn wants_events(&self) -> bool {
        true
    }
}
