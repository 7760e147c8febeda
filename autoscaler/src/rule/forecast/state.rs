//! What a forecast rule remembers.

use std::{collections::VecDeque, time::Duration};

use forecast::{Calendar, CapacityFit, CapacityLearner, Forecaster, Gate, Load};
use serde::{Deserialize, Serialize};

use super::{
    Answer,
    trial::{OnTrial, Step},
};
use crate::{
    calendar::{Dates, Zone},
    evaluation::{Gap, Outlook, SignalReading, Trial},
    event::ReplicaId,
    policy::{Capacity, Direction, Forecast, Knob},
    quantity::{Quantity, SignalName},
    rule::{Situation, whole},
    signal,
    time::Timestamp,
};

/// Starts of replicas that the horizon is learned from.
const STARTS: usize = 32;
/// The horizon while no start was seen.
const ASSUMED_START: Duration = Duration::from_secs(30);
/// A start that takes longer is none that anybody waits for.
const LONGEST_START: Duration = Duration::from_hours(24);
/// A replica that started so long after a step was not asked for by it: somebody replaced another one. One that is seen first so
/// long after its start has been there before.
const ASKED_FOR: Duration = Duration::from_mins(5);
/// Forecasts that must have been compared with what came.
const LEARNED: u64 = 8;
/// What is wanted is remembered so often at most.
const MOST_WANTED: usize = 64;

/// What a forecast rule remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForecastState {
    forecaster: Forecaster,
    capacity: CapacityLearner,
    /// What a replica carried last, where its limit says so.
    per_replica: Option<f64>,
    /// Milliseconds from decision to ready, oldest first.
    starts: VecDeque<u64>,
    /// When replicas were looked at before, and now.
    looked: [Option<Timestamp>; 2],
    /// Replicas that were seen before they served.
    starting: Vec<ReplicaId>,
    /// When the newest of those started that were seen to serve in the end.
    starts_seen: Timestamp,
    wanted: Held,
    /// The reactive answers while it is on trial, held as long.
    reactive: Held,
    trial: OnTrial,
}

impl ForecastState {
    /// The newest sample alone.
    pub(crate) const NEWEST: Duration = Duration::from_secs(1);

    pub(super) fn new(rule: &Forecast) -> Self {
        let mut forecaster = Forecaster::new(rule.knob.quantile());
        forecaster.expect(&seasons(rule), &Days::of(rule));
        Self {
            forecaster,
            capacity: CapacityLearner::default(),
            per_replica: None,
            starts: VecDeque::new(),
            looked: [None; 2],
            starting: Vec::new(),
            starts_seen: Timestamp::default(),
            wanted: Held::default(),
            reactive: Held::default(),
            trial: OnTrial::default(),
        }
    }

    /// What forecasts the demand.
    pub fn forecaster(&self) -> &Forecaster {
        &self.forecaster
    }

    /// Goes on under an edited rule.
    pub(crate) fn follow(&mut self, old: &Forecast, new: &Forecast) {
        self.forecaster.aim_at(new.knob.quantile(), &Days::of(new));
        self.forecaster.expect(&seasons(new), &Days::of(new));
        if old.on_trial != new.on_trial {
            self.trial = OnTrial::default();
        }
        self.per_replica = None;
        self.wanted = Held::default();
    }

    /// What one replica carries, in the signal's unit.
    pub(super) fn per_replica(&self, rule: &Forecast, reading: &SignalReading, given: &Situation<'_>) -> Option<f64> {
        let by_load = |load: Option<f64>, share: f64| {
            let whole =
                reading.total.zip(load).filter(|(_, load)| *load > 0.0).map(|(total, load)| total / load * share);
            whole.or(self.per_replica)
        };
        match rule.capacity {
            Capacity::Given(Quantity::Absolute { value, .. }) => Some(value),
            Capacity::Given(Quantity::OfLimit(share)) => by_load(reading.shares, share),
            Capacity::Given(Quantity::OfReservation(share)) => by_load(reading.of_reservations, share),
            Capacity::Learned(_) => self.fit(rule, given).map(|fit| fit.rate),
        }
    }

    /// Why what one replica carries is not learned yet.
    pub(super) fn not_learned(&self, rule: &Forecast, given: &Situation<'_>) -> Gap {
        let why = cores(rule, given).map(|cores| self.capacity.at(cores));
        why.and_then(Result::err).map_or(Gap::NoLimit, |why| Gap::NotLearned(why.to_string()))
    }

    /// What one replica carries, where that is to be learned and is known.
    pub(super) fn fit(&self, rule: &Forecast, given: &Situation<'_>) -> Option<CapacityFit> {
        self.capacity.at(cores(rule, given)?).ok()
    }

