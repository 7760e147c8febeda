//! Limits: `replicas.min` and `replicas.max` of the policy, and the most that the service's own configuration allows.

use crate::{
    evaluation::{Guard, GuardEffect},
    guard::Circumstances,
};

pub(super) fn min(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let min = given.policy.limits.min;
    (wanted < min).then_some(GuardEffect { guard: Guard::Min, from: wanted, to: min, until: None })
}

pub(super) fn max(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let max = given.policy.limits.max;
    (wanted > max).then_some(GuardEffect { guard: Guard::Max, from: wanted, to: max, until: None })
}

pub(super) fn most(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let most = given.observation.most?;
    (wanted > most).then_some(GuardEffect { guard: Guard::Most, from: wanted, to: most, until: None })
}
