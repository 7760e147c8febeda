//! What one replica carries, learned from the CPU that it takes.
//!
//! ```text
//! cores of a replica = idle + slope · rate of a replica   least squares; slope: the service demand (D = U / X)
//! carries at c cores = (c − idle) / slope                 where the line is certain
//!                    = c / median(cores / rate)           else, of rows near that rate
//! ```
//!
//! Scaling keeps the load of a replica even, so that the newest rows alone never span much. Rows are kept by classes of rate
//! instead: of too many, the oldest of the fullest class goes, and the few loads that differ stay for days.
//!
//! The line counts where what it says is certain within 15 %: the interval of 95 % confidence, and what noise in the rate
//! may hide. That flattens a line: the true slope is between `slope` and `slope / R²` (Frisch 1934). The line by the median
//! of slopes (Theil and Sen) has to say the same. The median of ratios ignores what goes without load; who scales by it
//! comes to the right load nevertheless, as each answer is nearer to that than the load that it was measured at.
//!
//! Where the code changes, the newest 12 rows lie far off what was usual, all on one side: what was before is forgotten.

mod usual;

use serde::{Deserialize, Serialize};

use crate::{
    Line,
    median::{median, spread},
    packed::triples,
};
use usual::Usual;

/// Rows that are kept.
const MOST: usize = 128;
/// Rows that anything needs.
const FEWEST: usize = 30;
/// Rows on one side that are no chance: so many are enough after a change.
const ONE_SIDED: usize = 12;
/// A row is forgotten when so many came after it.
const OLDEST: u32 = 50_000;
/// A row is taken in by the lines when so many came.
const EVERY: u32 = 4;
/// The largest rate of a class over the smallest.
const CLASS: f64 = 1.1;
/// The share of the CPU limit up to which a row counts: above, requests wait.
const HIGHEST_USE: f64 = 0.8;
/// From one step to the next, the rate of a steady one changes by this factor at most.
const STEADY: f64 = 1.2;
/// What a replica carries is known where it is within this share of it.
const CERTAIN: f64 = 0.15;
/// The median of ratios is of rows within this factor of the rate that it says.
const NEAR: f64 = 2.0;
/// Anything larger is no measurement.
const LARGEST: f64 = 1e30;

/// What a replica does, in the mean of all that serve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Of the signal.
    pub rate: f64,
    /// Cores busy.
    pub cores: f64,
    /// Cores that it may use, where there is a limit.
    pub limit: Option<f64>,
    /// How many serve.
    pub replicas: u32,
}

/// Learns what one replica carries.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CapacityLearner {
    /// Oldest first.
    #[serde(with = "triples")]
    rows: Vec<Row>,
    /// Rows that came so far.
    came: u32,
    /// The step under way.
    under_way: Step,
    /// The step before, if nothing disturbed it.
    before: Option<(f64, u32)>,
    line: Option<Fitted>,
    /// The newest rows are known to be alike.
    changed: bool,
}

/// The rate and the cores of a steady step, and which of all rows it was.
pub(crate) type Row = (f32, f32, u32);

/// What was measured in a step so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Step {
    samples: u32,
    rate: f64,
    cores: f64,
    replicas: u32,
    newest: u64,
    full: bool,
    disturbed: bool,
}

/// A line through the rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Fitted {
    slope: f64,
    slope_within: f64,
    idle: f64,
    idle_within: f64,
    r_squared: f64,
    /// Theil and Sen.
    median_slope: f64,
    median_idle: f64,
    /// Of the rates: the mean, and the standard deviation.
    rate: f64,
    deviation: f64,
    rows: usize,
}

/// What one replica carries, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapacityFit {
    /// The rate at which a replica is busy with the cores that were asked for.
    pub rate: f64,
    /// Half the width of its interval of 95 % confidence, as a share of it.
    pub within: f64,
    /// Cores busy per unit of rate.
    pub slope: f64,
    /// Where the line says so.
    pub line: Option<CapacityLine>,
    /// Rows that say so.
    pub rows: usize,
}

/// What is known of the line besides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapacityLine {
    /// Cores busy without load.
    pub idle: f64,
    /// The share of the variance that the line explains, 0 to 1.
    pub r_squared: f64,
    /// The median of the slopes between all pairs of rows (Theil and Sen), which a few outliers do not move.
    pub median_slope: f64,
}

/// Why it is not known yet what one replica carries.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum NotLearned {
    /// There are too few rows.
    #[error("{FEWEST} steady steps are needed, {0} so far")]
    TooFew(usize),
    /// The line is uncertain, and the rows are far from what is asked.
    #[error(
        "the load of a replica spans {span:.1} times, so that {}: a wider span of load is needed, or one nearer to {asked:.2} \
         cores ({now:.2} now)",
        uncertain("the line", *.within)
    )]
    Far {
        /// The largest rate over the smallest.
        span: f64,
        /// Half the width of the line's interval, as a share of what it says; infinite where there is none.
        within: f64,
        /// Cores.
        asked: f64,
        /// Cores.
        now: f64,
    },
    /// The line is uncertain, and the rows differ too much from each other.
    #[error(
        "the load of a replica spans {span:.1} times, so that {}, and {}: a wider span of load is needed, or CPU that goes by it",
        uncertain("the line", *.line),
        uncertain("what 1 of it costs", *.median)
    )]
    Unlike {
        /// The largest rate over the smallest.
        span: f64,
        /// Half the width of the line's interval.
        line: f64,
        /// Half the width of the interval of the median of ratios.
        median: f64,
    },
}

