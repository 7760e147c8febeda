//! What a state means.

use autoscaler::{evaluation::Opinion, state::read};

use crate::{evaluate, policy, replicas};

const OFF: &str = "none";
const CPU: &str = "  - target: { signal: cpu, per_replica: 50% }";

#[test]
fn the_smallest_state_is_a_count_and_what_each_replica_uses() {
    let policy = policy(CPU, OFF);
    for (name, text, expected) in [
        ("cores, of a limit", r#"{ "replicas": 3, "cpu_limit": 1, "samples": { "cpu": 0.9 } }"#, [6]),
        (
            "of the host where there is no limit",
            r#"{ "replicas": 3, "host": { "cores": 2 }, "samples": { "cpu": 1.8 } }"#,
            [6],
        ),
        (
            "replica by replica",
            r#"{ "replicas": [{ "samples": { "cpu": 1.8 } }, { "samples": { "cpu": 0 } }], "cpu_limit": 1 }"#,
            [4],
        ),
        (
            "alike ones by their number",
            r#"{ "replicas": [{ "count": 3, "cpu_limit": 1, "samples": { "cpu": 0.9 } }] }"#,
            [6],
        ),
        (
            "each says what it has otherwise",
            r#"{ "replicas": [{}, { "samples": { "cpu": 0 } }], "cpu_limit": 1, "samples": { "cpu": 1.8 } }"#,
            [4],
        ),
        (
            "one that starts is capacity",
            r#"{ "replicas": [{ "count": 3 }, { "count": 3, "state": "pending", "samples": { "cpu": null } }], "cpu_limit": 1, "samples": { "cpu": 0.9 } }"#,
            [6],
        ),
        (
            "the target is what counts",
            r#"{ "target": 6, "replicas": 3, "cpu_limit": 1, "samples": { "cpu": 0.9 } }"#,
            [6],
        ),
        ("YAML is as good as JSON", "replicas: 3\ncpu_limit: 1\nsamples: { cpu: 90% }", [6]),
    ] {
        assert_eq!(replicas(&policy, text), expected, "{name}");
    }
}

#[test]
fn samples_come_in_the_order_of_time_as_live() {
    let policy = policy("  - threshold: { signal: jobs, above: 10, for: 3s, add: 1, window: 1s }", OFF);
    for (name, jobs, expected) in [
        ("one is not long enough", "20", 2),
        ("several in a row are", "[20, 20, 20, 20]", 3),
        ("unless one is not", "[20, 5, 20, 20]", 2),
        (
            "whatever order they are written in",
            r#"[{ "value": 20, "ago": 0 }, { "value": 20, "ago": "4s" }, { "value": 20, "ago": 2 }]"#,
            3,
        ),
        ("a breach can be remembered", r#"20 }, "rules": [{ "breach_ago": "1m" }], "budgets": { "db": 0"#, 3),
    ] {
        let text = format!(r#"{{ "replicas": 2, "signals": {{ "jobs": {jobs} }} }}"#);
        assert_eq!(replicas(&policy, &text), [expected], "{name}");
    }
}

#[test]
fn what_is_missing_is_not_zero() {
    let policy = policy("  - target: { signal: jobs, per_replica: 10 }", OFF);
    for (name, signals, expected) in [
        ("nothing is said", "{}", Opinion::Unknown),
        ("null is none", r#"{ "jobs": null }"#, Opinion::Unknown),
        ("it is said why", r#"{ "jobs": { "missing": "refused", "since_ago": "1m" } }"#, Opinion::Unknown),
        ("too old", r#"{ "jobs": { "value": 5, "ago": "1m" } }"#, Opinion::Unknown),
        ("known to be none", r#"{ "jobs": { "idle": true } }"#, Opinion::Abstains),
        ("zero is zero", r#"{ "jobs": 0 }"#, Opinion::Wants(0)),
        (
            "of some of the replicas",
            r#"{ "jobs": { "value": 1, "covers": 2, "why": "one is silent" } }"#,
            Opinion::Unknown,
        ),
    ] {
        let text = format!(r#"{{ "replicas": 3, "signals": {signals} }}"#);
        assert_eq!(evaluate(&policy, &text)[0].recommendations[0].opinion, expected, "{name}");
    }
}

#[test]
fn what_is_not_said_did_not_happen_and_what_is_said_counts() {
    let guards = "{ base: none, up: { cooldown: 1m, stabilize: 1m }, down: { cooldown: 1m, stabilize: 5m } }";
    let policy = policy("  - target: { signal: jobs, per_replica: 10 }", guards);
    for (name, jobs, rest, expected) in [
        ("down at once", 10, "", 1),
        ("earlier recommendations object", 10, r#", "recommendations": [{ "ago": "2m", "replicas": 3 }]"#, 3),
        ("old ones do not", 10, r#", "recommendations": [{ "ago": "6m", "replicas": 3 }]"#, 1),
        ("a step up needs the others' consent", 90, r#", "recommendations": [{ "ago": 30, "replicas": 6 }]"#, 6),
        ("a step not long ago", 10, r#", "scale_events": [{ "ago": "20s", "change": 2 }]"#, 5),
        ("with its counts", 10, r#", "scale_events": [{ "ago": "20s", "from": 7, "to": 5 }]"#, 5),
        ("the host is lost", 90, r#", "host_lost": true"#, 5),
        ("somebody changes it", 90, r#", "phase": { "changing": "docker compose up", "ago": "3s" }"#, 5),
        ("it cannot be scaled", 90, r#", "refusals": ["a fixed port"]"#, 5),
        ("no more is possible", 90, r#", "most": 6"#, 6),
    ] {
        let text = format!(r#"{{ "replicas": 5, "signals": {{ "jobs": {jobs} }}{rest} }}"#);
        assert_eq!(replicas(&policy, &text), [expected], "{name}");
    }
}

#[test]
fn a_list_is_a_way_through_time_on_which_what_is_decided_is_done() {
    let policy = policy("  - target: { signal: jobs, per_replica: 10 }", "{ base: none, down: { stabilize: 30s } }");
    let list = r#"[{ "replicas": 5, "signals": { "jobs": 80 } }, { "signals": { "jobs": 20 } }, { "after": "20s", "signals": { "jobs": 20 } },
        { "fresh": true, "replicas": 5, "signals": { "jobs": 20 } }]"#;
    assert_eq!(replicas(&policy, list), [8, 8, 2, 2]);
    let lines = "{\"replicas\": 5, \"signals\": {\"jobs\": 80}}\n{\"signals\": {\"jobs\": 20}}\n";
    assert_eq!(replicas(&policy, lines), [8, 8]);
}

#[test]
fn a_state_without_a_moment_is_the_same_every_day() {
    let states =
        read("state.json", r#"[{ "replicas": 1 }, {}, { "after": 5 }, { "now": "2026-11-21T13:00:00+01:00" }]"#);
    let seconds: Vec<_> = states.expect("they are right").iter().map(|state| state.now.as_millis() / 1000).collect();
    assert_eq!(seconds, [1_767_225_600, 1_767_225_615, 1_767_225_620, 1_795_262_400]);
}
