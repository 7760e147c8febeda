//! What a state means.

use autoscaler::{evaluation::Opinion, explain, state::read};

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

#[test]
fn what_was_decided_on_the_way_is_as_new_as_the_decision() {
    let all = "samples: { cpu: 0.9 }, cpu_limit: 1";
    let way = |replicas: &str, spans: [&str; 3]| {
        let [first, second, third] = spans;
        format!(
            "[{{ {replicas}, {all} }}, {{ after: {first}, {all} }}, {{ after: {second}, {all} }}, {{ after: {third}, {all} }}]"
        )
    };
    let warm_up = policy(CPU, "{ base: none, warm_up: 30s }");
    let none = policy(CPU, OFF);
    for (name, policy, text, expected) in [
        ("new ones warm up", &warm_up, way("replicas: 3", ["1s", "1s", "1s"]), [6, 6, 6, 6]),
        ("until they are old enough", &warm_up, way("replicas: 3", ["1s", "28s", "2s"]), [6, 6, 6, 11]),
        ("near the epoch as well", &warm_up, way("now: 1000, replicas: 3", ["1s", "28s", "2s"]), [6, 6, 6, 11]),
        ("at the epoch as well", &warm_up, way("now: 0, replicas: 3", ["1s", "28s", "2s"]), [6, 6, 6, 11]),
        ("nothing is awaited where no guard says so", &none, way("replicas: 3", ["1s", "1s", "1s"]), [6, 11, 20, 36]),
        (
            "the way may say their age",
            &warm_up,
            way("replicas: 3, started_ago: 1h", ["1s, started_ago: 1h", "1s", "1s"]),
            [6, 11, 11, 11],
        ),
    ] {
        assert_eq!(replicas(policy, &text), expected, "{name}");
    }
}

#[test]
fn the_oldest_replicas_stay_who_they_are() {
    let policy = policy("  - target: { signal: jobs, per_replica: 10 }", "{ base: none, warm_up: 1m }");
    let list = r#"[{ "replicas": [{ "id": "young", "started_ago": "1s" }, { "id": "old" }, { "id": "replica-1", "started_ago": "1h" }], "signals": { "jobs": 20 } },
        { "signals": { "jobs": 30 } }, { "signals": { "jobs": 30 } }]"#;
    let evaluations = evaluate(&policy, list);
    let seen: Vec<_> = evaluations.iter().map(|all| (all.verdict.replicas(), all.signals[0].warming)).collect();
    assert_eq!(seen, [(Some(2), 1), (Some(3), 0), (Some(3), 1)], "the young one went, and another one came");
}

