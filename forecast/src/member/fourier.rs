//! Trend and seasons as a regression that goes on.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::steps;
use crate::{Season, packed};

/// Harmonics of each season.
const HARMONICS: u32 = 3;
/// Seasons at most.
const SEASONS: usize = 2;
/// What a step counts a step later: half after 1400.
const FORGETTING: f64 = 0.9995;
/// What is left a step later of how far off it is now.
const FADING: f64 = 0.8;
/// Steps of the trend's unit.
const TREND_UNIT: f64 = 1000.0;
/// How little it knows at first, of each coefficient.
const UNSURE: f64 = 1e3;
/// And at most: what never moves teaches nothing, and is not forgotten without limit.
const MOST_UNSURE: f64 = 1e6;
/// An error larger than so many times the usual one counts as that many (Huber 1964): one spike is no season.
const LARGEST_ERROR: f64 = 5.0;
/// So many steps it learns from as they are, however far off.
const EARLY: u64 = 100;

/// Recursive least squares with forgetting on `1, t, sin(2πht/P), cos(2πht/P)` for `h` to 3 and each season `P`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fourier {
    periods: Vec<f64>,
    /// The trend is counted from this step.
    origin: i64,
    #[serde(with = "packed::doubles")]
    coefficients: Vec<f64>,
    /// The covariance of the coefficients, row by row.
    #[serde(with = "packed::symmetric")]
    covariance: Vec<f64>,
    /// Steps that it has learned from.
    learned: u64,
}

impl Fourier {
    /// Whether its parts fit together.
    pub(super) fn is_sound(&self) -> bool {
        let count = 2 + self.periods.len() * 2 * HARMONICS as usize;
        self.coefficients.len() == count && self.covariance.len() == count * count
    }

    /// One that knows nothing; of several seasons it takes the longest.
    pub(crate) fn new(seasons: &[Season], origin: i64) -> Self {
        let periods: Vec<f64> = seasons.iter().rev().take(SEASONS).map(|season| season.steps).collect();
        let count = 2 + periods.len() * 2 * HARMONICS as usize;
        let mut covariance = vec![0.0; count * count];
        for place in 0..count {
            covariance[place * count + place] = UNSURE;
        }
        Self { periods, origin, coefficients: vec![0.0; count], covariance, learned: 0 }
    }

    /// What it says at `step`, where the value is `now`, of the one `lead` steps later: the curve, and what is left by then
    /// of the distance to it.
    pub(super) fn predict(&self, step: i64, now: f64, lead: i64) -> f64 {
        let off = now - self.curve(step);
        self.curve(step + lead) + off * FADING.powf(steps(lead))
    }

    pub(super) fn update(&mut self, step: i64, value: f64, scale: f64) {
        let terms = self.terms(step);
        let count = terms.len();
        let gain: Vec<f64> = self.covariance.chunks_exact(count).map(|row| dot(row, &terms)).collect();
        let spread = FORGETTING + dot(&gain, &terms);
        let error = value - dot(&terms, &self.coefficients);
        self.learned += 1;
        let limit = LARGEST_ERROR * scale;
        let error = if self.learned > EARLY && limit > 0.0 { error.clamp(-limit, limit) } else { error };
        for (coefficient, gain) in self.coefficients.iter_mut().zip(&gain) {
            *coefficient += gain / spread * error;
        }
        for (row, by_row) in self.covariance.chunks_exact_mut(count).zip(&gain) {
            for (cell, by_column) in row.iter_mut().zip(&gain) {
                *cell = (*cell - by_row * by_column / spread) / FORGETTING;
            }
        }
        let trace: f64 = (0..count).map(|place| self.covariance[place * count + place]).sum();
        if trace > MOST_UNSURE {
            self.covariance.iter_mut().for_each(|cell| *cell *= MOST_UNSURE / trace);
        }
    }

    fn curve(&self, step: i64) -> f64 {
        dot(&self.terms(step), &self.coefficients)
    }

    fn terms(&self, step: i64) -> Vec<f64> {
        let mut terms = Vec::with_capacity(self.coefficients.len());
        let time = steps(step - self.origin);
        terms.extend([1.0, time / TREND_UNIT]);
        for period in &self.periods {
            for harmonic in 1..=HARMONICS {
                let (sin, cos) = (TAU * f64::from(harmonic) * time / period).sin_cos();
                terms.extend([sin, cos]);
            }
        }
        terms
    }
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}
