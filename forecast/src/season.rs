//! Seasons: what comes again.
//!
//! ```text
//! 1  clip the outermost 1 % on either side, fill gaps by a line, take off the straight trend
//! 2  periodogram; a peak counts if it is above 99 of 100 largest peaks of the same values in random order
//! 3  autocorrelation must have a hill there: at least 0.3 high, and 0.15 above the valley before it
//! 4  at least two and a half periods must have been seen
//! 5  an hour, a day, a week are preferred to what is within 5 % of them and no better
//! 6  a multiple of a season is one of its own only where it explains more
//! ```
//!
//! Steps 2 and 3 are those of AUTOPERIOD (Vlachos, Yu, Castelli 2005) with the permutation test that it takes for its
//! threshold. It is done for each tier of the history, the finest first, so that a period of minutes and one of weeks are
//! both found. Whether a season is worth anything is for the weights to say: they see what it forecasts.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use rustfft::{FftPlanner, num_complex::Complex};
use serde::{Deserialize, Serialize};

use crate::{history::History, member::whole};

/// Fewer values than these say nothing of seasons.
const FEWEST: usize = 32;
/// Values in random order that a peak is held against.
const PERMUTATIONS: usize = 100;
/// How high the autocorrelation must be.
const LEAST_CORRELATION: f64 = 0.3;
/// And by how much above the valley before it.
const LEAST_HILL: f64 = 0.15;
/// Periods that must have been seen.
const LEAST_PERIODS: f64 = 2.5;
/// Peaks that are looked at, the highest first.
const CANDIDATES: usize = 12;
/// How near an hour, a day or a week is taken for one.
const NEAR: f64 = 0.05;
/// How near two seasons of different tiers are the same.
const SAME: f64 = 0.1;
/// Milliseconds.
const HOUR: f64 = 3_600_000.0;
/// Seasons that are kept.
const MOST: usize = 3;
/// Steps of a season that is expected, at least.
const SHORTEST: f64 = 4.0;

/// After so many steps it comes again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Season {
    /// How many.
    pub steps: f64,
    /// The autocorrelation there, at most 1; `None` where it is expected and was not found.
    pub correlation: Option<f64>,
}

impl Season {
    /// One of so many milliseconds that is expected, where a step is so long.
    pub(crate) fn expected(millis: u64, step: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a season of any length that is used fits")]
        let steps = millis as f64 / step.max(1) as f64;
        Self { steps, correlation: None }
    }

    /// Whether it was found in what was measured.
    pub fn is_found(&self) -> bool {
        self.correlation.is_some()
    }

    /// Whether another is the same, within a share of its length.
    pub(crate) fn is_near(&self, other: &Self, share: f64) -> bool {
        (self.steps / other.steps - 1.0).abs() < share
    }

    /// How long it is, in milliseconds, where a step is so long.
    #[expect(clippy::cast_precision_loss, reason = "a step of any length that is used fits")]
    pub fn millis(&self, step: u64) -> f64 {
        self.steps * step as f64
    }

    /// Whether it is made of whole days, so that the wall clock matters.
    pub(crate) fn is_of_days(&self, step: u64) -> bool {
        let days = self.millis(step) / (24.0 * HOUR);
        days >= 0.99 && (days - days.round()).abs() < 0.01 * days
    }
}

/// Those found, and of those expected (in milliseconds) the ones that were not; the shortest first. Of an expected one, `seen`
/// steps must have been: before, nothing can be said by it.
pub(crate) fn with_expected(found: &[Season], expected: &[u64], step: u64, seen: i64) -> Vec<Season> {
    let mut all = found.to_vec();
    for season in expected.iter().map(|millis| Season::expected(*millis, step)) {
        let known = found.iter().any(|known| season.is_near(known, SAME));
        if !known && season.steps >= SHORTEST && whole(season.steps) <= seen {
            all.push(season);
        }
    }
    all.sort_by(|one, other| one.steps.total_cmp(&other.steps));
    all
}

