//! What rules want that go by demand or a backlog, and why: `queue`, `burst`, `forecast`, `formula`.

use std::fmt::Write as _;

use super::{forecast, replicas, value};
use crate::{
    evaluation::{QueueGoalSeen, RuleReason, SignalReading},
    quantity::{Quantity, Unit},
    time::{Timestamp, spoken},
};

/// Why; none of another kind.
pub(super) fn reason(reason: &RuleReason, reading: Option<&SignalReading>, now: Timestamp) -> Option<String> {
    let (mut text, absent) = match reason {
        RuleReason::Queue { signal, load, goal, absent, .. } => {
            (format!("{signal}{} {}", value(reading), queue(*goal, *load)), *absent)
        }
        RuleReason::Burst { absent, .. } => (burst(reason, reading, now), *absent),
        RuleReason::Forecast(reason) => (forecast::reason(reason, reading, now), reason.absent),
        RuleReason::Formula { formula, terms, value, impossible, absent } => {
            let terms: Vec<String> =
                terms.iter().map(|(signal, value)| format!("{signal} {}", Unit::Number.print(*value))).collect();
            let given = if terms.is_empty() { String::new() } else { format!(" with {}", terms.join(", ")) };
            let is = match (value, impossible) {
                (Some(value), _) => format!("is {}", Unit::Number.print(*value)),
                (None, why) => format!("has no value: {}", why.as_deref().unwrap_or("something is missing")),
            };
            (format!("{formula}{given} {is}"), *absent)
        }
        _ => return None,
    };
    if absent > 0 {
        write!(text, ", {absent} without a sample").ok();
    }
    Some(text)
}

/// From which backlog or demand on there will be more, and at which fewer.
pub(super) fn turning_points(
    reason: &RuleReason,
    reading: &SignalReading,
    current: u32,
    now: Timestamp,
) -> Option<String> {
    if let RuleReason::Burst { until: Some(until), most, .. } = reason {
        let left = match until.since(now) {
            left if left.is_zero() => "now".to_owned(),
            left => format!("in {}", spoken(left)),
        };
        return Some(format!("its panic, which keeps {most}, ends {left} if nothing renews it"));
    }
    if let RuleReason::Forecast(reason) = reason {
        return forecast::turning_point(reason, reading, current);
    }
    let present = f64::from(current);
    let level = |load: f64| match reason {
        RuleReason::Queue { goal: QueueGoalSeen::PerReplica(each), .. } => Some(load * each),
        RuleReason::Queue { goal: QueueGoalSeen::Drain { within, job_takes, arrivals, at_once }, .. } => {
            let per_second = load * f64::from(*at_once) / job_takes - arrivals.unwrap_or(0.0);
            Some(per_second * within.as_secs_f64()).filter(|backlog| backlog.is_finite() && *backlog >= 0.0)
        }
        RuleReason::Burst { per_replica: Quantity::Absolute { value, .. }, clamped: None, until: None, .. } => {
            Some(load * value)
        }
        _ => None,
    };
    let print = |load| level(load).map(|level| reading.unit.print(level));
    let more = format!("more above {} {}", reading.signal, print(present)?);
    match print(present - 1.0).filter(|_| current > 1) {
        Some(fewer) => Some(format!("{more}, fewer at {fewer} or below")),
        None => Some(more),
    }
}

fn queue(goal: QueueGoalSeen, load: f64) -> String {
    match goal {
        QueueGoalSeen::PerReplica(each) => {
            format!("is work for {} at {} each", replicas(load), Unit::Number.print(each))
        }
        QueueGoalSeen::Drain { within, job_takes, arrivals, at_once } => {
            let more =
                arrivals.map(|rate| format!(" and {} that come", Unit::PerSecond.print(rate))).unwrap_or_default();
            let each = if at_once == 1 { String::new() } else { format!(" and {at_once} at once") };
            let takes = Unit::Seconds.print(job_takes);
            format!(
                "to be worked off in {}{more}: at {takes} a job{each} that is work for {}",
                spoken(within),
                replicas(load)
            )
        }
    }
}

fn burst(reason: &RuleReason, reading: Option<&SignalReading>, now: Timestamp) -> String {
    let RuleReason::Burst {
        signal,
        per_replica,
        steady,
        burst,
        window,
        panic_window,
        ready,
        panic_at,
        until,
        most,
        clamped,
        ..
    } = reason
    else {
        return String::new();
    };
    let total =
        reading.and_then(|reading| Some(format!(" {}", reading.unit.print(reading.total?)))).unwrap_or_default();
    let mut text = format!(
        "{signal}{total} over {} is work for {} {}, and over {} for {}",
        spoken(*window),
        replicas(*steady),
        each(*per_replica),
        spoken(*panic_window),
        Unit::Number.print((*burst * 10.0).round() / 10.0)
    );
    if let Some(until) = until {
        // One window after the last moment at which there was reason to panic.
        let (left, ago) = (until.since(now), window.saturating_sub(until.since(now)));
        let why = if ago.is_zero() {
            let times = Unit::Number.print(*panic_at);
            format!("it panics, with work for {times} times {} or more,", serving(*ready))
        } else {
            format!("it still panics, {} after the last reason to,", spoken(ago))
        };
        let ends = if left.is_zero() { "for the last moment".to_owned() } else { format!("for {} more", spoken(left)) };
        write!(text, ": {why} and keeps its most, {most}, {ends}").ok();
    }
    if let Some(clamped) = clamped {
        write!(text, ", but with {ready} serving it goes to {clamped} at once").ok();
    }
    text
}

fn serving(ready: u32) -> String {
    if ready == 1 { "the one that serves".to_owned() } else { format!("the {ready} that serve") }
}

fn each(quantity: Quantity) -> String {
    match quantity {
        Quantity::OfLimit(_) => format!("at {quantity} of the limit each"),
        quantity => format!("at {quantity} each"),
    }
}
