//! Mean waiting times of queues, in units of the service time.

use crate::scenario::Balance;

/// Erlang's B: the share of requests that find all of `servers` busy and go away, at an offered load of `load` servers.
pub fn erlang_b(servers: u32, load: f64) -> f64 {
    if load <= 0.0 {
        return if servers == 0 { 1.0 } else { 0.0 };
    }
    // 1 / B = 1 + c / a + c (c - 1) / a² + …, of which only the first terms count where servers are many.
    let (mut term, mut inverse, per_load) = (1.0, 1.0, 1.0 / load);
    let mut left = f64::from(servers);
    while left > 0.0 {
        term *= left * per_load;
        inverse += term;
        left -= 1.0;
        if term < 1e-13 * inverse {
            break;
        }
    }
    1.0 / inverse
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
/// Exact for exponential service times where requests wait in one queue, or go to replicas at random. The others are
/// approximations; beside each is how far the mean response time was from that of single requests, of which 1.5 million
/// were simulated for each of 2, 5, 10 and 20 replicas of 1 and 4 servers, 50 to 95 % busy, with `spread` 0 and 1; with
/// `spread` 4 it was up to 12 %.
pub fn waiting(balance: Balance, replicas: u32, servers: u32, busy: f64, spread: f64) -> f64 {
    if busy <= 0.0 || replicas == 0 {
        return 0.0;
    }
    // Allen and Cunneen: what other service times than exponential ones make of a wait.
    let service = f64::midpoint(1.0, spread);
    let together = || markov(replicas.saturating_mul(servers), busy) * service;
    match balance {
        Balance::Central => together(),
        Balance::Random => markov(servers, busy) * service,
        Balance::RoundRobin if spread < 1.0 => in_turn(replicas, servers, busy, spread).max(together()),
        Balance::RoundRobin => in_turn(replicas, servers, busy, spread),
        Balance::LeastConnections => together() + to_the_shortest(replicas, servers, busy) * felt(servers, spread),
        // The better of two out of two is the better of all.
        Balance::TwoChoices if replicas <= 2 => {
            together() + to_the_shortest(replicas, servers, busy) * felt(servers, spread)
        }
        Balance::TwoChoices => together() + to_the_better_of_two(replicas, servers, busy) * felt(servers, spread),
    }
}

/// Each replica is a queue by itself in which every n-th request comes, so that the squared coefficient of variation of the
/// times in between is `1 / n`; corrected as Kraemer and Langenbach-Belz do (Performance of Queueing Networks, 1976). Within
/// 4 %. Always the same service time makes it one queue: M/D/c.
fn in_turn(replicas: u32, servers: u32, busy: f64, spread: f64) -> f64 {
    let arrivals = 1.0 / f64::from(replicas);
    let even = (1.0 - arrivals).powi(2) / (arrivals + spread).max(1e-9);
    let correction = (-2.0 * (1.0 - busy) / (3.0 * busy) * even).exp();
    markov(servers, busy) * f64::midpoint(arrivals, spread) * correction
}

/// How much longer than in one queue requests wait that go to the replica with the fewest. Near saturation all queues are
/// equally long, so that what is lost stays bounded; fitted, within 4 %.
fn to_the_shortest(replicas: u32, servers: u32, busy: f64) -> f64 {
    0.45 * busy.powf(2.0 + 0.3 * f64::from(replicas)) * of_several(servers, busy)
}

/// How much longer than in one queue requests wait that go to the better of two. Of many replicas that is what Mitzenmacher
/// (The Power of Two Choices in Randomized Load Balancing, 1996) finds, the sum of `busy^(2^i - 2)`; of few it is less, the
/// more so the busier they are. The share is fitted, within 5 %.
fn to_the_better_of_two(replicas: u32, servers: u32, busy: f64) -> f64 {
    let (mut of_many, mut term) = (0.0, busy * busy);
    while term > 1e-6 {
        of_many += term;
        term = (term * busy).powi(2);
    }
    let few = 1.5 * f64::from(replicas).powf(1.5) * (1.0 - busy);
    of_many * few / (1.0 + few) * of_several(servers, busy)
}

/// How much of the spread of service times is felt in what is lost among queues: less than in one of them, and the less the
/// more servers each has; fitted.
fn felt(servers: u32, spread: f64) -> f64 {
    f64::midpoint(1.0, spread.powf(0.7 / f64::from(servers)))
}

/// Replicas of several servers even out much of what is lost among them; fitted.
fn of_several(servers: u32, busy: f64) -> f64 {
    let servers = f64::from(servers);
    busy.powf(4.0 / 3.0 * (servers - 1.0)) / servers
}

#[cfg(test)]
mod tests;
