//! What was measured, at falling resolution.
//!
//! ```text
//! tier 0   the newest 1536 steps, one by one
//! tier 1   768 means of   4 steps
//! tier 2   768 means of  16 steps
//! tier 3   768 means of  64 steps        at one minute a step that reaches back 34 days
//! ```
//!
//! Values are kept as `bf16` (two bytes, within 0.4 %): what the newest was is kept exactly. A step without a value is a
//! gap, and stays one.

use half::bf16;
use serde::{Deserialize, Serialize};

use crate::packed::{self, Sound};

/// Steps per value of each tier, and values that it keeps.
const TIERS: [(i64, i64); 4] = [(1, 1536), (4, 768), (16, 768), (64, 768)];

/// A step without a value: no demand is below 0.
const GAP: bf16 = bf16::NEG_ONE;

/// Means per step, by the number of the step: that of the epoch is 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    tiers: Vec<Tier>,
    /// The number of the newest step.
    newest: Option<i64>,
    /// The newest value that is no gap.
    last: f64,
    /// The most there ever was.
    most: f64,
    /// Steps with a value.
    measured: u64,
    /// What is before this step does not count any more.
    since: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tier {
    /// The value of block `b` is at `b` modulo the length; below 0: a gap.
    #[serde(with = "packed::halves")]
    values: Vec<bf16>,
    /// So many at most.
    length: i64,
    /// The first block that was written.
    first: Option<i64>,
    newest: i64,
    sum: f64,
    count: u32,
}

impl Default for History {
    fn default() -> Self {
        let tier = |(_, length)| Tier { values: Vec::new(), length, first: None, newest: 0, sum: 0.0, count: 0 };
        Self { tiers: TIERS.map(tier).to_vec(), newest: None, last: 0.0, most: 0.0, measured: 0, since: i64::MIN }
    }
}

impl History {
    /// Steps that it reaches back at most.
    pub(crate) const REACH: u64 = 64 * 768;

    /// Adds the value of a step, which must be after the newest. Steps between are gaps.
    pub(crate) fn push(&mut self, step: i64, value: f64) {
        debug_assert!(self.newest.is_none_or(|newest| step > newest), "steps go on");
        self.newest = Some(step);
        self.last = value;
        self.most = self.most.max(value);
        self.measured += 1;
        for (tier, (width, _)) in self.tiers.iter_mut().zip(TIERS) {
            tier.push(step.div_euclid(width), value);
        }
    }

    /// The number of the newest step that has a value.
    pub fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// The newest value.
    pub fn last(&self) -> f64 {
        self.last
    }

    /// The most there ever was.
    pub fn most(&self) -> f64 {
        self.most
    }

    /// How many steps had a value.
    pub fn measured(&self) -> u64 {
        self.measured
    }

    /// The value at a step, as finely as it is kept; `None` in a gap, before the first and after the newest.
    pub fn at(&self, step: i64) -> Option<f64> {
        if step < self.since || self.newest.is_none_or(|newest| step > newest) {
            return None;
        }
        self.tiers.iter().zip(TIERS).find_map(|(tier, (width, _))| tier.at(step.div_euclid(width)))?
    }

    /// The mean over so many steps up to one, of those with a value.
    pub fn mean(&self, to: i64, steps: i64) -> Option<f64> {
        let values = (to - steps + 1..=to).filter_map(|step| self.at(step));
        let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        (count > 0.0).then(|| sum / count)
    }

    /// The first step that counts.
    pub(crate) fn begun(&self) -> Option<i64> {
        Some(self.tiers[0].first?.max(self.since))
    }

    /// The first step that is kept one by one.
    pub(crate) fn first_fine(&self) -> Option<i64> {
        let first = self.tiers[0].first?;
        Some(first.max(self.newest? - self.tiers[0].length + 1).max(self.since))
    }

    /// What is before a step does not count any more.
    pub(crate) fn forget_before(&mut self, step: i64) {
        self.since = self.since.max(step);
    }

    /// All that counts and is kept, oldest first, as finely as it is kept: first step, how many, the mean of these.
    pub(crate) fn segments(&self) -> Vec<(i64, i64, f64)> {
        let Some(newest) = self.newest else { return Vec::new() };
        let mut all = Vec::new();
        let mut upto = newest + 1;
        for (tier, (width, _)) in self.tiers.iter().zip(TIERS) {
            let mut block = (upto - 1).div_euclid(width);
            if (block + 1) * width > upto {
                block -= 1;
            }
            while let Some(value) = tier.at(block).filter(|_| block * width >= self.since) {
                if let Some(value) = value {
                    all.push((block * width, width, value));
                }
                upto = block * width;
                block -= 1;
            }
        }
        all.reverse();
        all
    }

