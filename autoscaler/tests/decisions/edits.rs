//! A policy that is edited, while somebody runs and while nobody does: what its rules go on with is the same.

use autoscaler::{
    Autoscaler, Event, Forecasts, Memory, Policy, Snapshot, Timestamp,
    event::{Observation, Reading, Replica, ReplicaId, Sample, Subject},
    policy_file,
    quantity::SignalName,
};

use crate::driver::seconds;

const NOON: Timestamp = Timestamp::from_millis(1_794_830_400_000);
const SIGNALS: &str = "
  requests: { prometheus: http_requests_total, read: rate }
  waiting: published
  twice: { formula: requests * 2 }";
const FORECAST: &str = "forecast: { signal: requests, per_replica: 100/s, horizon: 10s, window: 1s }";
const THRESHOLD: &str = "threshold: { signal: requests, above: 20/s, for: 10m, add: 1 }";
const BURST: &str = "burst: { signal: requests, per_replica: 40/s, window: 60s }";
const OF_FORMULA: &str = "forecast: { signal: twice, per_replica: 100, horizon: 10s, window: 1s }";
/// What is done to something that was kept.
type Damage = fn(&mut serde_json::Value);
/// Samples that were taken in before the edit.
const STEPS: u64 = 40;

fn policy(signals: &str, rules: &[&str]) -> Policy {
    let rules = rules.join("\n- ");
    let text = format!(
        "service: shop/web\nreplicas: {{ min: 1, max: 100 }}\nsignals:{signals}\nrules:\n- {rules}\n\
         guards: {{ base: none, stale_after: 10m }}\n"
    );
    let file = policy_file::parse("policy.yaml", &text).unwrap_or_else(|errors| panic!("{text}: {errors}"));
    file.policies.into_iter().next().expect("there is one")
}

/// One after a while under a policy, and when.
fn lived(policy: Policy) -> (Autoscaler, Timestamp) {
    let mut autoscaler = Autoscaler::new(policy);
    let mut now = NOON;
    for step in 0..STEPS {
        now = now.plus(seconds(10));
        // The panic of the burst rule ends when that is over for a minute; what is above 20 is a breach.
        let requests = if step + 3 < STEPS { 100.0 } else { 30.0 };
        tell(&mut autoscaler, &[("requests", requests), ("waiting", 100.0)], now);
    }
    (autoscaler, now)
}

/// The samples come first: a breach lasts only as long as there are some.
fn tell(autoscaler: &mut Autoscaler, values: &[(&str, f64)], now: Timestamp) {
    let replica =
        Replica { id: ReplicaId::new("replica-1"), started: Some(NOON), ready_since: Some(NOON), ..Replica::default() };
    let sample = |(signal, value): &(&str, f64)| Sample {
        signal: SignalName::new(*signal),
        of: Subject::Service,
        at: now,
        reading: Reading::Value(*value),
    };
    autoscaler.handle_event(Event::Samples(values.iter().map(sample).collect()), now);
    autoscaler.handle_event(Event::Observed(Observation { replicas: vec![replica], ..Observation::default() }), now);
}

/// Ends it, and has another one begin with what was kept of it, apart as the controller keeps it.
fn restarted(autoscaler: &Autoscaler, policy: Policy) -> Autoscaler {
    let memory = autoscaler.memory();
    let kept = serde_json::to_string(&memory.without_forecasts()).expect("memory is JSON");
    let learned = memory.forecasts_to_keep().map(|learned| serde_json::to_string(&learned).expect("and so is that"));
    let mut memory: Memory = serde_json::from_str(&kept).unwrap_or_else(|error| panic!("{error}: {kept}"));
    if let Some(learned) = learned {
        memory.put_forecasts(serde_json::from_str(&learned).unwrap_or_else(|error| panic!("{error}: {learned}")));
    }
    Autoscaler::restore(policy, memory)
}

/// What each rule remembers: steps that a forecast has measured and the share of time that it aims at, or since how many
/// seconds there is a breach or a panic.
fn remembered(autoscaler: &Autoscaler, now: Timestamp) -> Vec<String> {
    let memory = serde_json::to_value(autoscaler.memory()).expect("memory is JSON");
    let of_rule = |(place, rule): (usize, &serde_json::Value)| {
        let since = |kind: &str| rule["state"][kind]["since"].as_u64().map(|since| (now.as_millis() - since) / 1000);
        if let Some((_, state)) = autoscaler.memory().forecasts().find(|(other, _)| *other == place) {
            let forecaster = state.forecaster();
            format!("{} to {:.2}", forecaster.history().measured(), forecaster.quantile())
        } else if let Some(seconds) = since("threshold").or(since("burst")) {
            format!("{seconds} s")
        } else {
            "nothing".to_owned()
        }
    };
    memory["rules"].as_array().into_iter().flatten().enumerate().map(of_rule).collect()
}

