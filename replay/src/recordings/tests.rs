//! What the table promises, on recordings that are drawn here.

use std::{collections::BTreeMap, fmt::Write as _, num::NonZero, sync::Arc};

use autoscaler::policy_file;
use forecast::{Forecaster, Utc};

use super::*;
use crate::{plan::Plan, simulation};

/// A day of a sine in steps of 15 minutes, and what looks like noise on it, over and over.
fn sine(steps: u32) -> String {
    csv(steps, 900, |k| {
        let wave = (f64::from(k % 96) / 96.0 * std::f64::consts::TAU).sin();
        60.0 + 40.0 * wave + f64::from(k * 7919 % 13)
    })
}

/// On for seven minutes and off for eleven.
fn on_off(steps: u32) -> String {
    csv(steps, 60, |k| if k % 18 < 7 { 12.5 } else { 0.25 })
}

fn csv(steps: u32, step: u32, value: impl Fn(u32) -> f64) -> String {
    let mut text = "timestamp_s,value\n".to_owned();
    for k in 0..steps {
        let _ = writeln!(text, "{},{:.3}", k * step, value(k));
    }
    text
}

fn read(name: &str, text: &str) -> Result<Recording, RecordingsError> {
    Recording::read(name, &format!("{name}.csv"), text.as_bytes(), &import::Options::default(), 16.0)
}

fn drawn() -> Vec<Recording> {
    [("sine", sine(240)), ("on-off", on_off(180))]
        .map(|(name, text)| read(name, &text).expect("it is drawn well"))
        .into()
}

fn options(jobs: usize) -> Options {
    let file = policy_file::parse("forecast", POLICY).expect("it ships");
    Options {
        name: "forecast".to_owned(),
        policy: Arc::new(file.policies.into_iter().next().expect("it has one")),
        idle_per_missing: 10.0,
        starts: vec![1, 3],
        jobs: NonZero::new(jobs).expect("above zero"),
    }
}

#[test]
fn the_table_is_the_same_however_many_run_at_a_time() {
    let recordings = drawn();
    let table = judge(&recordings, &options(1), &|_, _| {}).expect("they can be run");
    let other = judge(&recordings, &options(3), &|_, _| {}).expect("they can be run");
    let json = serde_json::to_string(&table).expect("it is values");
    assert_eq!(json, serde_json::to_string(&other).expect("it is values"));
    let text = table.text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[2].starts_with("RECORDING  START  POLICY     HPA     KPA   REACT"), "{text}");
    assert_eq!(lines[3..7].iter().filter(|line| line.starts_with("sine ") || line.starts_with("on-off ")).count(), 4);
    for start in table.recordings.iter().flat_map(|judged| &judged.starts) {
        let plan = start.of("plan").expect("it is judged");
        assert!((plan.over_plan - 1.0).abs() < 1e-12);
        for row in &start.rows {
            assert!(row.all.over_plan > 1.0 - 1e-9, "{} pays less than the plan: {}", row.key, row.all.over_plan);
            assert!((row.second_half.tau_u / 100.0 - row.second_half.short).abs() < 1e-12, "{}", row.key);
        }
        let peak = start.of("static-peak").expect("it is judged");
        assert!(peak.missing.abs() < 1e-12, "as many as are ever needed: {}", peak.missing);
    }
    shape(&serde_json::to_value(&table).expect("it is values"));
    let own = table.curves.iter().find(|curve| curve.key == "policy").expect("its knob is turned");
    assert_eq!(own.points.iter().map(|point| point.setting).collect::<Vec<_>>(), KNOBS);
    let page = replace(&format!("# Page\n\n{BEGIN}\nstale\n{END}\n\nrest\n"), &table.markdown()).expect("it has marks");
    assert!(page.starts_with("# Page\n\n<!-- table: recordings -->\n#### Cost over") && page.ends_with("\nrest\n"));
    assert!(!page.contains("stale") && !page.contains("NaN"), "{page}");
}

/// The keys that programs read.
fn shape(json: &serde_json::Value) {
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default()
    };
    assert_eq!(json["v"], 1);
    for (pointer, expected) in [
        ("", "beaten curves idle_per_missing policy recordings v"),
        ("/recordings/0", "capacity name starts step steps"),
        ("/recordings/0/starts/0", "best_reactive bound over_reactive rows start"),
        ("/recordings/0/starts/0/bound", "above allowed steps"),
        ("/recordings/0/starts/0/rows/0", "all key name second_half"),
        (
            "/recordings/0/starts/0/rows/0/all",
            "changes cost jitter lost mean_replicas missing over_plan short tau_o tau_u theta_o theta_u",
        ),
        ("/beaten/0", "finding high key low mean of p pairs unequal won"),
        ("/curves/0", "against key knob points"),
        ("/curves/0/points/0", "allowed missing paid setting short"),
        ("/curves/1/against", "by_baseline by_policy"),
    ] {
        let mut found = keys(json.pointer(pointer).unwrap_or(&serde_json::Value::Null));
        found.sort();
        assert_eq!(found.join(" "), expected, "{pointer}");
    }
}

