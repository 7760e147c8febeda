//! The state of one service, and the four calls that drive it.

use serde::{Deserialize, Serialize};

use crate::{Evaluation, Event, Policy, Timestamp, Wakeup};

/// Decides for one service.
#[derive(Clone, Debug)]
pub struct Autoscaler {
    policy: Policy,
}

/// What must survive a restart: what guards and rules remember.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {}

impl Autoscaler {
    /// One that remembers nothing.
    pub fn new(policy: Policy) -> Self {
        Self { policy }
    }

    /// One that goes on where another left off.
    pub fn restore(policy: Policy, _memory: Memory) -> Self {
        Self { policy }
    }

    /// What must survive a restart.
    pub fn memory(&self) -> Memory {
        Memory {}
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Takes in what happened.
    ///
    /// # Panics
    /// When `now` is before that of an earlier call: the driver's clock must never go back.
    pub fn handle_event(&mut self, _event: Event, _now: Timestamp) {}

    /// What every rule wants, what every guard does, and the verdict. Changes nothing.
    pub fn evaluate(&self, _now: Timestamp) -> Evaluation {
        todo!()
    }

    /// Remembers what stabilization, cooldown and thresholds need of an evaluation that was acted upon.
    pub fn record(&mut self, _evaluation: &Evaluation) {}

    /// When it is worth another look even if nothing happens, and why.
    pub fn next_wakeup(&self, _now: Timestamp) -> Option<Wakeup> {
        None
    }
}
