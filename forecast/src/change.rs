//! Change points: when what was before says nothing any more.
//!
//! The means of whole blocks (128 steps, or the shortest season that is longer) are held against those before. Eight in a row that
//! are all further from the median than six times its usual distance (the median of distances, times 1.48) and than a quarter
//! of it, on the same side, are a change: what was before the first of them is forgotten. A weekend or a night whose season is
//! not known yet is shorter than that.

use serde::{Deserialize, Serialize};

use crate::{
    Season,
    median::{median, spread},
    member::whole,
};

/// Steps of a block at least.
const SHORTEST: i64 = 128;
/// Blocks before, at least and at most.
const BEFORE: (usize, usize) = (4, 16);
/// Blocks in a row that are a change.
const LASTING: usize = 8;
/// Usual distances.
const FAR: f64 = 6.0;
/// And of the median itself.
const FAR_SHARE: f64 = 0.25;

/// Looks for changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Changes {
    length: i64,
    /// The first step of the block that is not full.
    begun: Option<i64>,
    sum: f64,
    count: u32,
    /// The means of full blocks, oldest first.
    means: Vec<f64>,
    /// The first step and the mean of each of the newest blocks, as long as all of them are far off on one side.
    suspects: Vec<(i64, f64)>,
}

impl Changes {
    /// Takes in a step, with the seasons that there are, the shortest first. The step since which it is otherwise, where that was just found.
    pub(crate) fn add(&mut self, step: i64, value: f64, seasons: &[Season]) -> Option<i64> {
        let mut lengths = seasons.iter().map(|season| whole(season.steps));
        let length = lengths.find(|length| *length >= SHORTEST).unwrap_or(SHORTEST);
        if length != self.length {
            *self = Self { length, ..Self::default() };
        }
        let begun = *self.begun.get_or_insert(step);
        self.sum += value;
        self.count += 1;
        if step - begun + 1 < length {
            return None;
        }
        let mean = self.sum / f64::from(self.count);
        (self.begun, self.sum, self.count) = (None, 0.0, 0);
        self.judge(begun, mean)
    }

    fn judge(&mut self, begun: i64, mean: f64) -> Option<i64> {
        let side = self.far(mean);
        if side.is_none() || self.suspects.iter().any(|(_, other)| self.far(*other) != side) {
            // What was suspected was none: it counts as any other.
            self.means.extend(self.suspects.drain(..).map(|(_, mean)| mean));
        }
        match side {
            None => self.means.push(mean),
            Some(_) => self.suspects.push((begun, mean)),
        }
        let surplus = self.means.len().saturating_sub(BEFORE.1);
        self.means.drain(..surplus);
        if self.suspects.len() < LASTING {
            return None;
        }
        let since = self.suspects.first().map(|(begun, _)| *begun);
        self.means = self.suspects.drain(..).map(|(_, mean)| mean).collect();
        since
    }

    /// On which side a mean is far from those before; `None` where it is not.
    fn far(&self, mean: f64) -> Option<bool> {
        if self.means.len() < BEFORE.0 {
            return None;
        }
        let middle = median(self.means.iter().copied());
        let usual = 1.48 * spread(self.means.iter().copied());
        let off = (mean - middle).abs();
        (off > FAR * usual && off > FAR_SHARE * middle.abs()).then_some(mean > middle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_stays_is_a_change_and_a_spike_is_none() {
        let level = |step: i64, shift: &dyn Fn(i64) -> f64| {
            let wave = (f64::from(i32::try_from(step % 100).expect("small")) / 100.0 * std::f64::consts::TAU).sin();
            100.0 + 20.0 * wave + shift(step)
        };
        for (name, shift, found) in [
            ("nothing happens", (|_| 0.0) as fn(i64) -> f64, None),
            ("from then on it is twice as much", |step| if step >= 1280 { 100.0 } else { 0.0 }, Some(1280)),
            ("for seven blocks it is", |step| if (1280..2176).contains(&step) { 100.0 } else { 0.0 }, None),
            ("it grows slowly", |step| f64::from(i32::try_from(step).expect("small")) / 100.0, None),
        ] {
            let mut changes = Changes::default();
            let seen = (0..3000).find_map(|step| changes.add(step, level(step, &shift), &[]));
            assert_eq!(seen, found, "{name}");
        }
    }
}
