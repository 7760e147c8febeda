//! Drives the core as the controller does, on a clock of its own.

use std::{fmt::Write as _, time::Duration};

use autoscaler::{
    Autoscaler, Evaluation, Event, Hypothesis, Policy, Timestamp,
    calendar::Zone,
    evaluation::Guard,
    event::{HostCapacity, Observation, Phase, Reading, Replica, ReplicaId, Sample, Subject},
    explain,
    policy::{
        Action, Arithmetic, Bound, Bounds, Budget, Capacity, CrashLoop, Direction, Forecast, Goal, Group, Guards, Knob,
        Lasting, Limits, Mode, Rate, Reserve, Rounding, Rule, RuleKind, Selector, SignalSource, Step, StepSize, Strain,
        StrainLevel, Target, Threshold, Tolerance, Worse,
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
    pub(crate) host: HostCapacity,
    /// So many of the oldest replicas have no samples.
    pub(crate) mute: usize,
    /// Replicas that are made from now on never serve, and start again every five seconds.
    pub(crate) doomed: bool,
    /// A replica is busy with itself for so long after it began to serve.
    pub(crate) spike: Duration,
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
            host: HostCapacity::default(),
            mute: 0,
            doomed: false,
            spike: Duration::ZERO,
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

    /// One second of several values of the service as a whole.
    pub(crate) fn values(&mut self, values: &[(&str, f64)]) {
        self.run(1, |story| {
            values.iter().map(|(signal, value)| story.sample(signal, Subject::Service, *value)).collect()
        });
    }

    /// CPU of the oldest replica, and of each of the others.
    pub(crate) fn uneven(&mut self, ticks: u32, oldest: f64, others: f64) {
        self.run(ticks, |story| {
            let cpu = |(place, id)| story.sample("cpu", Subject::Replica(id), if place == 0 { oldest } else { others });
            story.serving().into_iter().enumerate().map(cpu).collect()
        });
    }

    /// A signal whose source says why it has no value.
    pub(crate) fn fails(&mut self, ticks: u32, signal: &str, why: &str) {
        let signal = SignalName::new(signal);
        self.run(ticks, |story| {
            let reading = Reading::Missing(why.to_owned());
            vec![Sample { signal: signal.clone(), of: Subject::Service, at: story.now, reading }]
        });
    }

    /// Somebody replaces the oldest replica by a new one.
    pub(crate) fn replace_oldest(&mut self) {
        self.replicas.remove(0);
        self.make(self.now.plus(START));
        self.observe();
    }

    /// The oldest replicas do not serve, though they run; 0: all serve again.
    pub(crate) fn unhealthy(&mut self, replicas: usize) {
        for (place, replica) in self.replicas.iter_mut().enumerate() {
            replica.ready_since = (place >= replicas).then(|| replica.ready_since.unwrap_or(self.now));
        }
        self.observe();
    }

    /// The policy is edited.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Policy)) {
        let mut policy = self.autoscaler.policy().clone();
        change(&mut policy);
        self.event(Event::PolicyReplaced(Box::new(policy)));
    }

    /// The operator sets the count by hand.
    pub(crate) fn rescale(&mut self, replicas: u32) {
        while self.replicas.len() < replicas as usize {
            self.make(self.now.plus(START));
        }
        self.replicas.truncate(replicas as usize);
        self.event(Event::Rescaled { replicas });
        self.observe();
    }

    /// The oldest replicas must not be removed.
    pub(crate) fn protect(&mut self, replicas: usize, why: &str) {
        for replica in self.replicas.iter_mut().take(replicas) {
            replica.protected = Some(why.to_owned());
        }
        self.observe();
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
            let starts_again = self.now.since(self.start).as_secs().is_multiple_of(5);
            for replica in &mut self.replicas {
                replica.restarts += u64::from(starts_again && replica.ready_since.is_none());
            }
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

    /// Those that serve and whose samples arrive.
    fn heard(&self) -> Vec<ReplicaId> {
        let mute = |id: &ReplicaId| self.replicas.iter().take(self.mute).any(|replica| replica.id == *id);
        self.serving().into_iter().filter(|id| !mute(id)).collect()
    }

    fn work(&self, cores: f64) -> Vec<Sample> {
        let each = (cores / f64::from(u32::try_from(self.serving().len()).unwrap_or(1)).max(1.0)).min(1.0);
        let new = |id: &ReplicaId| {
            let since = self.replicas.iter().find(|replica| replica.id == *id).and_then(|replica| replica.ready_since);
            since.is_some_and(|since| self.now.since(since) < self.spike)
        };
        let used = |id: &ReplicaId| if new(id) { 1.0 } else { each };
        self.heard().into_iter().map(|id| self.sample("cpu", Subject::Replica(id.clone()), used(&id))).collect()
    }

    fn sample(&self, signal: &str, of: Subject, value: f64) -> Sample {
        Sample { signal: SignalName::new(signal), of, at: self.now, reading: Reading::Value(value) }
    }

    fn make(&mut self, ready_since: Timestamp) {
        self.made += 1;
        self.replicas.push(Replica {
            id: ReplicaId::new(format!("replica-{:02}", self.made)),
            ready_since: (!self.doomed).then_some(ready_since),
            cpu_limit_cores: Some(1.0),
            ..Replica::default()
        });
    }

    fn observe(&mut self) {
        let replicas = as_seen(&self.replicas, self.now);
        let observation =
            Observation { replicas, phase: self.phase.clone(), refusals: Vec::new(), most: None, host: self.host };
        self.event(Event::Observed(observation));
    }
}

/// Replicas as an agent sees them then: those that are to serve later do not serve yet.
pub(crate) fn as_seen(replicas: &[Replica], now: Timestamp) -> Vec<Replica> {
    let seen = |replica: &Replica| Replica {
        ready_since: replica.ready_since.filter(|since| *since <= now),
        ..replica.clone()
    };
    replicas.iter().map(seen).collect()
}

/// Another autoscaler's own table, where it is at hand.
#[expect(clippy::disallowed_methods, reason = "the core reads no files, its tests may")]
pub(crate) fn table(file: &str) -> Option<serde_json::Value> {
    let path = format!("{}/../../shared/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).expect("the table is JSON"))
}

/// A forecast rule for which nothing is set but what it cannot do without.
pub(crate) fn forecast(signal: &str, per_replica: Quantity) -> Forecast {
    Forecast {
        signal: SignalName::new(signal),
        capacity: Capacity::Given(per_replica),
        knob: Knob::IdlePerMissing(10.0),
        horizon: None,
        window: Rule::WINDOW,
        backlog: None,
        zone: Zone::UTC,
        except: Vec::new(),
        on_trial: None,
        seasons: Vec::new(),
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
        signals: ["latency.p95", "errors", "jobs"].map(|name| (SignalName::new(name), SignalSource::Published)).into(),
        combine: Group::largest(rules.len()),
        rules,
        guards: unprotected(),
    };
    for guard in guards.split(", ") {
        let (name, value) = guard.split_once(' ').unwrap_or((guard, ""));
        if guarded(&mut policy.guards, name, value) {
            continue;
        }
        match name {
            "observe" => policy.mode = Mode::Observe,
            "min" => policy.limits.min = value.parse().expect("a number"),
            "max" => policy.limits.max = value.parse().expect("a number"),
            _ => panic!("no guard {name}"),
        }
    }
    policy
}

/// The guards of a policy that says nothing of them, without those against accidents: a story names the ones that it is
/// about.
fn unprotected() -> Guards {
    let Guards { up, down, missing, warm_up, stale_after, manual, .. } = Guards::default();
    Guards { up, down, missing, warm_up, stale_after, manual, ..Guards::none() }
}

/// Sets one guard; false where there is none of that name.
fn guarded(guards: &mut Guards, name: &str, value: &str) -> bool {
    match name {
        "default" => *guards = Guards::default(),
        "none" => *guards = Guards::none(),
        "kubernetes_hpa" => *guards = Guards::kubernetes_hpa(),
        "stabilize_up" => guards.up.stabilize = span(value),
        "stabilize_down" => guards.down.stabilize = span(value),
        "cooldown_up" => guards.up.cooldown = span(value),
        "cooldown_down" => guards.down.cooldown = span(value),
        "at_most_up" => guards.up.at_most.push(rate(value)),
        "at_most_down" => guards.down.at_most.push(rate(value)),
        "step_up" => guards.up.step = Some(size(value)),
        "step_down" => guards.down.step = Some(size(value)),
        "warm_up" => guards.warm_up = span(value),
        "undone" => guards.undone = true,
        "implausible" => guards.implausible = Some(share(value)),
        "kill_budget" => guards.kill_budget = Some(rate(value)),
        "manual" => guards.manual = span(value),
        "unless" => guards.unless.push(strain(value)),
        "worse" => {
            let [signal, "by", by, "within", within] = words(value)[..] else { panic!("no circuit breaker {value}") };
            guards.worse = Some(Worse { signal: SignalName::new(signal), by: share(by), within: span(within) });
        }
        "crash_loop" | "crash_loop_back" => {
            let [restarts, "within", within] = words(value)[..] else { panic!("no crash loop {value}") };
            let restarts = restarts.parse().expect("a number");
            guards.crash_loop = Some(CrashLoop { restarts, within: span(within), roll_back: name.ends_with("back") });
        }
        "headroom_memory" => guards.headroom.memory = Some(Reserve::Absolute(value.parse().expect("bytes"))),
        "headroom_cpu" => guards.headroom.cpu = Some(Reserve::Share(share(value))),
        "budget" => {
            let [name, total, "reserve", reserve, "each", each] = words(value)[..] else { panic!("no budget {value}") };
            let number = |text: &str| text.parse().expect("a number");
            let (total, reserve, per_replica) = (number(total), number(reserve), number(each));
            guards.budgets.push(Budget { name: name.into(), total, reserve, per_replica });
        }
        _ => return false,
    }
    true
}

/// `4 per 15s`, or `50% per 60s`.
fn rate(text: &str) -> Rate {
    let [many, "per", per] = words(text)[..] else { panic!("no rate {text}") };
    Rate { size: size(many), per: span(per) }
}

/// `SIGNAL above SECONDS`, or `SIGNAL above_normal 50%`.
fn strain(text: &str) -> Strain {
    let (signal, level) = match words(text)[..] {
        [signal, "above", value] => {
            let value = Quantity::Absolute { value: value.parse().expect("a value"), unit: Unit::Seconds };
            (signal, StrainLevel::Above(Bound { value, inclusive: false }))
        }
        [signal, "above_normal", by] => (signal, StrainLevel::AboveNormal(share(by))),
        _ => panic!("no strain {text}"),
    };
    Strain { signal: SignalName::new(signal), level }
}

fn size(text: &str) -> StepSize {
    if text.ends_with('%') { StepSize::Share(share(text)) } else { StepSize::Count(text.parse().expect("a count")) }
}

fn share(text: &str) -> f64 {
    text.trim_end_matches('%').parse::<f64>().expect("a share") / 100.0
}

fn words(text: &str) -> Vec<&str> {
    text.split(' ').collect()
}

/// `target SIGNAL SHARE%`, `carry SIGNAL VALUE` for each replica, or `above|below SIGNAL VALUE for SPAN add|remove COUNT`.
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
        ["carry", signal, value] => RuleKind::Target(Target {
            signal: SignalName::new(signal),
            goal: Goal::PerReplica(Quantity::Absolute { value: value.parse().expect("a value"), unit: Unit::Number }),
            window: seconds(5),
            tolerance: Tolerance::both(Rule::TOLERANCE),
        }),
        [side, signal, value, "for", hold_for, step, count] => {
            let unit = if signal == "cpu" { Unit::Cores } else { Unit::Seconds };
            let bound = Quantity::Absolute { value: value.parse().expect("a value"), unit };
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
