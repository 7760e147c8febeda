//! What a policy's distance from the cheapest plan is made of, rung by rung.
//!
//! | rung | what the step from the one before is the price of |
//! |---|---|
//! | the clairvoyant plan | – |
//! | the clairvoyant plan under the policy's guards and limits | guards |
//! | the policy with a perfect forecast of the load, and its best knob for that | structure: rules, windows, rounding |
//! | the policy with its best knob in hindsight | uncertainty |
//! | the policy | tuning |
//!
//! Both rungs above the last have their best knobs, or what is badly tuned would count as structure.
//!
//! All costs are those of [`Cost::total`](crate::measures::Cost::total). What each rung does and does not know is said at
//! [`Plan::guarded`], [`Foresight`] and [`turned`]. Only the first rung is a bound: a step is below zero where the rung before
//! is no better than the next, such as a forecast that the policy's windows blur.

mod foresight;
mod knob;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use autoscaler::Policy;

pub use crate::report::{ReactiveFloor, Rung};
use crate::{
    Scaler, Scenario,
    measures::Meter,
    plan::{Plan, Prices},
    scaler::{Bounds, PolicyScaler},
    simulation::{self, DemandStep, RunError},
};
pub use foresight::Foresight;
pub use knob::{TURNS, turned};

/// What a policy's distance from the cheapest plan is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    /// From the plan to the policy.
    pub rungs: Vec<Rung>,
    /// What the goals of the policy with the best knob are, as a multiple of what they are.
    pub best_turn: f64,
    /// What the policy costs with a perfect forecast and its knob as it is, in replica-hours.
    pub foreseen_as_it_is: f64,
    /// What no reactive policy without headroom can avoid.
    pub floor: ReactiveFloor,
}

/// Climbs the ladder of a policy on a scenario; `name` is what the policy is called. Runs the scenario once for each rung
/// and each turn of the knob.
pub fn climb(scenario: &Scenario, name: &str, policy: &Arc<Policy>) -> Result<Ladder, RunError> {
    let own = policy.widest_limits();
    let given = simulation::bounds(scenario);
    let (own, all) =
        (Bounds { min: own.min, max: own.max }, Bounds { min: given.min.min(own.min), max: given.max.max(own.max) });
    let prices = Prices::of(scenario);
    let demand = || simulation::demand(scenario);
    let start = scenario.replicas.start;
    let free = Plan::of(demand(), start, all, prices);
    let guarded = Plan::guarded(demand(), start, own, prices, &policy.guards, scenario.every);
    let foreseen = turns(scenario, name, policy, true)?;
    let unforeseen = turns(scenario, name, policy, false)?;
    let ((foreseen_turn, foreseen_best), (best_turn, best)) = (cheapest(&foreseen), cheapest(&unforeseen));
    let (foreseen_as_it_is, cost) = (foreseen[0].1, unforeseen[0].1);
    let rung = |name: String, cost: f64, price_of: &str| Rung { name, cost, price_of: price_of.to_owned() };
    let rungs = vec![
        rung("clairvoyant plan".to_owned(), free.cost(), ""),
        rung(format!("clairvoyant plan under the guards of {name}"), guarded.cost(), "guards"),
        rung(format!("{name} with a perfect forecast, {}", words(foreseen_turn)), foreseen_best, "structure"),
        rung(format!("{name} with its best knob in hindsight, {}", words(best_turn)), best, "uncertainty"),
        rung(name.to_owned(), cost, "tuning"),
    ];
    Ok(Ladder { rungs, best_turn, foreseen_as_it_is, floor: reactive_floor(scenario) })
}

/// What no reactive policy without headroom can avoid on this scenario.
pub fn reactive_floor(scenario: &Scenario) -> ReactiveFloor {
    let lag = Prices::of(scenario).start + scenario.every;
    let missing = behind(simulation::demand(scenario), lag);
    let missing_hours = missing / 3_600_000.0;
    ReactiveFloor { lag: lag.as_secs_f64(), missing_hours, cost: missing_hours * scenario.objective.idle_per_missing }
}

/// What a run costs, in replica-hours.
fn cost(scenario: &Scenario, scaler: &mut dyn Scaler) -> Result<f64, RunError> {
    let mut meter = Meter::new(scenario);
    simulation::run(scenario, scaler, &mut [&mut meter])?;
    Ok(meter.measures().cost.total)
}

/// What the policy costs with each turn of its knob; the first is the policy as it is.
fn turns(scenario: &Scenario, name: &str, policy: &Arc<Policy>, foresight: bool) -> Result<Vec<(f64, f64)>, RunError> {
    let others = TURNS.iter().filter_map(|turn| Some((*turn, Arc::new(turned(policy, *turn)?))));
    let all = std::iter::once((1.0, Arc::clone(policy))).chain(others);
    let costs = all.map(|(turn, policy)| {
        let scaler = PolicyScaler::new(name, policy);
        let cost = if foresight {
            cost(scenario, &mut Foresight::new(scaler, scenario))
        } else {
            cost(scenario, &mut { scaler })
        };
        Ok((turn, cost?))
    });
    costs.collect()
}

/// The cheapest of some turns; of equal ones the first.
fn cheapest(turns: &[(f64, f64)]) -> (f64, f64) {
    turns.iter().copied().min_by(|one, other| one.1.total_cmp(&other.1)).unwrap_or((1.0, 0.0))
}

fn words(turn: f64) -> String {
    if turn.to_bits() == 1.0_f64.to_bits() { "as it is".to_owned() } else { format!("goals times {turn}") }
}

/// `∫ max(D(t) - D(t - lag), 0) dt` in replica-milliseconds. Before the beginning as much was needed as then.
fn behind(demand: impl Iterator<Item = DemandStep>, lag: Duration) -> f64 {
    let mut sum = 0.0;
    // What was needed, and from when on that is known: one lag later.
    let mut known: VecDeque<DemandStep> = VecDeque::new();
    for step in demand {
        known.push_back(DemandStep { from: step.from.plus(lag), to: step.to.plus(lag), needed: step.needed });
        let mut from = step.from;
        while from < step.to {
            while known.front().is_some_and(|old| old.to <= from) {
                known.pop_front();
            }
            let Some(old) = known.front() else { break };
            let to = if from < old.from { old.from.min(step.to) } else { old.to.min(step.to) };
            let millis = (to.as_millis() - from.as_millis()) as f64;
            sum += f64::from(step.needed.saturating_sub(old.needed)) * millis;
            from = to;
        }
    }
    sum
}
