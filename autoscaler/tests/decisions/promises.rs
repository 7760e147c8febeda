//! What the guards promise, for every policy and every order of events.

use std::collections::VecDeque;

use crate::driver::{policy, seconds};
use autoscaler::{
    Autoscaler, Evaluation, Event, Policy, Timestamp, Verdict,
    evaluation::Guard,
    event::{HostCapacity, Observation, Peer, Phase, Reading, Replica, ReplicaId, Sample, Subject},
    policy::{Direction, RuleKind, StepSize, Tolerance},
    quantity::SignalName,
};
use proptest::prelude::*;

/// What happens in one second.
#[derive(Clone, Debug, Default)]
struct Second {
    /// Cores of work.
    demand: Option<f64>,
    /// So many of the oldest replicas are not heard of.
    mute: usize,
    /// Values of the service as a whole.
    values: Vec<(&'static str, f64)>,
    /// Somebody else changes the project.
    changing: bool,
    /// The newest replica starts again.
    dies: bool,
    /// The operator sets the count.
    rescaled: Option<u32>,
    /// What other services take of the budget.
    by_others: Option<f64>,
    /// What the service that grows first carries.
    carries: Option<u32>,
    /// So many replicas must stay.
    protected: usize,
    /// The controller ends and another goes on.
    restart: bool,
}

impl Second {
    /// Without what removes replicas although no rule wants that.
    fn peaceful(self) -> Self {
        Self { dies: false, rescaled: None, ..self }
    }

    /// With nothing that is measured of single replicas, which a restart forgets.
    fn of_the_service(self) -> Self {
        Self { demand: None, ..self }
    }
}

fn second() -> impl Strategy<Value = Second> {
    use proptest::{bool::weighted, option};
    let value = |name: &'static str, most: f64| {
        option::weighted(0.8, 0.0..most).prop_map(move |value| value.map(|value| (name, value)))
    };
    let values = (value("latency.p95", 0.6), value("errors", 9.0), value("jobs", 120.0))
        .prop_map(|(latency, errors, jobs)| [latency, errors, jobs].into_iter().flatten().collect());
    let measured = (option::weighted(0.8, 0.0..12.0_f64), prop_oneof![4 => Just(0), 1 => 1_usize..6], values);
    let told = (
        weighted(0.03),
        weighted(0.1),
        option::weighted(0.03, 0_u32..15),
        option::weighted(0.1, 0.0..200.0_f64),
        option::weighted(0.1, 0_u32..12),
        prop_oneof![4 => Just(0), 1 => 1_usize..4],
        weighted(0.05),
    );
    (measured, told).prop_map(
        |((demand, mute, values), (changing, dies, rescaled, by_others, carries, protected, restart))| Second {
            demand,
            mute,
            values,
            changing,
            dies,
            rescaled,
            by_others,
            carries,
            protected,
            restart,
        },
    )
}

fn any_story() -> impl Strategy<Value = (Policy, Vec<Second>)> {
    (any_policy(), proptest::collection::vec(second(), 1..70))
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let base = prop_oneof![Just("default"), Just("none"), Just("kubernetes_hpa")];
    let span = |most: u64| 0..most;
    let spans = (span(20), span(20), span(15), span(10), span(4), 1_u64..30);
    let each = proptest::sample::subsequence(
        vec![
            "at_most_up 2 per 7s",
            "at_most_up 50% per 10s",
            "at_most_down 1 per 5s",
            "at_most_down 40% per 9s",
            "step_up 3",
            "step_down 30%",
            "undone",
            "unless latency.p95 above 0.3",
            "unless errors above_normal 50%",
            "worse errors by 50% within 9s",
            "implausible 33%",
            "crash_loop 3 within 12s",
            "crash_loop_back 3 within 12s",
            "headroom_cpu 20%",
            "budget connections 200 reserve 20 each 20",
        ],
        0..15,
    );
    let budget = prop_oneof![Just("50%"), Just("20%"), Just("1"), Just("3")];
    let rules = proptest::sample::subsequence(
        vec![
            "target cpu 50%",
            "carry jobs 10",
            "above latency.p95 0.25 for 3s add 2",
            "below latency.p95 0.1 for 4s remove 2",
            "below cpu 0.3 for 3s remove 3",
        ],
        1..=5,
    );
    (base, (1_u32..4, 0_u32..10), spans, each, budget, rules).prop_map(
        |(base, (min, more), (stabilize, down, up, manual, warm_up, per), each, budget, rules)| {
            let max = min + more;
            let spans = format!(
                "stabilize_down {stabilize}s, cooldown_down {down}s, cooldown_up {up}s, manual {manual}s, warm_up {warm_up}s"
            );
            let guards = format!("{base}, min {min}, max {max}, {spans}, kill_budget {budget} per {per}s");
            policy(&[vec![guards.as_str()], each].concat().join(", "), &rules.join("; "))
        },
    )
}

