//! The dynamic program.

use std::collections::VecDeque;

use super::{Pace, Prices};
use crate::{scaler::Bounds, simulation::DemandStep};

/// What changes a plan may make.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rules {
    /// More replicas.
    pub(super) up: Pace,
    /// Fewer replicas.
    pub(super) down: Pace,
}

/// A span in which all is the same; times in milliseconds since the beginning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) from: u64,
    to: u64,
    needed: u32,
    /// Whether replicas may be added, and removed, at its beginning.
    may_add: bool,
    may_remove: bool,
    /// No more than this are to be there after an addition, no fewer than that after a removal.
    most_after: u32,
    least_after: u32,
}

/// Which plan is sought.
#[derive(Clone, Debug, Default)]
pub(super) struct Problem {
    pub(super) steps: Vec<Step>,
    /// Replicas that serve at first.
    start: u32,
    /// States are the counts from `lowest` on, so many.
    lowest: u32,
    states: usize,
    /// The fewest that there may be once replicas can have been added.
    least: u32,
    most: u32,
    /// Milliseconds.
    start_takes: u64,
    stop_takes: u64,
    ends: u64,
    idle_per_missing: f64,
    rules: Rules,
}

/// Costs of all states, in replica-milliseconds.
type Row = Vec<f64>;

impl Problem {
    pub(super) fn new(demand: &[DemandStep], start: u32, bounds: Bounds, prices: Prices, rules: Rules) -> Self {
        let begins = demand.first().map(|step| step.from.as_millis()).unwrap_or_default();
        let ends = demand.last().map(|step| step.to.as_millis()).unwrap_or_default() - begins;
        let start_takes = millis(prices.start);
        let needed = demand.iter().map(|step| step.needed).max().unwrap_or_default();
        // Nobody who is cheapest has more than are needed at the most, but for those that there are at first.
        let highest = needed.clamp(bounds.min, bounds.max).max(start);
        let lowest = bounds.min.min(start);
        let highest = highest.min(lowest.saturating_add(u32::from(u16::MAX)));
        let mut problem = Self {
            steps: Vec::new(),
            start,
            lowest,
            states: (highest - lowest) as usize + 1,
            least: bounds.min,
            most: bounds.max,
            start_takes,
            stop_takes: millis(prices.stop),
            ends,
            idle_per_missing: prices.idle_per_missing,
            rules,
        };
        problem.cut(demand, begins);
        problem.stabilize();
        problem
    }

