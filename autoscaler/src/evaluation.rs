//! What an evaluation found, in types. [`explain`](crate::explain) turns it into sentences.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    calendar::Calendar,
    event::{Outcome, Phase},
    policy::{Bounds, Direction, Goal, Limits, Mode, Order, Rate, Scheduled, Tolerance},
    quantity::{Quantity, SignalName, Unit},
    time::Timestamp,
};

/// Everything that went into one verdict on one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Counts the evaluations of the service that were recorded, from 1; survives a restart.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Whether the policy acts.
    pub mode: Mode,
    /// The limits in force.
    pub limits: Limits,
    /// Replicas as listed.
    pub observed: Observed,
    /// Replicas that the verdict starts from: the newest target, or what was listed where there is none.
    pub current: Option<u32>,
    /// What rules and guards read, each once.
    pub signals: Vec<SignalReading>,
    /// What the rules want, in their order.
    pub recommendations: Vec<Recommendation>,
    /// What they want together.
    pub combined: Combined,
    /// What each guard that did something did, in the order of application.
    pub effects: Vec<GuardEffect>,
    /// What came of it.
    pub verdict: Verdict,
    /// How carrying out the newest target went, where it did not simply succeed.
    pub outcome: Option<Outcome>,
    /// When it is worth another look even if nothing happens, and why.
    pub next: Option<Wakeup>,
}

/// Replicas as listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Running or starting.
    pub running: u32,
    /// Serving.
    pub ready: u32,
}

/// A signal as a rule reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalReading {
    /// Which.
    pub signal: SignalName,
    /// What its values are measured in.
    pub unit: Unit,
    /// The mean is taken over this.
    pub window: Duration,
    /// Sum over replicas, or the service's own value; absent: missing.
    pub total: Option<f64>,
    /// Sum over replicas of each one's share of its limit; absent: missing, or without limit.
    pub shares: Option<f64>,
    /// Sum over replicas of each one's share of its reservation; absent: missing, or without reservation.
    #[serde(default)]
    pub of_reservations: Option<f64>,
    /// Age of the newest sample.
    pub age: Option<Duration>,
    /// The value is the last good one, and this old.
    #[serde(default)]
    pub kept: Option<Duration>,
    /// Whose values it is made of.
    pub origin: Origin,
    /// Replicas that it covers.
    pub measured: u32,
    /// Replicas left out because they do not serve yet, or not for long enough.
    pub warming: u32,
    /// Replicas left out because they should have a sample and have none.
    pub absent: u32,
    /// Why it is missing, or does not cover all replicas.
    pub gap: Option<Gap>,
}

/// Whose values a signal is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The service has one value of its own, which adding replicas does not change by itself.
    Service,
    /// Each replica has one; the total is their sum.
    Replicas,
}

/// Why a signal is missing, or covers only some of the replicas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// It never had a sample.
    Never,
    /// Its newest sample is too old.
    Stale {
        /// How old.
        age: Duration,
    },
    /// Every replica is too new to say anything.
    WarmingUp,
    /// Some replicas have no sample.
    SomeReplicas {
        /// How many have none.
        missing: u32,
        /// Of how many.
        of: u32,
    },
    /// Neither the replicas nor the host have a known limit to take a share of.
    NoLimit,
    /// It is known that there is none: no request came that it could be of.
    Idle,
    /// What the prober said.
    Said(String),
}

/// What one rule wants, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// Its place in the policy, from 0.
    pub rule: usize,
    /// What the policy calls it.
    #[serde(default)]
    pub name: Option<String>,
    /// It is recorded and never acts.
    #[serde(default)]
    pub observes: bool,
    /// The place in [`Evaluation::signals`] of what it goes by; absent: it goes by no signal.
    #[serde(default)]
    pub reading: Option<usize>,
    /// What it wants.
    pub opinion: Opinion,
    /// Why.
    pub reason: RuleReason,
}

/// What one rule wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opinion {
    /// So many replicas.
    Wants(u32),
    /// Nothing; it does not apply just now.
    Abstains,
    /// A step this way, but not yet: while it is upwards, nothing is removed.
    Waits(Direction),
    /// It cannot tell, for want of data: nothing is removed meanwhile.
    Unknown,
}

