//! What holds for every text and every state.

use autoscaler::{
    state::{State, evaluate_all, read},
    text::render,
};
use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value};

use crate::policy;

const KEYS: &[&str] = &[
    "v",
    "now",
    "after",
    "fresh",
    "service",
    "target",
    "replicas",
    "samples",
    "started_ago",
    "ready_ago",
    "cpu_limit",
    "cpu_reservation",
    "memory_limit",
    "every",
    "signals",
    "host",
    "phase",
    "refusals",
    "most",
    "host_lost",
    "recommendations",
    "scale_events",
    "manual",
    "rules",
    "evaluations",
    "outcome",
    "peers",
    "budgets",
    "id",
    "count",
    "state",
    "ready",
    "unready_ago",
    "protected",
    "restarts",
    "value",
    "ago",
    "covers",
    "why",
    "missing",
    "since_ago",
    "idle",
    "cores",
    "cpu_busy",
    "memory_available",
    "disk_used",
    "changing",
    "stopped",
    "reached",
    "failed",
    "retry_in",
    "from",
    "to",
    "change",
    "breach_ago",
    "stepped",
    "panic_ago",
    "wants",
    "carries",
    "cpu",
    "memory",
    "jobs",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_json_is_read_or_refused_and_decided(value in json()) {
        check(&value.to_string())?;
    }

    #[test]
    fn any_state_is_decided_and_what_is_written_is_what_is_read(value in state()) {
        check(&value.to_string())?;
    }

    #[test]
    fn lines_and_lists_are_the_same(states in prop::collection::vec(state(), 2..4)) {
        let lines: Vec<_> = states.iter().map(Value::to_string).collect();
        let (list, lines) = (read("s", &Value::Array(states).to_string()), read("s", &lines.join("\n")));
        prop_assert_eq!(list.ok(), lines.ok());
    }
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let states = match read("state.json", text) {
        Ok(states) => states,
        Err(errors) => {
            prop_assert!(!errors.0.is_empty() && render(&errors).ends_with('\n'));
            return Ok(());
        }
    };
    prop_assert!(!states.is_empty());
    let policy = policy(
        "  - target: { signal: cpu, per_replica: 50% }\n  - target: { signal: jobs, per_replica: 10 }\n  - threshold: { signal: jobs, above: 5, for: 2s, add: 50% }",
        "{}",
    );
    prop_assert_eq!(evaluate_all(&policy, &states).len(), states.len());
    let written: Vec<_> = states.iter().map(|state| serde_json::to_string(state).expect("a state is JSON")).collect();
    let again: Result<Vec<State>, _> = read("again.json", &format!("[{}]", written.join(",")));
    prop_assert_eq!(again.map_err(|errors| TestCaseError::fail(format!("{written:?}\n{errors}")))?, states);
    Ok(())
}

/// Any JSON with the words of states in it.
fn json() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((select(KEYS), inner), 0..8).prop_map(map),
        ]
    })
}

/// Something that is a state more often than not.
fn state() -> impl Strategy<Value = Value> {
    let ago = || (0_u32..2000).prop_map(|seconds| Value::from(f64::from(seconds) / 4.0));
    let number = || (-100.0..1e4_f64).prop_map(Value::from);
    let sample = || {
        prop_oneof![
            number(),
            Just(Value::Null),
            (number(), ago()).prop_map(|(value, ago)| map(vec![("value", value), ("ago", ago)])),
            (number(), 0_u32..5).prop_map(|(value, n)| map(vec![("value", value), ("covers", n.into())])),
            ago().prop_map(|ago| map(vec![("missing", "refused".into()), ("since_ago", ago)])),
            ago().prop_map(|ago| map(vec![("idle", true.into()), ("ago", ago)])),
        ]
    };
    let samples = move || {
        let series = prop_oneof![sample(), prop::collection::vec(sample(), 0..4).prop_map(Value::Array)];
        prop::collection::vec((select(&["cpu", "memory", "jobs"][..]), series), 0..3).prop_map(map)
    };
    let replica = (
        select(&["running", "pending", "failed", "removing"][..]),
        prop::option::of(ago()),
        prop::option::of(samples()),
        0_u32..4,
    )
        .prop_map(|(state, started, samples, count)| {
            let mut all = vec![("state", state.into()), ("count", count.into())];
            all.extend(started.map(|started| ("started_ago", started)));
            all.extend(samples.map(|samples| ("samples", samples)));
            map(all)
        });
    let replicas =
        prop_oneof![(0_u32..20).prop_map(Value::from), prop::collection::vec(replica, 0..4).prop_map(Value::Array)];
    let event = (ago(), -3_i32..4).prop_map(|(ago, change)| map(vec![("ago", ago), ("change", change.into())]));
    let wish = (ago(), 0_u32..9).prop_map(|(ago, replicas)| map(vec![("ago", ago), ("replicas", replicas.into())]));
    let rule = prop_oneof![Just(Value::Null), ago().prop_map(|ago| map(vec![("breach_ago", ago)]))];
    let lists = (
        prop::collection::vec(event, 0..4).prop_map(Value::Array),
        prop::collection::vec(wish.clone(), 0..4).prop_map(Value::Array),
        prop::collection::vec(rule, 0..3).prop_map(Value::Array),
    );
    let phase = prop_oneof![
        Just(Value::from("settled")),
        Just(Value::from("stopped")),
        ago().prop_map(|ago| map(vec![("changing", "compose up".into()), ("ago", ago)])),
    ];
    let around = (phase, any::<bool>(), prop::option::of(0_u32..9), number(), wish);
    (replicas, samples(), samples(), lists, around).prop_map(
        |(replicas, each, signals, (events, wishes, rules), (phase, lost, most, cores, manual))| {
            let mut all =
                vec![("replicas", replicas), ("samples", each), ("signals", signals), ("scale_events", events)];
            all.extend([("recommendations", wishes), ("rules", rules), ("phase", phase), ("host_lost", lost.into())]);
            all.extend([("manual", manual), ("peers", map(vec![("api", 3.into())]))]);
            all.extend(most.map(|most| ("most", most.into())));
            if cores.as_f64().is_some_and(|cores| cores > 0.0) {
                all.push(("host", map(vec![("cores", cores.clone()), ("cpu_busy", cores)])));
            }
            map(all)
        },
    )
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0_u32..100).prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        select(&["30s", "5m", "70%", "400MiB", "running", "pending", "settled", "2026-11-21T12:00:00Z"][..])
            .prop_map(Value::from),
    ]
}

fn map(entries: Vec<(&str, Value)>) -> Value {
    Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
}
