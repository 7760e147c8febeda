//! What was beside what had been said of it, what is to come, and the plan that follows from it.

use std::collections::BTreeMap;

use autoscaler::time::Timestamp;
use forecast::Rehearsal;

use super::{Asked, steps::Steps};
use crate::report::forecast::{Moment, PlanSpan, Span};

pub(super) fn past(shown: &Steps, by: &Rehearsal, asked: &Asked<'_>) -> Vec<Moment> {
    let said: BTreeMap<u64, (f64, f64)> = by.said.iter().map(|(at, middle, bound)| (*at, (*middle, *bound))).collect();
    let own = shown.step.max(1);
    let measured = shown.forecaster.measured().into_iter().filter(|(_, width, _)| *width == own);
    let measured: BTreeMap<u64, f64> = measured.map(|(at, _, actual)| (at, actual)).collect();
    let since = by.weights.first().map(|(at, _)| *at);
    let (Some(since), Some((last, _))) = (since, measured.last_key_value()) else { return Vec::new() };
    let moment = |at: u64| {
        let (actual, said) = (measured.get(&at).copied(), said.get(&at).copied());
        let replicas = |value: Option<f64>| asked.replicas.zip(value).map(|(replicas, value)| replicas(value));
        Moment {
            at: Timestamp::from_millis(at),
            actual,
            middle: said.map(|(middle, _)| middle),
            bound: said.map(|(_, bound)| bound),
            needed: replicas(actual),
            replicas: replicas(said.map(|(_, bound)| bound)),
        }
    };
    // What was not measured is a gap, and no step is left out.
    (0..=(last.saturating_sub(since)) / own).map(|step| moment(since + step * own)).collect()
}

/// From now until then, in milliseconds since the epoch.
pub(super) fn ahead_of(
    rehearsals: &[Rehearsal],
    shown: &Steps,
    asked: &Asked<'_>,
    (now, until): (u64, u64),
) -> Vec<Span> {
    let span = |ahead: &Rehearsal| {
        // The newest long step may not be full yet: of the one that goes on, what is left of it.
        let from = (ahead.at - shown.step).max(now);
        (from < ahead.at && from < until).then(|| Span {
            from: Timestamp::from_millis(from),
            to: Timestamp::from_millis(ahead.at),
            middle: ahead.middle,
            bound: ahead.bound,
            replicas: asked.replicas.map(|replicas| replicas(ahead.bound)),
            actual: asked.came.and_then(|came| came(from, ahead.at)),
        })
    };
    rehearsals.iter().filter_map(span).collect()
}

/// Neighbours of equal counts are one span; without counts there is no plan.
pub(super) fn plan(ahead: &[Span]) -> Vec<PlanSpan> {
    let mut plan: Vec<PlanSpan> = Vec::new();
    for span in ahead {
        let Some(replicas) = span.replicas else { return Vec::new() };
        let width = span.to.since(span.from).as_secs_f64();
        match plan.last_mut().filter(|last| last.replicas == replicas) {
            Some(last) => {
                let before = last.to.since(last.from).as_secs_f64();
                last.expected = (last.expected * before + span.middle * width) / (before + width);
                last.bound = last.bound.max(span.bound);
                last.to = span.to;
            }
            None => {
                plan.push(PlanSpan {
                    from: span.from,
                    to: span.to,
                    expected: span.middle,
                    bound: span.bound,
                    replicas,
                });
            }
        }
    }
    plan
}
