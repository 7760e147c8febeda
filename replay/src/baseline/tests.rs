//! What all baselines promise.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{toy::Toy, *};
use crate::scenario::{
    Arrivals, Balance, Demand, Fault, Host, Load, LoadKind, Objective, Part, Play, Queue, Replicas, Service,
    ServiceModel, Shared, Source, Spans, Start, What,
};
use crate::{
    measures::Meter,
    simulation::{Change, Watch},
};

/// Requests per second that one replica carries.
const PER_REPLICA: f64 = 10.0;

#[test]
fn names_are_asked_for_one_by_one_and_said_with_their_knob() {
    let scenario = scenario(2, 1, 20, 40.0);
    let said: Vec<String> = ALL
        .iter()
        .map(|baseline| baseline.make(None, &scenario).expect("its own knob is one it can have"))
        .map(|scaler| scaler.name())
        .collect();
    assert_eq!(
        said,
        [
            "HPA, CPU at 80 %",
            "KEDA, 10 in flight per replica",
            "KPA, 0.7 in flight per replica",
            "Nomad target-value, CPU at 70 %",
            "AWS target tracking, CPU at 75 %",
            "AWS step scaling, CPU around 50 %",
            "static peak, 100 %: 4 replicas",
            "static mean, 100 %: 4 replicas",
            "React, two spare at 80 %",
            "Adapt at 80 %",
            "Hist, 95 % of the hour's history",
            "Reg at 80 %",
            "ConPaaS at 80 %",
            "AutoScale-- at 80 %",
            "naive with a hold at 80 %",
            "linear extrapolation at 80 %",
            "none: 2 replicas",
        ]
    );
    assert_eq!(ALL.iter().map(|baseline| baseline.name).collect::<BTreeSet<_>>().len(), ALL.len());
}

#[test]
fn who_asks_for_none_of_them_is_told_the_nearest() {
    let scenario = scenario(2, 1, 20, 40.0);
    for (name, nearest) in [
        ("hpaa", Some("hpa")),
        ("KEDA", Some("keda")),
        ("Kubernetes", Some("hpa")),
        ("autoscale", Some("autoscale--")),
        ("aws-traget", Some("aws-target")),
        ("static_peak", Some("static-peak")),
        ("zzzzzzzz", None),
        ("", None),
    ] {
        let Err(BaselineError::Unknown { nearest: found, .. }) = make(name, None, &scenario) else {
            panic!("{name} is none");
        };
        assert_eq!(found, nearest, "{name}");
    }
    let error = make("hpaa", None, &scenario).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.starts_with("there is no baseline `hpaa`, did you mean `hpa`?; there are `hpa`, `keda`,"), "{error}");
    for knob in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(make("hpa", Some(knob), &scenario), Err(BaselineError::Knob { .. })), "{knob}");
    }
    let error = make("hpa", Some(0.0), &scenario).err().map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(error, "CPU of the baseline `hpa` cannot be 0: it is above 0; 0.2 to 0.95 make sense");
}

#[test]
fn the_page_has_all_of_them() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/baselines.md");
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let scenario = scenario(2, 1, 20, 40.0);
    let mut table = "| name | what it is | knob | sweep | source |\n|---|---|---|---|---|\n".to_owned();
    for baseline in ALL {
        let knob = baseline.knob(&scenario);
        let (value, sweep) = match knob.unit {
            Unit::Share => {
                (look::percent(knob.value), format!("{:.0} to {:.0} %", knob.least * 100.0, knob.most * 100.0))
            }
            Unit::Requests => (look::number(knob.value), format!("{} to {}", knob.least, knob.most)),
            Unit::Replicas => ("the start's".to_owned(), "min to max".to_owned()),
        };
        let Baseline { name, about, source, .. } = baseline;
        let row = format!("| `{name}` | {about} | {}, {value} | {sweep} | {source} |\n", knob.name);
        table.push_str(&row);
        assert!(page.contains(&format!("\n### `{name}`\n")), "{name} has its section");
    }
    let (before, rest) = page.split_once("<!-- table: baselines -->\n").expect("the page has its table");
    let (_, after) = rest.split_once("<!-- /table -->").expect("the table ends");
    let wanted = format!("{before}<!-- table: baselines -->\n{table}<!-- /table -->{after}");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &wanted).expect("the page can be written");
    }
    let page = std::fs::read_to_string(&path).expect("the page is there");
    assert!(page == wanted, "the table of docs/baselines.md is old: run this test with UPDATE_GENERATED=1");
}

