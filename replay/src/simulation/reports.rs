//! What whoever scales gets to know: samples, listings, outcomes, and that the host is lost; as a controller would.

use std::{collections::VecDeque, time::Duration};

use autoscaler::{
    Event, Timestamp,
    event::{HostCapacity, Observation, Outcome, Phase, Reading, Replica as Listed, Sample, Subject},
    quantity::SignalName,
};

use super::{replicas::Replica, world::ReportedWorld};
use crate::{
    scaler::{Scaler, Seen},
    scenario::{Load, Measure, Scenario, What},
};

/// What is on its way.
struct Pending {
    at: Timestamp,
    seen: Seen,
    samples: Vec<Sample>,
}

/// What is told, and what was.
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own, and any of them may be on")]
pub(crate) struct Reports {
    every: Duration,
    next_sample: Timestamp,
    /// What is emitted, and which of it the scaler reads, in their order.
    emits: Vec<(SignalName, Measure)>,
    told_of: Vec<(SignalName, Measure)>,
    of_host: bool,
    names: Names,
    pending: VecDeque<Pending>,
    seen: Seen,
    /// When that came.
    seen_at: Timestamp,
    told: Vec<Event>,
    /// When the agent was last heard of, and whether its host is taken as lost.
    heard: Timestamp,
    lost: bool,
    /// Somebody has to be told of the listing although it is as it was.
    list_again: bool,
    outcome: Option<Outcome>,
    host: HostCapacity,
    changing: bool,
}

struct Names {
    cpu: SignalName,
    memory: SignalName,
    host_cpu: SignalName,
    host_memory: SignalName,
}

impl Reports {
    pub(crate) fn new(scenario: &Scenario, load: &Load, scaler: &dyn Scaler) -> Self {
        let emits = load.emits.iter().map(|(name, measure)| (SignalName::new(name), *measure));
        let emits: Vec<_> = emits.collect();
        Self {
            told_of: emits.iter().filter(|(name, _)| scaler.reads(name.as_str())).cloned().collect(),
            of_host: SignalName::OF_HOST.iter().any(|name| scaler.reads(name)),
            emits,
            every: scenario.every,
            next_sample: scenario.begins.plus(scenario.every),
            names: Names {
                cpu: SignalName::new(SignalName::CPU),
                memory: SignalName::new(SignalName::MEMORY),
                host_cpu: SignalName::new(SignalName::HOST_CPU),
                host_memory: SignalName::new(SignalName::HOST_MEMORY),
            },
            pending: VecDeque::new(),
            seen: Seen::default(),
            seen_at: scenario.begins,
            told: Vec::new(),
            heard: scenario.begins,
            lost: false,
            list_again: true,
            outcome: None,
            host: HostCapacity { cores: load.host.cores, memory_bytes: load.host.memory, ..HostCapacity::default() },
            changing: false,
        }
    }

    /// When something is to be told, or a host is lost by then.
    pub(crate) fn next(&self, now: Timestamp, lost_after: Duration) -> Timestamp {
        let pending = self.pending.front().map(|pending| pending.at).filter(|at| *at > now);
        let lost = (!self.lost).then(|| self.heard.plus(lost_after)).filter(|at| *at > now);
        [pending, lost].into_iter().flatten().fold(self.next_sample, Ord::min)
    }

    /// Takes and delivers what is due; gives whether there is something to decide about.
    pub(crate) fn happen(&mut self, now: Timestamp, world: &mut ReportedWorld<'_, '_>) -> bool {
        let mut news = false;
        let speaks = world.conditions.agent_speaks();
        let hears = world.conditions.controller_runs();
        if self.next_sample <= now {
            self.next_sample = self.next_sample.plus(self.every);
            if speaks && hears {
                self.hear(now);
            }
            self.sample(now, world, speaks && hears);
        }
        while self.pending.front().is_some_and(|pending| pending.at <= now) {
            let Some(pending) = self.pending.pop_front() else { break };
            if hears && speaks {
                let (running, ready) = (world.fleet.present(), world.fleet.ready);
                self.seen = Seen { running, ready, ..pending.seen };
                if !pending.samples.is_empty() {
                    self.told.push(Event::Samples(pending.samples));
                }
                self.seen_at = now;
                news = true;
            }
        }
        let changing = world.conditions.changing.is_some_and(|until| until > now);
        if hears && speaks && (world.fleet.changed || self.list_again || changing != self.changing) {
            self.hear(now);
            world.fleet.changed = false;
            self.list_again = false;
            self.changing = changing;
            self.list(now, world);
            news = true;
        }
        if hears
            && speaks
            && let Some(outcome) = self.outcome.take()
        {
            self.told.push(Event::Outcome(outcome));
            news = true;
        }
        if hears && !self.lost && now.since(self.heard) >= world.lost_after {
            self.lost = true;
            self.told.push(Event::HostLost);
            news = true;
        }
        news
    }

