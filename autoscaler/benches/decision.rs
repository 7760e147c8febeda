//! One evaluation of a service with ten replicas, five rules (one of each common kind) and every guard on, and one with the
//! samples of a second before it.

use std::{hint::black_box, time::Duration};

use autoscaler::{
    Autoscaler, Event, Policy, Timestamp,
    event::{HostCapacity, Observation, Reading, Replica, ReplicaId, Sample, Subject},
    explain, policy_file,
    quantity::SignalName,
};
use criterion::{Criterion, criterion_group, criterion_main};

const REPLICAS: u32 = 10;

const POLICY: &str = "
service: shop/web
replicas: { min: 2, max: 40 }
signals:
  requests: published
  latency.p95: published
  errors: published
  queue.jobs: published
rules:
  - target: { signal: cpu, per_replica: 70% }
  - target: { signal: requests, per_replica: 120/s }
  - threshold: { signal: latency.p95, above: 250ms, for: 30s, add: 50% }
  - threshold: { signal: errors, above: 5/s, samples: 3 of 5, add: 1 }
  - queue: { signal: queue.jobs, drain_in: 5m, job_takes: 2s, arrivals: requests, at_once: 4 }
guards:
  up: { cooldown: 30s, stabilize: 10s, at_most: [4 per 15s, 100% per 15s], step: 10 }
  down:
    cooldown: 5m
    stabilize: 5m
    at_most: [1 per 1m]
    step: 2
    unless: [{ signal: latency.p95, above: 250ms }, { signal: errors, above_normal: 50% }]
  missing: { last_good: 2m, after: 30s, then: { at_least: 4 } }
  headroom: { cpu: 10%, memory: 512MiB }
  budgets: [{ name: db connections, total: 400, reserve: 20, per_replica: 8 }]
  worse: { signal: errors, by: 50%, within: 2m }
";

fn policy() -> Policy {
    policy_file::parse("policy", POLICY).expect("a policy").policies.remove(0)
}

fn samples(requests: f64, now: Timestamp) -> Event {
    let sample = |signal: &str, of, value| Sample {
        signal: SignalName::new(signal),
        of,
        at: now,
        reading: Reading::Value(value),
    };
    let mut samples: Vec<_> = (0..REPLICAS)
        .flat_map(|number| {
            let of = Subject::Replica(ReplicaId::new(format!("{number:064}")));
            [sample("cpu", of.clone(), 0.5 + f64::from(number) / 50.0), sample("memory", of, 1e8)]
        })
        .collect();
    for (signal, value) in [("requests", requests), ("latency.p95", 0.12), ("errors", 0.4), ("queue.jobs", 130.0)] {
        samples.push(sample(signal, Subject::Service, value));
    }
    Event::Samples(samples)
}

/// A service that has been measured for ten minutes, with so many requests a second.
fn settled(requests: f64) -> (Autoscaler, Timestamp) {
    let mut autoscaler = Autoscaler::new(policy());
    let mut now = Timestamp::from_millis(1_800_000_000_000);
    let replicas = (0..REPLICAS).map(|number| Replica {
        id: ReplicaId::new(format!("{number:064}")),
        ready_since: Some(now.minus(Duration::from_mins(10))),
        cpu_limit_cores: Some(1.0),
        ..Replica::default()
    });
    let host = HostCapacity { cores: Some(8.0), memory_bytes: Some(1e10), ..HostCapacity::default() };
    let observation = Observation { replicas: replicas.collect(), host, ..Observation::default() };
    autoscaler.handle_event(Event::Observed(observation), now);
    for _ in 0..600 {
        now = now.plus(Duration::from_secs(1));
        autoscaler.handle_event(samples(requests, now), now);
        let evaluation = autoscaler.evaluate(now);
        autoscaler.record(&evaluation);
    }
    (autoscaler, now)
}

fn decision(criterion: &mut Criterion) {
    for (name, requests) in [("evaluate, which holds", 1150.0), ("evaluate, which adds", 2400.0)] {
        let (mut autoscaler, now) = settled(1150.0);
        let now = now.plus(Duration::from_mins(1));
        autoscaler.handle_event(samples(requests, now), now);
        criterion.bench_function(name, |bencher| bencher.iter(|| black_box(autoscaler.evaluate(now))));
    }
    let (autoscaler, now) = settled(1150.0);
    let evaluation = autoscaler.evaluate(now);
    criterion.bench_function("explain", |bencher| bencher.iter(|| black_box(explain::sentence(&evaluation))));
    let (mut autoscaler, mut now) = settled(1150.0);
    criterion.bench_function("a second: samples, evaluate, record", |bencher| {
        bencher.iter(|| {
            now = now.plus(Duration::from_secs(1));
            autoscaler.handle_event(samples(1150.0, now), now);
            let evaluation = autoscaler.evaluate(now);
            autoscaler.record(&evaluation);
        });
    });
}

criterion_group!(benches, decision);
criterion_main!(benches);
