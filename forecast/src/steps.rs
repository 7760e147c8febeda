//! How long a step is, and what is measured in it.

use serde::{Deserialize, Serialize};

/// Lengths of a step, in milliseconds.
const LENGTHS: [u64; 19] = [
    1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
    3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
];
/// Steps to the horizon at most.
const TO_HORIZON: u64 = 6;
/// What comes after so many times as long as usual comes after a gap.
const LONGEST: f64 = 4.0;
/// Values that say how often they come.
const FIRST: u32 = 2;

/// The shortest length with one value at least in each, and no more than six to the horizon.
pub(crate) fn step_for(horizon: u64, spacing: u64) -> u64 {
    // A clock that is a little slow makes no step twice as long.
    let least = (spacing - spacing / 10).max(horizon / TO_HORIZON);
    LENGTHS.into_iter().find(|length| *length >= least).unwrap_or(LENGTHS[LENGTHS.len() - 1])
}

/// How often values come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spacing {
    newest: Option<u64>,
    /// Milliseconds.
    usual: f64,
    seen: u32,
}

impl Spacing {
    /// Whether the value is newer than all before.
    pub(crate) fn add(&mut self, at: u64) -> bool {
        let Some(newest) = self.newest else {
            self.newest = Some(at);
            return true;
        };
        if at <= newest {
            return false;
        }
        self.newest = Some(at);
        #[expect(clippy::cast_precision_loss, reason = "the clocks that there are fit")]
        let gap = (at - newest) as f64;
        if self.seen < FIRST {
            self.usual = if self.seen == 0 { gap } else { self.usual.min(gap) };
            self.seen += 1;
        } else if gap < LONGEST * self.usual {
            self.usual += 0.1 * (gap - self.usual);
        } else {
            // What is longer is a gap, and no other pace; until it goes on for a while. However long, it counts the same.
            self.usual += 0.01 * (LONGEST - 1.0) * self.usual;
        }
        true
    }

    /// Milliseconds, once that is known.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "differences of time stamps, above 0")]
    pub(crate) fn usual(&self) -> Option<u64> {
        (self.seen >= FIRST).then_some(self.usual.round().max(1.0) as u64)
    }
}

/// What was measured so far in a step that is not full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Opened {
    step: i64,
    sum: f64,
    count: u32,
    /// The newest step that is full.
    closed: Option<i64>,
}

impl Opened {
    /// Adds a value; of a step that is full already, nothing.
    pub(crate) fn add(&mut self, step: i64, value: f64) {
        if self.closed.is_some_and(|closed| step <= closed) {
            return;
        }
        if step != self.step {
            (self.step, self.sum, self.count) = (step, 0.0, 0);
        }
        self.sum += value;
        self.count += 1;
    }

    /// The step and the mean of its values, if that is before another.
    pub(crate) fn close_before(&mut self, step: i64) -> Option<(i64, f64)> {
        if self.step < step { self.close() } else { None }
    }

    /// The step and the mean of its values, if there are any.
    pub(crate) fn close(&mut self) -> Option<(i64, f64)> {
        if self.count == 0 {
            return None;
        }
        let mean = self.sum / f64::from(self.count);
        (self.sum, self.count) = (0.0, 0);
        self.closed = Some(self.step);
        Some((self.step, mean))
    }
}
