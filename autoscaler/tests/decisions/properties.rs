//! What holds for every load, every policy and every order of events.

use crate::driver::{policy, seconds};
use autoscaler::{
    Autoscaler, Event, Policy, Timestamp, Verdict,
    event::{HostCapacity, Observation, Phase, Reading, Replica, ReplicaId, Sample, Subject},
    policy::Direction,
    quantity::SignalName,
};
use proptest::prelude::*;

/// What happens in one second.
#[derive(Clone, Debug)]
struct Second {
    /// Cores of work; `None`: no samples at all.
    demand: Option<f64>,
    /// The replica whose sample is missing.
    without: Option<usize>,
    /// Value of the latency signal, where there is one.
    latency: Option<f64>,
    /// Somebody else changes the project.
    changing: bool,
    /// The controller restarts.
    restart: bool,
}

fn second() -> impl Strategy<Value = Second> {
    (
        proptest::option::weighted(0.85, 0.0..12.0_f64),
        proptest::option::weighted(0.2, 0_usize..6),
        proptest::option::weighted(0.8, 0.0..0.6_f64),
        proptest::bool::weighted(0.05),
        proptest::bool::weighted(0.05),
    )
        .prop_map(|(demand, without, latency, changing, restart)| Second {
            demand,
            without,
            latency,
            changing,
            restart,
        })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let guards = (1_u32..4, 0_u32..8, 0_u64..20, 0_u64..20, 0_u64..20, 0_u64..6);
    let rules = proptest::sample::subsequence(
        vec!["target cpu 50%", "above latency.p95 0.25 for 3s add 2", "below latency.p95 0.1 for 6s remove 1"],
        1..=3,
    );
    (guards, rules).prop_map(|((min, more, stabilize, cooldown, up, warm_up), rules)| {
        let max = min + more;
        let guards = format!(
            "min {min}, max {max}, stabilize_down {stabilize}s, cooldown_down {cooldown}s, cooldown_up {up}s, warm_up {warm_up}s"
        );
        policy(&guards, &rules.join("; "))
    })
}

/// A service that carries out each verdict after two seconds.
struct World {
    autoscaler: Autoscaler,
    now: Timestamp,
    replicas: Vec<Replica>,
    made: u32,
}

impl World {
    fn new(policy: Policy, replicas: u32) -> Self {
        let mut world = Self {
            autoscaler: Autoscaler::new(policy),
            now: Timestamp::from_millis(1_800_000_000_000),
            replicas: Vec::new(),
            made: 0,
        };
        world.grow(replicas as usize);
        world.observe(false);
        world
    }

    fn grow(&mut self, to: usize) {
        while self.replicas.len() < to {
            self.made += 1;
            self.replicas.push(Replica {
                id: ReplicaId::new(format!("replica-{}", self.made)),
                ready_since: Some(self.now.plus(seconds(2))),
                cpu_limit_cores: Some(1.0),
                ..Replica::default()
            });
        }
    }

    fn observe(&mut self, changing: bool) {
        let phase = if changing { Phase::Changing { since: self.now, why: "test".into() } } else { Phase::Settled };
        let mut replicas = self.replicas.clone();
        for replica in &mut replicas {
            replica.ready_since = replica.ready_since.filter(|since| *since <= self.now);
        }
        let observation =
            Observation { replicas, phase, refusals: Vec::new(), most: None, host: HostCapacity::default() };
        self.autoscaler.handle_event(Event::Observed(observation), self.now);
    }

    fn step(&mut self, second: &Second) -> Verdict {
        self.now = self.now.plus(seconds(1));
        if second.restart {
            let memory = serde_json::to_value(self.autoscaler.memory()).expect("memory is JSON");
            let memory = serde_json::from_value(memory).expect("memory reads back");
            self.autoscaler = Autoscaler::restore(self.autoscaler.policy().clone(), memory);
        }
        self.observe(second.changing);
        let samples = self.samples(second);
        self.autoscaler.handle_event(Event::Samples(samples), self.now);
        let evaluation = self.autoscaler.evaluate(self.now);
        assert_eq!(evaluation, self.autoscaler.evaluate(self.now), "evaluating changes nothing");
        self.autoscaler.record(&evaluation);
        if let Some(target) = evaluation.verdict.replicas() {
            self.grow(target as usize);
            self.replicas.truncate(target as usize);
        }
        evaluation.verdict
    }

