//! A policy with its goals turned up or down.

use autoscaler::{
    Policy,
    policy::{Goal, Knob, QueueGoal, RuleKind},
    quantity::Quantity,
};

/// What goals are multiplied by in the search for the best knob in hindsight.
pub const TURNS: [f64; 8] = [0.4, 0.5, 0.65, 0.8, 1.25, 1.5, 2.0, 3.0];

/// The policy with what one replica shall carry multiplied: the goals of its `target`, `queue` and `burst` rules, the
/// bounds of its `threshold` rules, and what a missing replica is worth to its `forecast` rules. Shares of limits and reservations stay at or below all of it. `None` where it
/// has none of these, so that nothing would change.
pub fn turned(policy: &Policy, by: f64) -> Option<Policy> {
    let mut turned = policy.clone();
    for rule in &mut turned.rules {
        match &mut rule.kind {
            RuleKind::Target(target) => match &mut target.goal {
                Goal::PerReplica(quantity) | Goal::Total(quantity) => multiply(quantity, by),
            },
            RuleKind::Queue(queue) => match &mut queue.goal {
                QueueGoal::PerReplica(jobs) => *jobs *= by,
                QueueGoal::Drain { within, .. } => *within = within.mul_f64(by),
            },
            RuleKind::Burst(burst) => multiply(&mut burst.per_replica, by),
            // What a missing replica is worth is its knob: from a fortieth to eighty times as much.
            RuleKind::Forecast(forecast) => {
                let idle = forecast.knob.idle_per_missing() / by.powi(4);
                forecast.knob = Knob::IdlePerMissing(idle.clamp(0.01, 1000.0));
            }
            RuleKind::Threshold(threshold) => {
                for bound in [&mut threshold.bounds.lower, &mut threshold.bounds.upper].into_iter().flatten() {
                    multiply(&mut bound.value, by);
                }
            }
            RuleKind::Ratio(_) | RuleKind::Schedule(_) | RuleKind::Formula(_) => {}
        }
    }
    (turned != *policy).then_some(turned)
}

fn multiply(quantity: &mut Quantity, by: f64) {
    match quantity {
        Quantity::Absolute { value, .. } => *value *= by,
        Quantity::OfLimit(share) | Quantity::OfReservation(share) => *share = (*share * by).min(share.max(1.0)),
    }
}