impl Recommendation {
    /// What its rule goes by.
    pub fn reading<'e>(&self, evaluation: &'e Evaluation) -> Option<&'e SignalReading> {
        evaluation.signals.get(self.reading?)
    }
}

/// Why a rule wants what it wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleReason {
    /// Nothing to say.
    Unsaid,
    /// Demand against what the replicas shall carry.
    Target {
        /// Which signal.
        signal: SignalName,
        /// What shall be carried.
        goal: Goal,
        /// The demand, as so many replicas' worth.
        load: f64,
        /// Replicas that are too new to say anything: idle when growing, busy when shrinking.
        warming: u32,
        /// Replicas that should have a sample and have none: nothing is removed meanwhile.
        absent: u32,
        /// How far demand may be from that.
        tolerance: Tolerance,
        /// Whether that is what held it.
        within_tolerance: bool,
    },
    /// What Kubernetes' horizontal pod autoscaler makes of it; see [`rule::kubernetes_hpa`](crate::rule::kubernetes_hpa).
    KubernetesHpa {
        /// Which signal.
        signal: SignalName,
        /// What shall be carried.
        goal: Goal,
        /// What is held against the goal: a share, the mean over the ready replicas, or the service's own value.
        level: f64,
        /// So many times the goal.
        ratio: f64,
        /// So many times, with missing and unready replicas filled in; absent: there was no need to.
        filled: Option<f64>,
        /// Replicas that count.
        ready: u32,
        /// Replicas that are starting.
        unready: u32,
        /// Replicas without a sample.
        missing: u32,
        /// How far the ratio may be from 1.
        tolerance: Tolerance,
        /// What held it, where something did.
        held: Option<HpaHold>,
    },
    /// A signal against a bound.
    Threshold {
        /// Which signal.
        signal: SignalName,
        /// Its level, in the bound's unit.
        level: f64,
        /// Which levels are a breach.
        bounds: Bounds,
        /// How it stands.
        state: ThresholdState,
        /// What is said instead of doing anything.
        #[serde(default)]
        warns: Option<String>,
        /// What a breach leads to; absent: neither more nor fewer.
        #[serde(default)]
        direction: Option<Direction>,
        /// Why a breach changes nothing, where that is so.
        #[serde(default)]
        stays: Option<ThresholdStays>,
    },
    /// A backlog.
    Queue {
        /// Which signal.
        signal: SignalName,
        /// How much waits or is being worked on.
        backlog: f64,
        /// So many replicas' worth.
        load: f64,
        /// By what it is judged.
        goal: QueueGoalSeen,
        /// Replicas that should have a sample and have none: nothing is removed meanwhile.
        absent: u32,
    },
    /// Another service.
    Ratio {
        /// Which.
        of: String,
        /// What counts of it; absent: it is not known.
        count: Option<u32>,
        /// For each so many.
        for_each: u32,
        /// So many of this one.
        replicas: u32,
        /// Which of the two grows first.
        order: Order,
    },
    /// A long window and a short one.
    Burst {
        /// Which signal.
        signal: SignalName,
        /// What one replica shall carry.
        per_replica: Quantity,
        /// The demand over the long window, as so many replicas' worth.
        steady: f64,
        /// The same over the short one.
        burst: f64,
        /// The long window.
        window: Duration,
        /// The short one.
        panic_window: Duration,
        /// Replicas that serve, at least 1.
        ready: u32,
        /// From so many times these on it panics.
        panic_at: f64,
        /// Until when it panics if nothing happens; absent: it does not.
        until: Option<Timestamp>,
        /// What may change at once decided, and not the demand: so many.
        clamped: Option<u32>,
        /// Replicas that should have a sample and have none: nothing is removed meanwhile.
        absent: u32,
    },
    /// The demand that is to come.
    Forecast {
        /// Which signal.
        signal: SignalName,
        /// What one replica shall carry.
        per_replica: Quantity,
        /// That demand, as so many replicas' worth.
        load: f64,
    },
    /// An expression.
    Formula {
        /// As it was written.
        formula: String,
        /// Its signals with their values.
        terms: Vec<(SignalName, f64)>,
        /// Its value; absent: it has none.
        value: Option<f64>,
        /// Why it has none.
        impossible: Option<String>,
        /// Replicas that should have a sample and have none: nothing is removed meanwhile.
        absent: u32,
    },
    /// Limits at certain times.
    Schedule {
        /// When.
        calendar: Calendar,
        /// Whether that is now.
        active: bool,
        /// Until when that stays so; absent: for good.
        until: Option<Timestamp>,
        /// What it sets then.
        sets: Scheduled,
        /// The `min` that its `max` pulls down with it.
        #[serde(default)]
        pulls: Option<u32>,
    },
    /// The signal is missing.
    Missing {
        /// Which.
        signal: SignalName,
        /// Why.
        gap: Gap,
    },
}