    fn samples(&self, second: &Second) -> Vec<Sample> {
        let mut samples: Vec<Sample> = Vec::new();
        let sample = |signal: &str, of, value| Sample {
            signal: SignalName::new(signal),
            of,
            at: self.now,
            reading: Reading::Value(value),
        };
        if let Some(demand) = second.demand {
            let serving = |replica: &&Replica| replica.ready_since.is_some_and(|since| since <= self.now);
            let serving: Vec<_> = self.replicas.iter().filter(serving).collect();
            let each = demand / f64::from(u32::try_from(serving.len()).unwrap_or(1).max(1));
            for (place, replica) in serving.into_iter().enumerate() {
                if second.without != Some(place) {
                    samples.push(sample("cpu", Subject::Replica(replica.id.clone()), each.min(1.0)));
                }
            }
        }
        if let Some(latency) = second.latency {
            samples.push(sample("latency.p95", Subject::Service, latency));
        }
        samples
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn replicas_stay_within_limits(policy in any_policy(), seconds in proptest::collection::vec(second(), 1..80)) {
        let limits = policy.limits;
        let mut world = World::new(policy, limits.min);
        for second in &seconds {
            if let Some(replicas) = world.step(second).replicas() {
                prop_assert!((limits.min..=limits.max).contains(&replicas), "{replicas} outside {limits:?}");
            }
        }
    }

    #[test]
    fn no_step_down_comes_within_the_cooldown(policy in any_policy(), seconds in proptest::collection::vec(second(), 1..80)) {
        let cooldown = policy.guards.down.cooldown;
        let (limits, mut last) = (policy.limits, None::<Timestamp>);
        let mut world = World::new(policy, limits.min);
        for second in &seconds {
            let verdict = world.step(second);
            if let (Some(Direction::Down), Some(last)) = (verdict.direction(), last) {
                prop_assert!(world.now.since(last) >= cooldown, "{:?} after the last step", world.now.since(last));
            }
            if verdict.direction().is_some() {
                last = Some(world.now);
            }
        }
    }

    #[test]
    fn a_restart_changes_nothing(policy in any_policy(), seconds in proptest::collection::vec(second(), 1..60)) {
        // Samples are not remembered, so that a restart is blind for a moment and may hold: it never goes lower.
        let limits = policy.limits;
        let mut with = World::new(policy.clone(), limits.min);
        let mut without = World::new(policy, limits.min);
        for second in &seconds {
            let restarting = Second { restart: true, demand: None, latency: None, ..second.clone() };
            with.step(&restarting);
            without.step(&Second { restart: false, demand: None, latency: None, ..second.clone() });
            prop_assert_eq!(with.autoscaler.memory().target(), without.autoscaler.memory().target());
        }
    }

    #[test]
    fn without_data_nothing_is_removed(
        policy in any_policy(),
        before in proptest::collection::vec(second(), 1..40),
        blind in 1_usize..60,
    ) {
        let limits = policy.limits;
        let mut world = World::new(policy, limits.min);
        for second in &before {
            world.step(&Second { changing: false, ..second.clone() });
        }
        let nothing = Second { demand: None, without: None, latency: None, changing: false, restart: false };
        // What was seen before the silence may still be acted upon for as long as it is fresh.
        for _ in 0..11 {
            world.step(&nothing);
        }
        for _ in 0..blind {
            let verdict = world.step(&nothing);
            prop_assert!(verdict.direction() != Some(Direction::Down), "{verdict:?}");
        }
    }

    #[test]
    fn a_missing_sample_never_lowers_the_count(
        load in proptest::collection::vec(0.0..1.0_f64, 2..8),
        without in 0_usize..8,
        share in 0.2..0.9_f64,
    ) {
        let decide = |without: Option<usize>| {
            let rules = format!("target cpu {}%", share * 100.0);
            let mut autoscaler =
                Autoscaler::new(policy("min 1, max 99, stabilize_down 0s, cooldown_down 0s, warm_up 0s", &rules));
            let now = Timestamp::from_millis(1_000_000);
            let replicas = (0..load.len()).map(|place| Replica {
                id: ReplicaId::new(place.to_string()),
                ready_since: Some(Timestamp::from_millis(1)),
                cpu_limit_cores: Some(1.0),
                ..Replica::default()
            });
            let observation = Observation { replicas: replicas.collect(), ..Observation::default() };
            autoscaler.handle_event(Event::Observed(observation), now);
            let now = now.plus(seconds(20));
            let samples = load.iter().enumerate().filter(|(place, _)| Some(*place) != without).map(|(place, value)| Sample {
                signal: SignalName::new("cpu"),
                of: Subject::Replica(ReplicaId::new(place.to_string())),
                at: now,
                reading: Reading::Value(*value),
            });
            autoscaler.handle_event(Event::Samples(samples.collect()), now);
            autoscaler.evaluate(now).verdict.replicas().expect("it was observed")
        };
        let (all, fewer) = (decide(None), decide(Some(without % load.len())));
        let present = u32::try_from(load.len()).unwrap_or(0);
        prop_assert!(fewer >= all.min(present), "{fewer} without a sample, {all} with all");
    }

    #[test]
    fn more_load_never_gives_fewer_replicas(low in 0.0..6.0_f64, more in 0.0..6.0_f64, replicas in 1_u32..8) {
        let decide = |demand: f64| {
            let mut world = World::new(
                policy("min 1, max 20, stabilize_down 0s, cooldown_down 0s, warm_up 0s", "target cpu 50%"),
                replicas,
            );
            let idle = Second { demand: None, without: None, latency: None, changing: false, restart: false };
            for _ in 0..3 {
                world.step(&idle);
            }
            world.step(&Second { demand: Some(demand), ..idle }).replicas()
        };
        prop_assert!(decide(low) <= decide(low + more));
    }

    #[test]
    fn constant_load_settles_and_stays(demand in 0.05..8.0_f64, replicas in 1_u32..12) {
        let mut world = World::new(
            policy("min 1, max 20, stabilize_down 0s, cooldown_down 0s, warm_up 1s", "target cpu 60%"),
            replicas,
        );
        let second = Second { demand: Some(demand), without: None, latency: None, changing: false, restart: false };
        for _ in 0..60 {
            world.step(&second);
        }
        for _ in 0..60 {
            let verdict = world.step(&second);
            prop_assert!(verdict.direction().is_none(), "{verdict:?}");
        }
    }

    #[test]
    fn no_order_of_values_panics(values in proptest::collection::vec(
        prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(-1.0), Just(0.0), Just(1e300), -1e9..1e9_f64], 1..50,
    )) {
        let mut world = World::new(policy("warm_up 0s", "target cpu 50%; above latency.p95 0.25 for 1s add 2"), 2);
        for value in values {
            world.now = world.now.plus(seconds(1));
            let of = [Subject::Service, Subject::Replica(world.replicas[0].id.clone())];
            let samples = of.into_iter().zip(["latency.p95", "cpu"]).map(|(of, signal)| Sample {
                signal: SignalName::new(signal),
                of,
                at: world.now,
                reading: Reading::Value(value),
            });
            world.autoscaler.handle_event(Event::Samples(samples.collect()), world.now);
            let evaluation = world.autoscaler.evaluate(world.now);
            autoscaler::explain::sentence(&evaluation);
            autoscaler::explain::next(&evaluation);
            world.autoscaler.record(&evaluation);
        }
    }
}
