//! `threshold`: a step while a signal is past a bound for long enough.
//!
//! ```text
//!          bound ──────────╱‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾
//!                         since        step       replicas serve      step
//!          Clear          │ Pending (for) │ Settling              │ Pending │
//! ```
//!
//! The bound itself is no breach. After a step the rule waits until its replicas serve and have warmed up (two minutes at
//! the most, as one replica may be broken for good), and then for
//! a whole `window` (or `for`, where that is longer), as the window still holds samples from before the step. A missing
//! sample breaks the breach. Upwards, replicas that should have a sample and have none count as idle; downwards, they
//! keep the rule from having an opinion.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    evaluation::{Gap, Opinion, Origin, RuleReason, SignalReading, ThresholdState},
    policy::{Action, Direction, Lasting, StepSize, Threshold},
    quantity::Quantity,
    rule::{RuleState, Situation, missing},
    time::Timestamp,
};

/// A step that has had no effect for so long will have none: a replica is broken, or cannot be made.
const LONGEST_SETTLING: Duration = Duration::from_mins(2);

/// What a threshold remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    /// Since when the signal is past the bound without a break.
    pub since: Option<Timestamp>,
    /// When that was last seen to be so.
    pub seen: Timestamp,
    /// Whether this or another rule's step came since the signal was last clear.
    pub stepped: bool,
}

impl Breach {
    /// Takes in the signal's newest state. A gap longer than `stale_after` breaks the breach.
    pub(crate) fn update(&mut self, breached: Option<bool>, settling: bool, stale_after: Duration, now: Timestamp) {
        match breached {
            Some(true) if settling => *self = Self { since: Some(now), seen: now, stepped: true },
            Some(true) => {
                let broken = now.since(self.seen) > stale_after;
                self.since = self.since.filter(|_| !broken).or(Some(now));
                self.seen = now;
            }
            Some(false) => *self = Self { since: None, seen: now, stepped: false },
            None => self.since = None,
        }
    }

    /// Starts counting anew after a step.
    pub(crate) fn step(&mut self, now: Timestamp) {
        if self.since.is_some() {
            *self = Self { since: Some(now), seen: now, stepped: true };
        }
    }
}

/// Whether the rule can ever want more, or fewer.
pub(crate) fn can(rule: &Threshold, direction: Direction) -> bool {
    match rule.action {
        Action::Warn(_) => false,
        Action::To(_) => true,
        Action::Step(_) | Action::Graded { .. } => rule.action.direction() == Some(direction),
    }
}

/// What the rule remembers after something happened.
pub(crate) fn update(rule: &Threshold, state: &RuleState, given: &Situation<'_>) -> RuleState {
    let mut breach = breach(state);
    if let Some(reading) = given.readings.get(&rule.signal, rule.window) {
        let past = level(rule, reading).map(|level| rule.bounds.contain(level));
        breach.update(past, settling(rule, reading, given), given.policy.guards.stale_after, given.now);
    }
    RuleState::Threshold(breach)
}

pub(crate) fn recommend(rule: &Threshold, state: &RuleState, given: &Situation<'_>) -> (Opinion, RuleReason) {
    let Some(reading) = given.readings.get(&rule.signal, rule.window) else {
        return missing(&rule.signal, Gap::Never);
    };
    let Some(level) = level(rule, reading) else {
        return missing(&reading.signal, reading.gap.clone().unwrap_or(Gap::NoLimit));
    };
    let breach = breach(state);
    let since = breach.since.unwrap_or(given.now);
    let hold_for = match rule.lasting {
        Lasting::For(span) if breach.stepped => span.max(rule.window),
        Lasting::For(span) => span,
        Lasting::Samples { .. } => Duration::ZERO,
    };
    let until = since.plus(hold_for);
    let state = if !rule.bounds.contain(level) {
        ThresholdState::Clear
    } else if settling(rule, reading, given) {
        ThresholdState::Settling { ready: given.observed.ready, target: given.current }
    } else if given.now < until {
        ThresholdState::Pending { since, until }
    } else {
        ThresholdState::Breached { since }
    };
    let opinion = match (state, rule.action.direction()) {
        (ThresholdState::Clear, _) => Opinion::Abstains,
        (ThresholdState::Breached { .. }, _) => match wanted(rule, given.current) {
            Some(wanted) => Opinion::Wants(wanted),
            None => Opinion::Abstains,
        },
        (_, Some(direction)) => Opinion::Waits(direction),
        (_, None) => Opinion::Abstains,
    };
    let warns = match &rule.action {
        Action::Warn(text) => Some(text.clone()),
        _ => None,
    };
    let signal = reading.signal.clone();
    (opinion, RuleReason::Threshold { signal, level, bounds: rule.bounds, state, warns })
}

/// Whether the last step has not had its effect yet, and still may.
fn settling(rule: &Threshold, reading: &SignalReading, given: &Situation<'_>) -> bool {
    let Some(direction) = rule.action.direction() else { return false };
    let under_way = match direction {
        Direction::Up => given.observed.ready < given.current || reading.warming > 0,
        Direction::Down => given.observed.running > given.current,
    };
    let last = given.memory.steps.last(direction);
    under_way && last.is_some_and(|last| given.now.since(last.at) < LONGEST_SETTLING)
}

fn breach(state: &RuleState) -> Breach {
    match state {
        RuleState::Threshold(breach) => *breach,
        _ => Breach::default(),
    }
}

/// What is held against the bounds: the service's own value, or the mean over replicas.
fn level(rule: &Threshold, reading: &SignalReading) -> Option<f64> {
    if rule.action.direction() == Some(Direction::Down) && reading.absent > 0 {
        return None;
    }
    let bound = rule.bounds.lower.or(rule.bounds.upper)?;
    let sum = match bound.value {
        Quantity::Absolute { .. } => reading.total,
        Quantity::OfLimit(_) => reading.shares,
        Quantity::OfReservation(_) => reading.of_reservations,
    }?;
    match reading.origin {
        Origin::Service => Some(sum),
        Origin::Replicas => Some(sum / f64::from((reading.measured + reading.absent).max(1))),
    }
}

/// The count that a breach asks for; `None` where it asks for none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
fn wanted(rule: &Threshold, current: u32) -> Option<u32> {
    let step = match &rule.action {
        Action::Step(step) => *step,
        Action::To(count) => return Some(*count),
        Action::Graded { .. } | Action::Warn(_) => return None,
    };
    let size = match step.size {
        StepSize::Count(count) => count,
        StepSize::Share(share) => ((f64::from(current) * share - 1e-9).ceil() as u32).max(1),
    };
    Some(match step.direction {
        Direction::Up => current.saturating_add(size),
        Direction::Down => current.saturating_sub(size),
    })
}
