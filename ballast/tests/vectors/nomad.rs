//! Nomad Autoscaler's strategies.

use serde_json::{Value, json};

use crate::{Expected, Row, cases, count};

/// Every row of its tables.
pub(crate) fn rows() -> Option<Vec<Row>> {
    let mut rows = cases("nomad-target-value", target_value)?;
    rows.extend(cases("nomad-threshold", threshold)?);
    Some(rows)
}

fn policy(rule: &str, min: u32, guards: &str) -> String {
    format!(
        "service: shop/web\nreplicas: {{ min: {min}, max: 1000 }}\nsignals: {{ load: published }}\n\
         rules:\n  - {rule}\nguards: {guards}\n"
    )
}

/// The newest value decides; `threshold` is the tolerance, and `max_scale_up` and `max_scale_down` are steps.
fn target_value(case: &Value) -> (String, Value, Expected) {
    let config = &case["config"];
    let given = |key: &str| config[key].as_str();
    let tolerance = match given("threshold").map(|text| (text, text.parse::<f64>())) {
        None => "1%".to_owned(),
        Some((_, Ok(share))) => format!("{}%", share * 100.0),
        Some((text, Err(_))) => quoted(text),
    };
    let step = |key: &str| given(key).map(|text| format!("step: {}", quoted(text))).unwrap_or_default();
    let guards =
        format!("{{ base: none, up: {{ {} }}, down: {{ {} }} }}", step("max_scale_up"), step("max_scale_down"));
    let rule = match given("target") {
        // With a target of 0 only whether there is anything to do matters.
        Some("0")
            if given("threshold").is_none() && given("max_scale_up").is_none() && given("max_scale_down").is_none() =>
        {
            "queue: { signal: load, per_replica: 1 }".to_owned()
        }
        Some(target) => {
            format!("target: {{ signal: load, total: {}, window: 1s, tolerance: {tolerance} }}", quoted(target))
        }
        None => format!("target: {{ signal: load, window: 1s, tolerance: {tolerance} }}"),
    };
    let values: Vec<&Value> = case["metrics"].as_array().into_iter().flatten().map(|each| &each["value"]).collect();
    let state = json!({ "replicas": case["count"], "signals": { "load": values } });
    (policy(&rule, 0, &guards), state, expected(case, |count| Expected::Replicas(vec![count])))
}

/// A band; so many of the samples within it; a step by count, by percentage (rounded up), or to a count.
fn threshold(case: &Value) -> (String, Value, Expected) {
    let config = &case["config"];
    let mut settings = vec!["signal: load".to_owned(), "window: 1s".to_owned()];
    let mut add = |key: &str, text: &str| settings.push(format!("{key}: {text}"));
    // A lone bound goes with one direction here; with the other one it is a band whose far end is out of reach.
    let removes =
        ["delta", "percentage"].iter().any(|key| config[key].as_str().is_some_and(|text| text.starts_with('-')));
    match (config["lower_bound"].as_str(), config["upper_bound"].as_str()) {
        (Some(lower), None) if removes => add("at_least", &format!("{}, below: 1e18", quoted(lower))),
        (None, Some(upper)) if !removes => add("at_least", &format!("-1e18, below: {}", quoted(upper))),
        (lower, upper) => {
            for (key, bound) in [("at_least", lower), ("below", upper)] {
                if let Some(bound) = bound {
                    add(key, &quoted(bound));
                }
            }
        }
    }
    if let Some(delta) = config["delta"].as_str() {
        let word = if delta.starts_with('-') { "remove" } else { "add" };
        add(word, delta.trim_start_matches('-'));
    }
    match config["percentage"].as_str() {
        None => {}
        Some("0") => add("warn", "\"nothing is changed\""),
        Some(percentage) => {
            let word = if percentage.starts_with('-') { "remove" } else { "add" };
            add(word, &format!("{}%", percentage.trim_start_matches('-')));
            add("round", "up");
        }
    }
    if let Some(value) = config["value"].as_str() {
        add("to", value);
    }
    let values = case["metrics"].as_array().cloned().unwrap_or_default();
    let trigger = config["within_bounds_trigger"].as_str().unwrap_or("5");
    let of = values.len().max(trigger.parse().unwrap_or(1));
    add("samples", &format!("{trigger} of {of}"));
    // A strategy knows no limits; here a service of which there may be none is active, and has one, while its signal is
    // above `activate`.
    let min = u32::from(case["count"] != 0);
    let rule = format!("threshold: {{ {}, activate: 1e18 }}", settings.join(", "));
    let state = json!({ "replicas": case["count"], "signals": { "load": values } });
    // The strategy's own count, before limits: a service that is active keeps one replica here.
    (policy(&rule, min, "none"), state, expected(case, Expected::Wants))
}

fn expected(case: &Value, some: impl Fn(u32) -> Expected) -> Expected {
    let expected = &case["expected"];
    if expected["error"].is_string() {
        return Expected::Refused;
    }
    match expected["action"]["direction"].as_str() {
        // No samples: no opinion.
        None => Expected::CannotTell,
        Some("none") => Expected::Hold,
        Some(_) => some(count(&expected["action"]["count"])),
    }
}

/// Numbers as they are, everything else as a text.
fn quoted(text: &str) -> String {
    if text.parse::<f64>().is_ok() { text.to_owned() } else { format!("{text:?}") }
}