/// A service that carries out each verdict after two seconds.
struct World {
    autoscaler: Autoscaler,
    now: Timestamp,
    replicas: Vec<Replica>,
    made: u32,
    /// What was measured in the last minute.
    samples: VecDeque<Sample>,
    /// The last of each that is told.
    told: Vec<Event>,
}

impl World {
    fn new(policy: Policy) -> Self {
        let replicas = policy.limits.min;
        let mut world = Self {
            autoscaler: Autoscaler::new(policy),
            now: Timestamp::from_millis(1_800_000_000_000),
            replicas: Vec::new(),
            made: 0,
            samples: VecDeque::new(),
            told: Vec::new(),
        };
        world.make(replicas);
        world.observe(&Second::default());
        world
    }

    fn make(&mut self, to: u32) {
        while self.replicas.len() < to as usize {
            self.made += 1;
            self.replicas.push(Replica {
                id: ReplicaId::new(format!("replica-{}", self.made)),
                ready_since: Some(self.now.plus(seconds(2))),
                cpu_limit_cores: Some(1.0),
                ..Replica::default()
            });
        }
        self.replicas.truncate(to as usize);
    }

    fn running(&self) -> u32 {
        u32::try_from(self.replicas.len()).expect("few")
    }

    /// Lives through a second, and gives what was decided in it.
    fn step(&mut self, second: &Second) -> Evaluation {
        self.now = self.now.plus(seconds(1));
        if second.restart {
            self.restart();
        }
        self.tell(second);
        self.observe(second);
        let samples = self.measure(second);
        self.samples.extend(samples.iter().cloned());
        self.samples.retain(|sample| self.now.since(sample.at) <= seconds(60));
        self.autoscaler.handle_event(Event::Samples(samples), self.now);
        let evaluation = self.autoscaler.evaluate(self.now);
        assert_eq!(evaluation, self.autoscaler.evaluate(self.now), "evaluating changes nothing");
        self.autoscaler.record(&evaluation);
        if let Some(target) = evaluation.verdict.replicas() {
            self.make(target);
        }
        evaluation
    }

    /// Another controller reads what was remembered, and is told what there is.
    fn restart(&mut self) {
        let memory = serde_json::to_string(self.autoscaler.memory()).expect("memory is JSON");
        let memory = serde_json::from_str(&memory).expect("memory reads back");
        self.autoscaler = Autoscaler::restore(self.autoscaler.policy().clone(), memory);
        self.autoscaler.handle_event(Event::Samples(self.samples.iter().cloned().collect()), self.now);
        for event in self.told.clone() {
            self.autoscaler.handle_event(event, self.now);
        }
    }

    fn tell(&mut self, second: &Second) {
        let budget = second.by_others.map(|by_others| Event::BudgetUsed { name: "connections".into(), by_others });
        let peer = second.carries.map(|carries| {
            let peer = Peer { carries: Some(carries), ..Peer::default() };
            Event::Peer { service: "proxy".into(), peer: Some(peer) }
        });
        for event in [budget, peer].into_iter().flatten() {
            self.told.retain(|other| std::mem::discriminant(other) != std::mem::discriminant(&event));
            self.told.push(event.clone());
            self.autoscaler.handle_event(event, self.now);
        }
        if let Some(replicas) = second.rescaled {
            self.make(replicas);
            self.autoscaler.handle_event(Event::Rescaled { replicas }, self.now);
        }
        if let (true, Some(newest)) = (second.dies, self.replicas.last_mut()) {
            newest.restarts += 1;
            newest.ready_since = Some(self.now.plus(seconds(2)));
        }
    }

    fn observe(&mut self, second: &Second) {
        let phase =
            if second.changing { Phase::Changing { since: self.now, why: "test".into() } } else { Phase::Settled };
        let mut replicas = self.replicas.clone();
        for (place, replica) in replicas.iter_mut().enumerate() {
            replica.ready_since = replica.ready_since.filter(|since| *since <= self.now);
            replica.protected = (place < second.protected).then(|| "it is busy".to_owned());
        }
        let host = HostCapacity { cores: Some(16.0), busy_cores: second.demand, ..HostCapacity::default() };
        let observation = Observation { replicas, phase, host, ..Observation::default() };
        self.autoscaler.handle_event(Event::Observed(observation), self.now);
    }

