//! Tables: what travels, and what becomes of it.

use bus::payload::{HostSample, ReplicaSample, Samples};

use super::*;

fn here(agent_ms: u64) -> Timestamp {
    Timestamp::from_millis(agent_ms + 1_000_000)
}

fn signal(value: Option<f64>, replicas: Option<u32>, error: Option<&str>) -> SignalSample {
    SignalSample {
        project: "shop".to_owned(),
        service: "web".to_owned(),
        signal: "latency".to_owned(),
        at_ms: 40,
        value,
        replicas,
        error: error.map(str::to_owned),
    }
}

#[test]
fn what_a_probe_found_is_a_value_a_part_idle_or_missing_and_never_zero() {
    let missing = |why: &str| Reading::Missing(why.to_owned());
    for (sample, expected) in [
        (signal(Some(2.5), Some(3), None), Reading::Value(2.5)),
        (signal(Some(2.5), None, None), Reading::Value(2.5)),
        (
            signal(Some(2.5), Some(2), Some("web-3 hangs")),
            Reading::Partial { value: 2.5, replicas: 2, why: "web-3 hangs".to_owned() },
        ),
        (signal(Some(2.5), Some(0), Some("all hang")), missing("all hang")),
        (signal(Some(2.5), None, Some("half an answer")), missing("half an answer")),
        (signal(None, Some(3), Some("refused")), missing("refused")),
        (signal(None, None, None), Reading::Idle),
    ] {
        assert_eq!(reading(&sample), expected, "{sample:?}");
    }
}

#[test]
fn samples_carry_the_controllers_time_and_leave_out_what_was_not_measured() {
    let replica = |id: &str, cpu_cores, memory_bytes| ReplicaSample {
        id: id.to_owned(),
        project: "shop".to_owned(),
        service: "web".to_owned(),
        cpu_cores,
        memory_bytes,
        ..ReplicaSample::default()
    };
    let payload = Samples {
        v: 1,
        host: "a".to_owned(),
        agent: "first".to_owned(),
        sequence: 1,
        at_ms: 50,
        lost: 0,
        host_sample: Some(HostSample::default()),
        replicas: vec![replica("one", Some(0.5), Some(1024)), replica("two", None, Some(2048))],
        signals: vec![signal(Some(2.5), None, None)],
    };
    let found = samples(&payload, here);
    let lines: Vec<String> = found
        .values()
        .flatten()
        .map(|it| format!("{} {:?} {} {:?}", it.signal, it.of, it.at.as_millis() - 1_000_000, it.reading))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    cpu Replica(ReplicaId("one")) 50 Value(0.5)
    memory Replica(ReplicaId("one")) 50 Value(1024.0)
    memory Replica(ReplicaId("two")) 50 Value(2048.0)
    latency Service 40 Value(2.5)
    "#);
}

#[test]
fn only_what_runs_or_is_starting_is_a_replica() {
    for (state, expected) in [
        ("running", true),
        ("restarting", true),
        ("paused", true),
        ("created", false),
        ("exited", false),
        ("dead", false),
        ("removing", false),
        ("", false),
    ] {
        let replica = ReplicaInventory { state: state.to_owned(), ..ReplicaInventory::default() };
        assert_eq!(is_up(&replica), expected, "{state}");
    }
}

#[test]
fn a_phase_that_the_controller_does_not_know_freezes() {
    for (travelled, expected) in [
        (payload::Phase::Settled, event::Phase::Settled),
        (payload::Phase::Stopped { since_ms: 7 }, event::Phase::Stopped { since: here(7) }),
        (
            payload::Phase::Changing { since_ms: 7, why: "compose".to_owned() },
            event::Phase::Changing { since: here(7), why: "compose".to_owned() },
        ),
    ] {
        assert_eq!(phase(&travelled, here), expected);
    }
    let at = |agent_ms: u64| Timestamp::from_millis(agent_ms.min(9));
    assert!(matches!(phase(&payload::Phase::Unknown, at), event::Phase::Changing { .. }));
}

#[test]
fn an_outcome_says_what_went_wrong_and_what_helps() {
    let refusal = Refusal { code: "x".to_owned(), cause: "a fixed port".to_owned(), cure: "use a range".to_owned() };
    let failed = |why: &str, retry_at| Some(event::Outcome::Failed { why: why.to_owned(), retry_at });
    for (result, expected) in [
        (
            OutcomeResult::Reached { from: 1, to: 3, took_ms: 5, reasserted: None },
            Some(event::Outcome::Reached { replicas: 3 }),
        ),
        (
            OutcomeResult::Failed {
                from: 1,
                reached: 2,
                cause: "no image".to_owned(),
                cure: "pull".to_owned(),
                retry_ms: Some(9),
            },
            failed("no image: pull", Some(here(9))),
        ),
        (OutcomeResult::Refused { refusals: vec![refusal] }, None),
        (OutcomeResult::Stale { cause: "term 3 is newer".to_owned() }, failed("term 3 is newer", None)),
        (OutcomeResult::Unknown, None),
    ] {
        let travelled = payload::Outcome {
            v: 1,
            host: "a".to_owned(),
            project: "shop".to_owned(),
            service: "web".to_owned(),
            term: 1,
            sequence: 1,
            at_ms: 8,
            result,
        };
        assert_eq!(outcome(&travelled, here), expected);
    }
}

#[test]
fn a_published_value_is_of_one_replica_only_where_that_is_certain() {
    let replica = |id: &str| ReplicaInventory { id: id.to_owned(), ..ReplicaInventory::default() };
    let replicas = [replica("0123456789abcdef01"), replica("0123456789abcdef02"), replica("fedcba9876543210ff")];
    for (named, expected) in [
        ("fedcba987654", Some("fedcba9876543210ff")),
        ("fedcba9876543210ff", Some("fedcba9876543210ff")),
        ("fedcba98765", None),
        ("0123456789ab", None),
        ("0123456789abcdef02", Some("0123456789abcdef02")),
        ("ffffffffffff", None),
        ("", None),
    ] {
        assert_eq!(replica_named(named, &replicas), expected.map(ReplicaId::new), "{named}");
    }
}

#[test]
fn a_published_value_may_be_a_bare_number() {
    for (text, expected) in
        [("42", Some(42.0)), (" 4.2e1\n", Some(42.0)), (r#"{"value":7}"#, Some(7.0)), ("\"42\"", None), ("NaN", None)]
    {
        assert_eq!(decode_published(text.as_bytes()).ok().map(|it| it.value), expected, "{text}");
    }
}

#[test]
fn a_published_value_of_the_future_counts_as_of_now() {
    let now = Timestamp::from_millis(1000);
    for (at_ms, expected) in [(None, 1000), (Some(900), 900), (Some(5000), 1000)] {
        let value = PublishedValue { v: 1, value: 1.0, at_ms, replica: None };
        let sample = published("jobs", &value, &[], now);
        assert_eq!(sample.map(|it| it.at.as_millis()), Some(expected));
    }
}
