//! What a `forecast` rule goes by where the demand is a sum over replicas: each story has replicas that start, and what they use
//! to start, and asks what the rule takes for the demand.

use autoscaler::{
    Autoscaler, Evaluation, Event, Policy, Timestamp,
    evaluation::{ForecastReason, Opinion, Outlook, RuleReason},
    event::{Observation, Reading, Replica, ReplicaId, Sample, Subject},
    explain, policy_file,
    quantity::SignalName,
};
use proptest::prelude::*;

use crate::driver::seconds;

/// 2026-11-16, a Monday, midnight UTC.
const MONDAY: Timestamp = Timestamp::from_millis(1_794_787_200_000);

#[test]
fn in_a_steep_rise_in_which_somebody_always_warms_up_each_step_is_measured_as_it_is() {
    let mut world = World::new("warm_up: 40s", 2);
    for _ in 0..30 {
        world.sample(1.0);
    }
    for step in 1..=60_u32 {
        let load = 1.0 + 0.1 * f64::from(step);
        let evaluation = world.sample(load);
        let reason = reason(&evaluation);
        assert!((reason.demand - load).abs() < 1e-9, "step {step}: {} of {load}", reason.demand);
        let Outlook::Known { by, .. } = &reason.outlook else { panic!("step {step}: {:?}", reason.outlook) };
        assert_eq!(by.made_at, world.now.as_millis(), "step {step}: the forecast goes by the newest sample");
        assert_eq!(reason.reactive, whole(load / 0.5), "step {step}");
        if step % 2 == 0 {
            world.start(Start { boots: 20, burns: 1.0, ..Start::default() });
        }
    }
    assert!(world.warming() >= 2, "{}", world.warming());
}

#[test]
fn what_warms_up_is_told_with_how_it_counts() {
    let mut world = World::new("warm_up: 60s", 3);
    for _ in 0..4 {
        world.sample(1.2);
    }
    for _ in 0..2 {
        world.start(Start { boots: 10, burns: 1.0, ..Start::default() });
    }
    let starting = world.sample(1.2);
    assert_eq!((reason(&starting).demand, starting.signals[0].estimate), (1.2, None), "who boots carries nothing");
    world.sample(1.2);
    let evaluation = world.sample(1.2);
    assert_eq!(evaluation.signals[0].estimate.map(|estimate| (estimate.serving, estimate.unsure)), Some((2, 0)));
    insta::assert_snapshot!(explain::rules(&evaluation).remove(0));
}

#[test]
fn without_a_health_check_no_start_asks_for_the_next_and_none_makes_load_vanish() {
    for (name, start) in [
        ("it boots for long, at full speed", Start { boots: 50, burns: 1.0, checked: false, ..Start::default() }),
        ("it serves at once", Start { boots: 0, burns: 0.0, checked: false, ..Start::default() }),
    ] {
        let mut world = World::new("warm_up: 60s", 3);
        for _ in 0..4 {
            world.sample(1.2);
        }
        let mut told = String::new();
        for step in 0..8 {
            if step < 4 {
                world.start(start);
            }
            let evaluation = world.sample(1.2);
            let reason = reason(&evaluation);
            assert!((reason.demand - 1.2).abs() < 0.01, "{name}: {} after {step}", reason.demand);
            assert_eq!(reason.reactive, 3, "{name}");
            if step == 3 {
                told = explain::rules(&evaluation).remove(0);
            }
        }
        assert!(
            told.contains("4 of 7 warm up without a health check, so that nobody knows whether they serve"),
            "{told}"
        );
    }
}

#[test]
fn who_warms_up_never_counts_for_more_than_it_uses() {
    let mut world = World::new("warm_up: 60s", 3);
    for _ in 0..4 {
        world.sample(1.2);
    }
    // Connections stay where they are: no request finds it for the time being.
    world.start(Start { boots: 5, found: 100, ..Start::default() });
    for step in 0..4 {
        let evaluation = world.sample(1.2);
        assert!((reason(&evaluation).demand - 1.2).abs() < 1e-9, "{step}: {}", reason(&evaluation).demand);
    }
}