/// By what a backlog was judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueGoalSeen {
    /// What one replica may have before it.
    PerReplica(f64),
    /// It shall be worked off in time.
    Drain {
        /// Within this.
        within: Duration,
        /// What one job takes, in seconds.
        job_takes: f64,
        /// Jobs that come meanwhile, per second; absent: they do not count, or are not known.
        arrivals: Option<f64>,
        /// Jobs that one replica works on at once.
        at_once: u32,
    },
}

/// What keeps Kubernetes' arithmetic from a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HpaHold {
    /// It is within tolerance.
    Tolerance,
    /// With missing and unready replicas filled in it would go the other way.
    Turned,
}

/// How a threshold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdState {
    /// Not past the bound.
    Clear,
    /// Past it in too few of the newest samples.
    Counting {
        /// So many are.
        hits: u8,
        /// So many have to be.
        needed: u8,
        /// Of so many.
        of: u8,
    },
    /// Past it, not for long enough yet.
    Pending {
        /// Since when.
        since: Timestamp,
        /// Until when it has to stay so.
        until: Timestamp,
    },
    /// Past it for long enough, but the last step has not had its effect yet.
    Settling {
        /// Replicas that serve.
        ready: u32,
        /// Replicas that shall.
        target: u32,
    },
    /// Past it for long enough.
    Breached {
        /// Since when.
        since: Timestamp,
    },
}

/// Why a threshold's breach changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdStays {
    /// The rule does not go beyond this count.
    Limit(u32),
    /// Its step for this level is none, or too small for a whole replica.
    NoStep,
}

/// What the rules want together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Combined {
    /// So many replicas.
    pub wants: Option<u32>,
    /// The rule that decided it, where one did.
    pub winner: Option<usize>,
    /// A rule without data kept the others from removing replicas.
    pub blind: bool,
    /// Whether there is anything to do for the service at all.
    #[serde(default)]
    pub activity: Activity,
}

/// Whether there is anything to do for a service at all. Of services that may have fewer than one replica, or fewer than
/// `min` while idle, this decides before anything else does: activation beats scaling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// It does not matter: the policy knows no idle count.
    #[default]
    Always,
    /// This rule's signal is above its `activate`.
    Active {
        /// Its place in the policy.
        rule: usize,
    },
    /// No rule's is.
    Inactive,
    /// One that could say so is blind.
    Unknown,
}

/// What one guard did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuardEffect {
    /// Which.
    pub guard: Guard,
    /// What it was given.
    pub from: u32,
    /// What it made of it.
    pub to: u32,
    /// Until when, where that is known.
    pub until: Option<Timestamp>,
}

