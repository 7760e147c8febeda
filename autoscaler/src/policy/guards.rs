//! Guards as a policy gives them. What each does is in [`guard`](crate::guard), one file per guard.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Bound, StepSize};
use crate::quantity::SignalName;

/// What holds or bends what the rules want.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guards {
    /// Upwards.
    pub up: DirectionGuards,
    /// Downwards.
    pub down: DirectionGuards,
    /// A scale-down that would at once be undone is not made.
    pub undone: bool,
    /// Nothing is removed while one of these says that the service is strained.
    pub unless: Vec<Strain>,
    /// A scale-up after which this got worse is followed by no other for a while.
    pub worse: Option<Worse>,
    /// What a missing signal does.
    pub missing: MissingPolicies,
    /// A replica that serves for less than this says nothing about load yet.
    pub warm_up: Duration,
    /// A signal without a sample for this long is missing.
    pub stale_after: Duration,
    /// Nothing is changed while at least such a share of the replicas' samples vanished at once.
    pub implausible: Option<f64>,
    /// Nothing is added while replicas die again and again.
    pub crash_loop: Option<CrashLoop>,
    /// So many removals of any cause, at most.
    pub kill_budget: Option<Rate>,
    /// What is kept free on the host when adding.
    pub headroom: Headroom,
    /// What each replica takes of something that is shared.
    pub budgets: Vec<Budget>,
    /// How long a count that the operator set by hand stays; zero: not.
    pub manual: Duration,
    /// How replicas are removed.
    pub removal: Removal,
}

/// Guards of one direction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DirectionGuards {
    /// No step this way until so long after the last one: up after the last up, down after the last of either.
    pub cooldown: Duration,
    /// Only as far as every recommendation of so long agrees to.
    pub stabilize: Duration,
    /// Only so many within such a time.
    pub at_most: Vec<Rate>,
    /// Which of several counts.
    pub select: Select,
    /// Only so many at once.
    pub step: Option<StepSize>,
}

/// So many replicas within such a time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// How many, or which share of those that there were at its beginning.
    pub size: StepSize,
    /// Within this.
    pub per: Duration,
}

/// Which of several limits counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Select {
    /// The one that allows the most.
    #[default]
    Widest,
    /// The one that allows the least.
    Narrowest,
}

/// A sign that a service is strained even if its CPU is idle: it waits for something else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strain {
    /// What it reads.
    pub signal: SignalName,
    /// From when on.
    pub level: StrainLevel,
}

/// From when on a service is strained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrainLevel {
    /// Above this.
    Above(Bound),
    /// Above what is usual by more than this share; 0.5 is 50 %.
    AboveNormal(f64),
}

/// A circuit breaker for scale-ups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worse {
    /// What must not get worse: greater.
    pub signal: SignalName,
    /// By more than this share; 0.5 is 50 %.
    pub by: f64,
    /// For so long after a scale-up it is watched, and for so long nothing more is added.
    pub within: Duration,
}

/// What missing signals do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MissingPolicies {
    /// Of all others.
    pub default: Missing,
    /// Of these.
    pub by_signal: BTreeMap<SignalName, Missing>,
}

impl MissingPolicies {
    /// What the absence of `signal` does.
    pub fn of(&self, signal: &SignalName) -> Missing {
        self.by_signal.get(signal).copied().unwrap_or(self.default)
    }
}

/// What a missing signal does, in this order. By duration and not by count, which would mean another time at another
/// interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Missing {
    /// Its last good value goes on for so long.
    pub last_good: Duration,
    /// From when on, counted from its last value, `then` holds.
    pub after: Duration,
    /// What it asks for then.
    pub then: Fallback,
}

/// What a signal asks for that is missing for too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// Nothing; nothing is removed meanwhile.
    #[default]
    Hold,
    /// So many replicas at least; nothing is removed meanwhile.
    AtLeast(u32),
    /// As many as are allowed.
    Max,
}

/// Replicas that die again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashLoop {
    /// So many restarts of the service's replicas together.
    pub restarts: u32,
    /// Within this.
    pub within: Duration,
    /// Go back to the last count at which all served.
    pub roll_back: bool,
}