#[test]
fn one_that_should_have_a_sample_and_has_none_is_neither_zero_nor_as_the_others() {
    let mut world = World::new("warm_up: 20s", 4);
    for _ in 0..20 {
        world.sample(1.2);
    }
    world.start(Start { boots: 5, ..Start::default() });
    world.silent = 1;
    let newest = world.now.as_millis();
    for _ in 0..8 {
        world.sample(1.2);
    }
    let evaluation = world.sample(0.4);
    let reason = reason(&evaluation);
    assert_eq!((reason.absent, evaluation.recommendations[0].opinion), (1, Opinion::Unknown), "nothing is removed");
    assert!(matches!(reason.outlook, Outlook::Learning { .. }), "and nothing is told of the future: {reason:?}");
    assert!(world.newest_told().is_some_and(|told| told <= newest + 30_000), "nor is anything learned meanwhile");
}

#[test]
fn the_newest_warms_up_and_all_others_are_gone() {
    let mut world = World::new("warm_up: 20s", 2);
    for _ in 0..4 {
        world.sample(0.8);
    }
    world.start(Start { boots: 5, burns: 1.0, ..Start::default() });
    world.replicas.drain(..2);
    let evaluation = world.sample(0.8);
    assert!(matches!(evaluation.recommendations[0].opinion, Opinion::Waits(_)), "{evaluation:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_demand_is_the_same_whether_or_not_replicas_warm_up(
        loads in proptest::collection::vec(0.0..4.0_f64, 20..60),
        starts in proptest::collection::vec((0..60_usize, 1..40_u64, 0.0..1.0_f64), 0..8),
        warm_up in World::PACE..90,
    ) {
        let mut world = World::new(&format!("warm_up: {warm_up}s"), 2);
        // From the second sample on it is known which time they are of.
        world.sample(1.0);
        for (step, load) in loads.iter().enumerate() {
            for (_, boots, burns) in starts.iter().filter(|(at, ..)| *at == step) {
                world.start(Start { boots: *boots, burns: *burns, ..Start::default() });
            }
            let evaluation = world.sample(*load);
            let demand = reason(&evaluation).demand;
            prop_assert!((demand - load).abs() < 1e-6 * load.max(1.0), "{} of {} in step {}", demand, load, step);
            if step >= 3 {
                prop_assert_eq!(world.newest_told(), Some(world.now.as_millis()));
            }
        }
    }

    #[test]
    fn what_a_start_uses_is_never_load(
        load in 0.0..4.0_f64,
        burns in proptest::collection::vec((0.0..8.0_f64, any::<bool>()), 1..8),
    ) {
        let mut world = World::new("warm_up: 2m", 2);
        for _ in 0..3 {
            world.sample(load);
        }
        for (burns, checked) in burns {
            world.start(Start { boots: 25, burns, checked, ..Start::default() });
            let evaluation = world.sample(load);
            prop_assert!(reason(&evaluation).demand <= load * (1.0 + 1e-6), "{:?}", evaluation.signals[0]);
        }
    }
}

/// How a replica starts.
#[derive(Clone, Copy)]
struct Start {
    /// Seconds until it serves.
    boots: u64,
    /// Cores that it uses until then.
    burns: f64,
    /// It has a health check, which passes at that moment.
    checked: bool,
    /// Seconds more until requests find it.
    found: u64,
}

impl Default for Start {
    fn default() -> Self {
        Self { boots: 5, burns: 0.0, checked: true, found: 0 }
    }
}

struct Running {
    listed: Replica,
    start: Start,
    started: Timestamp,
}

impl Running {
    fn carries(&self, at: Timestamp) -> bool {
        at >= self.started.plus(seconds(self.start.boots + self.start.found))
    }

    fn boots(&self, at: Timestamp) -> bool {
        at >= self.started && at < self.started.plus(seconds(self.start.boots))
    }
}

/// A service whose CPU is measured each ten seconds. Nothing that is decided is done.
struct World {
    autoscaler: Autoscaler,
    now: Timestamp,
    replicas: Vec<Running>,
    /// So many of the oldest are not heard.
    silent: usize,
}