/// The seasons of what was measured, the shortest first, where a step is so many milliseconds long.
pub(crate) fn find(history: &History, step: u64) -> Vec<Season> {
    let mut found: Vec<Season> = Vec::new();
    for tier in 0..history.tiers() {
        let (width, values) = history.evenly(tier);
        let block = Season { steps: crate::member::steps(width), correlation: None }.millis(step);
        for (period, correlation) in of_values(&values, block) {
            let season = Season { steps: period * crate::member::steps(width), correlation: Some(correlation) };
            // What is told by wide values is no more exact than they are.
            let same = |known: &Season| {
                season.is_near(known, SAME) || (season.steps - known.steps).abs() <= crate::member::steps(width)
            };
            if !found.iter().any(same) {
                found.push(season);
            }
        }
    }
    let strength = |season: &Season| season.correlation.unwrap_or(0.0);
    found.sort_by(|one, other| strength(other).total_cmp(&strength(one)));
    found.truncate(MOST);
    found.sort_by(|one, other| one.steps.total_cmp(&other.steps));
    found
}

/// Periods, in values, with the autocorrelation there. A value is so many milliseconds wide.
fn of_values(values: &[f64], width: f64) -> Vec<(f64, f64)> {
    let Some(flat) = flattened(values) else { return Vec::new() };
    let mut planner = FftPlanner::new();
    let power = power(&flat, &mut planner);
    let threshold = threshold(&flat, &mut planner);
    let correlation = autocorrelation(&flat, &mut planner);
    let mut peaks: Vec<usize> = (2..power.len()).filter(|at| power[*at] > threshold).collect();
    peaks.sort_by(|one, other| power[*other].total_cmp(&power[*one]));
    let mut found: Vec<usize> = Vec::new();
    for peak in peaks.into_iter().take(CANDIDATES) {
        let Some(period) = hill(&correlation, flat.len(), peak) else { continue };
        let known = |other: &usize| {
            let ratio = real(period) / real(*other);
            let multiple = ratio >= 0.9 && (ratio - ratio.round()).abs() < 0.08 * ratio.max(1.0);
            (ratio - 1.0).abs() < 0.1 || (multiple && correlation[period] < correlation[*other] + 0.05)
        };
        if !found.iter().any(known) {
            found.push(period);
        }
    }
    found.iter().map(|period| preferred(*period, &correlation, &flat, width)).collect()
}

/// Clipped, and without its trend; `None` where there is too little, or nothing moves.
fn flattened(values: &[f64]) -> Option<Vec<f64>> {
    let count = values.len();
    if count < FEWEST {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted[count / 100], sorted[count - 1 - count / 100]);
    let clipped: Vec<f64> = values.iter().map(|value| value.clamp(low, high)).collect();
    let middle = (real(count) - 1.0) / 2.0;
    let mean = clipped.iter().sum::<f64>() / real(count);
    let along = |place: usize| real(place) - middle;
    let spread: f64 = (0..count).map(|place| along(place).powi(2)).sum();
    let slope = clipped.iter().enumerate().map(|(place, value)| along(place) * (value - mean)).sum::<f64>() / spread;
    let flat: Vec<f64> = clipped.iter().enumerate().map(|(place, value)| value - mean - slope * along(place)).collect();
    let variance = flat.iter().map(|value| value * value).sum::<f64>() / real(count);
    (variance > 1e-12 * mean.powi(2).max(1e-12)).then_some(flat)
}

/// The periodogram, by how often in all the time.
fn power(values: &[f64], planner: &mut FftPlanner<f64>) -> Vec<f64> {
    let mut buffer: Vec<Complex<f64>> = values.iter().map(|value| Complex::new(*value, 0.0)).collect();
    planner.plan_fft_forward(buffer.len()).process(&mut buffer);
    buffer[..buffer.len() / 2].iter().map(Complex::norm_sqr).collect()
}

/// What only one in a hundred of the same values in random order has a peak above.
fn threshold(values: &[f64], planner: &mut FftPlanner<f64>) -> f64 {
    // The same numbers every time: a replay finds the same seasons.
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut shuffled = values.to_vec();
    let mut largest: Vec<f64> = (0..PERMUTATIONS)
        .map(|_| {
            shuffle(&mut shuffled, &mut random);
            power(&shuffled, planner)[1..].iter().copied().fold(0.0, f64::max)
        })
        .collect();
    largest.sort_by(f64::total_cmp);
    largest[PERMUTATIONS - 2]
}

