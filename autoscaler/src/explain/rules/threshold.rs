//! What `threshold` rules want, and why.

use super::kept;
use crate::{
    evaluation::{RuleReason, SignalReading, ThresholdState, ThresholdStays},
    policy::{Bounds, Direction},
    quantity::{Quantity, Unit},
    time::{Timestamp, spoken},
};

/// Why; nothing of another kind.
pub(super) fn reason(reason: &RuleReason, reading: Option<&SignalReading>, now: Timestamp) -> String {
    let RuleReason::Threshold { signal, level, bounds, state, stays, .. } = reason else { return String::new() };
    let past = bounds.contain(*level);
    let level = match bounds.lower.or(bounds.upper).map(|bound| bound.value) {
        Some(Quantity::OfLimit(_) | Quantity::OfReservation(_)) => Unit::Share.print(*level),
        _ => reading.map_or(Unit::Number, |reading| reading.unit).print(*level),
    };
    let stands = match counted(*state) {
        Some((hits, of)) => format!("{} in {hits} of the last {of} samples (now {level})", side(*bounds)),
        None => format!("{level}{}, {}", kept(reading), lasting(*bounds, *state, now)),
    };
    let needed = match state {
        ThresholdState::Counting { needed, .. } => format!(", and {needed} are needed"),
        _ => String::new(),
    };
    let stays = match stays {
        None => String::new(),
        Some(ThresholdStays::Limit(limit)) => format!(", and the rule goes no further than {limit}"),
        Some(ThresholdStays::NoStep) if past => ", and its step for that is none".to_owned(),
        Some(ThresholdStays::NoStep) => format!(", and its step for {level} is none"),
    };
    format!("{signal} is {stands}{needed}{stays}")
}

/// What brings a step closer: a level, so much time, or so many samples.
pub(super) fn turning_points(reason: &RuleReason, name: &str, now: Timestamp) -> Option<String> {
    let RuleReason::Threshold { signal, bounds, state, warns, direction, .. } = reason else { return None };
    let side = side(*bounds);
    let does = match (direction, warns) {
        (_, Some(_)) => "warns",
        (Some(Direction::Up), None) => "adds",
        (Some(Direction::Down), None) => "removes",
        (None, None) => return None,
    };
    match state {
        ThresholdState::Clear => {
            let change = if (*direction)? == Direction::Up { "more" } else { "fewer" };
            Some(format!("{change} once {signal} is {side}"))
        }
        ThresholdState::Pending { until, .. } => {
            Some(format!("{name} {does} in {} if it stays so", spoken(until.since(now))))
        }
        ThresholdState::Counting { hits, needed, .. } => {
            let more = needed.saturating_sub(*hits);
            let samples = if more == 1 { "sample" } else { "samples" };
            Some(format!("{name} {does} after {more} more {samples} {side}"))
        }
        ThresholdState::Settling { .. } | ThresholdState::Breached { .. } => None,
    }
}

/// Where samples are counted, how many of how many are past the bound.
fn counted(state: ThresholdState) -> Option<(u8, u8)> {
    match state {
        ThresholdState::Counting { hits, of, .. } => Some((hits, of)),
        ThresholdState::Breached { samples, .. } => samples,
        ThresholdState::Clear | ThresholdState::Pending { .. } | ThresholdState::Settling { .. } => None,
    }
}

/// How a breach stands that has to last.
fn lasting(bounds: Bounds, state: ThresholdState, now: Timestamp) -> String {
    let side = side(bounds);
    match state {
        ThresholdState::Clear => format!("not {side}"),
        ThresholdState::Pending { since, until, silence } => {
            let silence = silence.map(|span| format!("; there was no sample for {} before", spoken(span)));
            let lasted = spoken(now.since(since));
            format!("{side} for {lasted} of {}{}", spoken(until.since(since)), silence.unwrap_or_default())
        }
        ThresholdState::Settling { ready, target } => {
            format!("{side}, but the last step has not had its effect yet ({ready} of {target} serve)")
        }
        ThresholdState::Breached { since, .. } if now > since => format!("{side} for {}", spoken(now.since(since))),
        ThresholdState::Breached { .. } | ThresholdState::Counting { .. } => side,
    }
}

/// Which levels are a breach: "above 70 %", "at least 10 and below 20".
fn side(bounds: Bounds) -> String {
    let lower = bounds.lower.map(|bound| {
        let side = if bound.inclusive { "at least" } else { "above" };
        format!("{side} {}", bound.value)
    });
    let upper = bounds.upper.map(|bound| {
        let side = if bound.inclusive { "at most" } else { "below" };
        format!("{side} {}", bound.value)
    });
    [lower, upper].into_iter().flatten().collect::<Vec<_>>().join(" and ")
}
