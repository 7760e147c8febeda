//! Each kind of rule: what it wants of what it is given, and how it says so.

use std::{fmt::Write as _, time::Duration};

use crate::driver::{forecast, policy, seconds};
use autoscaler::{
    Autoscaler, Event, Memory, Timestamp,
    calendar::{Calendar, Weekdays, Zone},
    evaluation::{Activity, Opinion, WakeupReason},
    event::{Observation, Peer, Reading, Replica, ReplicaId, Sample, Subject},
    explain,
    formula::Formula,
    policy::{
        Burst, FormulaRule, Group, Guards, JobTime, Limits, Order, Policy, Queue, QueueGoal, Ratio, Rule, RuleKind,
        Schedule, Scheduled, SignalSource,
    },
    quantity::{Quantity, SignalName, Unit},
};

/// 2026-11-27, a Friday, 12:00 UTC.
const NOON: Timestamp = Timestamp::from_millis(1_795_780_800_000);

/// One service and the clock.
pub(crate) struct Service {
    pub(crate) autoscaler: Autoscaler,
    pub(crate) now: Timestamp,
}

impl Service {
    /// Of which `current` have served for long.
    pub(crate) fn new(policy: Policy, current: u32) -> Self {
        let mut memory = Memory::default();
        memory.set_target(current);
        let mut service = Self { autoscaler: Autoscaler::restore(policy, memory), now: NOON };
        service.serve(current);
        service
    }

    pub(crate) fn serve(&mut self, replicas: u32) {
        let replicas = (0..replicas).map(|place| Replica {
            id: ReplicaId::new(place.to_string()),
            ready_since: Some(NOON.minus(seconds(3600))),
            cpu_limit_cores: Some(1.0),
            ..Replica::default()
        });
        let observation = Observation { replicas: replicas.collect(), ..Observation::default() };
        self.autoscaler.handle_event(Event::Observed(observation), self.now);
    }

    pub(crate) fn hear(&mut self, after: Duration, values: &[(&str, f64)]) {
        self.now = self.now.plus(after);
        let sample = |(signal, value): &(&str, f64)| Sample {
            signal: SignalName::new(signal),
            of: Subject::Service,
            at: self.now,
            reading: Reading::Value(*value),
        };
        self.autoscaler.handle_event(Event::Samples(values.iter().map(sample).collect()), self.now);
    }

    /// What the first rule wants, and its sentence.
    pub(crate) fn first(&self) -> (Opinion, String) {
        let evaluation = self.autoscaler.evaluate(self.now);
        assert_eq!(evaluation, self.autoscaler.evaluate(self.now), "evaluating changes nothing");
        (evaluation.recommendations[0].opinion, explain::rules(&evaluation).remove(0))
    }
}

/// A policy of these rules alone, without guards.
pub(crate) fn only(rules: Vec<Rule>) -> Policy {
    Policy {
        guards: Guards::none(),
        limits: Limits::new(1, 1000),
        combine: Group::largest(rules.len()),
        rules,
        ..policy("warm_up 0s", "target cpu 50%")
    }
}

pub(crate) fn absolute(value: f64, unit: Unit) -> Quantity {
    Quantity::Absolute { value, unit }
}

fn queue(goal: QueueGoal) -> Rule {
    RuleKind::Queue(Queue { signal: SignalName::new("jobs"), goal, window: Rule::WINDOW }).into()
}

fn drain(job_takes: JobTime, arrivals: Option<&str>, at_once: u32) -> Rule {
    let arrivals = arrivals.map(SignalName::new);
    queue(QueueGoal::Drain { within: seconds(300), job_takes, arrivals, at_once })
}

