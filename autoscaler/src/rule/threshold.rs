//! `threshold`: a step while a signal is past a bound for long enough.
//!
//! ```text
//!          bound ──────────╱‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾
//!                         since        step       replicas serve      step
//!          Clear          │ Pending (for) │ Settling              │ Pending │
//! ```
//!
//! `above` and `below` do not take in the bound itself, `at_least` and `at_most` do; with one of each it is a band. With
//! `for` the signal's mean over `window` is held against it all that time, and a missing sample or a silence longer than
//! `stale_after` breaks the breach: nobody knows what was meanwhile. With
//! `samples: n of m` each single sample is, and `n` of the newest `m` have to be past it (Nomad's `within_bounds_trigger`, AWS's
//! `DatapointsToAlarm`), however far apart they are.
//!
//! After a step the rule waits until its replicas serve and have warmed up (two minutes at the most, as one replica may be
//! broken for good), and then for a whole `window` (or `for`, where that is longer), as the window still holds samples from
//! before the step; `samples` are counted anew. That window begins with the step's effect, whatever samples come in it. `to` a count is no step that could be taken twice, so that it waits for
//! nothing. Upwards, replicas that should have a sample and have none count as idle; downwards, they keep the rule from
//! having an opinion.
//!
//! What is remembered is in `threshold/breach.rs`, how far a step goes in `threshold/step.rs`.

mod breach;
mod step;

use std::time::Duration;

use crate::{
    evaluation::{Gap, Opinion, Origin, RuleReason, SignalReading, ThresholdState},
    event::Replica,
    memory::{Memory, ScaleStep},
    policy::{Action, Direction, Lasting, Threshold},
    quantity::Quantity,
    rule::{RuleState, Situation, missing},
    time::Timestamp,
};

pub use breach::Breach;
use breach::{Effect, Seen};

/// A step that has had no effect for so long will have none: a replica is broken, or cannot be made.
const LONGEST_SETTLING: Duration = Duration::from_mins(2);

/// What the rule remembers after a step of any rule was recorded.
pub(crate) fn after_step(rule: &Threshold, breach: &mut Breach, now: Timestamp) {
    match (&rule.action, rule.lasting) {
        (Action::To(_) | Action::Warn(_), _) => {}
        (_, Lasting::For(_)) => breach.step(now),
        (_, Lasting::Samples { .. }) => breach.forget_samples(now),
    }
}

