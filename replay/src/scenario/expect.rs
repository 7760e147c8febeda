//! What is expected of whoever scales a service.

use std::time::Duration;

/// One assertion on a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// What is looked at.
    pub what: Expected,
    /// No less; absent: no bound.
    pub least: Option<f64>,
    /// No more; absent: no bound.
    pub most: Option<f64>,
    /// Looked at from then on, since the beginning.
    pub after: Duration,
    /// Looked at until then; absent: to the end.
    pub until: Option<Duration>,
}

/// What is looked at between `after` and `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Replicas that there shall be, at every moment.
    Replicas,
    /// Replicas that serve, at every moment.
    Ready,
    /// Decisions that changed the count.
    Changes,
    /// Decisions that turned back within ten minutes of one the other way.
    Reversals,
    /// Share of requests that were slower than the objective or lost.
    Late,
    /// Share of requests that were lost.
    Lost,
    /// Share of the time in which fewer replicas served than were needed.
    Short,
    /// Requests that wait, at every moment.
    Waiting,
    /// Hours of replicas, those that start included.
    ReplicaHours,
    /// The cost, as a share of that of the clairvoyant plan. Over the whole scenario only.
    Cost,
}
