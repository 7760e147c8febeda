#![expect(clippy::cast_possible_truncation, reason = "seconds of short tests")]

use proptest::prelude::*;

use super::*;
use crate::{
    measures::Meter,
    scaler::{Scaler, Seen},
    scenario::{Objective, Play, Replicas, Service, Signals},
    simulation::{DemandStep, Segment, Watch},
};

const START: u64 = 1_767_571_200_000;

/// What it is called; seconds with what they need; the supply of each second and what that costs.
type Case = (&'static str, &'static [(u64, u32)], Prices, &'static [u32], f64);

fn demand(steps: &[(u64, u32)]) -> Vec<DemandStep> {
    let mut from = Timestamp::from_millis(START);
    let steps = steps.iter().map(|&(seconds, needed)| {
        let to = from.plus(Duration::from_secs(seconds));
        let step = DemandStep { from, to, needed };
        from = to;
        step
    });
    steps.collect()
}

const fn prices(start: u64, stop: u64, idle_per_missing: f64) -> Prices {
    Prices { start: Duration::from_secs(start), stop: Duration::from_secs(stop), idle_per_missing }
}

/// Replicas that serve in each second.
fn by_second(plan: &Plan, seconds: u64) -> Vec<u32> {
    let held = |at| plan.supply().iter().rfind(|(from, _)| *from <= at).map_or(0, |(_, replicas)| *replicas);
    (0..seconds).map(|second| held(Timestamp::from_millis(START + second * 1000))).collect()
}

/// What a meter finds that `supply`, given for each second, costs in replica-seconds.
fn metered(supply: &[u32], needed: &[u32], first: u32, prices: Prices) -> f64 {
    let mut before = first;
    let mut added = vec![0; supply.len()];
    let mut removed = vec![0; supply.len()];
    for (second, &replicas) in supply.iter().enumerate() {
        added[second] = replicas.saturating_sub(before);
        removed[second] = before.saturating_sub(replicas);
        before = replicas;
    }
    let (start, stop) = (prices.start.as_secs() as usize, prices.stop.as_secs() as usize);
    let mut meter = Meter::new(&scenario(prices.idle_per_missing));
    for (second, (&ready, &needed)) in supply.iter().zip(needed).enumerate() {
        let from = Timestamp::from_millis(START + second as u64 * 1000);
        let starting = added.iter().skip(second + 1).take(start).sum();
        let stopping = removed[..=second].iter().rev().take(stop).sum();
        let to = from.plus(Duration::from_secs(1));
        meter.segment(&Segment { from, to, ready, starting, stopping, needed, ..Segment::default() });
    }
    meter.measures().cost.total * 3600.0
}

fn scenario(idle_per_missing: f64) -> Scenario {
    Scenario {
        name: String::new(),
        about: String::new(),
        from: String::new(),
        service: Service { host: String::new(), project: "shop".to_owned(), service: "web".to_owned() },
        begins: Timestamp::from_millis(START),
        lasts: Duration::from_mins(10),
        every: Duration::from_secs(1),
        seed: 1,
        replicas: Replicas { start: 1, min: 1, max: 10 },
        policy: None,
        objective: Objective { latency: None, idle_per_missing },
        play: Play::Signals(Signals::Values(Vec::new())),
        faults: Vec::new(),
        expect: Vec::new(),
    }
}

/// The least that any supply within bounds costs, by trying all.
fn cheapest_of_all(
    needed: &[u32],
    first: u32,
    bounds: Bounds,
    prices: Prices,
    allowed: &dyn Fn(&[u32]) -> bool,
) -> f64 {
    let start = prices.start.as_secs() as usize;
    let mut cheapest = f64::INFINITY;
    let mut supply = vec![bounds.min; needed.len()];
    loop {
        let before = std::iter::once(first).chain(supply.iter().copied());
        let too_early = before.zip(&supply).take(start).any(|(before, after)| *after > before);
        if !too_early && allowed(&supply) {
            cheapest = cheapest.min(metered(&supply, needed, first, prices));
        }
        let Some(next) = supply.iter().rposition(|replicas| *replicas < bounds.max) else { return cheapest };
        supply[next] += 1;
        supply[next + 1..].fill(bounds.min);
    }
}

fn cost(plan: &Plan) -> f64 {
    plan.cost() * 3600.0
}

#[test]
fn plans_are_those_that_a_person_would_make() {
    let bounds = Bounds { min: 1, max: 9 };
    let cases: [Case; 6] = [
        (
            "demand is followed where changes cost nothing",
            &[(2, 1), (2, 3), (2, 1)],
            prices(0, 0, 10.0),
            &[1, 1, 3, 3, 1, 1],
            10.0,
        ),
        ("starts are paid for in advance", &[(2, 1), (3, 2), (1, 1)], prices(1, 0, 10.0), &[1, 1, 2, 2, 2, 1], 10.0),
        ("a short valley is bridged", &[(1, 2), (2, 1), (1, 2)], prices(3, 0, 10.0), &[1, 1, 1, 2], 18.0),
        ("what cannot be started in time is missing", &[(4, 2)], prices(2, 0, 10.0), &[1, 1, 2, 2], 28.0),
        ("a short peak is not worth a start", &[(5, 1), (1, 2), (1, 1)], prices(5, 0, 3.0), &[1; 7], 10.0),
        ("a stop that takes long is put off", &[(2, 1)], prices(0, 9, 10.0), &[1, 1], 2.0),
    ];
    for (name, steps, prices, expected, costs) in cases {
        let plan = Plan::of(demand(steps), 1, bounds, prices);
        assert_eq!(by_second(&plan, expected.len() as u64), expected, "{name}");
        assert!((cost(&plan) - costs).abs() < 1e-9, "{name}: {} for {costs}", cost(&plan));
    }
}

#[test]
fn replicas_are_set_one_start_before_they_serve() {
    let plan = Plan::of(demand(&[(5, 1), (5, 3), (5, 1)]), 1, Bounds { min: 1, max: 9 }, prices(2, 4, 10.0));
    let at = |second: u64| Timestamp::from_millis(START + second * 1000);
    assert_eq!(plan.supply(), [(at(0), 1), (at(5), 3), (at(10), 1)]);
    assert_eq!(plan.targets(), [(at(0), 1), (at(3), 3), (at(10), 1)]);
    let mut scaler = PlanScaler::new(plan);
    let mut decided = Vec::new();
    while let Some(look) = scaler.next_look() {
        decided.push((look, scaler.decide(&Seen::default(), &mut Vec::new(), look)));
    }
    assert_eq!(decided, [(at(0), Some(1)), (at(3), Some(3)), (at(10), Some(1))]);
    assert_eq!(scaler.decide(&Seen::default(), &mut Vec::new(), at(14)), Some(1));
}

#[test]
fn a_start_outside_the_bounds_is_left_as_soon_as_that_is_possible() {
    let bounds = Bounds { min: 2, max: 3 };
    let few = Plan::of(demand(&[(4, 2)]), 1, bounds, prices(2, 0, 0.1));
    assert_eq!(by_second(&few, 4), [1, 1, 2, 2]);
    let many = Plan::of(demand(&[(4, 5)]), 6, bounds, prices(2, 0, 10.0));
    assert_eq!(by_second(&many, 4), [3; 4]);
}

#[test]
fn nothing_needed_for_no_time_costs_nothing() {
    assert_eq!(Plan::of([], 3, Bounds { min: 1, max: 5 }, prices(1, 1, 10.0)).cost().to_bits(), 0.0_f64.to_bits());
}

#[test]
fn a_week_by_the_second_is_planned_in_little_memory() {
    let needed = |second: u64| u32::try_from(10 + (second / 3600 % 24) + (second * 7919 % 13)).unwrap_or(0);
    let steps: Vec<_> = (0..20_000).map(|second| (1, needed(second))).collect();
    let plan = Plan::of(demand(&steps), 10, Bounds { min: 1, max: 50 }, prices(5, 2, 10.0));
    assert!(plan.cost() > 0.0);
}

proptest! {
    #[test]
    fn no_plan_is_cheaper_than_the_best_of_all(
        needed in prop::collection::vec(0..4_u32, 1..7), first in 1..=3_u32, start in 0..4_u64, stop in 0..4_u64,
        idle_per_missing in prop_oneof![Just(0.5), Just(1.0), Just(3.0), Just(10.0)],
    ) {
        let (bounds, prices) = (Bounds { min: 1, max: 3 }, prices(start, stop, idle_per_missing));
        let steps: Vec<_> = needed.iter().map(|&needed| (1, needed)).collect();
        let plan = Plan::of(demand(&steps), first, bounds, prices);
        let best = cheapest_of_all(&needed, first, bounds, prices, &|_| true);
        prop_assert!((cost(&plan) - best).abs() < 1e-6, "{} for {best}", cost(&plan));
        let supply = by_second(&plan, needed.len() as u64);
        prop_assert!((metered(&supply, &needed, first, prices) - best).abs() < 1e-6);
    }

    #[test]
    fn of_paced_plans_the_best_is_found_too(
        needed in prop::collection::vec(0..4_u32, 1..7), first in 1..=3_u32, start in 0..3_u64, stop in 0..3_u64,
        up in 1..4_u32, down in 1..4_u32, every in 1..4_u64,
    ) {
        let (bounds, prices) = (Bounds { min: 1, max: 3 }, prices(start, stop, 10.0));
        let mut guards = Guards::none();
        let per = Duration::from_secs(every);
        guards.up.at_most = vec![autoscaler::policy::Rate { size: autoscaler::policy::StepSize::Count(up), per }];
        guards.down.step = Some(autoscaler::policy::StepSize::Count(down));
        guards.down.cooldown = per;
        let steps: Vec<_> = needed.iter().map(|&needed| (1, needed)).collect();
        let plan = Plan::guarded(demand(&steps), first, bounds, prices, &guards, Duration::from_secs(1));
        let allowed = |supply: &[u32]| {
            std::iter::once(first).chain(supply.iter().copied()).zip(supply).enumerate().all(|(second, (before, &after))| {
                before == after || ((second as u64).is_multiple_of(every) && after <= before + up && after + down >= before)
            })
        };
        let best = cheapest_of_all(&needed, first, bounds, prices, &allowed);
        prop_assert!((cost(&plan) - best).abs() < 1e-6, "{} for {best}", cost(&plan));
        prop_assert!(cost(&plan) >= cost(&Plan::of(demand(&steps), first, bounds, prices)) - 1e-6);
    }

    #[test]
    fn what_is_stabilized_goes_no_further_than_its_window_agrees_to(
        needed in prop::collection::vec(1..5_u32, 1..40), window in 1..8_u64,
    ) {
        let bounds = Bounds { min: 1, max: 9 };
        let mut guards = Guards::none();
        guards.down.stabilize = Duration::from_secs(window);
        let steps: Vec<_> = needed.iter().map(|&needed| (1, needed)).collect();
        let plan = Plan::guarded(demand(&steps), 4, bounds, prices(0, 0, 10.0), &guards, Duration::from_secs(1));
        let supply = by_second(&plan, needed.len() as u64);
        for second in 0..supply.len() {
            let before = second.checked_sub(1).map_or(4, |before| supply[before]);
            let seen = &needed[second.saturating_sub(window as usize)..=second];
            prop_assert!(supply[second] >= before || Some(&supply[second]) >= seen.iter().max());
        }
    }
}
