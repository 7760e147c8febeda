//! One evaluation of a service with ten replicas and four rules, and one with the samples of a second before it.

use std::{collections::BTreeMap, hint::black_box, time::Duration};

use autoscaler::{
    Autoscaler, Event, Policy, Timestamp,
    event::{HostCapacity, Observation, Reading, Replica, ReplicaId, Sample, Subject},
    explain,
    policy::{
        Action, Arithmetic, Bounds, Direction, Goal, Group, Guards, Lasting, Limits, Mode, Rounding, Rule, RuleKind,
        Selector, SignalSource, Step, StepSize, Target, Threshold, Tolerance,
    },
    quantity::{Quantity, SignalName, Unit},
};
use criterion::{Criterion, criterion_group, criterion_main};

const REPLICAS: u32 = 10;

fn policy() -> Policy {
    let target = |signal: &str, per_replica| {
        Rule::from(RuleKind::Target(Target {
            signal: SignalName::new(signal),
            goal: Goal::PerReplica(per_replica),
            window: Rule::WINDOW,
            tolerance: Tolerance::both(Rule::TOLERANCE),
        }))
    };
    let threshold = |signal: &str, value, direction| {
        let bound = Quantity::Absolute { value, unit: Unit::Seconds };
        Rule::from(RuleKind::Threshold(Threshold {
            signal: SignalName::new(signal),
            bounds: if direction == Direction::Up { Bounds::above(bound) } else { Bounds::below(bound) },
            lasting: Lasting::For(Duration::from_secs(30)),
            action: Action::Step(Step { direction, size: StepSize::Count(1) }),
            rounding: Rounding::default(),
            at_least_step: 1,
            limit: None,
            window: Rule::WINDOW,
        }))
    };
    let rules = vec![
        target("cpu", Quantity::OfLimit(0.7)),
        target("queue.jobs", Quantity::Absolute { value: 20.0, unit: Unit::Number }),
        threshold("latency.p95", 0.25, Direction::Up),
        threshold("latency.p95", 0.05, Direction::Down),
    ];
    Policy {
        services: Selector { host: None, project: "shop".into(), service: "web".into() },
        mode: Mode::Act,
        pause: None,
        limits: Limits::new(2, 20),
        arithmetic: Arithmetic::Demand,
        signals: BTreeMap::from([(SignalName::new("latency.p95"), SignalSource::Published)]),
        combine: Group::largest(rules.len()),
        rules,
        guards: Guards::default(),
    }
}

fn samples(now: Timestamp) -> Event {
    let sample = |signal: &str, of, value| Sample {
        signal: SignalName::new(signal),
        of,
        at: now,
        reading: Reading::Value(value),
    };
    let mut samples: Vec<_> = (0..REPLICAS)
        .flat_map(|number| {
            let of = Subject::Replica(ReplicaId(format!("{number:064}")));
            [sample("cpu", of.clone(), 0.5 + f64::from(number) / 50.0), sample("memory", of, 1e8)]
        })
        .collect();
    samples.push(sample("queue.jobs", Subject::Service, 130.0));
    samples.push(sample("latency.p95", Subject::Service, 0.12));
    Event::Samples(samples)
}

/// A service that has been measured for ten minutes.
fn settled() -> (Autoscaler, Timestamp) {
    let mut autoscaler = Autoscaler::new(policy());
    let mut now = Timestamp::from_millis(1_800_000_000_000);
    let replicas = (0..REPLICAS).map(|number| Replica {
        id: ReplicaId(format!("{number:064}")),
        ready_since: Some(now.minus(Duration::from_mins(10))),
        cpu_limit_cores: Some(1.0),
        ..Replica::default()
    });
    let host = HostCapacity { cores: Some(8.0), memory_bytes: Some(1e10), ..HostCapacity::default() };
    let observation = Observation { replicas: replicas.collect(), host, ..Observation::default() };
    autoscaler.handle_event(Event::Observed(observation), now);
    for _ in 0..600 {
        now = now.plus(Duration::from_secs(1));
        autoscaler.handle_event(samples(now), now);
        let evaluation = autoscaler.evaluate(now);
        autoscaler.record(&evaluation);
    }
    (autoscaler, now)
}

fn decision(criterion: &mut Criterion) {
    let (autoscaler, now) = settled();
    criterion.bench_function("evaluate", |bencher| bencher.iter(|| black_box(autoscaler.evaluate(now))));
    let evaluation = autoscaler.evaluate(now);
    criterion.bench_function("explain", |bencher| bencher.iter(|| black_box(explain::sentence(&evaluation))));
    let (mut autoscaler, mut now) = settled();
    criterion.bench_function("a second: samples, evaluate, record", |bencher| {
        bencher.iter(|| {
            now = now.plus(Duration::from_secs(1));
            autoscaler.handle_event(samples(now), now);
            let evaluation = autoscaler.evaluate(now);
            autoscaler.record(&evaluation);
        });
    });
}

criterion_group!(benches, decision);
criterion_main!(benches);
