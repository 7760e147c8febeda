//! Starting, stopping, losing replicas: what an agent does to come to a target, and what happens to them by themselves.

use std::time::Duration;

use autoscaler::Timestamp;
use rand_chacha::rand_core::Rng;

use super::replicas::{Replica, Stage, id};
use crate::{
    chance::{self, Purpose},
    scenario::{ServiceModel, Spans},
};

/// For how long the replicas of the beginning have served: longer than anything looks back.
const LONG: Duration = Duration::from_hours(24);
/// An agent waits so long after a first failed start, and twice as long after the next.
const BACKOFF: Duration = Duration::from_secs(1);
/// So many failures in a row are reported.
const ATTEMPTS: u32 = 3;
/// It waits so long after each failure from then on.
const PAUSE: Duration = Duration::from_secs(4);

/// All replicas of the service, by number.
#[derive(Clone, Debug)]
pub(crate) struct Fleet {
    pub(crate) replicas: Vec<Replica>,
    seed: u64,
    /// Starts so far.
    starts: u64,
    /// Replicas made so far.
    made: u64,
    /// Failed starts in a row, and when the last was found out.
    failures: u32,
    failed: Timestamp,
    /// When something next happens to a replica by itself.
    next: Option<Timestamp>,
    pub(crate) ready: u32,
    pub(crate) starting: u32,
    pub(crate) stopping: u32,
    /// Of those that start, so many boot.
    pub(crate) booting: u32,
    /// Something that is listed has changed.
    pub(crate) changed: bool,
    /// What was on replicas that ended before it was finished.
    pub(crate) dropped: f64,
}

/// Something that came of a start.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum News {
    /// A replica serves.
    Serves,
    /// One was given up, and it is tried again then; `told`: often enough to be reported.
    Failed { name: u32, retry: Timestamp, told: bool },
}

impl Fleet {
    /// So many that have served for long.
    pub(crate) fn new(seed: u64, replicas: u32, now: Timestamp) -> Self {
        let mut fleet = Self {
            replicas: Vec::new(),
            seed,
            starts: 0,
            made: 0,
            failures: 0,
            failed: Timestamp::default(),
            next: None,
            ready: 0,
            starting: 0,
            stopping: 0,
            booting: 0,
            changed: true,
            dropped: 0.0,
        };
        let since = now.minus(LONG);
        for number in 1..=replicas {
            let id = fleet.new_id();
            let stage = Stage::Ready { since };
            fleet.replicas.push(Replica {
                id,
                number,
                version: 0,
                started: since,
                booted: since,
                seen: now,
                restarts: 0,
                stage,
                mark: 0.0,
                sampled: now,
            });
        }
        fleet.count();
        fleet
    }

    fn new_id(&mut self) -> autoscaler::event::ReplicaId {
        self.made += 1;
        id(self.made - 1)
    }