    /// The newest values of a tier, oldest first, gaps filled by a straight line; with the steps per value. What does not count
    /// any more is among them: a season outlives a change of level.
    pub(crate) fn evenly(&self, tier: usize) -> (i64, Vec<f64>) {
        let (width, tier) = (TIERS[tier].0, &self.tiers[tier]);
        let Some(first) = tier.first else { return (width, Vec::new()) };
        let first = first.max(tier.newest - tier.length + 1);
        (width, filled((first..=tier.newest).map(|block| tier.at(block).flatten())))
    }

    /// How many tiers there are.
    pub(crate) fn tiers(&self) -> usize {
        self.tiers.len()
    }
}

impl Sound for History {
    const WANTED: &str = "a history with the tiers of this version";

    fn is_sound(&self) -> bool {
        let fits = |(tier, (_, length)): (&Tier, (i64, i64))| {
            let (kept, most) = (i64::try_from(tier.values.len()).unwrap_or(i64::MAX), length);
            tier.length == length && kept <= most && tier.first.is_none_or(|first| first <= tier.newest)
        };
        self.tiers.len() == TIERS.len()
            && self.tiers.iter().zip(TIERS).all(fits)
            && self.newest == self.tiers[0].first.map(|_| self.tiers[0].newest)
    }
}

impl Tier {
    fn push(&mut self, block: i64, value: f64) {
        let next = match self.first {
            None => {
                self.first = Some(block);
                block
            }
            Some(_) if block == self.newest => block,
            // What was left out is a gap; where that is longer than all that is kept, nothing older is needed.
            Some(_) => (self.newest + 1).max(block - self.length + 1),
        };
        if self.newest != block || self.count == 0 {
            (self.sum, self.count) = (0.0, 0);
        }
        for skipped in next..block {
            self.write(skipped, GAP);
        }
        self.newest = block;
        self.sum += value;
        self.count += 1;
        self.write(block, bf16::from_f64(self.sum / f64::from(self.count)));
    }

    #[expect(clippy::cast_possible_truncation, reason = "below the length of a tier")]
    fn write(&mut self, block: i64, value: bf16) {
        // It grows as it is filled: most services are young.
        let place = block.rem_euclid(self.length) as usize;
        if self.values.len() <= place {
            self.values.resize(place + 1, GAP);
        }
        self.values[place] = value;
    }

    /// `None`: not kept here; within: `None` for a gap.
    #[expect(clippy::option_option, reason = "the outer one is `not kept`, the inner one a gap")]
    #[expect(clippy::cast_possible_truncation, reason = "below the length of a tier")]
    fn at(&self, block: i64) -> Option<Option<f64>> {
        if block < self.first? || block > self.newest || block <= self.newest - self.length {
            return None;
        }
        let value = self.values.get(block.rem_euclid(self.length) as usize)?.to_f64();
        Some(Some(value).filter(|value| *value >= 0.0))
    }
}

/// Gaps become a straight line between their neighbours; at either end, the nearest value.
fn filled(values: impl Iterator<Item = Option<f64>>) -> Vec<f64> {
    let mut all: Vec<f64> = Vec::new();
    let mut missing = 0_u32;
    for value in values {
        let Some(value) = value else {
            missing += 1;
            continue;
        };
        let before = all.last().copied();
        for place in 1..=missing {
            let share = f64::from(place) / f64::from(missing + 1);
            all.push(before.map_or(value, |before| before + (value - before) * share));
        }
        missing = 0;
        all.push(value);
    }
    if let Some(last) = all.last().copied() {
        all.extend((0..missing).map(|_| last));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_less_of_what_is_older_and_knows_gaps() {
        let mut history = History::default();
        for step in 0..5000 {
            if !(100..103).contains(&step) && step != 4990 {
                history.push(step, f64::from(u32::try_from(step).expect("small")));
            }
        }
        for (name, step, value) in [
            ("the newest", 4999, Some(4999.0)),
            ("a gap", 4990, None),
            ("the oldest of the first tier", 4999 - 1535, Some(3464.0)),
            ("of the second, a mean of four", 4999 - 1536, Some(3461.5)),
            ("of the third, a mean of sixteen", 800, Some(807.5)),
            ("before the first", -1, None),
            ("after the newest", 5000, None),
        ] {
            let near = |kept: f64, given: f64| (kept - given).abs() <= given * 0.004;
            let kept = history.at(step);
            assert!(
                kept.is_some() == value.is_some() && kept.zip(value).is_none_or(|(a, b)| near(a, b)),
                "{name}: {kept:?}"
            );
        }
        let segments = history.segments();
        let steps: i64 = segments.iter().map(|(_, width, _)| width).sum();
        assert!((4990..=5000).contains(&steps), "{steps} are kept at all");
        assert!(segments.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0), "and none twice");
    }

    #[test]
    fn gaps_are_filled_by_a_line() {
        let values = [None, Some(1.0), None, None, Some(4.0), None];
        assert_eq!(filled(values.into_iter()), [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
    }
}
