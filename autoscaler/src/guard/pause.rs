//! Pause: one way or both are closed, limits included. The decisions go on, so that it shows what they would do.

use crate::{
    evaluation::{Guard, GuardEffect},
    guard::{Circumstances, effect},
    policy::Direction,
};

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let pause = given.situation.policy.pause.filter(|pause| pause.until.is_none_or(|until| given.now() < until))?;
    let closed = match given.direction(wanted)? {
        Direction::Up => pause.up,
        Direction::Down => pause.down,
    };
    if !closed {
        return None;
    }
    effect(Guard::Pause, wanted, given.current(), pause.until)
}
