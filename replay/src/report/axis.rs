//! Axes: where a value is drawn, which values are marked, and how these are written.

use std::time::Duration;

use autoscaler::{Timestamp, time::spoken};

/// Maps values to places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// The value at `start`.
    from: f64,
    /// The value at `end`.
    to: f64,
    start: f64,
    end: f64,
    logarithmic: bool,
}

impl Axis {
    /// Evenly from the place of one value to that of another. Both values the same: it reaches one further.
    pub(super) fn linear((from, to): (f64, f64), (start, end): (f64, f64)) -> Self {
        let to = if to > from { to } else { from + 1.0 };
        Self { from, to, start, end, logarithmic: false }
    }

    /// From zero to at least `most`, and on to the next of about so many round values.
    pub(super) fn counting(most: f64, about: f64, (start, end): (f64, f64)) -> Self {
        let step = round_up(most / about);
        Self::linear((0.0, (most / step).ceil().max(1.0) * step), (start, end))
    }

    /// Evenly in the logarithm; `from` is above zero.
    pub(super) fn logarithmic((from, to): (f64, f64), (start, end): (f64, f64)) -> Self {
        let from = from.max(1e-9);
        Self { from, to: to.max(from * 10.0), start, end, logarithmic: true }
    }

    /// The place of a value; what is beyond an end is at that end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value.max(self.from) / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        self.start + share.clamp(0.0, 1.0) * (self.end - self.start)
    }

    /// About so many values to mark, all round ones.
    pub(super) fn marks(&self, about: f64) -> Vec<f64> {
        if self.logarithmic {
            return self.decades(about);
        }
        let step = round_up((self.to - self.from) / about);
        let first = (self.from / step).ceil();
        let mut marks = Vec::new();
        let mut ordinal = 0.0;
        while (first + ordinal) * step <= self.to * (1.0 + 1e-9) && marks.len() < 64 {
            marks.push((first + ordinal) * step);
            ordinal += 1.0;
        }
        marks
    }

    /// Powers of ten; only each second or third where there are many.
    fn decades(&self, about: f64) -> Vec<f64> {
        let (low, high) = ((self.from.log10() - 1e-9).ceil(), (self.to.log10() + 1e-9).floor());
        let every = ((high - low + 1.0) / about).ceil().max(1.0);
        let mut marks = Vec::new();
        let mut power = low;
        while power <= high {
            marks.push(10_f64.powf(power));
            power += every;
        }
        marks
    }
}

/// The next value of 1, 2, 5, 10, … times a power of ten.
pub(super) fn round_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let digit = [1.0, 2.0, 5.0].into_iter().find(|digit| digit * power >= value * (1.0 - 1e-9));
    digit.unwrap_or(10.0) * power
}

/// From this length on moments are days.
pub(super) const BY_DAY: Duration = Duration::from_hours(72);

/// Moments to mark in a scenario of this length, since its beginning, and how they are written: as spans, or from three
/// days on as days of the week.
pub(super) fn moments(begins: Timestamp, lasts: Duration, about: u32) -> Vec<(Duration, String)> {
    const STEPS: [u64; 24] = [
        1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 14_400, 21_600, 28_800, 43_200,
        86_400, 172_800, 604_800, 2_419_200,
    ];
    const DAY: u64 = 86_400;
    let fits = |step: &u64| Duration::from_secs(*step) * about >= lasts;
    let step = STEPS.into_iter().find(fits).unwrap_or(lasts.as_secs().max(1));
    let by_day = lasts >= BY_DAY;
    // Days begin at midnight, whenever the scenario does.
    let first = if by_day { (DAY - begins.as_millis() / 1000 % DAY) % DAY } else { 0 };
    let moments = (0..).map(|ordinal| Duration::from_secs(first + ordinal * step)).take_while(|at| *at <= lasts);
    moments.map(|at| (at, if by_day { weekday(begins.plus(at)).to_owned() } else { moment(at) })).collect()
}

/// `0`, `20m`, `1h 30m`.
pub(super) fn moment(at: Duration) -> String {
    if at.is_zero() { "0".to_owned() } else { spoken(at).replace("days", "d").replace("day", "d") }
}

fn weekday(at: Timestamp) -> &'static str {
    // 1 January 1970 was a Thursday.
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    DAYS[usize::try_from(at.as_millis() / 86_400_000 % 7).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_within() {
        for (from, to, expected) in [
            (0.0, 10.0, vec![0.0, 5.0, 10.0]),
            (0.0, 0.0, vec![0.0, 0.5, 1.0]),
            (0.0, 1234.0, vec![0.0, 500.0, 1000.0]),
            (3.0, 7.0, vec![4.0, 6.0]),
        ] {
            assert_eq!(Axis::linear((from, to), (0.0, 100.0)).marks(3.0), expected, "{from} to {to}");
        }
        assert_eq!(Axis::logarithmic((0.02, 30.0), (0.0, 1.0)).marks(4.0), [0.1, 1.0, 10.0]);
    }

    #[test]
    fn moments_are_spans_in_hours_and_days_in_weeks() {
        let words = |lasts: u64| -> Vec<String> {
            let moments = moments(crate::scenario::BEGINS, Duration::from_secs(lasts), 6);
            moments.into_iter().map(|(_, words)| words).collect()
        };
        assert_eq!(words(7200), ["0", "20m", "40m", "1h", "1h 20m", "1h 40m", "2h"]);
        assert_eq!(words(5 * 86_400), ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]);
    }
}
