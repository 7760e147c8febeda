//! The cheapest way through a scenario, by somebody who knows all that will come: what a policy is measured against.
//!
//! State: `s`, replicas that serve. Whoever knows the future starts replicas one start time `d` before they are needed, so
//! that of a start only its cost matters. Over the steps of demand, with `w` the length of a step and `D` what it needs,
//!
//! ```text
//! V(t, s) = w (s + idle_per_missing · max(D - s, 0)) + min of
//!           V(t - 1, s)
//!           V(t - 1, s') + (s - s') d              for s' < s, where t is at least d after the beginning
//!           V(t - 1, s') + (s' - s) min(stop, T - t)     for s' > s
//! ```
//!
//! A replica that starts or stops costs as much as one that serves, so this is exactly the cost `J` that
//! [`measures`](crate::measures) finds ([`Cost::total`](crate::measures::Cost::total)). Prefix and suffix minima make it
//! `O(T N)`; rows of `V` are kept at every `√T`-th step only, and computed again on the way back.
//!
//! **Exact**: between two steps of demand and the moments 0 and `d`, the cost is linear in the moment of each change, so that
//! the best moment is one of them. No best plan removes a replica less than `d` before it adds one, since keeping it costs
//! less than a start does; so the plan can be carried out by setting targets ([`PlanScaler`]).

mod guarded;
mod optimum;
mod replayed;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_by_simulation;

use std::{sync::Arc, time::Duration};

use autoscaler::{Timestamp, policy::Guards};

use crate::{
    Scenario,
    scaler::Bounds,
    scenario::{Play, ServiceModel, Spans, Start, What},
    simulation::{self, DemandStep},
};
pub use guarded::Pace;
use optimum::{Problem, Rules};
pub use replayed::PlanScaler;

/// What changes and want of replicas cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prices {
    /// A replica that starts costs so long before it serves.
    pub start: Duration,
    /// A replica that stops costs so long after it served.
    pub stop: Duration,
    /// So many idle replicas cost as much as one that is missing.
    pub idle_per_missing: f64,
}

/// The cheapest way through a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Replicas that serve, from each moment on; the first is the beginning.
    supply: Arc<[(Timestamp, u32)]>,
    /// Replicas that there shall be, from each moment on; the first is the beginning.
    targets: Arc<[(Timestamp, u32)]>,
    /// In replica-hours.
    cost: f64,
}

impl Prices {
    /// The lowest that there are in a scenario: the shortest start that its service is capable of, and a stop that takes no
    /// longer than one request does.
    pub fn of(scenario: &Scenario) -> Self {
        let idle_per_missing = scenario.objective.idle_per_missing;
        let Some(load) = scenario.load() else {
            return Self { start: Duration::ZERO, stop: Duration::ZERO, idle_per_missing };
        };
        let ServiceModel { start, stop, takes, .. } = &load.service;
        // The clock knows whole milliseconds.
        let whole = |span: Duration| Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
        let shortest = |spans: &Spans| whole(spans.0.iter().min().copied().unwrap_or_default());
        let start = [&start.image, &start.boot, &start.ready].map(shortest).iter().sum();
        let deployed = scenario.faults.iter().filter_map(|fault| match fault.what {
            What::Deploy { takes, .. } => takes,
            _ => None,
        });
        let takes = Duration::try_from_secs_f64(deployed.fold(*takes, f64::min)).unwrap_or(Duration::MAX);
        let stop = if stop.is_zero() { *stop } else { whole(takes.min(*stop)).max(Duration::from_millis(1)) };
        Self { start, stop, idle_per_missing }
    }
}

impl Plan {
    /// The cheapest plan for a scenario, within `bounds`: nobody who scales it pays less, unless replicas die or a host is lost
    /// just when they are to be removed. Of an open loop, in which nothing is needed, it costs nothing.
    pub fn new(scenario: &Scenario, bounds: Bounds) -> Self {
        let demand = simulation::demand(scenario);
        Self::of(demand, scenario.replicas.start, bounds, Prices::of(scenario))
    }

    /// The cheapest plan for this demand, which is that of a whole scenario in order and without gaps. It begins with `start`
    /// replicas that serve, and keeps within `bounds`.
    pub fn of(demand: impl IntoIterator<Item = DemandStep>, start: u32, bounds: Bounds, prices: Prices) -> Self {
        Self::best(demand, start, bounds, prices, &[Rules::default()])
    }

    /// The cheapest plan that was found under a policy's own guards; it costs at least as much as that without.
    ///
    /// Modelled are, for each direction: `at_most`, `step` and `cooldown`, and `kill_budget` downwards, as one pace: a change
    /// at each whole multiple of the longest of their spans since the beginning, of the smallest of their sizes (of several
    /// `at_most` that allow the widest, whichever single one turns out best). All such changes are allowed by these guards,
    /// but guards allow changes at other moments, too: so the plan costs no less than the best that they allow.
    /// `stabilize` is modelled as if at each moment as many replicas were recommended as are needed one start time later:
    /// downwards no further than the most of these within the window, upwards no further than the fewest.
    ///
    /// Not modelled are: the cooldown of a removal after an addition, and all guards that go by what else happens (`undone`,
    /// `unless`, `worse`, `missing`, `implausible`, `crash_loop`, `headroom`, `budgets`, `manual`): they are taken to be
    /// silent.
    pub fn guarded(
        demand: impl IntoIterator<Item = DemandStep>,
        start: u32,
        bounds: Bounds,
        prices: Prices,
        guards: &Guards,
        every: Duration,
    ) -> Self {
        Self::best(demand, start, bounds, prices, &guarded::rules(guards, every))
    }

