//! A fleet with one host, a web service that is well and a worker that grows.

use bus::payload::{
    DecisionStatus, HostSample, HostStatus, Mode, Outcome, OutcomeResult, PolicySource, ReplicaInventory,
    ServiceStatus, SignalStatus, Status,
};

/// 2026-01-01 00:00:00 UTC.
pub(super) const NOW: u64 = 1_767_225_600_000;

pub(super) fn fleet(services: Vec<ServiceStatus>) -> Status {
    let sample = HostSample {
        cores: 4,
        cpu_busy_cores: Some(1.9),
        memory_total_bytes: 16 << 30,
        memory_available_bytes: 6 << 30,
        ..HostSample::default()
    };
    Status {
        v: 1,
        at_ms: NOW,
        term: 3,
        since_ms: NOW - 7_500_000,
        policies: vec![PolicySource { origin: "policies/shop.yaml".into(), policies: 2, ..PolicySource::default() }],
        hosts: vec![HostStatus {
            host: "alpha".into(),
            heard_ms: NOW - 400,
            engine: Some("28.5.2".into()),
            sample: Some(sample),
            ..HostStatus::default()
        }],
        services,
        ..Status::default()
    }
}

pub(super) fn web() -> ServiceStatus {
    ServiceStatus {
        host: "alpha".into(),
        project: "shop".into(),
        service: "web".into(),
        policy: Some("policies/shop.yaml".into()),
        mode: Some(Mode::Act),
        min: Some(1),
        max: Some(5),
        target: Some(3),
        running: 3,
        ready: 3,
        signals: vec![cpu()],
        decision: Some(decided(
            3,
            3,
            "hold at 3: cpu 1.62 cores over 30s is work for 2.7 replicas at 60 % each, within the tolerance of 10 %",
        )),
        ..ServiceStatus::default()
    }
}

pub(super) fn worker() -> ServiceStatus {
    let jobs = SignalStatus {
        signal: "queue.jobs".into(),
        text: Some("42".into()),
        value: Some(42.0),
        age_ms: Some(300),
        window_ms: 15_000,
        note: None,
    };
    ServiceStatus {
        service: "worker".into(),
        min: Some(1),
        max: Some(20),
        target: Some(4),
        running: 2,
        ready: 2,
        signals: vec![jobs],
        decision: Some(decided(
            2,
            4,
            "scale 2 → 4: rule 1 wants 5 (queue.jobs 42 over 15s is work for 4.2 replicas at 10 each), but at most 2 are added per 15s",
        )),
        ..web()
    }
}

pub(super) fn cpu() -> SignalStatus {
    SignalStatus {
        signal: "cpu".into(),
        text: Some("1.62 cores (54 % of the limit)".into()),
        value: Some(1.62),
        age_ms: Some(1200),
        window_ms: 30_000,
        note: None,
    }
}

pub(super) fn decided(from: u32, to: u32, sentence: &str) -> DecisionStatus {
    let verdict = match to.cmp(&from) {
        std::cmp::Ordering::Greater => "up",
        std::cmp::Ordering::Less => "down",
        std::cmp::Ordering::Equal => "hold",
    };
    DecisionStatus {
        evaluation: 42,
        at_ms: NOW - 1200,
        verdict: verdict.into(),
        from,
        to,
        sentence: sentence.into(),
        ..DecisionStatus::default()
    }
}

pub(super) fn outcome(result: OutcomeResult) -> Outcome {
    Outcome {
        v: 1,
        host: "alpha".into(),
        project: "shop".into(),
        service: "web".into(),
        term: 3,
        sequence: 7,
        at_ms: NOW - 12_000,
        result,
    }
}

pub(super) fn replica(number: u32) -> ReplicaInventory {
    ReplicaInventory {
        id: format!("{number:064}"),
        name: format!("shop-web-{number}"),
        number,
        state: "running".into(),
        created_ms: NOW - 90_000,
        started_ms: Some(NOW - 89_000),
        ready_ms: Some(NOW - 85_000),
        ..ReplicaInventory::default()
    }
}

pub(super) fn explained() -> ServiceStatus {
    let starting = ReplicaInventory {
        health: Some("starting".into()),
        started_ms: Some(NOW - 2000),
        ready_ms: None,
        managed: true,
        cpu_limit_cores: Some(1.5),
        memory_limit_bytes: Some(256 << 20),
        ..replica(3)
    };
    let old = ReplicaInventory { obsolete: true, restarts: 2, health: Some("healthy".into()), ..replica(2) };
    let missing = SignalStatus {
        signal: "latency.p95".into(),
        window_ms: 60_000,
        note: Some("it never had a sample".into()),
        ..SignalStatus::default()
    };
    let decision = DecisionStatus {
        rules: vec![
            "rule 1 wants 3: cpu 1.62 cores over 30s is work for 2.7 replicas at 60 % each".into(),
            "rule 2 cannot tell: latency.p95 is missing: it never had a sample".into(),
        ],
        guards: vec!["at most 1 is added per 15s, 4 → 3".into()],
        next: Some("cpu above 1.98 cores adds a replica; a guard lets go in 12s".into()),
        ..decided(2, 3, "scale 2 → 3: rule 1 wants 3 (cpu 1.62 cores over 30s is work for 2.7 replicas at 60 % each)")
    };
    let earlier = DecisionStatus { at_ms: NOW - 600_000, ..decided(1, 2, "scale 1 → 2: cpu was 0.9 cores") };
    ServiceStatus {
        ready: 2,
        replicas: vec![replica(1), old, starting],
        signals: vec![cpu(), missing],
        warnings: vec!["no health check: a replica serves as soon as it runs".into()],
        decision: Some(decision),
        history: vec![earlier],
        outcome: Some(outcome(OutcomeResult::Reached { from: 1, to: 2, took_ms: 1340, reasserted: None })),
        ..web()
    }
}
