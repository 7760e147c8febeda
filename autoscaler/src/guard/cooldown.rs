//! Cooldown: no step until so long after the last one.
//!
//! ```text
//! up    waits after an up             a step down never keeps from growing
//! down  waits after an up or a down   what has just been added is not removed at once
//! ```
//!
//! Upwards, a larger wish than the one that began the cooldown passes (AWS: the capacity that is being added already
//! counts, and what goes beyond it is not held):
//!
//! ```text
//! threshold   to = the count before the steps that are cooling down + what the rule adds now, if that is more than there are
//!             4 → 6 by `add: 2`; within the cooldown another rule adds 3: 4 + 3 = 7
//! any other   its wish is absolute, and passes if it adds more than the last step did
//! ```

use std::time::Duration;

use crate::{
    evaluation::{Guard, GuardEffect},
    guard::{Circumstances, effect},
    memory::{ScaleStep, Steps},
    policy::{Direction, RuleKind},
};

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let direction = given.direction(wanted)?;
    let steps = &given.situation.memory.steps;
    let up = steps.last(Direction::Up);
    let last = match direction {
        Direction::Up => up,
        Direction::Down => up.into_iter().chain(steps.last(Direction::Down)).max_by_key(|step| step.at),
    }?;
    let cooldown = given.guards_of(direction).cooldown;
    let until = last.at.plus(cooldown);
    if given.now() >= until {
        return None;
    }
    let to = match direction {
        Direction::Up => passes(wanted, last, cooldown, given),
        Direction::Down => given.current(),
    };
    effect(Guard::Cooldown(direction), wanted, to, Some(until))
}

/// How much of a wish for more passes although the last step is cooling down.
fn passes(wanted: u32, last: ScaleStep, cooldown: Duration, given: &Circumstances<'_>) -> u32 {
    let current = given.current();
    let added = wanted - current;
    let winner = given.combined.winner.and_then(|place| given.situation.policy.rules.get(place));
    if winner.is_some_and(|rule| matches!(rule.kind, RuleKind::Threshold(_))) {
        let before = before_cooling(&given.situation.memory.steps, last, cooldown);
        before.saturating_add(added).clamp(current, wanted)
    } else if added > last.to - last.from {
        wanted
    } else {
        current
    }
}

/// The count before the first of the steps up of which each came within the cooldown of the one before.
fn before_cooling(steps: &Steps, last: ScaleStep, cooldown: Duration) -> u32 {
    let upwards = steps.newest_first().filter(|step| step.direction() == Direction::Up);
    upwards.fold(last, |first, step| if first.at.since(step.at) < cooldown { step } else { first }).from
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::scene::{Scene, TARGET, THRESHOLD, at, secs};

    /// Name, the winner, steps as (second, from, to), current, wanted, what is left, until which second.
    type Case<'a> = (&'a str, usize, &'a [(u64, u32, u32)], u32, u32, u32, Option<u64>);

    #[test]
    fn a_step_waits_for_the_one_before_unless_it_is_larger() {
        let cases: &[Case<'_>] = &[
            ("nothing happened yet", TARGET, &[], 4, 6, 6, None),
            ("an up waits after an up", TARGET, &[(90, 2, 4)], 4, 5, 4, Some(120)),
            ("not after a down", TARGET, &[(90, 6, 4)], 4, 5, 5, None),
            ("a down waits after an up", TARGET, &[(90, 2, 4)], 4, 3, 4, Some(120)),
            ("and after a down", TARGET, &[(90, 6, 4)], 4, 3, 4, Some(120)),
            ("the end of the cooldown is out", TARGET, &[(70, 2, 4)], 4, 5, 5, None),
            ("a larger absolute wish passes", TARGET, &[(90, 2, 4)], 4, 7, 7, None),
            ("one as large does not", TARGET, &[(90, 2, 4)], 4, 6, 4, Some(120)),
            ("a larger step goes from before the last one", THRESHOLD, &[(90, 4, 6)], 6, 9, 7, Some(120)),
            ("one as large is there already", THRESHOLD, &[(90, 4, 6)], 6, 8, 6, Some(120)),
            ("and goes from before all that cool down", THRESHOLD, &[(80, 4, 6), (90, 6, 7)], 7, 10, 7, Some(120)),
            ("not from before those that have", THRESHOLD, &[(40, 2, 4), (90, 4, 6)], 6, 9, 7, Some(120)),
            ("a larger step down does not pass", TARGET, &[(90, 6, 5)], 5, 1, 5, Some(120)),
        ];
        for (name, winner, steps, current, wanted, to, until) in cases {
            let mut scene = Scene::new(*current);
            scene.combined.winner = Some(*winner);
            scene.policy.guards.up.cooldown = secs(30);
            scene.policy.guards.down.cooldown = secs(30);
            scene.steps(steps);
            let effect = scene.apply(apply, *wanted);
            assert_eq!(effect.as_ref().map_or(*wanted, |effect| effect.to), *to, "{name}");
            assert_eq!(effect.and_then(|effect| effect.until), until.map(at), "{name}");
        }
    }
}