    /// What it costs, in replica-hours: `J` as in [`Cost::total`](crate::measures::Cost::total).
    pub fn cost(&self) -> f64 {
        self.cost
    }

    /// Replicas that serve, from each moment on.
    pub fn supply(&self) -> &[(Timestamp, u32)] {
        &self.supply
    }

    /// Replicas that there shall be, from each moment on: each start one start time before it serves.
    pub fn targets(&self) -> &[(Timestamp, u32)] {
        &self.targets
    }

    /// The world in which the plan costs what it says when it is carried out: every start and every stop takes the shortest
    /// time that it can take, every start succeeds, and there is no fault that keeps a target from being carried out or
    /// changes how many replicas there are.
    #[must_use]
    pub fn world(scenario: &Scenario) -> Scenario {
        let mut world = scenario.clone();
        let prices = Prices::of(scenario);
        if let Play::Load(load) = &mut world.play {
            let model = &mut load.service.start;
            *model =
                Start { boot: Spans(vec![prices.start]), cpu: model.cpu, warm_up: model.warm_up, ..Start::default() };
            load.service.stop = prices.stop;
        }
        world.faults.retain(|fault| stays(&fault.what));
        world
    }

    /// So many faults of the scenario are not in [`Plan::world`].
    pub fn spared(scenario: &Scenario) -> usize {
        scenario.faults.iter().filter(|fault| !stays(&fault.what)).count()
    }

    fn best(
        demand: impl IntoIterator<Item = DemandStep>,
        start: u32,
        bounds: Bounds,
        prices: Prices,
        alternatives: &[Rules],
    ) -> Self {
        let merged = merge(demand);
        let Some((first, last)) = merged.first().zip(merged.last()) else {
            return Self { supply: Arc::default(), targets: Arc::default(), cost: 0.0 };
        };
        let (begins, ends) = (first.from, last.to);
        let plans = alternatives.iter().map(|rules| {
            let problem = Problem::new(&merged, start, bounds, prices, rules.clone());
            (problem.solve(), problem)
        });
        let ((cost, path), problem) =
            plans.min_by(|((left, _), _), ((right, _), _)| left.total_cmp(right)).unwrap_or_default();
        let mut supply = vec![(begins, start)];
        for (step, replicas) in problem.steps.iter().zip(path) {
            let from = begins.plus(Duration::from_millis(step.from));
            match supply.last_mut() {
                Some((at, before)) if *at == from => *before = replicas,
                Some((_, before)) if *before == replicas => {}
                _ => supply.push((from, replicas)),
            }
        }
        debug_assert!(supply.last().is_none_or(|(at, _)| *at < ends), "nothing changes at the end");
        let targets = targets(&supply, start, prices.start);
        Self { supply: supply.into(), targets: targets.into(), cost: cost / 3_600_000.0 }
    }
}

/// Whether a fault leaves it to the scaler how many replicas there are.
fn stays(what: &What) -> bool {
    matches!(what, What::SamplesLate { .. } | What::SamplesMissing { .. } | What::Neighbour { .. })
}

/// Steps with neighbours that need as much as they do made one.
fn merge(demand: impl IntoIterator<Item = DemandStep>) -> Vec<DemandStep> {
    let mut merged: Vec<DemandStep> = Vec::new();
    for step in demand {
        match merged.last_mut() {
            _ if step.to <= step.from => {}
            Some(last) if last.needed == step.needed => last.to = step.to,
            _ => merged.push(step),
        }
    }
    merged
}

/// What has to be set when, so that so many serve: additions one start time earlier, removals at once.
fn targets(supply: &[(Timestamp, u32)], start: u32, takes: Duration) -> Vec<(Timestamp, u32)> {
    let mut before = start;
    let mut changes: Vec<(Timestamp, i64)> = Vec::new();
    for &(at, replicas) in supply {
        let by = i64::from(replicas) - i64::from(before);
        changes.push((if by > 0 { at.minus(takes) } else { at }, by));
        before = replicas;
    }
    changes.sort_by_key(|(at, _)| *at);
    let mut target = i64::from(start);
    let mut targets: Vec<(Timestamp, u32)> = Vec::new();
    for (at, by) in changes {
        target += by;
        let replicas = u32::try_from(target.max(0)).unwrap_or(u32::MAX);
        match targets.last_mut() {
            Some((last, count)) if *last == at => *count = replicas,
            Some((_, count)) if *count == replicas => {}
            _ => targets.push((at, replicas)),
        }
    }
    targets
}
