//! Signals as rules and guards read them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::quantity::{SignalName, Unit};

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
    /// What the whole service is asked for, where some of those that warm up serve already; absent: the total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// Why it is missing, or does not cover all replicas.
    pub gap: Option<Gap>,
}

/// A demand of which not all was measured, because some of the replicas that serve warm up: what they use says nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Replicas that warm up and serve: each counts as one that is measured, but never for more than it uses itself.
    pub serving: u32,
    /// The demand with these.
    pub demand: f64,
    /// Replicas that warm up and of which only that they run is known: they have no health check.
    pub unsure: u32,
    /// The demand if these served as well.
    pub most: f64,
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
    /// There is a value, but what one replica carries of it is not learned yet: why not.
    NotLearned(String),
}
