//! One replica with its line.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use super::Moment;

/// A request that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queued {
    /// When it came.
    pub(super) came: f64,
    /// Seconds of work that it is.
    pub(super) work: f64,
}

/// One replica. All that are worked on at the same time go on equally fast, so that one clock, which runs slower the more
/// there are, says when each is done.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    /// From then on it serves.
    pub(super) from: f64,
    /// Those that wait in its own line.
    pub(super) queue: VecDeque<Queued>,
    /// Those that are worked on: when they are done by the replica's own clock, and when they came.
    working: BinaryHeap<Reverse<(Moment, Moment)>>,
    at_once: usize,
    unhindered: f64,
    /// The replica's own clock, and the other one.
    own: f64,
    now: f64,
}

impl Replica {
    pub(super) fn new(from: f64, at_once: u32, unhindered: f64) -> Self {
        let at_once = at_once as usize;
        Self { from, queue: VecDeque::new(), working: BinaryHeap::new(), at_once, unhindered, own: 0.0, now: 0.0 }
    }

    /// Waiting and worked on.
    pub(super) fn in_system(&self) -> usize {
        self.queue.len() + self.working.len()
    }

    /// Whether it can begin another one.
    pub(super) fn is_free(&self, now: f64) -> bool {
        self.from <= now && self.working.len() < self.at_once
    }

    /// How fast its clock runs.
    fn speed(&self) -> f64 {
        (self.unhindered / self.working.len().max(1) as f64).min(1.0)
    }

    /// When the first of those that it works on is done.
    pub(super) fn next_done(&self) -> f64 {
        let Some(Reverse((Moment(done), _))) = self.working.peek() else { return f64::INFINITY };
        self.now + (done - self.own).max(0.0) / self.speed()
    }

    pub(super) fn move_to(&mut self, to: f64) {
        self.own += (to - self.now) * self.speed();
        self.now = to;
    }

    pub(super) fn work_on(&mut self, queued: Queued) {
        self.working.push(Reverse((Moment(self.own + queued.work), Moment(queued.came))));
    }

    /// Begins with those in its own line.
    pub(super) fn take_own(&mut self) {
        while self.is_free(self.now)
            && let Some(queued) = self.queue.pop_front()
        {
            self.work_on(queued);
        }
    }

    /// Is done with the first one; gives when that came.
    pub(super) fn finish(&mut self) -> Option<f64> {
        self.working.pop().map(|Reverse((_, Moment(came)))| came)
    }

    /// Those that came before `since` and still wait go; gives how many.
    pub(super) fn give_up(&mut self, since: f64) -> usize {
        give_up(&mut self.queue, since)
    }
}

/// Those that came before `since` go; gives how many.
pub(super) fn give_up(queue: &mut VecDeque<Queued>, since: f64) -> usize {
    let before = queue.len();
    while queue.front().is_some_and(|queued| queued.came < since) {
        queue.pop_front();
    }
    before - queue.len()
}
