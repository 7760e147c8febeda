//! Policy files: what they mean, and what is said about the broken ones.

#![expect(clippy::disallowed_methods, reason = "the core does no input or output; its tests read their files")]

mod golden;
mod layers;
mod layout;
mod properties;
mod traps;

use std::{collections::BTreeMap, time::Duration};

use autoscaler::{
    policy::{
        Direction, DirectionGuards, Guards, Limits, Mode, Policy, Read, Rule, Selector, Side, SignalSource, Step,
        StepSize, Target, Threshold,
    },
    policy_file::parse,
    quantity::{Quantity, SignalName, Unit},
};

#[test]
fn every_key_is_read() {
    let text = r#"
service: shop/web
replicas: { min: 2, max: 20 }
mode: observe
signals:
  requests:    { prometheus: http_requests_total, read: rate, port: 8080, path: /stats, labels: { code: "200" } }
  latency.p95: { prometheus: http_request_duration_seconds, read: p95 }
  queue.jobs:  { jetstream: { stream: JOBS, consumer: workers, server: "nats://queue:4222" } }
  depth:       published
rules:
  - target:    { signal: cpu, per_replica: 70%, window: 30s, tolerance: 5% }
  - target:    { signal: queue.jobs, per_replica: 20 }
  - threshold: { signal: latency.p95, above: 250ms, for: 30s, add: 50% }
  - threshold: { signal: cpu, below: 30%, for: 15m, remove: 1, window: 1m }
  - target:    { signal: requests, per_replica: 120/s }
  - target:    { signal: depth, per_replica: 1GiB }
guards:
  up:   { cooldown: 30s, stabilize: 0s }
  down: { cooldown: 5m, stabilize: 10m }
  missing: hold
  warm_up: 20s
  stale_after: 15s
"#;
    let file = parse("web.yaml", text).expect("the policy is valid");
    assert_eq!(file.warnings, []);
    assert_eq!(file.policies, [every_key()]);
}

fn every_key() -> Policy {
    let target = |signal: &str, per_replica| Target {
        signal: SignalName::new(signal),
        per_replica,
        window: Rule::WINDOW,
        tolerance: Rule::TOLERANCE,
    };
    let absolute = |value, unit| Quantity::Absolute { value, unit };
    Policy {
        services: Selector { host: None, project: "shop".to_owned(), service: "web".to_owned() },
        mode: Mode::Observe,
        limits: Limits { min: 2, max: 20 },
        signals: BTreeMap::from([
            (
                SignalName::new("requests"),
                SignalSource::Prometheus {
                    metric: "http_requests_total".to_owned(),
                    port: Some(8080),
                    path: "/stats".to_owned(),
                    labels: BTreeMap::from([("code".to_owned(), "200".to_owned())]),
                    read: Read::Rate,
                },
            ),
            (
                SignalName::new("latency.p95"),
                SignalSource::Prometheus {
                    metric: "http_request_duration_seconds".to_owned(),
                    port: None,
                    path: "/metrics".to_owned(),
                    labels: BTreeMap::new(),
                    read: Read::Quantile(0.95),
                },
            ),
            (
                SignalName::new("queue.jobs"),
                SignalSource::Jetstream {
                    server: Some("nats://queue:4222".to_owned()),
                    stream: "JOBS".to_owned(),
                    consumer: "workers".to_owned(),
                },
            ),
            (SignalName::new("depth"), SignalSource::Published),
        ]),
        rules: vec![
            Rule::Target(Target {
                window: Duration::from_secs(30),
                tolerance: 0.05,
                ..target("cpu", Quantity::OfLimit(0.7))
            }),
            Rule::Target(target("queue.jobs", absolute(20.0, Unit::Number))),
            Rule::Threshold(Threshold {
                signal: SignalName::new("latency.p95"),
                when: Side::Above,
                bound: absolute(0.25, Unit::Seconds),
                hold_for: Duration::from_secs(30),
                step: Step { direction: Direction::Up, size: StepSize::Share(0.5) },
                window: Rule::WINDOW,
            }),
            Rule::Threshold(Threshold {
                signal: SignalName::new("cpu"),
                when: Side::Below,
                bound: Quantity::OfLimit(0.3),
                hold_for: Duration::from_mins(15),
                step: Step { direction: Direction::Down, size: StepSize::Count(1) },
                window: Duration::from_mins(1),
            }),
            Rule::Target(target("requests", absolute(120.0, Unit::PerSecond))),
            Rule::Target(target("depth", absolute(1_073_741_824.0, Unit::Bytes))),
        ],
        guards: Guards {
            up: DirectionGuards { cooldown: Duration::from_secs(30), stabilize: Duration::ZERO },
            down: DirectionGuards { cooldown: Duration::from_mins(5), stabilize: Duration::from_mins(10) },
            warm_up: Duration::from_secs(20),
            stale_after: Duration::from_secs(15),
        },
    }
}

#[test]
fn what_is_not_given_is_as_by_default() {
    let text =
        "service: shop/web\nreplicas: { min: 1, max: 3 }\nrules:\n  - threshold: { signal: cpu, above: 80%, add: 1 }\n";
    let file = parse("web.yaml", text).expect("the policy is valid");
    let [policy] = file.policies.as_slice() else { panic!("{} policies", file.policies.len()) };
    assert_eq!((policy.mode, policy.guards.clone()), (Mode::Act, Guards::default()));
    let [Rule::Threshold(rule)] = policy.rules.as_slice() else { panic!("{:?}", policy.rules) };
    assert_eq!((rule.hold_for, rule.window), (Duration::ZERO, Rule::WINDOW));
}