#[test]
fn an_edit_while_nobody_runs_is_the_same_as_one_while_somebody_does() {
    let signals = |old: &str, new: &str| SIGNALS.replace(old, new);
    let same = SIGNALS.to_owned();
    let other_metric = signals("http_requests_total", "jobs_total");
    let burst = BURST.replace("60s", "90s");
    let misses = FORECAST.replace("horizon", "misses: 1%, horizon");
    let waiting = |rule: &str| rule.replace("requests", "waiting").replace("/s", "");
    let (waits, waits_long) = (waiting(FORECAST), waiting(THRESHOLD));
    let learned = FORECAST.replace("100/s", "{ cpu: 70% }");
    let before = [FORECAST, THRESHOLD, BURST, OF_FORMULA];
    for (name, signals, rules, expected) in [
        ("none", &same, before.to_vec(), vec!["38 to 0.91", "390 s", "30 s", "38 to 0.91"]),
        ("another knob", &same, vec![&*misses, THRESHOLD], vec!["38 to 0.99", "390 s"]),
        ("another signal", &same, vec![&*waits, &*waits_long], vec!["0 to 0.91", "0 s"]),
        ("another window", &same, vec![&*burst], vec!["nothing"]),
        ("a capacity that is learned", &same, vec![&*learned], vec!["0 to 0.91"]),
        ("rules before them", &same, vec![&*waits, THRESHOLD, FORECAST], vec!["0 to 0.91", "390 s", "38 to 0.91"]),
        ("other places", &same, vec![OF_FORMULA, BURST, FORECAST], vec!["38 to 0.91", "30 s", "38 to 0.91"]),
        ("another metric", &other_metric, before.to_vec(), vec!["0 to 0.91", "0 s", "nothing", "0 to 0.91"]),
        ("another formula", &signals("* 2", "* 3"), before.to_vec(), vec!["38 to 0.91", "390 s", "30 s", "0 to 0.91"]),
        (
            "another signal's source",
            &signals("waiting: published", "waiting: { prometheus: jobs_waiting, read: sum }"),
            before.to_vec(),
            vec!["38 to 0.91", "390 s", "30 s", "38 to 0.91"],
        ),
    ] {
        let edited = || policy(signals, &rules);
        let (mut live, now) = lived(policy(SIGNALS, &before));
        let mut restarted = restarted(&live, edited());
        live.handle_event(Event::PolicyReplaced(Box::new(edited())), now);
        for autoscaler in [&mut live, &mut restarted] {
            tell(autoscaler, &[("requests", 30.0), ("waiting", 100.0)], now);
        }
        assert_eq!(remembered(&live, now), expected, "{name}, live");
        assert_eq!(remembered(&restarted, now), expected, "{name}, restarted");
        let rules = |autoscaler: &Autoscaler| serde_json::to_value(autoscaler.memory()).expect("JSON")["rules"].clone();
        assert_eq!(rules(&live), rules(&restarted), "{name}");
    }
}

#[test]
fn what_was_measured_elsewhere_under_the_same_name_is_of_another_signal() {
    let (mut live, now) = lived(policy(SIGNALS, &[FORECAST]));
    let elsewhere = SIGNALS.replace("http_requests_total", "jobs_total");
    live.handle_event(Event::PolicyReplaced(Box::new(policy(&elsewhere, &[FORECAST]))), now);
    assert!(live.evaluate(now).signals.iter().all(|reading| reading.total.is_none()));
}

#[test]
fn what_one_rule_learned_and_cannot_be_read_is_of_that_rule_alone() {
    let rules = [FORECAST, OF_FORMULA];
    let (autoscaler, now) = lived(policy(SIGNALS, &rules));
    let learned = autoscaler.memory().forecasts_to_keep().expect("there is some");
    let learned = serde_json::to_value(learned).expect("JSON");
    let ways: [(&str, Damage, &str); 4] = [
        ("a value is cut out", |kept| drop(object(&mut kept["state"]["forecast"]).remove("forecaster")), "requests"),
        ("it is no number", |kept| kept["state"]["forecast"]["forecaster"]["quantile"] = "much".into(), "requests"),
        ("it is of a kind that is not known", |kept| kept["state"] = serde_json::json!({ "oracle": {} }), "requests"),
        ("it is nothing", |kept| *kept = 7.into(), "invalid type"),
    ];
    for (name, damage, expected) in ways {
        let mut damaged = learned.clone();
        damage(&mut damaged[0]);
        let forecasts: Forecasts = serde_json::from_value(damaged).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(matches!(forecasts.unreadable(), [why] if why.contains(expected)), "{name}: {forecasts:?}");
        let mut memory = autoscaler.memory().without_forecasts();
        memory.put_forecasts(forecasts);
        assert_eq!(memory.unreadable().len(), 1, "{name}");
        let mut restored = Autoscaler::restore(policy(SIGNALS, &rules), memory);
        tell(&mut restored, &[("requests", 30.0)], now);
        assert_eq!(remembered(&restored, now), ["0 to 0.91", "38 to 0.91"], "{name}");
        assert!(restored.memory().unreadable().is_empty(), "{name}: it is told once");
    }
}

#[test]
fn a_snapshot_of_which_something_cannot_be_read_is_no_snapshot() {
    let (autoscaler, _) = lived(policy(SIGNALS, &[FORECAST, THRESHOLD]));
    let mut kept = serde_json::to_value(autoscaler.snapshot()).expect("JSON");
    let read: Snapshot = serde_json::from_value(kept.clone()).expect("a snapshot");
    assert_eq!(Autoscaler::resume(read).memory(), autoscaler.memory(), "it knows its rules by its policy");
    object(&mut kept["memory"]["rules"][0]["forecast"]).remove("forecaster").expect("it was there");
    assert!(serde_json::from_value::<Snapshot>(kept).is_err());
}

fn object(value: &mut serde_json::Value) -> &mut serde_json::Map<String, serde_json::Value> {
    value.as_object_mut().expect("an object")
}
