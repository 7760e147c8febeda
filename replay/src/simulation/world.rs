//! The closed loop: load meets replicas, samples are taken, whoever scales decides, and replicas come and go.

use std::time::Duration;

use autoscaler::Timestamp;
use rand_chacha::ChaCha8Rng;

use super::{
    Change, Run, RunError, Segment, Watch,
    arrivals::Incoming,
    conditions::Conditions,
    fleet::{Fleet, News},
    flow::{Passed, Rules},
    headline::Headline,
    meter::Meter,
    replicas::Stage,
    reports::Reports,
};
use crate::{
    chance::{self, Purpose},
    scaler::Scaler,
    scenario::{Balance, Load, Scenario},
    service::{Crew, Steady, balance_of},
};

/// No scaler gets more replicas than that.
pub const MOST_REPLICAS: u32 = 10_000;
/// An agent takes a service as settled after somebody else has changed it and then left it alone for so long.
pub(crate) const SETTLES: Duration = Duration::from_secs(5);
/// A controller takes a host as lost that it has not heard of for so long.
const HOST_LOST_AFTER: Duration = Duration::from_secs(15);

/// Everything that a run has at a moment.
pub(crate) struct World<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) load: &'a Load,
    pub(crate) balance: Balance,
    pub(crate) now: Timestamp,
    pub(crate) incoming: Incoming<'a>,
    pub(crate) conditions: Conditions<'a>,
    pub(crate) fleet: Fleet,
    pub(crate) backlog: f64,
    pub(crate) target: u32,
    pub(crate) meter: Meter,
    pub(crate) reports: Reports,
    /// When a failed start is tried again.
    retry: Option<Timestamp>,
    /// There is something to do about the target that has not been reported as done.
    under_way: bool,
    /// All replicas are being replaced by the newest version, one by one.
    pub(crate) rolling: bool,
    pub(crate) fault_numbers: ChaCha8Rng,
    headline: Headline,
    /// What a steady state was found to be: of these replicas at that rate.
    steady: Option<(Crew, f64, Steady)>,
    run: Run,
    segment: Segment,
}

impl<'a> World<'a> {
    pub(crate) fn new(scenario: &'a Scenario, load: &'a Load, scaler: &dyn Scaler) -> Result<Self, RunError> {
        if scenario.every < Duration::from_millis(1) {
            return Err(RunError::TooOften);
        }
        let now = scenario.begins;
        let fleet = Fleet::new(scenario.seed, scenario.replicas.start, now);
        Ok(Self {
            scenario,
            load,
            balance: balance_of(&load.service, load.kind),
            now,
            incoming: Incoming::new(scenario, load),
            conditions: Conditions::new(scenario, load),
            fleet,
            backlog: 0.0,
            target: scenario.replicas.start,
            meter: Meter::default(),
            reports: Reports::new(scenario, load, scaler),
            retry: None,
            under_way: false,
            rolling: false,
            fault_numbers: chance::stream(scenario.seed, Purpose::Faults),
            headline: Headline::default(),
            steady: None,
            run: Run::default(),
            segment: Segment::default(),
        })
    }

    pub(crate) fn run(mut self, scaler: &mut dyn Scaler, watches: &mut [&mut dyn Watch]) -> Run {
        let ends = self.scenario.ends();
        loop {
            let heard = self.happen(scaler);
            let woken = scaler.next_look().is_some_and(|at| at <= self.now);
            if (heard || woken) && self.conditions.controller_runs() {
                self.decide(scaler, watches);
            }
            self.reconcile();
            if self.now >= ends {
                break;
            }
            let next = self.next_moment(scaler).min(ends);
            self.pass(next, watches);
        }
        self.run.waiting = self.backlog;
        self.run
    }

