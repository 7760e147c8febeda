//! The wire format, file by file: `v1/<payload>.json` is what version 1 writes, and what every later version reads.
//!
//! A file in `v1` that has been released is never changed. A new field gets a new file, beside the old one.
//! `BALLAST_WRITE_GOLDEN=1 cargo test -p bus --test golden` writes those that are not there yet.

mod values;

use std::{fmt::Debug, fs, path::PathBuf};

use bus::payload::{self, DecodeError, Outcome, OutcomeResult, Phase, Probe, PublishedValue, Samples, Target};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

macro_rules! golden {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            holds(stringify!($name), &values::$name());
        }
    )*};
}

golden! {
    samples
    samples_with_nothing_measured
    published_value
    inventory
    inventory_without_engine
    inventory_with_exits_and_others
    assignment
    assignment_with_removals
    target
    outcome_reached
    outcome_failed
    outcome_refused
    outcome_stale
    question
    question_history
    history
    status
    status_with_forecasts
}

/// The file is what is written; it reads as what was written; and so it does with a newer version's additions.
fn holds<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, value: &T) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1").join(format!("{name}.json"));
    let written: Value = serde_json::from_slice(&payload::encode(value)).expect("a payload is JSON");
    let text = serde_json::to_string_pretty(&written).expect("JSON") + "\n";
    if !path.exists() && std::env::var_os("BALLAST_WRITE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("make the folder");
        fs::write(&path, &text).expect("write the file");
    }
    let file = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(text, file, "what is written is no longer what {} says", path.display());
    assert_eq!(&payload::decode::<T>(file.as_bytes()).expect("readable"), value);

    let newer = serde_json::to_vec(&with_additions(written)).expect("JSON");
    let read = payload::decode::<T>(&newer).unwrap_or_else(|error| panic!("{name} with unknown fields: {error}"));
    assert_eq!(&read, value, "an unknown field changed what was read");
}

/// The payload as a newer version might write it: every object has a field more.
fn with_additions(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(with_additions).collect(),
        Value::Object(fields) => {
            // A variant's name as the only key, and maps whose keys are data, are no objects with fields.
            let is_variant = fields.len() == 1
                && ["prometheus", "jetstream", "quantile", "telepathy"].iter().any(|name| fields.contains_key(*name));
            let keep = ["labels", "evaluation_detail", "telepathy", "state"];
            let mut fields: serde_json::Map<_, _> = fields
                .into_iter()
                .map(|(key, value)| {
                    // A forecast rule's settings are the policy's own; those of a status are a list.
                    let opaque = keep.contains(&key.as_str()) || (key == "settings" && value.is_object());
                    let value = if opaque { value } else { with_additions(value) };
                    (key, value)
                })
                .collect();
            if !is_variant {
                fields.insert("added_later".into(), json!({ "deep": [1, null, "x"] }));
            }
            Value::Object(fields)
        }
        plain => plain,
    }
}

#[test]
fn unknown_variants_are_read_as_unknown() {
    let outcome = json!({
        "v": 99, "host": "h", "project": "p", "service": "s", "term": 1, "sequence": 2, "at_ms": 3,
        "result": "postponed", "until_ms": 4, "steps": [{ "a": 1 }]
    });
    assert_eq!(read::<Outcome>(&outcome).result, OutcomeResult::Unknown);
    assert_eq!(read::<Phase>(&json!({ "is": "melting", "since_ms": 1, "why": { "x": [] } })), Phase::Unknown);
    let newer_probe = json!({ "telepathy": { "signal": "mood", "to": ["a"] } });
    assert_eq!(read::<Probe>(&newer_probe), Probe::Unknown(newer_probe));
    let newer_reading = json!({
        "prometheus": { "signal": "s", "path": "/metrics", "metric": "m", "read": { "median": {} } }
    });
    assert_eq!(read::<Probe>(&newer_reading), Probe::Unknown(newer_reading));
    let replica = json!({ "source": "crystal_ball" });
    assert_eq!(read::<payload::ReplicaSample>(&replica).source, Some(payload::SampleSource::Unknown));
    assert_eq!(read::<payload::Victim>(&json!("oldest")), payload::Victim::Unknown);
}

#[test]
fn what_older_writers_leave_out_has_its_usual_value() {
    let assignment = json!({ "v": 1, "project": "p", "service": "s", "mode": "act", "min": 1, "max": 2 });
    let read = read::<payload::Assignment>(&assignment);
    assert_eq!((read.victims, read.drain_ms, read.busy, read.manual_ms), (payload::Victim::usual(), None, None, 0));
}

#[test]
fn what_is_unknown_is_passed_on_as_it_came() {
    let probe = json!({ "telepathy": { "signal": "mood" } });
    assert_eq!(serde_json::to_value(read::<Probe>(&probe)).expect("JSON"), probe);
    let outcome = Outcome { result: OutcomeResult::Unknown, ..values::outcome_stale() };
    assert_eq!(read::<Outcome>(&serde_json::to_value(&outcome).expect("JSON")), outcome);
}

#[test]
fn an_application_may_publish_a_bare_number() {
    let bare = PublishedValue { v: payload::VERSION, value: 42.0, at_ms: None, replica: None };
    for text in ["42", "42.0", "4.2e1", r#"{"value":42}"#, r#"{"v":1,"value":42.0,"unit":"jobs"}"#] {
        assert_eq!(payload::decode::<PublishedValue>(text.as_bytes()).expect(text), bare);
    }
    for text in ["", "forty-two", "\"42\"", "null", "[42]", "{}", "NaN", "1e999"] {
        assert!(payload::decode::<PublishedValue>(text.as_bytes()).is_err(), "{text}");
    }
    let error = payload::decode::<PublishedValue>(b"\"42\"").expect_err("a text").to_string();
    assert!(error.contains("expected a number"), "{error}");
}

#[test]
fn what_cannot_be_read_says_whether_a_newer_version_wrote_it() {
    let error = payload::decode::<Target>(br#"{"v":99,"replicas":{"web":3}}"#).expect_err("another shape");
    assert!(matches!(error, DecodeError::Newer { found: 99, .. }) && error.to_string().contains("update this part"));
    for text in [&br#"{"v":1}"#[..], b"{", b"", b"null", br#"{"v":-1}"#, br#"{"v":70000}"#, &[0xff, 0xfe]] {
        let error = payload::decode::<Target>(text).expect_err("no target");
        assert!(matches!(error, DecodeError::Malformed(_)), "{error}");
    }
    let deep = "[".repeat(100_000);
    assert!(payload::decode::<Samples>(deep.as_bytes()).is_err(), "and does not exhaust the stack");
}

fn read<T: DeserializeOwned>(value: &Value) -> T {
    payload::decode(&serde_json::to_vec(value).expect("JSON")).expect("readable")
}
