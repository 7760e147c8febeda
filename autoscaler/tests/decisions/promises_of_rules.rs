//! What holds for every kind of rule: more demand never gives fewer replicas, and what is missing never lowers the count.

use crate::{
    driver::{forecast, seconds},
    rules::{Service, absolute, only},
};
use autoscaler::{
    Event,
    event::Peer,
    formula::Formula,
    policy::{
        Action, Arithmetic, Bounds, Burst, Combine, Direction, FormulaRule, Goal, Grade, Group, HpaSettings, JobTime,
        Lasting, Member, Order, Policy, Queue, QueueGoal, Ratio, Rounding, Rule, RuleKind, Step, StepSize, Target,
        Threshold, Tolerance,
    },
    quantity::{Quantity, SignalName, Unit},
};
use proptest::prelude::*;

fn number(value: f64) -> Quantity {
    absolute(value, Unit::Number)
}

fn target(goal: Goal) -> RuleKind {
    let tolerance = Tolerance::both(0.1);
    RuleKind::Target(Target { signal: SignalName::new("load"), goal, window: Rule::WINDOW, tolerance })
}

fn threshold(bounds: Bounds, lasting: Lasting, action: Action) -> RuleKind {
    RuleKind::Threshold(Threshold {
        signal: SignalName::new("load"),
        bounds,
        lasting,
        action,
        rounding: Rounding::Away,
        at_least_step: 1,
        limit: None,
        window: Rule::WINDOW,
    })
}

/// Every kind of rule that goes by the signal `load`, set up so that more of it is more work.
fn kinds() -> Vec<(&'static str, RuleKind)> {
    let load = || SignalName::new("load");
    let step = |direction| Action::Step(Step { direction, size: StepSize::Share(0.3) });
    let grade = |past, count| Grade { past, size: StepSize::Count(count) };
    let graded =
        Action::Graded { direction: Direction::Up, grades: vec![grade(0.0, 0), grade(10.0, 1), grade(50.0, 4)] };
    let at_once = Lasting::For(seconds(0));
    let samples = Lasting::Samples { hits: 1, of: 3 };
    let drain = |arrivals: bool| QueueGoal::Drain {
        within: seconds(60),
        job_takes: JobTime::Fixed(seconds(2)),
        arrivals: arrivals.then(|| SignalName::new("load")),
        at_once: 2,
    };
    let queue =
        |signal: &str, goal| RuleKind::Queue(Queue { signal: SignalName::new(signal), goal, window: Rule::WINDOW });
    let burst = Burst {
        signal: load(),
        per_replica: number(10.0),
        window: seconds(60),
        panic_window: seconds(6),
        panic_at: 2.0,
        up_by: 10.0,
        down_by: 2.0,
    };
    let formula = FormulaRule { replicas: Formula::parse("load / 10").expect("a formula"), window: Rule::WINDOW };
    vec![
        ("target per replica", target(Goal::PerReplica(number(10.0)))),
        ("target in total", target(Goal::Total(number(40.0)))),
        ("threshold that adds", threshold(Bounds::above(number(50.0)), at_once, step(Direction::Up))),
        ("threshold that removes", threshold(Bounds::below(number(20.0)), at_once, step(Direction::Down))),
        ("threshold by samples", threshold(Bounds::above(number(50.0)), samples, step(Direction::Up))),
        ("threshold to a count", threshold(Bounds::above(number(50.0)), at_once, Action::To(30))),
        ("threshold in graded steps", threshold(Bounds::above(number(30.0)), at_once, graded)),
        ("queue per replica", queue("load", QueueGoal::PerReplica(10.0))),
        ("queue to be drained", queue("load", drain(false))),
        ("queue with arrivals", queue("backlog", drain(true))),
        ("burst", RuleKind::Burst(burst)),
        ("forecast", RuleKind::Forecast(forecast("load", number(10.0)))),
        ("formula", RuleKind::Formula(formula)),
    ]
}

fn policies() -> Vec<(String, Policy)> {
    let demand = kinds().into_iter().map(|(name, kind)| (name.to_owned(), only(vec![kind.into()])));
    let arithmetic = Arithmetic::KubernetesHpa(HpaSettings::default());
    let hpa = kinds().into_iter().filter(|(_, kind)| matches!(kind, RuleKind::Target(_))).map(|(name, kind)| {
        (format!("{name}, as Kubernetes counts"), Policy { arithmetic, ..only(vec![kind.into()]) })
    });
    demand.chain(hpa).collect()
}

/// As many as are wanted of `current` when `load` is so much; `None`: it is missing.
fn wanted(policy: &Policy, current: u32, load: Option<f64>) -> u32 {
    let mut service = Service::new(policy.clone(), current);
    let load = load.map(|load| ("load", load));
    let values: Vec<_> = load.into_iter().chain([("backlog", 100.0)]).collect();
    service.hear(seconds(1), &values);
    service.hear(seconds(1), &values);
    service.autoscaler.evaluate(service.now).combined.wants.unwrap_or(current)
}

proptest! {
    #[test]
    fn more_demand_never_gives_fewer_for_any_kind_of_rule(low in 0.0..300.0_f64, more in 0.0..300.0_f64, current in 1_u32..30) {
        for (name, policy) in policies() {
            let (few, many) = (wanted(&policy, current, Some(low)), wanted(&policy, current, Some(low + more)));
            prop_assert!(few <= many, "{name}: {few} for {low}, {many} for {} of {current}", low + more);
        }
    }

    #[test]
    fn what_is_missing_never_lowers_the_count(load in 0.0..300.0_f64, current in 1_u32..30) {
        for (name, policy) in policies() {
            let (full, without) = (wanted(&policy, current, Some(load)), wanted(&policy, current, None));
            prop_assert!(without >= full.min(current), "{name}: {without} without, {full} with {load} of {current}");
        }
    }

    #[test]
    fn nor_does_it_in_groups(
        places in proptest::collection::vec(0_usize..13, 2..5),
        how in prop_oneof![Just(Combine::LARGEST), Just(Combine::ALL), Just(Combine::First)],
        load in 0.0..300.0_f64,
        current in 1_u32..30,
    ) {
        let kinds = kinds();
        let rules: Vec<Rule> = places.iter().map(|place| kinds[*place].1.clone().into()).collect();
        let combine = Group { how, members: (0..rules.len()).map(Member::Rule).collect() };
        let policy = Policy { combine, ..only(rules) };
        let (full, without) = (wanted(&policy, current, Some(load)), wanted(&policy, current, None));
        prop_assert!(without >= full.min(current), "{without} without, {full} with {load} of {current}");
    }

    #[test]
    fn more_of_another_service_never_gives_fewer(
        target in 0_u32..100, wants in 0_u32..100, more in 0_u32..100, for_each in 1_u32..20, replicas in 1_u32..5,
    ) {
        for order in [Order::Together, Order::First] {
            let rule = RuleKind::Ratio(Ratio { of: "web".into(), for_each, replicas, order });
            let wanted = |peer| {
                let mut service = Service::new(only(vec![rule.clone().into()]), 5);
                service.autoscaler.handle_event(Event::Peer { service: "web".into(), peer }, service.now);
                service.autoscaler.evaluate(service.now).combined.wants.unwrap_or(5)
            };
            let peer = |more| Some(Peer { target: target + more, wants: wants + more, ready: 1, carries: None });
            let (few, many, unknown) = (wanted(peer(0)), wanted(peer(more)), wanted(None));
            prop_assert!(few <= many);
            prop_assert!(unknown >= few.min(5));
        }
    }
}
