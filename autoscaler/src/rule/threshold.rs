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
//! How far a step goes is in `threshold/step.rs`.

mod step;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    evaluation::{Gap, Opinion, Origin, RuleReason, SignalReading, ThresholdState},
    event::Replica,
    memory::{Memory, ScaleStep},
    policy::{Action, Direction, Lasting, Threshold},
    quantity::Quantity,
    rule::{RuleState, Situation, missing},
    time::Timestamp,
};

/// A step that has had no effect for so long will have none: a replica is broken, or cannot be made.
const LONGEST_SETTLING: Duration = Duration::from_mins(2);

/// What a threshold remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Breach {
    /// Since when the signal is past the bound without a break, or in enough of the samples.
    pub since: Option<Timestamp>,
    /// When that was last seen to be so.
    pub seen: Timestamp,
    /// Whether this or another rule's step came since the signal was last clear.
    pub stepped: bool,
    /// When that was, or when it had had its effect.
    pub stepped_at: Timestamp,
    /// Whether the last step's effect was still awaited when that was last looked at.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub settling: bool,
    /// For how long there was no sample before `since`, where that broke the breach.
    pub silence: Option<Duration>,
    /// Of the newest 64 samples, which are past the bound; the newest is the lowest bit.
    pub samples: u64,
    /// When the newest sample was taken that was taken in; older ones are not counted any more.
    pub counted_to: Option<Timestamp>,
}

/// What is seen of a threshold's signal.
#[derive(Clone, Copy, Debug)]
struct Seen {
    now: Timestamp,
    /// When its newest sample was taken.
    sampled: Option<Timestamp>,
    /// Whether it is past the bound; absent: it is missing.
    past: Option<bool>,
    /// How the last step stands.
    effect: Effect,
    /// A longer gap than this breaks the breach.
    stale_after: Duration,
}

/// Whether the last step has had its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// Not yet, and it still may.
    Awaited,
    /// If it was awaited before, it came then.
    Since(Timestamp),
}

impl Breach {
    /// Takes in the signal's newest state.
    fn update(&mut self, seen: Seen) {
        let Seen { now, .. } = seen;
        let began = self.effect(seen.effect);
        match (seen.past, seen.effect) {
            (Some(true), Effect::Awaited) => self.waits_from(now),
            (Some(true), Effect::Since(_)) => {
                if let Some(effect) = began {
                    self.waits_from(effect);
                }
                let broken = now.since(self.seen) > seen.stale_after;
                if broken || self.since.is_none() {
                    let silence = self.counted_to.zip(seen.sampled).map(|(before, sampled)| sampled.since(before));
                    *self = Self { since: Some(now), silence: silence.filter(|_| broken), ..*self };
                }
                self.seen = now;
            }
            (Some(false), _) => *self = Self { since: None, seen: now, stepped: false, silence: None, ..*self },
            (None, _) => self.since = None,
        }
        self.counted_to = self.counted_to.max(seen.sampled.filter(|_| seen.past.is_some()));
    }

    /// Takes in the signal's newest sample, where it was not yet: `needed` of `of` make a breach.
    fn count(&mut self, seen: Seen, needed: u8, of: u8) {
        match (seen.effect, self.effect(seen.effect)) {
            (Effect::Awaited, _) => return self.forget_samples(seen.now),
            (Effect::Since(_), Some(effect)) => self.forget_samples(effect),
            (Effect::Since(_), None) => {}
        }
        let (Some(past), Some(sampled)) = (seen.past, seen.sampled) else { return };
        if self.counted_to.is_some_and(|counted_to| sampled <= counted_to) {
            return;
        }
        self.samples = self.samples << 1 | u64::from(past);
        self.counted_to = Some(sampled);
        self.since = self.since.filter(|_| self.hits(of) >= needed);
        if self.hits(of) >= needed {
            self.since = self.since.or(Some(seen.now));
            self.seen = seen.now;
        }
    }

    /// Takes in how the last step stands, and says when it had its effect if that was awaited until now.
    ///
    /// That is the moment of the effect itself, not the one at which somebody looked last before it: how often anybody looks
    /// must not decide how long the rule waits.
    fn effect(&mut self, effect: Effect) -> Option<Timestamp> {
        let awaited = std::mem::replace(&mut self.settling, matches!(effect, Effect::Awaited));
        match effect {
            Effect::Since(at) if awaited => Some(at),
            Effect::Since(_) | Effect::Awaited => None,
        }
    }

    /// How many of the newest `of` samples are past the bound.
    fn hits(&self, of: u8) -> u8 {
        let newest = u64::MAX >> 64_u32.saturating_sub(u32::from(of)).min(63);
        u8::try_from((self.samples & newest).count_ones()).unwrap_or(u8::MAX)
    }

    fn forget_samples(&mut self, now: Timestamp) {
        *self = Self { since: None, samples: 0, counted_to: Some(now), ..*self };
    }

