//! What a `forecast` rule promises, each as a story: a load, replicas that take their time to start, and what is wanted.

use std::{f64::consts::TAU, time::Duration};

use autoscaler::{
    Autoscaler, Evaluation, Event, Memory, Policy, Timestamp,
    evaluation::{ForecastReason, Opinion, Outlook, RuleReason},
    event::{Observation, Reading, Replica, ReplicaId, Sample, Subject},
    explain, policy_file,
    quantity::SignalName,
};
use forecast::Gate;
use proptest::prelude::*;

use crate::driver::seconds;

/// 2026-11-16, a Monday, midnight UTC.
const MONDAY: Timestamp = Timestamp::from_millis(1_794_787_200_000);
const GIVEN: &str = "signal: requests, per_replica: 100/s, horizon: 10s";

#[test]
fn before_there_is_a_forecast_it_is_the_reactive_answer() {
    for (name, loads, expected) in [
        ("more comes", [150.0, 250.0, 450.0, 750.0], [2, 3, 5, 8]),
        ("the same", [301.0, 301.0, 301.0, 301.0], [4, 4, 4, 4]),
        ("none", [0.0, 0.0, 0.0, 0.0], [0, 0, 0, 0]),
    ] {
        let mut world = World::new(GIVEN, 10, 3);
        for (load, expected) in loads.into_iter().zip(expected) {
            let evaluation = world.requests(load);
            assert_eq!(evaluation.recommendations[0].opinion, Opinion::Wants(expected), "{name}");
            assert!(matches!(reason(&evaluation).outlook, Outlook::Learning { .. }), "{name}");
        }
    }
}

#[expect(dead_code, reason = "forecasts' own tests draw more")]
#[path = "../../../forecast/tests/drawn/mod.rs"]
mod drawn;

/// What a load cost: replicas that there were, and ten for each one that was missing; and how many steps were short.
#[derive(Clone, Copy, Debug, Default)]
struct Bill {
    cost: f64,
    short: u32,
}

impl Bill {
    fn add(&mut self, there: u32, serving: u32, load: f64) {
        let missing = whole(load / 100.0).saturating_sub(serving);
        self.cost += f64::from(there) + 10.0 * f64::from(missing);
        self.short += u32::from(missing > 0);
    }
}

#[test]
fn where_nothing_can_be_foreseen_it_is_no_worse_than_the_reactive_answer() {
    use drawn::Kind;
    for kind in [Kind::Bimodal, Kind::Walk, Kind::SeasonEnds, Kind::TrendBreaks, Kind::ClockChanges] {
        let loads: Vec<f64> = drawn::draw(kind, 2400, 1).into_iter().map(|value| 10.0 * value).collect();
        // A start takes as long as a step: what is started after one serves after the next.
        let mut world = World::new("signal: requests, per_replica: 100/s, horizon: 20s", 10, 10);
        world.start = world.pace;
        let (mut forecast, mut reactive) = (Bill::default(), Bill::default());
        let (mut before, mut now) = (10, 10);
        for load in loads {
            forecast.add(world.replicas(), world.serving(), load);
            reactive.add(now, now.min(before), load);
            (before, now) = (now, whole(load / 100.0));
            world.requests(load);
        }
        assert!(forecast.cost <= 1.02 * reactive.cost, "{kind:?}: {forecast:?} beside {reactive:?}");
        assert!(forecast.short <= reactive.short, "{kind:?}: {forecast:?} beside {reactive:?}");
    }
}

#[test]
fn on_a_periodic_load_it_grows_before_the_load_comes_and_says_why() {
    let (mut ahead, mut late) = (0, 0);
    let mut world = World::new(GIVEN, 10, 3);
    let mut told = String::new();
    for step in 0..1200 {
        let supply = world.serving();
        let evaluation = world.requests(wave(step, 60));
        if step >= 900 {
            let needed = whole(wave(step, 60) / 100.0);
            let reactive = whole(wave(step.saturating_sub(1), 60) / 100.0);
            ahead += u32::from(supply < needed);
            late += u32::from(reactive < needed);
        }
        if step % 60 == 5 {
            told = explain::rules(&evaluation).remove(0);
        }
    }
    assert!(ahead * 10 <= late, "short {ahead} times, a reactive answer {late} times");
    assert_eq!(on_the_page(&told), told, "docs/policy.md is old: run this test with UPDATE_GENERATED=1");
}