    /// Everything that is due; gives whether whoever scales hears of something.
    fn happen(&mut self, scaler: &mut dyn Scaler) -> bool {
        let now = self.now;
        if self.conditions.next().is_some_and(|at| at <= now) {
            super::faults::happen(self, scaler);
        }
        if self.fleet.next().is_some_and(|at| at <= now) {
            self.replicas_happen();
        }
        if self.rolling {
            self.roll();
        }
        self.incoming.move_to(now);
        let lost_after = self.lost_after();
        self.reports.happen(
            now,
            &mut ReportedWorld {
                load: self.load,
                fleet: &mut self.fleet,
                meter: &mut self.meter,
                conditions: &self.conditions,
                backlog: self.backlog,
                wants_events: scaler.wants_events(),
                lost_after,
            },
        )
    }

    fn replicas_happen(&mut self) {
        let (now, work, reports) = (self.now, self.meter.work, &mut self.reports);
        let tell = |news| {
            if let News::Failed { name, retry, told: true } = news {
                reports.failed(name, retry);
            }
        };
        let mut came = 0;
        self.fleet.happen(now, tell, |replica| {
            replica.mark = work;
            came += 1;
        });
        self.conditions.warm_up(now, came);
        self.crew_changed();
    }

    /// Something about the replicas has changed.
    pub(crate) fn crew_changed(&mut self) {
        self.conditions.crew_changed(&self.fleet);
    }

    fn decide(&mut self, scaler: &mut dyn Scaler, watches: &mut [&mut dyn Watch]) {
        let now = self.now;
        let (seen, told) = self.reports.hand_out(now);
        let wanted = scaler.decide(seen, told, now);
        told.clear();
        self.run.decisions += 1;
        for watch in watches.iter_mut() {
            watch.look(now, scaler);
        }
        let wanted = wanted.map_or(self.target, |wanted| wanted.min(MOST_REPLICAS));
        let otherwise = scaler.evaluation().is_some_and(|evaluation| self.headline.is_news(evaluation));
        if wanted == self.target && !otherwise {
            return;
        }
        let change = Change { at: now, from: self.target, to: wanted, why: scaler.why() };
        if wanted != self.target {
            self.target = wanted;
            self.under_way = true;
            self.run.changes += 1;
        }
        for watch in watches.iter_mut() {
            watch.change(&change, scaler);
        }
    }

    /// Does what an agent does to come to the target: too many stop at once, missing ones start at once.
    pub(crate) fn reconcile(&mut self) {
        let now = self.now;
        if !self.conditions.agent_acts(now) {
            return;
        }
        let mut present = self.fleet.present();
        if present != self.target {
            self.under_way = true;
            while present > self.target {
                self.stop_one();
                present = self.fleet.present();
            }
            self.retry = None;
            while present < self.target {
                match self.fleet.may_grow(now) {
                    Some(at) if at <= now => {
                        let (version, broken) = (self.conditions.version(), self.conditions.starts_fail());
                        self.fleet.create(&self.load.service, version, now, broken);
                    }
                    at => {
                        self.retry = at;
                        break;
                    }
                }
                present = self.fleet.present();
            }
            self.crew_changed();
        }
        if self.under_way && self.fleet.ready == self.target && self.fleet.starting == 0 && self.fleet.stopping == 0 {
            self.under_way = false;
            self.reports.reached(self.target);
        }
    }

    /// The next replica is replaced as soon as the one before it serves.
    fn roll(&mut self) {
        let (now, version) = (self.now, self.conditions.version());
        let forever = self.scenario.ends().plus(SETTLES);
        self.conditions.changes(now, forever);
        if self.fleet.starting > 0 || self.conditions.host_lost() {
            return;
        }
        let old = self.fleet.replicas.iter().position(|replica| replica.serves() && replica.version < version);
        let Some(place) = old else {
            self.rolling = false;
            self.conditions.changes(now, now.plus(SETTLES));
            return;
        };
        let number = self.fleet.replicas[place].number;
        self.stop_at(place);
        let broken = self.conditions.starts_fail();
        self.fleet.create_as(number, &self.load.service, version, now, broken);
        self.crew_changed();
    }

    fn stop_one(&mut self) {
        if let Some(place) = self.fleet.first_to_go() {
            self.stop_at(place);
        }
    }