    fn hear(&mut self, now: Timestamp) {
        self.heard = now;
        if std::mem::take(&mut self.lost) {
            self.told.push(Event::HostFound);
            self.list_again = true;
        }
    }

    /// What is to be told now. Once a sample is overdue, nothing is measured: what was seen before is old.
    pub(crate) fn hand_out(&mut self, now: Timestamp) -> (&Seen, &mut Vec<Event>) {
        if now.since(self.seen_at) > self.every {
            let Seen { span, running, ready, cpu_limit, per_replica, .. } = self.seen;
            self.seen = Seen { span, running, ready, cpu_limit, per_replica, ..Seen::default() };
        }
        (&self.seen, &mut self.told)
    }

    /// A start was given up, not for the first time.
    pub(crate) fn failed(&mut self, number: u32, retry: Timestamp) {
        let why = format!("replica {number}: it did not come to serve in time: see docker logs of any replica");
        self.outcome = Some(Outcome::Failed { why, retry_at: Some(retry) });
    }

    /// As many as wanted serve.
    pub(crate) fn reached(&mut self, replicas: u32) {
        self.outcome = Some(Outcome::Reached { replicas });
    }

    /// The controller ends: what is on its way to it is lost.
    pub(crate) fn forget_pending(&mut self) {
        self.pending.clear();
        self.told.clear();
    }

    /// It is back, and has everything listed.
    pub(crate) fn controller_is_back(&mut self, now: Timestamp) {
        self.heard = now;
        self.lost = false;
        self.list_again = true;
    }

    fn sample(&mut self, now: Timestamp, world: &mut ReportedWorld<'_, '_>, heard: bool) {
        let missing = |signal: &str, world: &ReportedWorld<'_, '_>| {
            world.conditions.in_force().any(|what| match what {
                What::SamplesMissing { signals } => signals.is_empty() || signals.iter().any(|name| name == signal),
                _ => false,
            })
        };
        if heard {
            let seen = self.see(world, &missing);
            let mut samples = Vec::new();
            if world.wants_events {
                samples.reserve_exact(2 * world.fleet.replicas.len() + self.told_of.len() + 2);
                self.measure(now, world, &mut samples);
                samples.retain(|sample| !missing(sample.signal.as_str(), world));
            }
            let at = now.plus(world.conditions.late());
            // What is late does not overtake.
            let at = self.pending.back().map_or(at, |before| at.max(before.at));
            self.pending.push_back(Pending { at, seen, samples });
        }
        let work = world.meter.work;
        for replica in &mut world.fleet.replicas {
            replica.mark = work;
            replica.sampled = now;
        }
        world.meter.reset();
    }

    fn see(&self, world: &ReportedWorld<'_, '_>, missing: &impl Fn(&str, &ReportedWorld<'_, '_>) -> bool) -> Seen {
        let meter = &*world.meter;
        let lacks = |is: fn(&Measure) -> bool| {
            let named = self.emits.iter().find(|(_, measure)| is(measure)).map_or("", |(name, _)| name.as_str());
            missing(named, world)
        };
        let unless = |lacks: bool, value: f64| (!lacks).then_some(value);
        Seen {
            span: self.every,
            running: world.fleet.present(),
            ready: world.fleet.ready,
            offered: unless(lacks(|measure| *measure == Measure::Requests), meter.per_second(meter.offered)),
            served: unless(lacks(|measure| *measure == Measure::Served), meter.per_second(meter.served)),
            lost: unless(lacks(|measure| *measure == Measure::Errors), meter.per_second(meter.lost)),
            waiting: unless(lacks(|measure| *measure == Measure::Waiting), waiting(world)),
            in_flight: unless(lacks(|measure| *measure == Measure::InFlight), meter.in_flight()),
            cpu: unless(missing(SignalName::CPU, world), meter.cores()),
            cpu_limit: world.conditions.cpu_limit(),
            latency: meter
                .latency()
                .filter(|_| !lacks(|measure| matches!(measure, Measure::LatencyMean | Measure::Latency(_))))
                .map(|latency| latency.mean()),
            per_replica: world.conditions.per_replica(),
        }
    }