    /// Starts counting anew after a step.
    fn step(&mut self, now: Timestamp) {
        if self.since.is_some() {
            self.waits_from(now);
        }
    }

    fn waits_from(&mut self, now: Timestamp) {
        *self = Self { since: Some(now), seen: now, stepped: true, stepped_at: now, silence: None, ..*self };
    }
}

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
            effect: effect(rule, reading, given),
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
    let effect = effect(rule, reading, given);
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

/// How the last step that way stands.
fn effect(rule: &Threshold, reading: &SignalReading, given: &Situation<'_>) -> Effect {
    let Some(last) = last_step(rule, given.memory) else { return Effect::Since(given.now) };
    let under_way = match last.direction() {
        Direction::Up => given.observed.ready < given.current || reading.warming > 0,
        Direction::Down => given.observed.running > given.current,
    };
    let until = last.at.plus(LONGEST_SETTLING);
    if under_way && given.now < until {
        return Effect::Awaited;
    }
    // Who serves since then serves for this step, and was warm by itself; everything else is known from now on.
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
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn seen(second: u64, past: Option<bool>) -> Seen {
        let stale_after = Duration::from_secs(10);
        Seen { now: at(second), sampled: Some(at(second)), past, effect: Effect::Since(at(second)), stale_after }
    }

    #[test]
    fn of_the_newest_samples_enough_have_to_be_past_the_bound() {
        for (name, samples, needed, of, breached) in [
            ("three of five", "..xx.x", 3, 5, true),
            ("an old one has dropped out", "x.xx..", 3, 5, false),
            ("the newest need not be one of them", "xxx..", 3, 5, true),
            ("fewer samples than that are enough", "xx", 2, 5, true),
            ("all of them", "xxxxx", 5, 5, true),
            ("one of one", ".x", 1, 1, true),
            ("up to 64", &"x".repeat(64), 64, 64, true),
            ("and one of these missing", &format!("{}.", "x".repeat(64)), 64, 64, false),
        ] {
            let mut breach = Breach::default();
            for (second, sample) in samples.chars().enumerate() {
                breach.count(seen(second as u64 + 1, Some(sample == 'x')), needed, of);
            }
            assert_eq!(breach.since.is_some(), breached, "{name}");
            assert_eq!(breach.hits(of) >= needed, breached, "{name}");
        }
    }

    #[test]
    fn a_sample_is_counted_once_however_often_it_is_looked_at() {
        let mut breach = Breach::default();
        for _ in 0..5 {
            breach.count(seen(1, Some(true)), 3, 5);
        }
        assert_eq!(breach.hits(5), 1);
        let earlier = breach;
        breach.count(Seen { sampled: None, ..seen(2, None) }, 3, 5);
        assert_eq!(breach, earlier, "no sample changes nothing");
    }

    #[test]
    fn samples_from_before_a_step_are_not_counted_and_those_from_before_a_silence_are() {
        let mut breach = Breach::default();
        (1..=3).for_each(|second| breach.count(seen(second, Some(true)), 3, 5));
        assert_eq!(breach.since, Some(at(3)));
        let mut stepped = breach;
        stepped.forget_samples(at(4));
        stepped.count(seen(4, Some(true)), 3, 5);
        assert_eq!(stepped.hits(5), 0, "the sample at the step was taken before it");
        stepped.count(seen(5, Some(true)), 3, 5);
        assert_eq!(stepped.hits(5), 1);
        breach.count(seen(600, Some(false)), 3, 5);
        assert_eq!(
            (breach.hits(5), breach.since),
            (3, Some(at(3))),
            "only newer samples put older ones out of the count"
        );
    }

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

    #[test]
    fn while_a_step_settles_no_sample_is_counted() {
        let mut breach = Breach::default();
        (1..=3).for_each(|second| breach.count(Seen { effect: Effect::Awaited, ..seen(second, Some(true)) }, 3, 5));
        assert_eq!(breach.hits(5), 0);
    }

    #[test]
    fn how_often_somebody_looks_while_a_step_settles_does_not_decide_how_long_the_rule_waits() {
        let awaited = |second| Seen { effect: Effect::Awaited, ..seen(second, Some(true)) };
        let had_at = |effect, second| Seen { effect: Effect::Since(at(effect)), ..seen(second, Some(true)) };
        for (name, looks) in [("once", vec![3]), ("often", vec![3, 4, 5, 6]), ("until just before it", vec![3, 6, 7])] {
            let (mut lasting, mut counted) = (Breach::default(), Breach::default());
            lasting.update(seen(2, Some(true)));
            lasting.step(at(2));
            for second in looks {
                lasting.update(awaited(second));
                counted.count(awaited(second), 2, 3);
            }
            for second in [7, 8] {
                lasting.update(had_at(7, second));
                counted.count(had_at(7, second), 2, 3);
            }
            assert_eq!((lasting.since, lasting.stepped_at), (Some(at(7)), at(7)), "{name}");
            assert_eq!(counted.hits(3), 1, "{name}: the sample at the effect was taken before it");
        }
    }
}
