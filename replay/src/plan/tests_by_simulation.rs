//! Plans against the simulator.

use proptest::prelude::*;

use super::*;
use crate::{
    baseline,
    measures::Meter,
    scaler::Scaler,
    scenario::{
        Arrivals, BEGINS, Balance, Demand, Fault, Host, LatencyObjective, Load, LoadKind, Objective, Part, Queue,
        Replicas, Service, Shared, Source, WarmUp,
    },
    simulation::{bounds, run},
};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn part() -> impl Strategy<Value = Part> {
    let span = (10..300_u64).prop_map(Duration::from_secs);
    prop_oneof![
        (0.0..200.0_f64).prop_map(Part::Level),
        (0.0..300.0_f64, span.clone(), prop::option::of(span.clone())).prop_map(|(by, at, lasts)| Part::Step {
            at,
            by,
            lasts
        }),
        (10.0..200.0_f64, span.clone()).prop_map(|(amplitude, period)| Part::Sine {
            amplitude,
            period,
            phase: Duration::ZERO
        }),
        (10.0..400.0_f64, span.clone(), span.clone()).prop_map(|(high, every, lasts)| Part::Bursts {
            low: 0.0,
            high,
            every,
            lasts
        }),
        (10.0..400.0_f64, span.clone(), span).prop_map(|(by, at, fade)| Part::Flash {
            at,
            rise: millis(20_500),
            by,
            fade
        }),
    ]
}

fn start() -> impl Strategy<Value = Start> {
    let spans = || prop::collection::vec((0..20_000_u64).prop_map(millis), 1..3).prop_map(Spans);
    let warm_up = prop::option::of((0.1..1.0_f64, 1..60_u64));
    (spans(), spans(), spans(), 0.0..0.3_f64, warm_up).prop_map(|(image, boot, ready, fails, warm_up)| Start {
        image,
        boot,
        ready,
        cpu: 0.1,
        warm_up: warm_up.map(|(from, over)| WarmUp { from, over: Duration::from_secs(over) }),
        fails,
        gives_up: Duration::from_secs(30),
    })
}

prop_compose! {
    fn scenario()(
        parts in prop::collection::vec(part(), 1..4),
        start in start(),
        stop in prop_oneof![Just(0_u64), 1..15_000_u64],
        (first, min, max) in (1..8_u32, 1..4_u32, 4..15_u32),
        lasts in 200..900_u64,
        idle_per_missing in prop_oneof![Just(1.0), Just(3.0), Just(10.0), Just(7.3)],
        objective in prop::option::of(0.1..1.0_f64),
        silent in prop::option::of(10..200_u64),
        (seed, poisson) in (0..1000_u64, any::<bool>()),
    ) -> Scenario {
        let service = ServiceModel {
            takes: 0.02,
            spread: 1.0,
            at_once: 1,
            cpu: 0.02,
            idle_cpu: 0.01,
            cpu_limit: Some(1.0),
            memory: None,
            start,
            stop: millis(stop),
            balance: Balance::RoundRobin,
            queue: Queue { most: Some(200), patience: Some(Duration::from_secs(20)) },
            shared: Shared::default(),
        };
        let load = Load {
            demand: Demand { source: Source::Drawn(parts) },
            kind: LoadKind::Requests,
            arrivals: if poisson { Arrivals::Poisson } else { Arrivals::Even },
            retries: 0.1,
            service,
            host: Host::default(),
            emits: Load::usual_signals(),
        };
        let late = |at| Fault {
            at: Duration::from_secs(at),
            lasts: Duration::from_secs(30),
            what: What::SamplesMissing { signals: Vec::new() },
        };
        Scenario {
            name: "drawn".to_owned(),
            about: String::new(),
            from: "drawn".to_owned(),
            service: Service { host: String::new(), project: "shop".to_owned(), service: "web".to_owned() },
            begins: BEGINS,
            lasts: Duration::from_secs(lasts),
            every: Duration::from_secs(1),
            seed,
            replicas: Replicas { start: first.clamp(min, max), min, max },
            policy: None,
            objective: Objective {
                latency: objective.map(|below| LatencyObjective { quantile: 0.95, below }),
                idle_per_missing,
            },
            play: Play::Load(Box::new(load)),
            faults: silent.map(late).into_iter().collect(),
            expect: Vec::new(),
        }
    }
}

/// What a run with this scaler costs, in replica-hours.
fn paid(scenario: &Scenario, scaler: &mut dyn Scaler) -> f64 {
    let mut meter = Meter::new(scenario);
    run(scenario, scaler, &mut [&mut meter]).expect("a closed loop");
    meter.measures().cost.total
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_plan_costs_what_it_says_when_it_is_carried_out(scenario in scenario()) {
        let world = Plan::world(&scenario);
        let plan = Plan::new(&world, bounds(&world));
        let costs = paid(&world, &mut PlanScaler::new(plan.clone()));
        prop_assert!((costs - plan.cost()).abs() <= 1e-9 * plan.cost(), "{costs} for {}", plan.cost());
    }

    #[test]
    fn nobody_pays_less_than_the_plan(scenario in scenario(), which in 0..baseline::ALL.len()) {
        let mut scaler = baseline::ALL[which].make(None, &scenario).expect("a baseline");
        let plan = Plan::new(&scenario, bounds(&scenario));
        let costs = paid(&scenario, scaler.as_mut());
        prop_assert!(costs >= plan.cost() * (1.0 - 1e-9), "{}: {costs} for {}", scaler.name(), plan.cost());
    }
}
