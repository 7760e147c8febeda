//! One value of each payload, with every field set, so that the files show all of the format.

use std::collections::BTreeMap;

use bus::payload::*;
use serde_json::json;

const AT: u64 = 1_700_000_000_000;

pub(crate) fn samples() -> Samples {
    Samples {
        v: 1,
        host: "node-1".into(),
        agent: "7f3a".into(),
        sequence: 42,
        at_ms: AT,
        lost: 3,
        host_sample: Some(host_sample()),
        replicas: vec![replica_sample(), ReplicaSample { id: id('b'), ..ReplicaSample::default() }],
        signals: vec![
            SignalSample {
                project: "shop".into(),
                service: "web".into(),
                signal: "requests".into(),
                at_ms: AT,
                value: Some(118.5),
                replicas: Some(2),
                error: None,
            },
            SignalSample {
                project: "shop".into(),
                service: "worker".into(),
                signal: "queue.jobs".into(),
                at_ms: AT,
                value: None,
                replicas: None,
                error: Some("the stream JOBS has no consumer worker".into()),
            },
        ],
    }
}

pub(crate) fn samples_with_nothing_measured() -> Samples {
    Samples { host_sample: None, replicas: vec![], signals: vec![], lost: 0, ..samples() }
}

fn host_sample() -> HostSample {
    HostSample {
        cores: 8,
        cpu_busy_cores: Some(2.25),
        memory_total_bytes: 16_000_000_000,
        memory_available_bytes: 9_000_000_000,
        pressure: Some(Pressure {
            cpu_some: 0.5,
            memory_some: 0.25,
            memory_full: 0.125,
            io_some: 0.0625,
            io_full: 0.0,
        }),
        load: [1.5, 1.25, 1.0],
        disks: vec![DiskSample { mount: "/".into(), total_bytes: 100_000_000_000, available_bytes: 40_000_000_000 }],
        disk_read_bytes_per_second: Some(1000.0),
        disk_write_bytes_per_second: Some(2000.0),
        network_receive_bytes_per_second: Some(3000.0),
        network_transmit_bytes_per_second: Some(4000.0),
    }
}

fn replica_sample() -> ReplicaSample {
    ReplicaSample {
        id: id('a'),
        project: "shop".into(),
        service: "web".into(),
        cpu_cores: Some(0.75),
        cpu_throttled: Some(0.125),
        memory_bytes: Some(50_000_000),
        network_receive_bytes_per_second: Some(100.0),
        network_transmit_bytes_per_second: Some(200.0),
        block_read_bytes_per_second: Some(300.0),
        block_write_bytes_per_second: Some(400.0),
        pids: Some(5),
        source: Some(SampleSource::Cgroup),
    }
}

pub(crate) fn published_value() -> PublishedValue {
    PublishedValue { v: 1, value: 42.5, at_ms: Some(AT), replica: Some(id('a')[..12].into()) }
}

pub(crate) fn inventory() -> Inventory {
    let service = |service: &str, phase: Phase| ServiceInventory {
        project: "shop".into(),
        service: service.into(),
        replicas: vec![],
        phase,
        refusals: vec![],
        most: None,
        warnings: vec![],
        labels: BTreeMap::new(),
        count_by_others: None,
    };
    Inventory {
        v: 1,
        host: "node-1".into(),
        agent: "7f3a".into(),
        sequence: 7,
        at_ms: AT,
        engine: Some("28.5.2".into()),
        engine_error: None,
        services: vec![
            ServiceInventory {
                replicas: vec![replica(), ReplicaInventory { id: id('b'), number: 2, ..ReplicaInventory::default() }],
                most: Some(10),
                warnings: vec!["no health check: a replica counts as serving as soon as it runs".into()],
                labels: BTreeMap::from([("ballast.min".into(), "2".into()), ("ballast.max".into(), "10".into())]),
                ..service("web", Phase::Settled)
            },
            service("worker", Phase::Changing { since_ms: AT, why: "a container was created by Compose".into() }),
            ServiceInventory { refusals: vec![refusal()], ..service("db", Phase::Stopped { since_ms: AT }) },
        ],
    }
}

