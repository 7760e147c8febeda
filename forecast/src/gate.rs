//! Whether a forecast may be trusted.
//!
//! ```text
//! skill = 1 − Σ pinball(mixture) / Σ pinball(naive)             each sum fading by 0.4 % a step
//! learning   fewer than 32 forecasts were compared with what came
//! raises     it may only raise the count over the reactive answer
//! proven     the lower end of the skill's 90 % interval is above 0, and the skill was above 10 %; until it is below 0
//! refuted    the upper end is below 0: the naive bound counts alone; until the skill is above 0
//! ```

use serde::{Deserialize, Serialize};

/// What a loss counts a step later.
const FADING: f64 = 0.996;
/// Fewer forecasts than these prove nothing.
const FEWEST: u64 = 32;
/// Standard errors on either side.
const WIDTH: f64 = 1.645;
/// What the skill must reach to be proven.
const PROVEN: f64 = 0.1;

/// What a forecast may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Too little was compared with what came.
    #[default]
    Learning,
    /// It may raise the count over the reactive answer, and never lower it.
    Raises,
    /// It is better than the naive one: it may lower the count as well.
    Proven,
    /// It is worse than the naive one, which counts alone.
    Refuted,
}

/// How much better a forecast is than the naive one, of late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Skill {
    model: f64,
    naive: f64,
    /// Of the differences, and of their squares.
    gain: f64,
    squares: f64,
    /// The same sum of ones.
    weight: f64,
    /// And of their squares.
    weights: f64,
}

/// A skill and its 90 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// 1 is perfect, 0 is no better than the naive forecast.
    pub skill: f64,
    /// The lower end.
    pub from: f64,
    /// The upper end.
    pub to: f64,
}

impl Skill {
    pub(crate) fn add(&mut self, model: f64, naive: f64) {
        let gain = naive - model;
        for (sum, value) in [
            (&mut self.model, model),
            (&mut self.naive, naive),
            (&mut self.gain, gain),
            (&mut self.squares, gain * gain),
            (&mut self.weight, 1.0),
        ] {
            *sum = FADING * *sum + value;
        }
        self.weights = FADING * FADING * self.weights + 1.0;
    }

    /// The skill, where of `overlap` forecasts in a row only one counts; `None` before the naive one was ever wrong.
    pub fn interval(&self, overlap: f64) -> Option<Interval> {
        if self.naive <= 0.0 || self.weight <= 0.0 {
            return None;
        }
        let mean = self.gain / self.weight;
        let variance = (self.squares / self.weight - mean * mean).max(0.0);
        let count = (self.weight * self.weight / self.weights / overlap).max(1.0);
        let half = WIDTH * (variance / count).sqrt();
        let of_naive = |gain: f64| gain * self.weight / self.naive;
        Some(Interval { skill: 1.0 - self.model / self.naive, from: of_naive(mean - half), to: of_naive(mean + half) })
    }
}

impl Gate {
    /// What it is next, once so many forecasts were compared.
    pub(crate) fn next(self, scored: u64, interval: Option<Interval>) -> Self {
        let Some(Interval { skill, from, to }) = interval.filter(|_| scored >= FEWEST) else {
            return if scored >= FEWEST { Self::Raises } else { Self::Learning };
        };
        match self {
            Self::Proven if skill >= 0.0 => Self::Proven,
            Self::Refuted if skill <= 0.0 => Self::Refuted,
            _ if from > 0.0 && skill > PROVEN => Self::Proven,
            _ if to < 0.0 => Self::Refuted,
            _ => Self::Raises,
        }
    }
}

/// Whether so many misses of so many forecasts are more than chance explains where `share` of them are allowed: less likely
/// than `chance`.
pub(crate) fn too_many(misses: u32, of: u32, share: f64, chance: f64) -> bool {
    // P(X ≥ misses) of the binomial law, term by term.
    let (mut term, mut below) = ((1.0 - share).powi(i32::try_from(of).unwrap_or(i32::MAX)), 0.0);
    for count in 0..misses {
        below += term;
        term *= f64::from(of - count.min(of)) / f64::from(count + 1) * share / (1.0 - share);
    }
    misses > 0 && 1.0 - below < chance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_comes_late_and_goes_early() {
        let interval = |skill: f64| Some(Interval { skill, from: skill - 0.05, to: skill + 0.05 });
        for (name, before, scored, now, after) in [
            ("too little was seen", Gate::Learning, 31, interval(0.9), Gate::Learning),
            ("it is much better", Gate::Learning, 32, interval(0.3), Gate::Proven),
            ("it is a little better", Gate::Raises, 99, interval(0.08), Gate::Raises),
            ("it still is", Gate::Proven, 99, interval(0.08), Gate::Proven),
            ("it is no better any more", Gate::Proven, 99, interval(-0.01), Gate::Raises),
            ("it is worse", Gate::Raises, 99, interval(-0.06), Gate::Refuted),
            ("it still is worse", Gate::Refuted, 99, interval(-0.01), Gate::Refuted),
            ("it is not any more", Gate::Refuted, 99, interval(0.01), Gate::Raises),
            ("there was nothing to be wrong about", Gate::Learning, 99, None, Gate::Raises),
        ] {
            assert_eq!(before.next(scored, now), after, "{name}");
        }
    }

    #[test]
    fn misses_beyond_chance_are_told_from_those_that_are_allowed() {
        for (misses, of, share, too) in [
            (0, 64, 0.05, false),
            (8, 64, 0.05, false),
            (11, 64, 0.05, true),
            (3, 64, 0.01, false),
            (5, 64, 0.01, true),
        ] {
            assert_eq!(too_many(misses, of, share, 0.001), too, "{misses} of {of} at {share}");
        }
    }

    #[test]
    fn a_few_lucky_forecasts_prove_little() {
        let mut skill = Skill::default();
        for count in 0..40 {
            skill.add(if count % 8 == 0 { 1.0 } else { 0.5 }, if count % 8 == 0 { 3.0 } else { 0.4 });
        }
        let interval = skill.interval(4.0).expect("there is one");
        assert!(interval.skill > 0.1 && interval.from < 0.0, "{interval:?}");
    }
}
