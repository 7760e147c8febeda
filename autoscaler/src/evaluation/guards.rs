//! What each guard did.

use serde::{Deserialize, Serialize};

use crate::{
    event::Phase,
    policy::{Direction, Rate},
    quantity::{SignalName, Unit},
    time::Timestamp,
};

/// What one guard did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuardEffect {
    /// Which.
    pub guard: Guard,
    /// What it was given.
    pub from: u32,
    /// What it made of it; the same where it only says something: that it cannot tell, or what it would do if others let it.
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
    /// Nobody knows what one more replica takes of these, so that nobody can tell whether the host has room: it changes
    /// nothing.
    HeadroomUnknown {
        /// Of what.
        of: Vec<Resource>,
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
