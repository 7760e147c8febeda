//! Limits: `replicas.min` and `replicas.max` of the policy and its schedules, and the most that the service's own
//! configuration allows.

use crate::{
    evaluation::{Activity, Guard, GuardEffect},
    guard::{Circumstances, effect},
};

pub(super) fn min(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let min = match given.combined.activity {
        Activity::Always => given.limits.min,
        Activity::Active { .. } => given.limits.min.max(1),
        Activity::Inactive => given.limits.while_idle(),
        // Whether it is idle cannot be told: it stays so if it was, and is not made so.
        Activity::Unknown => given.limits.min.max(1).min(given.current()),
    };
    effect(Guard::Min, wanted, wanted.max(min), None)
}

pub(super) fn max(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    effect(Guard::Max, wanted, wanted.min(given.limits.max), None)
}

pub(super) fn most(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    effect(Guard::Most, wanted, wanted.min(given.situation.observation.most?), None)
}
