//! Every request by itself: a simulation of single requests, seeded, to check the fluid one and its formulas against.
//!
//! Nothing here knows a formula of queueing theory. Requests come at random, find a replica as the balance says, wait in
//! line, and are worked on; those that are worked on at the same time by one replica share what it can do. It takes a
//! microsecond or so per request, where the fluid takes as long per second: it checks, and does not judge policies.

mod draws;
mod replica;
#[cfg(test)]
mod tests;

use std::{cmp::Reverse, collections::BinaryHeap};

use rand_chacha::ChaCha8Rng;

use self::{
    draws::{Service, exponential, one_of},
    replica::{Queued, Replica},
};
use crate::{
    chance::{self, Purpose},
    scenario::Balance,
};

/// What is simulated. Times are in seconds since the beginning.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// What everything random comes from.
    pub seed: u64,
    /// Who asks.
    pub crowd: Crowd,
    /// From when on each replica serves; it does so until the end.
    pub replicas: Vec<f64>,
    /// Seconds that a request takes on a replica of its own.
    pub takes: f64,
    /// Squared coefficient of variation of that.
    pub spread: f64,
    /// Requests that a replica works on at the same time.
    pub at_once: u32,
    /// So many of them as if each were alone; more share what these would get. At most `at_once`.
    pub unhindered: f64,
    /// How requests find their replica.
    pub balance: Balance,
    /// So many wait at each replica, or, in a central queue, in all; absent: as many as come.
    pub most: Option<u32>,
    /// Who has waited so long gives up; absent: nobody does.
    pub patience: Option<f64>,
    /// Until when it goes on.
    pub lasts: f64,
    /// From when on requests are counted, so that the beginning, when all is empty, does not blur a steady state.
    pub counted_from: f64,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Crowd {
    /// Requests come at random, so many per second from each moment on.
    Open(Vec<(f64, f64)>),
    /// So many users, each of whom asks again an exponential time of this mean after each answer.
    Closed {
        /// How many.
        users: u32,
        /// Mean seconds.
        think: f64,
    },
}

/// What came of it, of the requests that came after `counted_from`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// Requests that came.
    pub offered: u64,
    /// Those that were answered.
    pub served: u64,
    /// Those that found no room or gave up.
    pub lost: u64,
    /// Those that still wait or are worked on.
    pub left: u64,
    /// Seconds that each of those answered took, ascending.
    pub took: Vec<f64>,
    /// The integral of the number in the system over the time that is counted.
    pub area: f64,
    /// How many were in the system at each second.
    pub in_system: Vec<f64>,
}

impl Counted {
    /// Mean response time.
    pub fn mean(&self) -> f64 {
        self.took.iter().sum::<f64>() / (self.took.len().max(1)) as f64
    }

    /// The time that such a share stays below.
    pub fn quantile(&self, quantile: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
        let place = (self.took.len() as f64 * quantile) as usize;
        self.took.get(place.min(self.took.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// Simulates it. The same setup gives the same, to the last bit.
pub fn simulate(setup: &Setup) -> Counted {
    let mut hall = Hall::new(setup);
    hall.run();
    hall.counted.took.sort_by(f64::total_cmp);
    hall.counted
}

/// The whole of it at one moment.
struct Hall<'a> {
    setup: &'a Setup,
    numbers: ChaCha8Rng,
    service: Service,
    now: f64,
    replicas: Vec<Replica>,
    /// Of a central queue.
    queue: std::collections::VecDeque<Queued>,
    /// In turn: who is next.
    next: usize,
    /// When the next request comes, of an open crowd.
    arrival: f64,
    /// When each thinking user asks again.
    thinking: BinaryHeap<Reverse<Moment>>,
    counted: Counted,
}

/// A moment that can be ordered.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Moment(f64);

impl Eq for Moment {}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> Hall<'a> {
    fn new(setup: &'a Setup) -> Self {
        let mut numbers = chance::stream(setup.seed, Purpose::Requests);
        let mut thinking = BinaryHeap::new();
        if let Crowd::Closed { users, think } = setup.crowd {
            thinking.extend((0..users).map(|_| Reverse(Moment(exponential(&mut numbers, think)))));
        }
        let mut hall = Self {
            setup,
            numbers,
            service: Service::new(setup.takes, setup.spread),
            now: 0.0,
            replicas: setup.replicas.iter().map(|from| Replica::new(*from, setup.at_once, setup.unhindered)).collect(),
            queue: std::collections::VecDeque::new(),
            next: 0,
            arrival: f64::INFINITY,
            thinking,
            counted: Counted::default(),
        };
        hall.arrival = hall.arrives_after(0.0);
        hall
    }

    fn run(&mut self) {
        loop {
            let arrival = self.thinking.peek().map_or(self.arrival, |Reverse(Moment(at))| self.arrival.min(*at));
            let (place, done) = self.first_done();
            let opens = self.replicas.iter().map(|replica| replica.from).filter(|from| *from > self.now);
            let opens = opens.fold(f64::INFINITY, f64::min);
            let to = arrival.min(done).min(opens);
            if to > self.setup.lasts {
                self.move_to(self.setup.lasts);
                break;
            }
            self.move_to(to);
            if done <= to {
                self.finish(place);
            } else if arrival <= to {
                self.arrive();
            } else if self.setup.balance == Balance::Central {
                for place in 0..self.replicas.len() {
                    self.take(place);
                }
            }
        }
        self.counted.left =
            self.replicas.iter().map(Replica::in_system).sum::<usize>() as u64 + self.queue.len() as u64;
    }

    fn first_done(&self) -> (usize, f64) {
        let done = self.replicas.iter().enumerate().map(|(place, replica)| (place, replica.next_done()));
        done.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, f64::INFINITY))
    }