#[test]
fn a_queue_is_worked_off_by_as_many_as_carry_it() {
    use Opinion::{Unknown, Wants};
    let two_seconds = || JobTime::Fixed(seconds(2));
    let measured = || JobTime::Measured(SignalName::new("takes"));
    let each = || queue(QueueGoal::PerReplica(20.0));
    for (name, rule, values, current, expected) in [
        ("each carries its part", each(), vec![("jobs", 340.0)], 4, Wants(17)),
        ("exactly full", each(), vec![("jobs", 80.0)], 4, Wants(4)),
        ("nothing to do", each(), vec![("jobs", 0.0)], 4, Wants(0)),
        ("no backlog is known", each(), vec![], 4, Unknown),
        ("600 in 300 s at 2 s each", drain(two_seconds(), None, 1), vec![("jobs", 600.0)], 1, Wants(4)),
        ("four at once", drain(two_seconds(), None, 4), vec![("jobs", 600.0)], 2, Wants(1)),
        (
            "with 3 a second that come",
            drain(two_seconds(), Some("come"), 1),
            vec![("jobs", 600.0), ("come", 3.0)],
            1,
            Wants(10),
        ),
        (
            "for the backlog alone more may be added",
            drain(two_seconds(), Some("come"), 1),
            vec![("jobs", 600.0)],
            1,
            Wants(4),
        ),
        ("but nothing removed", drain(two_seconds(), Some("come"), 1), vec![("jobs", 600.0)], 8, Unknown),
        ("a measured job time", drain(measured(), None, 1), vec![("jobs", 600.0), ("takes", 0.5)], 1, Wants(1)),
        ("which is not known", drain(measured(), None, 1), vec![("jobs", 600.0)], 1, Unknown),
        ("and does not matter without jobs", drain(measured(), None, 1), vec![("jobs", 0.0)], 3, Wants(0)),
    ] {
        let mut service = Service::new(only(vec![rule]), current);
        service.hear(seconds(1), &values);
        assert_eq!(service.first().0, expected, "{name}: {}", service.first().1);
    }
}

#[test]
fn a_queue_says_what_can_be_checked_by_hand() {
    let rule = drain(JobTime::Fixed(seconds(2)), Some("come"), 4);
    let mut service = Service::new(only(vec![rule, queue(QueueGoal::PerReplica(20.0))]), 4);
    service.hear(seconds(1), &[("jobs", 600.0), ("come", 3.0)]);
    let evaluation = service.autoscaler.evaluate(service.now);
    insta::assert_snapshot!(explain::rules(&evaluation).join("\n"));
    insta::assert_snapshot!(explain::next(&evaluation).unwrap_or_default());
}

#[test]
fn a_service_follows_another_one() {
    use Opinion::{Unknown, Wants};
    let peer = |target, wants| Some(Peer { target, wants, ready: 1, carries: None });
    for (name, for_each, replicas, order, peer, expected) in [
        ("one for each ten", 10, 1, Order::Together, peer(25, 40), Wants(3)),
        ("two for each ten", 10, 2, Order::Together, peer(25, 40), Wants(6)),
        ("exactly", 10, 1, Order::Together, peer(20, 40), Wants(2)),
        ("none for none", 10, 1, Order::Together, peer(0, 0), Wants(0)),
        ("what the other one wants, where this one grows first", 10, 1, Order::First, peer(25, 40), Wants(4)),
        ("and shrinks last", 10, 1, Order::First, peer(25, 5), Wants(3)),
        ("too many for a count", 1, u32::MAX, Order::Together, peer(25, 40), Wants(u32::MAX)),
        ("one that is not known", 10, 1, Order::Together, None, Unknown),
    ] {
        let ratio = Ratio { of: "web".into(), for_each, replicas, order };
        let mut service = Service::new(only(vec![RuleKind::Ratio(ratio).into()]), 5);
        service.autoscaler.handle_event(Event::Peer { service: "web".into(), peer }, service.now);
        assert_eq!(service.first().0, expected, "{name}: {}", service.first().1);
    }
}

#[test]
fn a_ratio_says_what_it_goes_by() {
    let rule = |order| RuleKind::Ratio(Ratio { of: "web".into(), for_each: 10, replicas: 1, order }).into();
    let mut service = Service::new(only(vec![rule(Order::Together), rule(Order::First)]), 5);
    let sentences = |service: &Service| explain::rules(&service.autoscaler.evaluate(service.now)).join("\n");
    insta::assert_snapshot!(sentences(&service));
    let peer = Peer { target: 25, wants: 40, ready: 25, carries: None };
    service.autoscaler.handle_event(Event::Peer { service: "web".into(), peer: Some(peer) }, service.now);
    insta::assert_snapshot!(sentences(&service));
}

fn burst() -> Rule {
    RuleKind::Burst(Burst {
        signal: SignalName::new("requests"),
        per_replica: absolute(100.0, Unit::PerSecond),
        window: seconds(60),
        panic_window: seconds(6),
        panic_at: 2.0,
        up_by: 10.0,
        down_by: 2.0,
    })
    .into()
}

