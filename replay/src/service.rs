//! What a service can do, in formulas: what its replicas carry together, how long requests wait and take, and how few
//! replicas would do.

mod needed;
mod steady;
mod waiting;

use crate::scenario::{Balance, Host, LoadKind, ServiceModel};

pub use needed::Needs;
pub use steady::Steady;
pub use waiting::{erlang_b, erlang_c, waiting};

/// No formula of a steady state is asked about a greater utilisation: near 1, the steady state is hours away, and what waits
/// meanwhile is counted as backlog.
pub const BUSIEST: f64 = 0.98;

/// How fast a replica is, as things are: a deployment may have changed its code, and a neighbour may take its share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Seconds that a request takes.
    pub takes: f64,
    /// Core-seconds that it costs.
    pub cpu: f64,
    /// The share of what replicas could use that something else on the host takes.
    pub neighbour: f64,
}

impl Pace {
    /// What the model says, without neighbours.
    pub fn of(model: &ServiceModel) -> Self {
        Self { takes: model.takes, cpu: model.cpu, neighbour: 0.0 }
    }
}

/// What one warm replica can do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Single {
    /// Requests per second when it is fully used.
    pub rate: f64,
    /// Requests that it works on at the same time without slowing them: its servers, in the words of queueing theory.
    pub servers: u32,
    /// Seconds that a request takes while there is no other.
    pub takes: f64,
    /// The squared coefficient of variation of that, as waiting feels it: requests that share a processor hold up each other
    /// as if their times were exponential, whatever these are (M/G/1 with processor sharing is insensitive).
    pub spread: f64,
}

impl Single {
    /// One warm replica at a pace. Its threads and its cores both bound it: `k` requests at once make `k / takes`, `f` cores
    /// make `(f - idle) / cpu`.
    pub fn new(model: &ServiceModel, host: Host, pace: Pace) -> Self {
        let left = 1.0 - pace.neighbour;
        let threads = f64::from(model.at_once);
        let by_threads = threads / pace.takes;
        let cores =
            model.cpu_limit.or(host.left()).map(|cores| cores.min(host.left().unwrap_or(f64::INFINITY)).max(0.0));
        let by_cores = cores.map_or(f64::INFINITY, |cores| (cores - model.idle_cpu).max(0.0) / pace.cpu);
        let rate = by_threads.min(by_cores);
        // As many servers as it takes to get there; each is the slower where cores are short even for one.
        let servers = (rate * pace.takes - 1e-9).ceil().clamp(1.0, threads);
        let takes = if rate > 0.0 { (servers / rate).max(pace.takes) } else { pace.takes };
        let shares = servers < threads;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and at_once")]
        Self {
            rate: rate * left,
            servers: servers as u32,
            takes: takes / left,
            spread: if shares { 1.0 } else { model.spread },
        }
    }
}

/// The replicas that serve, all together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crew {
    /// How many.
    pub replicas: u32,
    /// Requests per second that they carry.
    pub rate: f64,
    /// Servers of each.
    pub servers: u32,
    /// Seconds that a request takes while there is no other.
    pub takes: f64,
    /// Squared coefficient of variation of that, as waiting feels it.
    pub spread: f64,
}

impl Crew {
    /// `replicas` like `single`, of which `warm` (in replicas) is warm; what they share slows all of them.
    pub fn new(model: &ServiceModel, host: Host, pace: Pace, single: Single, replicas: u32, warm: f64) -> Self {
        let n = f64::from(replicas);
        let shared = &model.shared;
        let slowed = 1.0 + shared.contention * (n - 1.0).max(0.0) + shared.crosstalk * n * (n - 1.0).max(0.0);
        let mut rate = single.rate * warm / slowed;
        if let Some(most) = shared.most {
            rate = rate.min(most);
        }
        if let Some(cores) = host.left() {
            let left = (cores * (1.0 - pace.neighbour) - model.idle_cpu * n).max(0.0);
            rate = rate.min(left / pace.cpu);
        }
        let takes = if rate > 0.0 { f64::from(single.servers) * n / rate } else { single.takes };
        Self { replicas, rate, servers: single.servers, takes: takes.max(single.takes), spread: single.spread }
    }

    /// Mean time that requests wait in a steady state at `rate` requests per second, in seconds.
    pub fn waits(&self, balance: Balance, rate: f64) -> f64 {
        if self.replicas == 0 || self.rate <= 0.0 {
            return 0.0;
        }
        let busy = (rate / self.rate).min(BUSIEST);
        waiting(balance, self.replicas, self.servers, busy, self.spread) * self.takes
    }
}

/// How requests are shared out under this load: jobs wait in one queue, whatever the service says.
pub fn balance_of(model: &ServiceModel, kind: LoadKind) -> Balance {
    if kind == LoadKind::Jobs { Balance::Central } else { model.balance }
}
