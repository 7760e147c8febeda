use autoscaler::{Timestamp, policy_file};
use proptest::prelude::*;

use super::*;
use crate::{
    scenario::{
        Arrivals, BEGINS, Balance, Demand, Host, Load, LoadKind, Objective, Part, Play, Queue, Replicas, Service,
        ServiceModel, Shared, Source, Spans, Start,
    },
    simulation::DemandStep,
};

/// What it is called; seconds with what they need; the lag in seconds; replica-seconds missed.
type Case = (&'static str, &'static [(u64, u32)], u64, f64);

const POLICY: &str = "
service: shop/web
replicas: { min: 1, max: 20 }
signals: { requests: published }
rules:
  - target: { signal: requests, per_replica: 40/s, window: 5s }
guards:
  down: { stabilize: 2m, cooldown: 1m }
";

fn policy(text: &str) -> Arc<Policy> {
    Arc::new(policy_file::parse("policy", text).expect("a policy").policies.remove(0))
}

/// Twenty minutes with a flash crowd, and starts that take ten seconds.
fn scenario() -> Scenario {
    let service = ServiceModel {
        takes: 0.02,
        spread: 1.0,
        at_once: 1,
        cpu: 0.02,
        idle_cpu: 0.01,
        cpu_limit: Some(1.0),
        memory: None,
        start: Start { boot: Spans(vec![Duration::from_secs(10)]), ..Start::default() },
        stop: Duration::ZERO,
        balance: Balance::RoundRobin,
        queue: Queue::default(),
        shared: Shared::default(),
    };
    let (at, rise, fade) = (Duration::from_mins(5), Duration::from_mins(1), Duration::from_mins(3));
    let parts = vec![Part::Level(30.0), Part::Flash { at, rise, by: 250.0, fade }];
    Scenario {
        name: "drawn".to_owned(),
        about: String::new(),
        from: "drawn".to_owned(),
        service: Service { host: String::new(), project: "shop".to_owned(), service: "web".to_owned() },
        begins: BEGINS,
        lasts: Duration::from_mins(20),
        every: Duration::from_secs(1),
        seed: 7,
        replicas: Replicas { start: 1, min: 1, max: 20 },
        policy: None,
        objective: Objective::default(),
        play: Play::Load(Box::new(Load {
            demand: Demand { source: Source::Drawn(parts) },
            kind: LoadKind::Requests,
            arrivals: Arrivals::Even,
            retries: 0.0,
            service,
            host: Host::default(),
            emits: Load::usual_signals(),
        })),
        faults: Vec::new(),
        expect: Vec::new(),
    }
}

fn demand(steps: &[(u64, u32)]) -> Vec<DemandStep> {
    let mut from = Timestamp::from_millis(1_000_000);
    let steps = steps.iter().map(|&(seconds, needed)| {
        let to = from.plus(Duration::from_secs(seconds));
        let step = DemandStep { from, to, needed };
        from = to;
        step
    });
    steps.collect()
}

#[test]
fn a_ladder_leads_from_the_plan_to_the_policy() {
    let ladder = climb(&scenario(), "web", &policy(POLICY)).expect("a closed loop");
    let costs: Vec<f64> = ladder.rungs.iter().map(|rung| rung.cost).collect();
    let [free, guarded, foreseen, best, policy] = costs[..] else { panic!("{costs:?}") };
    assert!(free < guarded && guarded < foreseen && foreseen < best && best <= policy, "{ladder:?}");
    assert!(ladder.foreseen_as_it_is >= foreseen, "{ladder:?}");
    let prices: Vec<&str> = ladder.rungs.iter().map(|rung| rung.price_of.as_str()).collect();
    assert_eq!(prices, ["", "guards", "structure", "uncertainty", "tuning"]);
    assert!(ladder.floor.missing_hours > 0.0 && (ladder.floor.lag - 11.0).abs() < 1e-9, "{ladder:?}");
}

#[test]
fn whoever_follows_a_reaction_late_misses_what_came_since() {
    let cases: [Case; 5] = [
        ("a step is missed for one lag", &[(10, 1), (20, 4)], 5, 15.0),
        ("what goes is not missed", &[(10, 4), (20, 1)], 5, 0.0),
        ("a peak shorter than the lag is missed whole", &[(10, 1), (3, 6), (20, 1)], 5, 15.0),
        ("a lag beyond the end is missed until then", &[(10, 1), (5, 3)], 60, 10.0),
        ("no lag misses nothing", &[(10, 1), (5, 3)], 0, 0.0),
    ];
    for (name, steps, lag, expected) in cases {
        let found = behind(demand(steps).into_iter(), Duration::from_secs(lag)) / 1000.0;
        assert!((found - expected).abs() < 1e-9, "{name}: {found}");
    }
}

#[test]
fn a_knob_is_turned_only_where_there_is_one() {
    let with = policy(POLICY);
    let twice = turned(&with, 2.0).expect("a goal");
    assert_ne!(twice, *with);
    assert_eq!(turned(&twice, 0.5).expect("a goal"), *with);
    let without = "
service: shop/web
replicas: { min: 1, max: 20 }
rules:
  - formula: { replicas: 3 }
";
    if let Ok(mut parsed) = policy_file::parse("policy", without) {
        assert_eq!(turned(&parsed.policies.remove(0), 2.0), None);
    }
}

proptest! {
    #[test]
    fn the_reactive_floor_is_no_more_than_the_lag_times_all_that_rises(
        steps in prop::collection::vec((1..20_u64, 0..9_u32), 1..30), lag in 0..60_u64,
    ) {
        let rises: u32 = steps.windows(2).map(|pair| pair[1].1.saturating_sub(pair[0].1)).sum();
        let found = behind(demand(&steps).into_iter(), Duration::from_secs(lag)) / 1000.0;
        prop_assert!(found <= f64::from(rises) * Duration::from_secs(lag).as_secs_f64() + 1e-9);
        // The same by the second.
        let seconds: Vec<u32> = steps.iter().flat_map(|&(seconds, needed)| (0..seconds).map(move |_| needed)).collect();
        let lag = usize::try_from(lag).expect("short");
        let late = |second: usize| seconds[second.saturating_sub(lag)];
        let sum: u32 = seconds.iter().enumerate().map(|(second, needed)| needed.saturating_sub(late(second))).sum();
        prop_assert!((found - f64::from(sum)).abs() < 1e-9, "{found} for {sum}");
    }
}