#[test]
fn a_knob_is_swept_from_end_to_end() {
    let scenario = scenario(2, 1, 4, 40.0);
    for baseline in ALL {
        let knob = baseline.knob(&scenario);
        let values = knob.sweep(9);
        assert!((knob.least..=knob.most).contains(&knob.value), "{}", baseline.name);
        assert!((values[0] - knob.least).abs() < 1e-9, "{}: {values:?}", baseline.name);
        assert!(values.last().is_some_and(|last| (last - knob.most).abs() < 1e-9), "{}: {values:?}", baseline.name);
        assert!(values.windows(2).all(|pair| pair[0] < pair[1]), "{}: {values:?}", baseline.name);
        for value in values {
            assert!(baseline.make(Some(value), &scenario).is_ok(), "{} at {value}", baseline.name);
        }
    }
    assert_eq!(Knob::CPU.sweep(1), [0.2]);
    assert!(Knob::CPU.sweep(0).is_empty());
}

#[test]
fn a_knob_turned_to_more_load_per_replica_never_needs_more_of_them() {
    let scenario = scenario(2, 1, 60, 40.0);
    for baseline in
        ALL.iter().filter(|baseline| !["static-peak", "static-mean", "hist", "none", "keda"].contains(&baseline.name))
    {
        let settled: Vec<u32> = baseline
            .knob(&scenario)
            .sweep(5)
            .into_iter()
            .map(|value| {
                let mut scaler = baseline.make(Some(value), &scenario).expect("it makes sense");
                Toy::default().run(scaler.as_mut(), 5000, 2, |_| Some(83.0)).last().copied().unwrap_or_default()
            })
            .collect();
        assert!(settled.windows(2).all(|pair| pair[0] >= pair[1]), "{}: {settled:?}", baseline.name);
        assert!(settled[0] > settled[4], "{}: {settled:?}", baseline.name);
    }
}

#[test]
fn every_sentence_has_its_numbers() {
    let scenario = scenario(2, 1, 6, 40.0);
    for baseline in ALL {
        let mut scaler = baseline.make(None, &scenario).expect("its own knob is one it can have");
        assert_eq!(scaler.why(), "It has not looked yet.");
        for rate in [Some(15.0), None, Some(500.0), Some(2.0)] {
            Toy::default().run(scaler.as_mut(), 200, 2, |_| rate);
            let why = scaler.why();
            assert!(why.ends_with('.') && why.chars().any(|c| c.is_ascii_digit()), "{}: {why}", baseline.name);
            assert!(!why.contains("NaN") && !why.contains("inf"), "{}: {why}", baseline.name);
        }
    }
}

#[test]
fn a_simulated_flash_crowd_costs_each_of_them_less_than_not_to_scale() {
    let scenario = flash_crowd();
    let cost = |baseline: &Baseline| {
        let mut scaler = baseline.make(None, &scenario).expect("its own knob is one it can have");
        let (mut changes, mut meter) = (Changes::default(), Meter::new(&scenario));
        simulation::run(&scenario, scaler.as_mut(), &mut [&mut changes, &mut meter]).expect("it is a closed loop");
        for Change { to, why, .. } in &changes.0 {
            assert!((1..=40).contains(to) && why.ends_with('.'), "{} wants {to}: {why}", baseline.name);
        }
        meter.measures()
    };
    let unscaled = cost(ALL.iter().find(|baseline| baseline.name == "none").expect("there is one that does not scale"));
    for baseline in ALL.iter().filter(|baseline| baseline.name != "none") {
        let measures = cost(baseline);
        assert!(measures.cost.total < unscaled.cost.total, "{}: {:?}", baseline.name, measures.cost);
        assert!(measures.users.lost < unscaled.users.lost, "{}: {:?}", baseline.name, measures.users);
        assert_eq!(measures, cost(baseline), "{}, again", baseline.name);
        if baseline.name == "static-peak" {
            assert!(measures.cost.missing_hours < 0.01, "but for the start: {:?}", measures.cost);
        }
    }
}

