//! The forecasts that are mixed. Each is plain, and earns its weight.

mod fourier;
mod seasonal;
mod smooth;

use serde::{Deserialize, Serialize};

pub(crate) use smooth::Smooth;

use crate::{Calendar, Season, history::History, packed::Sound};
pub(crate) use fourier::Fourier;

/// One of the forecasts that are mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Member {
    /// As it is now: what every other is measured against.
    Naive,
    /// As it was of late: exponential smoothing, 0.3 of each new value.
    Smoothed,
    /// Damped Holt: level and trend, the trend fading by a tenth a step (Gardner 1985).
    DampedTrend,
    /// A straight line through the last eight steps.
    Line,
    /// As it usually is: nothing but the spread of all that was kept.
    Usual,
    /// The most of the last 6 steps: what a burst that just passed asks for.
    ShortPeak,
    /// The most of the last 24 steps.
    LongPeak,
    /// As one season ago; of several seasons that were found, the longest.
    SeasonAgo,
    /// The median of up to five seasons ago, moved to the level of now; the shortest season.
    ShortSeason,
    /// The same for the longest.
    LongSeason,
    /// Trend and three harmonics of up to two seasons, by recursive least squares.
    Fourier,
}

impl Member {
    /// All, in the order of their weights.
    pub const ALL: [Self; 11] = [
        Self::Naive,
        Self::Smoothed,
        Self::DampedTrend,
        Self::Line,
        Self::Usual,
        Self::ShortPeak,
        Self::LongPeak,
        Self::SeasonAgo,
        Self::ShortSeason,
        Self::LongSeason,
        Self::Fourier,
    ];

    /// Whether it goes by a season.
    pub fn is_seasonal(self) -> bool {
        matches!(self, Self::SeasonAgo | Self::ShortSeason | Self::LongSeason | Self::Fourier)
    }

    /// The season that it goes by, of these, the shortest first. One that was found goes before one that is only expected.
    pub(crate) fn season(self, seasons: &[Season]) -> Option<&Season> {
        let any = seasons.iter().any(Season::is_found);
        let mut told_by = seasons.iter().filter(|season| season.is_found() || !any);
        match self {
            Self::SeasonAgo => told_by.next_back(),
            Self::ShortSeason => told_by.next(),
            Self::LongSeason => {
                let short = told_by.next();
                seasons.last().filter(|last| Some(*last) != short)
            }
            Self::Fourier => seasons.iter().rfind(|season| season.is_found()),
            _ => None,
        }
    }
}

/// One number for each member.
pub(crate) type Each = [f64; Member::ALL.len()];

/// The same, of four bytes each: enough for what was said a moment ago.
pub(crate) type Rounded = [f32; Member::ALL.len()];

/// A member that has nothing to say: no demand is below 0.
pub(crate) const SILENT: f64 = -1.0;

/// What members remember besides the history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Members {
    pub(crate) smooth: Smooth,
    pub(crate) fourier: Option<Fourier>,
}

/// What members go by.
#[derive(Clone, Copy)]
pub(crate) struct Past<'a> {
    pub(crate) history: &'a History,
    pub(crate) seasons: &'a [Season],
    pub(crate) clock: Clock<'a>,
}

/// When a step is.
#[derive(Clone, Copy)]
pub(crate) struct Clock<'a> {
    /// Milliseconds of a step.
    pub(crate) step: u64,
    pub(crate) calendar: &'a dyn Calendar,
}

impl Clock<'_> {
    /// When a step begins, in milliseconds since the epoch.
    fn begins(&self, step: i64) -> Option<u64> {
        u64::try_from(step).ok()?.checked_mul(self.step)
    }

    fn is_unusual(&self, step: i64) -> bool {
        self.begins(step).is_some_and(|at| self.calendar.is_unusual(at))
    }
}

impl Sound for Members {
    const WANTED: &str = "a curve whose parts fit together";

    fn is_sound(&self) -> bool {
        self.fourier.as_ref().is_none_or(Fourier::is_sound)
    }
}

impl Members {
    /// Takes in the value of a step. `scale` is how far the naive forecast is off in the mean. On a day unlike others, the curve
    /// learns nothing.
    pub(crate) fn update(&mut self, past: &Clock<'_>, step: i64, value: f64, scale: f64) {
        self.smooth.update(value);
        if let Some(fourier) = self.fourier.as_mut().filter(|_| !past.is_unusual(step)) {
            fourier.update(step, value, scale);
        }
    }

    /// What each says at `step`, the newest that is known, of the one `lead` steps later; [`SILENT`] for those that
    /// have nothing to say yet. No other is below 0.
    pub(crate) fn points(&self, past: &Past<'_>, step: i64, lead: i64) -> Option<Each> {
        let now = past.history.at(step)?;
        let now = if past.history.newest() == Some(step) { past.history.last() } else { now };
        let mut points = [SILENT; Member::ALL.len()];
        for (point, member) in points.iter_mut().zip(Member::ALL) {
            let season = member.season(past.seasons);
            let said = match member {
                Member::Naive => Some(now),
                Member::Smoothed => Some(self.smooth.level()),
                Member::DampedTrend => Some(self.smooth.damped(lead)),
                Member::Line => line(past.history, step, lead),
                Member::Usual => Some(0.0),
                Member::ShortPeak => peak(past.history, step, 6),
                Member::LongPeak => peak(past.history, step, 24),
                Member::SeasonAgo => season.and_then(|season| seasonal::ago(past, season, step, lead)),
                Member::ShortSeason | Member::LongSeason => {
                    season.and_then(|season| seasonal::median(past, season, step, lead))
                }
                Member::Fourier => {
                    let usual = !past.clock.is_unusual(step) && !past.clock.is_unusual(step + lead);
                    self.fourier.as_ref().filter(|_| usual).map(|fourier| fourier.predict(step, now, lead))
                }
            };
            *point = said.filter(|said| said.is_finite()).map_or(SILENT, |said| said.max(0.0));
        }
        Some(points)
    }
}

/// A straight line through the last eight steps (least squares), prolonged.
fn line(history: &History, step: i64, lead: i64) -> Option<f64> {
    /// Steps.
    const WINDOW: i64 = 8;
    let (mut count, mut sum, mut by_time, mut time, mut squares) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (place, value) in (0_i32..).zip(step - WINDOW + 1..=step).filter_map(|(x, at)| Some((x, history.at(at)?))) {
        let x = f64::from(place);
        count += 1.0;
        sum += value;
        time += x;
        by_time += x * value;
        squares += x * x;
    }
    let spread = count * squares - time * time;
    if count < 3.0 || spread <= 0.0 {
        return None;
    }
    let slope = (count * by_time - time * sum) / spread;
    let intercept = (sum - slope * time) / count;
    Some(intercept + slope * steps(WINDOW - 1 + lead))
}

fn peak(history: &History, step: i64, window: i64) -> Option<f64> {
    (step - window + 1..=step).filter_map(|at| history.at(at)).reduce(f64::max)
}

/// A number of steps as a number.
#[expect(clippy::cast_precision_loss, reason = "steps of a few seconds fit for longer than there are clocks")]
pub(crate) fn steps(count: i64) -> f64 {
    count as f64
}

/// The nearest whole number.
#[expect(clippy::cast_possible_truncation, reason = "a float to integer cast saturates")]
pub(crate) fn whole(value: f64) -> i64 {
    value.round() as i64
}