/// What docs/policy.md shows as the sentence of a forecast.
#[expect(clippy::disallowed_methods, reason = "the core reads no files, its tests may")]
fn on_the_page(told: &str) -> String {
    let path = format!("{}/../docs/policy.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(&path).expect("the page");
    let begin = "<!-- sentence -->\n";
    let from = page.find(begin).expect("it shows the sentence") + begin.len();
    let until = from + page[from..].find("<!-- /sentence -->").expect("which ends");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        let shown = format!("\n```text\n{told}\n```\n\n");
        std::fs::write(&path, format!("{}{shown}{}", &page[..from], &page[until..])).expect("it is written");
        return told.to_owned();
    }
    page[from..until].trim().trim_start_matches("```text\n").trim_end_matches("\n```").to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn unproven_it_never_goes_below_the_reactive_answer(
        loads in proptest::collection::vec(0.0..3000.0_f64, 1..150),
        rule in prop_oneof![Just(GIVEN), Just("signal: requests, per_replica: 100/s, misses: 20%, horizon: 40s")],
    ) {
        let mut world = World::new(rule, 10, 3);
        for load in loads {
            let evaluation = world.requests(load);
            let reason = reason(&evaluation);
            let proven = matches!(&reason.outlook, Outlook::Known { by, .. } if by.gate == Gate::Proven);
            if let Opinion::Wants(wanted) = evaluation.recommendations[0].opinion {
                prop_assert!(proven || wanted >= reason.reactive, "{wanted}: {reason:?}");
            }
        }
    }

    #[test]
    fn a_restart_changes_no_later_verdict(
        loads in proptest::collection::vec(0.0..3000.0_f64, 2..120),
        at in 0.0..1.0_f64,
        rule in prop_oneof![
            Just(GIVEN),
            Just("signal: requests, per_replica: { cpu: 70% }, misses: 5%"),
            Just("signal: requests, per_replica: 100/s, on_trial: 3m, timezone: Europe/Oslo"),
        ],
    ) {
        let (mut one, mut other) = (World::new(rule, 10, 3), World::new(rule, 10, 3));
        let restarted = count(at * f64::from(u32::try_from(loads.len()).unwrap_or(0)));
        for (place, load) in loads.into_iter().enumerate() {
            if place == restarted {
                other.restart();
            }
            prop_assert_eq!(one.requests(load), other.requests(load), "sample {}", place);
        }
    }
}

#[test]
fn after_a_gap_or_when_samples_are_late_there_is_no_forecast() {
    let learned = || {
        let mut world = World::new(GIVEN, 10, 3);
        for step in 0..100 {
            world.requests(300.0 + 50.0 * noise(step));
        }
        world
    };
    let mut world = learned();
    assert!(matches!(reason(&world.requests(310.0)).outlook, Outlook::Known { .. }));

    world.now = world.now.plus(seconds(50));
    let late = world.evaluate();
    assert!(matches!(reason(&late).outlook, Outlook::Late { age } if age == seconds(50)), "{late:?}");
    assert_eq!(late.recommendations[0].opinion, Opinion::Wants(4), "the reactive answer");

    world.now = world.now.plus(seconds(600));
    let silent = world.evaluate();
    assert_eq!(silent.recommendations[0].opinion, Opinion::Unknown);
    assert_eq!(silent.verdict.replicas(), Some(world.replicas()), "without a sample nothing changes");

    let back = world.requests(150.0);
    assert!(matches!(back.recommendations[0].opinion, Opinion::Wants(2..)), "{back:?}");
}

#[test]
fn in_a_burst_it_may_only_raise_the_count() {
    let mut world = World::new(GIVEN, 10, 3);
    for step in 0..600 {
        world.requests(wave(step, 60));
    }
    let mut burst = None;
    for step in 600..660 {
        let load = wave(step, 60) + 700.0 * f64::from(u32::try_from(step % 7).unwrap_or(0));
        let evaluation = world.requests(load);
        let reason = reason(&evaluation);
        if let (Outlook::Known { by, .. }, Opinion::Wants(wanted)) =
            (&reason.outlook, evaluation.recommendations[0].opinion)
            && by.burst
        {
            assert!(wanted >= reason.reactive, "{wanted}: {reason:?}");
            burst = Some(explain::rules(&evaluation).remove(0));
        }
    }
    let told = burst.expect("there was a burst");
    assert!(told.contains("more are missed than chance explains"), "{told}");
}

