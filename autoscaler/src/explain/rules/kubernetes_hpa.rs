//! What `target` rules with Kubernetes' arithmetic want, and why.

use std::fmt::Write as _;

use super::printed;
use crate::{
    evaluation::{HpaHold, Origin, RuleReason, SignalReading},
    policy::{Goal, Tolerance},
    quantity::{Quantity, Unit},
};

/// "50 % of the limit each, 1.67 times the goal of 30 %, on 3 ready replicas": 1.67 · 3, rounded up, is the count.
pub(super) fn reason(reason: &RuleReason, reading: Option<&SignalReading>) -> String {
    let RuleReason::KubernetesHpa { goal, level, ratio, filled, ready, unready, missing, tolerance, held, .. } = reason
    else {
        return String::new();
    };
    let unit = reading.map_or(Unit::Number, |reading| reading.unit);
    let times = Unit::Number.print(*ratio);
    let mut text = match *goal {
        Goal::PerReplica(quantity @ Quantity::Absolute { .. }) if is_own(reading) => {
            return format!(
                "{}, {times} times what {} shall have at {quantity} each{}",
                unit.print(*level),
                replicas(*ready),
                holds(*held, *tolerance)
            );
        }
        Goal::PerReplica(quantity) | Goal::Total(quantity) => {
            let level = level_of(*goal, *level, unit);
            let goal = match quantity {
                Quantity::OfLimit(share) | Quantity::OfReservation(share) => Unit::Share.print(share),
                Quantity::Absolute { .. } => quantity.to_string(),
            };
            format!("{level}, {times} times the goal of {goal}, on {} that serve", replicas(*ready))
        }
    };
    if let Some(filled) = filled {
        let left = [(*unready, "starting"), (*missing, "without a sample")];
        let left = left.into_iter().filter(|(count, _)| *count > 0);
        let left: Vec<String> = left.map(|(count, what)| format!("{count} {what}")).collect();
        write!(text, ", and {} times it with {} taken in", Unit::Number.print(*filled), left.join(" and ")).ok();
    }
    text + &holds(*held, *tolerance)
}

/// From which level on there will be more, and from which on fewer.
pub(super) fn turning_points(reason: &RuleReason, reading: &SignalReading, current: u32) -> Option<String> {
    let RuleReason::KubernetesHpa { signal, goal, ready, tolerance, filled: None, .. } = reason else { return None };
    let present = f64::from(current.max(1));
    let own = is_own(Some(reading));
    let average = own && matches!(goal, Goal::PerReplica(_));
    let counted = if average { current } else { *ready };
    // In whole replicas there are fewer once ceil(ratio · counted) is below the present count.
    let fewer = (1.0 - tolerance.down).min((present - 1.0) / f64::from(counted.max(1)));
    let print = |ratio: f64| {
        let times = if average { present } else { 1.0 };
        let level = ratio * goal.quantity().value() * times;
        if average { reading.unit.print(level) } else { level_of(*goal, level, reading.unit) }
    };
    Some(if current > 1 && fewer > 0.0 {
        format!("more above {signal} {}, fewer at {} or below", print(1.0 + tolerance.up), print(fewer))
    } else {
        format!("more above {signal} {}", print(1.0 + tolerance.up))
    })
}

fn level_of(goal: Goal, level: f64, unit: Unit) -> String {
    match goal {
        Goal::PerReplica(Quantity::OfLimit(_)) => format!("{} of the limit each", Unit::Share.print(level)),
        Goal::PerReplica(Quantity::OfReservation(_)) => format!("{} of the reservation each", Unit::Share.print(level)),
        Goal::PerReplica(Quantity::Absolute { .. }) => format!("{} each", unit.print(level)),
        Goal::Total(_) => unit.print(level),
    }
}

fn is_own(reading: Option<&SignalReading>) -> bool {
    reading.is_some_and(|reading| reading.origin == Origin::Service)
}

fn holds(held: Option<HpaHold>, tolerance: Tolerance) -> String {
    match held {
        None => String::new(),
        Some(HpaHold::Tolerance) => format!(", within the tolerance of {}", printed(tolerance)),
        Some(HpaHold::Turned) => ", which would turn it round: it holds".to_owned(),
    }
}

fn replicas(count: u32) -> String {
    match count {
        1 => "1 replica".to_owned(),
        count => format!("{count} replicas"),
    }
}
