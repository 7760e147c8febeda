//! Kubernetes' own table of its horizontal pod autoscaler, row by row, where it is at hand.

use std::time::Duration;

use crate::driver::{policy, seconds, table};
use autoscaler::{
    Autoscaler, Event, Memory, Timestamp,
    evaluation::{Opinion, RuleReason},
    event::{Observation, Reading, Replica, ReplicaId, ReplicaState, Sample, Subject},
    explain,
    policy::{Arithmetic, Goal, Group, Guards, HpaSettings, Limits, Policy, Rule, RuleKind, Target, Tolerance},
    quantity::{Quantity, SignalName, Unit},
};
use serde_json::Value;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

#[test]
fn every_row_of_kubernetes_own_table_gives_the_same_count() {
    let Some(rows) = rows("kubernetes-hpa-replica-calculator.json", "cases") else { return };
    assert!(rows.len() > 70, "the table is there: {}", rows.len());
    for row in &rows {
        let name = row["name"].as_str().unwrap_or_default();
        let evaluation = evaluate(row);
        let recommendation = &evaluation.recommendations[0];
        let why = explain::rules(&evaluation).join("; ");
        let expected = &row["expected"];
        let Some(replicas) = expected["replicas"].as_u64() else {
            assert_eq!(recommendation.opinion, Opinion::Unknown, "{name}: {why}");
            continue;
        };
        let replicas = u32::try_from(replicas).expect("a count");
        assert_eq!(recommendation.opinion, Opinion::Wants(replicas), "{name}: {why}");
        let RuleReason::KubernetesHpa { level, .. } = recommendation.reason else {
            panic!("{name}: {:?}", recommendation.reason);
        };
        if let Some(percent) = expected["utilizationPercent"].as_f64() {
            assert!((level * 100.0 - percent).abs() < 1e-9, "{name}: {why}");
        }
    }
}

#[test]
fn each_direction_has_its_own_tolerance() {
    let Some(steps) = rows("kubernetes-hpa-tolerance-sequence.json", "steps") else { return };
    let mut current = 35;
    for step in steps {
        let value = step["value"].as_f64().expect("a value");
        let goal = Goal::PerReplica(absolute(100.0));
        let mut driven = driven(target("published", goal, 0.05, 0.5), HpaSettings::default(), current);
        driven.handle_event(Event::Observed(observation(vec![Replica::default()])), NOW);
        driven.handle_event(Event::Samples(vec![sample("published", Subject::Service, value)]), NOW);
        let expected = u32::try_from(step["expectedReplicas"].as_u64().expect("a count")).expect("a count");
        let opinion = driven.evaluate(NOW).recommendations[0].opinion;
        assert_eq!(opinion, Opinion::Wants(expected), "{value} with {current}");
        current = expected;
    }
}

fn evaluate(row: &Value) -> autoscaler::Evaluation {
    let metric = &row["metric"];
    let kind = metric["kind"].as_str().expect("a kind");
    let (signal, goal) = match kind {
        "resourceUtilization" => {
            let percent = metric["targetUtilizationPercent"].as_f64().expect("a target");
            let resource = metric["resource"].as_str().expect("a resource");
            (resource, Goal::PerReplica(Quantity::OfReservation(percent / 100.0)))
        }
        "pods" => ("published", Goal::PerReplica(absolute(milli(&metric["targetMilli"])))),
        "object" | "external" => ("published", Goal::Total(absolute(milli(&metric["targetMilli"])))),
        _ => ("published", Goal::PerReplica(absolute(milli(&metric["targetPerPodMilli"])))),
    };
    let tolerance = |way: &str| row["tolerance"][way].as_f64().expect("a tolerance");
    let settings = HpaSettings {
        cpu_initialization_period: span(&row["cpuInitializationPeriodSeconds"]),
        initial_readiness_delay: span(&row["delayOfInitialReadinessSeconds"]),
        ..HpaSettings::default()
    };
    let current = u32::try_from(row["currentReplicas"].as_u64().expect("a count")).expect("a count");
    let rule = target(signal, goal, tolerance("scaleUp"), tolerance("scaleDown"));
    let mut driven = driven(rule, settings, current);
    let pods = row["pods"].as_array().expect("pods");
    let container = metric["container"].as_str();
    let replicas = pods.iter().map(|pod| replica(pod, signal, container)).collect();
    driven.handle_event(Event::Observed(observation(replicas)), NOW);
    let unknown = row["metricsForUnknownPods"].as_array().into_iter().flatten();
    let samples = pods.iter().chain(unknown).filter_map(|pod| {
        let value = usage(&pod["containerUsageMilli"], container).or_else(|| pod["metricMilli"].as_f64())?;
        Some(sample(signal, Subject::Replica(id(pod)), value / 1000.0))
    });
    let own = metric["valuesMilli"].as_array().map(|values| values.iter().map(milli).sum());
    let own = own.map(|value: f64| sample(signal, Subject::Service, value));
    driven.handle_event(Event::Samples(samples.chain(own).collect()), NOW);
    driven.evaluate(NOW)
}

