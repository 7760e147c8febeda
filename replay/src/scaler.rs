//! What decides how many replicas there shall be.

mod policy;

use std::time::Duration;

use autoscaler::{Evaluation, Event, Timestamp};

pub use policy::PolicyScaler;

/// Decides how many replicas of one service there shall be. A policy does, a baseline of the literature does, and so does
/// a plan that knows the future.
///
/// The simulation calls [`decide`](Self::decide) at each sample, at each change of the replicas, and at the moments that the
/// scaler itself names.
pub trait Scaler: Send {
    /// What it is called in reports, with what it is set to: `HPA, cpu at 60 %`.
    fn name(&self) -> String;

    /// Decides at `now`, which never goes back. `told` are the events since the call before, for who goes by events; they
    /// may be taken out.
    fn decide(&mut self, seen: &Seen, told: &mut Vec<Event>, now: Timestamp) -> Option<u32>;

    /// When it wants to look again even if nothing happens.
    fn next_look(&self) -> Option<Timestamp> {
        None
    }

    /// In a sentence, why it decided as it did last. Asked only where the count changed or somebody wants to know.
    fn why(&self) -> String;

    /// The evaluation behind the last decision, where there is one.
    fn evaluation(&self) -> Option<&Evaluation> {
        None
    }

    /// The controller was restarted: what it must remember it does, and what it had measured it has not.
    fn restart(&mut self, _now: Timestamp) {}

    /// Whether it reads a signal, besides `cpu` and `memory` of its replicas. Who does not is not told of it, as by a
    /// controller.
    fn reads(&self, _signal: &str) -> bool {
        true
    }

    /// Whether it takes what is in `told`. Who does not is spared the making of it.
    fn wants_events(&self) -> bool {
        false
    }
}

/// What whoever scales a service can see at a sample: of the span since the sample before it, unless it says otherwise.
/// What is missing through a fault is `None`: absence is not zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// The span since the sample before it.
    pub span: Duration,
    /// Replicas that run, those that start included, those that stop left out; now.
    pub running: u32,
    /// Replicas that serve; now.
    pub ready: u32,
    /// Requests offered per second.
    pub offered: Option<f64>,
    /// Requests served per second.
    pub served: Option<f64>,
    /// Requests lost per second.
    pub lost: Option<f64>,
    /// Requests that wait; now.
    pub waiting: Option<f64>,
    /// Requests that wait or are worked on; the mean.
    pub in_flight: Option<f64>,
    /// Cores busy by all replicas that serve; the mean.
    pub cpu: Option<f64>,
    /// Cores that one replica may use.
    pub cpu_limit: f64,
    /// Mean response time in seconds.
    pub latency: Option<f64>,
    /// Requests per second that one warm replica carries when it is fully used.
    pub per_replica: f64,
}

/// The limits of whoever has no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// No fewer.
    pub min: u32,
    /// No more.
    pub max: u32,
}

impl Bounds {
    /// The count nearest to `replicas` that is within.
    pub fn clamp(self, replicas: u32) -> u32 {
        replicas.clamp(self.min, self.max)
    }
}