    /// Lets time pass. Who has waited too long has left when that was over.
    fn move_to(&mut self, to: f64) {
        let mut in_system = self.queue.len();
        for replica in &mut self.replicas {
            replica.move_to(to);
            in_system += replica.in_system();
        }
        self.counted.area += in_system as f64 * (to - self.now.max(self.setup.counted_from)).max(0.0);
        while (self.counted.in_system.len() as f64) <= to {
            self.counted.in_system.push(in_system as f64);
        }
        self.now = to;
        let Some(patience) = self.setup.patience else { return };
        let since = to - patience;
        let mut gave_up = replica::give_up(&mut self.queue, since);
        for replica in &mut self.replicas {
            gave_up += replica.give_up(since);
        }
        for _ in 0..gave_up {
            self.lose();
        }
    }

    /// When the next one of an open crowd comes: at random, with the rate of the moment.
    fn arrives_after(&mut self, mut at: f64) -> f64 {
        let Crowd::Open(rates) = &self.setup.crowd else { return f64::INFINITY };
        for (place, (from, rate)) in rates.iter().enumerate() {
            let until = rates.get(place + 1).map_or(f64::INFINITY, |(until, _)| *until);
            if at >= until || *rate <= 0.0 {
                continue;
            }
            let comes = at.max(*from) + exponential(&mut self.numbers, 1.0 / rate);
            if comes < until {
                return comes;
            }
            at = until;
        }
        f64::INFINITY
    }

    fn arrive(&mut self) {
        if self.arrival <= self.now {
            self.arrival = self.arrives_after(self.now);
        } else {
            self.thinking.pop();
        }
        self.counted.offered += u64::from(self.now >= self.setup.counted_from);
        let queued = Queued { came: self.now, work: self.service.draw(&mut self.numbers) };
        if self.setup.balance == Balance::Central {
            self.queue.push_back(queued);
            self.take_by_any();
            if self.setup.most.is_some_and(|most| self.queue.len() > most as usize) {
                self.queue.pop_back();
                self.lose();
            }
            return;
        }
        let Some(place) = self.choose() else { return self.lose() };
        let replica = &mut self.replicas[place];
        replica.queue.push_back(queued);
        replica.take_own();
        if self.setup.most.is_some_and(|most| replica.queue.len() > most as usize) {
            replica.queue.pop_back();
            self.lose();
        }
    }

    /// Which replica a request goes to.
    fn choose(&mut self) -> Option<usize> {
        let open: Vec<usize> =
            (0..self.replicas.len()).filter(|place| self.replicas[*place].from <= self.now).collect();
        if open.is_empty() {
            return None;
        }
        let fewest = |place: &usize| self.replicas[*place].in_system();
        match self.setup.balance {
            Balance::RoundRobin => {
                self.next += 1;
                Some(open[self.next % open.len()])
            }
            Balance::Random => Some(open[one_of(&mut self.numbers, open.len())]),
            Balance::TwoChoices => {
                let first = one_of(&mut self.numbers, open.len());
                let mut second = one_of(&mut self.numbers, open.len().max(2) - 1);
                second += usize::from(second >= first);
                [open[first], open[second.min(open.len() - 1)]].into_iter().min_by_key(fewest)
            }
            Balance::LeastConnections | Balance::Central => {
                let least = open.iter().map(fewest).min()?;
                let equal: Vec<usize> = open.iter().copied().filter(|place| fewest(place) == least).collect();
                Some(equal[one_of(&mut self.numbers, equal.len())])
            }
        }
    }

    fn take_by_any(&mut self) {
        let free = (0..self.replicas.len()).filter(|place| self.replicas[*place].is_free(self.now));
        if let Some(place) = free.min_by_key(|place| self.replicas[*place].in_system()) {
            self.take(place);
        }
    }

    /// A replica takes from the central queue.
    fn take(&mut self, place: usize) {
        while self.replicas[place].is_free(self.now)
            && let Some(queued) = self.queue.pop_front()
        {
            self.replicas[place].work_on(queued);
        }
    }

    fn finish(&mut self, place: usize) {
        let Some(came) = self.replicas[place].finish() else { return };
        if self.setup.balance == Balance::Central {
            self.take(place);
        } else {
            self.replicas[place].take_own();
        }
        if came >= self.setup.counted_from {
            self.counted.served += 1;
            self.counted.took.push(self.now - came);
        }
        self.think();
    }

    fn lose(&mut self) {
        self.counted.lost += u64::from(self.now >= self.setup.counted_from);
        self.think();
    }

    fn think(&mut self) {
        if let Crowd::Closed { think, .. } = self.setup.crowd {
            let again = self.now + exponential(&mut self.numbers, think);
            self.thinking.push(Reverse(Moment(again)));
        }
    }
}
