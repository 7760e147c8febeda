//! What is told by the minute.

use std::{cmp::Ordering, time::Duration};

use autoscaler::Timestamp;

use super::Sketch;
use crate::simulation::Segment;

const MINUTE: Duration = Duration::from_mins(1);

/// Goes through a run minute by minute.
#[derive(Clone, Debug)]
pub(super) struct Minutes {
    /// The objective on the response time: the quantile, and seconds.
    below: Option<(f64, f64)>,
    sums: Sums,
    now: Option<Minute>,
    /// Supply and demand at the beginning of this minute.
    began: (u32, u32),
    /// Supply and demand at the end of what was seen.
    newest: (u32, u32),
}

/// What all minutes came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    /// Minutes, the last one even where it is not whole.
    pub(super) judged: u64,
    /// Those that were worse than the objective.
    pub(super) bad: u64,
    /// Seconds by which they were worse.
    pub(super) excess: f64,
    /// Whole minutes.
    pub(super) moves: u64,
    /// Those over which supply rose more than demand.
    pub(super) rose_more: u64,
    /// Those over which supply fell more than demand.
    pub(super) fell_more: u64,
}

/// The minute that is not over.
#[derive(Clone, Debug)]
struct Minute {
    ends: Timestamp,
    /// What has been seen of it ends here.
    seen: Timestamp,
    served: f64,
    lost: f64,
    slow: f64,
    latency: Sketch,
}

impl Minutes {
    pub(super) fn new(below: Option<(f64, f64)>) -> Self {
        Self { below, sums: Sums::default(), now: None, began: (0, 0), newest: (0, 0) }
    }

    pub(super) fn add(&mut self, segment: &Segment) {
        let whole = segment.to.since(segment.from).as_secs_f64();
        let levels = (segment.ready, segment.needed);
        let mut from = segment.from;
        while from < segment.to {
            if self.now.as_ref().is_some_and(|minute| minute.ends <= from) {
                self.close(levels);
            }
            let began = &mut self.began;
            let minute = self.now.get_or_insert_with(|| {
                *began = levels;
                Minute::from(from)
            });
            let to = minute.ends.min(segment.to);
            let share =
                if to == segment.to && from == segment.from { 1.0 } else { to.since(from).as_secs_f64() / whole };
            minute.seen = to;
            if self.below.is_some() {
                minute.take(segment, share);
            }
            from = to;
        }
        self.newest = levels;
    }

    /// What all minutes came to, if the run ended now.
    pub(super) fn sums(&self) -> Sums {
        let mut ended = self.clone();
        ended.close(self.newest);
        ended.sums
    }

    /// The minute is over; from its end on, supply and demand are `levels`.
    fn close(&mut self, levels: (u32, u32)) {
        let Some(minute) = self.now.take() else { return };
        self.sums.judged += 1;
        if let Some((quantile, below)) = self.below {
            let (bad, excess) = minute.judge(quantile, below);
            self.sums.bad += u64::from(bad);
            self.sums.excess += excess;
        }
        if minute.seen < minute.ends {
            return;
        }
        let (supply, demand) = (levels.0.cmp(&self.began.0), levels.1.cmp(&self.began.1));
        self.sums.moves += 1;
        match supply.cmp(&demand) {
            Ordering::Greater => self.sums.rose_more += 1,
            Ordering::Less => self.sums.fell_more += 1,
            Ordering::Equal => {}
        }
    }
}

impl Minute {
    fn from(from: Timestamp) -> Self {
        let latency = Sketch::default();
        Self { ends: from.plus(MINUTE), seen: from, served: 0.0, lost: 0.0, slow: 0.0, latency }
    }

    fn take(&mut self, segment: &Segment, share: f64) {
        self.served += segment.served * share;
        self.lost += segment.lost * share;
        self.slow += segment.slow * share;
        self.latency.add(&segment.latency, segment.served * share);
    }

    /// Whether the quantile was above the objective, and by how many seconds that of those served was.
    fn judge(&self, quantile: f64, below: f64) -> (bool, f64) {
        let ended = self.served + self.lost;
        // What rounding makes of a share that is just allowed is allowed.
        let bad = self.slow + self.lost > (1.0 - quantile) * ended * (1.0 + 1e-9);
        if self.slow <= (1.0 - quantile) * self.served {
            return (bad, 0.0);
        }
        let excess = self.latency.quantile(quantile).map_or(0.0, |seconds| (seconds - below).max(0.0));
        (bad, excess)
    }
}
