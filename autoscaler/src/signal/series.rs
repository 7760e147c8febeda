//! The samples of one replica, or of the service as a whole.

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Samples kept per series: the longest window at one a second, and some to spare.
const MOST_SAMPLES: usize = 1024;

/// The newest samples of one origin, by time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Series {
    points: VecDeque<Point>,
}

/// One sample. It serialises as `[milliseconds, value]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "(Timestamp, f64)", into = "(Timestamp, f64)")]
pub(super) struct Point {
    pub(super) at: Timestamp,
    pub(super) value: f64,
}

impl Series {
    /// Whether it is the newest one now. Older ones than `span` before it are forgotten, but for the one from which on the
    /// oldest that is left was measured.
    pub(super) fn add(&mut self, point: Point, span: Duration) -> bool {
        match self.points.back_mut() {
            Some(newest) if newest.at == point.at => *newest = point,
            Some(newest) if newest.at > point.at => return false,
            _ => {
                // Before there is one more, so that there is room for it.
                self.forget_until(point.at, span, MOST_SAMPLES - 1);
                self.points.push_back(point);
            }
        }
        true
    }

    /// Forgets the newest, if it is older.
    pub(super) fn forget_newest_before(&mut self, at: Timestamp) {
        self.points.pop_back_if(|newest| at.is_after(newest.at));
    }

    /// Forgets what nobody looks back to any more, but not the newest.
    pub(super) fn forget_old(&mut self, span: Duration) {
        if let Some(newest) = self.points.pop_back() {
            self.forget_until(newest.at, span, MOST_SAMPLES - 1);
            self.points.push_back(newest);
            self.points.shrink_to_fit();
        }
    }

    /// Forgets what is older than `span` at `now`, and more where more than `most` are left.
    fn forget_until(&mut self, now: Timestamp, span: Duration, most: usize) {
        let before = usize::from(!span.is_zero());
        while self.points.len() > most || self.points.get(before).is_some_and(|other| now.since(other.at) >= span) {
            self.points.pop_front();
        }
    }

    pub(super) fn newest(&self) -> Option<&Point> {
        self.points.back()
    }

    /// The mean of the samples of the window after `from`, of those after `since`; the newest alone where the window is
    /// shorter than the interval.
    pub(super) fn mean(&self, from: Timestamp, since: Timestamp) -> Option<f64> {
        let newest = self.newest().filter(|point| point.at.is_after(since))?;
        let from = from.max(since);
        let (older, newer) = self.points.as_slices();
        let mut sum = 0.0;
        let mut values = 0_u32;
        for point in newer.iter().rev().chain(older.iter().rev()) {
            if !point.at.is_after(from) {
                break;
            }
            sum += point.value;
            values += 1;
        }
        Some(if values > 0 { sum / f64::from(values) } else { newest.value })
    }

    /// The time that this mean is of: from the sample before its first one, where that is known, to the newest.
    pub(super) fn covers(&self, from: Timestamp, since: Timestamp) -> Option<(Option<Timestamp>, Timestamp)> {
        let newest = self.newest()?.at;
        let from = from.max(since);
        let before = self.points.iter().rev().skip(1).find(|point| !point.at.is_after(from));
        Some((before.map(|point| point.at), newest))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.points.len()
    }
}

impl From<(Timestamp, f64)> for Point {
    fn from((at, value): (Timestamp, f64)) -> Self {
        Self { at, value }
    }
}

impl From<Point> for (Timestamp, f64) {
    fn from(point: Point) -> Self {
        (point.at, point.value)
    }
}
