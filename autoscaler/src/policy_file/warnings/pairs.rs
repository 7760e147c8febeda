//! Thresholds that undo each other.

use super::super::{
    policy::ReadPolicy,
    rules::{ReadRule, comparable},
};
use crate::{
    policy::{Action, Direction, Limits, RuleKind, StepSize, Threshold},
    quantity::{Quantity, SignalName},
    text::{Findings, Kind, quote},
};

/// Looks at every threshold upwards with every one downwards on the same signal.
pub(super) fn look_at(policy: &ReadPolicy, findings: &mut Findings) {
    for above in thresholds(policy, Direction::Up) {
        for below in thresholds(policy, Direction::Down) {
            look_at_pair(above, below, policy.limits, findings);
        }
    }
}

/// The thresholds of one bound that go one way, with that bound and the size of their step.
fn thresholds(policy: &ReadPolicy, direction: Direction) -> impl Iterator<Item = (&ReadRule, Simple<'_>)> {
    policy.rules.iter().filter_map(move |read| match &read.rule.kind {
        RuleKind::Threshold(rule) => Some((read, Simple::of(rule, direction)?)),
        _ => None,
    })
}

#[derive(Clone, Copy)]
struct Simple<'r> {
    signal: &'r SignalName,
    bound: Quantity,
    size: StepSize,
}

impl<'r> Simple<'r> {
    fn of(rule: &'r Threshold, direction: Direction) -> Option<Self> {
        let Action::Step(step) = &rule.action else { return None };
        let bound = match direction {
            Direction::Up => rule.bounds.lower.filter(|_| rule.bounds.upper.is_none())?,
            Direction::Down => rule.bounds.upper.filter(|_| rule.bounds.lower.is_none())?,
        };
        (step.direction == direction).then_some(Self { signal: &rule.signal, bound: bound.value, size: step.size })
    }
}

fn look_at_pair(
    (up, above): (&ReadRule, Simple<'_>),
    (down, below): (&ReadRule, Simple<'_>),
    limits: Limits,
    findings: &mut Findings,
) {
    if above.signal != below.signal {
        return;
    }
    let Some((high, low)) = comparable(above.bound, below.bound) else { return };
    let later = if up.bound < down.bound { down } else { up };
    let signal = quote(above.signal.as_str());
    if high <= low {
        let message = if high < low {
            format!(
                "{signal} can be above {} and below {} at once: these rules pull both ways",
                above.bound, below.bound
            )
        } else {
            format!("{signal} is nearly always above or below {}: nothing between these rules rests", above.bound)
        };
        let help = "set the bound to remove well below the bound to add";
        findings.add(Kind::BoundsOverlap, later.bound, message, help);
        return;
    }
    // Only the mean over replicas moves when their number does; other signals are the service's own.
    if !SignalName::OF_REPLICAS.contains(&above.signal.as_str()) || low <= 0.0 {
        return;
    }
    let Some((from, to, moved)) = flap((high, above.size), (low, below.size), limits) else { return };
    let (was, then, side) = if to < from { (below, above, "above") } else { (above, below, "below") };
    let message = format!(
        "these thresholds on {signal} undo each other: at {}, a step from {from} to {to} replicas leaves {} for each, \
         {side} {}",
        was.bound,
        scaled(was.bound, moved),
        then.bound
    );
    let help = "set the bounds further apart, or make the step smaller";
    findings.add(Kind::NarrowBand, later.bound, message, help);
}

fn scaled(quantity: Quantity, factor: f64) -> Quantity {
    match quantity {
        Quantity::Absolute { value, unit } => Quantity::Absolute { value: value * factor, unit },
        Quantity::OfLimit(share) => Quantity::OfLimit(share * factor),
        Quantity::OfReservation(share) => Quantity::OfReservation(share * factor),
    }
}

/// The first step (from, to, and by what factor the value of a replica moves) that brings the opposite one about.
///
/// The demand stays as it is, so that the value of a replica moves by from / to.
fn flap((high, add): (f64, StepSize), (low, remove): (f64, StepSize), limits: Limits) -> Option<(u32, u32, f64)> {
    // Beyond that, steps by number hardly move the value of a replica, and steps by percent move it as below that.
    const FAR: u32 = 1000;
    (limits.min..=limits.max.min(limits.min.saturating_add(FAR))).find_map(|from| {
        let fewer = from.saturating_sub(size(remove, from)).max(limits.min);
        let more = from.saturating_add(size(add, from)).min(limits.max);
        let moved = |to: u32| f64::from(from) / f64::from(to.max(1));
        if fewer < from && low * moved(fewer) > high {
            return Some((from, fewer, moved(fewer)));
        }
        (more > from && high * moved(more) < low).then(|| (from, more, moved(more)))
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most ten times 1000 replicas")]
fn size(step: StepSize, replicas: u32) -> u32 {
    match step {
        StepSize::Count(count) => count,
        StepSize::Share(share) => ((f64::from(replicas) * share - 1e-9).ceil() as u32).max(1),
    }
}
