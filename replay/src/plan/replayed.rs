//! A plan, carried out.

use autoscaler::{Event, Timestamp};

use super::Plan;
use crate::scaler::{Scaler, Seen};

/// Sets the targets of a plan, each at its moment.
#[derive(Clone, Debug)]
pub struct PlanScaler {
    plan: Plan,
    /// Targets whose moment has come.
    passed: usize,
}

impl PlanScaler {
    /// One that has the whole plan before it.
    pub fn new(plan: Plan) -> Self {
        Self { plan, passed: 0 }
    }
}

impl Scaler for PlanScaler {
    fn name(&self) -> String {
        "clairvoyant plan".to_owned()
    }

    fn decide(&mut self, _seen: &Seen, _told: &mut Vec<Event>, now: Timestamp) -> Option<u32> {
        self.passed += self.plan.targets[self.passed..].iter().take_while(|(at, _)| *at <= now).count();
        self.plan.targets[..self.passed].last().map(|(_, replicas)| *replicas)
    }

    fn next_look(&self) -> Option<Timestamp> {
        self.plan.targets.get(self.passed).map(|(at, _)| *at)
    }

    fn why(&self) -> String {
        match self.plan.targets.get(self.passed) {
            Some((at, replicas)) => format!("it is known what will come: the next change is to {replicas}, at {at}"),
            None => "it is known what will come: nothing changes any more".to_owned(),
        }
    }
}