/// What was added after the first release of version 1.
pub(crate) fn inventory_with_exits_and_others() -> Inventory {
    let mut inventory = inventory();
    let web = &mut inventory.services[0];
    web.count_by_others = Some(CountByOthers { at_ms: AT, replicas: 5, before: 3, reset: true });
    web.replicas[0] = ReplicaInventory {
        cpu_reservation_cores: Some(0.25),
        memory_reservation_bytes: Some(32_000_000),
        protected: Some("its label ballast.protect".into()),
        last_exit_ms: Some(AT - 2500),
        exit_code: Some(137),
        exited_unexpectedly: true,
        unexpected_exits: 2,
        ..replica()
    };
    inventory
}

pub(crate) fn inventory_without_engine() -> Inventory {
    Inventory { engine: None, engine_error: Some("connection refused".into()), services: vec![], ..inventory() }
}

fn replica() -> ReplicaInventory {
    ReplicaInventory {
        id: id('a'),
        name: "shop-web-1".into(),
        number: 1,
        state: "running".into(),
        health: Some("healthy".into()),
        created_ms: AT - 3000,
        started_ms: Some(AT - 2000),
        ready_ms: Some(AT - 1000),
        obsolete: false,
        managed: true,
        restarts: 1,
        cpu_limit_cores: Some(0.5),
        memory_limit_bytes: Some(64_000_000),
        ..ReplicaInventory::default()
    }
}

fn refusal() -> Refusal {
    Refusal {
        code: "fixed-host-port".into(),
        cause: "port 5432 of the host can be taken only once".into(),
        cure: "publish a range, or no port".into(),
    }
}

pub(crate) fn assignment() -> Assignment {
    let prometheus = |signal: &str, read| Probe::Prometheus {
        signal: signal.into(),
        port: Some(9090),
        path: "/metrics".into(),
        metric: "http_request_duration_seconds".into(),
        labels: BTreeMap::from([("code".into(), "200".into())]),
        read,
    };
    Assignment {
        v: 1,
        project: "shop".into(),
        service: "web".into(),
        mode: Mode::Act,
        min: 2,
        max: 20,
        term: 3,
        probes: vec![
            prometheus("requests", Read::Rate),
            prometheus("open", Read::Sum),
            prometheus("load", Read::Mean),
            prometheus("worst", Read::Max),
            prometheus("latency.p95", Read::Quantile(0.95)),
            Probe::Jetstream {
                signal: "queue.jobs".into(),
                server: Some("nats://queue:4222".into()),
                stream: "JOBS".into(),
                consumer: "worker".into(),
            },
            Probe::Unknown(json!({ "telepathy": { "signal": "mood" } })),
        ],
        victims: Victim::usual(),
        drain_ms: None,
        busy: None,
        manual_ms: 0,
    }
}

/// What was added after the first release of version 1.
pub(crate) fn assignment_with_removals() -> Assignment {
    Assignment {
        probes: vec![],
        victims: vec![Victim::Obsolete, Victim::Unhealthy, Victim::Idle, Victim::Newest],
        drain_ms: Some(30_000),
        busy: Some(BusyProbe { port: Some(8080), path: "/busy".into() }),
        manual_ms: 600_000,
        ..assignment()
    }
}

pub(crate) fn target() -> Target {
    Target {
        v: 1,
        project: "shop".into(),
        service: "web".into(),
        replicas: 4,
        term: 3,
        sequence: 12,
        issued_ms: AT,
        valid_for_ms: 60_000,
        evaluation: 345,
        reason: "2 → 4: cpu 91% of 70% per replica".into(),
    }
}

fn outcome(result: OutcomeResult) -> Outcome {
    Outcome {
        v: 1,
        host: "node-1".into(),
        project: "shop".into(),
        service: "web".into(),
        term: 3,
        sequence: 12,
        at_ms: AT,
        result,
    }
}

pub(crate) fn outcome_reached() -> Outcome {
    outcome(OutcomeResult::Reached {
        from: 2,
        to: 4,
        took_ms: 1850,
        reasserted: Some("docker compose up had brought it to 2".into()),
    })
}

pub(crate) fn outcome_failed() -> Outcome {
    outcome(OutcomeResult::Failed {
        from: 2,
        reached: 2,
        cause: "the new replica exited with code 1".into(),
        cure: "see docker logs shop-web-3".into(),
        retry_ms: Some(AT + 30_000),
    })
}

