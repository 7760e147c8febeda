//! What may hold or bend what the rules want, in one order:
//! stabilization, cooldown, `min`, `max`, what the configuration allows, freeze.
//!
//! The later one wins: limits hold whatever the rules want, and while a service must not be touched, nothing is.

mod cooldown;
mod limits;
mod stabilization;

use crate::{
    evaluation::{Freeze, Guard, GuardEffect},
    event::{Observation, Phase},
    policy::{Direction, Policy},
    time::Timestamp,
};

pub use stabilization::History;

/// What the guards go by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances<'a> {
    pub(crate) now: Timestamp,
    pub(crate) policy: &'a Policy,
    pub(crate) current: u32,
    pub(crate) history: &'a History,
    pub(crate) last_up: Option<Timestamp>,
    pub(crate) last_down: Option<Timestamp>,
    pub(crate) observation: &'a Observation,
    pub(crate) host_lost: bool,
}

/// What is left of `wanted`, and what each guard did that did something.
pub(crate) fn apply(wanted: u32, given: &Circumstances<'_>) -> (u32, Vec<GuardEffect>) {
    let order = [stabilization::apply, cooldown::apply, limits::min, limits::max, limits::most, freeze];
    let mut effects = Vec::new();
    let mut replicas = wanted;
    for guard in order {
        if let Some(effect) = guard(replicas, given) {
            replicas = effect.to;
            effects.push(effect);
        }
    }
    (replicas, effects)
}

/// More or fewer than there are; `None` for as many.
fn direction(wanted: u32, given: &Circumstances<'_>) -> Option<Direction> {
    match wanted.cmp(&given.current) {
        std::cmp::Ordering::Greater => Some(Direction::Up),
        std::cmp::Ordering::Less => Some(Direction::Down),
        std::cmp::Ordering::Equal => None,
    }
}

/// Holds everything while the service must not be touched. It is named even if nothing was wanted, since it matters more.
fn freeze(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let why = if given.host_lost {
        Freeze::HostLost
    } else if given.observation.phase != Phase::Settled {
        Freeze::Phase(given.observation.phase.clone())
    } else if !given.observation.refusals.is_empty() {
        Freeze::Refused(given.observation.refusals.clone())
    } else {
        return None;
    };
    Some(GuardEffect { guard: Guard::Freeze(why), from: wanted, to: given.current, until: None })
}
