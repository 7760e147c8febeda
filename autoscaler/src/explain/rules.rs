//! What each rule wants, and why.

mod demand;
mod fixed;
mod forecast;
mod kubernetes_hpa;
mod threshold;

pub use forecast::outlook;

use std::fmt::Write as _;

use super::gap_sentence;
use crate::{
    Evaluation,
    evaluation::{Gap, Opinion, Origin, Recommendation, RuleReason, SignalReading, ThresholdState},
    policy::{Direction, Goal, Tolerance},
    quantity::{Quantity, Unit},
    time::spoken,
};

/// What one rule wants, and why.
pub(super) fn sentence(recommendation: &Recommendation, evaluation: &Evaluation) -> String {
    let opinion = match recommendation.opinion {
        Opinion::Wants(wants) if recommendation.observes => format!("would want {wants}"),
        Opinion::Wants(wants) => format!("wants {wants}"),
        Opinion::Abstains if matches!(recommendation.reason, RuleReason::Schedule { active: true, .. }) => {
            "sets the limits".to_owned()
        }
        Opinion::Abstains => "does not apply".to_owned(),
        Opinion::Waits(Direction::Up) => "waits before it adds".to_owned(),
        Opinion::Waits(Direction::Down) => "waits before it removes".to_owned(),
        Opinion::Unknown => "cannot tell".to_owned(),
    };
    let only_observes = if recommendation.observes { " (it only observes)" } else { "" };
    format!("{}{only_observes} {opinion}: {}", name(recommendation), reason(recommendation, evaluation))
}

/// What a rule is called in a sentence: its name, or its place from 1, as people count.
pub(super) fn name(recommendation: &Recommendation) -> String {
    match &recommendation.name {
        Some(name) => format!("rule {} ({name})", recommendation.rule + 1),
        None => format!("rule {}", recommendation.rule + 1),
    }
}

/// What a rule warns of.
pub(super) fn warning(recommendation: &Recommendation, evaluation: &Evaluation) -> Option<String> {
    match &recommendation.reason {
        RuleReason::Threshold { warns: Some(text), state: ThresholdState::Breached { .. }, .. } => {
            Some(format!("{text} ({})", reason(recommendation, evaluation)))
        }
        _ => None,
    }
}

/// Why a rule wants what it wants.
pub(super) fn reason(recommendation: &Recommendation, evaluation: &Evaluation) -> String {
    let reading = recommendation.reading(evaluation);
    match &recommendation.reason {
        RuleReason::Unsaid => "nothing to say".to_owned(),
        RuleReason::Missing { signal, gap: Gap::Idle } => {
            format!("{signal} has no value: {}", gap_sentence(&Gap::Idle))
        }
        RuleReason::Missing { gap: gap @ Gap::NotLearned(_), .. } => gap_sentence(gap),
        RuleReason::Missing { signal, gap } => {
            let asks = match recommendation.opinion {
                Opinion::Wants(wants) => format!(", for which the policy asks for {wants}"),
                _ => String::new(),
            };
            format!("{signal} is missing: {}{asks}", gap_sentence(gap))
        }
        RuleReason::Target { signal, goal, load, warming, absent, tolerance, within_tolerance } => {
            let mut text = format!("{signal}{} is work for {} {}", value(reading), replicas(*load), each(*goal));
            if *within_tolerance {
                write!(text, ", within the tolerance of {}", printed(*tolerance)).ok();
            }
            if *warming > 0 {
                let what = match *warming {
                    1 => "1 replica that starts or warms up is".to_owned(),
                    some => format!("{some} replicas that start or warm up are"),
                };
                write!(text, ", {what} counted as capacity").ok();
            }
            if *absent > 0 {
                write!(text, ", {absent} without a sample").ok();
            }
            text
        }
        RuleReason::Queue { .. }
        | RuleReason::Burst { .. }
        | RuleReason::Forecast { .. }
        | RuleReason::Formula { .. }
        | RuleReason::Ratio { .. }
        | RuleReason::Schedule { .. } => demand::reason(&recommendation.reason, reading, evaluation.at)
            .or_else(|| fixed::reason(&recommendation.reason, evaluation.at))
            .unwrap_or_default(),
        RuleReason::KubernetesHpa { signal, .. } => {
            format!("{signal} is {}", kubernetes_hpa::reason(&recommendation.reason, reading))
        }
        RuleReason::Threshold { .. } => threshold::reason(&recommendation.reason, reading, evaluation.at),
    }
}

/// Above which level a rule says that there is something to do, of a service that is idle.
pub(super) fn activation(recommendation: &Recommendation, evaluation: &Evaluation) -> Option<String> {
    let level = Unit::Number.print(recommendation.activate);
    match &recommendation.reason {
        RuleReason::Formula { formula, .. } => Some(format!("active once {formula} is above {level}")),
        reason => {
            let active = activation_level(recommendation, evaluation).map(|level| format!("active above {level}"));
            active.or_else(|| fixed::turning_points(reason, evaluation.at))
        }
    }
}

