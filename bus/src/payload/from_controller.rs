//! From the controller to agents.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
