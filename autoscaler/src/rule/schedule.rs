//! `schedule`: limits, or a count, at certain times.
//!
//! It wants nothing itself but sets the limits in force while it is on. Of several that are on, for each of `min` and `max`
//! the one further down wins; what none of them sets is as in `replicas`. A `max` below the `min` pulls that down: the lower
//! one is a promise about cost, and the other one about comfort. For the same reason no schedule sets more than the policy's own
//! `max`; a count or a `max` below the policy's own `min` is fine, for quiet nights.
//!
//! Where nothing but schedules acts, as many are wanted as the `min` in force, so that the count comes back after the window.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    calendar::Window,
    evaluation::{Opinion, RuleReason},
    policy::{Limits, Policy, Rule, RuleKind, Schedule},
    rule::Situation,
    time::Timestamp,
};

/// What holds of each rule's calendar, by its place: kept, as asking a calendar takes longer than all the rest of an
/// evaluation. It is not remembered across restarts: another version may know another time zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Windows(Vec<Option<Window>>);

/// Of a policy without schedules.
#[cfg(test)]
pub(crate) static NO_WINDOWS: Windows = Windows(Vec::new());

impl Windows {
    /// What holds now: as before, where that still tells.
    pub(crate) fn at(&self, policy: &Policy, now: Timestamp) -> Cow<'_, Self> {
        let kept = |place: usize| self.get(place).filter(|window| window.holds_at(now));
        let mut schedules =
            policy.rules.iter().enumerate().filter(|(_, rule)| matches!(rule.kind, RuleKind::Schedule(_)));
        if schedules.all(|(place, _)| kept(place).is_some()) {
            return Cow::Borrowed(self);
        }
        let windows = policy.rules.iter().enumerate().map(|(place, rule)| {
            let RuleKind::Schedule(schedule) = &rule.kind else { return None };
            Some(kept(place).unwrap_or_else(|| schedule.calendar.window_at(now)))
        });
        Cow::Owned(Self(windows.collect()))
    }

    fn get(&self, place: usize) -> Option<Window> {
        self.0.get(place).copied().flatten()
    }
}

pub(crate) fn recommend(rule: &Schedule, place: usize, given: &Situation<'_>) -> (Opinion, RuleReason) {
    let window = given.windows.get(place).unwrap_or(Window { active: false, until: None, open_ended: false });
    let pulls = match (window.active, rule.replicas.max, rule.replicas.min) {
        (true, Some(max), None) => in_force(given.policy, given.windows).1.filter(|min| max < *min),
        _ => None,
    };
    let (calendar, sets) = (rule.calendar.clone(), rule.replicas);
    let max = given.policy.limits.max;
    let capped = (sets.min.max(sets.max) > Some(max)).then_some(max);
    let until = window.until.filter(|_| !window.open_ended);
    (Opinion::Abstains, RuleReason::Schedule { calendar, active: window.active, until, sets, pulls, capped })
}

/// The limits in force at a moment.
pub(crate) fn limits(policy: &Policy, windows: &Windows) -> Limits {
    in_force(policy, windows).0
}

/// The limits in force, and the `min` that was above the `max`, where one was.
fn in_force(policy: &Policy, windows: &Windows) -> (Limits, Option<u32>) {
    let mut limits = policy.limits;
    for (place, rule) in policy.rules.iter().enumerate() {
        let Rule { observe: false, kind: RuleKind::Schedule(schedule), .. } = rule else { continue };
        if !windows.get(place).is_some_and(|window| window.active) {
            continue;
        }
        limits.min = schedule.replicas.min.unwrap_or(limits.min);
        limits.max = schedule.replicas.max.map_or(limits.max, |max| max.min(policy.limits.max));
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

/// When the limits change next, and which rule does that.
pub(crate) fn changes(windows: &Windows) -> impl Iterator<Item = (Timestamp, usize)> {
    windows.0.iter().enumerate().filter_map(|(place, window)| Some(((*window)?.until?, place)))
}
