//! Nomad Autoscaler's own table of its threshold strategy, row by row, where it is at hand.

use crate::driver::{policy, seconds, table};
use autoscaler::{
    Autoscaler, Event, Memory, Timestamp,
    evaluation::Opinion,
    event::{Observation, Reading, Replica, ReplicaId, Sample, Subject},
    explain,
    policy::{
        Action, Bound, Bounds, Direction, Group, Guards, Lasting, Limits, Policy, Rounding, Rule, RuleKind, Step,
        StepSize, Threshold,
    },
    quantity::{Quantity, SignalName, Unit},
};
use serde_json::Value;

#[test]
fn every_row_of_nomads_own_table_gives_the_same_count() {
    let Some(table) = table("nomad-threshold.json") else { return };
    let mut compared = 0;
    for row in table["cases"].as_array().expect("rows") {
        let Some(direction) = row["expected"]["action"]["direction"].as_str() else {
            // What Nomad refuses to read is no policy here either.
            assert!(row["expected"]["error"].is_string());
            continue;
        };
        compared += 1;
        let name = &row["name"];
        let current = count(&row["count"]);
        let (opinion, why) = decide(row, current);
        let steps = matches!(opinion, Opinion::Wants(wants) if wants != current);
        match direction {
            "none" => assert!(!steps, "{name}: {opinion:?} {why}"),
            _ => assert_eq!(opinion, Opinion::Wants(count(&row["expected"]["action"]["count"])), "{name}: {why}"),
        }
    }
    assert_eq!(compared, 15);
}

fn decide(row: &Value, current: u32) -> (Opinion, String) {
    let metrics: Vec<f64> = row["metrics"].as_array().expect("metrics").iter().filter_map(Value::as_f64).collect();
    let of = u8::try_from(metrics.len()).expect("few");
    let policy = Policy {
        guards: Guards::none(),
        limits: Limits::new(0, 1000),
        combine: Group::largest(1),
        rules: vec![rule(&row["config"], of)],
        ..policy("warm_up 0s", "target cpu 50%")
    };
    let mut memory = Memory::default();
    memory.set_target(current);
    let mut driven = Autoscaler::restore(policy, memory);
    let mut now = Timestamp::from_millis(1_800_000_000_000);
    let replicas = (0..current).map(|place| Replica {
        id: ReplicaId::new(place.to_string()),
        ready_since: Some(now.minus(seconds(60))),
        ..Replica::default()
    });
    let observation = Observation { replicas: replicas.collect(), ..Observation::default() };
    driven.handle_event(Event::Observed(observation), now);
    for value in metrics {
        now = now.plus(seconds(1));
        let signal = SignalName::new("published");
        let sample = Sample { signal, of: Subject::Service, at: now, reading: Reading::Value(value) };
        driven.handle_event(Event::Samples(vec![sample]), now);
    }
    let evaluation = driven.evaluate(now);
    (evaluation.recommendations[0].opinion, explain::rules(&evaluation).join("; "))
}

fn rule(config: &Value, of: u8) -> Rule {
    let number = |name: &str| config[name].as_str().and_then(|text| text.parse::<f64>().ok());
    let bound = |value: f64, inclusive| Bound { value: Quantity::Absolute { value, unit: Unit::Number }, inclusive };
    let direction = |value: f64| if value < 0.0 { Direction::Down } else { Direction::Up };
    let step = |value: f64, size| Action::Step(Step { direction: direction(value), size });
    let action = match (number("delta"), number("percentage"), number("value")) {
        (Some(delta), ..) => step(delta, StepSize::Count(whole(delta.abs()))),
        (_, Some(percent), _) => step(percent, StepSize::Share(percent.abs() / 100.0)),
        (.., value) => Action::To(whole(value.expect("an action"))),
    };
    let hits = number("within_bounds_trigger").map_or(5, |hits| u8::try_from(whole(hits)).expect("few"));
    let threshold = Threshold {
        signal: SignalName::new("published"),
        bounds: Bounds {
            lower: number("lower_bound").map(|value| bound(value, true)),
            upper: number("upper_bound").map(|value| bound(value, false)),
        },
        lasting: Lasting::Samples { hits, of },
        action,
        rounding: Rounding::Up,
        at_least_step: 1,
        limit: None,
        window: Rule::WINDOW,
    };
    RuleKind::Threshold(threshold).into()
}

fn count(value: &Value) -> u32 {
    u32::try_from(value.as_u64().expect("a count")).expect("a count")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small whole numbers of the table")]
fn whole(value: f64) -> u32 {
    value as u32
}