fn replica(pod: &Value, signal: &str, container: Option<&str>) -> Replica {
    let deleting = pod["deleting"].as_bool().unwrap_or_default();
    let state = match pod["phase"].as_str().unwrap_or_default() {
        _ if deleting => ReplicaState::Removing,
        "Pending" => ReplicaState::Pending,
        "Failed" => ReplicaState::Failed,
        _ => ReplicaState::Running,
    };
    let started = pod["startedSecondsAgo"].as_u64().map_or(NOW.minus(seconds(43_200)), |ago| NOW.minus(seconds(ago)));
    let ready = pod["ready"].as_bool().unwrap_or_default();
    let request = usage(&pod["containerRequestsMilli"], container).map(|milli| milli / 1000.0);
    Replica {
        id: id(pod),
        state,
        started: Some(started),
        ready_since: ready.then_some(started),
        unready_since: (!ready).then_some(started),
        cpu_reservation_cores: request.filter(|_| signal == "cpu"),
        memory_reservation_bytes: request.filter(|_| signal == "memory"),
        ..Replica::default()
    }
}

/// Of one container, or of all of them together; none where the container has none.
fn usage(of_containers: &Value, container: Option<&str>) -> Option<f64> {
    let values: Vec<f64> = of_containers.as_array()?.iter().filter_map(Value::as_f64).collect();
    match container {
        None => Some(values.iter().sum()),
        Some(name) => {
            let place: usize = name.trim_start_matches("container").parse().expect("a number");
            values.get(place - 1).copied()
        }
    }
}

fn id(pod: &Value) -> ReplicaId {
    ReplicaId::new(pod["name"].as_str().expect("a name"))
}

fn milli(value: &Value) -> f64 {
    value.as_f64().expect("thousandths") / 1000.0
}

fn span(value: &Value) -> Duration {
    seconds(value.as_u64().expect("seconds"))
}

fn absolute(value: f64) -> Quantity {
    Quantity::Absolute { value, unit: Unit::Number }
}

fn sample(signal: &str, of: Subject, value: f64) -> Sample {
    Sample { signal: SignalName::new(signal), of, at: NOW, reading: Reading::Value(value) }
}

fn observation(replicas: Vec<Replica>) -> Observation {
    Observation { replicas, ..Observation::default() }
}

fn target(signal: &str, goal: Goal, up: f64, down: f64) -> Rule {
    let signal = SignalName::new(signal);
    RuleKind::Target(Target { signal, goal, window: Rule::WINDOW, tolerance: Tolerance { up, down } }).into()
}

/// A service under this rule alone, of which there shall be `current`.
fn driven(rule: Rule, settings: HpaSettings, current: u32) -> Autoscaler {
    let policy = Policy {
        arithmetic: Arithmetic::KubernetesHpa(settings),
        guards: Guards::none(),
        limits: Limits::new(1, 1000),
        combine: Group::largest(1),
        rules: vec![rule],
        ..policy("warm_up 0s", "target cpu 50%")
    };
    let mut memory = Memory::default();
    memory.set_target(current);
    Autoscaler::restore(policy, memory)
}

fn rows(file: &str, of: &str) -> Option<Vec<Value>> {
    table(file)?[of].as_array().cloned()
}
