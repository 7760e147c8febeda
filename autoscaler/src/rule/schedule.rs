//! `schedule`: limits, or a count, at certain times.
//!
//! It wants nothing itself but sets the limits in force while it is on. Of several that are on, for each of `min` and `max`
//! the one further down wins; what none of them sets is as in `replicas`. A `max` below the `min` pulls that down: the lower
//! one is a promise about cost, and the other one about comfort.
//!
//! Where nothing but schedules acts, as many are wanted as the `min` in force, so that the count comes back after the window.

use crate::{
    evaluation::{Opinion, RuleReason, Wakeup, WakeupReason},
    policy::{Limits, Policy, Rule, RuleKind, Schedule},
    rule::Situation,
    time::Timestamp,
};

pub(crate) fn recommend(rule: &Schedule, given: &Situation<'_>) -> (Opinion, RuleReason) {
    let window = rule.calendar.window_at(given.now);
    let pulls = match (window.active, rule.replicas.max, rule.replicas.min) {
        (true, Some(max), None) => in_force(given.policy, given.now).1.filter(|min| max < *min),
        _ => None,
    };
    let (calendar, sets) = (rule.calendar.clone(), rule.replicas);
    (Opinion::Abstains, RuleReason::Schedule { calendar, active: window.active, until: window.until, sets, pulls })
}

/// The limits in force at a moment.
pub(crate) fn limits(policy: &Policy, now: Timestamp) -> Limits {
    in_force(policy, now).0
}

/// The limits in force, and the `min` that was above the `max`, where one was.
fn in_force(policy: &Policy, now: Timestamp) -> (Limits, Option<u32>) {
    let mut limits = policy.limits;
    for schedule in acting(policy).filter(|schedule| schedule.calendar.window_at(now).active) {
        limits.min = schedule.replicas.min.unwrap_or(limits.min);
        limits.max = schedule.replicas.max.unwrap_or(limits.max);
    }
    let pulled = (limits.min > limits.max).then_some(limits.min);
    limits.min = limits.min.min(limits.max);
    limits.idle = limits.idle.map(|idle| idle.min(limits.max));
    (limits, pulled)
}

/// Whether nothing but schedules acts.
pub(crate) fn alone(policy: &Policy) -> bool {
    let mut acts = policy.rules.iter().filter(|rule| !rule.observe).peekable();
    acts.peek().is_some() && acts.all(|rule| matches!(rule.kind, RuleKind::Schedule(_)))
}

/// When the limits change next.
pub(crate) fn wakeups(policy: &Policy, now: Timestamp) -> impl Iterator<Item = Wakeup> {
    policy.rules.iter().enumerate().filter_map(move |(place, rule)| {
        let RuleKind::Schedule(schedule) = &rule.kind else { return None };
        let at = schedule.calendar.next_change(now)?;
        Some(Wakeup { at, because: WakeupReason::Schedule { rule: place } })
    })
}

fn acting(policy: &Policy) -> impl Iterator<Item = &Schedule> {
    policy.rules.iter().filter_map(|rule| match rule {
        Rule { observe: false, kind: RuleKind::Schedule(schedule), .. } => Some(schedule),
        _ => None,
    })
}