/// That level of its signal: "jobs 50"; none where it goes by no value of the service's own.
pub(super) fn activation_level(recommendation: &Recommendation, evaluation: &Evaluation) -> Option<String> {
    let reading = own_reading(recommendation, evaluation)?;
    Some(format!("{} {}", reading.signal, reading.unit.print(recommendation.activate)))
}

/// That a rule's signal is not above the level that it becomes active at, where it has such a level.
pub(super) fn inactive(recommendation: &Recommendation, evaluation: &Evaluation) -> Option<String> {
    let Recommendation { activate, reason, .. } = recommendation;
    if *activate <= 0.0 {
        return None;
    }
    if let RuleReason::Formula { formula, value: Some(value), .. } = reason {
        let print = |value| Unit::Number.print(value);
        return Some(format!("{formula} is {}, active above {}", print(*value), print(*activate)));
    }
    let reading = own_reading(recommendation, evaluation)?;
    let (now, print) = (reading.total?, |value| reading.unit.print(value));
    let signal = &reading.signal;
    Some(format!("{signal} is {}{}, active above {}", print(now), kept(Some(reading)), print(*activate)))
}

/// The reading of a value of the service's own: what can tell activity.
fn own_reading<'e>(recommendation: &Recommendation, evaluation: &'e Evaluation) -> Option<&'e SignalReading> {
    recommendation.reading(evaluation).filter(|reading| reading.origin == Origin::Service)
}

/// From which level on a rule wants more, and below which fewer.
pub(super) fn turning_points(recommendation: &Recommendation, evaluation: &Evaluation, current: u32) -> Option<String> {
    if let Some(text) = fixed::turning_points(&recommendation.reason, evaluation.at) {
        return Some(text);
    }
    let reading = recommendation.reading(evaluation)?;
    let (goal, tolerance, warming) = match &recommendation.reason {
        RuleReason::Target { goal, tolerance, warming, .. } => (goal, tolerance, warming),
        reason @ RuleReason::Threshold { .. } => {
            let at_most = current >= evaluation.limits.max;
            let text = threshold::turning_points(reason, &name(recommendation), evaluation.at);
            return text.filter(|_| {
                !(at_most && matches!(reason, RuleReason::Threshold { direction: Some(Direction::Up), .. }))
            });
        }
        reason @ RuleReason::KubernetesHpa { .. } => return kubernetes_hpa::turning_points(reason, reading, current),
        reason => return demand::turning_points(reason, reading, current, evaluation.at),
    };
    let present = f64::from(current);
    let more = present * (1.0 + tolerance.up);
    let fewer = ((present - 1.0).min(present * (1.0 - tolerance.down)) - f64::from(*warming)).max(0.0);
    let print = |load: f64| match (*goal, reading.total, reading.shares) {
        (Goal::PerReplica(Quantity::Absolute { value, .. }), ..) => reading.unit.print(load * value),
        (Goal::PerReplica(Quantity::OfLimit(share)), Some(total), Some(shares)) if shares > 0.0 => {
            reading.unit.print(load * share * total / shares)
        }
        (Goal::PerReplica(quantity), ..) => Unit::Share.print(load * quantity.value() / present.max(1.0)),
        (Goal::Total(goal), ..) => reading.unit.print(load * goal.value() / present.max(1.0)),
    };
    let signal = &reading.signal;
    let (grows, shrinks) = (current < evaluation.limits.max, fewer > 0.0 && current > evaluation.limits.min.max(1));
    match (grows, shrinks) {
        (true, true) => Some(format!("more above {signal} {}, fewer at {} or below", print(more), print(fewer))),
        (true, false) => Some(format!("more above {signal} {}", print(more))),
        (false, true) => Some(format!("fewer at {signal} {} or below", print(fewer))),
        (false, false) => None,
    }
}

/// A reading's value and window, for a sentence.
fn value(reading: Option<&SignalReading>) -> String {
    let Some(reading) = reading else { return String::new() };
    let value = reading.total.map_or_else(String::new, |total| format!(" {}", reading.unit.print(total)));
    format!("{value} over {}{}", spoken(reading.window), kept(Some(reading)))
}

/// That a value is the last good one, where it is.
fn kept(reading: Option<&SignalReading>) -> String {
    let kept = reading.and_then(|reading| reading.kept);
    kept.map_or_else(String::new, |age| format!(" (the last good value, {} old)", spoken(age)))
}

fn each(goal: Goal) -> String {
    match goal {
        Goal::PerReplica(Quantity::OfLimit(_)) => format!("at {} of the limit each", goal.quantity()),
        Goal::PerReplica(quantity) => format!("at {quantity} each"),
        Goal::Total(quantity) => format!("to have it at {quantity}"),
    }
}

fn printed(tolerance: Tolerance) -> String {
    let print = |share| Unit::Share.print(share);
    match tolerance {
        Tolerance { up, down } if (up - down).abs() < f64::EPSILON => print(up),
        Tolerance { up, down } => format!("{} up and {} down", print(up), print(down)),
    }
}

/// A load as so many replicas' worth.
fn replicas(load: f64) -> String {
    match Unit::Number.print((load * 10.0).round() / 10.0) {
        one if one == "1" => "1 replica".to_owned(),
        some => format!("{some} replicas"),
    }
}
