//! The forecast of one lead: so many steps ahead, of all members, mixed, with an upper bound.
//!
//! ```text
//! bound of a member = what it says + the level-quantile of what it was off by, of its last 256 (128 for the next step)
//! loss              = pinball(actual, bound) at the quantile asked for, over the usual error of the naive one
//! weight            ∝ exp(-2 · Σ 0.99^age · loss)
//! bound             = Σ weight · bound of the member
//! level             ← level + max(0.1 a, 0.005) · (missed − a),   a = 1 − quantile; within 1 − 10a … 1 − 0.1a
//! ```
//!
//! The pinball loss is what idle and missing replicas cost (newsvendor), so that the weights go by the cost of a bound and not
//! by the error of a middle. They are those of exponentially weighted forecasters (Vovk 1990, Littlestone and Warmuth 1994),
//! with what is old fading. The level is that of adaptive conformal inference (Gibbs and Candès 2021): whatever comes, the
//! share of misses tends to `a`.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{
    Member,
    gate::Skill,
    member::{Each, Rounded, steps},
    packed::{self, Sound},
    residuals::{self, Residuals},
};

/// How fast losses turn into weights.
const LEARNING: f64 = 2.0;
/// What a bound is off by because of rounding.
const ROUNDING: f64 = 1e-6;
/// What a loss counts a step later.
const FADING: f64 = 0.99;
/// No single loss counts for more.
const MOST_LOSS: f64 = 20.0;
/// How far the level moves: as a share of the misses allowed, and at least.
const PACE: (f64, f64) = (0.1, 0.005);
/// Where it stays: misses aimed at, as shares of those allowed.
const AIM: (f64, f64) = (0.1, 10.0);
/// How fast the usual error of the naive forecast is learned.
const SCALE: f64 = 0.02;
/// Residuals that are kept of each member for the next step, which only says how soon replicas may go.
const NEAR: usize = 64;
/// No lead is longer, in steps.
pub(crate) const LONGEST_LEAD: i64 = 12;
/// A bound of fewer residuals is none.
pub(crate) const FEWEST: u64 = 8;
/// A member's bound of fewer residuals is none, and does not count.
const ENOUGH: usize = 8;
/// A member that goes by a season, which was found by a test or was told, begins with so many times the weight of the best.
const PRIOR: f64 = 10.0;
/// Of so many forecasts is counted how often the bound was missed.
const RECENT: u32 = 32;

/// One lead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lead {
    /// So many steps ahead.
    pub(crate) steps: i64,
    /// What was said and has not come yet, oldest first.
    pending: VecDeque<Said>,
    residuals: Vec<Residuals>,
    /// Faded sums.
    losses: Each,
    /// The share of misses that is aimed at, so that those allowed come.
    aim: f64,
    /// The usual error of the naive forecast.
    pub(crate) scale: f64,
    /// How many forecasts were compared with what came.
    pub(crate) scored: u64,
    /// Of the newest, a bit for each miss.
    misses: u64,
    pub(crate) skill: Skill,
    pub(crate) scores: Scores,
}

/// How good forecasts were, of one lead: sums over all that were compared with what came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// How many.
    pub count: u64,
    /// What came.
    pub actual: f64,
    /// What the middle was off by.
    pub error: f64,
    /// What the naive forecast was off by.
    pub naive_error: f64,
    /// Pinball loss of the bound.
    pub loss: f64,
    /// That of the naive forecast's own bound.
    pub naive_loss: f64,
    /// How many came above the bound.
    pub missed: u64,
}

impl Scores {
    /// Weighted absolute percentage error, `Σ|error| / Σ actual`; `None` where nothing came.
    pub fn wape(&self) -> Option<f64> {
        (self.actual > 0.0).then(|| self.error / self.actual)
    }

    /// Mean absolute error over that of the naive forecast of the same lead (Hyndman and Koehler 2006, out of sample).
    pub fn mase(&self) -> Option<f64> {
        (self.naive_error > 0.0).then(|| self.error / self.naive_error)
    }

    /// `1 − Σ pinball / Σ pinball of the naive bound`.
    pub fn skill(&self) -> Option<f64> {
        (self.naive_loss > 0.0).then(|| 1.0 - self.loss / self.naive_loss)
    }

