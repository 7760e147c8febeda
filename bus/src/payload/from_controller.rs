//! From the controller to agents.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::is_zero;

/// What the policy asks of a host's agent. Bucket: `assignments`. Its absence means: not under a policy, do not touch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Payload version.
    pub v: u16,
    /// The Compose project.
    pub project: String,
    /// The service.
    pub service: String,
    /// Whether the agent may change anything.
    pub mode: Mode,
    /// No fewer replicas than this.
    pub min: u32,
    /// No more than this.
    pub max: u32,
    /// The controller's term, as in a [`Target`]: an older one than was seen is refused.
    #[serde(default)]
    pub term: u64,
    /// What to measure in the application.
    #[serde(default)]
    pub probes: Vec<Probe>,
    /// Which replicas go first when some have to go, the most telling first. What they do not tell apart is decided by
    /// the highest number.
    #[serde(default = "Victim::usual", skip_serializing_if = "Victim::are_usual")]
    pub victims: Vec<Victim>,
    /// How long a replica that has to go may take to end before it is killed, rounded up to whole seconds; absent: the
    /// service's own `stop_grace_period`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain_ms: Option<u64>,
    /// Where a replica says that it may not go just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy: Option<BusyProbe>,
    /// How long a count that somebody else chose ([`CountByOthers`](super::CountByOthers)) is left alone, from when it
    /// was chosen on, unless a newer target comes; 0: it is brought back at once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub manual_ms: u64,
}

/// What makes a replica one of the first to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Victim {
    /// Made from another configuration than the service has now.
    Obsolete,
    /// Does not serve.
    Unhealthy,
    /// Has used the least CPU of late; one whose use is not known is not idle.
    Idle,
    /// Has the highest number.
    Newest,
    /// Something that this build does not know: passed over.
    #[serde(other)]
    Unknown,
}

impl Victim {
    /// The order where nothing is said: obsolete ones, those that do not serve, the newest.
    pub fn usual() -> Vec<Self> {
        vec![Self::Obsolete, Self::Unhealthy, Self::Newest]
    }

    fn are_usual(order: &[Self]) -> bool {
        order == Self::usual()
    }
}

/// An endpoint of each replica that says whether the replica may be removed: an answer that begins with `busy`, or
/// status 409, 423 or 503, forbids it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusyProbe {
    /// The port inside the container; absent: the only exposed TCP port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The path, for example `/busy`.
    pub path: String,
}

/// Whether a policy acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Decide and scale.
    Act,
    /// Decide and record, touch nothing.
    #[serde(other)]
    Observe,
}

/// Something to measure in an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// A metric of each replica's Prometheus text endpoint.
    Prometheus {
        /// The signal's name in the policy.
        signal: String,
        /// The port inside the container; absent: the only exposed TCP port.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
        /// The path, for example `/metrics`.
        path: String,
        /// The metric's name (of a histogram: without `_bucket`).
        metric: String,
        /// Labels that a series must carry.
        #[serde(default)]
        labels: BTreeMap<String, String>,
        /// What to make of it.
        read: Read,
    },
    /// Messages of a NATS JetStream consumer that wait or are not acknowledged yet.
    Jetstream {
        /// The signal's name in the policy.
        signal: String,
        /// The server; absent: the one that the agent itself speaks to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<String>,
        /// The stream.
        stream: String,
        /// The consumer.
        consumer: String,
    },
    /// Something that this build does not know: reported as such, not measured.
    #[serde(untagged)]
    Unknown(serde_json::Value),
}

/// What to make of a metric's series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// A counter's increase per second, summed over series and replicas.
    Rate,
    /// A gauge, summed over series and replicas.
    Sum,
    /// A gauge, the mean over series and replicas.
    Mean,
    /// A gauge, the largest.
    Max,
    /// A histogram's quantile (0 to 1): buckets are summed over series and replicas first.
    Quantile(f64),
}

/// How many replicas there shall be. Bucket: `targets`. A level, never a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Payload version.
    pub v: u16,
    /// The Compose project.
    pub project: String,
    /// The service.
    pub service: String,
    /// How many.
    pub replicas: u32,
    /// The controller's term: grows with each controller start; an older one is refused.
    pub term: u64,
    /// Grows with each target of the service within the term.
    pub sequence: u64,
    /// When it was decided or last confirmed.
    pub issued_ms: u64,
    /// How long it holds without being confirmed; afterwards the agent changes nothing more.
    pub valid_for_ms: u64,
    /// The number of the evaluation that decided it.
    pub evaluation: u64,
    /// Why, as a sentence.
    pub reason: String,
}
