//! What a threshold remembers of its signal.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

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
pub(super) struct Seen {
    pub(super) now: Timestamp,
    /// When its newest sample was taken.
    pub(super) sampled: Option<Timestamp>,
    /// Whether it is past the bound; absent: it is missing.
    pub(super) past: Option<bool>,
    /// How the last step stands.
    pub(super) effect: Effect,
    /// A longer gap than this breaks the breach.
    pub(super) stale_after: Duration,
}

/// Whether the last step has had its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Not yet, and it still may.
    Awaited,
    /// If it was awaited before, it came then.
    Since(Timestamp),
}

impl Breach {
    /// Takes in the signal's newest state.
    pub(super) fn update(&mut self, seen: Seen) {
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
    pub(super) fn count(&mut self, seen: Seen, needed: u8, of: u8) {
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
    pub(super) fn effect(&mut self, effect: Effect) -> Option<Timestamp> {
        let awaited = std::mem::replace(&mut self.settling, matches!(effect, Effect::Awaited));
        match effect {
            Effect::Since(at) if awaited => Some(at),
            Effect::Since(_) | Effect::Awaited => None,
        }
    }

    /// How many of the newest `of` samples are past the bound.
    pub(super) fn hits(&self, of: u8) -> u8 {
        let newest = u64::MAX >> 64_u32.saturating_sub(u32::from(of)).min(63);
        u8::try_from((self.samples & newest).count_ones()).unwrap_or(u8::MAX)
    }

    pub(super) fn forget_samples(&mut self, now: Timestamp) {
        *self = Self { since: None, samples: 0, counted_to: Some(now), ..*self };
    }

    /// Starts counting anew after a step.
    pub(super) fn step(&mut self, now: Timestamp) {
        if self.since.is_some() {
            self.waits_from(now);
        }
    }

    pub(super) fn waits_from(&mut self, now: Timestamp) {
        *self = Self { since: Some(now), seen: now, stepped: true, stepped_at: now, silence: None, ..*self };
    }
}

#[cfg(test)]
pub(super) mod fixtures {
    use super::*;

    /// So many seconds after the epoch.
    pub(crate) fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    /// A sample in that second, whose effect is not waited for.
    pub(crate) fn seen(second: u64, past: Option<bool>) -> Seen {
        let stale_after = Duration::from_secs(10);
        Seen { now: at(second), sampled: Some(at(second)), past, effect: Effect::Since(at(second)), stale_after }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        fixtures::{at, seen},
        *,
    };

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