impl World {
    const PACE: u64 = 10;

    fn new(guards: &str, replicas: usize) -> Self {
        let text = format!(
            "service: shop/web\nreplicas: {{ min: 1, max: 1000 }}\nguards: {{ base: none, stale_after: 30s, {guards} }}\n\
             rules:\n- forecast: {{ signal: cpu, per_replica: 0.5 cores, horizon: 10s, window: 1s }}\n"
        );
        let file = policy_file::parse("policy.yaml", &text).unwrap_or_else(|errors| panic!("{text}: {errors}"));
        let policy: Policy = file.policies.into_iter().next().expect("there is one");
        let mut world = Self { autoscaler: Autoscaler::new(policy), now: MONDAY, replicas: Vec::new(), silent: 0 };
        for _ in 0..replicas {
            world.start(Start::default());
        }
        for replica in &mut world.replicas {
            (replica.started, replica.listed.started) = (Timestamp::from_millis(1), None);
            replica.listed.ready_since = Some(Timestamp::from_millis(1));
        }
        world
    }

    fn start(&mut self, start: Start) {
        let ready = self.now.plus(seconds(if start.checked { start.boots } else { 0 }));
        let listed = Replica {
            id: ReplicaId::new(format!("replica-{:04}-{}", self.replicas.len(), self.now.as_millis())),
            started: Some(self.now),
            ready_since: Some(ready),
            cpu_limit_cores: Some(8.0),
            ..Replica::default()
        };
        self.replicas.push(Running { listed, start, started: self.now });
    }

    /// The load of the next ten seconds, and what is decided at their end.
    fn sample(&mut self, load: f64) -> Evaluation {
        let from = self.now;
        for second in 1..=Self::PACE {
            self.now = from.plus(seconds(second));
            self.observe();
        }
        let moments: Vec<Timestamp> = (0..Self::PACE).map(|second| from.plus(seconds(second))).collect();
        let carrying = |at: Timestamp| self.replicas.iter().filter(|replica| replica.carries(at)).count();
        let used = |replica: &Running| {
            let each = moments.iter().map(|at| {
                let share = load / f64::from(u32::try_from(carrying(*at)).expect("few"));
                let boot = if replica.boots(*at) { replica.start.burns } else { 0.0 };
                boot + if replica.carries(*at) { share } else { 0.0 }
            });
            each.sum::<f64>() / f64::from(u32::try_from(moments.len()).expect("few"))
        };
        let samples = self.replicas.iter().skip(self.silent).map(|replica| Sample {
            signal: SignalName::new(SignalName::CPU),
            of: Subject::Replica(replica.listed.id.clone()),
            at: self.now,
            reading: Reading::Value(used(replica)),
        });
        let samples = samples.collect();
        self.autoscaler.handle_event(Event::Samples(samples), self.now);
        let evaluation = self.autoscaler.evaluate(self.now);
        self.autoscaler.record(&evaluation);
        evaluation
    }

    fn observe(&mut self) {
        let mut replicas: Vec<Replica> = self.replicas.iter().map(|replica| replica.listed.clone()).collect();
        for replica in &mut replicas {
            replica.ready_since = replica.ready_since.filter(|since| *since <= self.now);
        }
        self.autoscaler.handle_event(Event::Observed(Observation { replicas, ..Observation::default() }), self.now);
    }

    fn warming(&self) -> u32 {
        self.autoscaler.evaluate(self.now).signals[0].warming
    }

    /// The end of the newest step that was learned.
    fn newest_told(&self) -> Option<u64> {
        let (_, state) = self.autoscaler.memory().forecasts().next()?;
        state.forecaster().measured().last().map(|(end, ..)| *end)
    }
}

fn reason(evaluation: &Evaluation) -> &ForecastReason {
    match &evaluation.recommendations[0].reason {
        RuleReason::Forecast(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
fn whole(value: f64) -> u32 {
    (value - 1e-9).ceil() as u32
}
