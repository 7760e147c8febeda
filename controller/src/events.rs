//! What travels, turned into what the decisions know. Pure: the caller says how the agent's clock differs.

use std::{collections::BTreeMap, time::Duration};

use autoscaler::{
    Timestamp,
    event::{self, HostCapacity, Observation, Reading, Replica, ReplicaId, Sample, Subject},
    policy::{self, Policy, SignalSource},
    quantity::SignalName,
};
use bus::payload::{
    self, Assignment, BusyProbe, DecodeError, DiskSample, HostSample, OutcomeResult, Probe, PublishedValue, Refusal,
    ReplicaInventory, ServiceInventory, ServiceName, SignalSample,
};

/// The shortest beginning of a container ID that names a replica: what Docker gives a container as its host name.
const SHORTEST_ID: usize = 12;

/// What one payload measured, per service. `here` gives the controller's time of a moment by the agent's clock.
pub(crate) fn samples(
    payload: &payload::Samples,
    here: impl Fn(u64) -> Timestamp,
) -> BTreeMap<ServiceName, Vec<Sample>> {
    let mut found: BTreeMap<ServiceName, Vec<Sample>> = BTreeMap::new();
    let at = here(payload.at_ms);
    for replica in &payload.replicas {
        let name = ServiceName { project: replica.project.clone(), service: replica.service.clone() };
        let values = [
            (SignalName::CPU, replica.cpu_cores),
            (SignalName::MEMORY, replica.memory_bytes.map(|bytes| bytes as f64)),
        ];
        let id = ReplicaId::new(&replica.id);
        let measured = values.into_iter().filter_map(|(signal, value)| {
            let of = Subject::Replica(id.clone());
            Some(Sample { signal: SignalName::new(signal), of, at, reading: Reading::Value(value?) })
        });
        found.entry(name).or_default().extend(measured);
    }
    for sample in &payload.signals {
        let name = ServiceName { project: sample.project.clone(), service: sample.service.clone() };
        found.entry(name).or_default().push(Sample {
            signal: SignalName::new(&sample.signal),
            of: Subject::Service,
            at: here(sample.at_ms),
            reading: reading(sample),
        });
    }
    found
}

/// What one payload measured of the host itself, as shares, as samples of each service that goes by it.
pub(crate) fn host_samples(host: &HostSample, at: Timestamp) -> Vec<Sample> {
    let share = |used: f64, total: f64| (total > 0.0).then(|| (used / total).clamp(0.0, 1.0));
    let memory = host.memory_total_bytes as f64;
    let disk = |disk: &DiskSample| {
        let total = disk.total_bytes as f64;
        share(total - disk.available_bytes as f64, total)
    };
    let values = [
        (SignalName::HOST_CPU, host.cpu_busy_cores.and_then(|busy| share(busy, f64::from(host.cores)))),
        (SignalName::HOST_MEMORY, share(memory - host.memory_available_bytes as f64, memory)),
        (SignalName::HOST_DISK, host.disks.iter().filter_map(disk).reduce(f64::max)),
    ];
    let measured = values.into_iter().filter_map(|(signal, value)| {
        let reading = Reading::Value(value?);
        Some(Sample { signal: SignalName::new(signal), of: Subject::Service, at, reading })
    });
    measured.collect()
}

/// A value that came with an error covers only some replicas; without saying how many, it cannot be relied upon.
fn reading(sample: &SignalSample) -> Reading {
    match (sample.value, &sample.error, sample.replicas) {
        (Some(value), None, _) => Reading::Value(value),
        (Some(value), Some(why), Some(replicas)) if replicas > 0 => {
            Reading::Partial { value, replicas, why: why.clone() }
        }
        (_, Some(why), _) => Reading::Missing(why.clone()),
        (None, None, _) => Reading::Idle,
    }
}

/// What an application published: a bare JSON number, or a [`PublishedValue`].
pub(crate) fn decode_published(bytes: &[u8]) -> Result<PublishedValue, DecodeError> {
    match serde_json::from_slice::<f64>(bytes) {
        Ok(value) => Ok(PublishedValue { v: payload::VERSION, value, at_ms: None, replica: None }),
        Err(_) => payload::decode(bytes),
    }
}

/// A published value as a sample, received `now`. `None` where it is of a replica that the service does not have.
pub(crate) fn published(
    signal: &str,
    value: &PublishedValue,
    replicas: &[ReplicaInventory],
    now: Timestamp,
) -> Option<Sample> {
    let of = match &value.replica {
        None => Subject::Service,
        Some(beginning) => Subject::Replica(replica_named(beginning, replicas)?),
    };
    let at = value.at_ms.map_or(now, |at| Timestamp::from_millis(at).min(now));
    Some(Sample { signal: SignalName::new(signal), of, at, reading: Reading::Value(value.value) })
}

fn replica_named(beginning: &str, replicas: &[ReplicaInventory]) -> Option<ReplicaId> {
    if beginning.len() < SHORTEST_ID {
        return None;
    }
    let mut matching = replicas.iter().filter(|replica| replica.id.starts_with(beginning));
    let found = matching.next()?;
    matching.next().is_none().then(|| ReplicaId::new(&found.id))
}

