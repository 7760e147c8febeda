//! What may hold or bend what the rules want: one file per guard, in one order.
//!
//! ```text
//! undone · strained · worse            is a step this way a good idea at all?
//! stabilization · cooldown             is it the time?
//! step · at_most                       how fast?
//! led                                  does another service have to grow first?
//! min · max                            the limits hold whatever the rules want, those of schedules included
//! headroom · budgets · most            is there room, whoever wants more?
//! protected · kill_budget              whatever the cause, no more than this is removed
//! crash_loop · implausible             something is wrong: hold
//! manual · pause · freeze              somebody else has the say
//! ```
//!
//! The later one wins. Each that changed something leaves an effect; a freeze also where nothing was wanted, and headroom
//! where it cannot tell.

mod at_most;
mod budgets;
mod cooldown;
mod crash_loop;
mod freeze;
mod headroom;
mod implausible;
pub(crate) mod kill_budget;
mod led;
mod limits;
mod manual;
mod pause;
mod protected;
#[cfg(test)]
mod scene;
mod stabilization;
mod step;
mod strained;
mod undone;
mod worse;

use std::collections::BTreeMap;

use crate::{
    Evaluation,
    evaluation::{Combined, Guard, GuardEffect, Origin, Recommendation, SignalReading},
    policy::{Direction, DirectionGuards, Guards, Limits, Policy, StepSize},
    quantity::Quantity,
    rule::Situation,
    time::Timestamp,
};

use serde::{Deserialize, Serialize};

pub use crash_loop::Crashes;
pub use stabilization::History;
pub use strained::{Normal, Normals};
pub use worse::Watch;

/// What guards remember beside recommendations and steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardState {
    /// The usual levels of signals.
    pub(crate) normals: Normals,
    /// The step up whose effect is watched.
    pub(crate) watch: Option<Watch>,
    /// Replicas that died.
    pub(crate) crashes: Crashes,
}

impl GuardState {
    /// Takes in what has just happened.
    pub(crate) fn update(&mut self, given: &Situation<'_>) {
        strained::update(&mut self.normals, given);
        worse::update(&mut self.watch, given);
        self.crashes.update(given);
    }

    /// Takes in a decision that was acted upon.
    pub(crate) fn stepped(&mut self, policy: &Policy, evaluation: &Evaluation) {
        worse::stepped(&mut self.watch, policy, evaluation);
    }
}

/// What the guards go by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances<'a> {
    pub(crate) situation: &'a Situation<'a>,
    pub(crate) recommendations: &'a [Recommendation],
    pub(crate) combined: &'a Combined,
    /// The limits in force.
    pub(crate) limits: Limits,
    pub(crate) host_lost: bool,
    /// What others take of the budgets, by name.
    pub(crate) budgets: &'a BTreeMap<String, f64>,
}

/// What one guard makes of what is left of the wish; `None` where it has nothing against that.
type Apply = fn(u32, &Circumstances<'_>) -> Option<GuardEffect>;

const ORDER: [Apply; 20] = [
    undone::apply,
    strained::apply,
    worse::apply,
    stabilization::apply,
    cooldown::apply,
    step::apply,
    at_most::apply,
    led::apply,
    limits::min,
    limits::max,
    headroom::apply,
    budgets::apply,
    limits::most,
    protected::apply,
    kill_budget::apply,
    crash_loop::apply,
    implausible::apply,
    manual::apply,
    pause::apply,
    freeze::apply,
];

/// What is left of `wanted`. What each guard did that did something is added to `effects`.
pub(crate) fn apply(wanted: u32, given: &Circumstances<'_>, effects: &mut Vec<GuardEffect>) -> u32 {
    let mut replicas = wanted;
    for guard in ORDER {
        if let Some(effect) = guard(replicas, given) {
            replicas = effect.to;
            effects.push(effect);
        }
    }
    replicas
}

impl Circumstances<'_> {
    fn now(&self) -> Timestamp {
        self.situation.now
    }

    fn current(&self) -> u32 {
        self.situation.current
    }

    fn guards(&self) -> &Guards {
        &self.situation.policy.guards
    }

    fn guards_of(&self, direction: Direction) -> &DirectionGuards {
        match direction {
            Direction::Up => &self.guards().up,
            Direction::Down => &self.guards().down,
        }
    }

    /// More or fewer than there are; `None` for as many.
    fn direction(&self, wanted: u32) -> Option<Direction> {
        match wanted.cmp(&self.current()) {
            std::cmp::Ordering::Greater => Some(Direction::Up),
            std::cmp::Ordering::Less => Some(Direction::Down),
            std::cmp::Ordering::Equal => None,
        }
    }
}

/// That a guard makes `to` of `from`; `None` where that is the same.
fn effect(guard: Guard, from: u32, to: u32, until: Option<Timestamp>) -> Option<GuardEffect> {
    (from != to).then_some(GuardEffect { guard, from, to, until })
}

/// So many of `whole` replicas as a limit allows: a share is rounded down, and at least one is allowed.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
fn part(size: StepSize, whole: i64) -> u32 {
    let part = match size {
        StepSize::Count(count) => count,
        StepSize::Share(share) => (whole as f64 * share + 1e-9).floor() as u32,
    };
    part.max(1)
}

/// The height of a signal, in the unit of what it is held against: the service's own value, or the mean over replicas.
fn level(reading: &SignalReading, against: Option<Quantity>) -> Option<f64> {
    let sum = match against {
        Some(Quantity::OfLimit(_)) => reading.shares,
        Some(Quantity::OfReservation(_)) => reading.of_reservations,
        Some(Quantity::Absolute { .. }) | None => reading.total,
    }?;
    match reading.origin {
        Origin::Service => Some(sum),
        Origin::Replicas => Some(sum / f64::from(reading.measured.max(1))),
    }
}