    fn measure(&mut self, now: Timestamp, world: &ReportedWorld<'_, '_>, samples: &mut Vec<Sample>) {
        let model = &world.load.service;
        let in_each = (world.backlog + world.meter.works_steadily) / f64::from(world.fleet.ready.max(1));
        let mut busy = 0.0;
        let mut used = 0.0;
        for replica in world.fleet.replicas.iter().filter(|replica| replica.counts() && replica.started <= now) {
            let cores = cores(replica, now, world);
            let of = || Subject::Replica(replica.id.clone());
            if let Some(cores) = cores {
                busy += cores;
                let (signal, reading) = (self.names.cpu.clone(), Reading::Value(cores));
                samples.push(Sample { signal, of: of(), at: now, reading });
            }
            if let Some(memory) = &model.memory {
                let bytes = memory.idle + if replica.serves() { memory.per_request * in_each } else { 0.0 };
                let bytes = bytes.min(memory.limit.unwrap_or(f64::INFINITY));
                used += bytes;
                let (signal, reading) = (self.names.memory.clone(), Reading::Value(bytes));
                samples.push(Sample { signal, of: of(), at: now, reading });
            }
        }
        let mut of_service = |signal: &SignalName, reading| {
            samples.push(Sample { signal: signal.clone(), of: Subject::Service, at: now, reading });
        };
        if let Some(cores) = world.load.host.cores {
            let others = world.load.host.others + cores * world.conditions.neighbour();
            let busy = (busy + others).min(cores);
            if self.of_host {
                of_service(&self.names.host_cpu, Reading::Value(busy / cores));
            }
            if self.host.busy_cores != Some(busy) {
                self.host.busy_cores = Some(busy);
                self.list_again = true;
            }
        }
        if let Some(total) = world.load.host.memory {
            if self.of_host {
                of_service(&self.names.host_memory, Reading::Value((used / total).min(1.0)));
            }
            self.host.available_bytes = Some((total - used).max(0.0));
        }
        for (name, measure) in &self.told_of {
            of_service(name, reading(*measure, world));
        }
    }

    fn list(&mut self, now: Timestamp, world: &ReportedWorld<'_, '_>) {
        self.seen.running = world.fleet.present();
        self.seen.ready = world.fleet.ready;
        self.seen.cpu_limit = world.conditions.cpu_limit();
        self.seen.per_replica = world.conditions.per_replica();
        if !world.wants_events {
            return;
        }
        let model = &world.load.service;
        let bounded = model.cpu_limit.is_some() || world.load.host.cores.is_some();
        let cpu_limit_cores = if bounded { model.cpu_limit } else { Some(world.conditions.cpu_limit()) };
        let memory_limit_bytes = model.memory.and_then(|memory| memory.limit);
        let there = world.fleet.replicas.iter().filter(|replica| replica.counts() && replica.started <= now);
        let replicas = there.map(|replica| Listed {
            id: replica.id.clone(),
            started: Some(replica.started),
            ready_since: replica.ready_since(),
            cpu_limit_cores,
            memory_limit_bytes,
            restarts: replica.restarts,
            ..Listed::default()
        });
        let phase = match world.conditions.changing {
            Some(until) if until > now => Phase::Changing {
                since: world.conditions.changing_since,
                why: "docker compose changes its replicas".to_owned(),
            },
            _ => Phase::Settled,
        };
        let observation =
            Observation { replicas: replicas.collect(), phase, refusals: Vec::new(), most: None, host: self.host };
        self.told.push(Event::Observed(observation));
    }
}

/// Requests that wait.
fn waiting(world: &ReportedWorld<'_, '_>) -> f64 {
    world.backlog + world.meter.waits_steadily
}

fn reading(measure: Measure, world: &ReportedWorld<'_, '_>) -> Reading {
    let meter = &*world.meter;
    let or_idle = |value: Option<f64>| value.map_or(Reading::Idle, Reading::Value);
    match measure {
        Measure::Requests => Reading::Value(meter.per_second(meter.offered)),
        Measure::Served => Reading::Value(meter.per_second(meter.served)),
        Measure::Errors => Reading::Value(meter.per_second(meter.lost)),
        Measure::ErrorShare => or_idle((meter.offered > 0.0).then(|| meter.lost / meter.offered)),
        Measure::Waiting => Reading::Value(waiting(world)),
        Measure::InFlight => Reading::Value(world.backlog + meter.works_steadily),
        Measure::LatencyMean => or_idle(meter.latency().map(|latency| latency.mean())),
        Measure::Latency(quantile) => or_idle(meter.latency().map(|latency| latency.quantile(quantile))),
        Measure::Utilisation => or_idle(meter.used()),
    }
}

/// Cores that a replica kept busy since the sample before, as a counter says that an agent reads twice: not before it has
/// read it once.
fn cores(replica: &Replica, now: Timestamp, world: &ReportedWorld<'_, '_>) -> Option<f64> {
    if replica.started > replica.sampled || now <= replica.sampled {
        return None;
    }
    let span = now.since(replica.sampled).as_secs_f64();
    let boots = replica.booted.min(now).since(replica.started.max(replica.sampled)).as_secs_f64();
    let served = if replica.serves() { world.meter.work - replica.mark } else { 0.0 };
    Some((boots * world.load.service.start.cpu + served) / span)
}