    /// When something next happens by itself, or an agent that waits tries again.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.next
    }

    /// Those that are listed as being there.
    pub(crate) fn present(&self) -> u32 {
        self.ready + self.starting
    }

    /// Counts anew after a change.
    pub(crate) fn count(&mut self) {
        (self.ready, self.starting, self.stopping, self.booting) = (0, 0, 0, 0);
        self.next = None;
        for replica in &self.replicas {
            self.booting += u32::from(replica.boots());
            match replica.stage {
                Stage::Ready { .. } => self.ready += 1,
                Stage::Starting { .. } | Stage::Failing { .. } => self.starting += 1,
                Stage::Stopping { .. } => self.stopping += 1,
                Stage::Down => {}
            }
            self.next = [self.next, replica.next()].into_iter().flatten().min();
        }
        self.changed = true;
    }

    /// How a start goes that begins now. `again`: of a replica that there was, whose image is there.
    fn begin(
        &mut self,
        model: &ServiceModel,
        now: Timestamp,
        again: bool,
        broken: bool,
    ) -> (Timestamp, Timestamp, Stage) {
        let mut numbers = chance::stream(self.seed, Purpose::Start { ordinal: self.starts });
        self.starts += 1;
        let start = &model.start;
        let [image, boot, ready] =
            [&start.image, &start.boot, &start.ready].map(|spans| pick(spans, numbers.next_u64()));
        let fails = unit(numbers.next_u64()) < start.fails;
        let image = if again { Duration::ZERO } else { image };
        let started = now.plus(image);
        let booted = started.plus(boot);
        let stage = if fails || broken {
            Stage::Failing { until: now.plus(start.gives_up.max(Duration::from_millis(1))) }
        } else {
            Stage::Starting { ready: booted.plus(ready) }
        };
        (started, booted, stage)
    }

    /// Makes one more.
    pub(crate) fn create(&mut self, model: &ServiceModel, version: u32, now: Timestamp, broken: bool) {
        let number = self.replicas.iter().map(|replica| replica.number).max().unwrap_or_default() + 1;
        self.create_as(number, model, version, now, broken);
    }

    /// Makes one with a number.
    pub(crate) fn create_as(&mut self, number: u32, model: &ServiceModel, version: u32, now: Timestamp, broken: bool) {
        let id = self.new_id();
        let (started, booted, stage) = self.begin(model, now, false, broken);
        self.replicas.push(Replica {
            id,
            number,
            version,
            started,
            booted,
            seen: now,
            restarts: 0,
            stage,
            mark: 0.0,
            sampled: now,
        });
        self.replicas.sort_by_key(|replica| replica.number);
        self.count();
    }

    /// Starts one again that ended: Docker does, or the host does when it is back.
    pub(crate) fn restart(&mut self, place: usize, model: &ServiceModel, now: Timestamp, broken: bool) {
        let (started, booted, stage) = self.begin(model, now, true, broken);
        let replica = &mut self.replicas[place];
        (replica.started, replica.booted, replica.stage) = (started, booted, stage);
        replica.restarts += 1;
        replica.seen = now;
        replica.sampled = now;
        self.count();
    }

    /// One ends at once, with what it has.
    pub(crate) fn end(&mut self, place: usize, left: f64) {
        self.dropped += left;
        if let Stage::Stopping { left, .. } = self.replicas[place].stage {
            self.dropped += left;
        }
        self.replicas[place].stage = Stage::Down;
        self.count();
    }

    /// What those still have that stop.
    pub(crate) fn left(&self) -> f64 {
        if self.stopping == 0 {
            return 0.0;
        }
        let left = self.replicas.iter().map(|replica| match replica.stage {
            Stage::Stopping { left, .. } => left,
            _ => 0.0,
        });
        left.sum()
    }

    /// The one with the greatest number of those that there are.
    pub(crate) fn newest(&self) -> Option<usize> {
        let there = self.replicas.iter().enumerate().filter(|(_, replica)| replica.counts());
        there.max_by_key(|(_, replica)| replica.number).map(|(place, _)| place)
    }

    /// Which one goes first: those that do not serve before those that do, and of these the newest.
    pub(crate) fn first_to_go(&self) -> Option<usize> {
        let there = self.replicas.iter().enumerate().filter(|(_, replica)| replica.counts());
        there.max_by_key(|(_, replica)| (replica.starts(), replica.number)).map(|(place, _)| place)
    }

    /// Lets one go, which has `left` requests and finishes `rate` of them per second.
    pub(crate) fn stop(
        &mut self,
        place: usize,
        model: &ServiceModel,
        now: Timestamp,
        left: f64,
        rate: f64,
        takes: f64,
    ) {
        let replica = &mut self.replicas[place];
        if replica.starts() || model.stop.is_zero() {
            self.dropped += left;
            self.replicas.remove(place);
        } else {
            let needs = if left <= 0.0 {
                takes
            } else if rate > 0.0 {
                left / rate + takes
            } else {
                f64::INFINITY
            };
            let most = model.stop.as_secs_f64();
            let span = Duration::from_secs_f64(needs.min(most)).max(Duration::from_millis(1));
            replica.stage = Stage::Stopping { until: now.plus(span), left, rate };
        }
        self.count();
    }

    /// What happens to replicas by themselves until `now`.
    pub(crate) fn happen(&mut self, now: Timestamp, mut tell: impl FnMut(News), mut began: impl FnMut(&mut Replica)) {
        while self.next.is_some_and(|next| next <= now) {
            let Some(place) = self.replicas.iter().position(|replica| replica.next().is_some_and(|at| at <= now))
            else {
                break;
            };
            let replica = &mut self.replicas[place];
            replica.seen = now;
            match replica.stage {
                // Its process started, or has booted.
                Stage::Starting { ready: at } | Stage::Failing { until: at } if at > now => {}
                Stage::Starting { ready } => {
                    replica.stage = Stage::Ready { since: ready };
                    began(replica);
                    self.failures = 0;
                    tell(News::Serves);
                }
                Stage::Failing { .. } => {
                    let name = replica.number;
                    self.replicas.remove(place);
                    self.failures += 1;
                    self.failed = now;
                    tell(News::Failed { name, retry: self.retry(), told: self.failures >= ATTEMPTS });
                }
                Stage::Stopping { left, .. } => {
                    self.dropped += left;
                    self.replicas.remove(place);
                }
                Stage::Ready { .. } | Stage::Down => {}
            }
            self.count();
        }
    }

    /// When one more may be made: at once, or, while starts fail, after a pause and one at a time.
    pub(crate) fn may_grow(&self, now: Timestamp) -> Option<Timestamp> {
        if self.failures == 0 {
            return Some(now);
        }
        if self.starting > 0 { None } else { Some(self.retry().max(now)) }
    }

    fn retry(&self) -> Timestamp {
        let wait =
            if self.failures >= ATTEMPTS { PAUSE } else { BACKOFF * (1 << self.failures.saturating_sub(1).min(4)) };
        self.failed.plus(wait)
    }
}

/// One of the spans.
fn pick(spans: &Spans, number: u64) -> Duration {
    let Spans(spans) = spans;
    let place = (u128::from(number) * spans.len() as u128) >> 64;
    spans.get(usize::try_from(place).unwrap_or_default()).copied().unwrap_or_default()
}

/// From 0 to below 1.
fn unit(number: u64) -> f64 {
    (number >> 11) as f64 / (1u64 << 53) as f64
}