#[test]
fn the_epoch_is_a_moment_like_others() {
    let policy = policy("  - target: { signal: jobs, per_replica: 10 }", "{ base: none, warm_up: 30s }");
    for now in ["0", "1", "1000", "99999999", "100000000000"] {
        let text = format!(r#"{{ "now": {now}, "replicas": 1, "signals": {{ "jobs": 30 }} }}"#);
        assert_eq!(replicas(&policy, &text), [3], "{now}");
        let cpu = crate::policy(CPU, "{ base: none, warm_up: 30s }");
        let text = format!(r#"{{ "now": {now}, "replicas": 3, "cpu_limit": 1, "samples": {{ "cpu": 0.9 }} }}"#);
        assert_eq!(replicas(&cpu, &text), [6], "{now}");
    }
}

#[test]
fn unix_seconds_are_refused() {
    for now in ["100000000", "1767225600", "99999999999"] {
        let errors = read("state.json", &format!(r#"{{ "now": {now}, "replicas": 1 }}"#)).expect_err(now).to_string();
        assert!(errors.contains("write it in milliseconds"), "{errors}");
    }
}

#[test]
fn rare_samples_count_and_a_silence_is_told_of() {
    let every_minute = |values: &[u32]| {
        let states: Vec<_> =
            values.iter().map(|load| format!(r#"{{ "after": "60s", "signals": {{ "jobs": {load} }} }}"#)).collect();
        format!(r#"[{{ "replicas": 10, "signals": {{ "jobs": 0 }} }}, {}]"#, states.join(", "))
    };
    let graded = policy(
        "  - threshold: { signal: jobs, above: 50, steps: [{ past: 0, add: 10% }, { past: 10, add: 30% }], round: toward }",
        OFF,
    );
    assert_eq!(replicas(&graded, &every_minute(&[60, 70])), [10, 13, 16], "AWS' example: 60 is past by 10");
    assert_eq!(replicas(&graded, &every_minute(&[59, 70])), [10, 11, 14], "a step is taken again after a minute");
    let samples = policy("  - threshold: { signal: jobs, above: 10, samples: 2 of 3, add: 1, window: 1s }", OFF);
    assert_eq!(replicas(&samples, &every_minute(&[20, 5, 20])), [10, 10, 10, 11], "minutes apart they count");
    let lasting = policy("  - threshold: { signal: jobs, above: 10, for: 3m, add: 1, window: 1s }", OFF);
    let evaluations = evaluate(&lasting, &every_minute(&[20, 20]));
    let sentence = explain::sentence(&evaluations[2]);
    assert!(sentence.contains("above 10 for 0s of 3m; there was no sample for 1m before"), "{sentence}");
}

#[test]
fn a_schedule_asks_for_no_more_than_the_policy_and_its_guards_allow() {
    let on = |replicas: &str| {
        policy(
            &format!("  - schedule: {{ daily: \"00:00-23:00\", replicas: {replicas} }}"),
            "{ base: none, budgets: [{ name: db, total: 160, per_replica: 2 }], headroom: { cpu: 0.5 } }",
        )
    };
    for (name, policy, rest, expected, said) in [
        ("a count above max", on("200"), "", 80, "of db there are 160"),
        ("its max", on("{ min: 120, max: 150 }"), "", 80, "of db there are 160"),
        ("within all of it", on("60"), "", 60, "60 replicas"),
        ("the host is full", on("60"), ", host: { cores: 8, cpu_busy: 5.5 }", 3, "the host has 2.5"),
        ("its own configuration", on("60"), ", most: 5", 5, "no more than 5"),
    ] {
        let text = format!("{{ replicas: 1, cpu_limit: 1{rest} }}");
        let evaluation = &evaluate(&policy, &text)[0];
        let sentence = explain::sentence(evaluation);
        let guards = explain::guards(evaluation).join("\n");
        assert_eq!(evaluation.verdict.replicas(), Some(expected), "{name}: {sentence}");
        assert!(sentence.contains(said) || guards.contains(said), "{name}: {sentence}\n{guards}");
    }
    let policy = policy(
        "  - target: { signal: jobs, per_replica: 10 }\n  - schedule: { daily: \"00:00-23:00\", replicas: 200 }",
        OFF,
    );
    let evaluation = &evaluate(&policy, "{ replicas: 1, signals: { jobs: 10 } }")[0];
    assert_eq!(evaluation.verdict.replicas(), Some(100));
    let sentence = explain::sentence(evaluation);
    assert!(sentence.contains("rule 2 sets min to 200, and replicas.max is 100"), "{sentence}");
    let rules = explain::rules(evaluation).join("\n");
    assert!(rules.contains("200 replicas, and replicas.max is 100"), "{rules}");
}

#[test]
fn what_creeps_up_step_by_step_has_got_worse() {
    let text = "service: shop/web\nreplicas: { min: 1, max: 100 }\nsignals: { jobs: published, faults: published }
rules: [{ target: { signal: jobs, per_replica: 10 } }]
guards: { base: none, worse: { signal: faults, by: 50%, within: 2m } }\n";
    let policy = autoscaler::policy_file::parse("policy.yaml", text).expect("it is right").policies.remove(0);
    let states = |after: &str| {
        let state = |jobs, faults| format!("{{ after: {after}, signals: {{ jobs: {jobs}, faults: {faults} }} }}");
        let later = [state("30", "14"), state("40", "19.6"), state("50", "27")].join(", ");
        format!("[{{ replicas: 1, signals: {{ jobs: 20, faults: 10 }} }}, {later}]")
    };
    assert_eq!(replicas(&policy, &states("30s")), [2, 3, 3, 3], "19.6 is 40 % more than 14, and 96 % more than 10");
    assert_eq!(replicas(&policy, &states("3m")), [2, 3, 4, 5], "the level before is forgotten after `within`");
}
