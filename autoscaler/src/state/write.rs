//! A state as it is written: in full, so that it is read as the same.

use std::{collections::BTreeMap, time::Duration};

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Listed, Measured, State};
use crate::{
    Timestamp,
    event::{HostCapacity, Outcome, Phase, Reading, Replica},
    quantity::SignalName,
    rule::RuleState,
};

impl Serialize for State {
    /// As docs/state.md has it; how fast samples come is not kept, but when each was.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let now = self.now;
        let remembered = &self.remembered;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("v", &1)?;
        map.serialize_entry("now", &now)?;
        map.serialize_entry("fresh", &self.fresh)?;
        entry(&mut map, "service", self.service.as_ref())?;
        entry(&mut map, "target", self.target)?;
        let replica = |each| Written { replica: each, each: &self.each, now };
        let replicas = self.replicas.as_ref();
        entry(&mut map, "replicas", replicas.map(|all| all.iter().map(replica).collect::<Vec<_>>()))?;
        amounts(&mut map, &self.each.replica, now)?;
        map.serialize_entry("samples", &samples(&self.each.samples, now))?;
        map.serialize_entry("signals", &with_missing(&self.signals, &remembered.missing_since, now))?;
        entry(&mut map, "host", host(self.host))?;
        entry(&mut map, "phase", phase(&self.phase, now))?;
        map.serialize_entry("refusals", &self.refusals)?;
        entry(&mut map, "most", self.most)?;
        map.serialize_entry("host_lost", &self.host_lost)?;
        let counts = |all: &Vec<(Timestamp, u32)>| -> Vec<_> {
            all.iter().map(|(at, replicas)| At { ago: ago(now, *at), replicas: *replicas }).collect()
        };
        entry(&mut map, "recommendations", remembered.recommendations.as_ref().map(counts))?;
        let steps = remembered.steps.as_ref();
        let step = |step: &crate::memory::ScaleStep| Step { ago: ago(now, step.at), from: step.from, to: step.to };
        entry(&mut map, "scale_events", steps.map(|steps| steps.iter().map(step).collect::<Vec<_>>()))?;
        let manual = remembered.manual.map(|manual| At { ago: ago(now, manual.at), replicas: manual.replicas });
        entry(&mut map, "manual", manual)?;
        let rules: Vec<_> = remembered.rules.iter().map(|state| rule(state.as_ref(), now)).collect();
        map.serialize_entry("rules", &rules)?;
        entry(&mut map, "evaluations", remembered.evaluations)?;
        entry(&mut map, "outcome", self.outcome.as_ref().map(|given| outcome(given, now)))?;
        map.serialize_entry("peers", &self.peers)?;
        map.serialize_entry("budgets", &self.budgets)?;
        map.end()
    }
}

/// A listed replica, beside what each is that does not say otherwise.
struct Written<'s> {
    replica: &'s Listed,
    each: &'s Listed,
    now: Timestamp,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { replica: Listed { replica, samples: own }, each, now } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &replica.id)?;
        map.serialize_entry("state", &replica.state)?;
        map.serialize_entry("ready", &replica.ready_since.is_some())?;
        entry(&mut map, "unready_ago", replica.unready_since.map(|at| ago(*now, at)))?;
        amounts(&mut map, replica, *now)?;
        entry(&mut map, "protected", replica.protected.as_ref())?;
        map.serialize_entry("restarts", &replica.restarts)?;
        let mut own = samples(own, *now);
        for measured in &each.samples {
            own.entry(&measured.signal).or_default();
        }
        map.serialize_entry("samples", &own)?;
        map.end()
    }
}

/// What can be said of each replica and of all of them.
fn amounts<M: SerializeMap>(map: &mut M, replica: &Replica, now: Timestamp) -> Result<(), M::Error> {
    entry(map, "started_ago", replica.started.map(|at| ago(now, at)))?;
    entry(map, "ready_ago", replica.ready_since.map(|at| ago(now, at)))?;
    entry(map, "cpu_limit", replica.cpu_limit_cores)?;
    entry(map, "cpu_reservation", replica.cpu_reservation_cores)?;
    entry(map, "memory_limit", replica.memory_limit_bytes)?;
    entry(map, "memory_reservation", replica.memory_reservation_bytes)
}

