//! A policy: what shall be done for a service. Made by [`parse`](crate::policy_file::parse) from YAML, once, so that
//! everything behind it can rely on it.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::quantity::{Quantity, SignalName};

/// What shall be done for the services that it names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Which services.
    pub services: Selector,
    /// Whether to act.
    pub mode: Mode,
    /// How few and how many replicas.
    pub limits: Limits,
    /// Where signals beyond the built-in ones come from.
    pub signals: BTreeMap<SignalName, SignalSource>,
    /// What wants how many, in the order of the file.
    pub rules: Vec<Rule>,
    /// What holds or bends that.
    pub guards: Guards,
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

/// How few and how many replicas. `min` is at most `max`, `max` at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// No fewer.
    pub min: u32,
    /// No more.
    pub max: u32,
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

/// One line of reasoning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// See [`rule::threshold`](crate::rule::threshold).
    Threshold(Threshold),
    /// See [`rule::target`](crate::rule::target).
    Target(Target),
}

impl Rule {
    /// The signal that it reads.
    pub fn signal(&self) -> &SignalName {
        match self {
            Self::Threshold(rule) => &rule.signal,
            Self::Target(rule) => &rule.signal,
        }
    }

    /// The window that it reads it over.
    pub fn window(&self) -> Duration {
        match self {
            Self::Threshold(rule) => rule.window,
            Self::Target(rule) => rule.window,
        }
    }
}

/// Adds or removes replicas while a signal is past a bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// What it reads.
    pub signal: SignalName,
    /// Which side of the bound is a breach. The bound itself is none.
    pub when: Side,
    /// The bound.
    pub bound: Quantity,
    /// How long without a break.
    pub hold_for: Duration,
    /// What a breach asks for.
    pub step: Step,
    /// The signal's value is its mean over this.
    pub window: Duration,
}

/// A side of a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Greater than it.
    Above,
    /// Less than it.
    Below,
}

/// A change of the number of replicas.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// More or fewer.
    pub direction: Direction,
    /// By how much.
    pub size: StepSize,
}

/// More or fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More.
    Up,
    /// Fewer.
    Down,
}

/// By how much.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepSize {
    /// So many replicas, at least 1.
    Count(u32),
    /// Such a share of the present ones, above 0; rounded away from them, so that it always is a step.
    Share(f64),
}

/// As many replicas as carry the demand, each carrying so much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// What it reads.
    pub signal: SignalName,
    /// What one replica shall carry; above 0.
    pub per_replica: Quantity,
    /// The demand is the mean over this.
    pub window: Duration,
    /// No change while demand is within this share of what the present replicas shall carry; 0.1 is 10 %.
    pub tolerance: f64,
}

/// What holds or bends what the rules want.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guards {
    /// Upwards.
    pub up: DirectionGuards,
    /// Downwards.
    pub down: DirectionGuards,
    /// A replica that serves for less than this says nothing about load yet.
    pub warm_up: Duration,
    /// A signal without a sample for this long is missing.
    pub stale_after: Duration,
}

/// Guards of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectionGuards {
    /// No step this way until so long after the last one: up after the last up, down after the last of either.
    pub cooldown: Duration,
    /// Only as far as every recommendation of so long agrees to.
    pub stabilize: Duration,
}

impl Guards {
    /// The longest span that `stabilize` looks back.
    pub(crate) fn longest_stabilization(&self) -> Duration {
        self.up.stabilize.max(self.down.stabilize)
    }
}

impl Default for Guards {
    /// Up at once; down only as far as the last five minutes agree to (the defaults of Kubernetes' KEP-853), and
    /// at most once a minute.
    fn default() -> Self {
        Self {
            up: DirectionGuards { cooldown: Duration::ZERO, stabilize: Duration::ZERO },
            down: DirectionGuards { cooldown: Duration::from_mins(1), stabilize: Duration::from_mins(5) },
            warm_up: Duration::from_secs(10),
            stale_after: Duration::from_secs(10),
        }
    }
}

/// Defaults of rules.
impl Rule {
    /// Of [`Threshold::window`] and [`Target::window`].
    pub const WINDOW: Duration = Duration::from_secs(15);
    /// Of [`Target::tolerance`]; the same as Kubernetes' horizontal autoscaler.
    pub const TOLERANCE: f64 = 0.1;
    /// The longest window that can be given: what the core keeps samples for.
    pub const LONGEST_WINDOW: Duration = Duration::from_mins(10);
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