pub(crate) fn outcome_refused() -> Outcome {
    outcome(OutcomeResult::Refused { refusals: vec![refusal()] })
}

pub(crate) fn outcome_stale() -> Outcome {
    outcome(OutcomeResult::Stale { cause: "term 2 is older than 3".into() })
}

pub(crate) fn question() -> Question {
    Question { v: 1, service: Some("shop/web".into()), ..Question::default() }
}

pub(crate) fn question_history() -> Question {
    let history = HistorySpan { from_ms: AT - 600_000, until_ms: AT, after: Some(1234) };
    Question { history: Some(history), ..question() }
}

pub(crate) fn history() -> History {
    History {
        v: 1,
        service: Some("node-1/shop/web".into()),
        chunks: vec!["eyJ2IjoxfQo=".into()],
        next: Some(1235),
        error: Some("no history is kept".into()),
    }
}

pub(crate) fn status() -> Status {
    Status {
        v: 1,
        at_ms: AT,
        term: 3,
        since_ms: AT - 60_000,
        policies: vec![PolicySource {
            origin: "policies/web.yaml".into(),
            policies: 1,
            error: Some("line 4, column 3: unknown key `cooldwon`, did you mean `cooldown`?".into()),
            warnings: vec!["line 2: replicas.min equals replicas.max".into()],
        }],
        hosts: vec![HostStatus {
            host: "node-1".into(),
            heard_ms: AT - 400,
            lost: false,
            lost_payloads: 3,
            engine: Some("28.5.2".into()),
            sample: Some(host_sample()),
            warnings: vec!["its clock is 4s ahead".into()],
        }],
        services: vec![service_status(), ServiceStatus { service: "db".into(), ..ServiceStatus::default() }],
        warnings: vec!["another controller is in charge".into()],
        error: Some("web is ambiguous: shop/web, blog/web".into()),
    }
}

pub(crate) fn status_with_forecasts() -> Status {
    let known = ForecastStatus {
        rule: 2,
        settings: json!({ "signal": "requests" }),
        state: Some(json!({ "forecaster": { "step": 5000 } })),
    };
    let unknown = ForecastStatus { rule: 3, settings: json!({ "signal": "jobs" }), state: None };
    let service = ServiceStatus { service: "web".into(), forecasts: vec![known, unknown], ..ServiceStatus::default() };
    Status { v: 1, at_ms: AT, services: vec![service], ..Status::default() }
}

fn service_status() -> ServiceStatus {
    ServiceStatus {
        host: "node-1".into(),
        project: "shop".into(),
        service: "web".into(),
        policy: Some("policies/web.yaml:1".into()),
        mode: Some(Mode::Observe),
        paused: None,
        min: Some(2),
        max: Some(20),
        target: Some(4),
        running: 4,
        ready: 3,
        replicas: vec![replica()],
        phase: Phase::Settled,
        refusals: vec![refusal()],
        warnings: vec!["published port range allows 10".into()],
        signals: vec![SignalStatus {
            signal: "cpu".into(),
            text: Some("91%".into()),
            value: Some(0.91),
            age_ms: Some(400),
            window_ms: 30_000,
            note: Some("1 of 4 replicas is warming up".into()),
        }],
        decision: Some(decision()),
        history: vec![DecisionStatus { evaluation: 300, ..DecisionStatus::default() }],
        outcome: Some(outcome_reached()),
        settings: Vec::new(),
        forecasts: Vec::new(),
        policy_error: None,
    }
}

fn decision() -> DecisionStatus {
    DecisionStatus {
        evaluation: 345,
        at_ms: AT,
        verdict: "up".into(),
        from: 2,
        to: 4,
        sentence: "2 → 4: cpu 91% of 70% per replica".into(),
        signals: Vec::new(),
        warnings: Vec::new(),
        rules: vec!["target cpu 70%: wants 4".into()],
        guards: vec!["max 20: no effect".into()],
        next: Some("down in 4 min 30 s if cpu stays below 70%".into()),
        evaluation_detail: Some(json!({ "rules": [{ "wants": 4 }] })),
    }
}

fn id(digit: char) -> String {
    digit.to_string().repeat(64)
}
