//! A sum over replicas.

use std::time::Duration;

use crate::time::Timestamp;

/// Adds up replicas.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) total: f64,
    pub(super) shares: Shares,
    pub(super) of_reservations: Shares,
    pub(super) measured: u32,
    pub(super) warming: u32,
    pub(super) absent: u32,
    /// Age of the oldest value that goes on as the last good one.
    pub(super) kept: Option<Duration>,
    /// The time that the values are of: from when, where that is known, until when.
    pub(super) span: Option<(Option<Timestamp>, Timestamp)>,
}

impl Sum {
    pub(super) fn add(&mut self, value: f64, limit: Option<f64>, reservation: Option<f64>) {
        self.total += value;
        self.measured += 1;
        self.shares.add(value, limit);
        self.of_reservations.add(value, reservation);
    }

    /// A value is of this time.
    pub(super) fn covers(&mut self, span: Option<(Option<Timestamp>, Timestamp)>) {
        let Some((from, until)) = span else { return };
        self.span = Some(match self.span {
            Some((known, newest)) => (known.zip(from).map(|(one, other)| one.min(other)), newest.max(until)),
            None => (from, until),
        });
    }
}

/// A sum of shares, as long as there is something to take each share of.
#[derive(Default)]
pub(super) struct Shares {
    sum: f64,
    incomplete: bool,
}

impl Shares {
    fn add(&mut self, value: f64, of: Option<f64>) {
        match of {
            Some(of) => self.sum += value / of,
            None => self.incomplete = true,
        }
    }

    pub(super) fn whole(&self) -> Option<f64> {
        (!self.incomplete).then_some(self.sum)
    }
}