#[test]
fn a_burst_panics_stays_up_and_calms_down_after_a_whole_window() {
    let mut service = Service::new(only(vec![burst()]), 2);
    let mut told = Vec::new();
    let mut run = |service: &mut Service, ticks: u32, value: f64| {
        for _ in 0..ticks {
            service.hear(seconds(2), &[("requests", value)]);
            let (opinion, sentence) = service.first();
            if told.last().is_none_or(|(last, _)| *last != opinion) {
                told.push((opinion, format!("{:3} s  {sentence}", service.now.since(NOON).as_secs())));
            }
        }
    };
    run(&mut service, 30, 180.0);
    run(&mut service, 10, 900.0);
    run(&mut service, 60, 180.0);
    let told: Vec<String> = told.into_iter().map(|(_, line)| line).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_burst_changes_only_so_much_at_once() {
    for (name, value, expected) in [
        ("never below the serving ones divided by down_by", 10.0, Opinion::Wants(4)),
        ("never above the serving ones times up_by", 50_000.0, Opinion::Wants(80)),
        ("as many as carry it in between", 950.0, Opinion::Wants(10)),
    ] {
        let mut service = Service::new(only(vec![burst()]), 8);
        service.hear(seconds(1), &[("requests", value)]);
        assert_eq!(service.first().0, expected, "{name}: {}", service.first().1);
    }
}

#[test]
fn a_panic_survives_a_restart_and_a_silence() {
    let mut service = Service::new(only(vec![burst()]), 2);
    service.hear(seconds(2), &[("requests", 900.0)]);
    let memory = serde_json::to_string(service.autoscaler.memory()).expect("memory is JSON");
    let memory = serde_json::from_str(&memory).expect("memory reads back");
    service.autoscaler = Autoscaler::restore(service.autoscaler.policy().clone(), memory);
    service.serve(2);
    assert_eq!(service.first().0, Opinion::Unknown, "without a value nothing is said");
    service.hear(seconds(2), &[("requests", 100.0)]);
    assert_eq!(service.first().0, Opinion::Wants(9));
}

#[test]
fn without_history_a_forecast_is_the_demand_now() {
    let rule = || RuleKind::Forecast(forecast("requests", absolute(120.0, Unit::PerSecond)));
    for (name, value, expected) in
        [("more is to come", 500.0, Opinion::Wants(5)), ("fewer would do", 100.0, Opinion::Wants(1))]
    {
        let mut service = Service::new(only(vec![rule().into()]), 3);
        service.hear(seconds(1), &[("requests", value)]);
        assert_eq!(service.first().0, expected, "{name}");
    }
    let mut service = Service::new(only(vec![rule().into()]), 3);
    service.hear(seconds(1), &[("requests", 500.0)]);
    insta::assert_snapshot!(service.first().1);
}

fn formula(text: &str) -> Formula {
    Formula::parse(text).expect("a formula")
}

#[test]
fn a_formula_gives_the_count_and_is_never_guessed_at() {
    use Opinion::{Unknown, Wants};
    for (name, text, values, expected) in [
        ("rounded up", "jobs / 20", vec![("jobs", 50.0)], Wants(3)),
        ("what there shall be is known", "replicas + 1", vec![], Wants(5)),
        ("fewer than none is none", "jobs - 100", vec![("jobs", 50.0)], Wants(0)),
        ("a missing signal", "jobs / 20", vec![], Unknown),
        ("which is made up for", "(jobs ?? 100) / 20", vec![], Wants(5)),
        ("no number", "jobs / 0", vec![("jobs", 50.0)], Unknown),
    ] {
        let rule = FormulaRule { replicas: formula(text), window: Rule::WINDOW };
        let mut service = Service::new(only(vec![RuleKind::Formula(rule).into()]), 4);
        service.hear(seconds(1), &values);
        assert_eq!(service.first().0, expected, "{name}: {}", service.first().1);
    }
}

#[test]
fn a_signal_may_be_a_formula_of_others() {
    let rule = queue(QueueGoal::PerReplica(10.0));
    let of = |text: &str| {
        let mut policy = only(vec![rule.clone()]);
        policy.signals = [(SignalName::new("jobs"), SignalSource::Formula(formula(text)))].into();
        policy
    };
    let mut told = String::new();
    for (text, values) in [
        ("a + b", vec![("a", 10.0), ("b", 25.0)]),
        ("a + b", vec![("a", 10.0)]),
        ("max(a, b ?? 0)", vec![("a", 10.0)]),
        ("a / b", vec![("a", 10.0), ("b", 0.0)]),
    ] {
        let mut service = Service::new(of(text), 2);
        service.hear(seconds(1), &values);
        writeln!(told, "{text}: {}", service.first().1).expect("a string takes all");
    }
    insta::assert_snapshot!(told);
}

fn schedule(calendar: Calendar, min: Option<u32>, max: Option<u32>) -> Rule {
    RuleKind::Schedule(Schedule { calendar, replicas: Scheduled { min, max } }).into()
}

fn daily(hours: &str) -> Calendar {
    let zone: Zone = "Europe/Oslo".parse().expect("a zone");
    Calendar::daily(hours.parse().expect("hours"), Weekdays::ALL, zone, Vec::new()).expect("a calendar")
}

#[test]
fn schedules_set_the_limits_in_force_and_the_later_one_wins_for_each() {
    // It is 13:00 in Oslo.
    let on = || daily("12:00-15:00");
    let off = || daily("22:00-06:00");
    for (name, rules, expected) in [
        ("none is on", vec![schedule(off(), Some(5), Some(6))], (2, 20)),
        ("one sets the min", vec![schedule(on(), Some(5), None)], (5, 20)),
        ("one sets the count", vec![schedule(on(), Some(5), Some(5))], (5, 5)),
        ("the later one wins", vec![schedule(on(), Some(5), Some(9)), schedule(on(), Some(3), None)], (3, 9)),
        ("though not while it is off", vec![schedule(on(), Some(5), None), schedule(off(), Some(3), None)], (5, 20)),
        ("a max below the min pulls it down", vec![schedule(on(), None, Some(1))], (1, 1)),
        ("a min above the max is cut", vec![schedule(on(), Some(30), None)], (20, 20)),
        ("so is a count", vec![schedule(on(), Some(30), Some(30))], (20, 20)),
        ("and a max", vec![schedule(on(), None, Some(30))], (2, 20)),
        ("a count may be below the min", vec![schedule(on(), Some(1), Some(1))], (1, 1)),
        ("one that only observes sets nothing", vec![Rule { observe: true, ..schedule(on(), Some(5), None) }], (2, 20)),
    ] {
        let service = Service::new(Policy { limits: Limits::new(2, 20), ..only(rules) }, 4);
        let limits = service.autoscaler.evaluate(service.now).limits;
        assert_eq!((limits.min, limits.max), expected, "{name}");
    }
}

#[test]
fn with_schedules_alone_the_count_comes_back_after_the_window() {
    let rules = vec![schedule(daily("12:00-15:00"), Some(6), None)];
    let mut service = Service::new(Policy { limits: Limits::new(2, 20), ..only(rules) }, 2);
    let evaluation = service.autoscaler.evaluate(service.now);
    insta::assert_snapshot!(explain::sentence(&evaluation));
    assert_eq!(evaluation.verdict.replicas(), Some(6));
    let next = evaluation.next.clone().expect("it ends");
    assert_eq!(next.because, WakeupReason::Schedule { rule: 0 });
    assert_eq!(next.at, NOON.plus(seconds(2 * 3600)));
    service.autoscaler.record(&evaluation);
    let evaluation = service.autoscaler.evaluate(next.at);
    assert_eq!(evaluation.verdict.replicas(), Some(2));
    insta::assert_snapshot!(explain::sentence(&evaluation));
    insta::assert_snapshot!(explain::next(&evaluation).unwrap_or_default());
}

#[test]
fn a_schedule_that_pulls_the_min_down_says_so() {
    let rules = vec![schedule(daily("12:00-06:00"), None, Some(1))];
    let service = Service::new(Policy { limits: Limits::new(2, 20), ..only(rules) }, 2);
    insta::assert_snapshot!(service.first().1);
}

#[test]
fn an_active_schedule_with_a_min_makes_an_idle_service_active() {
    for (name, hours, min, expected) in [
        ("on", "12:00-15:00", Some(1), Activity::Active { rule: 0 }),
        ("on, without a min", "12:00-15:00", None, Activity::Inactive),
        ("off", "22:00-06:00", Some(1), Activity::Inactive),
    ] {
        let limits = Limits { idle: Some(0), ..Limits::new(2, 20) };
        let rules = vec![schedule(daily(hours), min, Some(10))];
        let service = Service::new(Policy { limits, ..only(rules) }, 0);
        let evaluation = service.autoscaler.evaluate(service.now);
        assert_eq!(evaluation.combined.activity, expected, "{name}");
        let replicas = u32::from(expected != Activity::Inactive);
        assert_eq!(evaluation.verdict.replicas(), Some(replicas), "{name}");
    }
}

#[test]
fn a_limit_of_a_schedule_names_it() {
    let rules = vec![queue(QueueGoal::PerReplica(20.0)), schedule(daily("12:00-15:00"), Some(2), Some(3))];
    let mut service = Service::new(only(rules), 4);
    let mut told = Vec::new();
    for jobs in [500.0, 0.0] {
        service.hear(seconds(60), &[("jobs", jobs)]);
        told.push(explain::sentence(&service.autoscaler.evaluate(service.now)));
    }
    insta::assert_snapshot!(told.join("\n"));
}
