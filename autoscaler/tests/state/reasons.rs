//! What is said of a decision is true and whole: of a policy and a state, the sentence and what comes next.

use autoscaler::{explain, policy_file::parse, state};

/// The sentences of the decisions on a policy's states, and of the last one what would change it next.
fn told(policy: &str, states: &str) -> String {
    let policy = format!("service: shop/web\n{policy}");
    let file = parse("policy.yaml", &policy)
        .unwrap_or_else(|errors| panic!("{policy}\n{}", autoscaler::text::render(&errors)));
    let states = state::read("state.json", states)
        .unwrap_or_else(|errors| panic!("{states}\n{}", autoscaler::text::render(&errors)));
    let evaluations = state::evaluate_all(&file.policies[0], &states);
    let mut lines: Vec<String> = evaluations.iter().map(explain::sentence).collect();
    let next = evaluations.last().and_then(explain::next);
    lines.push(format!("next: {}", next.as_deref().unwrap_or("-")));
    lines.join("\n")
}

/// All of them, under their names.
fn all(cases: &[(&str, &str, &str)]) -> String {
    let told = cases.iter().map(|(name, policy, states)| format!("{name}\n{}\n", told(policy, states)));
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_schedule_ends_only_where_it_does_and_what_is_far_has_its_date() {
    let at = r#"{ "now": "2026-01-03T07:40:48Z", "replicas": 2 }"#;
    let schedule = |when: &str| {
        format!(
            "replicas: {{ min: 1, max: 9 }}\nrules:\n  - schedule: {{ {when}, timezone: UTC, replicas: {{ min: 3 }} }}\n"
        )
    };
    let cases = [
        ("all day", r#"daily: "00:00-24:00""#),
        ("every minute", r#"cron: "* * * * *", for: 2m"#),
        ("until this evening", r#"daily: "06:00-18:00""#),
        ("for a month", r#"cron: "0 0 1 1 *", for: 31d"#),
        ("on a leap day", r#"cron: "0 0 29 2 *", for: 10h"#),
    ];
    let cases: Vec<_> = cases.iter().map(|(name, when)| (*name, schedule(when))).collect();
    let cases: Vec<_> = cases.iter().map(|(name, policy)| (*name, policy.as_str(), at)).collect();
    insta::assert_snapshot!(all(&cases));
}

const JOBS: &str = "replicas: { min: 0, max: 20 }\nsignals: { jobs: published }\nguards: none\n";

#[test]
fn an_idle_service_says_from_when_on_it_is_active() {
    let active = format!("{JOBS}rules:\n  - target: {{ signal: jobs, per_replica: 10, activate: 50 }}\n");
    let none = format!("{JOBS}rules:\n  - target: {{ signal: jobs, per_replica: 10 }}\n");
    let formula = format!("{JOBS}rules:\n  - formula: {{ replicas: \"jobs / 10\", activate: 50 }}\n");
    insta::assert_snapshot!(all(&[
        ("below", &active, r#"{ "replicas": 0, "signals": { "jobs": 40 } }"#),
        ("above", &active, r#"{ "replicas": 0, "signals": { "jobs": 60 } }"#),
        ("nothing said", &none, r#"{ "replicas": 0, "signals": { "jobs": 0 } }"#),
        ("a formula", &formula, r#"{ "replicas": 0, "signals": { "jobs": 40 } }"#),
    ]));
}

#[test]
fn what_waits_says_for_what() {
    let rule = |rule: &str| {
        format!(
            "replicas: {{ min: 1, max: 50 }}\nsignals: {{ a: published }}\nguards: none\nrules:\n  - threshold: {{ signal: a, {rule} }}\n"
        )
    };
    let (pending, counting) = (rule("above: 10, for: 3m, add: 1"), rule("above: 10, samples: 3 of 5, add: 1"));
    let warns = rule("above: 10, for: 3m, warn: too many");
    let graded = rule("above: 10, samples: 3 of 5, steps: [{ past: 5, add: 1 }, { past: 30, add: 3 }]");
    let kill = "replicas: { min: 1, max: 50 }\nsignals: { a: published }\n\
                guards: { base: none, kill_budget: 50% per 1m }\nrules:\n  - target: { signal: a, per_replica: 10 }\n";
    let samples = |samples: &str| format!(r#"{{ "replicas": 2, "signals": {{ "a": {samples} }} }}"#);
    insta::assert_snapshot!(all(&[
        ("pending", &pending, &samples("[20]")),
        ("a warning", &warns, &samples("[20]")),
        ("counting", &counting, &samples("[20, 0]")),
        ("one more", &counting, &samples("[20, 20, 0]")),
        ("counted, and lower now", &counting, &samples("[20, 20, 20, 0, 0]")),
        ("counted, and no step for what it is now", &graded, &samples("[20, 20, 20, 0, 0]")),
        ("half of them now", kill, r#"{ "replicas": 30, "signals": { "a": 10 } }"#),
    ]));
}

#[test]
fn a_burst_in_panic_says_so_to_its_end() {
    let policy = "replicas: { min: 1, max: 50 }\nsignals: { q: published }\nguards: none\n\
                  rules:\n  - burst: { signal: q, per_replica: 10 }\n";
    let ago = |ago: &str| {
        format!(
            r#"{{ "replicas": 10, "signals": {{ "q": [20, 20, 20, 20] }}, "rules": [{{ "panic_ago": "{ago}", "most": 12 }}] }}"#
        )
    };
    insta::assert_snapshot!(all(&[
        ("it begins", policy, r#"{ "replicas": 2, "signals": { "q": [90, 90, 90] } }"#),
        ("in the middle", policy, &ago("20s")),
        ("at its last moment", policy, &ago("60s")),
        ("over", policy, &ago("61s")),
    ]));
}
