//! Freeze: the service must not be touched. It is named even if nothing was wanted, since it matters more.

use crate::{
    evaluation::{Freeze, Guard, GuardEffect},
    event::Phase,
    guard::Circumstances,
};

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let observation = given.situation.observation;
    let why = if given.host_lost {
        Freeze::HostLost
    } else if observation.phase != Phase::Settled {
        Freeze::Phase(observation.phase.clone())
    } else if !observation.refusals.is_empty() {
        Freeze::Refused(observation.refusals.clone())
    } else {
        return None;
    };
    Some(GuardEffect { guard: Guard::Freeze(why), from: wanted, to: given.current(), until: None })
}
