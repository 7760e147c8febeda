//! A column of a file, row by row.

use super::{NEVER, cell_ends, middle, nanos};
use crate::scenario::{Gaps, Series};

/// A series on its way through time.
#[derive(Clone, Debug)]
pub(super) struct FileWalk<'a> {
    series: &'a Series,
    gaps: Gaps,
    every: u64,
    /// The row that holds.
    row: usize,
    /// The gap that it is in.
    gap: Option<Gap>,
    /// The last value that there was.
    before: Option<f64>,
}

/// A gap, and what is on its two sides. At the beginning and at the end of a file both are what is on the one side.
#[derive(Clone, Copy, Debug)]
struct Gap {
    from: u64,
    until: u64,
    before: Option<f64>,
    after: Option<f64>,
}

impl<'a> FileWalk<'a> {
    pub(super) fn new(series: &'a Series, gaps: Gaps, every: u64) -> Self {
        Self { series, gaps, every, row: 0, gap: None, before: None }
    }

    /// What holds at `at`, which is zero at first and then the end of the piece before, and until when.
    pub(super) fn piece(&mut self, at: u64) -> (Option<f64>, u64) {
        while self.moment(self.row + 1) <= at {
            self.row += 1;
        }
        if let Some(value) = self.value(self.row) {
            self.gap = None;
            self.before = Some(value);
            return (Some(value), self.moment(self.row + 1));
        }
        let gap = self.gap.unwrap_or_else(|| self.enter_gap(at));
        self.gap = Some(gap);
        match self.gaps {
            Gaps::Refuse | Gaps::Keep => (None, gap.until),
            Gaps::Zero => (Some(0.0), gap.until),
            Gaps::Hold => (gap.before, gap.until),
            Gaps::Linear => gap.line(at, self.every),
        }
    }

    fn enter_gap(&self, at: u64) -> Gap {
        let rest = self.series.values.get(self.row..).unwrap_or_default();
        let next = rest.iter().position(Option::is_some).map(|rows| self.row + rows);
        let after = next.and_then(|row| self.value(row));
        let until = next.map_or(NEVER, |row| self.moment(row));
        Gap { from: at, until, before: self.before.or(after), after: after.or(self.before) }
    }

    fn value(&self, row: usize) -> Option<f64> {
        self.series.values.get(row).copied().flatten().filter(|value| !value.is_nan())
    }

    /// When a row begins to hold; never, after the last.
    fn moment(&self, row: usize) -> u64 {
        self.series.at.get(row).map_or(NEVER, |at| nanos(*at))
    }
}

impl Gap {
    fn line(&self, at: u64, every: u64) -> (Option<f64>, u64) {
        let (Some(before), Some(after)) = (self.before, self.after) else { return (None, self.until) };
        #[expect(clippy::float_cmp, reason = "a line between equal ends is level, and endless where the file ends")]
        if before == after {
            return (Some(before), self.until);
        }
        let until = cell_ends(at, every).min(self.until);
        let gone = (middle(at, until) - self.from) as f64 / (self.until - self.from) as f64;
        (Some(before + (after - before) * gone), until)
    }
}
