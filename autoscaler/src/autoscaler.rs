//! The state of one service, and the four calls that drive it.

mod snapshot;
mod what_if;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

pub use snapshot::Snapshot;
pub use what_if::{Hypothesis, Supposed};

use crate::{
    Evaluation, Event, Memory, Policy, Timestamp, Verdict, Wakeup,
    combine::combine,
    evaluation::{
        Activity, Combined, Observed, Recommendation, RuleReason, SignalReading, ThresholdState, WakeupReason,
    },
    event::{Observation, Outcome, Peer, Replica},
    guard::{self, Circumstances},
    memory::{Manual, ScaleStep},
    missing,
    policy::Mode,
    rule::{
        self, Readings, Reads, RuleState, Situation,
        schedule::{self, Windows},
    },
    signal::{Signals, Viewpoint, count},
};

/// Decides for one service.
#[derive(Clone, Debug)]
pub struct Autoscaler {
    policy: Arc<Policy>,
    /// What the policy reads.
    reads: Vec<Reads>,
    memory: Memory,
    signals: Signals,
    /// The signals as read at the newest event; absent where what they depend on may have changed since.
    readings: Option<Vec<SignalReading>>,
    observation: Option<Observation>,
    last_removal: Timestamp,
    host_lost: bool,
    outcome: Option<Outcome>,
    peers: BTreeMap<String, Peer>,
    /// What others take of shared budgets.
    budgets: BTreeMap<String, f64>,
    /// What holds of the schedules.
    windows: Windows,
    now: Timestamp,
}

impl Autoscaler {
    /// One that remembers nothing. Services under the same policy can share it.
    pub fn new(policy: impl Into<Arc<Policy>>) -> Self {
        Self::restore(policy, Memory::default())
    }

    /// One that goes on where another left off. Services under the same policy can share it.
    pub fn restore(policy: impl Into<Arc<Policy>>, mut memory: Memory) -> Self {
        let policy = policy.into();
        memory.rules.resize(policy.rules.len(), RuleState::default());
        if policy.mode == Mode::Observe {
            memory.target = None;
        }
        let reads = rule::reads(&policy);
        let mut signals = Signals::default();
        signals.keep_for(&reads);
        Self {
            reads,
            policy,
            memory,
            signals,
            readings: None,
            observation: None,
            last_removal: Timestamp::default(),
            host_lost: false,
            outcome: None,
            peers: BTreeMap::new(),
            budgets: BTreeMap::new(),
            windows: Windows::default(),
            now: Timestamp::default(),
        }
    }

    /// What must survive a restart.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What must survive a restart, for who says what is remembered.
    pub(crate) fn memory_mut(&mut self) -> &mut Memory {
        self.readings = None;
        &mut self.memory
    }

