//! KEDA: whether a workload is active, and what a trigger that fails does.

use serde_json::{Value, json};

use crate::{Expected, Row, cases, count, whole};

/// Every row of its tables.
pub(crate) fn rows() -> Option<Vec<Row>> {
    let mut rows = cases("keda-activation", activation)?;
    rows.extend(cases("keda-fallback", fallback)?);
    Some(rows)
}

/// A trigger is a queue that has work, or none.
fn activation(case: &Value) -> (String, Value, Expected) {
    let annotation = case["annotation"].as_str().unwrap_or_default();
    let mode = match annotation {
        "paused-scale-in" => "paused down",
        "paused-scale-out" => "paused up",
        _ => "act",
    };
    // KEDA's own limit without `maxReplicaCount` is 100.
    let max = case["maxReplicas"].as_u64().unwrap_or(100);
    // Forced to be active: there is always one.
    let min = count(&case["minReplicas"]).max(u32::from(annotation == "force-activation"));
    let idle = case["idleReplicas"].as_u64().map(|idle| format!(", idle: {idle}")).unwrap_or_default();
    let policy = format!(
        "service: shop/worker\nmode: {mode}\nreplicas: {{ min: {min}, max: {max}{idle} }}\nsignals: {{ jobs: published }}\n\
         rules:\n  - queue: {{ signal: jobs, per_replica: 1 }}\nguards: none\n"
    );
    let jobs = u32::from(case["active"] == true);
    let state = json!({ "replicas": case["currentReplicas"], "signals": { "jobs": jobs } });
    (policy, state, Expected::Replicas(vec![count(&case["expected"]["replicas"])]))
}

/// So many failures in a row are so long a time: KEDA asks every 30 s.
fn fallback(case: &Value) -> (String, Value, Expected) {
    const INTERVAL: i64 = 30;
    let (target, fallback) = (&case["targetAverageValue"], &case["fallback"]);
    let current = case["currentReplicas"].as_u64().unwrap_or(1);
    let missing = match (fallback.is_object(), fallback["behavior"].as_str()) {
        (false, _) => "hold".to_owned(),
        (true, behaviour) => {
            let after = fallback["failureThreshold"].as_i64().unwrap_or_default() * INTERVAL;
            let then = match behaviour {
                Some("currentReplicas") => "hold".to_owned(),
                _ => format!("{{ at_least: {} }}", fallback["replicas"]),
            };
            format!("{{ after: {after}s, then: {then} }}")
        }
    };
    let policy = format!(
        "service: shop/worker\nreplicas: {{ min: 1, max: 100 }}\nsignals: {{ jobs: published }}\n\
         rules:\n  - target: {{ signal: jobs, per_replica: {target} }}\nguards: {{ base: none, missing: {missing} }}\n"
    );
    let jobs = match case["metricRead"]["ok"].as_bool() {
        Some(true) => case["metricRead"]["value"].clone(),
        // The first failure is the beginning: so many failures are one interval fewer.
        _ => json!({ "missing": "some error", "since_ago": case["failuresBefore"].as_i64().unwrap_or(0) * INTERVAL }),
    };
    let state = json!({ "replicas": current, "signals": { "jobs": jobs } });
    let expected = &case["expected"];
    let expected = match expected["metric"].as_f64() {
        // The table gives the metric that is handed on; the count follows from it.
        Some(metric) => Expected::Replicas(vec![whole(metric / target.as_f64().unwrap_or(1.0))]),
        None if fallback["failureThreshold"].as_i64().is_some_and(|threshold| threshold < 0) => Expected::Refused,
        None => Expected::CannotTell,
    };
    (policy, state, expected)
}
