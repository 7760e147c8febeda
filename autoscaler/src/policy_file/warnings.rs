//! What is allowed and yet hardly meant.

use std::time::Duration;

use super::{
    finding::{Findings, Kind, quote},
    policy::ReadPolicy,
    rules::{ReadRule, comparable},
};
use crate::{
    policy::{Action, Direction, Goal, Lasting, Limits, Read, RuleKind, SignalSource, StepSize, Threshold},
    quantity::{Quantity, SignalName},
    rule::main_signal,
    time::spoken,
};

/// Adds the warnings about one policy.
pub(super) fn look_at(policy: &ReadPolicy, findings: &mut Findings) {
    unused_signals(policy, findings);
    fixed_count(policy, findings);
    short_stabilization(policy, findings);
    nothing_damps(policy, findings);
    not_demand(policy, findings);
    for above in thresholds(policy, Direction::Up) {
        for below in thresholds(policy, Direction::Down) {
            look_at_pair(above, below, policy.limits, findings);
        }
    }
}

fn unused_signals(policy: &ReadPolicy, findings: &mut Findings) {
    for (name, place) in &policy.signals.places {
        if !policy.rules.iter().any(|read| main_signal(&read.rule).is_some_and(|(signal, _)| signal == name)) {
            let message = format!("no rule reads the signal {}", quote(name.as_str()));
            findings.add(Kind::UnusedSignal, *place, message, "leave it out, or write a rule that reads it");
        }
    }
}

fn fixed_count(policy: &ReadPolicy, findings: &mut Findings) {
    let Limits { min, max, .. } = policy.limits;
    if min == max {
        let message = format!("`min` and `max` are both {min}: there is nothing to decide");
        findings.add(Kind::FixedCount, policy.limits_place, message, "raise `max`");
    }
}

fn short_stabilization(policy: &ReadPolicy, findings: &mut Findings) {
    let stabilize = policy.guards.guards.down.stabilize;
    let window = |read: &&ReadRule| main_signal(&read.rule).map(|(_, window)| window).unwrap_or_default();
    let Some(longest) = policy.rules.iter().max_by_key(window) else { return };
    let window = window(&longest);
    if stabilize >= window {
        return;
    }
    let message = format!(
        "`guards.down.stabilize` is {}, shorter than a rule's window of {}: a scale-down is decided on samples that it \
         does not look back on",
        spoken(stabilize),
        spoken(window)
    );
    let given = Some(policy.guards.places.down_stabilize).filter(|place| !place.is_built_in());
    let place = given.unwrap_or(longest.place);
    findings.add(Kind::ShortStabilization, place, message, format!("write `stabilize: {}` or more", spoken(window)));
}

fn nothing_damps(policy: &ReadPolicy, findings: &mut Findings) {
    let guards = &policy.guards.guards;
    if !guards.up.cooldown.is_zero() || !guards.down.cooldown.is_zero() {
        return;
    }
    for read in &policy.rules {
        if matches!(&read.rule.kind, RuleKind::Threshold(rule) if rule.lasting == Lasting::For(Duration::ZERO)) {
            let message = "`cooldown` is 0 both ways and this threshold has no `for`: every sample past it is a step";
            findings.add(Kind::NothingDamps, read.place, message, "write `for: 30s` here, or a `cooldown`");
        }
    }
}

fn not_demand(policy: &ReadPolicy, findings: &mut Findings) {
    for read in &policy.rules {
        let RuleKind::Target(rule) = &read.rule.kind else { continue };
        if matches!(rule.goal, Goal::Total(_)) {
            continue;
        }
        if rule.signal.as_str() == SignalName::MEMORY {
            let message = "what each replica takes of memory by itself comes with every replica that is added, so that this \
                           can add replicas up to `max`";
            findings.add(Kind::NotDemand, read.bound, message, "use `threshold` for memory");
            continue;
        }
        let Some(SignalSource::Prometheus { read: how, .. }) = policy.signals.sources.get(&rule.signal) else {
            continue;
        };
        if matches!(how, Read::Mean | Read::Max | Read::Quantile(_)) {
            let message = format!(
                "the signal {} is no sum that replicas share: twice the replicas do not halve it",
                quote(rule.signal.as_str())
            );
            let help = "use `threshold` for it, or a target on `cpu`, a `rate`, a `sum` or a queue";
            findings.add(Kind::NotDemand, read.bound, message, help);
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
    (limits.min..=limits.max).find_map(|from| {
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
