//! Kubernetes' horizontal pod autoscaler.

use serde_json::{Map, Value, json};

use crate::{Expected, Row, cases, count, table, whole};

/// Every row of its tables.
pub(crate) fn rows() -> Option<Vec<Row>> {
    let mut rows = cases("kubernetes-hpa-replica-calculator", calculated)?;
    rows.extend(cases("kubernetes-hpa-convert-with-rules", clamped)?);
    rows.extend(cases("kubernetes-hpa-stabilize-legacy", stabilized)?);
    rows.extend(cases("kubernetes-hpa-utilization-ratio", ratio)?);
    rows.push(tolerance_sequence()?);
    Some(rows)
}

/// A policy whose only rule is `target: { … }`, with HPA's arithmetic and nothing in its way.
fn policy(target: &str, limits: &str, guards: &str) -> String {
    format!(
        "service: shop/web\ncompat: kubernetes-hpa\nreplicas: {limits}\nsignals: {{ qps: published }}\n\
         rules:\n  - target: {target}\nguards: {guards}\n"
    )
}

fn calculated(case: &Value) -> (String, Value, Expected) {
    let metric = &case["metric"];
    let goal = match metric["kind"].as_str().unwrap_or_default() {
        "resourceUtilization" => {
            format!(
                "signal: {}, per_replica: {}% of reservation",
                text(&metric["resource"]),
                metric["targetUtilizationPercent"]
            )
        }
        "pods" => format!("signal: qps, per_replica: {}", milli(&metric["targetMilli"])),
        "object" | "external" => format!("signal: qps, total: {}", milli(&metric["targetMilli"])),
        _ => format!("signal: qps, per_replica: {}", milli(&metric["targetPerPodMilli"])),
    };
    let percent = |key: &str| (case["tolerance"][key].as_f64().unwrap_or(0.1) * 1e6).round() / 1e4;
    let tolerance = format!("{{ up: {}%, down: {}% }}", percent("scaleUp"), percent("scaleDown"));
    let mut state = json!({ "target": case["currentReplicas"] });
    let pods = case["pods"].as_array().cloned().unwrap_or_default();
    state["replicas"] = pods.iter().map(|each| pod(each, metric)).collect();
    if let Some(values) = metric["valuesMilli"].as_array() {
        let sum: f64 = values.iter().filter_map(Value::as_f64).sum();
        state["signals"] = json!({ "qps": sum / 1000.0 });
    }
    let expected = match case["expected"]["replicas"].as_u64() {
        Some(_) => Expected::Wants(count(&case["expected"]["replicas"])),
        // A goal of 0 % is refused by the policy, before there is anything that could be missing.
        None if metric["targetUtilizationPercent"] == 0 => Expected::Refused,
        None => Expected::CannotTell,
    };
    let target = format!("{{ {goal}, tolerance: {tolerance} }}");
    let cluster = format!(
        "compat: {{ kubernetes-hpa: {{ cpu_initialization_period: {}s, initial_readiness_delay: {}s }} }}",
        case["cpuInitializationPeriodSeconds"], case["delayOfInitialReadinessSeconds"]
    );
    let policy = policy(&target, "{ min: 1, max: 1000 }", "none").replace("compat: kubernetes-hpa", &cluster);
    (policy, state, expected)
}

/// A pod as a replica: of several containers their sum, or the one that the metric names.
fn pod(pod: &Value, metric: &Value) -> Value {
    let container = match metric["container"].as_str() {
        Some("container1") => Some(0),
        Some("container2") => Some(1),
        _ => None,
    };
    let sum = |values: &Value| -> Option<f64> {
        let values = values.as_array()?;
        match container {
            Some(place) => values.get(place)?.as_f64(),
            None => Some(values.iter().filter_map(Value::as_f64).sum()),
        }
    };
    let resource = metric["resource"].as_str().unwrap_or("cpu");
    let mut replica = Map::new();
    replica.insert("id".into(), pod["name"].clone());
    let state = match (pod["deleting"].as_bool(), pod["phase"].as_str()) {
        (Some(true), _) => "removing",
        (_, Some("Pending")) => "pending",
        (_, Some("Failed" | "Succeeded")) => "failed",
        _ => "running",
    };
    replica.insert("state".into(), state.into());
    if state == "running" {
        replica.insert("ready".into(), pod["ready"].clone());
        if let Some(ago) = pod["startedSecondsAgo"].as_f64() {
            replica.insert("started_ago".into(), ago.into());
        }
    }
    if let Some(request) = sum(&pod["containerRequestsMilli"]) {
        let factor = if resource == "cpu" { 1000.0 } else { 1.0 };
        replica.insert(format!("{resource}_reservation"), (request / factor).into());
    }
    let usage =
        sum(&pod["containerUsageMilli"]).map(|usage| (resource, usage / if resource == "cpu" { 1000.0 } else { 1.0 }));
    let value = pod["metricMilli"].as_f64().map(|value| ("qps", value / 1000.0));
    for (signal, value) in usage.into_iter().chain(value) {
        replica.insert("samples".into(), json!({ signal: value }));
    }
    Value::Object(replica)
}