/// The guards, in the order of application. See [`guard`](crate::guard).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// It would at once be undone, by this rule.
    Undone {
        /// Its place in the policy.
        rule: usize,
    },
    /// Latency or errors are above normal, so that idle CPU is no sign of idleness.
    Strained {
        /// Which signal.
        signal: SignalName,
        /// Its level; absent: it cannot be told.
        level: Option<f64>,
        /// From when on it is strained; absent: what is normal is not known yet.
        bound: Option<f64>,
        /// What both are measured in.
        unit: Unit,
    },
    /// After the last scale-up this got worse.
    Worse {
        /// Which signal.
        signal: SignalName,
        /// Before.
        before: f64,
        /// Now.
        now: f64,
    },
    /// Recommendations of the last while that do not agree.
    Stabilization(Direction),
    /// The last step was too short a time ago.
    Cooldown(Direction),
    /// Only so many at once.
    Step(Direction),
    /// Only so many within such a time.
    AtMost {
        /// Which way.
        direction: Direction,
        /// The limit that decided.
        rate: Rate,
    },
    /// Another service has to grow first.
    Led {
        /// Which.
        by: String,
    },
    /// The host has no room for more.
    Headroom {
        /// Of what.
        of: Resource,
        /// What there is, in cores or bytes.
        free: f64,
        /// What has to stay free.
        reserve: f64,
        /// What one more replica would take.
        each: f64,
    },
    /// Something shared has no room for more.
    Budget {
        /// Its name.
        name: String,
        /// What others take of it.
        by_others: f64,
        /// All of it, less the reserve.
        total: f64,
        /// What one replica takes.
        each: f64,
    },
    /// `replicas.min`, or that of a schedule, or that of an idle service.
    Min,
    /// `replicas.max`, or that of a schedule.
    Max,
    /// The service's own configuration allows no more, whatever the policy says.
    Most,
    /// So many must not be removed.
    Protected {
        /// Why.
        why: String,
    },
    /// So many removals within such a time, of whatever cause.
    KillBudget(Rate),
    /// Replicas die again and again.
    CrashLoop {
        /// How often.
        restarts: u64,
        /// The last count at which all served, if it goes back to that.
        back_to: Option<u32>,
    },
    /// Too many samples vanished at once.
    Implausible {
        /// So many replicas have none.
        missing: u32,
        /// Of so many.
        of: u32,
    },
    /// The operator set the count by hand.
    Manual {
        /// To this.
        asked: u32,
    },
    /// The policy is paused.
    Pause,
    /// Nothing may be changed just now.
    Freeze(Freeze),
}

/// What a host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Cores.
    Cpu,
    /// Memory.
    Memory,
}

/// Why nothing may be changed just now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freeze {
    /// Somebody else changes the service, or has stopped it.
    Phase(Phase),
    /// It cannot be scaled.
    Refused(Vec<String>),
    /// Its host has not been heard of for too long.
    HostLost,
}

/// What came of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The service has not been listed yet, so there is nothing to start from.
    Unseen,
    /// As many as before.
    Hold {
        /// How many.
        at: u32,
    },
    /// More or fewer.
    Scale {
        /// Before.
        from: u32,
        /// After.
        to: u32,
    },
}

impl Verdict {
    /// How many replicas there shall be; `None` while unseen.
    pub fn replicas(self) -> Option<u32> {
        match self {
            Self::Unseen => None,
            Self::Hold { at } => Some(at),
            Self::Scale { to, .. } => Some(to),
        }
    }

    /// More or fewer; `None` for as many.
    pub fn direction(self) -> Option<Direction> {
        match self {
            Self::Scale { from, to } if to > from => Some(Direction::Up),
            Self::Scale { .. } => Some(Direction::Down),
            Self::Unseen | Self::Hold { .. } => None,
        }
    }
}

/// When it is worth another look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wakeup {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub because: WakeupReason,
}

/// Why it is worth another look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WakeupReason {
    /// A guard lets go.
    Released(Guard),
    /// A threshold will have been breached for long enough.
    Breach {
        /// The rule's place in the policy.
        rule: usize,
    },
    /// A schedule begins or ends.
    Schedule {
        /// The rule's place in the policy.
        rule: usize,
    },
    /// A burst will have been over for long enough.
    Calm {
        /// The rule's place in the policy.
        rule: usize,
    },
    /// A missing signal's fallback begins.
    Fallback(SignalName),
    /// A replica will have served for long enough to count.
    WarmedUp,
    /// A signal will be missing if no sample comes.
    Stale(SignalName),
}