    /// The least cost in replica-milliseconds, and how many replicas serve in each step.
    pub(super) fn solve(&self) -> (f64, Vec<u32>) {
        let block = (self.steps.len() as f64).sqrt().ceil().max(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the root of a length")]
        let block = block as usize;
        let mut row: Row = vec![f64::INFINITY; self.states];
        row[(self.start - self.lowest) as usize] = 0.0;
        let mut scratch = Scratch::default();
        let mut kept: Vec<Row> = Vec::new();
        for (place, step) in self.steps.iter().enumerate() {
            if place % block == 0 {
                kept.push(row.clone());
            }
            self.pass(&mut row, step, &mut scratch);
        }
        let (mut state, cost) =
            row.iter().copied().enumerate().min_by(|left, right| left.1.total_cmp(&right.1)).unwrap_or_default();
        let mut path = vec![0; self.steps.len()];
        let mut before: Vec<Vec<u16>> = Vec::new();
        for (at, mut row) in kept.into_iter().enumerate().rev() {
            let first = at * block;
            let steps = &self.steps[first..self.steps.len().min(first + block)];
            before.resize(steps.len().max(before.len()), Vec::new());
            for (step, before) in steps.iter().zip(&mut before) {
                self.pass(&mut row, step, &mut scratch);
                before.clone_from(&scratch.before);
            }
            for place in (0..steps.len()).rev() {
                path[first + place] = self.lowest + u32::try_from(state).unwrap_or(u32::MAX);
                state = usize::from(before[place][state]);
            }
        }
        (cost, path)
    }

    /// Makes of the costs before a step those after it; where each came from is left in `scratch`.
    fn pass(&self, row: &mut Row, step: &Step, scratch: &mut Scratch) {
        scratch.best.clone_from(row);
        scratch.before.clear();
        scratch.before.extend((0..self.states).map(as_state));
        if step.may_remove {
            let price = self.stop_takes.min(self.ends - step.from) as f64;
            match self.rules.down.size {
                None => self.remove(row, price, step, scratch),
                Some(_) => self.remove_paced(row, price, step, scratch),
            }
        }
        if step.may_add {
            let price = self.start_takes as f64;
            match self.rules.up.size {
                None => self.add(row, price, step, scratch),
                Some(_) => self.add_paced(row, price, step, scratch),
            }
        }
        let length = (step.to - step.from) as f64;
        let least = if step.from >= self.start_takes { self.least } else { self.lowest };
        for (replicas, (cost, best)) in (self.lowest..).zip(row.iter_mut().zip(&scratch.best)) {
            let missing = f64::from(step.needed.saturating_sub(replicas));
            let allowed = replicas >= least && replicas <= self.most;
            let held = length * (f64::from(replicas) + self.idle_per_missing * missing);
            *cost = if allowed { best + held } else { f64::INFINITY };
        }
    }

    fn remove(&self, row: &Row, price: f64, step: &Step, scratch: &mut Scratch) {
        let (mut cost, mut from) = (f64::INFINITY, 0);
        for (state, &stays) in row.iter().enumerate().rev() {
            if self.count(state) >= step.least_after {
                scratch.offer(state, cost, from);
            }
            if stays <= cost {
                (cost, from) = (stays, state);
            }
            cost += price;
        }
    }

    fn add(&self, row: &Row, price: f64, step: &Step, scratch: &mut Scratch) {
        let (mut cost, mut from) = (f64::INFINITY, 0);
        for (state, &stays) in row.iter().enumerate() {
            if self.count(state) <= step.most_after {
                scratch.offer(state, cost, from);
            }
            if stays <= cost {
                (cost, from) = (stays, state);
            }
            cost += price;
        }
    }

    /// Removals of a limited size: states that reach far enough down are a window that only moves up, of which the queue
    /// keeps those that can still become the best.
    fn remove_paced(&self, row: &Row, price: f64, step: &Step, scratch: &mut Scratch) {
        let worth = |from: usize| row[from] + price * from as f64;
        let mut queue = std::mem::take(&mut scratch.queue);
        queue.clear();
        let mut next = 0;
        for state in 0..self.states {
            while next < self.states && self.rules.down.fewest_from(self.count(next)) <= self.count(state) {
                while queue.back().is_some_and(|&last| worth(last) >= worth(next)) {
                    queue.pop_back();
                }
                queue.push_back(next);
                next += 1;
            }
            while queue.front().is_some_and(|&first| first <= state) {
                queue.pop_front();
            }
            if let Some(&from) = queue.front().filter(|_| self.count(state) >= step.least_after) {
                scratch.offer(state, row[from] + price * (from - state) as f64, from);
            }
        }
        scratch.queue = queue;
    }

    /// As [`Self::remove_paced`], the other way.
    fn add_paced(&self, row: &Row, price: f64, step: &Step, scratch: &mut Scratch) {
        let worth = |from: usize| row[from] - price * from as f64;
        let mut queue = std::mem::take(&mut scratch.queue);
        queue.clear();
        for state in 0..self.states {
            while queue.front().is_some_and(|&first| self.rules.up.most_from(self.count(first)) < self.count(state)) {
                queue.pop_front();
            }
            if let Some(&from) = queue.front().filter(|_| self.count(state) <= step.most_after) {
                scratch.offer(state, row[from] + price * (state - from) as f64, from);
            }
            while queue.back().is_some_and(|&last| worth(last) >= worth(state)) {
                queue.pop_back();
            }
            queue.push_back(state);
        }
        scratch.queue = queue;
    }

    /// Steps of demand, cut where changes become possible.
    fn cut(&mut self, demand: &[DemandStep], begins: u64) {
        let (up, down) = (millis(self.rules.up.every), millis(self.rules.down.every));
        let on = |every: u64, at: u64| every == 0 || at.is_multiple_of(every);
        for step in demand {
            let (mut from, end) = (step.from.as_millis() - begins, step.to.as_millis() - begins);
            while from < end {
                let next = |every: u64| from.checked_div(every).map_or(u64::MAX, |passed| (passed + 1) * every);
                let ready = if from < self.start_takes { self.start_takes } else { u64::MAX };
                let to = end.min(ready).min(next(up)).min(next(down));
                self.steps.push(Step {
                    from,
                    to,
                    needed: step.needed,
                    may_add: from >= self.start_takes && on(up, from),
                    may_remove: on(down, from),
                    most_after: u32::MAX,
                    least_after: 0,
                });
                from = to;
            }
        }
    }

    /// Bounds on what changes lead to, from what was needed within the windows of stabilization.
    fn stabilize(&mut self) {
        let (up, down) = (millis(self.rules.up.stabilize), millis(self.rules.down.stabilize));
        let (mut fewest, mut most) = (VecDeque::new(), VecDeque::new());
        for place in 0..self.steps.len() {
            let Step { from, needed, .. } = self.steps[place];
            let older = |place: usize, window: u64| self.steps[place].to + window <= from;
            while fewest.back().is_some_and(|&last: &usize| self.steps[last].needed >= needed) {
                fewest.pop_back();
            }
            while most.back().is_some_and(|&last: &usize| self.steps[last].needed <= needed) {
                most.pop_back();
            }
            fewest.push_back(place);
            most.push_back(place);
            while fewest.front().is_some_and(|&first| older(first, up)) {
                fewest.pop_front();
            }
            while most.front().is_some_and(|&first| older(first, down)) {
                most.pop_front();
            }
            let needed_at = |queue: &VecDeque<usize>| queue.front().map(|&place| self.steps[place].needed);
            let (least_of, most_of) = (needed_at(&fewest), needed_at(&most));
            let step = &mut self.steps[place];
            if up > 0 {
                step.most_after = least_of.unwrap_or(u32::MAX).max(self.least);
            }
            if down > 0 {
                step.least_after = most_of.unwrap_or(0).min(self.most);
            }
        }
    }

    fn count(&self, state: usize) -> u32 {
        self.lowest + u32::from(as_state(state))
    }
}

/// What is needed while a step is passed, kept for the next.
#[derive(Debug, Default)]
struct Scratch {
    best: Row,
    before: Vec<u16>,
    queue: VecDeque<usize>,
}

impl Scratch {
    /// A way to get to this state. What is no cheaper is not taken, so that nothing changes without need.
    fn offer(&mut self, state: usize, cost: f64, from: usize) {
        if cost < self.best[state] {
            self.best[state] = cost;
            self.before[state] = as_state(from);
        }
    }
}

/// There are no more states than that.
fn as_state(state: usize) -> u16 {
    u16::try_from(state).unwrap_or(u16::MAX)
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