#[test]
fn idle_services_go_to_none_only_where_the_system_can_wake_them() {
    let scenario = scenario(2, 0, 20, 40.0);
    let mut idle = BTreeSet::new();
    for baseline in ALL {
        let mut scaler = baseline.make(None, &scenario).expect("its own knob is one it can have");
        let counts =
            Toy::default().run(scaler.as_mut(), 9000, 2, |second| Some(if second < 6000 { 0.0 } else { 30.0 }));
        if counts[5999] == 0 {
            idle.insert(baseline.name);
            assert!(counts[8999] >= 3, "{} does not come back", baseline.name);
        }
    }
    let expected = ["autoscale--", "conpaas", "hist", "keda", "kpa", "lr10", "naive+hold", "reg"];
    assert_eq!(idle, expected.into());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn counts_are_within_limits_and_the_same_each_time(
        min in 0u32..4, more in 1u32..20, start in 0u32..20, rates in rates(), knob in 0.1f64..1.0,
    ) {
        let max = min + more;
        let scenario = scenario(start.clamp(min, max), min, max, 40.0);
        for baseline in ALL {
            let run = || {
                let mut scaler = baseline.make(Some(knob), &scenario).expect("above zero");
                Toy::default().run(scaler.as_mut(), 1800, start, |second| rates[usize::try_from(second / 100).unwrap_or_default()])
            };
            let counts = run();
            prop_assert!(counts.iter().all(|count| (min..=max).contains(count)), "{}: {counts:?}", baseline.name);
            prop_assert_eq!(counts, run(), "{}", baseline.name);
        }
    }

    #[test]
    fn a_constant_load_comes_to_rest(rate in 0.0f64..200.0, start in 1u32..30) {
        let scenario = scenario(start, 1, 30, rate);
        for baseline in ALL {
            // See there for what it does with its own.
            let knob = (baseline.name == "keda").then_some(0.7);
            let mut scaler = baseline.make(knob, &scenario).expect("it makes sense");
            let counts = Toy::default().run(scaler.as_mut(), 10_000, start, |_| Some(rate));
            let rest: BTreeSet<u32> = counts[9000..].iter().copied().collect();
            prop_assert_eq!(rest.len(), 1, "{} at {} from {}: {:?}", baseline.name, rate, start, rest);
        }
    }

    #[test]
    fn while_nothing_is_measured_nothing_is_lowered(rates in rates(), start in 1u32..30, restarts in any::<bool>()) {
        let scenario = scenario(start, 0, 30, 40.0);
        for baseline in ALL {
            let mut scaler = baseline.make(None, &scenario).expect("its own knob is one it can have");
            let toy = Toy::default();
            let before = toy.run(scaler.as_mut(), 1800, start, |second| rates[usize::try_from(second / 100).unwrap_or_default()]);
            let last = before.last().copied().unwrap_or_default();
            let blind = Toy { begins: toy.begins.plus(Duration::from_mins(30)), ..toy };
            if restarts {
                scaler.restart(blind.begins);
            }
            // A minute for what was measured before, which each averages over its interval.
            let counts = blind.run(scaler.as_mut(), 4000, last, |_| None);
            let first = counts[61];
            prop_assert!(counts[61..].iter().all(|count| *count >= first), "{}: {counts:?}", baseline.name);
        }
    }

    #[test]
    fn a_fit_of_anything_is_a_number_or_nothing(
        points in prop::collection::vec((-1e9f64..1e9, -1e6f64..1e6), 0..40), degree in 0usize..4, at in -1e9f64..1e9,
    ) {
        let value = fit::extrapolate(&points, degree, at);
        prop_assert_eq!(value.is_none(), points.is_empty());
        prop_assert!(value.is_none_or(f64::is_finite));
    }
}

