//! What was measured.

use std::collections::BTreeMap;

use super::{
    Given,
    scalars::{ago, number, text},
};
use crate::{
    Timestamp,
    event::Reading,
    quantity::SignalName,
    state::Measured,
    text::{
        Fields, Findings, Kind, Node, Value,
        grammar::{Map, names},
        quote,
        values::{boolean, whole},
    },
};

static SAMPLE: Map = Map::of_names(
    "a sample",
    r#"{ "value": 0.5, "ago": "2s" }"#,
    &names(["value", "ago", "covers", "why", "missing", "since_ago", "idle"]),
);

/// Every sample of a map of signals, by signal and then by time.
pub(super) fn signals(node: &Node, given: Given, findings: &mut Findings) -> Vec<Measured> {
    let mut all = Vec::new();
    for entry in node.entries("samples", r#"{ "cpu": 0.5 }"#, findings) {
        if !is_name(&entry.key) {
            let message = format!("{} is no name of a signal", quote(&entry.key));
            let help = "a name is up to 64 letters, digits, `_`, `-` and `.`";
            findings.add(Kind::BadValue, entry.key_place, message, help);
            continue;
        }
        let signal = SignalName::new(&entry.key);
        let mut of_signal = Vec::new();
        match &entry.value.value {
            Value::List(items) => {
                for (item, left) in items.iter().zip((0..items.len()).rev()) {
                    let span = given.every.saturating_mul(u32::try_from(left).unwrap_or(u32::MAX));
                    of_signal.extend(sample(item, &signal, given.now, given.now.minus(span), findings));
                }
            }
            _ => of_signal.extend(sample(&entry.value, &signal, given.now, given.now, findings)),
        }
        of_signal.sort_by_key(|measured| measured.at);
        all.extend(of_signal);
    }
    all.sort_by(|one, other| one.signal.cmp(&other.signal));
    all
}

/// Since when signals are said to be missing.
pub(super) fn missing_since(
    node: &Node,
    now: Timestamp,
    since: &mut BTreeMap<SignalName, Timestamp>,
    findings: &mut Findings,
) {
    let Value::Map(entries) = &node.value else { return };
    for entry in entries {
        let samples = match &entry.value.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        for sample in samples.iter().filter(|sample| matches!(sample.value, Value::Map(_))) {
            let at = sample
                .fields(&SAMPLE, findings)
                .and_then(|fields| ago(fields.given("since_ago")?, "`since_ago`", now, findings));
            if let Some(at) = at {
                since.insert(SignalName::new(&entry.key), at);
            }
        }
    }
}

/// One sample, taken at `at` if it does not say when; `null` is none.
fn sample(
    node: &Node,
    signal: &SignalName,
    now: Timestamp,
    at: Timestamp,
    findings: &mut Findings,
) -> Option<Measured> {
    let signal = signal.clone();
    match &node.value {
        Value::Nothing => None,
        Value::Map(_) => {
            let fields = node.fields(&SAMPLE, findings)?;
            let at = fields.given("ago").and_then(|node| ago(node, "`ago`", now, findings)).unwrap_or(at);
            let reading = reading(&fields, node, findings)?;
            Some(Measured { signal, at, reading })
        }
        _ => Some(Measured { signal, at, reading: Reading::Value(number(node, "a sample", findings)?) }),
    }
}

fn reading(fields: &Fields<'_>, node: &Node, findings: &mut Findings) -> Option<Reading> {
    let why = fields.given("why").and_then(|node| text(node, "`why`", findings));
    match (fields.given("value"), fields.given("missing"), fields.given("idle")) {
        (Some(node), None, None) => {
            let value = number(node, "`value`", findings)?;
            let Some(covers) = fields.given("covers") else { return Some(Reading::Value(value)) };
            let replicas = whole(covers, "`covers`", &(0..=u32::MAX), findings)?;
            Some(Reading::Partial { value, replicas, why: why.unwrap_or_else(|| "the others gave none".to_owned()) })
        }
        (None, Some(node), None) => Some(Reading::Missing(text(node, "`missing`", findings)?)),
        (None, None, Some(node)) => {
            if boolean(node, "`idle`", findings)? {
                return Some(Reading::Idle);
            }
            findings.add(Kind::BadValue, node.place, "`idle` is `false`, which is no sample", "give its `value`");
            None
        }
        (None, None, None) => {
            fields.missing("`value`, `missing` or `idle`", &["value", "missing", "idle"], findings);
            None
        }
        _ => {
            let message = "of `value`, `missing` and `idle` more than one is given";
            findings.add(Kind::Conflict, node.place, message, "make several samples of it: `[ …, … ]`");
            None
        }
    }
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}