    /// Lets one go with what it has.
    pub(crate) fn stop_at(&mut self, place: usize) {
        let (left, rate) = self.take_share(place);
        let takes = self.conditions.crew().takes;
        self.fleet.stop(place, &self.load.service, self.now, left, rate, takes);
        self.crew_changed();
    }

    /// Takes what waits at one replica out of the backlog; gives that, and how fast it works.
    pub(crate) fn take_share(&mut self, place: usize) -> (f64, f64) {
        let replica = &self.fleet.replicas[place];
        if !replica.serves() {
            return (0.0, 0.0);
        }
        let ready = f64::from(self.fleet.ready.max(1));
        let cold = replica.ready_since().map_or(0.0, |since| self.conditions.coldness_of(since, self.now));
        self.conditions.cool(self.now, cold);
        let rate = self.conditions.crew().rate / ready;
        if self.balance == Balance::Central {
            return (0.0, rate);
        }
        let left = self.backlog / ready;
        self.backlog -= left;
        (left, rate)
    }

    /// An agent that samples less often is not lost between two samples.
    fn lost_after(&self) -> Duration {
        HOST_LOST_AFTER.max(self.scenario.every.saturating_mul(3) / 2)
    }

    fn next_moment(&self, scaler: &dyn Scaler) -> Timestamp {
        let mut next = self.reports.next(self.now, self.lost_after());
        let others = [
            self.incoming.next(),
            self.incoming.longest().map(|span| self.now.plus(span)),
            self.conditions.next(),
            self.conditions.next_of_warm_up(self.now),
            self.fleet.next(),
            self.retry.filter(|at| *at > self.now),
            self.conditions.changing.filter(|at| *at > self.now),
            scaler.next_look().filter(|at| *at > self.now),
        ];
        for other in others.into_iter().flatten() {
            next = next.min(other);
        }
        next.max(self.now.plus(Duration::from_millis(1)))
    }

    /// Lets everything flow until `to`.
    fn pass(&mut self, to: Timestamp, watches: &mut [&mut dyn Watch]) {
        let from = self.now;
        let seconds = (to.as_millis() - from.as_millis()) as f64 / 1000.0;
        let crew = *self.conditions.crew_until(from, to, &self.fleet);
        let queue_from = self.backlog + self.fleet.left() + self.fleet.dropped;
        let backlog_from = self.backlog;
        let steady_at = |rate: f64| Steady::new(&crew, self.balance, rate);
        let inflow = self.incoming.inflow(&crew, seconds, &steady_at);
        let room = self.conditions.room(self.balance, self.fleet.ready, inflow);
        let rules = Rules { inflow, capacity: crew.rate, room, retries: self.load.retries };
        let mut passed = rules.pass(&mut self.backlog, seconds);
        let steadily = (passed.served / seconds).min(crew.rate);
        self.incoming.passed(&passed, seconds);
        let rate = as_if_steady(passed.offered / seconds, steadily, crew.rate);
        let steady = match self.steady {
            Some((with, at, steady)) if with == crew && at.to_bits() == rate.to_bits() => steady,
            _ => steady_at(rate),
        };
        self.steady = Some((crew, rate, steady));
        let finished = self.finish_leavers(seconds);
        self.account_dropped(&mut passed);
        passed.served += finished;

        let segment = &mut self.segment;
        *segment = Segment {
            from,
            to,
            target: self.target,
            ready: self.fleet.ready,
            starting: self.fleet.starting,
            stopping: self.fleet.stopping,
            needed: self.conditions.needed(self.incoming.value()),
            offered: passed.offered,
            served: passed.served,
            lost: passed.lost,
            queue_from,
            queue_to: self.backlog + self.fleet.left(),
            in_flight: passed.area / seconds + steadily * steady.latency.mean(),
            capacity: crew.rate,
            busy_cores: self.conditions.busy_cores(steadily, self.fleet.ready),
            latency: steady.latency,
            ..Segment::default()
        };
        let waits = Waits::new(&passed, steadily * seconds, self.load, [backlog_from, self.backlog], crew.rate);
        tell_apart(segment, &steady, waits, self.scenario);
        self.meter.add(segment, &steady, steadily);
        self.run.segments += 1;
        self.run.offered += segment.offered;
        self.run.served += segment.served;
        self.run.lost += segment.lost;
        for watch in watches.iter_mut() {
            watch.segment(segment);
        }
        self.now = to;
    }