/// What the rules want is given; limits and the pace are in question.
fn clamped(case: &Value) -> (String, Value, Expected) {
    let (current, factor) = (count(&case["currentReplicas"]), count(&case["scaleUpLimitFactor"]));
    // As many times the present count, or that count where that is more.
    let share = format!("{}% per 15s", (factor - 1) * 100);
    let least = count(&case["scaleUpLimitMinimum"]).saturating_sub(current);
    let pace = if least > 0 { format!("[{share}, {least} per 15s]") } else { share };
    // A policy can ask for 1000 replicas at the most; no row comes near.
    let limits = format!("{{ min: {}, max: {} }}", case["minReplicas"], count(&case["maxReplicas"]).min(1000));
    let target = "{ signal: qps, per_replica: 1, tolerance: 0% }";
    let policy = policy(target, &limits, &format!("{{ base: none, up: {{ at_most: {pace} }} }}"));
    let state = json!({ "replicas": current, "signals": { "qps": case["desiredReplicas"] } });
    (policy, state, Expected::Replicas(vec![count(&case["expected"]["replicas"])]))
}

fn stabilized(case: &Value) -> (String, Value, Expected) {
    let window = &case["downscaleStabilizationSeconds"];
    let target = "{ signal: qps, per_replica: 1, tolerance: 0% }";
    let guards = format!("{{ base: none, down: {{ stabilize: {window}s }} }}");
    let recommendations: Vec<Value> = case["recommendations"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|each| json!({ "ago": each["secondsAgo"], "replicas": each["replicas"] }))
        .collect();
    // The table does not say how many there are: more than anything that is recommended.
    let state = json!({
        "replicas": 20,
        "signals": { "qps": case["desiredReplicas"] },
        "recommendations": recommendations,
    });
    let expected = Expected::Replicas(vec![count(&case["expected"]["replicas"])]);
    (policy(target, "{ min: 1, max: 20 }", &guards), state, expected)
}

/// The table gives the ratio; the count that follows from it is the ratio times the replicas.
fn ratio(case: &Value) -> (String, Value, Expected) {
    let of_request = case["requests"].is_object();
    let (target, signal) = if of_request {
        (format!("{{ signal: cpu, per_replica: {}% of reservation }}", case["target"]), "cpu")
    } else {
        (format!("{{ signal: qps, per_replica: {} }}", milli(&case["target"])), "qps")
    };
    let metrics = case["metrics"].as_object().cloned().unwrap_or_default();
    // A request of a pod without a sample is no replica here.
    let replicas: Vec<Value> = metrics
        .iter()
        .map(|(name, value)| {
            let mut replica = json!({ "id": name, "samples": { signal: value.as_f64().unwrap_or_default() / 1000.0 } });
            if let Some(request) = case["requests"][name].as_f64() {
                replica["cpu_reservation"] = (request / 1000.0).into();
            }
            replica
        })
        .collect();
    let expected = match case["expected"]["ratio"].as_f64() {
        Some(ratio) => Expected::Wants(whole(ratio * f64::from(u32::try_from(replicas.len()).unwrap_or(0)))),
        None => Expected::CannotTell,
    };
    (policy(&target, "{ min: 1, max: 100 }", "none"), json!({ "replicas": replicas }), expected)
}

/// A sequence is a list of states: what was decided has been done when the next one comes.
fn tolerance_sequence() -> Option<Row> {
    let table = table("kubernetes-hpa-tolerance-sequence")?;
    let percent = |key: &str| (table["tolerance"][key].as_f64().unwrap_or_default() * 1e6).round() / 1e4;
    let target = format!(
        "{{ signal: qps, per_replica: {}, tolerance: {{ up: {}%, down: {}% }} }}",
        table["targetAveragePerReplica"],
        percent("scaleUp"),
        percent("scaleDown")
    );
    let steps = table["steps"].as_array()?;
    let first = json!({ "replicas": table["initialReplicas"], "signals": { "qps": table["initialValue"] } });
    let states = [first].into_iter().chain(steps.iter().map(|step| json!({ "signals": { "qps": step["value"] } })));
    let expected =
        [count(&table["initialReplicas"])].into_iter().chain(steps.iter().map(|step| count(&step["expectedReplicas"])));
    Some(Row {
        name: "kubernetes-hpa-tolerance-sequence".to_owned(),
        policy: policy(&target, "{ min: 1, max: 1000 }", "none"),
        state: states.collect(),
        expected: Expected::Replicas(expected.collect()),
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Thousandths as a number.
fn milli(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default() / 1000.0
}