/// What is kept free on the host when adding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Headroom {
    /// Of its cores.
    pub cpu: Option<Reserve>,
    /// Of its memory.
    pub memory: Option<Reserve>,
}

/// A part of a host.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reserve {
    /// Such a share; 0.1 is 10 %.
    Share(f64),
    /// So much: cores, or bytes.
    Absolute(f64),
}

/// What each replica takes of something that is shared, for example a database's connections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// What it is called: policies that give the same name share it.
    pub name: String,
    /// All of it.
    pub total: f64,
    /// What is left to others.
    pub reserve: f64,
    /// What each replica takes; above 0.
    pub per_replica: f64,
}

/// How replicas are removed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Removal {
    /// How long a replica may take to end; absent: its own `stop_grace_period`.
    pub drain: Option<Duration>,
    /// Which go first.
    pub victims: Vec<Victim>,
    /// Where a replica says that it is busy and must not be removed.
    pub busy: Option<BusyEndpoint>,
}

/// Which replicas go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Victim {
    /// Those made from an older configuration.
    Obsolete,
    /// Those that do not serve.
    Unhealthy,
    /// Those that use the least CPU.
    Idle,
    /// Those with the highest number.
    Newest,
}

impl Victim {
    /// The order that is taken where none is given.
    pub const ORDER: [Self; 4] = [Self::Obsolete, Self::Unhealthy, Self::Idle, Self::Newest];
}

/// Where a replica says that it is busy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusyEndpoint {
    /// The port inside the container; absent: the only exposed TCP port.
    pub port: Option<u16>,
    /// The path.
    pub path: String,
}

impl Guards {
    /// The longest span that `stabilize` looks back.
    pub(crate) fn longest_stabilization(&self) -> Duration {
        self.up.stabilize.max(self.down.stabilize)
    }

    /// Every guard off: the rules' own arithmetic, within the limits.
    pub fn none() -> Self {
        Self {
            up: DirectionGuards::default(),
            down: DirectionGuards::default(),
            undone: false,
            unless: Vec::new(),
            worse: None,
            missing: MissingPolicies::default(),
            warm_up: Duration::ZERO,
            stale_after: Duration::from_secs(10),
            implausible: None,
            crash_loop: None,
            kill_budget: None,
            headroom: Headroom::default(),
            budgets: Vec::new(),
            manual: Duration::ZERO,
            removal: Removal { victims: Victim::ORDER.to_vec(), ..Removal::default() },
        }
    }

    /// Those of Kubernetes' horizontal pod autoscaler: its `behavior` where none is given (KEP-853).
    pub fn kubernetes_hpa() -> Self {
        let all_per = |per| Rate { size: StepSize::Share(1.0), per };
        let period = Duration::from_secs(15);
        Self {
            up: DirectionGuards {
                at_most: vec![Rate { size: StepSize::Count(4), per: period }, all_per(period)],
                ..DirectionGuards::default()
            },
            down: DirectionGuards {
                stabilize: Duration::from_mins(5),
                at_most: vec![all_per(period)],
                ..DirectionGuards::default()
            },
            ..Self::none()
        }
    }
}

impl Default for Guards {
    /// Up at once; down only as far as the last five minutes agree to (the defaults of Kubernetes' KEP-853), and
    /// at most once a minute. What protects from accidents is on.
    fn default() -> Self {
        Self {
            down: DirectionGuards {
                cooldown: Duration::from_mins(1),
                stabilize: Duration::from_mins(5),
                ..DirectionGuards::default()
            },
            undone: true,
            warm_up: Duration::from_secs(10),
            implausible: Some(0.33),
            crash_loop: Some(CrashLoop { restarts: 3, within: Duration::from_mins(5), roll_back: true }),
            kill_budget: Some(Rate { size: StepSize::Share(0.5), per: Duration::from_mins(1) }),
            headroom: Headroom { cpu: None, memory: Some(Reserve::Share(0.05)) },
            manual: Duration::from_mins(10),
            ..Self::none()
        }
    }
}