    /// The share that came above the bound.
    #[expect(clippy::cast_precision_loss, reason = "there are not that many steps")]
    pub fn missed(&self) -> Option<f64> {
        (self.count > 0).then(|| self.missed as f64 / self.count as f64)
    }

    fn add(&mut self, said: &Said, value: f64, quantile: f64) {
        self.count += 1;
        self.actual += value;
        self.error += (value - said.middle).abs();
        self.naive_error += (value - f64::from(said.points[0])).abs();
        self.loss += pinball(value, said.bound, quantile);
        self.naive_loss += pinball(value, f64::from(said.bounds[0]), quantile);
        self.missed += u64::from(exceeds(value, said.bound));
    }
}

/// What was said at a step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Said {
    step: i64,
    #[serde(with = "packed::singles")]
    points: Rounded,
    #[serde(with = "packed::singles")]
    bounds: Rounded,
    bound: f64,
    middle: f64,
    /// What was kept ready because of it, where that is what misses are counted by.
    ready: Option<f64>,
}

/// A forecast for one lead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ahead {
    /// What no more than the quantile should exceed.
    pub(crate) bound: f64,
    /// What the members say in the mean, by their weights.
    pub(crate) middle: f64,
    /// The bound by the naive forecast alone.
    pub(crate) naive: f64,
    /// The level in force.
    pub(crate) level: f64,
}

impl Lead {
    /// One that knows nothing. `quantile` is that of the demand which shall be carried.
    pub(crate) fn new(steps: i64, quantile: f64) -> Self {
        Self {
            steps,
            pending: VecDeque::new(),
            residuals: vec![Residuals::new(if steps == 1 { NEAR } else { residuals::MOST }); Member::ALL.len()],
            losses: Each::default(),
            aim: 1.0 - quantile,
            scale: 0.0,
            scored: 0,
            misses: 0,
            skill: Skill::default(),
            scores: Scores::default(),
        }
    }

    /// Compares what was said of a step with what came.
    pub(crate) fn score(&mut self, step: i64, value: f64, quantile: f64) {
        while let Some(said) = self.pending.front().copied() {
            let due = said.step + self.steps;
            if due > step {
                break;
            }
            self.pending.pop_front();
            if due == step {
                self.compare(&said, value, quantile);
            }
        }
    }

    /// Says what is to come, as far as it knows, and remembers that.
    pub(crate) fn say(&mut self, step: i64, points: &Each) -> Ahead {
        let level = 1.0 - self.aim;
        let mut bounds = *points;
        for (bound, residuals) in bounds.iter_mut().zip(&self.residuals) {
            *bound = (*bound + residuals.quantile(level)).max(0.0);
        }
        let weights = self.weights_of(points);
        let mixed = |each: &Each| {
            let weighed = each.iter().zip(&weights).filter(|(_, weight)| **weight > 0.0);
            weighed.map(|(value, weight)| value * weight).sum::<f64>()
        };
        let (bound, middle) = (mixed(&bounds), mixed(points));
        self.pending.push_back(Said {
            step,
            points: rounded(points),
            bounds: rounded(&bounds),
            bound,
            middle,
            ready: None,
        });
        Ahead { bound, middle, naive: bounds[0], level }
    }

    /// What was said last.
    pub(crate) fn said(&self) -> Option<Ahead> {
        let said = self.pending.back()?;
        Some(Ahead { bound: said.bound, middle: said.middle, naive: f64::from(said.bounds[0]), level: 1.0 - self.aim })
    }

    /// The most that is expected in the mean of any step to come, up to the horizon, as it was said of each.
    pub(crate) fn most_expected(&self) -> f64 {
        self.pending.iter().map(|said| said.middle).fold(0.0, f64::max)
    }

    /// So much is kept ready because of the newest forecast: a miss is what exceeds that.
    pub(crate) fn keeps_ready(&mut self, value: f64) {
        if let Some(said) = self.pending.back_mut() {
            said.ready = Some(value);
        }
    }

    /// How much each member counted last; together 1.
    pub(crate) fn weights(&self) -> Each {
        self.weights_of(&self.says().unwrap_or_default())
    }