/// Puts values in random order (Fisher and Yates).
fn shuffle(values: &mut [f64], random: &mut ChaCha8Rng) {
    for last in (1..values.len()).rev() {
        let count = u64::try_from(last + 1).unwrap_or(u64::MAX);
        // The remainder prefers nobody by more than one in two billion: there are at most 1536 values.
        let other = usize::try_from(random.next_u64() % count).unwrap_or(last);
        values.swap(last, other);
    }
}

/// The autocorrelation at each lag, each from as many pairs as there are.
fn autocorrelation(values: &[f64], planner: &mut FftPlanner<f64>) -> Vec<f64> {
    let count = values.len();
    let mut buffer: Vec<Complex<f64>> = values.iter().map(|value| Complex::new(*value, 0.0)).collect();
    buffer.resize(2 * count, Complex::new(0.0, 0.0));
    planner.plan_fft_forward(2 * count).process(&mut buffer);
    for cell in &mut buffer {
        *cell = Complex::new(cell.norm_sqr(), 0.0);
    }
    planner.plan_fft_inverse(2 * count).process(&mut buffer);
    let all = buffer[0].re;
    (0..count).map(|lag| buffer[lag].re / all * real(count) / real(count - lag)).collect()
}

/// The top of the hill of the autocorrelation among the periods that a peak of the spectrum may stand for.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lags, at most as many as values")]
fn hill(correlation: &[f64], count: usize, peak: usize) -> Option<usize> {
    let shortest = (real(count) / real(peak + 1)).floor().max(4.0) as usize;
    let longest = ((real(count) / real(peak - 1)).ceil() as usize).min(count / 2 - 1);
    if shortest + 2 > longest {
        return None;
    }
    let top = (shortest..=longest).max_by(|one, other| correlation[*one].total_cmp(&correlation[*other]))?;
    let inside = top != shortest && top != longest;
    let seen = real(top) * LEAST_PERIODS <= real(count);
    let valley = correlation[top - top / 2..top].iter().copied().fold(f64::INFINITY, f64::min);
    let high = correlation[top] >= LEAST_CORRELATION && correlation[top] - valley >= LEAST_HILL;
    (inside && seen && high).then_some(top)
}

/// An hour, a day or a week, where the period is near it and no better; else itself.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the lags")]
fn preferred(period: usize, correlation: &[f64], values: &[f64], width: f64) -> (f64, f64) {
    let known = [24.0 * HOUR, 7.0 * 24.0 * HOUR, HOUR].map(|span| span / width);
    let near = known.into_iter().find(|known| {
        let there = correlation.get(known.round() as usize).copied().unwrap_or(-1.0);
        (known / real(period) - 1.0).abs() <= NEAR && there >= correlation[period] - 0.05
    });
    (near.unwrap_or_else(|| refined(period, values)), correlation[period])
}

/// The period to a fraction of a value: where values differ least from those one period before, and two, and more.
///
/// The autocorrelation of few periods is off by the mean that was taken from it; differences are not.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the lags")]
fn refined(period: usize, values: &[f64]) -> f64 {
    /// Multiples that are looked at.
    const MOST: u8 = 8;
    let differs = |lag: usize| {
        let pairs = values.iter().zip(&values[lag..]);
        pairs.map(|(before, value)| (value - before).powi(2)).sum::<f64>() / real(values.len() - lag)
    };
    let mut found = real(period);
    for times in 1..=MOST {
        let (middle, reach) = (found * f64::from(times), (found / 16.0).max(2.0));
        let (from, to) = ((middle - reach).floor() as usize, (middle + reach).ceil() as usize);
        if from < 1 || to > values.len() * 3 / 4 {
            break;
        }
        let all: Vec<f64> = (from..=to).map(differs).collect();
        let Some(least) = (0..all.len()).min_by(|one, other| all[*one].total_cmp(&all[*other])) else { break };
        let Some([before, at, after]) = least.checked_sub(1).and_then(|place| all.get(place..)?.first_chunk().copied())
        else {
            break;
        };
        // The bottom of the parabola through the least and its neighbours.
        let bend = before - 2.0 * at + after;
        let bottom = if bend > 0.0 { 0.5 * (before - after) / bend } else { 0.0 };
        found = (real(from + least) + bottom) / f64::from(times);
    }
    found
}

#[expect(clippy::cast_precision_loss, reason = "at most a few thousand")]
fn real(count: usize) -> f64 {
    count as f64
}