#[test]
fn it_says_how_often_the_demand_was_above_the_bound() {
    let file = POLICY.replace("idle_per_missing: 10", "idle_per_missing: 10, horizon: 2m");
    let file = policy_file::parse("horizon", &file).expect("it is a policy");
    let options = Options { policy: Arc::new(file.policies[0].clone()), ..options(2) };
    // At squares, which no season foresees.
    let jumps = |k: u32| if k.isqrt().pow(2) == k { 100.0 } else { 5.0 };
    for (name, text) in [
        ("noise", csv(400, 60, |k| 50.0 + f64::from(k * 7919 % 13))),
        ("jumps", csv(400, 60, jumps)),
        ("even", csv(100, 60, |_| 20.0)),
    ] {
        let recording = read(name, &text).expect("it is drawn well");
        let (steps, above) = by_hand(&recording);
        let table = judge(&[recording], &options, &|_, _| {}).expect("it can be run");
        for start in &table.recordings[0].starts {
            let bound = start.bound.expect("something was said");
            assert_eq!((bound.steps, bound.above), (steps, above as f64 / steps as f64), "{name}: {bound:?}");
            assert!((bound.allowed - 1.0 / 11.0).abs() < 1e-12, "{bound:?}");
            let row = format!("| {name} | {} | {steps} | {:.1} | 9.1 |", start.start, bound.above * 100.0);
            assert!(table.markdown().contains(&row), "{row}: {}", table.markdown());
        }
    }
}

/// In the second half: of how many steps a bound had been said two steps before, and how many were above it.
fn by_hand(recording: &Recording) -> (u64, u64) {
    let mut forecaster = Forecaster::new(10.0 / 11.0);
    let mut bounds = BTreeMap::new();
    let (mut steps, mut above) = (0, 0);
    let mut at = crate::scenario::BEGINS;
    for (place, value) in recording.series.values.iter().flatten().enumerate() {
        at = at.plus(recording.step);
        if let Some(bound) = bounds.remove(&at.as_millis()).filter(|_| place >= recording.steps() / 2) {
            steps += 1;
            above += u64::from(*value > bound * (1.0 + 1e-9));
        }
        forecaster.observe(at.as_millis(), *value, 120_000, &Utc);
        if let Some(by) = forecaster.outlook() {
            bounds.insert(by.made_at + 120_000, by.ahead);
        }
    }
    (steps, above)
}

#[test]
fn without_a_forecast_no_bound_is_promised() {
    let text =
        "service: shop/web\nreplicas: { min: 1, max: 200 }\nrules: [{ target: { signal: cpu, per_replica: 70% } }]\n";
    let file = policy_file::parse("web", text).expect("it is a policy");
    let policy = Arc::new(file.policies.into_iter().next().expect("it has one"));
    let options = Options { policy, starts: vec![1], ..options(2) };
    let table = judge(&[read("sine", &sine(100)).expect("it is drawn well")], &options, &|_, _| {}).expect("it runs");
    assert_eq!(table.recordings[0].starts[0].bound, None);
    assert!(table.markdown().contains("| sine | 1 | 0 | – | – |"), "{}", table.markdown());
}

#[test]
fn a_recording_is_a_closed_loop_in_which_a_replica_carries_what_it_says() {
    let recording = read("sine", &sine(240)).expect("it is drawn well");
    let scenario = scenario(&recording, 3, 10.0);
    assert_eq!((scenario.every, recording.step), (Duration::from_mins(15), Duration::from_mins(15)));
    let expected: Vec<u32> = recording
        .series
        .values
        .iter()
        .flatten()
        .map(|value| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 17")]
            let needed = (value / recording.capacity - 1e-9).ceil() as u32;
            needed
        })
        .collect();
    let found: Vec<u32> = simulation::demand(&scenario).map(|step| step.needed).collect();
    assert_eq!(found, expected);
    assert_eq!(expected.iter().max(), Some(&16), "the highest value is at most one in a thousand above the quantile");
    assert!(Plan::new(&scenario, simulation::bounds(&scenario)).cost() > 0.0);
}

#[test]
fn half_an_hour_between_samples_is_no_lost_host() {
    let text = csv(60, 1800, |k| if k < 30 { 20.0 } else { 80.0 });
    let recording = read("step", &text).expect("it is drawn well");
    let table = judge(&[recording], &options(2), &|_, _| {}).expect("it can be run");
    let start = &table.recordings[0].starts[0];
    for key in ["policy", "react", "hpa"] {
        let figures = start.of(key).expect("it is judged");
        assert!(figures.missing < 0.5 && figures.changes > 0, "{key}: {figures:?}");
    }
}

#[test]
fn what_cannot_be_judged_is_said_with_its_place() {
    for (name, text, said) in [
        ("short", csv(5, 60, |_| 1.0), "short.csv: it has 5 steps; at least 20 are needed"),
        ("nothing", csv(50, 60, |_| 0.0), "nothing.csv: its values are zero"),
        ("empty", csv(50, 60, |_| 0.0).replace("0.000", ""), "empty.csv: none of its 50 steps has a value from 0 on"),
        ("negative", csv(50, 60, |_| -1.0), "negative.csv: none of its 50 steps has a value from 0 on"),
        ("columns", "time,load\n0,1\n".to_owned(), "timestamp_s"),
        ("moment", format!("{}soon,1\n", csv(30, 60, |_| 1.0)), "moment.csv:32"),
        ("order", format!("{}60,1\n", csv(30, 60, |_| 1.0)), "order.csv:32"),
    ] {
        let error = read(name, &text).expect_err(name).to_string();
        assert!(error.contains(said), "{name}: {error}");
    }
    let gap = csv(50, 60, |_| 2.0).replace("\n600,2.000", "").replace("\n660,2.000", "\n660,many");
    let recording = read("gap", &gap).expect("a gap is a straight line");
    assert_eq!((recording.steps(), recording.series.values[10]), (50, None));
}
