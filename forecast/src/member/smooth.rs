//! Level, and level with a trend that fades.

use serde::{Deserialize, Serialize};

use super::steps;

/// How much a new value counts for the smoothed level.
const SMOOTHING: f64 = 0.3;
/// How much a new value counts for the level of the trend.
const LEVEL: f64 = 0.5;
/// How much a change of that level counts for the trend.
const TREND: f64 = 0.1;
/// What is left of the trend a step later.
const DAMPING: f64 = 0.9;

/// Exponential smoothing, and Holt's with a damped trend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Smooth {
    /// Nothing before the first value.
    smoothed: Option<f64>,
    level: f64,
    trend: f64,
}

impl Smooth {
    pub(super) fn update(&mut self, value: f64) {
        let Some(smoothed) = &mut self.smoothed else {
            *self = Self { smoothed: Some(value), level: value, trend: 0.0 };
            return;
        };
        *smoothed += SMOOTHING * (value - *smoothed);
        let before = self.level;
        self.level = LEVEL * value + (1.0 - LEVEL) * (self.level + DAMPING * self.trend);
        self.trend = TREND * (self.level - before) + (1.0 - TREND) * DAMPING * self.trend;
    }

    pub(super) fn level(&self) -> f64 {
        self.smoothed.unwrap_or(0.0)
    }

    /// The level, and the trend of `lead` steps: `level + trend · (φ + φ² + … + φ^lead)`.
    pub(super) fn damped(&self, lead: i64) -> f64 {
        let fading = DAMPING * (1.0 - DAMPING.powf(steps(lead))) / (1.0 - DAMPING);
        self.level + self.trend * fading
    }
}
