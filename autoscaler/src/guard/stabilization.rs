//! Stabilization: go only as far as every recommendation of the last while agrees to (KEP-853).
//!
//! ```text
//! down to max(recommendations within down.stabilize)      up to min(recommendations within up.stabilize)
//! ```

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    evaluation::{Guard, GuardEffect},
    guard::{Circumstances, effect},
    policy::Direction,
    time::Timestamp,
};

/// Spells kept; beyond that the oldest two become one that covers both.
const MOST_SPELLS: usize = 512;

/// What was wanted when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History {
    spells: VecDeque<Spell>,
}

/// A time in which always the same was wanted, or something between two counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Spell {
    last: Timestamp,
    fewest: u32,
    most: u32,
}

impl History {
    /// Remembers what was wanted at `now`, and forgets what is older than `longest`.
    pub(crate) fn push(&mut self, wanted: u32, now: Timestamp, longest: Duration) {
        match self.spells.back_mut() {
            Some(newest) if newest.fewest == wanted && newest.most == wanted => newest.last = now,
            _ => self.spells.push_back(Spell { last: now, fewest: wanted, most: wanted }),
        }
        while self.spells.front().is_some_and(|oldest| now.since(oldest.last) > longest) {
            self.spells.pop_front();
        }
        if self.spells.len() > MOST_SPELLS
            && let (Some(first), Some(second)) = (self.spells.pop_front(), self.spells.front_mut())
        {
            second.fewest = second.fewest.min(first.fewest);
            second.most = second.most.max(first.most);
        }
    }

    /// Whether nothing is remembered.
    pub(crate) fn is_empty(&self) -> bool {
        self.spells.is_empty()
    }

    /// The spell within the last `window` that objects most to going `direction`, and what it wanted.
    fn strictest(&self, direction: Direction, window: Duration, now: Timestamp) -> Option<(u32, Timestamp)> {
        let recent = self.spells.iter().filter(|spell| now.since(spell.last) < window);
        match direction {
            Direction::Up => recent
                .map(|spell| (spell.fewest, spell.last))
                .min_by_key(|(wanted, last)| (*wanted, std::cmp::Reverse(*last))),
            Direction::Down => recent.map(|spell| (spell.most, spell.last)).max(),
        }
    }
}

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let direction = given.direction(wanted)?;
    let window = given.guards_of(direction).stabilize;
    let (strictest, last) = given.situation.memory.history.strictest(direction, window, given.now())?;
    let to = match direction {
        Direction::Up => wanted.min(strictest).max(given.current()),
        Direction::Down => wanted.max(strictest).min(given.current()),
    };
    effect(Guard::Stabilization(direction), wanted, to, Some(last.plus(window)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn down_follows_the_most_of_the_window_and_up_the_fewest() {
        let mut history = History::default();
        let window = Duration::from_mins(1);
        for (seconds, wanted) in [(0, 5), (10, 8), (20, 4), (30, 4)] {
            history.push(wanted, at(seconds), window);
        }
        assert_eq!(history.strictest(Direction::Down, window, at(40)), Some((8, at(10))));
        assert_eq!(history.strictest(Direction::Up, window, at(40)), Some((4, at(30))));
        assert_eq!(
            history.strictest(Direction::Down, window, at(70)),
            Some((4, at(30))),
            "the end of the window is out"
        );
    }

    #[test]
    fn it_stays_small_and_forgets_no_objection() {
        let mut history = History::default();
        let window = Duration::from_hours(1);
        history.push(9, at(0), window);
        for second in 1..3000 {
            history.push(u32::try_from(second % 2).unwrap_or(0) + 3, at(second), window);
        }
        assert!(history.spells.len() <= MOST_SPELLS);
        assert_eq!(history.strictest(Direction::Down, window, at(3000)).map(|(wanted, _)| wanted), Some(9));
    }
}
