//! A policy: what shall be done for a service. Made by [`parse`](crate::policy_file::parse) from YAML, once, so that
//! everything behind it can rely on it.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{formula::Formula, quantity::SignalName, time::Timestamp};

mod guards;
mod rule;

pub use guards::*;
pub use rule::*;

/// What shall be done for the services that it names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Which services.
    pub services: Selector,
    /// Whether to act.
    pub mode: Mode,
    /// Which ways are closed for now, and until when.
    pub pause: Option<Pause>,
    /// How few and how many replicas.
    pub limits: Limits,
    /// How `target` rules count.
    pub arithmetic: Arithmetic,
    /// Where signals beyond the built-in ones come from.
    pub signals: BTreeMap<SignalName, SignalSource>,
    /// What wants how many, in the order of the file.
    pub rules: Vec<Rule>,
    /// How what they want becomes one wish.
    pub combine: Group,
    /// What holds or bends that.
    pub guards: Guards,
}

impl Policy {
    /// The limits that can be in force at any time: those of the policy, of its schedules and of an idle service.
    pub fn widest_limits(&self) -> Limits {
        let mut limits = Limits::new(self.limits.min.min(self.limits.while_idle()), self.limits.max);
        for rule in &self.rules {
            if let RuleKind::Schedule(schedule) = &rule.kind {
                limits.min = limits.min.min(schedule.replicas.min.unwrap_or(limits.min));
                // A count above the policy's own limit moves that, too.
                limits.min = limits.min.min(schedule.replicas.max.unwrap_or(limits.min));
                limits.max = limits.max.max(schedule.replicas.max.unwrap_or(limits.max));
            }
        }
        limits
    }

    /// Every signal that a rule or guard reads, some of them more than once.
    pub fn signals_read(&self) -> Vec<SignalName> {
        crate::rule::reads(self).into_iter().map(|reads| reads.signal).collect()
    }
}

/// Which services a policy is for: `[host/]project/service`, where `*` stands for any run of characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selector {
    /// Host; absent: any.
    pub host: Option<String>,
    /// Compose project.
    pub project: String,
    /// Compose service.
    pub service: String,
}

impl Selector {
    /// Whether it names this service.
    pub fn matches(&self, host: &str, project: &str, service: &str) -> bool {
        self.host.as_deref().is_none_or(|pattern| glob(pattern, host))
            && glob(&self.project, project)
            && glob(&self.service, service)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(host) = &self.host {
            write!(f, "{host}/")?;
        }
        write!(f, "{}/{}", self.project, self.service)
    }
}

/// Whether a policy acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Decide and scale.
    #[default]
    Act,
    /// Decide and record, touch nothing.
    Observe,
}

/// Closes one way or both: replicas stay as they are, limits included. The decisions go on and are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Nothing is added.
    pub up: bool,
    /// Nothing is removed.
    pub down: bool,
    /// Until then; absent: until the policy is edited.
    pub until: Option<Timestamp>,
}

/// How few and how many replicas. `idle` is below `min`, `min` at most `max`, `max` at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// No fewer while the service is active.
    pub min: u32,
    /// No more.
    pub max: u32,
    /// As many while no rule is active; absent: `min`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<u32>,
}

impl Limits {
    /// `min` to `max`, also while nothing is active.
    pub const fn new(min: u32, max: u32) -> Self {
        Self { min, max, idle: None }
    }

    /// Whether there is a count for a service that is not active: it has to be told from one that is.
    pub fn has_idle(self) -> bool {
        self.idle.is_some() || self.min == 0
    }

    /// As many while the service is not active.
    pub fn while_idle(self) -> u32 {
        self.idle.unwrap_or(self.min)
    }
}

/// How `target` rules count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arithmetic {
    /// On demand: see [`rule::target`](crate::rule::target).
    #[default]
    Demand,
    /// Exactly as Kubernetes' horizontal pod autoscaler, so that who moves keeps their numbers: see
    /// [`rule::kubernetes_hpa`](crate::rule::kubernetes_hpa).
    KubernetesHpa(HpaSettings),
}

/// What a cluster's operator sets for all of its horizontal pod autoscalers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HpaSettings {
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`.
    pub cpu_initialization_period: Duration,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`.
    pub initial_readiness_delay: Duration,
    /// What each sample of the resource metrics covers.
    pub sample_window: Duration,
}

impl Default for HpaSettings {
    /// Those of `kube-controller-manager` and metrics-server.
    fn default() -> Self {
        Self {
            cpu_initialization_period: Duration::from_mins(5),
            initial_readiness_delay: Duration::from_secs(30),
            sample_window: Duration::from_mins(1),
        }
    }
}

/// Where a signal comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalSource {
    /// A metric of each replica's Prometheus text endpoint.
    Prometheus {
        /// The metric's name (of a histogram: without `_bucket`).
        metric: String,
        /// The port inside the container; absent: the only exposed TCP port.
        port: Option<u16>,
        /// The path.
        path: String,
        /// Labels that a series must carry.
        labels: BTreeMap<String, String>,
        /// What to make of it.
        read: Read,
    },
    /// Messages of a NATS `JetStream` consumer that wait or are not acknowledged yet.
    Jetstream {
        /// The server; absent: the one that Ballast itself uses.
        server: Option<String>,
        /// The stream.
        stream: String,
        /// The consumer.
        consumer: String,
    },
    /// Published on the bus by the application itself.
    Published,
    /// Made of other signals, which are measured.
    Formula(Formula),
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
    /// A histogram's quantile, above 0 and below 1.
    Quantile(f64),
}

/// Whether `text` matches `pattern`, in which `*` stands for any run of characters, also none.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("web", "web", true),
            ("web", "web2", false),
            ("*", "", true),
            ("we*", "web", true),
            ("*b", "web", true),
            ("w*b", "web", true),
            ("w*b*", "wob", true),
            ("a*a", "a", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxcyyb", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
