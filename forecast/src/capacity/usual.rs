//! What rows are usually like, so that others are seen to be unlike them.

use std::cmp::Ordering;

use crate::{
    Line,
    median::{median, spread},
};

/// Rows that say what is usual.
const FEWEST: usize = 12;
/// A row is unlike others where it is off by this share of what was to be expected, beyond the noise.
const OFF: f64 = 0.1;
/// So many times the usual distance is noise.
const NOISE: f64 = 3.0;
/// The share of the spread that a line must explain to be gone by.
const EXPLAINED: f64 = 0.8;
/// Without a line: no more than this share of the cores is taken to go without load.
const MOST_IDLE: f64 = 0.7;

/// What rows are usually like. All of it is made of medians, which a few outliers do not move.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usual {
    /// Slope and intercept, where there is a line to go by.
    line: Option<(f64, f64)>,
    rate: f64,
    cores: f64,
    noise: f64,
}

impl Usual {
    /// Of rows of rate and cores; `None` where there are too few.
    pub(super) fn of(rows: &[(f64, f64)]) -> Option<Self> {
        if rows.len() < FEWEST {
            return None;
        }
        let rate = median(rows.iter().map(|row| row.0));
        let cores = median(rows.iter().map(|row| row.1));
        let slope = Line::through(rows).map_or(f64::NAN, |line| line.median_slope);
        let intercept = median(rows.iter().map(|row| row.1 - slope * row.0));
        let left = median(rows.iter().map(|row| (row.1 - slope * row.0 - intercept).abs()));
        let explained = 1.0 - (left / spread(rows.iter().map(|row| row.1))).powi(2);
        let line = (explained >= EXPLAINED && slope > 0.0).then_some((slope, intercept));
        let ratio = cores / rate;
        let noise = line.map_or_else(|| median(rows.iter().map(|row| (row.1 - ratio * row.0).abs())), |_| left);
        Some(Self { line, rate, cores, noise: NOISE * noise })
    }

    /// Whether a row takes more or less than is usual.
    pub(super) fn side(&self, (rate, cores): (f64, f64)) -> Ordering {
        let (least, most) = self.expected(rate);
        let far = |expected: f64| self.noise + OFF * expected.abs();
        if cores > most + far(most) {
            Ordering::Greater
        } else if cores < least - far(least) {
            Ordering::Less
        } else {
            Ordering::Equal
        }
    }

    /// Cores at a rate: by the line; else as much as if all went by the rate, or but little.
    fn expected(&self, rate: f64) -> (f64, f64) {
        if let Some((slope, intercept)) = self.line {
            let cores = intercept + slope * rate;
            return (cores, cores);
        }
        let all = self.cores * rate / self.rate;
        let little = MOST_IDLE * self.cores + (1.0 - MOST_IDLE) * all;
        (all.min(little), all.max(little))
    }
}
