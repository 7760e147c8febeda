//! The fewest replicas that would do.

use super::{Crew, Pace, Single, balance_of, steady::Steady};
use crate::scenario::{Load, LoadKind, Objective};

/// How much load each number of replicas carries within the objective, so that it is one search to say how few would do.
///
/// The load is steady and the replicas are warm. More replicas never carry less here: where a shared dependency makes them,
/// fewer are needed, and these are found first.
#[derive(Clone, Debug, PartialEq)]
pub struct Needs {
    /// The most load that one replica, two, … carry; ascending. In the unit of the load.
    carries: Vec<f64>,
}

impl Needs {
    /// For every number of replicas up to `max`.
    pub fn new(load: &Load, objective: &Objective, pace: Pace, max: u32) -> Self {
        let mut most: f64 = 0.0;
        let carries = (1..=max).map(|replicas| {
            most = most.max(carried(load, objective, pace, replicas));
            most
        });
        Self { carries: carries.collect() }
    }

    /// The fewest replicas that carry so much: none where there is nothing to carry, all of them where none do.
    pub fn needed(&self, value: f64) -> u32 {
        if value <= 0.0 {
            return 0;
        }
        let fewer = self.carries.partition_point(|carries| *carries < value * (1.0 - 1e-9));
        u32::try_from((fewer + 1).min(self.carries.len())).unwrap_or(u32::MAX)
    }
}

/// The most load that `replicas` carry within the objective.
fn carried(load: &Load, objective: &Objective, pace: Pace, replicas: u32) -> f64 {
    let single = Single::new(&load.service, load.host, pace);
    let crew = Crew::new(&load.service, load.host, pace, single, replicas, f64::from(replicas));
    let balance = balance_of(&load.service, load.kind);
    let Some(latency) = objective.latency else { return value_at(load, pace, crew.rate, crew.takes) };
    let takes = |rate: f64| Steady::new(&crew, balance, rate).latency.quantile(latency.quantile);
    if crew.rate <= 0.0 || takes(0.0) > latency.below {
        return 0.0;
    }
    let (mut good, mut bad) = (0.0, crew.rate);
    for _ in 0..60 {
        let middle = f64::midpoint(good, bad);
        if takes(middle) <= latency.below {
            good = middle;
        } else {
            bad = middle;
        }
    }
    value_at(load, pace, good, Steady::new(&crew, balance, good).latency.mean())
}

/// The load, in its own unit, that makes so many requests per second when each takes so long.
fn value_at(load: &Load, pace: Pace, rate: f64, takes: f64) -> f64 {
    match load.kind {
        LoadKind::Requests | LoadKind::Jobs => rate,
        LoadKind::Cores => rate * pace.cpu,
        LoadKind::Users { think } => rate * (takes + think.as_secs_f64()),
        LoadKind::Sessions { requests, .. } => rate / requests.max(1.0),
    }
}
