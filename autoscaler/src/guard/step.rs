//! `step`: a decision goes no further than so many replicas, or such a share of the present ones; at least one. The next
//! decision goes on from there.
//!
//! A share is rounded down, as a limit that is passed is none.

use crate::{
    evaluation::{Guard, GuardEffect},
    guard::{Circumstances, effect, part},
    policy::Direction,
};

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let direction = given.direction(wanted)?;
    let current = given.current();
    let size = part(given.guards_of(direction).step?, current.into());
    let to = match direction {
        Direction::Up => wanted.min(current.saturating_add(size)),
        Direction::Down => wanted.max(current.saturating_sub(size)),
    };
    effect(Guard::Step(direction), wanted, to, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{guard::scene::Scene, policy::StepSize};

    #[test]
    fn a_step_is_cut_to_its_size() {
        use StepSize::{Count, Share};
        for (name, size, current, wanted, to) in [
            ("so many up", Count(4), 3, 12, 7),
            ("so many down", Count(2), 9, 1, 7),
            ("a smaller step is left alone", Count(4), 3, 5, 5),
            ("a share is rounded down", Share(0.5), 5, 12, 7),
            ("but is one at least", Share(0.1), 3, 12, 4),
            ("also from none", Share(0.5), 0, 12, 1),
            ("and downwards", Share(0.1), 3, 0, 2),
            ("half of them", Share(0.5), 8, 0, 4),
            ("a share that is whole but for binary digits is whole", Share(0.3), 10, 20, 13),
        ] {
            let mut scene = Scene::new(current);
            scene.policy.guards.up.step = Some(size);
            scene.policy.guards.down.step = Some(size);
            assert_eq!(scene.left(apply, wanted), to, "{name}");
        }
        assert_eq!(Scene::new(3).left(apply, 12), 12, "without one nothing is cut");
    }
}
