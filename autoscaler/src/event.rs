//! What happens, told to [`Autoscaler::handle_event`](crate::Autoscaler::handle_event).

use std::{cmp::Ordering, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Policy, quantity::SignalName, time::Timestamp};

/// What happened to one service.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Something was measured.
    Samples(Vec<Sample>),
    /// Its replicas were listed.
    Observed(Observation),
    /// A target was reached, or was not.
    Outcome(Outcome),
    /// Its policy was edited.
    PolicyReplaced(Box<Policy>),
    /// Its host has not been heard of for too long.
    HostLost,
    /// Its host has been heard of again.
    HostFound,
    /// The operator set its count by hand.
    Rescaled {
        /// To this.
        replicas: u32,
    },
    /// What another service has that a `ratio` ties to this one.
    Peer {
        /// As the rule names it, or, where that service follows this one, its name.
        service: String,
        /// What it has; absent: it is gone.
        peer: Option<Peer>,
    },
    /// What the other services take of a budget that they share with this one.
    BudgetUsed {
        /// The budget's name.
        name: String,
        /// In the budget's own unit.
        by_others: f64,
    },
}

/// Another service that a `ratio` ties to this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Peer {
    /// How many there shall be.
    pub target: u32,
    /// How many its rules want, before this service held it back.
    pub wants: u32,
    /// How many serve.
    pub ready: u32,
    /// So many replicas of this service the other one carries: it grows first.
    pub carries: Option<u32>,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Of what.
    pub signal: SignalName,
    /// Of whom.
    pub of: Subject,
    /// When it was true.
    pub at: Timestamp,
    /// What was found.
    pub reading: Reading,
}

/// Whom a sample is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// One replica. The signal's total is the sum over replicas.
    Replica(ReplicaId),
    /// The service as a whole.
    Service,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// A value. One that is not finite counts as missing.
    Value(f64),
    /// A value that covers only so many of the replicas.
    Partial {
        /// The value.
        value: f64,
        /// Replicas that it covers.
        replicas: u32,
        /// Why not all.
        why: String,
    },
    /// It is known that there is none: no request came that it could be of. That is no want of data.
    Idle,
    /// Nothing, and why.
    Missing(String),
}

/// What tells replicas apart: the container ID. Cheap to clone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct ReplicaId(Arc<str>);

impl ReplicaId {
    /// An ID.
    pub fn new(id: impl AsRef<str>) -> Self {
        Self(id.as_ref().into())
    }

    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for ReplicaId {
    fn eq(&self, other: &Self) -> bool {
        // Most are clones of one another.
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for ReplicaId {}

impl PartialOrd for ReplicaId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ReplicaId {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl From<String> for ReplicaId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl From<ReplicaId> for String {
    fn from(id: ReplicaId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for ReplicaId {
    /// The first 12 digits, as Docker prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..12).unwrap_or(&self.0))
    }
}

/// A service as listed at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Observation {
    /// Its replicas; stopped ones are left out.
    pub replicas: Vec<Replica>,
    /// Whether it stands still.
    pub phase: Phase,
    /// Why it cannot be scaled, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<String>,
    /// The most replicas that its configuration allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<u32>,
    /// What its host has.
    pub host: HostCapacity,
}

/// What a host has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostCapacity {
    /// Its cores, where known: what a replica without a limit may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<f64>,
    /// Its memory in bytes, where known: what a replica without a limit may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<f64>,
    /// Cores busy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busy_cores: Option<f64>,
    /// Memory that can be had without swapping, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_bytes: Option<f64>,
}

/// One replica.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Replica {
    /// Which.
    pub id: ReplicaId,
    /// How far it is.
    pub state: ReplicaState,
    /// When its process started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// Since when it serves; absent while it is starting or unhealthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_since: Option<Timestamp>,
    /// Since when it does not serve, where it does not and that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unready_since: Option<Timestamp>,
    /// Cores that it may use; absent: those of the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_limit_cores: Option<f64>,
    /// Memory that it may use; absent: that of the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_limit_bytes: Option<f64>,
    /// Cores that are kept for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_reservation_cores: Option<f64>,
    /// Memory that is kept for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_reservation_bytes: Option<f64>,
    /// Why it must not be removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protected: Option<String>,
    /// How often it was started again.
    pub restarts: u64,
}

/// How far a replica is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaState {
    /// Its process runs.
    #[default]
    Running,
    /// It is made and its process does not run yet.
    Pending,
    /// It ended and does not come back.
    Failed,
    /// It is being removed.
    Removing,
}

impl Replica {
    /// Whether it is one of those that there are: running or on its way.
    pub fn counts(&self) -> bool {
        matches!(self.state, ReplicaState::Running | ReplicaState::Pending)
    }
}

/// Whether a service stands still.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It does.
    #[default]
    Settled,
    /// Somebody else changes it.
    Changing {
        /// Since when.
        since: Timestamp,
        /// What was seen.
        why: String,
    },
    /// Somebody stopped all of it.
    Stopped {
        /// Since when.
        since: Timestamp,
    },
}

/// How carrying out a target went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As many replicas serve as wanted.
    Reached {
        /// How many.
        replicas: u32,
    },
    /// It did not work.
    Failed {
        /// What went wrong, and what helps.
        why: String,
        /// When it is tried again; absent: when the target changes.
        retry_at: Option<Timestamp>,
    },
}