/// The window that the signal is read over: none, where single samples count.
pub(crate) fn window(rule: &Threshold) -> Duration {
    match rule.lasting {
        Lasting::For(_) => rule.window,
        Lasting::Samples { .. } => Duration::ZERO,
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

/// The count that a level asks for if there are so many replicas; `None` where it asks for none.
pub(crate) fn asked(rule: &Threshold, level: f64, current: u32) -> Option<u32> {
    rule.bounds.contain(level).then(|| step::wanted(rule, level, current).ok())?
}

/// When the rule waits no longer for the effect of the last step.
pub(crate) fn waits_until(rule: &Threshold, memory: &Memory) -> Option<Timestamp> {
    Some(last_step(rule, memory)?.at.plus(LONGEST_SETTLING))
}

/// Takes in what has just happened.
pub(crate) fn update(rule: &Threshold, state: &mut RuleState, given: &Situation<'_>) {
    let mut breach = breach(state);
    if let Some(reading) = given.readings.get(&rule.signal, window(rule)) {
        let seen = Seen {
            now: given.now,
            sampled: reading.age.map(|age| given.now.minus(age)),
            past: level(rule, reading, given.current).map(|level| rule.bounds.contain(level)),
            effect: effect(rule, breach, reading, given),
            stale_after: given.policy.guards.stale_after,
        };
        match rule.lasting {
            Lasting::For(_) => breach.update(seen),
            Lasting::Samples { hits, of } => breach.count(seen, hits, of),
        }
    }
    *state = RuleState::Threshold(breach);
}

pub(crate) fn recommend(rule: &Threshold, state: &RuleState, given: &Situation<'_>) -> (Opinion, RuleReason) {
    let Some(reading) = given.readings.get(&rule.signal, window(rule)) else {
        return missing(&rule.signal, Gap::Never);
    };
    let Some(level) = level(rule, reading, given.current) else {
        return missing(&reading.signal, reading.gap.clone().unwrap_or(Gap::NoLimit));
    };
    let mut breach = breach(state);
    let effect = effect(rule, breach, reading, given);
    let state = match (effect, rule.lasting) {
        (Effect::Awaited, _) if rule.bounds.contain(level) => {
            ThresholdState::Settling { ready: given.observed.ready, target: given.current }
        }
        (_, Lasting::For(span)) => {
            // Time alone can bring the effect about.
            if let Some(at) = breach.effect(effect) {
                breach.waits_from(at);
            }
            lasting(rule, span, level, breach, given.now)
        }
        (_, Lasting::Samples { hits, of }) => counting(hits, of, breach, given.now),
    };
    let direction = direction(rule, given.current);
    let (opinion, stays) = match (state, direction) {
        (ThresholdState::Clear, _) => (Opinion::Abstains, None),
        (ThresholdState::Breached { .. }, _) => match step::wanted(rule, level, given.current) {
            Ok(wanted) => (Opinion::Wants(wanted), None),
            // What it would do is done: what is past the bound upwards still keeps the others from removing.
            Err(stays) if stays.keeps => (Opinion::Wants(given.current), Some(stays.why)),
            Err(stays) => (Opinion::Abstains, Some(stays.why)),
        },
        (_, Some(direction)) => (Opinion::Waits(direction), None),
        (_, None) => (Opinion::Abstains, None),
    };
    let warns = match &rule.action {
        Action::Warn(text) => Some(text.clone()),
        _ => None,
    };
    let signal = reading.signal.clone();
    let stays = stays.flatten();
    (opinion, RuleReason::Threshold { signal, level, bounds: rule.bounds, state, warns, direction, stays })
}

/// How a breach that has to last stands.
fn lasting(rule: &Threshold, span: Duration, level: f64, breach: Breach, now: Timestamp) -> ThresholdState {
    if !rule.bounds.contain(level) {
        return ThresholdState::Clear;
    }
    let since = breach.since.unwrap_or(now);
    let after_step = if breach.stepped { breach.stepped_at.plus(span.max(rule.window)) } else { now };
    let until = since.plus(span).max(after_step);
    if now < until {
        ThresholdState::Pending { since, until, silence: breach.silence }
    } else {
        ThresholdState::Breached { since, samples: None }
    }
}

/// How a breach of so many samples stands.
fn counting(needed: u8, of: u8, breach: Breach, now: Timestamp) -> ThresholdState {
    match breach.hits(of) {
        0 => ThresholdState::Clear,
        hits if hits < needed => ThresholdState::Counting { hits, needed, of },
        hits => ThresholdState::Breached { since: breach.since.unwrap_or(now), samples: Some((hits, of)) },
    }
}

/// How the last step of the rule's direction stands, for a rule that may have waited for it until now.
fn effect(rule: &Threshold, breach: Breach, reading: &SignalReading, given: &Situation<'_>) -> Effect {
    let under_way = match rule.action.direction() {
        Some(Direction::Up) => given.observed.ready < given.current || reading.warming > 0,
        Some(Direction::Down) => given.observed.running > given.current,
        None => false,
    };
    let waits = under_way || breach.settling;
    let Some(last) = waits.then(|| last_step(rule, given.memory)).flatten() else { return Effect::Since(given.now) };
    let until = last.at.plus(LONGEST_SETTLING);
    if under_way && given.now < until {
        return Effect::Awaited;
    }
    // Replicas become warm at a moment that is known; everything else has come about when it is heard.
    let warm = |replica: &Replica| replica.ready_since.map(|since| since.when_old(given.policy.guards.warm_up));
    let newest = given.observation.replicas.iter().filter_map(warm).max();
    let served = newest.filter(|at| last.direction() == Direction::Up && *at > last.at && !under_way);
    Effect::Since(served.unwrap_or(given.now).min(given.now).min(until))
}

/// The last step that the rule may wait for.
fn last_step(rule: &Threshold, memory: &Memory) -> Option<ScaleStep> {
    memory.steps.last(rule.action.direction()?)
}

fn breach(state: &RuleState) -> Breach {
    match state {
        RuleState::Threshold(breach) => *breach,
        _ => Breach::default(),
    }
}

/// Whether a breach adds or removes; `None` where neither.
fn direction(rule: &Threshold, current: u32) -> Option<Direction> {
    match rule.action {
        Action::To(count) if count > current => Some(Direction::Up),
        Action::To(count) if count < current => Some(Direction::Down),
        _ => rule.action.direction(),
    }
}

/// What is held against the bounds: the service's own value, or the mean over replicas.
fn level(rule: &Threshold, reading: &SignalReading, current: u32) -> Option<f64> {
    if direction(rule, current) == Some(Direction::Down) && reading.absent > 0 {
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

#[cfg(test)]
mod tests {
    use super::{
        breach::fixtures::{at, seen},
        *,
    };

    #[test]
    fn a_silence_breaks_a_breach_and_not_the_wait_after_a_step() {
        let rule = Threshold { lasting: Lasting::For(Duration::ZERO), ..rule() };
        let state = |breach, span, second| lasting(&rule, Duration::from_secs(span), 70.0, breach, at(second));
        let mut breach = Breach::default();
        breach.update(seen(0, Some(true)));
        breach.step(at(0));
        assert!(
            matches!(state(breach, 0, 14), ThresholdState::Pending { since, until, silence: None } if since == at(0) && until == at(15))
        );
        breach.update(seen(60, Some(true)));
        assert_eq!(
            state(breach, 0, 60),
            ThresholdState::Breached { since: at(60), samples: None },
            "the window after the step is long over"
        );
        let silence = Some(Duration::from_mins(1));
        assert_eq!(state(breach, 30, 60), ThresholdState::Pending { since: at(60), until: at(90), silence });
        breach.update(seen(65, Some(true)));
        assert_eq!(state(breach, 30, 65), ThresholdState::Pending { since: at(60), until: at(90), silence });
        breach.step(at(65));
        assert_eq!(state(breach, 0, 70), ThresholdState::Pending { since: at(65), until: at(80), silence: None });
    }

    fn rule() -> Threshold {
        let action =
            Action::Step(crate::policy::Step { direction: Direction::Up, size: crate::policy::StepSize::Count(1) });
        Threshold {
            signal: crate::quantity::SignalName::new("load"),
            bounds: crate::policy::Bounds::above(Quantity::Absolute {
                value: 50.0,
                unit: crate::quantity::Unit::Number,
            }),
            lasting: Lasting::For(Duration::ZERO),
            action,
            rounding: crate::policy::Rounding::default(),
            at_least_step: 1,
            limit: None,
            window: Duration::from_secs(15),
        }
    }
}