#[derive(Serialize)]
struct At {
    ago: f64,
    replicas: u32,
}

#[derive(Serialize)]
struct Step {
    ago: f64,
    from: u32,
    to: u32,
}

/// A map of which absent values are left out.
type Parts<'s> = BTreeMap<&'static str, Part<'s>>;

#[derive(Serialize)]
#[serde(untagged)]
enum Part<'s> {
    Number(f64),
    Count(u32),
    Text(&'s str),
    Flag(bool),
}

fn samples(all: &[Measured], now: Timestamp) -> BTreeMap<&SignalName, Vec<Parts<'_>>> {
    let mut by_signal: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for measured in all {
        let mut parts = Parts::from([("ago", Part::Number(ago(now, measured.at)))]);
        match &measured.reading {
            Reading::Value(value) => drop(parts.insert("value", Part::Number(*value))),
            Reading::Partial { value, replicas, why } => {
                parts.insert("value", Part::Number(*value));
                parts.insert("covers", Part::Count(*replicas));
                parts.insert("why", Part::Text(why));
            }
            Reading::Missing(why) => drop(parts.insert("missing", Part::Text(why))),
            Reading::Idle => drop(parts.insert("idle", Part::Flag(true))),
        }
        by_signal.entry(&measured.signal).or_default().push(parts);
    }
    by_signal
}

/// Samples, the last of each signal with the time since when that is missing.
fn with_missing<'s>(
    all: &'s [Measured],
    since: &BTreeMap<SignalName, Timestamp>,
    now: Timestamp,
) -> BTreeMap<&'s SignalName, Vec<Parts<'s>>> {
    let mut by_signal = samples(all, now);
    for (signal, samples) in &mut by_signal {
        if let (Some(last), Some(since)) = (samples.last_mut(), since.get(*signal)) {
            last.insert("since_ago", Part::Number(ago(now, *since)));
        }
    }
    by_signal
}

fn host(host: HostCapacity) -> Option<BTreeMap<&'static str, f64>> {
    let parts = [
        ("cores", host.cores),
        ("memory", host.memory_bytes),
        ("cpu_busy", host.busy_cores),
        ("memory_available", host.available_bytes),
    ];
    let given: BTreeMap<_, _> = parts.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    (!given.is_empty()).then_some(given)
}

fn phase(phase: &Phase, now: Timestamp) -> Option<Parts<'_>> {
    let (since, what) = match phase {
        Phase::Settled => return None,
        Phase::Changing { since, why } => (since, ("changing", Part::Text(why))),
        Phase::Stopped { since } => (since, ("stopped", Part::Flag(true))),
    };
    Some(Parts::from([what, ("ago", Part::Number(ago(now, *since)))]))
}

fn outcome(outcome: &Outcome, now: Timestamp) -> Parts<'_> {
    match outcome {
        Outcome::Reached { replicas } => Parts::from([("reached", Part::Count(*replicas))]),
        Outcome::Failed { why, retry_at } => {
            let mut parts = Parts::from([("failed", Part::Text(why))]);
            if let Some(at) = retry_at {
                parts.insert("retry_in", Part::Number(seconds(at.since(now))));
            }
            parts
        }
    }
}

fn rule(state: Option<&RuleState>, now: Timestamp) -> Option<Parts<'static>> {
    let before = |key, at: Option<Timestamp>| at.map(|at| (key, Part::Number(ago(now, at))));
    Some(match state? {
        RuleState::Threshold(breach) => {
            let stepped = ("stepped", Part::Flag(breach.stepped));
            before("breach_ago", breach.since).into_iter().chain([stepped]).collect()
        }
        RuleState::Burst(panic) => {
            before("panic_ago", panic.since).into_iter().chain([("most", Part::Count(panic.most))]).collect()
        }
        // What a forecast learned is longer than anybody writes by hand.
        RuleState::Blank | RuleState::Forecast(_) => return None,
    })
}

/// An entry that is left out where there is nothing to say.
fn entry<M: SerializeMap, T: Serialize>(map: &mut M, key: &str, value: Option<T>) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, &value))
}

fn ago(now: Timestamp, at: Timestamp) -> f64 {
    seconds(now.since(at))
}

fn seconds(span: Duration) -> f64 {
    span.as_secs_f64()
}
