//! What each rule wants, and why.

use std::time::Duration;

use forecast::CapacityFit;
use serde::{Deserialize, Serialize};

use super::{Evaluation, Gap, SignalReading};
use crate::{
    calendar::Calendar,
    policy::{Bounds, Direction, Goal, Knob, Order, Scheduled, Tolerance},
    quantity::{Quantity, SignalName},
    time::Timestamp,
};

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
    /// Above this its signal says that there is something to do, where that matters: see [`Activity`](super::Activity).
    #[serde(default)]
    pub activate: f64,
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
        /// Until when it panics if nothing happens; absent: it does not. That is one `window` after it last had reason to.
        until: Option<Timestamp>,
        /// While it panics, never fewer than so many: the most that was wanted since it began to.
        #[serde(default)]
        most: u32,
        /// What may change at once decided, and not the demand: so many.
        clamped: Option<u32>,
        /// Replicas that should have a sample and have none: nothing is removed meanwhile.
        absent: u32,
    },
    /// The demand that is to come.
    Forecast(Box<ForecastReason>),
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
        /// Until when that stays so; absent: for good, as far as was looked.
        until: Option<Timestamp>,
        /// What it sets then.
        sets: Scheduled,
        /// The `min` that its `max` pulls down with it.
        #[serde(default)]
        pulls: Option<u32>,
        /// The policy's own `max`, where what it sets is more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        capped: Option<u32>,
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
        /// For how long there was no sample before `since`, where that began the wait anew.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        silence: Option<Duration>,
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
        /// Where samples are counted: so many of the newest so many are past it. The newest one need not be.
        #[serde(default)]
        samples: Option<(u8, u8)>,
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

/// What a forecast rule went by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForecastReason {
    /// Which signal.
    pub signal: SignalName,
    /// The demand now, in the signal's unit.
    pub demand: f64,
    /// What one replica carries, in the same unit.
    pub per_replica: f64,
    /// How that was learned, where it was.
    pub learned: Option<CapacityFit>,
    /// What a missing replica is worth.
    pub knob: Knob,
    /// How far ahead it looks.
    pub horizon: Duration,
    /// So many starts of replicas say so; absent: it was given.
    pub starts: Option<u32>,
    /// Replicas for the demand now.
    pub reactive: u32,
    /// What is to come.
    pub outlook: Outlook,
    /// What waits already: how many, and replicas that work it off beside what comes.
    pub backlog: Option<(f64, u32)>,
    /// So many were needed a moment ago, and an idle replica is kept until then: a new one would cost as much.
    pub held: Option<(u32, Timestamp)>,
    /// It is on trial, and does not act.
    pub trial: Option<Trial>,
    /// Replicas that should have a sample and have none: nothing is removed meanwhile.
    pub absent: u32,
}

/// What is to come, in replicas and as it was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outlook {
    /// It is known.
    Known {
        /// Replicas for the bound of the next step.
        next: u32,
        /// Replicas for the bound at the horizon.
        ahead: u32,
        /// How it was found.
        by: Box<forecast::Outlook>,
    },
    /// Too little was compared with what came: so many forecasts of so many that it takes.
    Learning {
        /// Compared.
        scored: u64,
        /// Needed.
        of: u64,
    },
    /// Samples of so many replicas are missing.
    Incomplete {
        /// Replicas.
        absent: u32,
    },
    /// The newest step that was measured whole is so old.
    Late {
        /// How old.
        age: Duration,
    },
}

/// How a rule on trial has done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// It is looked at again then.
    pub until: Timestamp,
    /// What its answers would have cost so far, in replica-hours: idle ones, and missing ones by what they are worth.
    pub cost: f64,
    /// What the reactive answers would have cost.
    pub reactive: f64,
}
