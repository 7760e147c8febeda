//! What may hold or bend what the rules want: one file per guard, in one order.
//!
//! ```text
//! undone · strained · worse            is a step this way a good idea at all?
//! stabilization · cooldown             is it the time?
//! step · at_most                       how fast?
//! led · headroom · budgets             is there room?
//! min · max · most                     the limits hold whatever the rules want
//! protected · kill_budget              whatever the cause, no more than this is removed
//! crash_loop · implausible             something is wrong: hold
//! manual · pause · freeze              somebody else has the say
//! ```
//!
//! The later one wins. Each that changed something leaves an effect; a freeze also where nothing was wanted.

mod at_most;
mod budgets;
mod cooldown;
mod crash_loop;
mod freeze;
mod headroom;
mod implausible;
mod kill_budget;
mod led;
mod limits;
mod manual;
mod pause;
mod protected;
mod stabilization;
mod step;
mod strained;
mod undone;
mod worse;

use std::collections::BTreeMap;

use crate::{
    evaluation::{Combined, Guard, GuardEffect, Recommendation},
    policy::{Direction, DirectionGuards, Guards, Limits},
    rule::Situation,
    time::Timestamp,
};

pub use stabilization::History;

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
    headroom::apply,
    budgets::apply,
    limits::min,
    limits::max,
    limits::most,
    protected::apply,
    kill_budget::apply,
    crash_loop::apply,
    implausible::apply,
    manual::apply,
    pause::apply,
    freeze::apply,
];

/// What is left of `wanted`, and what each guard did that did something.
pub(crate) fn apply(wanted: u32, given: &Circumstances<'_>) -> (u32, Vec<GuardEffect>) {
    let mut effects = Vec::new();
    let mut replicas = wanted;
    for guard in ORDER {
        if let Some(effect) = guard(replicas, given) {
            replicas = effect.to;
            effects.push(effect);
        }
    }
    (replicas, effects)
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
