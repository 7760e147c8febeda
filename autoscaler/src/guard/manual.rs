//! Manual: a count that the operator set by hand stays for so long, whatever the rules want. It wins over rules and not
//! over limits: what they take away goes no faster than `kill_budget` allows, and what they add goes only as far as there is
//! room. Then the rules go on from there.
//!
//! ```text
//! manual: 10m       14:00:00                   14:10:00
//!                   docker compose up          rules go on from 6
//!                   --scale web=6
//! ```

use crate::{
    evaluation::{Guard, GuardEffect},
    guard::{Apply, Circumstances, budgets, headroom, kill_budget, limits, protected},
};

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let manual = given.situation.memory.manual?;
    let until = manual.at.plus(given.guards().manual);
    if given.now() >= until {
        return None;
    }
    let lowest = kill_budget::floor(given).max(protected::floor(given));
    let to = match limits::within(manual.replicas, given) {
        within if within < given.current() => within.max(lowest),
        within => [headroom::apply, budgets::apply].iter().fold(within, |left, guard| room(left, *guard, given)),
    };
    // It is said also where it changes nothing, if the limits took something of it.
    let worth_saying = to != wanted || to != manual.replicas;
    let guard = Guard::Manual { asked: manual.replicas };
    worth_saying.then_some(GuardEffect { guard, from: wanted, to, until: Some(until) })
}

/// What a guard leaves of a count.
fn room(count: u32, guard: Apply, given: &Circumstances<'_>) -> u32 {
    guard(count, given).map_or(count, |effect| effect.to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        guard::scene::{Scene, at, secs},
        memory::Manual,
        policy::{Budget, Rate, StepSize},
    };

    #[test]
    fn what_was_set_by_hand_stays_for_so_long_within_the_limits() {
        for (name, set_at, replicas, current, wanted, to) in [
            ("rules do not add", 95, 6, 6, 9, Some(6)),
            ("nor remove", 95, 6, 6, 2, Some(6)),
            ("what they agree to is not worth a word", 95, 6, 6, 6, None),
            ("until it is over", 40, 6, 6, 9, None),
            ("limits win: not above max, but no faster than the kill budget", 95, 50, 50, 20, Some(25)),
            ("limits win: not below min", 95, 0, 0, 1, Some(1)),
            ("which is said also if the rules want the same", 95, 30, 20, 20, Some(20)),
        ] {
            let mut scene = Scene::new(current);
            scene.list(current);
            scene.policy.guards.manual = secs(60);
            scene.policy.guards.kill_budget = Some(Rate { size: StepSize::Share(0.5), per: secs(60) });
            scene.memory.manual = Some(Manual { at: at(set_at), replicas });
            let effect = scene.apply(apply, wanted);
            assert_eq!(effect.as_ref().map(|effect| effect.to), to, "{name}");
            assert_eq!(effect.and_then(|effect| effect.until), to.map(|_| at(set_at + 60)), "{name}");
        }
    }

    #[test]
    fn what_the_limits_add_to_it_goes_only_as_far_as_there_is_room() {
        let budget = Budget { name: "connections".into(), total: 200.0, reserve: 0.0, per_replica: 20.0 };
        for (name, others, to) in [("room for min", 0.0, 3), ("for less", 160.0, 2), ("for none", 200.0, 0)] {
            let mut scene = Scene::new(0);
            scene.policy.limits.min = 3;
            scene.policy.guards.manual = secs(60);
            scene.policy.guards.budgets = vec![budget.clone()];
            scene.budgets.insert("connections".to_owned(), others);
            scene.memory.manual = Some(Manual { at: at(95), replicas: 0 });
            assert_eq!(scene.left(apply, 0), to, "{name}");
        }
    }
}