    /// What is listed.
    pub(crate) fn replicas(&self) -> &[Replica] {
        self.observation.as_ref().map_or(&[], |observation| &observation.replicas)
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Takes in what happened.
    ///
    /// # Panics
    /// When `now` is before that of an earlier call: the driver's clock must never go back.
    pub fn handle_event(&mut self, event: Event, now: Timestamp) {
        assert!(now >= self.now, "time went back from {} ms to {} ms", self.now.as_millis(), now.as_millis());
        self.now = now;
        match event {
            Event::Samples(samples) => samples.into_iter().for_each(|sample| self.signals.add(sample, now)),
            Event::Observed(observation) => self.observe(observation),
            Event::Outcome(outcome) => self.outcome = Some(outcome),
            Event::PolicyReplaced(policy) => self.replace_policy(Arc::from(policy)),
            Event::HostLost => self.host_lost = true,
            Event::HostFound => self.host_lost = false,
            Event::Rescaled { replicas } => self.rescaled(replicas),
            Event::Peer { service, peer: Some(peer) } => drop(self.peers.insert(service, peer)),
            Event::Peer { service, peer: None } => drop(self.peers.remove(&service)),
            Event::BudgetUsed { name, by_others } => drop(self.budgets.insert(name, by_others)),
        }
        self.update();
    }

    /// What every rule wants, what every guard does, and the verdict. Changes nothing.
    ///
    /// # Panics
    /// When `now` is before that of an earlier call: the driver's clock must never go back.
    pub fn evaluate(&self, now: Timestamp) -> Evaluation {
        assert!(now >= self.now, "time went back from {} ms to {} ms", self.now.as_millis(), now.as_millis());
        let nothing = Observation::default();
        let observation = self.observation.as_ref().unwrap_or(&nothing);
        let windows = self.windows.at(&self.policy, now);
        let limits = schedule::limits(&self.policy, &windows);
        let mut evaluation = Evaluation {
            number: self.memory.evaluations.saturating_add(1),
            at: now,
            mode: self.policy.mode,
            limits,
            observed: observed(observation),
            current: self.current(),
            signals: match &self.readings {
                Some(readings) if now == self.now => readings.clone(),
                _ => self.read(observation, now),
            },
            recommendations: Vec::new(),
            combined: Combined { wants: None, winner: None, blind: false, activity: Activity::Always },
            effects: Vec::new(),
            verdict: Verdict::Unseen,
            outcome: self.outcome.clone().filter(|outcome| matches!(outcome, Outcome::Failed { .. })),
            next: None,
        };
        let Some(current) = evaluation.current else { return evaluation };
        let situation = self.situation(observation, &evaluation.signals, &windows, current, now);
        let recommendations = self.recommend(&situation);
        let combined = combine(&self.policy, limits, &recommendations, &evaluation.signals, current);
        let (replicas, effects) = guard::apply(
            combined.wants.unwrap_or(current),
            &Circumstances {
                situation: &situation,
                recommendations: &recommendations,
                combined: &combined,
                limits,
                host_lost: self.host_lost,
                budgets: &self.budgets,
            },
        );
        evaluation.recommendations = recommendations;
        evaluation.combined = combined;
        evaluation.effects = effects;
        evaluation.verdict = match replicas {
            to if to == current => Verdict::Hold { at: current },
            to => Verdict::Scale { from: current, to },
        };
        evaluation.next = self.next(&evaluation, observation, &windows);
        evaluation
    }

    /// Remembers what stabilization, cooldown and thresholds need of an evaluation that was acted upon.
    pub fn record(&mut self, evaluation: &Evaluation) {
        self.memory.evaluations = evaluation.number;
        self.readings = None;
        let Some(current) = evaluation.current else { return };
        let wanted = evaluation.combined.wants.unwrap_or(current);
        self.memory.add_recommendation(wanted, evaluation.at, &self.policy);
        if self.policy.mode == Mode::Observe {
            return;
        }
        if self.memory.target != evaluation.verdict.replicas() {
            self.outcome = None;
        }
        self.memory.target = evaluation.verdict.replicas();
        let Verdict::Scale { from, to } = evaluation.verdict else { return };
        let running = Some(evaluation.observed.running);
        self.memory.push_step(ScaleStep { at: evaluation.at, from, to, running }, &self.policy);
        self.memory.guards.stepped(&self.policy, evaluation);
        for (rule, state) in self.policy.rules.iter().zip(&mut self.memory.rules) {
            rule::after_step(rule, state, evaluation.at);
        }
    }

    /// When it is worth another look even if nothing happens, and why.
    pub fn next_wakeup(&self, now: Timestamp) -> Option<Wakeup> {
        self.evaluate(now).next
    }

    fn observe(&mut self, observation: Observation) {
        self.signals.forget_replicas_but(&observation.replicas, self.now);
        let gone = |old: &Replica| !observation.replicas.iter().any(|replica| replica.id == old.id);
        if self.observation.as_ref().is_some_and(|before| before.replicas.iter().any(gone)) {
            self.last_removal = self.now;
        }
        self.observation = Some(observation);
        // The present count is the first recommendation: what was there before is removed only after a whole window.
        if let (true, Some(current)) = (self.memory.history.is_empty(), self.current()) {
            self.memory.add_recommendation(current, self.now, &self.policy);
        }
    }

    fn replace_policy(&mut self, policy: Arc<Policy>) {
        let old = std::mem::replace(&mut self.policy, policy);
        let remembered: Vec<_> = old.rules.iter().zip(std::mem::take(&mut self.memory.rules)).collect();
        let state_of = |rule| remembered.iter().find(|(other, _)| *other == rule).map(|(_, state)| state.clone());
        self.memory.rules = self.policy.rules.iter().map(|rule| state_of(rule).unwrap_or_default()).collect();
        self.reads = rule::reads(&self.policy);
        self.signals.keep_for(&self.reads);
        self.windows = Windows::default();
        if self.policy.mode == Mode::Observe {
            self.memory.target = None;
        }
    }

    fn rescaled(&mut self, replicas: u32) {
        self.memory.manual = Some(Manual { at: self.now, replicas });
        if self.policy.mode == Mode::Act && !self.policy.guards.manual.is_zero() {
            self.memory.target = Some(replicas);
        }
    }

    /// What the verdict starts from: the newest target, or what was listed where there is none.
    fn current(&self) -> Option<u32> {
        let observation = self.observation.as_ref()?;
        Some(self.memory.target.unwrap_or_else(|| observed(observation).running))
    }

    fn read(&self, observation: &Observation, now: Timestamp) -> Vec<SignalReading> {
        let view = Viewpoint {
            now,
            replicas: &observation.replicas,
            last_removal: self.last_removal,
            host: observation.host,
            guards: &self.policy.guards,
        };
        let mut readings: Vec<_> = self.reads.iter().map(|reads| self.signals.read(reads, view)).collect();
        let observed = observed(observation);
        let current = self.memory.target.unwrap_or(observed.running);
        rule::formula::compute(&self.policy.signals, &mut readings, current, observed.ready);
        readings
    }

    fn situation<'a>(
        &'a self,
        observation: &'a Observation,
        signals: &'a [SignalReading],
        windows: &'a Windows,
        current: u32,
        now: Timestamp,
    ) -> Situation<'a> {
        Situation {
            now,
            policy: &self.policy,
            observation,
            observed: observed(observation),
            current,
            readings: Readings(signals),
            signals: &self.signals,
            memory: &self.memory,
            peers: &self.peers,
            windows,
        }
    }

    fn recommend(&self, situation: &Situation<'_>) -> Vec<Recommendation> {
        let rules = self.policy.rules.iter().enumerate();
        rules
            .map(|(place, rule)| {
                let (opinion, reason) = rule::recommend(rule, place, situation);
                let reading =
                    rule::main_signal(rule).and_then(|(signal, window)| situation.readings.place(signal, window));
                let opinion = missing::fall_back(opinion, &reason, situation);
                let (name, activate) = (rule.name.clone(), rule.activate);
                Recommendation { rule: place, name, observes: rule.observe, reading, activate, opinion, reason }
            })
            .collect()
    }

    /// What rules and guards remember of what has just happened.
    fn update(&mut self) {
        self.windows = self.windows.at(&self.policy, self.now);
        self.readings = None;
        let Some(current) = self.current() else { return };
        let mut guards = std::mem::take(&mut self.memory.guards);
        let mut rules = std::mem::take(&mut self.memory.rules);
        let nothing = Observation::default();
        let observation = self.observation.as_ref().unwrap_or(&nothing);
        let signals = self.read(observation, self.now);
        let situation = self.situation(observation, &signals, &self.windows, current, self.now);
        for (rule, state) in self.policy.rules.iter().zip(&mut rules) {
            *state = rule::update(rule, state, &situation);
        }
        guards.update(&situation);
        let missing_since = missing::since(&signals, &self.memory.missing_since, self.now);
        self.memory.guards = guards;
        self.memory.rules = rules;
        self.memory.missing_since = missing_since;
        self.readings = Some(signals);
    }

    /// The first moment at which time alone can change the verdict or its reasons.
    fn next(&self, evaluation: &Evaluation, observation: &Observation, windows: &Windows) -> Option<Wakeup> {
        let now = evaluation.at;
        let guards = &self.policy.guards;
        let held = evaluation.effects.iter().filter_map(|effect| {
            effect.until.map(|at| Wakeup { at, because: WakeupReason::Released(effect.guard.clone()) })
        });
        let breaches = evaluation.recommendations.iter().filter_map(|recommendation| match recommendation.reason {
            RuleReason::Threshold { state: ThresholdState::Pending { until, .. }, .. } => {
                Some(Wakeup { at: until, because: WakeupReason::Breach { rule: recommendation.rule } })
            }
            RuleReason::Burst { until: Some(until), .. } => {
                let at = until.plus(Duration::from_millis(1));
                Some(Wakeup { at, because: WakeupReason::Calm { rule: recommendation.rule } })
            }
            _ => None,
        });
        let warm = observation.replicas.iter().filter_map(|replica| {
            let at = replica.ready_since?.plus(guards.warm_up);
            Some(Wakeup { at, because: WakeupReason::WarmedUp })
        });
        held.chain(breaches)
            .chain(warm)
            .chain(missing::stale(&evaluation.signals, guards, now))
            .chain(missing::wakeups(&self.policy, &self.memory))
            .chain(schedule::wakeups(windows))
            .filter(|wakeup| wakeup.at > now)
            .min_by_key(|wakeup| wakeup.at)
    }
}

fn observed(observation: &Observation) -> Observed {
    let there = || observation.replicas.iter().filter(|replica| replica.counts());
    Observed {
        running: count(there().count()),
        ready: count(there().filter(|replica| replica.ready_since.is_some()).count()),
    }
}