    /// Replicas that stop finish what they have.
    fn finish_leavers(&mut self, seconds: f64) -> f64 {
        if self.fleet.stopping == 0 {
            return 0.0;
        }
        let mut finished = 0.0;
        for replica in &mut self.fleet.replicas {
            if let Stage::Stopping { left, rate, .. } = &mut replica.stage {
                let done = left.min(*rate * seconds);
                *left -= done;
                finished += done;
            }
        }
        finished
    }

    /// What was on replicas that ended is lost, or comes again.
    fn account_dropped(&mut self, passed: &mut Passed) {
        let dropped = std::mem::take(&mut self.fleet.dropped);
        if dropped > 0.0 {
            let again = dropped * self.load.retries;
            passed.lost += dropped;
            passed.offered += again;
            self.backlog += again;
        }
    }
}

/// At which rate a steady state waits as long as there is waiting by chance, on top of the backlog. While a backlog is worked off,
/// what comes finds that and nothing on top of it. While one piles up, the queue hardly ever is empty by chance, and what that
/// adds is the same that it would be that far below capacity: a random walk that drifts by `d` away from a bound is pushed off
/// it by `variance / 2 d` in all, as one that drifts towards it stays that far from it (Asmussen: "Applied Probability and
/// Queues", chapter X; Harrison: "Brownian Motion and Stochastic Flow Systems", chapter 1).
fn as_if_steady(offered: f64, served: f64, capacity: f64) -> f64 {
    if offered > capacity { (2.0 * capacity - offered).max(0.0) } else { served.min(offered) }
}

/// What of the world is reported.
pub(crate) struct ReportedWorld<'w, 'a> {
    pub(crate) load: &'a Load,
    pub(crate) fleet: &'w mut Fleet,
    pub(crate) meter: &'w mut Meter,
    pub(crate) conditions: &'w Conditions<'a>,
    pub(crate) backlog: f64,
    pub(crate) wants_events: bool,
    pub(crate) lost_after: Duration,
}

/// How long those wait that are in the backlog, who are served in the end: when the span begins, in its middle, when it ends,
/// and in the mean.
#[derive(Clone, Copy)]
struct Waits([f64; 3], f64);

impl Waits {
    /// In the order in which they came, so that who comes now waits as long as what is there takes. The mean is what
    /// Little's law says of what was served.
    fn new(passed: &Passed, served: f64, load: &Load, [from, to]: [f64; 2], capacity: f64) -> Self {
        if passed.area <= 0.0 || served <= 0.0 || capacity <= 0.0 {
            return Self([0.0; 3], 0.0);
        }
        let longest = load.service.queue.patience.map_or(f64::INFINITY, |patience| patience.as_secs_f64());
        let wait = |backlog: f64| (backlog / capacity).min(longest);
        Self([wait(from), wait(f64::midpoint(from, to)), wait(to)], (passed.area / served).min(longest))
    }
}

/// Who was slow: what waited in the backlog comes on top of what a steady state has. The wait grows or shrinks evenly, so
/// that its ends and its middle say it by Simpson's rule.
fn tell_apart(segment: &mut Segment, steady: &Steady, Waits(waits, mean): Waits, scenario: &Scenario) {
    segment.latency.shift += mean;
    let Some(objective) = scenario.objective.latency else { return };
    let share = |seconds: f64| {
        if mean <= 0.0 {
            return steady.latency.share_above(seconds);
        }
        let [from, middle, to] = waits.map(|wait| steady.latency.share_above(seconds - wait));
        (from + 4.0 * middle + to) / 6.0
    };
    let slow = share(objective.below) * segment.served;
    segment.slow = slow;
    segment.tolerating = (slow - share(4.0 * objective.below) * segment.served).max(0.0);
}
