//! A policy that is told of the load before it comes.

use std::{collections::VecDeque, iter::Peekable, time::Duration};

use autoscaler::{
    Evaluation, Event, Timestamp,
    event::{Reading, Sample},
    quantity::SignalName,
};

use crate::{
    Scaler, Scenario,
    scaler::{PolicyScaler, Seen},
    scenario::{Load, LoadKind, Measure, Spans, Walk},
};

/// A policy with a perfect forecast of the load: at each sample it is told of the most that will come from now until one
/// sample after a replica that was started now would serve, even if its start took the longest that it can take.
///
/// Told otherwise than it is are requests offered and served, what is used of the capacity, and the CPU of replicas: as they
/// would be under that load with the replicas that serve now, if nobody waited; a load that is too much for these shows as
/// more CPU than they have. As measured stay what waits, response times and what is lost. Of users and sessions it is told
/// what these send while nobody waits.
pub struct Foresight<'a> {
    policy: PolicyScaler,
    load: Option<&'a Load>,
    begins: Timestamp,
    ahead: Duration,
    walk: Option<Peekable<Walk<'a>>>,
    /// What is demanded from each moment on; the first holds now.
    coming: VecDeque<(Timestamp, f64)>,
}

impl<'a> Foresight<'a> {
    /// The policy with foresight in this scenario.
    pub fn new(policy: PolicyScaler, scenario: &'a Scenario) -> Self {
        let load = scenario.load();
        let longest = |spans: &Spans| spans.0.iter().max().copied().unwrap_or_default();
        let start = load.map(|load| &load.service.start);
        let starts = start.map(|start| [&start.image, &start.boot, &start.ready].map(longest).iter().sum());
        Self {
            policy,
            load,
            begins: scenario.begins,
            ahead: starts.unwrap_or(Duration::ZERO) + scenario.every,
            walk: load.map(|load| load.demand.source.walk(scenario).peekable()),
            coming: VecDeque::new(),
        }
    }

    /// The most requests per second from now until as far ahead as it sees.
    fn foreseen(&mut self, now: Timestamp, load: &Load) -> f64 {
        let until = now.plus(self.ahead);
        let Self { begins, walk, coming, .. } = self;
        let mut next = || walk.as_mut()?.next_if(|(at, _)| begins.plus(*at) <= until);
        while let Some((at, value)) = next() {
            coming.push_back((begins.plus(at), value.unwrap_or(0.0)));
        }
        while coming.get(1).is_some_and(|(from, _)| *from <= now) {
            coming.pop_front();
        }
        let most = coming.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        let model = &load.service;
        match load.kind {
            LoadKind::Requests | LoadKind::Jobs => most,
            LoadKind::Cores => most / model.cpu,
            LoadKind::Users { think } => most / (think.as_secs_f64() + model.takes),
            LoadKind::Sessions { requests, .. } => most * requests,
        }
    }
}

impl Scaler for Foresight<'_> {
    fn name(&self) -> String {
        format!("{} with a perfect forecast", self.policy.name())
    }

    fn decide(&mut self, seen: &Seen, told: &mut Vec<Event>, now: Timestamp) -> Option<u32> {
        if let Some(load) = self.load {
            let rate = self.foreseen(now, load);
            for event in told.iter_mut() {
                if let Event::Samples(samples) = event {
                    for sample in samples {
                        foretell(sample, rate, seen, load);
                    }
                }
            }
        }
        self.policy.decide(seen, told, now)
    }

    fn next_look(&self) -> Option<Timestamp> {
        self.policy.next_look()
    }

    fn why(&self) -> String {
        self.policy.why()
    }

    fn evaluation(&self) -> Option<&Evaluation> {
        self.policy.evaluation()
    }

    fn restart(&mut self, now: Timestamp) {
        self.policy.restart(now);
    }

    fn wants_events(&self) -> bool {
        true
    }
}

/// Makes of a sample what it would be at so many requests per second.
fn foretell(sample: &mut Sample, rate: f64, seen: &Seen, load: &Load) {
    let Reading::Value(value) = &mut sample.reading else { return };
    let replicas = f64::from(seen.ready.max(1));
    let model = &load.service;
    if sample.signal.as_str() == SignalName::CPU {
        *value = model.idle_cpu + rate * model.cpu / replicas;
        return;
    }
    let measure = load.emits.iter().find(|(name, _)| name == sample.signal.as_str()).map(|(_, measure)| *measure);
    match measure {
        Some(Measure::Requests | Measure::Served) => *value = rate,
        Some(Measure::Utilisation) if seen.per_replica > 0.0 => *value = rate / (seen.per_replica * replicas),
        _ => {}
    }
}
