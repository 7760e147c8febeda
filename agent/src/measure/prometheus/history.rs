//! Counters of one replica over the last seconds.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

/// Quantiles are taken over this much time. A service with two requests a second then has some thirty requests in it, which
/// is about what a p95 needs to mean anything; over one second it would be the slowest single request. Longer would
/// show a jam later than people feel it.
pub const WINDOW: Duration = Duration::from_secs(15);
/// A probe that selects more series than this of one replica is refused: its labels are missing or name too little.
const MAX_SERIES: usize = 10_000;

/// One counter as scraped.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counter {
    /// Its labels without `le`, as text: tells one from another.
    pub(super) labels: String,
    /// The upper bound, of a histogram's bucket.
    pub(super) le: Option<f64>,
    /// Its value.
    pub(super) value: f64,
}

/// The counters of one replica at each scrape of the last [`WINDOW`].
#[derive(Debug, Default)]
pub(super) struct History {
    /// Position of each counter in a snapshot, by labels and bits of the bound.
    positions: HashMap<(String, Option<u64>), usize>,
    counters: Vec<(String, Option<f64>)>,
    snapshots: VecDeque<(Duration, Vec<f64>)>,
}

/// How much one counter grew.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Increase<'a> {
    pub(super) labels: &'a str,
    pub(super) le: Option<f64>,
    pub(super) by: f64,
}

impl History {
    /// Adds a scrape at `at`, which never goes back. A counter that is lower than before means that the process started
    /// anew: then what was remembered is dropped, and this scrape is the first one.
    ///
    /// A counter that was not there at the scrape before has been zero there: a process tells a counter as soon as it
    /// counts. One that is no longer told keeps its value.
    pub(super) fn push(&mut self, at: Duration, scraped: Vec<Counter>) -> Result<(), String> {
        while self.snapshots.front().is_some_and(|(old, _)| at.saturating_sub(*old) > WINDOW) {
            self.snapshots.pop_front();
        }
        if self.snapshots.is_empty() {
            *self = Self::default();
        }
        let mut values = self.snapshots.back().map(|(_, values)| values.clone()).unwrap_or_default();
        let known = values.len();
        let mut reset = false;
        for counter in &scraped {
            let position = self.position(counter);
            if position >= MAX_SERIES {
                *self = Self::default();
                return Err(format!("more than {MAX_SERIES} series match: name labels in the policy"));
            }
            values.resize(self.counters.len(), 0.0);
            reset |= position < known && counter.value < values[position];
            values[position] = counter.value;
        }
        if reset {
            *self = Self::default();
            self.push(at, scraped)?;
            return Err("its counters went back: it started anew".to_owned());
        }
        self.snapshots.push_back((at, values));
        Ok(())
    }

    /// How much each counter grew since the scrape before, and in how much time. `None` after the first scrape.
    pub(super) fn since_last(&self) -> Option<(Vec<Increase<'_>>, Duration)> {
        let before = self.snapshots.len().checked_sub(2)?;
        self.since(before)
    }

    /// The same since the first scrape within [`WINDOW`].
    pub(super) fn since_first(&self) -> Option<(Vec<Increase<'_>>, Duration)> {
        (self.snapshots.len() >= 2).then(|| self.since(0))?
    }

    /// Whether no counter was ever seen.
    pub(super) fn is_empty(&self) -> bool {
        self.counters.is_empty()
    }

    fn since(&self, index: usize) -> Option<(Vec<Increase<'_>>, Duration)> {
        let (from, before) = self.snapshots.get(index)?;
        let (to, now) = self.snapshots.back()?;
        let value = |values: &[f64], position: usize| values.get(position).copied().unwrap_or(0.0);
        let increases = self.counters.iter().enumerate().map(|(position, (labels, le))| Increase {
            labels,
            le: *le,
            by: value(now, position) - value(before, position),
        });
        Some((increases.collect(), to.saturating_sub(*from)))
    }

    fn position(&mut self, counter: &Counter) -> usize {
        let key = (counter.labels.clone(), counter.le.map(f64::to_bits));
        *self.positions.entry(key).or_insert_with(|| {
            self.counters.push((counter.labels.clone(), counter.le));
            self.counters.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(labels: &str, value: f64) -> Counter {
        Counter { labels: labels.into(), le: None, value }
    }

    fn grown(history: &History) -> Option<(f64, u64)> {
        let (increases, elapsed) = history.since_last()?;
        Some((increases.iter().map(|increase| increase.by).sum(), elapsed.as_secs()))
    }

    /// What it shows, second, scrape, and expected growth with its seconds.
    type Step<'a> = (&'a str, u64, Vec<Counter>, Option<(f64, u64)>);

    #[test]
    fn a_story_of_counters() {
        let mut history = History::default();
        let story: [Step<'_>; 9] = [
            ("the first scrape has nothing before it", 0, vec![counter("a", 100.0)], None),
            ("an increase", 1, vec![counter("a", 103.0)], Some((3.0, 1))),
            ("a missed scrape makes the time longer", 3, vec![counter("a", 105.0)], Some((2.0, 2))),
            ("a new counter began at zero", 4, vec![counter("a", 105.0), counter("b", 7.0)], Some((7.0, 1))),
            ("one not told keeps its value", 5, vec![counter("a", 106.0)], Some((1.0, 1))),
            ("and comes back without a jump", 6, vec![counter("a", 106.0), counter("b", 8.0)], Some((1.0, 1))),
            ("going back is a new start", 7, vec![counter("a", 2.0), counter("b", 9.0)], None),
            ("which is the base of the next", 8, vec![counter("a", 4.0), counter("b", 9.0)], Some((2.0, 1))),
            ("a gap longer than the window starts anew", 24, vec![counter("a", 900.0)], None),
        ];
        for (name, at, scraped, expected) in story {
            let pushed = history.push(Duration::from_secs(at), scraped);
            assert_eq!(pushed.is_err(), name.starts_with("going back"), "{name}");
            assert_eq!(grown(&history), expected, "{name}");
        }
    }

    #[test]
    fn the_window_forgets_what_is_older() {
        let mut history = History::default();
        for second in 0..100_u32 {
            let scraped = vec![counter("a", f64::from(second))];
            history.push(Duration::from_secs(second.into()), scraped).expect("it only grows");
        }
        let (increases, elapsed) = history.since_first().expect("many scrapes");
        assert_eq!((increases[0].by, elapsed), (15.0, WINDOW));
        assert_eq!(history.snapshots.len(), 16);
    }

    #[test]
    fn too_many_series_are_refused() {
        let mut history = History::default();
        let scraped = (0..=MAX_SERIES).map(|number| counter(&number.to_string(), 1.0)).collect();
        assert!(history.push(Duration::ZERO, scraped).is_err());
        assert_eq!(history.counters.len(), 0);
    }
}
