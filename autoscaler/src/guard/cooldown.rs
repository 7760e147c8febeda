//! Cooldown: no step until so long after the last one.
//!
//! ```text
//! up    waits after an up             a step down never keeps from growing
//! down  waits after an up or a down   what has just been added is not removed at once
//! ```

use crate::{
    evaluation::{Guard, GuardEffect},
    guard::{Circumstances, effect},
    policy::Direction,
};

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let direction = given.direction(wanted)?;
    let steps = &given.situation.memory.steps;
    let up = steps.last(Direction::Up).map(|step| step.at);
    let last = match direction {
        Direction::Up => up,
        Direction::Down => up.max(steps.last(Direction::Down).map(|step| step.at)),
    };
    let until = last?.plus(given.guards_of(direction).cooldown);
    if given.now() >= until {
        return None;
    }
    effect(Guard::Cooldown(direction), wanted, given.current(), Some(until))
}
