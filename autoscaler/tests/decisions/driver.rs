//! Drives the core as the controller does, on a clock of its own.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use autoscaler::{
    Autoscaler, Evaluation, Event, Hypothesis, Policy, Timestamp,
    evaluation::Guard,
    event::{HostCapacity, Observation, Phase, Reading, Replica, ReplicaId, Sample, Subject},
    explain,
    policy::{
        Action, Arithmetic, Bounds, Direction, Goal, Group, Guards, Lasting, Limits, Mode, Rounding, Rule, RuleKind,
        Selector, SignalSource, Step, StepSize, Target, Threshold, Tolerance,
    },
    quantity::{Quantity, SignalName, Unit},
};

/// How long a replica takes to serve.
const START: Duration = Duration::from_secs(2);

/// One service and what happens to it.
pub(crate) struct Story {
    autoscaler: Autoscaler,
    now: Timestamp,
    start: Timestamp,
    replicas: Vec<Replica>,
    made: u32,
    phase: Phase,
    told: String,
    headline: String,
}

impl Story {
    /// A service with `replicas` that have served for a minute.
    pub(crate) fn new(policy: Policy, replicas: u32) -> Self {
        let start = Timestamp::from_millis(1_800_000_000_000);
        let mut story = Self {
            autoscaler: Autoscaler::new(policy),
            now: start,
            start,
            replicas: Vec::new(),
            made: 0,
            phase: Phase::Settled,
            told: String::new(),
            headline: String::new(),
        };
        for _ in 0..replicas {
            story.make(start.minus(seconds(60)));
        }
        story.observe();
        story
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn running(&self) -> usize {
        self.replicas.len()
    }

    /// Cores of work, shared by the replicas that serve; each can do at most one.
    pub(crate) fn demand(&mut self, ticks: u32, cores: f64) {
        self.run(ticks, |story| story.work(cores));
    }

    /// One value of the service as a whole.
    pub(crate) fn service_value(&mut self, ticks: u32, signal: &str, value: f64) {
        let signal = signal.to_owned();
        self.run(ticks, move |story| vec![story.sample(&signal, Subject::Service, value)]);
    }

    /// CPU as with [`demand`](Self::demand), and one value of the service as a whole.
    pub(crate) fn both(&mut self, ticks: u32, cores: f64, signal: &str, value: f64) {
        let signal = signal.to_owned();
        self.run(ticks, |story| {
            story.work(cores).into_iter().chain([story.sample(&signal, Subject::Service, value)]).collect()
        });
    }

    pub(crate) fn what_if(&self, hypothesis: &Hypothesis) -> Evaluation {
        self.autoscaler.what_if(hypothesis, self.now)
    }

    /// CPU as with [`demand`](Self::demand), and a signal of which it is known that there is no value.
    pub(crate) fn idle(&mut self, ticks: u32, cores: f64, signal: &str) {
        let signal = SignalName::new(signal);
        self.run(ticks, |story| {
            let idle = Sample { signal: signal.clone(), of: Subject::Service, at: story.now, reading: Reading::Idle };
            story.work(cores).into_iter().chain([idle]).collect()
        });
    }

    /// Each replica's own value of a signal of the application's.
    pub(crate) fn replica_values(&mut self, ticks: u32, signal: &str, value: f64) {
        let signal = signal.to_owned();
        self.run(ticks, move |story| {
            story.serving().into_iter().map(|id| story.sample(&signal, Subject::Replica(id), value)).collect()
        });
    }

    /// The newest replica never comes to serve.
    pub(crate) fn break_newest(&mut self) {
        if let Some(newest) = self.replicas.last_mut() {
            newest.ready_since = None;
        }
        self.observe();
    }

    /// No samples, though time goes on.
    pub(crate) fn silence(&mut self, ticks: u32) {
        self.run(ticks, |_| Vec::new());
    }

    pub(crate) fn changing(&mut self, why: &str) {
        self.phase = Phase::Changing { since: self.now, why: why.to_owned() };
        self.observe();
    }

    pub(crate) fn settled(&mut self) {
        self.phase = Phase::Settled;
        self.observe();
    }

    /// The controller ends and another goes on with what was remembered.
    pub(crate) fn restart(&mut self) {
        let memory = serde_json::to_string(self.autoscaler.memory()).expect("memory is JSON");
        let memory = serde_json::from_str(&memory).expect("memory reads back");
        self.autoscaler = Autoscaler::restore(self.autoscaler.policy().clone(), memory);
        self.observe();
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.autoscaler.handle_event(event, self.now);
    }

    pub(crate) fn evaluate(&self) -> Evaluation {
        self.autoscaler.evaluate(self.now)
    }

    /// Every change of verdict or kind of reason, with its second and sentence.
    pub(crate) fn told(&self) -> &str {
        &self.told
    }

    fn run(&mut self, ticks: u32, samples: impl Fn(&Self) -> Vec<Sample>) {
        for _ in 0..ticks {
            self.now = self.now.plus(seconds(1));
            self.observe();
            let samples = samples(self);
            self.event(Event::Samples(samples));
            self.decide();
        }
    }

    fn decide(&mut self) {
        let evaluation = self.evaluate();
        self.autoscaler.record(&evaluation);
        self.tell(&evaluation);
        if evaluation.mode == Mode::Act
            && let Some(target) = evaluation.verdict.replicas()
        {
            while self.replicas.len() < target as usize {
                self.make(self.now.plus(START));
            }
            self.replicas.truncate(target as usize);
            self.observe();
        }
    }

    fn tell(&mut self, evaluation: &Evaluation) {
        let effects = evaluation.effects.iter();
        let guards: Vec<_> = effects.map(|effect| std::mem::discriminant::<Guard>(&effect.guard)).collect();
        let headline = format!("{:?} {:?} {guards:?}", evaluation.verdict, evaluation.combined);
        if self.headline != headline {
            self.headline = headline;
            let second = self.now.since(self.start).as_secs();
            writeln!(self.told, "{second:3} s  {}", explain::sentence(evaluation)).expect("a string takes all");
        }
    }

    fn serving(&self) -> Vec<ReplicaId> {
        let serving = self.replicas.iter().filter(|replica| replica.ready_since.is_some_and(|since| since <= self.now));
        serving.map(|replica| replica.id.clone()).collect()
    }

    fn work(&self, cores: f64) -> Vec<Sample> {
        let serving = self.serving();
        let each = (cores / f64::from(u32::try_from(serving.len()).unwrap_or(1)).max(1.0)).min(1.0);
        serving.into_iter().map(|id| self.sample("cpu", Subject::Replica(id), each)).collect()
    }

    fn sample(&self, signal: &str, of: Subject, value: f64) -> Sample {
        Sample { signal: SignalName::new(signal), of, at: self.now, reading: Reading::Value(value) }
    }

    fn make(&mut self, ready_since: Timestamp) {
        self.made += 1;
        self.replicas.push(Replica {
            id: ReplicaId(format!("replica-{:02}", self.made)),
            ready_since: Some(ready_since),
            cpu_limit_cores: Some(1.0),
            ..Replica::default()
        });
    }

    fn observe(&mut self) {
        let mut replicas = self.replicas.clone();
        for replica in &mut replicas {
            replica.ready_since = replica.ready_since.filter(|since| *since <= self.now);
        }
        let observation = Observation {
            replicas,
            phase: self.phase.clone(),
            refusals: Vec::new(),
            most: None,
            host: HostCapacity::default(),
        };
        self.event(Event::Observed(observation));
    }
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A policy in few words: comma-separated guards, and semicolon-separated rules.
pub(crate) fn policy(guards: &str, rules: &str) -> Policy {
    let rules: Vec<Rule> = rules.split("; ").map(rule).collect();
    let mut policy = Policy {
        services: Selector { host: None, project: "shop".into(), service: "web".into() },
        mode: Mode::Act,
        pause: None,
        limits: Limits::new(1, 20),
        arithmetic: Arithmetic::Demand,
        signals: BTreeMap::from([(SignalName::new("latency.p95"), SignalSource::Published)]),
        combine: Group::largest(rules.len()),
        rules,
        guards: Guards::default(),
    };
    for guard in guards.split(", ") {
        let (name, value) = guard.split_once(' ').unwrap_or((guard, ""));
        match name {
            "observe" => policy.mode = Mode::Observe,
            "min" => policy.limits.min = value.parse().expect("a number"),
            "max" => policy.limits.max = value.parse().expect("a number"),
            "stabilize_up" => policy.guards.up.stabilize = span(value),
            "stabilize_down" => policy.guards.down.stabilize = span(value),
            "cooldown_up" => policy.guards.up.cooldown = span(value),
            "cooldown_down" => policy.guards.down.cooldown = span(value),
            "warm_up" => policy.guards.warm_up = span(value),
            _ => panic!("no guard {name}"),
        }
    }
    policy
}

/// `target SIGNAL SHARE%`, or `above|below SIGNAL VALUE for SPAN add|remove COUNT`.
fn rule(text: &str) -> Rule {
    let words: Vec<&str> = text.split(' ').collect();
    let kind = match words[..] {
        ["target", signal, share] => RuleKind::Target(Target {
            signal: SignalName::new(signal),
            goal: Goal::PerReplica(Quantity::OfLimit(
                share.trim_end_matches('%').parse::<f64>().expect("a share") / 100.0,
            )),
            window: seconds(5),
            tolerance: Tolerance::both(Rule::TOLERANCE),
        }),
        [side, signal, value, "for", hold_for, step, count] => {
            let bound = Quantity::Absolute { value: value.parse().expect("a value"), unit: Unit::Seconds };
            RuleKind::Threshold(Threshold {
                signal: SignalName::new(signal),
                bounds: if side == "above" { Bounds::above(bound) } else { Bounds::below(bound) },
                lasting: Lasting::For(span(hold_for)),
                action: Action::Step(Step {
                    direction: if step == "add" { Direction::Up } else { Direction::Down },
                    size: StepSize::Count(count.parse().expect("a count")),
                }),
                rounding: Rounding::default(),
                at_least_step: 1,
                limit: None,
                window: seconds(5),
            })
        }
        _ => panic!("no rule {text}"),
    };
    kind.into()
}

fn span(text: &str) -> Duration {
    seconds(text.trim_end_matches('s').parse().expect("seconds"))
}
