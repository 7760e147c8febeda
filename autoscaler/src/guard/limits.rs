//! Limits: `replicas.min` and `replicas.max` of the policy and its schedules, and the most that the service's own
//! configuration allows.

use crate::{
    evaluation::{Activity, Guard, GuardEffect},
    guard::{Circumstances, effect},
};

pub(super) fn min(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    effect(Guard::Min, wanted, wanted.max(fewest(given)), None)
}

pub(super) fn max(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    effect(Guard::Max, wanted, wanted.min(given.limits.max), None)
}

pub(super) fn most(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    effect(Guard::Most, wanted, wanted.min(given.situation.observation.most?), None)
}

/// What of a wish is within all limits.
pub(super) fn within(wanted: u32, given: &Circumstances<'_>) -> u32 {
    let most = given.situation.observation.most.unwrap_or(u32::MAX);
    wanted.max(fewest(given)).min(given.limits.max).min(most)
}

/// No fewer than these.
pub(super) fn fewest(given: &Circumstances<'_>) -> u32 {
    match given.combined.activity {
        Activity::Always => given.limits.min,
        Activity::Active { .. } => given.limits.min.max(1),
        Activity::Inactive => given.limits.while_idle(),
        // Whether it is idle cannot be told: it stays so if it was, and is not made so.
        Activity::Unknown => given.limits.min.max(1).min(given.current()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{guard::scene::Scene, policy::Limits};

    #[test]
    fn the_limits_are_those_of_what_there_is_to_do() {
        let idle = Limits { min: 2, max: 8, idle: Some(0) };
        for (name, limits, activity, current, wanted, to) in [
            ("never fewer than min", Limits::new(2, 8), Activity::Always, 4, 1, 2),
            ("never more than max", Limits::new(2, 8), Activity::Always, 4, 9, 8),
            ("as many as idle", idle, Activity::Inactive, 4, 0, 0),
            ("min while active", idle, Activity::Active { rule: 0 }, 0, 0, 2),
            ("one at least while active", Limits::new(0, 8), Activity::Active { rule: 0 }, 0, 0, 1),
            ("idle stays idle while it cannot be told", idle, Activity::Unknown, 0, 0, 0),
            ("and what is active is not made idle", idle, Activity::Unknown, 4, 0, 2),
        ] {
            let mut scene = Scene::new(current);
            scene.policy.limits = limits;
            scene.combined.activity = activity;
            let raised = scene.left(min, wanted);
            assert_eq!(scene.left(max, raised), to, "{name}");
        }
    }

    #[test]
    fn the_services_own_configuration_wins_over_min() {
        let mut scene = Scene::new(1);
        scene.observation.most = Some(1);
        assert_eq!(scene.left(most, 3), 1);
        assert_eq!(scene.left(most, 0), 0);
    }
}
