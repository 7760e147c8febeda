//! `forecast`: the demand that is to come.
//!
//! ```text
//! reactive = ceil(demand now / per_replica)
//! next     = ceil(max(bound of the next step, most expected in any until the horizon) / per_replica)
//! ahead    = ceil(bound at the horizon / per_replica)                bounds: see the crate `forecast`
//! horizon  = p90 of the time from decision to ready, and one sample more
//!
//! up       to max(ahead, floor)                                      what is started now serves then
//! down     to max(next, ahead, floor)                                what is removed now is missed until then
//! floor    = 0 where the gate is open ("proven") and the newest value was not above its bound, else reactive: until its skill is
//!            proven, a forecast may only raise the count over the reactive answer; refuted, the naive bound counts in its place
//! held     = the most of this within the last p90 of the time to ready, unless proven
//! backlog  + ceil(waiting / (within · per_replica))                  so that what waits is gone within that
//! ```
//!
//! The bound is the demand's quantile at which an idle replica costs as much as a missing one
//! ([`Knob::quantile`](crate::policy::Knob::quantile)). To keep an idle replica for as long as a new one takes to start costs at
//! most twice what a clairvoyant would pay (ski rental); with a look-ahead that long, which a proven forecast gives, there
//! is nothing left to win by it (Lu and Chen 2012). A gap of samples means no forecast: then the reactive answer counts alone,
//! and without a sample nothing is known.
//!
//! The demand is that of the whole service at any time, so that a rise, in which somebody always warms up, is learned as it is:
//! who does not serve yet has nothing of it, and who serves and warms up has as much as the others
//! ([`Estimate`]). Where nobody knows whether he serves, because there is no health check, the
//! demand is taken to be as it was, as far as that agrees with what is measured: to count him would let each start ask for
//! more of them, and not to count him would take load for gone that has moved.

mod state;
mod trial;

use forecast::Gate;

pub use state::{Days, ForecastState};

use crate::{
    evaluation::{Estimate, ForecastReason, Gap, Opinion, Outlook, RuleReason, SignalReading},
    policy::{Capacity, Forecast},
    quantity::Quantity,
    rule::{RuleState, Situation, missing, whole},
};

pub(crate) fn recommend(rule: &Forecast, state: &RuleState, given: &Situation<'_>) -> (Opinion, RuleReason) {
    let fresh;
    let state = if let RuleState::Forecast(state) = state {
        state
    } else {
        fresh = ForecastState::new(rule);
        &fresh
    };
    let Some(reading) = given.readings.get(&rule.signal, rule.window) else {
        return missing(&rule.signal, Gap::Never);
    };
    let Some(demand) = demand(state, reading).map(|demand| demand.max(0.0)) else {
        return missing(&rule.signal, reading.gap.clone().unwrap_or(Gap::Never));
    };
    let Some(per_replica) = state.per_replica(rule, reading, given) else {
        return match rule.capacity {
            Capacity::Given(_) => missing(&rule.signal, Gap::NoLimit),
            Capacity::Learned(_) => missing(&rule.signal, state.not_learned(rule, given)),
        };
    };
    let answer = answer(rule, state, demand / per_replica, per_replica, reading, given);
    let (wanted, held) = state.held(&answer, given.now);
    let wanted = wanted.saturating_add(answer.boost);
    let blind = reading.absent > 0 && wanted < given.current;
    let reason = ForecastReason {
        signal: rule.signal.clone(),
        demand,
        per_replica,
        learned: state.fit(rule, given),
        knob: rule.knob,
        horizon: state.horizon(rule),
        starts: rule.horizon.is_none().then(|| state.starts()),
        reactive: answer.reactive,
        outlook: answer.outlook,
        backlog: answer.waiting.map(|waiting| (waiting, answer.boost)),
        held,
        trial: state.trial(rule, given.now),
        absent: reading.absent,
    };
    let opinion = if blind { Opinion::Unknown } else { Opinion::Wants(wanted) };
    (opinion, RuleReason::Forecast(Box::new(reason)))
}

pub(crate) fn update(rule: &Forecast, state: &mut RuleState, given: &Situation<'_>) {
    if !matches!(state, RuleState::Forecast(_)) {
        *state = RuleState::Forecast(Box::new(ForecastState::new(rule)));
    }
    let RuleState::Forecast(state) = state else { return };
    state.learn_starts(given);
    let Some(reading) = given.readings.get(&rule.signal, rule.window) else { return };
    let measured = reading.absent == 0 && reading.kept.is_none();
    let newest = given.readings.get(&rule.signal, ForecastState::NEWEST);
    let closed = match (newest.and_then(|reading| demand(state, reading)), reading.age) {
        (Some(demand), Some(age)) if measured => state.observe(rule, demand, given.now.minus(age), given),
        _ => false,
    };
    let demand = demand(state, reading);
    let (Some(demand), Some(per_replica)) = (demand, state.per_replica(rule, reading, given)) else { return };
    let answer = answer(rule, state, demand.max(0.0) / per_replica, per_replica, reading, given);
    state.remember(rule, &answer, per_replica, closed, given);
}

/// What the whole service is asked for now.
fn demand(state: &ForecastState, reading: &SignalReading) -> Option<f64> {
    let before = state.forecaster().history().last();
    let estimated = |estimate: &Estimate| before.min(estimate.most).max(estimate.demand);
    reading.total.map(|total| reading.estimate.as_ref().map_or(total, estimated))
}

/// What the rule wants before it holds anything.
#[derive(Clone, Debug)]
struct Answer {
    /// For the demand now.
    reactive: u32,
    wanted: u32,
    outlook: Outlook,
    /// It may be below the reactive answer, and needs no holding.
    proven: bool,
    /// What waits, in the backlog's unit.
    waiting: Option<f64>,
    /// Replicas for what waits.
    boost: u32,
}

fn answer(
    rule: &Forecast,
    state: &ForecastState,
    load: f64,
    per_replica: f64,
    reading: &SignalReading,
    given: &Situation<'_>,
) -> Answer {
    let reactive = whole(load);
    let outlook = state.outlook(reading, per_replica, given.now);
    let (proven, wanted) = match &outlook {
        Outlook::Known { next, ahead, by } => {
            let proven = by.gate == Gate::Proven;
            let floor = if proven && !by.missed { 0 } else { reactive };
            let up = (*ahead).max(floor);
            let down = up.max(*next);
            (proven, if up > given.current { up } else { down.min(given.current.max(up)) })
        }
        Outlook::Learning { .. } | Outlook::Late { .. } | Outlook::Incomplete { .. } => (false, reactive),
    };
    let waiting = rule.backlog.as_ref().and_then(|backlog| given.readings.get(&backlog.signal, rule.window)?.total);
    let boost = match (&rule.backlog, waiting) {
        (Some(backlog), Some(waiting)) => whole(waiting / (backlog.within.as_secs_f64() * per_replica)),
        _ => 0,
    };
    Answer { reactive, wanted, outlook, proven, waiting, boost }
}

/// What a rule that is replaced leaves to the one in its place, if that reads the same demand.
pub(crate) fn inherits(new: &Forecast, old: &Forecast) -> bool {
    let learns = |rule: &Forecast| matches!(rule.capacity, Capacity::Learned(_));
    new.signal == old.signal && learns(new) == learns(old)
}

/// The quantity that a signal is compared with, where one was given.
pub(crate) fn compared(rule: &Forecast) -> Option<Quantity> {
    match rule.capacity {
        Capacity::Given(quantity) => Some(quantity),
        Capacity::Learned(_) => None,
    }
}