    fn measure(&self, second: &Second) -> Vec<Sample> {
        let sample = |signal: &str, of, value| Sample {
            signal: SignalName::new(signal),
            of,
            at: self.now,
            reading: Reading::Value(value),
        };
        let mut samples: Vec<Sample> =
            second.values.iter().map(|(signal, value)| sample(signal, Subject::Service, *value)).collect();
        if let Some(demand) = second.demand {
            let serving = |replica: &&Replica| replica.ready_since.is_some_and(|since| since <= self.now);
            let serving: Vec<_> = self.replicas.iter().filter(serving).collect();
            let each = (demand / f64::from(u32::try_from(serving.len()).unwrap_or(1).max(1))).min(1.0);
            let heard = serving.iter().skip(second.mute);
            samples.extend(heard.map(|replica| sample("cpu", Subject::Replica(replica.id.clone()), each)));
        }
        samples
    }
}

fn frozen(evaluation: &Evaluation) -> bool {
    evaluation.effects.iter().any(|effect| matches!(effect.guard, Guard::Freeze(_)))
}

/// Where there is no room, nothing is added, not even what lacks to `min`.
fn without_room(evaluation: &Evaluation) -> bool {
    evaluation.effects.iter().any(|effect| matches!(effect.guard, Guard::Budget { .. } | Guard::Headroom { .. }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn the_count_is_never_below_min_and_never_grows_beyond_max((policy, story) in any_story()) {
        let limits = policy.limits;
        let mut world = World::new(policy);
        for second in &story {
            let evaluation = world.step(second);
            let (Some(current), Some(to)) = (evaluation.current, evaluation.verdict.replicas()) else { continue };
            prop_assert!(to >= limits.min.min(current), "{to} is further below {limits:?}: {:?}", evaluation.effects);
            prop_assert!(to <= limits.max.max(current), "{to} is beyond {limits:?}: {:?}", evaluation.effects);
            if !frozen(&evaluation) && !without_room(&evaluation) {
                prop_assert!(to >= limits.min, "{to} is below {limits:?}: {:?}", evaluation.effects);
            }
        }
    }

    #[test]
    fn what_is_missing_never_lowers_the_count((policy, before) in any_story(), blind in 1_usize..40) {
        let mut world = World::new(policy);
        for second in before {
            world.step(&second.peaceful());
        }
        // What was seen before the silence may still be acted upon for as long as it is fresh.
        for _ in 0..11 {
            world.step(&Second::default());
        }
        for _ in 0..blind {
            let evaluation = world.step(&Second::default());
            prop_assert!(evaluation.verdict.direction() != Some(Direction::Down), "{evaluation:?}");
        }
    }

    #[test]
    fn no_step_down_comes_within_the_cooldown_or_against_the_window((policy, story) in any_story()) {
        let guards = policy.guards.down.clone();
        let mut last = None::<Timestamp>;
        let mut wanted: Vec<(Timestamp, u32)> = Vec::new();
        let mut world = World::new(policy);
        for second in story {
            let evaluation = world.step(&second.peaceful());
            let (at, current) = (evaluation.at, evaluation.current.expect("it is listed"));
            if let Verdict::Scale { from, to } = evaluation.verdict {
                if to < from {
                    prop_assert!(last.is_none_or(|last| at.since(last) >= guards.cooldown), "too soon: {evaluation:?}");
                    let recent = wanted.iter().filter(|(then, _)| at.since(*then) < guards.stabilize);
                    let most = recent.map(|(_, wanted)| *wanted).max().unwrap_or(0);
                    prop_assert!(to >= most.min(from), "{most} were wanted: {evaluation:?}");
                }
                last = Some(at);
            }
            wanted.push((at, evaluation.combined.wants.unwrap_or(current)));
        }
    }

    #[test]
    fn no_more_than_the_kill_budget_is_removed((policy, story) in any_story()) {
        let budget = policy.guards.kill_budget.expect("every policy has one here");
        // When, from and to how many, and how many of those that ran were removed.
        let mut steps: Vec<(Timestamp, u32, u32, u32)> = Vec::new();
        let mut world = World::new(policy);
        for second in &story {
            let running = second.rescaled.unwrap_or_else(|| world.running());
            let evaluation = world.step(second);
            let Verdict::Scale { from, to } = evaluation.verdict else { continue };
            let there = from.min(running);
            steps.push((evaluation.at, from, to, there.saturating_sub(to)));
            if to > from {
                continue;
            }
            let recent = || steps.iter().filter(|(at, ..)| evaluation.at.since(*at) < budget.per);
            let removed: u32 = recent().map(|(.., removed)| removed).sum();
            let start = recent().fold(i64::from(to), |count, (_, from, to, _)| count + i64::from(*from) - i64::from(*to));
            let allowed = match budget.size {
                StepSize::Count(count) => f64::from(count),
                StepSize::Share(share) => (f64::from(i32::try_from(start).unwrap_or(0)) * share + 1e-9).floor(),
            };
            prop_assert!(f64::from(removed) <= allowed.max(1.0), "{removed} of {start} in {:?}: {steps:?}", budget.per);
        }
    }

    #[test]
    fn a_restart_changes_no_later_decision((policy, story) in any_story()) {
        let mut with = World::new(policy.clone());
        let mut without = World::new(policy);
        for second in story {
            let second = second.of_the_service();
            let there = with.step(&second);
            let here = without.step(&Second { restart: false, ..second });
            prop_assert_eq!(there.verdict, here.verdict, "{:?} and {:?}", there, here);
        }
    }

    #[test]
    fn the_wakeup_is_no_later_than_the_moment_at_which_time_alone_changes_the_verdict(
        (policy, story) in any_story(),
        constant in second(),
    ) {
        let mut world = World::new(policy);
        for second in story {
            let values = constant.values.clone();
            world.step(&Second { values, ..second.of_the_service() });
            let now = world.autoscaler.evaluate(world.now);
            // A step that is due is made at once: nobody waits until time takes it back.
            if now.verdict.direction().is_some() {
                continue;
            }
            let wakeup = now.next.as_ref().map(|wakeup| wakeup.at);
            let near = (1..40).map(|halves| seconds(1) * halves / 2);
            let moments = near.chain([30, 60, 119, 121, 299, 301, 4000].map(seconds)).map(|span| world.now.plus(span));
            for moment in moments.take_while(|moment| wakeup.is_none_or(|wakeup| *moment < wakeup)) {
                let then = world.autoscaler.evaluate(moment);
                prop_assert_eq!(then.verdict, now.verdict, "{:?} after {:?}", then, now);
            }
        }
    }

    #[test]
    fn constant_input_comes_to_rest_within_two_evaluations(jobs in 0.0..300.0_f64, latency in 0.0..0.2_f64, min in 1_u32..20) {
        let rules = "carry jobs 10; above latency.p95 0.25 for 0s add 2";
        let mut world = World::new(policy(&format!("none, min {min}, max 25, undone"), rules));
        let second = Second { values: vec![("jobs", jobs), ("latency.p95", latency)], ..Second::default() };
        let counts: Vec<_> = (0..40).map(|_| world.step(&second).verdict.replicas()).collect();
        prop_assert!(counts[1..].iter().all(|count| *count == counts[1]), "{counts:?}");
    }

    #[test]
    fn limits_on_speed_are_the_same_both_ways(size in 1_u32..9, step in 1_u32..9, by in 6_u32..20) {
        let guards = format!("none, min 1, max 99, at_most_up {size} per 9s, at_most_down {size} per 9s");
        let guards = format!("{guards}, step_up {step}, step_down {step}");
        let moved = |jobs: u32| {
            let mut policy = policy(&guards, "carry jobs 10");
            policy.limits.min = 50;
            // A share of the count is another number of replicas at another count.
            if let RuleKind::Target(rule) = &mut policy.rules[0].kind {
                rule.tolerance = Tolerance::both(0.0);
            }
            let mut world = World::new(policy.clone());
            policy.limits.min = 1;
            world.autoscaler.handle_event(Event::PolicyReplaced(Box::new(policy)), world.now);
            let second = Second { values: vec![("jobs", f64::from(jobs))], ..Second::default() };
            (0..12).map(|_| world.step(&second).verdict.replicas().map_or(0, |count| count.abs_diff(50))).collect::<Vec<_>>()
        };
        prop_assert_eq!(moved(10 * (50 + by)), moved(10 * (50 - by)));
    }
}