#[test]
fn what_was_wanted_stays_for_as_long_as_a_start_takes_and_not_longer() {
    let mut world = World::new("signal: requests, per_replica: 100/s", 5, 3);
    world.start = seconds(30);
    // Until a start was seen, 30 s are assumed.
    world.requests(900.0);
    let mut wanted = Vec::new();
    for _ in 0..7 {
        let evaluation = world.requests(200.0);
        wanted.push(match evaluation.recommendations[0].opinion {
            Opinion::Wants(wanted) => wanted,
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(wanted[..5], [9, 9, 9, 9, 9], "for 30 s");
    assert!(wanted[6] < 9, "and no longer: {wanted:?}");
}

#[test]
fn what_waits_brings_more_replicas_until_it_is_gone() {
    let rule = "signal: requests, per_replica: 100/s, backlog: { signal: waiting, within: 30s }";
    for (waiting, boost) in [(0.0, 0), (1.0, 1), (3000.0, 1), (3001.0, 2), (30_000.0, 10)] {
        let mut world = World::new(rule, 10, 3);
        let evaluation = world.step(&[("requests", 250.0), ("waiting", waiting)]);
        assert_eq!(evaluation.recommendations[0].opinion, Opinion::Wants(3 + boost), "{waiting} wait");
        assert_eq!(reason(&evaluation).backlog, Some((waiting, boost)));
    }
    let mut world = World::new(rule, 10, 3);
    let evaluation = world.requests(250.0);
    assert_eq!(evaluation.recommendations[0].opinion, Opinion::Wants(3), "an unknown backlog is none");
}

#[test]
fn what_a_replica_carries_is_learned_and_refused_with_progress_before() {
    let mut world = World::new("signal: requests, per_replica: { cpu: 70% }", 10, 4);
    world.work = (0.005, 0.02);
    let mut refused = String::new();
    for step in 0..100 {
        let evaluation = world.requests(300.0 + 200.0 * (TAU * f64::from(step) / 24.0).sin());
        if step == 12 {
            refused = explain::rules(&evaluation).remove(0);
            assert_eq!(evaluation.recommendations[0].opinion, Opinion::Unknown);
        }
    }
    let evaluation = world.requests(500.0);
    let reason = reason(&evaluation);
    assert!((reason.per_replica - 136.0).abs() < 5.0, "(0.7 − 0.02) / 0.005 = 136, not {}", reason.per_replica);
    assert_eq!(reason.reactive, 4);
    insta::assert_snapshot!(format!("{refused}\n\n{}", explain::rules(&evaluation).remove(0)));
}

#[test]
fn the_horizon_is_what_nine_of_ten_starts_took_or_as_given() {
    for (name, rule, starts, horizon) in [
        ("nothing was seen", "signal: requests, per_replica: 100/s", vec![], 30 + 10),
        ("one start", "signal: requests, per_replica: 100/s", vec![7], 7 + 10),
        ("ten starts", "signal: requests, per_replica: 100/s", vec![5, 5, 5, 5, 5, 5, 5, 5, 9, 60], 9 + 10),
        ("given", "signal: requests, per_replica: 100/s, horizon: 45s", vec![5, 5, 5], 45),
    ] {
        // Nobody acts; replicas come by other hands.
        let other = "  observe: true\n- target: { signal: waiting, per_replica: 1000 }";
        let mut world = World::beside(rule, other, 10, 1);
        for _ in 0..4 {
            world.requests(50.0);
        }
        for start in starts {
            world.start = seconds(start);
            world.make(Some(world.now));
            for _ in 0..7 {
                world.requests(50.0);
            }
        }
        let evaluation = world.requests(50.0);
        let reason = reason(&evaluation);
        assert_eq!(reason.horizon, seconds(horizon), "{name}: {reason:?}");
    }
}

#[test]
fn an_edit_of_the_knob_keeps_what_was_learned() {
    let mut world = World::new(GIVEN, 10, 3);
    for step in 0..200 {
        world.requests(300.0 + 100.0 * noise(step));
    }
    let before = bound(&world.requests(300.0));
    world.edit(&format!("{GIVEN}, misses: 1%"));
    let after = bound(&world.requests(300.0));
    assert!(after > before, "the bound at 99 %, {after}, is above that at 90.9 %, {before}");
    world.edit("signal: waiting, per_replica: 100/s");
    let evaluation = world.step(&[("requests", 300.0), ("waiting", 300.0)]);
    assert!(matches!(reason(&evaluation).outlook, Outlook::Learning { .. }), "another signal is learned anew");
}

#[test]
fn on_trial_it_does_not_act_before_it_was_cheaper() {
    let rule = format!("{GIVEN}, on_trial: 30m");
    let mut world =
        World::beside(&rule, "- target: { signal: requests, per_replica: 100/s, tolerance: 0%, window: 1s }", 10, 3);
    let mut passed = None;
    let mut told = String::new();
    for step in 0..1000 {
        let evaluation = world.requests(wave(step, 60));
        let on_trial = reason(&evaluation).trial.is_some();
        assert_eq!(evaluation.recommendations[0].observes, on_trial);
        if on_trial {
            assert_eq!(evaluation.verdict.replicas(), Some(whole(wave(step, 60) / 100.0).max(1)), "the other rule's");
            told = explain::rules(&evaluation).remove(0);
        } else {
            passed = passed.or(Some(step));
        }
    }
    let passed = passed.expect("it was cheaper in the end");
    assert!(passed > 180, "30 min are 180 steps: {passed}");
    assert!(told.contains("it is on trial"), "{told}");
}

#[test]
fn what_only_observes_never_acts() {
    let other = "  observe: true\n- target: { signal: requests, per_replica: 100/s, tolerance: 0%, window: 1s }";
    let mut world = World::beside(GIVEN, other, 10, 3);
    for step in 0..300 {
        let evaluation = world.requests(wave(step, 60));
        assert_eq!(evaluation.verdict.replicas(), Some(whole(wave(step, 60) / 100.0).max(1)), "the other rule's");
    }
}

/// Half hours of days that are busy from 8 to 18 by the clock in Oslo, from ten days before a change of clocks.
#[test]
fn a_daily_load_keeps_to_the_clock_on_the_wall_when_the_clocks_change() {
    // 2026-03-19 and 2026-10-15, midnight UTC; the clocks change on 03-29 and 10-25.
    for (name, start, before, after) in [("March", 1_773_878_400_000, 1, 2), ("October", 1_792_022_400_000, 2, 1)] {
        for (zone, keeps) in [("Europe/Oslo", true), ("UTC", false)] {
            let rule = format!("signal: requests, per_replica: 100/s, horizon: 30m, timezone: {zone}");
            let mut world = World::new(&rule, 1800, 3);
            world.now = Timestamp::from_millis(start);
            let mut expected = Vec::new();
            for half_hour in 0..48 * 13 {
                let changed = half_hour >= 48 * 10 + 2;
                let offset = if changed { after } else { before };
                let evaluation = world.requests(busy(half_hour + 2 * offset));
                if half_hour >= 48 * 10 + 4 {
                    let Outlook::Known { by, .. } = &reason(&evaluation).outlook else {
                        panic!("{name} {half_hour}: {:?}", reason(&evaluation).outlook)
                    };
                    expected.push((by.middle, busy(half_hour + 1 + 2 * offset)));
                }
            }
            let wrong = expected.iter().filter(|(said, came)| (said - came).abs() > 300.0).count();
            assert_eq!(wrong == 0, keeps, "{name}, {zone}: {wrong} of {}", expected.len());
        }
    }
}

#[test]
fn an_exceptional_day_is_forecast_without_the_others_and_they_without_it() {
    let run = |rule: &str| {
        let mut world = World::new(rule, 1800, 3);
        let mut wrong = [0, 0];
        for half_hour in 0..48 * 14 {
            let closed = |half_hour: u64| (48 * 12..48 * 13).contains(&half_hour);
            let load = |half_hour| if closed(half_hour) { 100.0 } else { busy(half_hour) };
            let evaluation = world.requests(load(half_hour));
            if half_hour >= 48 * 12
                && let Outlook::Known { by, .. } = &reason(&evaluation).outlook
            {
                let day = usize::from(!closed(half_hour + 1));
                wrong[day] += u32::from((by.middle - load(half_hour + 1)).abs() > 300.0);
            }
        }
        wrong
    };
    let rule = "signal: requests, per_replica: 100/s, horizon: 30m";
    let (unaware, aware) = (run(rule), run(&format!("{rule}, except: 2026-11-28")));
    assert!(aware[0] < unaware[0], "on the day itself: {aware:?}, unaware {unaware:?}");
    assert!(aware[1] <= unaware[1], "on the day after: {aware:?}, unaware {unaware:?}");
}

#[test]
fn of_a_budget_of_misses_so_much_is_used() {
    let stationary: fn(u64) -> f64 = |step| 1000.0 + 100.0 * noise(step);
    let periodic: fn(u64) -> f64 = |step| wave(step, 48) * 2.0 + 100.0 * noise(step);
    for (name, load) in [("stationary", stationary), ("periodic", periodic)] {
        let mut world = World::new("signal: requests, per_replica: 10/s, misses: 5%, horizon: 10s", 10, 100);
        let (mut short, mut of) = (0.0, 0.0);
        for step in 0..3000 {
            let supply = world.serving();
            world.requests(load(step));
            if step >= 500 {
                short += f64::from(u8::from(supply < whole(load(step) / 10.0)));
                of += 1.0;
            }
        }
        let share: f64 = short / of;
        assert!((share - 0.05).abs() <= 0.01, "{name}: {share}");
    }
}

/// One service, its load and the clock.
#[derive(Clone)]
struct World {
    autoscaler: Autoscaler,
    now: Timestamp,
    /// From one sample to the next.
    pace: Duration,
    /// How long a replica takes to serve.
    start: Duration,
    replicas: Vec<Replica>,
    made: u32,
    /// Cores for one request a second, and of a replica without any.
    work: (f64, f64),
    newest: Vec<Sample>,
}

impl World {
    /// With replicas that have served for long. Starts take half of the time from one sample to the next.
    fn new(rule: &str, pace: u64, replicas: u32) -> Self {
        Self::beside(rule, "", pace, replicas)
    }

    /// The same with something after the rule.
    fn beside(rule: &str, after: &str, pace: u64, replicas: u32) -> Self {
        let mut world = Self {
            autoscaler: Autoscaler::new(policy(rule, after)),
            now: MONDAY,
            pace: seconds(pace),
            start: seconds(pace) / 2,
            replicas: Vec::new(),
            made: 0,
            work: (0.001, 0.0),
            newest: Vec::new(),
        };
        for _ in 0..replicas {
            world.make(None);
        }
        world
    }

    fn requests(&mut self, load: f64) -> Evaluation {
        self.step(&[("requests", load)])
    }

    /// Time goes on to the next sample; what is decided then is done.
    fn step(&mut self, values: &[(&str, f64)]) -> Evaluation {
        self.now = self.now.plus(self.pace);
        self.observe();
        let sample = |signal: &str, of, value| Sample {
            signal: SignalName::new(signal),
            of,
            at: self.now,
            reading: Reading::Value(value),
        };
        let load = values.first().map_or(0.0, |(_, value)| *value) / f64::from(self.serving().max(1));
        let serving = self.replicas.iter().filter(|replica| self.serves(replica));
        let cores = (self.work.0 * load + self.work.1).min(1.0);
        let cpu = serving.map(|replica| sample("cpu", Subject::Replica(replica.id.clone()), cores));
        let own = values.iter().map(|(signal, value)| sample(signal, Subject::Service, *value));
        self.newest = cpu.chain(own).collect();
        self.autoscaler.handle_event(Event::Samples(self.newest.clone()), self.now);
        let evaluation = self.evaluate();
        self.autoscaler.record(&evaluation);
        if let Some(target) = evaluation.verdict.replicas() {
            while self.replicas() < target {
                self.make(Some(self.now));
            }
            self.replicas.truncate(target as usize);
            self.observe();
        }
        evaluation
    }

    fn evaluate(&self) -> Evaluation {
        self.autoscaler.evaluate(self.now)
    }

    fn edit(&mut self, rule: &str) {
        self.autoscaler.handle_event(Event::PolicyReplaced(Box::new(policy(rule, ""))), self.now);
    }

    /// The controller ends and another goes on with what was remembered. The agents tell it what they told last.
    fn restart(&mut self) {
        let memory = serde_json::to_string(self.autoscaler.memory()).expect("memory is JSON");
        let memory: Memory = serde_json::from_str(&memory).unwrap_or_else(|error| panic!("{error}: {memory}"));
        self.autoscaler = Autoscaler::restore(self.autoscaler.policy().clone(), memory);
        self.observe();
        self.autoscaler.handle_event(Event::Samples(self.newest.clone()), self.now);
    }

    fn replicas(&self) -> u32 {
        u32::try_from(self.replicas.len()).unwrap_or(u32::MAX)
    }

    /// Replicas that serve when the next sample comes.
    fn serving(&self) -> u32 {
        let at = self.now;
        u32::try_from(
            self.replicas
                .iter()
                .filter(|replica| replica.ready_since.is_some_and(|since| since <= at.plus(self.pace)))
                .count(),
        )
        .unwrap_or(u32::MAX)
    }

    fn serves(&self, replica: &Replica) -> bool {
        replica.ready_since.is_some_and(|since| since <= self.now)
    }

    /// Of those that were found nobody knows when they started.
    fn make(&mut self, asked: Option<Timestamp>) {
        self.made += 1;
        self.replicas.push(Replica {
            id: ReplicaId::new(format!("replica-{:04}", self.made)),
            started: asked,
            ready_since: Some(asked.map_or(Timestamp::from_millis(1), |asked| asked.plus(self.start))),
            cpu_limit_cores: Some(1.0),
            ..Replica::default()
        });
    }

    fn observe(&mut self) {
        let mut replicas = self.replicas.clone();
        for replica in &mut replicas {
            replica.ready_since = replica.ready_since.filter(|since| *since <= self.now);
        }
        self.autoscaler.handle_event(Event::Observed(Observation { replicas, ..Observation::default() }), self.now);
    }
}

fn policy(rule: &str, after: &str) -> Policy {
    let text = format!(
        "service: shop/web\nreplicas: {{ min: 1, max: 1000 }}\nsignals: {{ requests: published, waiting: published }}\n\
         guards: {{ base: none, stale_after: 10m }}\nrules:\n- forecast: {{ {rule}, window: 1s }}\n{after}\n"
    );
    let file = policy_file::parse("policy.yaml", &text).unwrap_or_else(|errors| panic!("{text}: {errors}"));
    file.policies.into_iter().next().expect("there is one")
}

fn reason(evaluation: &Evaluation) -> &ForecastReason {
    match &evaluation.recommendations[0].reason {
        RuleReason::Forecast(reason) => reason,
        other => panic!("{other:?}"),
    }
}

/// The bound at the horizon.
fn bound(evaluation: &Evaluation) -> f64 {
    match &reason(evaluation).outlook {
        Outlook::Known { by, .. } => by.ahead,
        other => panic!("{other:?}"),
    }
}

/// From 100 to 900 and back, once in so many steps.
fn wave(step: u64, steps: u64) -> f64 {
    let phase = f64::from(u32::try_from(step % steps).unwrap_or(0)) / f64::from(u32::try_from(steps).unwrap_or(1));
    (500.0 - 400.0 * (TAU * phase).cos()).round()
}

/// Of a day by its half hours: much from 8 to 18, little otherwise.
fn busy(half_hour: u64) -> f64 {
    if (16..36).contains(&(half_hour % 48)) { 1000.0 } else { 100.0 }
}

/// About normal, with mean 0 and deviation 1; the same for the same step.
fn noise(step: u64) -> f64 {
    let uniform = |draw: u64| {
        let mut bits = step.wrapping_mul(12).wrapping_add(draw).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f64::from(u32::try_from((bits ^ (bits >> 31)) >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    };
    (0..12).map(uniform).sum::<f64>() - 6.0
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
fn whole(value: f64) -> u32 {
    value.ceil() as u32
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
fn count(value: f64) -> usize {
    value as usize
}