/// A service as listed. Moments are given by `here`.
pub(crate) fn observation(
    service: &ServiceInventory,
    host: HostCapacity,
    here: impl Fn(u64) -> Timestamp,
) -> Observation {
    let replicas = service.replicas.iter().filter(|replica| is_up(replica)).map(|replica| Replica {
        id: ReplicaId::new(&replica.id),
        ready_since: replica.ready_ms.map(&here),
        started: replica.started_ms.map(&here),
        cpu_limit_cores: replica.cpu_limit_cores,
        memory_limit_bytes: replica.memory_limit_bytes.map(|bytes| bytes as f64),
        cpu_reservation_cores: replica.cpu_reservation_cores,
        memory_reservation_bytes: replica.memory_reservation_bytes.map(|bytes| bytes as f64),
        protected: replica.protected.clone(),
        restarts: replica.restarts.max(replica.unexpected_exits),
        ..Replica::default()
    });
    Observation {
        replicas: replicas.collect(),
        phase: phase(&service.phase, &here),
        refusals: service.refusals.iter().map(refusal).collect(),
        most: service.most,
        host,
    }
}

/// Whether a replica runs or is on its way: not one that exited, or that was created and never started.
pub(crate) fn is_up(replica: &ReplicaInventory) -> bool {
    matches!(replica.state.as_str(), "running" | "restarting" | "paused")
}

fn phase(phase: &payload::Phase, here: impl Fn(u64) -> Timestamp) -> event::Phase {
    match phase {
        payload::Phase::Settled => event::Phase::Settled,
        payload::Phase::Changing { since_ms, why } => {
            event::Phase::Changing { since: here(*since_ms), why: why.clone() }
        }
        payload::Phase::Stopped { since_ms } => event::Phase::Stopped { since: here(*since_ms) },
        payload::Phase::Unknown => event::Phase::Changing {
            since: here(u64::MAX),
            why: "the agent is newer than the controller and says something that it does not know".to_owned(),
        },
    }
}

fn refusal(refusal: &Refusal) -> String {
    format!("{}: {}", refusal.cause, refusal.cure)
}

/// How carrying out a target went. `ahead` gives the controller's time of a moment to come.
pub(crate) fn outcome(outcome: &payload::Outcome, ahead: impl Fn(u64) -> Timestamp) -> Option<event::Outcome> {
    let failed = |why, retry_at| Some(event::Outcome::Failed { why, retry_at });
    match &outcome.result {
        OutcomeResult::Reached { to, .. } => Some(event::Outcome::Reached { replicas: *to }),
        OutcomeResult::Failed { cause, cure, retry_ms, .. } => failed(format!("{cause}: {cure}"), retry_ms.map(ahead)),
        OutcomeResult::Stale { cause } => failed(cause.clone(), None),
        // Where it was refused, nothing was attempted, and the inventory says why.
        OutcomeResult::Refused { .. } | OutcomeResult::Unknown => None,
    }
}

/// What a policy asks of the agent: its limits, and what to measure for the rules.
pub(crate) fn assignment(policy: &Policy, term: u64, project: &str, service: &str) -> Assignment {
    let read = policy.signals_read();
    let removal = &policy.guards.removal;
    let widest = policy.widest_limits();
    let probes =
        policy.signals.iter().filter(|(name, _)| read.contains(name)).filter_map(|(name, source)| probe(name, source));
    Assignment {
        v: payload::VERSION,
        project: project.to_owned(),
        service: service.to_owned(),
        mode: mode(policy.mode),
        min: widest.min,
        max: widest.max,
        term,
        probes: probes.collect(),
        victims: removal.victims.iter().map(|victim| victim_as(*victim)).collect(),
        drain_ms: removal.drain.map(millis),
        busy: removal.busy.clone().map(|busy| BusyProbe { port: busy.port, path: busy.path }),
        manual_ms: millis(policy.guards.manual),
    }
}

fn victim_as(victim: policy::Victim) -> payload::Victim {
    match victim {
        policy::Victim::Obsolete => payload::Victim::Obsolete,
        policy::Victim::Unhealthy => payload::Victim::Unhealthy,
        policy::Victim::Idle => payload::Victim::Idle,
        policy::Victim::Newest => payload::Victim::Newest,
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A policy's mode as it travels.
pub(crate) fn mode(mode: policy::Mode) -> payload::Mode {
    match mode {
        policy::Mode::Act => payload::Mode::Act,
        policy::Mode::Observe => payload::Mode::Observe,
    }
}

fn probe(name: &SignalName, source: &SignalSource) -> Option<Probe> {
    let signal = name.as_str().to_owned();
    match source.clone() {
        SignalSource::Prometheus { metric, port, path, labels, read } => {
            Some(Probe::Prometheus { signal, port, path, metric, labels, read: read_as(read) })
        }
        SignalSource::Jetstream { server, stream, consumer } => {
            Some(Probe::Jetstream { signal, server, stream, consumer })
        }
        SignalSource::Published | SignalSource::Formula(_) => None,
    }
}

fn read_as(read: policy::Read) -> payload::Read {
    match read {
        policy::Read::Rate => payload::Read::Rate,
        policy::Read::Sum => payload::Read::Sum,
        policy::Read::Mean => payload::Read::Mean,
        policy::Read::Max => payload::Read::Max,
        policy::Read::Quantile(quantile) => payload::Read::Quantile(quantile),
    }
}

#[cfg(test)]
mod tests;