#[test]
fn a_silent_agent_lowers_nothing() {
    for every in [1, 10] {
        let mut scenario = scenario(8, 0, 40, 60.0);
        scenario.every = Duration::from_secs(every);
        // Silent from when the load is gone.
        if let Play::Load(load) = &mut scenario.play {
            load.demand.source = Source::Drawn(vec![
                Part::Level(60.0),
                Part::Step { at: Duration::from_mins(20), by: -60.0, lasts: None },
            ]);
        }
        scenario.faults =
            vec![Fault { at: Duration::from_mins(20), lasts: Duration::from_mins(40), what: What::AgentSilent }];
        for baseline in ALL {
            let mut scaler = baseline.make(None, &scenario).expect("its own knob is one it can have");
            let mut changes = Changes::default();
            simulation::run(&scenario, scaler.as_mut(), &mut [&mut changes]).expect("it is a closed loop");
            let silent = scenario.begins.plus(Duration::from_mins(21));
            let blind = silent..scenario.ends();
            let lowered = changes.0.iter().find(|change| blind.contains(&change.at) && change.to < change.from);
            assert_eq!(lowered, None, "{} at {every} s", baseline.name);
        }
    }
}

#[derive(Default)]
struct Changes(Vec<Change>);

impl Watch for Changes {
    fn change(&mut self, change: &Change, _scaler: &dyn Scaler) {
        self.0.push(change.clone());
    }
}

/// From 40/s to 200/s within half a minute, fading for the rest of an hour.
fn flash_crowd() -> Scenario {
    let mut scenario = scenario(3, 1, 40, 40.0);
    if let Play::Load(load) = &mut scenario.play {
        load.demand.source = Source::Drawn(vec![
            Part::Level(40.0),
            Part::Flash {
                at: Duration::from_mins(10),
                rise: Duration::from_secs(30),
                by: 160.0,
                fade: Duration::from_mins(20),
            },
            Part::Noise { spread: 0.1, every: Duration::from_secs(10) },
        ]);
        load.service.start.boot = Spans(vec![Duration::from_secs(2), Duration::from_secs(4)]);
        load.service.queue = Queue { most: Some(100), patience: Some(Duration::from_secs(10)) };
    }
    scenario
}

/// Eighteen rates, some of them not measured.
fn rates() -> impl Strategy<Value = Vec<Option<f64>>> {
    let rate = prop_oneof![1 => Just(None), 1 => Just(Some(0.0)), 4 => (0.0f64..300.0).prop_map(Some)];
    prop::collection::vec(rate, 18)
}

fn scenario(start: u32, min: u32, max: u32, rate: f64) -> Scenario {
    let service = ServiceModel {
        takes: 1.0 / PER_REPLICA,
        spread: 1.0,
        at_once: 1,
        cpu: 1.0 / PER_REPLICA,
        idle_cpu: 0.0,
        cpu_limit: Some(1.0),
        memory: None,
        start: Start::default(),
        stop: Duration::ZERO,
        balance: Balance::RoundRobin,
        queue: Queue::default(),
        shared: Shared::default(),
    };
    let load = Load {
        demand: Demand { source: Source::Drawn(vec![Part::Level(rate)]) },
        kind: LoadKind::Requests,
        arrivals: Arrivals::Even,
        retries: 0.0,
        service,
        host: Host::default(),
        emits: Load::usual_signals(),
    };
    Scenario {
        name: "toy".to_owned(),
        about: String::new(),
        from: "drawn".to_owned(),
        service: Service { host: String::new(), project: "shop".to_owned(), service: "web".to_owned() },
        begins: crate::scenario::BEGINS,
        lasts: Duration::from_hours(1),
        every: Duration::from_secs(1),
        seed: 1,
        replicas: Replicas { start, min, max },
        policy: None,
        objective: Objective::default(),
        play: Play::Load(Box::new(load)),
        faults: Vec::new(),
        expect: Vec::new(),
    }
}
