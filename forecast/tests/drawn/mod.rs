//! Loads that are drawn: the same for the same seed.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Steps of a day.
pub(crate) const DAY: u32 = 288;
/// Milliseconds of a step.
pub(crate) const STEP: u64 = 300_000;

/// The kinds of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Noise about a level.
    Stationary,
    /// Noise that remembers.
    Autoregressive,
    /// Day and night.
    Daily,
    /// Day and night, and noise in proportion.
    DailyInProportion,
    /// Day and night, and quiet weekends.
    DailyAndWeekly,
    /// One of two levels, for a while each.
    Bimodal,
    /// A random walk.
    Walk,
    /// Days and nights that end in the middle.
    SeasonEnds,
    /// A rise that turns in the middle.
    TrendBreaks,
    /// Days and nights that come an hour earlier from the middle on.
    ClockChanges,
    /// Bursts.
    OnOff,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 11] = [
        Self::Stationary,
        Self::Autoregressive,
        Self::Daily,
        Self::DailyInProportion,
        Self::DailyAndWeekly,
        Self::Bimodal,
        Self::Walk,
        Self::SeasonEnds,
        Self::TrendBreaks,
        Self::ClockChanges,
        Self::OnOff,
    ];
}

/// So many values.
pub(crate) fn draw(kind: Kind, count: u32, seed: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut memory, mut high) = (0.0, false);
    let values = (0..count).map(|step| {
        let noise = normal(&mut random);
        let late = step > count / 2;
        let earlier = if late && kind == Kind::ClockChanges { DAY / 24 } else { 0 };
        let day = (std::f64::consts::TAU * f64::from(step + earlier) / f64::from(DAY)).sin();
        match kind {
            Kind::Stationary => 100.0 + 10.0 * noise,
            Kind::Autoregressive => {
                memory = 0.8 * memory + 6.0 * noise;
                100.0 + memory
            }
            Kind::Daily | Kind::ClockChanges => 100.0 + 60.0 * day + 6.0 * noise,
            Kind::DailyInProportion => (100.0 + 80.0 * day) * (1.0 + 0.1 * noise),
            Kind::DailyAndWeekly => {
                let weekend = step / DAY % 7 >= 5;
                (100.0 + 60.0 * day) * if weekend { 0.4 } else { 1.0 } + 5.0 * noise
            }
            Kind::Bimodal => {
                high ^= random.random_bool(0.03);
                (if high { 160.0 } else { 40.0 }) + 4.0 * noise
            }
            Kind::Walk => {
                memory = f64::max(memory + 3.0 * noise, -95.0);
                100.0 + memory
            }
            Kind::SeasonEnds => 100.0 + if late { 0.0 } else { 60.0 * day } + 6.0 * noise,
            Kind::TrendBreaks => {
                let (rise, fall) = (step.min(count / 2), step.saturating_sub(count / 2));
                50.0 + 0.1 * f64::from(rise) - 0.02 * f64::from(fall) + 5.0 * noise
            }
            Kind::OnOff => {
                high ^= random.random_bool(0.05);
                if high { 100.0 + 5.0 * noise } else { 1.0 + 0.2 * noise }
            }
        }
    });
    values.map(|value| value.max(0.0)).collect()
}

/// Of the standard normal law (Box and Muller).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (one, other): (f64, f64) = (random.random_range(f64::MIN_POSITIVE..1.0), random.random());
    (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
}
