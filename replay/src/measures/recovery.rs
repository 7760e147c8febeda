//! Spans in which too few replicas served, and how long it took to get over them.

use autoscaler::Timestamp;
use serde::{Deserialize, Serialize};

use super::Sketch;
use crate::simulation::{Latency, Segment};

/// Episodes. One begins when fewer replicas serve than are needed. It ends when enough do, and what has piled up meanwhile is
/// worked off: no more requests are there than at its beginning, or than the replicas work on at the same time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// How many; one that the end of the run cut short is among them.
    pub episodes: u64,
    /// Median of how long they lasted, in seconds; off by 1 % at most. `None` where there was none.
    pub median: Option<f64>,
    /// The longest, in seconds.
    pub longest: Option<f64>,
    /// `∫ (requests that wait or are worked on) dt` over all of them, in request-seconds.
    pub backlog: f64,
}

/// Finds episodes.
#[derive(Clone, Debug)]
pub(super) struct Episodes {
    /// Requests that a replica works on at the same time, where that is known.
    at_once: Option<u32>,
    now: Option<Episode>,
    over: u64,
    lengths: Sketch,
    longest: f64,
    backlog: f64,
}

#[derive(Clone, Copy, Debug)]
struct Episode {
    began: Timestamp,
    seen: Timestamp,
    /// Requests at its beginning.
    queue: f64,
}

impl Episodes {
    pub(super) fn new(at_once: Option<u32>) -> Self {
        Self { at_once, now: None, over: 0, lengths: Sketch::default(), longest: 0.0, backlog: 0.0 }
    }

    pub(super) fn add(&mut self, segment: &Segment) {
        let short = segment.ready < segment.needed;
        if let Some(episode) =
            self.now.take_if(|episode| !short && self.at_once.is_none_or(|at_once| episode.over(segment, at_once)))
        {
            self.close(episode);
        }
        if short && self.now.is_none() {
            self.now = Some(Episode { began: segment.from, seen: segment.from, queue: segment.queue_from });
        }
        if let Some(episode) = &mut self.now {
            episode.seen = segment.to;
            self.backlog += segment.in_flight * segment.to.since(segment.from).as_secs_f64();
        }
    }

    pub(super) fn recovery(&self) -> Recovery {
        let mut ended = self.clone();
        if let Some(episode) = ended.now.take() {
            ended.close(episode);
        }
        Recovery {
            episodes: ended.over,
            median: ended.lengths.quantile(0.5),
            longest: (ended.over > 0).then_some(ended.longest),
            backlog: ended.backlog,
        }
    }

    fn close(&mut self, episode: Episode) {
        let seconds = episode.seen.since(episode.began).as_secs_f64();
        self.over += 1;
        self.longest = self.longest.max(seconds);
        self.lengths.add(&Latency { shift: seconds, tail: 0.0, scale: 0.0 }, 1.0);
    }
}

impl Episode {
    /// Whether what has piled up is worked off when this segment begins, in which enough replicas serve.
    fn over(&self, segment: &Segment, at_once: u32) -> bool {
        segment.queue_from <= self.queue.max(f64::from(segment.ready) * f64::from(at_once))
    }
}