    /// What each member said last.
    pub(crate) fn says(&self) -> Option<Each> {
        Some(self.pending.back()?.points.map(f64::from))
    }

    /// How much each of the members counts that say something; together 1.
    fn weights_of(&self, points: &Each) -> Each {
        let least = self.losses.iter().copied().fold(f64::INFINITY, f64::min);
        let mut weights = self.losses;
        let enough = |residuals: &Residuals| residuals.count() >= ENOUGH;
        let none = !self.residuals.iter().any(enough);
        for ((weight, point), residuals) in weights.iter_mut().zip(points).zip(&self.residuals) {
            let counts = *point >= 0.0 && (none || enough(residuals));
            *weight = if counts { (-LEARNING * (*weight - least)).exp() } else { 0.0 };
        }
        let all: f64 = weights.iter().sum();
        weights.map(|weight| weight / all)
    }

    /// Whether the newest forecast that was compared was missed.
    pub(crate) fn missed(&self) -> bool {
        self.misses & 1 == 1
    }

    /// Misses, of so many of the newest forecasts.
    pub(crate) fn recent_misses(&self) -> (u32, u32) {
        let of = u32::try_from(self.scored).unwrap_or(u32::MAX).min(RECENT);
        ((self.misses & ((1 << RECENT) - 1)).count_ones(), of)
    }

    fn compare(&mut self, said: &Said, value: f64, quantile: f64) {
        let allowed = 1.0 - quantile;
        let loss = |bound: f64| pinball(value, bound, quantile);
        self.scored += 1;
        let off = (value - f64::from(said.points[0])).abs();
        #[expect(clippy::cast_precision_loss, reason = "only what is small counts")]
        let pace = SCALE.max(1.0 / self.scored as f64);
        self.scale += (off - self.scale) * pace;
        let missed = exceeds(value, said.ready.unwrap_or(said.bound));
        let pull = (allowed * PACE.0).max(PACE.1) * (f64::from(u8::from(missed)) - allowed);
        self.aim = (self.aim - pull).clamp(allowed * AIM.0, (allowed * AIM.1).min(0.6));
        self.misses = (self.misses << 1) | u64::from(missed);
        self.scores.add(said, value, quantile);
        self.skill.add(loss(said.bound), loss(f64::from(said.bounds[0])));
        let unit = self.scale.max(f64::MIN_POSITIVE);
        let least = self.losses.iter().copied().fold(f64::INFINITY, f64::min);
        for (place, residuals) in self.residuals.iter_mut().enumerate() {
            // Who says nothing is neither better nor worse than the mixture (sleeping experts, Freund et al. 1997).
            let awake = said.points[place] >= 0.0;
            let cost = loss(if awake { f64::from(said.bounds[place]) } else { said.bound });
            self.losses[place] = FADING * self.losses[place] + (cost / unit).min(MOST_LOSS);
            if awake {
                if residuals.count() == 0 && Member::ALL[place].is_seasonal() {
                    self.losses[place] = least - PRIOR.ln() / LEARNING;
                }
                residuals.push(value - f64::from(said.points[place]));
            }
        }
    }

    /// So many forecasts of the newest overlap, and say the same thing.
    pub(crate) fn overlap(&self) -> f64 {
        steps(self.steps).max(1.0)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "what is left out is far below what a forecast is off by")]
fn rounded(values: &Each) -> Rounded {
    values.map(|value| value as f32)
}

impl Sound for Vec<Lead> {
    const WANTED: &str = "residuals of each member of this version";

    fn is_sound(&self) -> bool {
        self.iter().all(|lead| {
            (1..=LONGEST_LEAD).contains(&lead.steps)
                && lead.residuals.len() == Member::ALL.len()
                && lead.residuals.iter().all(Residuals::is_sound)
        })
    }
}

/// Whether a value is above a bound by more than the rounding of either.
fn exceeds(value: f64, bound: f64) -> bool {
    value > bound + ROUNDING * bound.abs()
}

/// What a bound costs: `quantile` for each unit above it, `1 − quantile` for each below.
pub(crate) fn pinball(value: f64, bound: f64, quantile: f64) -> f64 {
    if value > bound { quantile * (value - bound) } else { (1.0 - quantile) * (bound - value) }
}