fn uncertain(what: &str, within: f64) -> String {
    if within < 10.0 {
        format!("{what} is uncertain by {:.0} %", within * 100.0)
    } else {
        format!("{what} says nothing")
    }
}

impl CapacityLearner {
    /// Takes in samples of the step under way, of `at` in milliseconds. One that is not newer than the newest is passed over.
    pub fn sample(&mut self, at: u64, load: Load) {
        let Load { rate, cores, limit, replicas } = load;
        let step = &mut self.under_way;
        if at <= step.newest && step.newest > 0 {
            return;
        }
        step.newest = at;
        let known = [rate, cores].iter().all(|value| (0.0..=LARGEST).contains(value));
        if !known || (step.samples > 0 && step.replicas != replicas) {
            return self.disturb();
        }
        step.samples = step.samples.saturating_add(1);
        step.rate += rate;
        step.cores += cores;
        step.replicas = replicas;
        step.full |= limit.is_some_and(|limit| cores >= HIGHEST_USE * limit);
    }

    /// Replicas start, or some are not measured: the step under way does not count.
    pub fn disturb(&mut self) {
        self.under_way.disturbed = true;
    }

    /// The step under way is over. It is a row if it was steady: as many replicas as in the step before, and about its rate.
    pub fn close(&mut self) {
        let newest = self.under_way.newest;
        let step = std::mem::replace(&mut self.under_way, Step { newest, ..Step::default() });
        let samples = f64::from(step.samples);
        let whole = (step.samples > 0 && !step.disturbed).then(|| (step.rate / samples, step.replicas));
        let before = std::mem::replace(&mut self.before, whole);
        let (Some((rate, replicas)), Some((rate_before, replicas_before))) = (whole, before) else { return };
        let steady = rate <= STEADY * rate_before && rate_before <= STEADY * rate;
        if steady && replicas == replicas_before && !step.full {
            self.add(rate, step.cores / samples);
        }
    }

    /// What one replica carries if it is busy with so many cores.
    pub fn at(&self, cores: f64) -> Result<CapacityFit, NotLearned> {
        let rows = self.rows.len();
        if rows < if self.changed { ONE_SIDED } else { FEWEST } {
            return Err(NotLearned::TooFew(rows));
        }
        let by_line = self.line.and_then(|line| line.at(cores));
        if let Some(fit) = by_line.filter(|fit| fit.within <= CERTAIN) {
            return Ok(fit);
        }
        let by_median = self.median_at(cores);
        if let Some(fit) = by_median.filter(|fit| fit.within <= CERTAIN) {
            return Ok(fit);
        }
        let rates = || self.rows.iter().map(|(rate, ..)| f64::from(*rate));
        let span = rates().fold(0.0, f64::max) / rates().fold(f64::INFINITY, f64::min);
        let line = by_line.map_or(f64::INFINITY, |fit| fit.within);
        Err(match by_median {
            Some(fit) => NotLearned::Unlike { span, line, median: fit.within },
            None => NotLearned::Far { span, within: line, asked: cores, now: median(self.newest().map(|row| row.1)) },
        })
    }

    /// By the median of ratios, of the rows that are nearest to the rate that it says.
    fn median_at(&self, cores: f64) -> Option<CapacityFit> {
        let ratio = |row: &(f64, f64)| row.1 / row.0;
        let mut near: Vec<(f64, f64)> = self.points().collect();
        let mut slope = median(near.iter().map(ratio));
        for _ in 0..2 {
            let far = |row: &(f64, f64)| (row.0 * slope / cores).ln().abs();
            near = self.points().filter(|row| far(row) <= NEAR.ln()).collect();
            if near.len() < ONE_SIDED {
                return None;
            }
            near.sort_by(|one, other| far(one).total_cmp(&far(other)));
            near.truncate(FEWEST);
            slope = median(near.iter().map(ratio));
        }
        // The median's own error: 1.25 times that of the mean, of a normal distribution.
        let within = 1.96 * 1.25 * 1.48 * spread(near.iter().map(ratio)) / (slope * (near.len() as f64).sqrt());
        let rate = cores / slope;
        let known = rate.is_finite() && rate > 0.0 && within.is_finite();
        known.then_some(CapacityFit { rate, within, slope, line: None, rows: near.len() })
    }

