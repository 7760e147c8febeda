//! What one replica carries, learned from the CPU that it takes.
//!
//! ```text
//! cores of a replica = idle + slope · rate of a replica          least squares; slope: the service demand (D = U / X)
//! capacity at so many cores = (cores − idle) / slope
//! ```
//!
//! Rows of steady steps only, below 80 % of the CPU limit, the newest 128; at least 30 that span twice the rate. Where
//! the code changes, the newest rows lie off the line all on one side: when 12 of the last 12 do, by twice the usual distance,
//! what was before them is forgotten.

use serde::{Deserialize, Serialize};

use crate::Line;

/// Rows that are kept.
const MOST: usize = 128;
/// Rows that a line needs.
const FEWEST: usize = 30;
/// The largest rate over the smallest that it needs.
const LEAST_RANGE: f64 = 2.0;
/// The share of the CPU limit up to which a row counts: above, requests wait.
const HIGHEST_USE: f64 = 0.8;
/// The share of the variance that the line must explain.
const LEAST_R_SQUARED: f64 = 0.5;
/// The median slope must be as near as this share of the slope.
const LEAST_AGREEMENT: f64 = 0.25;
/// Rows on one side that are no chance.
const ONE_SIDED: usize = 12;

/// What a replica did in a step, in the mean of all that served.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Of the signal.
    pub rate: f64,
    /// Cores busy.
    pub cores: f64,
    /// Cores that it may use, where there is a limit.
    pub limit: Option<f64>,
}

/// Learns what one replica carries.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CapacityLearner {
    /// Rate and cores, oldest first.
    rows: Vec<(f64, f64)>,
    fit: Option<CapacityFit>,
}

/// The line that was found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapacityFit {
    /// Cores busy per unit of rate.
    pub slope: f64,
    /// Half the width of the slope's interval of 95 % confidence.
    pub slope_within: f64,
    /// The median of the slopes between all pairs of rows (Theil and Sen), which a few outliers do not move.
    pub median_slope: f64,
    /// Cores busy without load.
    pub idle: f64,
    /// The share of the variance that the line explains, 0 to 1.
    pub r_squared: f64,
    /// Rows that it goes through.
    pub rows: usize,
}

impl CapacityFit {
    /// The rate at which a replica is busy with so many cores; `None` where it is so without load.
    pub fn rate_at(&self, cores: f64) -> Option<f64> {
        let rate = (cores - self.idle.max(0.0)) / self.slope;
        (rate > 0.0 && rate.is_finite()).then_some(rate)
    }
}

impl CapacityLearner {
    /// Takes in a steady step. A row that says nothing is passed over.
    pub fn add(&mut self, load: Load) {
        let Load { rate, cores, limit } = load;
        let full = limit.is_some_and(|limit| cores >= HIGHEST_USE * limit);
        if full || !(rate.is_finite() && cores.is_finite()) || rate <= 0.0 || cores < 0.0 {
            return;
        }
        if self.rows.len() == MOST {
            self.rows.remove(0);
        }
        self.rows.push((rate, cores));
        if self.has_changed() {
            self.rows.drain(..self.rows.len() - ONE_SIDED);
        }
        // The last good line stays in force until there is a better one.
        self.fit = self.line().or(self.fit);
    }

    /// The line, once there is one that can be trusted.
    pub fn fit(&self) -> Option<CapacityFit> {
        self.fit
    }

    /// Rows so far, of so many that it takes.
    pub fn progress(&self) -> (usize, usize) {
        (self.rows.len(), FEWEST)
    }

    fn line(&self) -> Option<CapacityFit> {
        let rates = || self.rows.iter().map(|(rate, _)| *rate);
        let (low, high) = (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max));
        if self.rows.len() < FEWEST || high < LEAST_RANGE * low {
            return None;
        }
        let line = Line::through(&self.rows).ok()?;
        let agrees = (line.median_slope / line.slope - 1.0).abs() <= LEAST_AGREEMENT;
        if line.slope <= 0.0 || line.r_squared < LEAST_R_SQUARED || !agrees {
            return None;
        }
        Some(CapacityFit {
            slope: line.slope,
            slope_within: line.slope_within,
            median_slope: line.median_slope,
            idle: line.intercept,
            r_squared: line.r_squared,
            rows: self.rows.len(),
        })
    }

    /// Whether the newest rows all lie on one side of the line, far off.
    fn has_changed(&self) -> bool {
        let Some(fit) = self.fit else { return false };
        if self.rows.len() < 2 * ONE_SIDED {
            return false;
        }
        let off = |(rate, cores): &(f64, f64)| cores - fit.idle - fit.slope * rate;
        let (before, newest) = self.rows.split_at(self.rows.len() - ONE_SIDED);
        let mut usual: Vec<f64> = before.iter().map(|row| off(row).abs()).collect();
        usual.sort_by(f64::total_cmp);
        let far = 2.0 * usual[usual.len() / 2];
        newest.iter().all(|row| off(row) > far) || newest.iter().all(|row| off(row) < -far)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(rows: impl IntoIterator<Item = (f64, f64)>) -> CapacityLearner {
        let mut learner = CapacityLearner::default();
        for (rate, cores) in rows {
            learner.add(Load { rate, cores, limit: Some(1.0) });
        }
        learner
    }

    /// Rates from 10 to 29, and a little noise.
    fn rows(count: u32, of: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        let row = |place: u32| {
            let rate = 10.0 + f64::from(place * 7 % 20);
            (rate, of(rate) + if place.is_multiple_of(2) { 0.004 } else { -0.004 })
        };
        (0..count).map(row).collect()
    }

    #[test]
    fn the_cost_of_a_request_is_found_and_what_cannot_be_told_is_not() {
        let fit = learned(rows(40, |rate| 0.05 + 0.02 * rate)).fit().expect("it is a line");
        assert!((fit.slope - 0.02).abs() < fit.slope_within && (fit.idle - 0.05).abs() < 0.01, "{fit:?}");
        assert!((fit.rate_at(0.75).expect("it is busy") - 35.0).abs() < 0.5, "{fit:?}");
        for (name, learner) in [
            ("too few", learned(rows(29, |rate| 0.02 * rate))),
            ("always the same load", learned((0..60).map(|_| (10.0, 0.2)))),
            ("CPU that does not go by it", learned(rows(60, |_| 0.3))),
            ("full replicas", learned(rows(60, |rate| 0.8 + 0.01 * rate))),
            ("nothing that is a number", learned([(f64::NAN, 1.0), (1.0, f64::INFINITY), (-1.0, 0.1)])),
        ] {
            assert_eq!(learner.fit(), None, "{name}");
        }
    }

    #[test]
    fn new_code_is_learned_anew() {
        let old = rows(100, |rate| 0.05 + 0.01 * rate);
        let new = rows(60, |rate| 0.05 + 0.02 * rate);
        let fit = learned(old.into_iter().chain(new)).fit().expect("it is a line");
        assert!((fit.slope - 0.02).abs() < 0.002, "{fit:?}");
    }
}
