//! Cooldown: no step until so long after the last one.
//!
//! ```text
//! up    waits after an up             a step down never keeps from growing
//! down  waits after an up or a down   what has just been added is not removed at once
//! ```

use crate::{
    evaluation::{Guard, GuardEffect},
    guard::{Circumstances, direction},
    policy::Direction,
};

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let direction = direction(wanted, given)?;
    let guards = &given.policy.guards;
    let (last, cooldown) = match direction {
        Direction::Up => (given.last_up, guards.up.cooldown),
        Direction::Down => (given.last_up.max(given.last_down), guards.down.cooldown),
    };
    let until = last?.plus(cooldown);
    (given.now < until).then_some(GuardEffect {
        guard: Guard::Cooldown(direction),
        from: wanted,
        to: given.current,
        until: Some(until),
    })
}
