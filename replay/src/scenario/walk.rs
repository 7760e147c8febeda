//! A source as the values that hold, one after the other.

mod file;
mod part;

use std::time::Duration;

use self::{file::FileWalk, part::Lane};
use super::{Columns, Part, Play, Scenario, Source};

/// Values that hold from each moment until the next, or until the scenario ends: moments ascend and the first is zero, no
/// value equals the one before it. `None`: there is no value, where a file has a gap that is kept.
///
/// What jumps does so exactly when it says, and a file at its rows. What changes all the time has the value of the middle
/// of each piece between two multiples of the scenario's `every`, so that memory is flat in the scenario's length and the
/// mean of a straight line is exact. Each part has pieces of its own: one more part changes nothing about the others.
///
/// Values are at least zero and finite; only signals from files are as they were recorded.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    way: Way<'a>,
    /// Where the walk stands, and where it ends.
    at: u64,
    ends: u64,
    /// What was given last, once something was.
    last: Given,
    /// What is below that is taken to be that.
    least: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Given {
    Nothing,
    /// This, or that there is none.
    Value(Option<f64>),
}

#[derive(Clone, Debug)]
enum Way<'a> {
    Drawn(Vec<Lane>),
    File(FileWalk<'a>),
}

/// What all parts have to know: nanoseconds, as all moments of this module, and the seed.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// The wall-clock time at the beginning, since the epoch.
    begins: u64,
    /// Above zero.
    every: u64,
    seed: u64,
}

/// Where there is no end.
const NEVER: u64 = u64::MAX;

impl Source {
    /// Its values in the time of `scenario`, from whose seed everything random is drawn.
    pub fn walk<'a>(&'a self, scenario: &Scenario) -> Walk<'a> {
        let begins = nanos(Duration::from_millis(scenario.begins.as_millis()));
        let frame = Frame { begins, every: nanos(scenario.every).max(1), seed: scenario.seed };
        let (way, least) = match self {
            Self::Drawn(parts) => (Way::Drawn(lanes(parts, frame)), 0.0),
            Self::File(Columns { series, gaps, .. }) => {
                let least = if matches!(scenario.play, Play::Load(_)) { 0.0 } else { f64::MIN };
                (Way::File(FileWalk::new(series, *gaps, frame.every)), least)
            }
        };
        Walk { way, at: 0, ends: nanos(scenario.lasts), last: Given::Nothing, least }
    }
}

impl Iterator for Walk<'_> {
    type Item = (Duration, Option<f64>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.ends {
            let from = self.at;
            let (value, until) = match &mut self.way {
                Way::Drawn(lanes) => {
                    let (value, until) = together(lanes, from);
                    (Some(value), until)
                }
                Way::File(rows) => rows.piece(from),
            };
            // No piece is empty, or a walk would never end.
            self.at = until.max(from + 1);
            let value = value.map(|value| value.clamp(self.least, f64::MAX));
            if self.last != Given::Value(value) {
                self.last = Given::Value(value);
                return Some((Duration::from_nanos(from), value));
            }
        }
        None
    }
}

fn lanes(parts: &[Part], frame: Frame) -> Vec<Lane> {
    (0..).zip(parts).map(|(item, part)| Lane::new(part, item, frame)).collect()
}

/// What all parts come to at a moment, and until when.
fn together(lanes: &mut [Lane], at: u64) -> (f64, u64) {
    let mut sum = 0.0;
    let mut until = NEVER;
    for lane in lanes {
        let piece = lane.piece(at);
        sum = if lane.multiplies() { sum * piece.value } else { sum + piece.value };
        until = until.min(piece.until);
    }
    // Infinities of both signs; nobody wrote such amounts in earnest.
    (if f64::is_nan(sum) { 0.0 } else { sum }, until)
}

/// The end of the piece of a continuous part that `at` is in.
fn cell_ends(at: u64, every: u64) -> u64 {
    (at / every + 1).saturating_mul(every)
}

fn middle(from: u64, until: u64) -> u64 {
    from + (until - from) / 2
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(NEVER)
}

#[cfg(test)]
mod tests;
