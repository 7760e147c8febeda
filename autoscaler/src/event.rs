//! What happens, told to [`Autoscaler::handle_event`](crate::Autoscaler::handle_event).

use std::fmt;

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

/// What tells replicas apart: the container ID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReplicaId(pub String);

impl fmt::Display for ReplicaId {
    /// The first 12 digits, as Docker prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..12).unwrap_or(&self.0))
    }
}

/// A service as listed at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// Its replicas that run or are starting; stopped ones are left out.
    pub replicas: Vec<Replica>,
    /// Whether it stands still.
    pub phase: Phase,
    /// Why it cannot be scaled, one sentence each.
    pub refusals: Vec<String>,
    /// The most replicas that its configuration allows.
    pub most: Option<u32>,
    /// What a replica without limits may use.
    pub host: HostCapacity,
}

/// What a replica without limits may use.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HostCapacity {
    /// Cores of the host, where known.
    pub cores: Option<f64>,
    /// Memory of the host in bytes, where known.
    pub memory_bytes: Option<f64>,
}

/// One replica.
#[derive(Clone, Debug, PartialEq)]
pub struct Replica {
    /// Which.
    pub id: ReplicaId,
    /// Since when it serves; absent while it is starting or unhealthy.
    pub ready_since: Option<Timestamp>,
    /// Cores that it may use; absent: those of the host.
    pub cpu_limit_cores: Option<f64>,
    /// Memory that it may use; absent: that of the host.
    pub memory_limit_bytes: Option<f64>,
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
