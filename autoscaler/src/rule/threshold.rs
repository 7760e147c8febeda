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
    evaluation::{Gap, Observed, Opinion, Origin, RuleReason, SignalReading, ThresholdState},
    policy::{Direction, Side, StepSize, Threshold},
    quantity::Quantity,
    rule::missing,
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

/// Whether `reading` is past the bound; `None` when that cannot be told.
pub(crate) fn breached(rule: &Threshold, reading: &SignalReading) -> Option<bool> {
    let level = level(rule, reading)?;
    let bound = bound(rule.bound);
    match rule.when {
        Side::Above => Some(level > bound),
        Side::Below => Some(level < bound),
    }
}

/// What a step depends on besides the signal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footing {
    pub(crate) now: Timestamp,
    pub(crate) observed: Observed,
    pub(crate) current: u32,
    /// When the last step of any rule came, by its direction.
    pub(crate) last_up: Option<Timestamp>,
    pub(crate) last_down: Option<Timestamp>,
}

/// Whether the last step has not had its effect yet, and still may.
pub(crate) fn settling(rule: &Threshold, reading: &SignalReading, footing: Footing) -> bool {
    let Footing { now, observed, current, last_up, last_down } = footing;
    let (last, under_way) = match rule.step.direction {
        Direction::Up => (last_up, observed.ready < current || reading.warming > 0),
        Direction::Down => (last_down, observed.running > current),
    };
    under_way && last.is_some_and(|last| now.since(last) < LONGEST_SETTLING)
}

pub(crate) fn recommend(
    rule: &Threshold,
    reading: &SignalReading,
    breach: Breach,
    footing: Footing,
) -> (Opinion, RuleReason) {
    let Footing { now, observed, current, .. } = footing;
    let (Some(level), Some(breached)) = (level(rule, reading), breached(rule, reading)) else {
        return missing(reading, reading.gap.clone().unwrap_or(Gap::NoLimit));
    };
    let since = breach.since.unwrap_or(now);
    let hold_for = if breach.stepped { rule.hold_for.max(rule.window) } else { rule.hold_for };
    let until = since.plus(hold_for);
    let state = if !breached {
        ThresholdState::Clear
    } else if settling(rule, reading, footing) {
        ThresholdState::Settling { ready: observed.ready, target: current }
    } else if now < until {
        ThresholdState::Pending { since, until }
    } else {
        ThresholdState::Breached { since }
    };
    let opinion = match state {
        ThresholdState::Clear => Opinion::Abstains,
        ThresholdState::Pending { .. } | ThresholdState::Settling { .. } => Opinion::Waits(rule.step.direction),
        ThresholdState::Breached { .. } => Opinion::Wants(step(rule, current)),
    };
    let reason =
        RuleReason::Threshold { signal: reading.signal.clone(), level, when: rule.when, bound: rule.bound, state };
    (opinion, reason)
}

/// What is held against the bound: the service's own value, or the mean over replicas.
fn level(rule: &Threshold, reading: &SignalReading) -> Option<f64> {
    if rule.step.direction == Direction::Down && reading.absent > 0 {
        return None;
    }
    let sum = match rule.bound {
        Quantity::Absolute { .. } => reading.total,
        Quantity::OfLimit(_) => reading.shares,
    }?;
    match reading.origin {
        Origin::Service => Some(sum),
        Origin::Replicas => Some(sum / f64::from((reading.measured + reading.absent).max(1))),
    }
}

fn bound(quantity: Quantity) -> f64 {
    match quantity {
        Quantity::Absolute { value, .. } => value,
        Quantity::OfLimit(share) => share,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
fn step(rule: &Threshold, current: u32) -> u32 {
    let size = match rule.step.size {
        StepSize::Count(count) => count,
        StepSize::Share(share) => ((f64::from(current) * share - 1e-9).ceil() as u32).max(1),
    };
    match rule.step.direction {
        Direction::Up => current.saturating_add(size),
        Direction::Down => current.saturating_sub(size),
    }
}
