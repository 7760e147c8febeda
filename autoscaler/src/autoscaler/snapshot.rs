//! Everything that an autoscaler knows at a moment, so that another one can go on from there exactly.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Autoscaler, observed};
use crate::{
    Memory, Policy, Timestamp,
    event::{Observation, Outcome, Peer},
    memory,
    rule::{AllReads, schedule::Windows},
    signal::Signals,
};

/// Everything that an autoscaler knows at a moment: its policy, what it remembers, the samples of its windows, what was
/// listed and told last. Unlike [`Memory`], with which a restarted controller begins to measure anew, nothing is left out:
/// whoever [resumes](Autoscaler::resume) from it and is told the same decides the same, to the last digit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    now: Timestamp,
    policy: Policy,
    #[serde(deserialize_with = "memory::all")]
    memory: Memory,
    signals: Signals,
    #[serde(default)]
    observation: Option<Observation>,
    last_removal: Timestamp,
    #[serde(default)]
    host_lost: bool,
    #[serde(default)]
    outcome: Option<Outcome>,
    #[serde(default)]
    peers: BTreeMap<String, Peer>,
    #[serde(default)]
    budgets: BTreeMap<String, f64>,
    #[serde(default)]
    windows: Windows,
}

impl Snapshot {
    /// When the autoscaler was told something last.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What guards and rules remember.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What is listed.
    pub fn observation(&self) -> Option<&Observation> {
        self.observation.as_ref()
    }
}

impl Autoscaler {
    /// Everything that it knows.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            now: self.now,
            policy: (*self.policy).clone(),
            memory: self.memory.clone().beside_its_policy(),
            signals: self.signals.clone(),
            observation: self.observed.map(|_| self.observation.clone()),
            last_removal: self.last_removal,
            host_lost: self.host_lost,
            outcome: self.outcome.clone(),
            peers: self.peers.clone(),
            budgets: self.budgets.clone(),
            windows: self.windows.clone(),
        }
    }

    /// One that goes on exactly where the other one was.
    pub fn resume(snapshot: Snapshot) -> Self {
        let policy = Arc::new(snapshot.policy);
        let mut memory = snapshot.memory;
        memory.rules = memory.rules.of(&policy);
        Self {
            reads: AllReads::of(&policy),
            policy,
            memory,
            signals: snapshot.signals,
            readings: Vec::new(),
            readings_hold: false,
            observed: snapshot.observation.as_ref().map(observed),
            observation: snapshot.observation.unwrap_or_default(),
            last_removal: snapshot.last_removal,
            host_lost: snapshot.host_lost,
            outcome: snapshot.outcome,
            peers: snapshot.peers,
            budgets: snapshot.budgets,
            windows: snapshot.windows,
            now: snapshot.now,
        }
    }
}
