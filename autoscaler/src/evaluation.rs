//! What an evaluation found, in types. [`explain`](crate::explain) turns it into sentences.

mod guards;
mod recommendation;
mod signal;

pub use guards::*;
pub use recommendation::*;
pub use signal::*;

use serde::{Deserialize, Serialize};

use crate::{
    event::Outcome,
    policy::{Direction, Limits, Mode},
    quantity::SignalName,
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

impl Evaluation {
    /// Of a service of which nothing is known but the limits.
    pub(crate) fn unseen(limits: Limits) -> Self {
        Self {
            number: 0,
            at: Timestamp::default(),
            mode: Mode::default(),
            limits,
            observed: Observed::default(),
            current: None,
            signals: Vec::new(),
            recommendations: Vec::new(),
            combined: Combined { wants: None, winner: None, blind: false, activity: Activity::Always },
            effects: Vec::new(),
            verdict: Verdict::Unseen,
            outcome: None,
            next: None,
        }
    }
}

/// Replicas as listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Running or starting.
    pub running: u32,
    /// Serving.
    pub ready: u32,
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
