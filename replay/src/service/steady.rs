//! How long requests take in a steady state.

use super::{BUSIEST, Crew, erlang_c};
use crate::{scenario::Balance, simulation::Latency};

/// A service under a steady load.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Steady {
    /// Mean time that requests wait, in seconds.
    pub waits: f64,
    /// How long they take, waiting included.
    pub latency: Latency,
}

impl Steady {
    /// At `rate` requests per second. Where that is more than `crew` carries, what waits beyond the busiest steady state is
    /// backlog and not in here.
    pub fn new(crew: &Crew, balance: Balance, rate: f64) -> Self {
        let waits = crew.waits(balance, rate);
        let busy = if crew.rate > 0.0 { (rate / crew.rate).min(BUSIEST) } else { 0.0 };
        // The share that waits at all: of one queue, Erlang's; of a queue of each replica, that of the replica's own.
        let servers = if balance == Balance::Central { crew.servers * crew.replicas } else { crew.servers };
        let share = if busy > 0.0 { erlang_c(servers, busy) } else { 0.0 };
        Self { waits, latency: fit(crew.takes, crew.spread, waits, share) }
    }
}

/// A delay and an exponential time behind it that have the mean and the variance of service and waiting together. The
/// service time is one that is never below a part of it and exponential above; of the requests, `share` wait, exponentially.
fn fit(takes: f64, spread: f64, waits: f64, share: f64) -> Latency {
    let deviation = takes * spread.sqrt();
    let least = (takes - deviation).max(0.0);
    let waited_squares = if share > 0.0 { 2.0 * waits * waits / share } else { 0.0 };
    let variance = deviation * deviation + (waited_squares - waits * waits).max(0.0);
    let above = takes - least + waits;
    if above <= 0.0 {
        return Latency { shift: takes, tail: 0.0, scale: 0.0 };
    }
    if variance < above * above {
        let scale = variance.sqrt();
        return Latency { shift: least + above - scale, tail: if scale > 0.0 { 1.0 } else { 0.0 }, scale };
    }
    let scale = (variance + above * above) / (2.0 * above);
    Latency { shift: least, tail: above / scale, scale }
}
