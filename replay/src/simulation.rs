//! A scenario run with a scaler: from moment to moment, on a simulated clock.
//!
//! Between two moments at which anything changes (load, replicas, a sample, a fault) all rates are constant, so that what
//! waits grows or shrinks evenly and every integral is exact. Such a span is a [`Segment`]. Whoever wants to know what
//! happened [watches](Watch): measures, expectations and pictures do, each in a memory that does not grow with the length of
//! the scenario.

mod arrivals;
mod conditions;
mod demand;
mod faults;
mod fleet;
mod flow;
mod headline;
mod meter;
pub mod open;
mod replicas;
mod reports;
pub mod requests;
mod world;

#[cfg(test)]
pub(crate) mod tests;

use autoscaler::Timestamp;

use crate::{
    scaler::{Bounds, Scaler},
    scenario::{Play, Scenario},
};

pub use demand::{DemandStep, demand};
pub use world::MOST_REPLICAS;

/// Runs a scenario with a scaler, from its first moment to its last. The same scenario with a scaler that decides the same
/// gives the same, to the byte.
pub fn run(scenario: &Scenario, scaler: &mut dyn Scaler, watches: &mut [&mut dyn Watch]) -> Result<Run, RunError> {
    match &scenario.play {
        Play::Load(load) => Ok(world::World::new(scenario, load, scaler)?.run(scaler, watches)),
        Play::Signals(_) => Err(RunError::OpenLoop),
    }
}

/// The limits that a scenario gives to whoever has no others.
pub fn bounds(scenario: &Scenario) -> Bounds {
    Bounds { min: scenario.replicas.min, max: scenario.replicas.max }
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// How often the scaler was asked.
    pub decisions: u64,
    /// How often it changed the count.
    pub changes: u64,
    /// Spans in which nothing changed.
    pub segments: u64,
    /// Requests that were offered, retries included.
    pub offered: f64,
    /// Requests that were served.
    pub served: f64,
    /// Requests that were lost.
    pub lost: f64,
    /// Requests that still wait in the end.
    pub waiting: f64,
}

/// Why a scenario cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunError {
    /// It samples more often than every millisecond.
    TooOften,
    /// It plays signals back, which is not a closed loop.
    OpenLoop,
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooOften => f.write_str("samples are taken more often than every millisecond: set `every: 1s`"),
            Self::OpenLoop => f.write_str("it plays signals back: a closed loop needs `load:`"),
        }
    }
}

impl std::error::Error for RunError {}

/// Hears what happens in a run.
pub trait Watch {
    /// A span in which nothing changed has passed. Spans come in order, without gaps.
    fn segment(&mut self, _segment: &Segment) {}

    /// The scaler decided for another count, or for the same one for another reason.
    fn change(&mut self, _change: &Change, _scaler: &dyn Scaler) {}

    /// The scaler looked, whatever came of it.
    fn look(&mut self, _now: Timestamp, _scaler: &dyn Scaler) {}
}

/// A span in which nothing changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segment {
    /// Its first moment.
    pub from: Timestamp,
    /// Its end; after `from`.
    pub to: Timestamp,
    /// Replicas that there shall be.
    pub target: u32,
    /// Replicas that serve: supply, S(t).
    pub ready: u32,
    /// Replicas that start: B(t).
    pub starting: u32,
    /// Replicas that stop and still cost.
    pub stopping: u32,
    /// The fewest replicas that would keep the objective under this load: demand, D(t). None
    /// where there is no load; no more than the scenario's most, and that many where more would be needed. The least that there
    /// may be is no demand.
    pub needed: u32,
    /// Requests that were offered, retries included.
    pub offered: f64,
    /// Requests that were served.
    pub served: f64,
    /// Requests that found no room, gave up, or were on a replica that died.
    pub lost: f64,
    /// The backlog at its beginning: requests that wait because more came than is carried, and what replicas that stop still
    /// have. What waits and is worked on in a steady state is in [`in_flight`](Self::in_flight) alone.
    pub queue_from: f64,
    /// The backlog at its end: `offered = served + lost + queue_to - queue_from`.
    pub queue_to: f64,
    /// Mean number of requests that waited or were worked on.
    pub in_flight: f64,
    /// Of those served, so many were slower than the objective.
    pub slow: f64,
    /// Of those served, so many took up to four times the objective, but longer than it: Apdex's "tolerating".
    pub tolerating: f64,
    /// Response time of those served.
    pub latency: Latency,
    /// Requests per second that the replicas that serve carry together.
    pub capacity: f64,
    /// Cores that they keep busy.
    pub busy_cores: f64,
}

/// Response times in seconds: a delay that all share, and behind it a mixture of nothing and an exponential time.
/// `P(T > t) = tail * exp(-(t - shift) / scale)` for `t >= shift`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Latency {
    /// What each takes at least.
    pub shift: f64,
    /// The share that takes longer than that, 0 to 1.
    pub tail: f64,
    /// Mean of what these take longer.
    pub scale: f64,
}

impl Latency {
    /// The mean.
    pub fn mean(&self) -> f64 {
        self.shift + self.tail * self.scale
    }

    /// The share that takes longer than `seconds`.
    pub fn share_above(&self, seconds: f64) -> f64 {
        if seconds < self.shift {
            return 1.0;
        }
        if self.scale <= 0.0 {
            return 0.0;
        }
        self.tail * (-(seconds - self.shift) / self.scale).exp()
    }

    /// The time that a share of `quantile` stays below; `quantile` is above 0 and below 1.
    pub fn quantile(&self, quantile: f64) -> f64 {
        let above = 1.0 - quantile;
        if self.tail <= above || self.scale <= 0.0 {
            return self.shift;
        }
        self.shift + self.scale * (self.tail / above).ln()
    }
}

/// A decision that is news.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Replicas that there were to be.
    pub from: u32,
    /// Replicas that there shall be; as many where only the reason changed.
    pub to: u32,
    /// Why, in a sentence.
    pub why: String,
}