    /// So many starts of replicas were seen.
    pub(super) fn starts(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    /// How far ahead to look.
    pub fn horizon(&self, rule: &Forecast) -> Duration {
        rule.horizon.unwrap_or_else(|| self.start().saturating_add(Duration::from_millis(self.forecaster.spacing())))
    }

    /// The time from decision to ready that nine of ten starts did not exceed.
    fn start(&self) -> Duration {
        let mut sorted: Vec<u64> = self.starts.iter().copied().collect();
        sorted.sort_unstable();
        let place = (sorted.len() * 9).div_ceil(10).saturating_sub(1);
        sorted.get(place).map_or(ASSUMED_START, |millis| Duration::from_millis(*millis))
    }

    /// Learns how long replicas take, of those that were seen before they served: from the step that asked for them, or from the
    /// start of their process. One without a health check serves, as far as anybody knows, from the beginning, and teaches nothing;
    /// nor does one that has served for long when it is seen first.
    pub(super) fn learn_starts(&mut self, given: &Situation<'_>) {
        let replicas = &given.observation.replicas;
        if self.looked[1] != Some(given.now) {
            self.looked = [self.looked[1], Some(given.now)];
        }
        let before = self.looked[0];
        self.starting.retain(|id| replicas.iter().any(|replica| replica.id == *id));
        for replica in replicas.iter().filter(|replica| replica.restarts == 0) {
            let started = replica.started.unwrap_or(given.now);
            let since_then = before.is_some_and(|before| started >= before);
            let recent = given.now.since(started) <= ASKED_FOR;
            let Some(ready) = replica.ready_since.filter(|ready| *ready <= given.now) else {
                // One that has been there for long, or was healthy and is not any more, is no start.
                if (since_then || recent)
                    && started > self.starts_seen
                    && self.starting.len() < STARTS
                    && !self.starting.contains(&replica.id)
                {
                    self.starting.push(replica.id.clone());
                }
                continue;
            };
            match self.starting.iter().position(|id| *id == replica.id) {
                Some(place) => drop(self.starting.remove(place)),
                // Between two looks one may start and serve; or be listed a little late.
                None if before.is_some() && (since_then || recent) && ready > started && started > self.starts_seen => {
                }
                None => continue,
            }
            self.starts_seen = self.starts_seen.max(started);
            let asked = given.memory.steps.last(Direction::Up).map(|step| step.at);
            let asked = asked.filter(|at| {
                let started = replica.started.unwrap_or(ready);
                *at <= started && started <= ready && started.since(*at) <= ASKED_FOR
            });
            let Some(took) = asked.or(replica.started).map(|from| ready.since(from)) else { continue };
            if took > LONGEST_START {
                continue;
            }
            if self.starts.len() == STARTS {
                self.starts.pop_front();
            }
            self.starts.push_back(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        }
    }

    /// Takes in what was measured. Whether a step is over.
    pub(super) fn observe(&mut self, rule: &Forecast, total: f64, at: Timestamp, given: &Situation<'_>) -> bool {
        let horizon = u64::try_from(self.horizon(rule).as_millis()).unwrap_or(u64::MAX);
        let closed = self.forecaster.observe(at.as_millis(), total, horizon, &Days::of(rule));
        if matches!(rule.capacity, Capacity::Learned(_)) {
            self.learn_capacity(total, at, closed, given);
        }
        closed
    }

    /// Takes in what replicas did at a sample of the step under way, and whether that is over.
    fn learn_capacity(&mut self, total: f64, at: Timestamp, closed: bool, given: &Situation<'_>) {
        let cpu = given.readings.get(&SignalName::new(SignalName::CPU), ForecastState::NEWEST);
        let whole =
            |cpu: &&SignalReading| cpu.absent == 0 && cpu.warming == 0 && cpu.kept.is_none() && cpu.measured > 0;
        match cpu.filter(whole).and_then(|cpu| Some((cpu.measured, cpu.total?))) {
            Some((replicas, cores)) => {
                let each = |of: f64| of / f64::from(replicas);
                let load = Load { rate: each(total), cores: each(cores), limit: cpu_limit(given), replicas };
                self.capacity.sample(at.as_millis(), load);
            }
            None => self.capacity.disturb(),
        }
        if closed {
            self.capacity.close();
        }
    }

    /// What is to come, in replicas.
    pub(super) fn outlook(&self, reading: &SignalReading, per_replica: f64, now: Timestamp) -> Outlook {
        if reading.absent > 0 {
            return Outlook::Incomplete { absent: reading.absent };
        }
        let Some(by) = self.forecaster.outlook() else {
            return Outlook::Learning { scored: self.forecaster.scored().min(LEARNED - 1), of: LEARNED };
        };
        let age = now.since(Timestamp::from_millis(by.made_at));
        // One step is measured at any time, and one may come late.
        if age > Duration::from_millis(by.step).saturating_mul(2).saturating_add(Duration::from_secs(1)) {
            return Outlook::Late { age };
        }
        let (next, ahead) = if by.gate == Gate::Refuted { (by.naive, by.naive) } else { (by.next, by.ahead) };
        Outlook::Known { next: whole(next / per_replica), ahead: whole(ahead / per_replica), by: Box::new(by.clone()) }
    }

    /// What is wanted, or was a moment ago: an idle replica stays for as long as a new one would take.
    pub(super) fn held(&self, answer: &Answer, now: Timestamp) -> (u32, Option<(u32, Timestamp)>) {
        if answer.proven {
            return (answer.wanted, None);
        }
        match self.wanted.most(now, self.start()).filter(|(wanted, _)| *wanted > answer.wanted) {
            Some(held) => (held.0, Some(held)),
            None => (answer.wanted, None),
        }
    }

    /// How its trial stands, where it is on one.
    pub(super) fn trial(&self, rule: &Forecast, now: Timestamp) -> Option<Trial> {
        self.trial.standing(now, rule.on_trial?)
    }

    /// Remembers what was wanted, and at the end of a step what that would have cost.
    pub(super) fn remember(
        &mut self,
        rule: &Forecast,
        answer: &Answer,
        per_replica: f64,
        closed: bool,
        given: &Situation<'_>,
    ) {
        let now = given.now;
        self.per_replica = Some(per_replica);
        if let (true, Some(span), Outlook::Known { by, .. }) = (closed, rule.on_trial, &answer.outlook) {
            let held = self.reactive.most(now, self.start()).map_or(0, |(held, _)| held);
            let step = Step {
                needed: whole(self.forecaster.history().last() / per_replica),
                length: Duration::from_millis(by.step),
                lead: usize::try_from(by.lead).unwrap_or(1),
                idle_per_missing: rule.knob.idle_per_missing(),
                wanted: bounded(self.held(answer, now).0, given),
                reactive: bounded(held.max(answer.reactive), given),
            };
            self.trial.add(&step, span, now);
        }
        let span = self.start();
        self.wanted.add(answer.wanted, now, span);
        if rule.on_trial.is_some() {
            self.reactive.add(answer.reactive, now, span);
        }
        if let (Knob::Misses(_), Outlook::Known { by, .. }) = (rule.knob, &answer.outlook)
            && by.gate != Gate::Refuted
        {
            self.forecaster.keeps_ready(f64::from(self.held(answer, now).0) * per_replica);
        }
    }
}

/// The seasons that are expected, in milliseconds.
fn seasons(rule: &Forecast) -> Vec<u64> {
    rule.seasons.iter().map(|season| u64::try_from(season.as_millis()).unwrap_or(u64::MAX)).collect()
}

/// What was wanted when, the largest first: of two the later stays if it is as large.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Held(VecDeque<(Timestamp, u32)>);

impl Held {
    /// The most within a span, and until when that lasts.
    fn most(&self, now: Timestamp, span: Duration) -> Option<(u32, Timestamp)> {
        self.0.iter().find(|(at, _)| now.since(*at) < span).map(|(at, wanted)| (*wanted, at.plus(span)))
    }

    fn add(&mut self, wanted: u32, now: Timestamp, span: Duration) {
        while self.0.front().is_some_and(|(at, _)| now.since(*at) >= span) {
            self.0.pop_front();
        }
        while self.0.back().is_some_and(|(_, before)| *before <= wanted) {
            self.0.pop_back();
        }
        if self.0.len() < MOST_WANTED {
            self.0.push_back((now, wanted));
        }
    }
}

/// Within what the policy allows.
fn bounded(wanted: u32, given: &Situation<'_>) -> u32 {
    let limits = &given.policy.limits;
    wanted.max(limits.min).min(limits.max)
}

/// Cores that a replica may use, of those that serve the fewest.
fn cpu_limit(given: &Situation<'_>) -> Option<f64> {
    let cpu = SignalName::new(SignalName::CPU);
    let limits =
        given.observation.replicas.iter().filter_map(|replica| signal::limit(&cpu, replica, given.observation.host));
    limits.reduce(f64::min)
}

/// Cores that a replica is to be busy with, where what it carries is learned.
fn cores(rule: &Forecast, given: &Situation<'_>) -> Option<f64> {
    match rule.capacity {
        Capacity::Learned(share) => Some(share * cpu_limit(given)?),
        Capacity::Given(_) => None,
    }
}

/// Which days are alike, by whose wall clock: a forecast rule's.
#[derive(Clone, Copy, Debug)]
pub struct Days<'a> {
    zone: &'a Zone,
    except: &'a [Dates],
}

impl<'a> Days<'a> {
    /// Of a rule.
    pub fn of(rule: &'a Forecast) -> Self {
        Self { zone: &rule.zone, except: &rule.except }
    }
}

impl Calendar for Days<'_> {
    fn offset_ms(&self, at_ms: u64) -> i64 {
        self.zone.offset_ms(Timestamp::from_millis(at_ms))
    }

    fn is_unusual(&self, at_ms: u64) -> bool {
        !self.except.is_empty()
            && self
                .zone
                .date(Timestamp::from_millis(at_ms))
                .is_some_and(|date| self.except.iter().any(|days| days.contains(date)))
    }
}
