//! Promises that hold for every scenario.

use std::time::Duration;

use proptest::prelude::*;

use super::{Asked, Kept, model, scenario, seconds};
use crate::{
    scenario::{
        Arrivals, Balance, Fault, Host, LatencyObjective, LoadKind, Memory, Objective, Part, Play, Queue, Scenario,
        Shared, Spans, Start, WarmUp, What,
    },
    simulation::{demand, run},
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_no_request_appears_or_vanishes(scenario in any_scenario(), asks in any_asks()) {
        let mut kept = Kept::default();
        let came_to = run(&scenario, &mut Asked::new(asks.clone()), &mut [&mut kept]).expect("a closed loop");
        let (mut at, mut queue) = (scenario.begins, 0.0);
        for segment in &kept.segments {
            prop_assert_eq!(segment.from, at);
            prop_assert!(segment.to > segment.from);
            let scale = 1.0 + segment.offered + segment.queue_from;
            prop_assert!((segment.queue_from - queue).abs() <= 1e-9 * scale, "{queue} before {segment:?}");
            let kept = segment.offered - segment.served - segment.lost - (segment.queue_to - segment.queue_from);
            prop_assert!(kept.abs() <= 1e-9 * scale, "{kept} of {segment:?}");
            for amount in [segment.offered, segment.served, segment.lost, segment.queue_to, segment.slow] {
                prop_assert!(amount.is_finite() && amount >= -1e-9 * scale, "{segment:?}");
            }
            prop_assert!(segment.slow <= segment.served * (1.0 + 1e-9) && segment.needed >= 1, "{segment:?}");
            (at, queue) = (segment.to, segment.queue_to);
        }
        prop_assert_eq!(at, scenario.ends());
        let all = came_to.offered - came_to.served - came_to.lost - queue;
        prop_assert!(all.abs() <= 1e-9 * (1.0 + came_to.offered), "{all} of {came_to:?}");

        let mut again = Kept::default();
        run(&scenario, &mut Asked::new(asks), &mut [&mut again]).expect("a closed loop");
        prop_assert!(kept.segments == again.segments && kept.changes == again.changes, "two runs differ");
    }

    #[test]
    fn what_is_needed_is_known_without_a_run(scenario in any_scenario()) {
        let mut kept = Kept::default();
        run(&scenario, &mut Asked::new(Vec::new()), &mut [&mut kept]).expect("a closed loop");
        let steps: Vec<_> = demand(&scenario).collect();
        for segment in &kept.segments {
            let step = steps.iter().find(|step| step.from <= segment.from && segment.from < step.to);
            prop_assert_eq!(step.map(|step| step.needed), Some(segment.needed), "{:?}", segment);
        }
    }
}

fn any_asks() -> impl Strategy<Value = Vec<(u64, u32)>> {
    proptest::collection::vec((0_u64..400, 0_u32..9), 0..8)
}

fn any_scenario() -> impl Strategy<Value = Scenario> {
    let service = (any_queue(), any_balance(), any_start(), 0_u64..30, 1_u32..5, 0.0_f64..3.0);
    let loaded = (any_kind(), 0.0_f64..0.9, any::<bool>(), any::<bool>(), any::<bool>());
    let faults = proptest::collection::vec(any_fault(), 0..5);
    let play = (5.0_f64..200.0, 0.0_f64..300.0, any::<u64>());
    (service, loaded, faults, play).prop_map(|(service, loaded, faults, (level, step, seed))| {
        let parts = vec![Part::Level(level), Part::Step { at: seconds(60), by: step, lasts: Some(seconds(120)) }];
        let mut scenario = scenario(parts, seconds(400));
        (scenario.seed, scenario.faults) = (seed, faults);
        let mut model = model();
        let (queue, balance, start, stop, at_once, spread) = service;
        (model.queue, model.balance, model.start, model.stop) = (queue, balance, start, seconds(stop));
        (model.at_once, model.spread) = (at_once, spread);
        model.memory = Some(Memory { idle: 1e8, per_request: 1e6, limit: None });
        let (kind, retries, poisson, shares, objective) = loaded;
        if shares {
            model.shared = Shared { contention: 0.05, crosstalk: 0.01, most: Some(150.0) };
        }
        if objective {
            scenario.objective.latency = Some(LatencyObjective { quantile: 0.95, below: 0.2 });
        }
        if let Play::Load(load) = &mut scenario.play {
            (load.service, load.kind, load.retries) = (model, kind, retries);
            load.arrivals = if poisson { Arrivals::Poisson } else { Arrivals::Even };
            load.host =
                if shares { Host { cores: Some(4.0), memory: Some(1e10), others: 0.5 } } else { Host::default() };
        }
        let _: &Objective = &scenario.objective;
        scenario
    })
}

fn any_kind() -> impl Strategy<Value = LoadKind> {
    let think = || (1_u64..20).prop_map(seconds);
    prop_oneof![
        Just(LoadKind::Requests),
        Just(LoadKind::Jobs),
        Just(LoadKind::Cores),
        think().prop_map(|think| LoadKind::Users { think }),
        (think(), 1.0_f64..9.0).prop_map(|(think, requests)| LoadKind::Sessions { think, requests }),
    ]
}

fn any_queue() -> impl Strategy<Value = Queue> {
    let most = proptest::option::of(0_u32..200);
    let patience = proptest::option::of((1_u64..30).prop_map(seconds));
    (most, patience).prop_map(|(most, patience)| Queue { most, patience })
}

fn any_balance() -> impl Strategy<Value = Balance> {
    prop_oneof![
        Just(Balance::RoundRobin),
        Just(Balance::LeastConnections),
        Just(Balance::TwoChoices),
        Just(Balance::Random),
        Just(Balance::Central),
    ]
}

fn any_start() -> impl Strategy<Value = Start> {
    let warm_up = proptest::option::of((0.1_f64..1.0, 1_u64..60));
    (0_u64..20, 0_u64..20, 0.0_f64..0.5, warm_up).prop_map(|(image, boot, fails, warm_up)| Start {
        image: Spans(vec![seconds(image)]),
        boot: Spans(vec![seconds(boot), Duration::from_millis(700)]),
        ready: Spans::default(),
        cpu: 0.5,
        warm_up: warm_up.map(|(from, over)| WarmUp { from, over: seconds(over) }),
        fails,
        gives_up: seconds(30),
    })
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let what = prop_oneof![
        Just(What::HostLost),
        Just(What::AgentSilent),
        (0_u64..40).prop_map(|by| What::SamplesLate { by: seconds(by) }),
        Just(What::SamplesMissing { signals: Vec::new() }),
        Just(What::ControllerRestarted),
        Just(What::StartsFail),
        (0_u32..6).prop_map(|replicas| What::ComposeUp { replicas }),
        Just(What::Deploy { takes: Some(0.03), cpu: None }),
        (0.0_f64..0.9).prop_map(|share| What::Neighbour { share }),
        (0_u32..4).prop_map(|count| What::ReplicasDie { count }),
    ];
    (0_u64..400, 0_u64..60, what).prop_map(|(at, lasts, what)| Fault { at: seconds(at), lasts: seconds(lasts), what })
}
