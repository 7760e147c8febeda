//! Mean waiting times of queues, in units of the service time.

use crate::scenario::Balance;

/// Erlang's B: the share of requests that find all of `servers` busy and go away, at an offered load of `load` servers.
pub fn erlang_b(servers: u32, load: f64) -> f64 {
    let mut blocked = 1.0;
    for k in 1..=servers {
        blocked = load * blocked / (f64::from(k) + load * blocked);
    }
    blocked
}

/// Erlang's C: the share of requests that find all of `servers` busy and wait, at a utilisation of `busy` below 1.
pub fn erlang_c(servers: u32, busy: f64) -> f64 {
    let blocked = erlang_b(servers, f64::from(servers) * busy);
    blocked / (1.0 - busy * (1.0 - blocked))
}

/// Mean wait in M/M/c, in units of the service time.
fn markov(servers: u32, busy: f64) -> f64 {
    if busy <= 0.0 {
        return 0.0;
    }
    erlang_c(servers, busy) / (f64::from(servers) * (1.0 - busy))
}

/// Mean wait before `replicas` of `servers` servers each, which are busy for the share `busy` (0 to below 1) of the time, in
/// units of the service time, whose squared coefficient of variation is `spread`.
///
/// - Central: M/M/c by Erlang, for other service times times `(1 + spread) / 2` (Allen and Cunneen).
/// - Random: each replica is a queue by itself with Poisson arrivals.
/// - In turn: each replica is a queue by itself in which every n-th request comes, so that the squared coefficient of
///   variation of the times in between is `1 / n`; corrected as Kraemer and Langenbach-Belz do.
/// - To the shortest queue and to the better of two: between central and random; see the functions.
pub fn waiting(balance: Balance, replicas: u32, servers: u32, busy: f64, spread: f64) -> f64 {
    if busy <= 0.0 || replicas == 0 {
        return 0.0;
    }
    let service = f64::midpoint(1.0, spread);
    match balance {
        Balance::Central => markov(replicas * servers, busy) * service,
        Balance::Random => markov(servers, busy) * service,
        Balance::RoundRobin => {
            let arrivals = 1.0 / f64::from(replicas);
            let even = (1.0 - arrivals).powi(2) / (arrivals + spread).max(1e-9);
            let correction = (-2.0 * (1.0 - busy) / (3.0 * busy) * even).exp();
            markov(servers, busy) * f64::midpoint(arrivals, spread) * correction
        }
        Balance::LeastConnections => {
            let (together, alone) = (markov(replicas * servers, busy), markov(servers, busy));
            (together + 0.03 * (alone - together)) * service
        }
        Balance::TwoChoices => {
            let (together, alone) = (markov(replicas * servers, busy), markov(servers, busy));
            (together + 0.15 * (alone - together)) * service
        }
    }
}
