//! What rules want that go by no signal, and why: `ratio`, `schedule`.

use std::time::Duration;

use crate::{
    evaluation::RuleReason,
    policy::{Order, Scheduled},
    time::{Timestamp, spoken},
};

/// Why; none of another kind.
pub(super) fn reason(reason: &RuleReason, now: Timestamp) -> Option<String> {
    match reason {
        RuleReason::Ratio { of, count: None, .. } => Some(format!("{of} is not known")),
        RuleReason::Ratio { of, count: Some(count), for_each, replicas, order } => {
            let what = match order {
                Order::Together => format!("there shall be {count} of {of}"),
                Order::First => format!("{of} wants {count}"),
            };
            Some(format!("{what}, with {replicas} of this one for each {for_each}"))
        }
        RuleReason::Schedule { calendar, active, until, sets, pulls, capped } => {
            let zone = calendar.zone();
            let until = until.map(|until| zone.spoken(until, now));
            Some(match (active, until) {
                (true, until) => {
                    let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
                    let capped = capped.map(|max| format!(", and replicas.max is {max}")).unwrap_or_default();
                    format!("{calendar} is on{until}: {}{capped}", set(*sets, *pulls))
                }
                (false, Some(from)) => format!("{calendar} is off until {from}"),
                (false, None) => format!("{calendar} is over"),
            })
        }
        _ => None,
    }
}

/// When a schedule begins or ends; where the count of another service changes this one's.
pub(super) fn turning_points(reason: &RuleReason, now: Timestamp) -> Option<String> {
    match reason {
        RuleReason::Ratio { of, count: Some(count), for_each, .. } => {
            let for_each = (*for_each).max(1);
            let carried = count.div_ceil(for_each).saturating_mul(for_each);
            Some(format!("more above {carried} of {of}"))
        }
        RuleReason::Schedule { calendar, active, until: Some(until), sets, .. } => {
            let when = match until.since(now) {
                left if left < Duration::from_hours(24) => format!("in {}", spoken(left)),
                _ => calendar.zone().spoken(*until, now),
            };
            Some(match active {
                true => format!("{calendar} ends {when}"),
                false => format!("{calendar} begins {when}: {}", set(*sets, None)),
            })
        }
        _ => None,
    }
}

fn set(sets: Scheduled, pulls: Option<u32>) -> String {
    match (sets.min, sets.max, pulls) {
        (Some(min), Some(max), _) if min == max => format!("{min} replicas"),
        (Some(min), Some(max), _) => format!("min {min}, max {max}"),
        (Some(min), None, _) => format!("min {min}"),
        (None, Some(max), Some(pulled)) => format!("max {max}, which pulls the min of {pulled} down to {max}"),
        (None, Some(max), None) => format!("max {max}"),
        (None, None, _) => "nothing".to_owned(),
    }
}
