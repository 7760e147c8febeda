//! A model of a service: what one replica carries, how it starts and stops, how requests find it.

use std::time::Duration;

/// A service as the simulation knows it. The formulas are in `replay::service`.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceModel {
    /// Seconds that a warm replica with nothing else to do works on one request; above zero.
    pub takes: f64,
    /// Squared coefficient of variation of that; 0: always the same, 1: exponential.
    pub spread: f64,
    /// Requests that one replica works on at the same time; at least 1.
    pub at_once: u32,
    /// Core-seconds that a request costs; above zero.
    pub cpu: f64,
    /// Cores that a replica keeps busy while it has nothing to do.
    pub idle_cpu: f64,
    /// Cores that a replica may use; absent: those of the host.
    pub cpu_limit: Option<f64>,
    /// Memory; absent: it is not measured.
    pub memory: Option<Memory>,
    /// From the decision until a replica serves.
    pub start: Start,
    /// A replica that stops takes no new requests, finishes what it has, and takes at most so long; it costs meanwhile.
    pub stop: Duration,
    /// How requests are shared out among replicas.
    pub balance: Balance,
    /// How many requests may wait and for how long.
    pub queue: Queue,
    /// Something that all replicas share and that saturates.
    pub shared: Shared,
}

/// Memory of a replica, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// With nothing to do.
    pub idle: f64,
    /// More for each request that waits or is worked on.
    pub per_request: f64,
    /// What it may use; absent: what the host has.
    pub limit: Option<f64>,
}

/// From the decision until a replica serves, and what happens on the way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Start {
    /// Fetching the image.
    pub image: Spans,
    /// From creating the container until its process listens.
    pub boot: Spans,
    /// Until a health check finds that.
    pub ready: Spans,
    /// Cores busy while it boots.
    pub cpu: f64,
    /// How it becomes as fast as it can be; absent: it is at once.
    pub warm_up: Option<WarmUp>,
    /// The share of starts that never get ready, 0 to 1.
    pub fails: f64,
    /// When that is found out, and the replica removed.
    pub gives_up: Duration,
}

/// Spans as observed: one of them is drawn, evenly.
#[derive(Clone, Debug, PartialEq)]
pub struct Spans(pub Vec<Duration>);

impl Default for Spans {
    fn default() -> Self {
        Self(vec![Duration::ZERO])
    }
}

/// Capacity `1 - (1 - from) * exp(-t / over)` at `t` after it began to serve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmUp {
    /// The share that it carries at first, above 0, at most 1.
    pub from: f64,
    /// Time constant; above zero.
    pub over: Duration,
}

/// How requests are shared out among replicas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// Each in its turn: what nginx, Traefik and `HAProxy` do unless told otherwise.
    #[default]
    RoundRobin,
    /// To the one with the fewest requests.
    LeastConnections,
    /// To the better of two picked at random.
    TwoChoices,
    /// To any.
    Random,
    /// They wait in one queue, from which replicas take: a job queue.
    Central,
}

/// How many requests may wait, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Queue {
    /// So many per replica, or, in a central queue, in all; more are turned away. Absent: no bound.
    pub most: Option<u32>,
    /// Who has waited so long gives up. Absent: nobody does.
    pub patience: Option<Duration>,
}

/// Something that all replicas share, such as a database. Gunther's universal scalability law: with `n` replicas that could
/// each carry `x`, all of them carry `n x / (1 + contention (n - 1) + crosstalk n (n - 1))`, and never more than `most`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shared {
    /// Alpha, 0 to 1.
    pub contention: f64,
    /// Beta, at least 0.
    pub crosstalk: f64,
    /// Requests per second; absent: no bound.
    pub most: Option<f64>,
}