    fn add(&mut self, rate: f64, cores: f64) {
        #[expect(clippy::cast_possible_truncation, reason = "measurements are not that exact; the largest fits")]
        let (rate, cores) = (rate as f32, cores as f32);
        // Below that, nothing is divided by it.
        if rate < f32::MIN_POSITIVE || cores < 0.0 {
            return;
        }
        self.came = self.came.saturating_add(1);
        let oldest = self.came.saturating_sub(OLDEST);
        self.rows.retain(|row| row.2 >= oldest);
        while self.rows.len() >= MOST {
            self.make_room();
        }
        self.rows.push((rate, cores, self.came));
        if self.came.is_multiple_of(EVERY) {
            self.look();
        }
    }

    /// Forgets the oldest row of the fullest class, but none of the newest, which say whether the code changed.
    fn make_room(&mut self) {
        let class = |row: &Row| (f64::from(row.0).ln() / CLASS.ln()).floor();
        let old = &self.rows[..self.rows.len().saturating_sub(ONE_SIDED)];
        let mut classes: Vec<f64> = old.iter().map(class).collect();
        classes.sort_by(f64::total_cmp);
        let fullest = classes.chunk_by(|one, other| one.total_cmp(other).is_eq()).max_by_key(|alike| alike.len());
        let goes = fullest.and_then(|alike| old.iter().position(|row| class(row).total_cmp(&alike[0]).is_eq()));
        self.rows.remove(goes.unwrap_or(0));
    }

    /// Forgets what is no more so, and draws the line anew.
    fn look(&mut self) {
        let before: Vec<(f64, f64)> = self.points().take(self.rows.len().saturating_sub(ONE_SIDED)).collect();
        let mut rows: Vec<(f64, f64)> = self.points().collect();
        if let Some(usual) = Usual::of(&before) {
            if self.newest_are_unlike(&usual) {
                self.rows.drain(..before.len());
                self.changed = true;
                rows = self.points().collect();
            } else {
                let inside = |row: &(f64, f64)| usual.side(*row).is_eq();
                // Where many are outside, they are no outliers.
                if rows.iter().filter(|row| !inside(row)).count() * 10 <= rows.len() {
                    rows.retain(inside);
                }
            }
        }
        self.changed &= self.rows.len() < FEWEST;
        self.line = (rows.len() >= FEWEST).then(|| Fitted::through(&rows)).flatten();
    }

    /// Whether all of the newest take more than is usual, or all less.
    fn newest_are_unlike(&self, usual: &Usual) -> bool {
        let mut sides = self.newest().map(|row| usual.side(row));
        sides.next().is_some_and(|first| first.is_ne() && sides.all(|side| side == first))
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.rows.iter().map(|(rate, cores, _)| (f64::from(*rate), f64::from(*cores)))
    }

    fn newest(&self) -> impl Iterator<Item = (f64, f64)> {
        self.points().skip(self.rows.len().saturating_sub(ONE_SIDED))
    }
}

impl Fitted {
    fn through(rows: &[(f64, f64)]) -> Option<Self> {
        let line = Line::through(rows).ok()?;
        let count = rows.len() as f64;
        let rate = rows.iter().map(|row| row.0).sum::<f64>() / count;
        let variance = rows.iter().map(|row| (row.0 - rate).powi(2)).sum::<f64>() / count;
        let fitted = Self {
            slope: line.slope,
            slope_within: line.slope_within,
            idle: line.intercept,
            idle_within: line.intercept_within,
            r_squared: line.r_squared,
            median_slope: line.median_slope,
            median_idle: median(rows.iter().map(|row| row.1 - line.median_slope * row.0)),
            rate,
            deviation: variance.sqrt(),
            rows: rows.len(),
        };
        let Self { slope, slope_within, idle, idle_within, median_slope, median_idle, rate, deviation, .. } = fitted;
        let numbers = [slope, slope_within, idle, idle_within, median_slope, median_idle, rate, deviation];
        numbers.iter().all(|number| number.is_finite()).then_some(fitted)
    }

    /// What it says of so many cores, however uncertain; nothing where CPU does not go by the rate.
    fn at(&self, cores: f64) -> Option<CapacityFit> {
        if self.slope <= self.slope_within || self.median_slope <= 0.0 {
            return None;
        }
        let by_line = (cores - self.idle) / self.slope;
        let by_median = (cores - self.median_idle) / self.median_slope;
        let off = (by_line - self.rate).abs();
        let noise = self.slope_within / self.slope * self.deviation.hypot(off) + off * (1.0 - self.r_squared);
        let within = noise.max((by_median - by_line).abs()) / by_line;
        // Less than nothing without load: the line goes through the origin, where that may be.
        let bare = self.idle < 0.0 && self.idle + self.idle_within >= 0.0;
        let slope = if bare { self.idle / self.rate + self.slope } else { self.slope };
        let idle = if bare { 0.0 } else { self.idle };
        let rate = (cores - idle) / slope;
        let known = by_line > 0.0 && rate.is_finite() && rate > 0.0 && within.is_finite();
        let line = CapacityLine { idle, r_squared: self.r_squared, median_slope: self.median_slope };
        known.then_some(CapacityFit { rate, within, slope, line: Some(line), rows: self.rows })
    }
}
