//! `forecast`: the demand that is to come.
//!
//! ```text
//! replicas = ceil(demand to come / per_replica)        only if that is more than there are
//! ```
//!
//! What is to come is the demand now: the naive forecast, which every better one is measured against. A forecast can only
//! add replicas; whether there are too many is for the other rules to say.

use crate::{
    evaluation::{Gap, Opinion, RuleReason},
    policy::Forecast,
    quantity::Quantity,
    rule::{Situation, missing, whole},
};

pub(crate) fn recommend(rule: &Forecast, given: &Situation<'_>) -> (Opinion, RuleReason) {
    let Some(reading) = given.readings.get(&rule.signal, rule.window) else {
        return missing(&rule.signal, Gap::Never);
    };
    let load = match rule.per_replica {
        Quantity::Absolute { value, .. } => reading.total.map(|total| total / value),
        Quantity::OfLimit(share) => reading.shares.map(|shares| shares / share),
        Quantity::OfReservation(share) => reading.of_reservations.map(|shares| shares / share),
    };
    let Some(load) = load.map(|load| load.max(0.0)) else {
        return missing(&rule.signal, reading.gap.clone().unwrap_or(Gap::NoLimit));
    };
    let wanted = whole(load);
    let opinion = if wanted > given.current { Opinion::Wants(wanted) } else { Opinion::Abstains };
    (opinion, RuleReason::Forecast { signal: rule.signal.clone(), per_replica: rule.per_replica, load })
}
