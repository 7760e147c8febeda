//! `kill_budget`: no more than so many removals within such a time, whatever asks for them: a rule, a schedule, a `max` that
//! was edited, a service that went idle. At least one.
//!
//! ```text
//! there   = min(current, those that run)
//! start   = current − added(per) + removed(per)      the count when the period began; at most there + removed(per)
//! allowed = max(1, n, or floor(start · s)) − removed(per)
//! ```
//!
//! Where fewer run than there shall be, a target that comes down to what runs removes nothing, and takes nothing of the budget.
//!
//! In 2016 an autoscaler that came back with half of its input killed the application and cache servers of a large site
//! within 16 seconds; at half of them a minute somebody would have had the time to stop it.

use crate::{
    evaluation::{Guard, GuardEffect},
    guard::{Circumstances, effect, part},
    memory::Steps,
    policy::{Direction, Rate},
    time::Timestamp,
};

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let rate = given.guards().kill_budget?;
    if given.direction(wanted) != Some(Direction::Down) {
        return None;
    }
    let (floor, until) = lowest(rate, given);
    effect(Guard::KillBudget(rate), wanted, wanted.max(floor), until)
}

/// How far it may go down now, for other guards that remove replicas.
pub(super) fn floor(given: &Circumstances<'_>) -> u32 {
    given.guards().kill_budget.map_or(0, |rate| lowest(rate, given).0)
}

/// How far it may go down now, and when it may go further.
fn lowest(rate: Rate, given: &Circumstances<'_>) -> (u32, Option<Timestamp>) {
    let steps = &given.situation.memory.steps;
    let current = given.current();
    let there = current.min(given.situation.observed.running);
    let downward = steps.within(rate.per, given.now()).filter(|step| step.direction() == Direction::Down);
    let removed = downward.fold(0_u32, |sum, step| sum.saturating_add(step.removed()));
    let start = steps.start_of(rate.per, current, given.now()).min(there.saturating_add(removed).into());
    let allowed = part(rate.size, start).saturating_sub(removed);
    (there.saturating_sub(allowed), until(rate, steps, given.now()))
}

/// When it may go further.
pub(crate) fn until(rate: Rate, steps: &Steps, now: Timestamp) -> Option<Timestamp> {
    // What was added in the period leaves it as well, and then counts as having been there.
    let oldest = steps.within(rate.per, now).last();
    oldest.map(|step| step.at.plus(rate.per))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        guard::scene::{Scene, at, secs},
        memory::ScaleStep,
        policy::StepSize,
    };

    /// Name, size of the budget, steps as (second, from, to), current, wanted, what is left, until which second.
    type Case<'a> = (&'a str, StepSize, &'a [(u64, u32, u32)], u32, u32, u32, Option<u64>);

    #[test]
    fn no_more_than_the_budget_is_removed_within_its_time() {
        use StepSize::{Count, Share};
        let cases: &[Case<'_>] = &[
            ("half of them", Share(0.5), &[], 10, 0, 5, None),
            ("rounded down", Share(0.5), &[], 5, 0, 3, None),
            ("but one at least", Share(0.5), &[], 1, 0, 0, None),
            ("what was removed counts, of those that there were", Share(0.5), &[(50, 10, 7)], 7, 0, 5, Some(110)),
            ("and nothing is left of it", Share(0.5), &[(50, 10, 5)], 5, 0, 5, Some(110)),
            ("until its time is over", Share(0.5), &[(40, 10, 5)], 5, 0, 3, None),
            ("what was added is none that there was", Share(0.5), &[(50, 2, 10)], 10, 0, 9, Some(110)),
            ("so many", Count(3), &[(50, 10, 8)], 8, 0, 7, Some(110)),
            ("a growing count is left alone", Share(0.5), &[(50, 10, 5)], 5, 9, 9, None),
        ];
        for (name, size, steps, current, wanted, to, until) in cases {
            let mut scene = Scene::new(*current);
            scene.list(*current);
            scene.policy.guards.kill_budget = Some(Rate { size: *size, per: secs(60) });
            scene.steps(steps);
            let effect = scene.apply(apply, *wanted);
            assert_eq!(effect.as_ref().map_or(*wanted, |effect| effect.to), *to, "{name}");
            assert_eq!(effect.and_then(|effect| effect.until), until.map(at), "{name}");
        }
    }

    #[test]
    fn what_does_not_run_is_not_removed() {
        let step = |running| ScaleStep { at: at(50), from: 10, to: 4, running };
        for (name, step, running, current, wanted, to) in [
            ("down to what runs", None, 4, 10, 4, 4),
            ("and of that half", None, 4, 10, 0, 2),
            ("those that are on their way are not waited for", None, 5, 10, 9, 9),
            ("such a step took nothing of the budget", Some(step(Some(4))), 4, 4, 0, 2),
            ("one that removed took all of it", Some(step(Some(10))), 4, 4, 0, 4),
            ("of one that is only said, all ran", Some(step(None)), 4, 4, 0, 4),
            ("more than there shall be", None, 12, 10, 0, 5),
        ] {
            let mut scene = Scene::new(current);
            scene.policy.guards.kill_budget = Some(Rate { size: StepSize::Share(0.5), per: secs(60) });
            scene.list(running);
            if let Some(step) = step {
                scene.memory.push_step(step, &scene.policy);
            }
            assert_eq!(scene.left(apply, wanted), to, "{name}");
        }
    }
}
