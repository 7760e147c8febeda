//! The state of one service, and the four calls that drive it.

mod next;
mod snapshot;
mod what_if;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

pub use snapshot::Snapshot;
pub use what_if::{Hypothesis, Supposed};

use crate::{
    Evaluation, Event, Memory, Policy, Timestamp, Verdict, Wakeup,
    combine::combine,
    evaluation::{Activity, Combined, Observed, Recommendation, RuleReason, SignalReading},
    event::{Observation, Outcome, Peer, Replica, Sample},
    guard::{self, Circumstances},
    memory::{Manual, ScaleStep},
    missing,
    policy::Mode,
    rule::{
        self, AllReads, Readings, Situation,
        schedule::{self, Windows},
    },
    signal::{Signals, Viewpoint, count},
};

/// Decides for one service.
#[derive(Clone, Debug)]
pub struct Autoscaler {
    policy: Arc<Policy>,
    /// What the policy reads.
    reads: AllReads,
    memory: Memory,
    signals: Signals,
    /// The signals as read at the newest event.
    readings: Vec<SignalReading>,
    /// Whether nothing has changed since that these depend on.
    readings_hold: bool,
    observation: Observation,
    /// What there is of it; absent: nothing was listed yet.
    observed: Option<Observed>,
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

    /// One that goes on where another left off, as after an edit if that was under another policy. Services under the same
    /// policy can share it.
    pub fn restore(policy: impl Into<Arc<Policy>>, mut memory: Memory) -> Self {
        let policy = policy.into();
        memory.rules = memory.rules.followed_by(&policy);
        if policy.mode == Mode::Observe {
            memory.target = None;
        }
        let reads = AllReads::of(&policy);
        let mut signals = Signals::default();
        signals.keep_for(&reads.each);
        Self {
            reads,
            policy,
            memory,
            signals,
            readings: Vec::new(),
            readings_hold: false,
            observation: Observation::default(),
            observed: None,
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
        self.readings_hold = false;
        &mut self.memory
    }

    /// What is listed.
    pub(crate) fn replicas(&self) -> &[Replica] {
        &self.observation.replicas
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
        self.goes_on(now);
        match event {
            Event::Samples(samples) => self.signals.add(&samples, now),
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

    /// Takes in samples as [`Event::Samples`] does, for who keeps them and writes the next ones in their place.
    ///
    /// # Panics
    /// When `now` is before that of an earlier call: the driver's clock must never go back.
    pub fn handle_samples(&mut self, samples: &[Sample], now: Timestamp) {
        self.goes_on(now);
        self.signals.add(samples, now);
        self.update();
    }

    /// What every rule wants, what every guard does, and the verdict. Changes nothing.
    ///
    /// # Panics
    /// When `now` is before that of an earlier call: the driver's clock must never go back.
    pub fn evaluate(&self, now: Timestamp) -> Evaluation {
        let mut evaluation = Evaluation::unseen(self.policy.limits);
        self.evaluate_into(&mut evaluation, now);
        evaluation
    }

    /// The same in the place of an earlier evaluation, of whatever service, whose space is used again.
    ///
    /// # Panics
    /// When `now` is before that of an earlier call: the driver's clock must never go back.
    pub fn evaluate_into(&self, evaluation: &mut Evaluation, now: Timestamp) {
        self.assert_goes_on(now);
        let windows = self.windows.at(&self.policy, now);
        let observed = self.observed.unwrap_or_default();
        let Evaluation { signals, recommendations, effects, .. } = evaluation;
        if self.readings_hold && now == self.now {
            signals.clone_from(&self.readings);
        } else {
            self.read(signals, now);
        }
        recommendations.clear();
        effects.clear();
        let limits = schedule::limits(&self.policy, &windows);
        let current = self.current();
        let mut combined = Combined { wants: None, winner: None, blind: false, activity: Activity::Always };
        let mut verdict = Verdict::Unseen;
        if let Some(current) = current {
            let situation = self.situation(signals, &windows, current, now);
            self.recommend(&situation, recommendations);
            combined = combine(&self.policy, limits, recommendations, &|one| one.opinion, signals, current);
            let wanted = combined.wants.unwrap_or(current);
            let given = Circumstances {
                situation: &situation,
                recommendations,
                combined: &combined,
                limits,
                host_lost: self.host_lost,
                budgets: &self.budgets,
            };
            verdict = match guard::apply(wanted, &given, effects) {
                to if to == current => Verdict::Hold { at: current },
                to => Verdict::Scale { from: current, to },
            };
        }
        evaluation.number = self.memory.evaluations.saturating_add(1);
        evaluation.at = now;
        evaluation.mode = self.policy.mode;
        evaluation.limits = limits;
        evaluation.observed = observed;
        evaluation.current = current;
        evaluation.combined = combined;
        evaluation.verdict = verdict;
        evaluation.outcome = self.outcome.clone().filter(|outcome| matches!(outcome, Outcome::Failed { .. }));
        evaluation.next = current.and_then(|_| self.next(evaluation, &windows));
    }

    /// Remembers what stabilization, cooldown and thresholds need of an evaluation that was acted upon.
    pub fn record(&mut self, evaluation: &Evaluation) {
        self.memory.evaluations = evaluation.number;
        self.readings_hold = false;
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
        for (rule, state) in self.policy.rules.iter().zip(self.memory.rules.iter_mut()) {
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
        if self.observation.replicas.iter().any(gone) {
            self.last_removal = self.now;
        }
        self.observed = Some(observed(&observation));
        self.observation = observation;
        // The present count is the first recommendation: what was there before is removed only after a whole window.
        if let (true, Some(current)) = (self.memory.history.is_empty(), self.current()) {
            self.memory.add_recommendation(current, self.now, &self.policy);
        }
    }

    fn replace_policy(&mut self, policy: Arc<Policy>) {
        let old = std::mem::replace(&mut self.policy, policy);
        self.memory.rules = std::mem::take(&mut self.memory.rules).followed_by(&self.policy);
        // What was measured under the same name elsewhere is of another signal.
        let (before, after) = (&old.signals, &self.policy.signals);
        for name in before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name)) {
            self.signals.forget(name);
        }
        self.reads = AllReads::of(&self.policy);
        self.signals.keep_for(&self.reads.each);
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

    fn goes_on(&mut self, now: Timestamp) {
        self.assert_goes_on(now);
        self.now = now;
    }

    fn assert_goes_on(&self, now: Timestamp) {
        assert!(now >= self.now, "time went back from {} ms to {} ms", self.now.as_millis(), now.as_millis());
    }

    /// What the verdict starts from: the newest target, or what was listed where there is none.
    fn current(&self) -> Option<u32> {
        let observed = self.observed?;
        Some(self.memory.target.unwrap_or(observed.running))
    }

    /// Puts what the policy reads in the place of older readings.
    fn read(&self, readings: &mut Vec<SignalReading>, now: Timestamp) {
        let view = Viewpoint::new(now, &self.observation, self.last_removal, &self.policy.guards);
        readings.clear();
        readings.extend(self.reads.each.iter().map(|reads| self.signals.read(reads, &view)));
        if self.reads.formulas {
            let observed = self.observed.unwrap_or_default();
            let current = self.memory.target.unwrap_or(observed.running);
            rule::formula::compute(&self.policy.signals, readings, current, observed.ready);
        }
    }

    fn situation<'a>(
        &'a self,
        signals: &'a [SignalReading],
        windows: &'a Windows,
        current: u32,
        now: Timestamp,
    ) -> Situation<'a> {
        Situation {
            now,
            policy: &self.policy,
            observation: &self.observation,
            observed: self.observed.unwrap_or_default(),
            current,
            readings: Readings(signals),
            signals: &self.signals,
            memory: &self.memory,
            peers: &self.peers,
            windows,
        }
    }

    fn recommend(&self, situation: &Situation<'_>, recommendations: &mut Vec<Recommendation>) {
        let rules = self.policy.rules.iter().zip(&self.reads.main).enumerate();
        recommendations.extend(rules.map(|(place, (rule, reading))| {
            let (opinion, reason) = rule::recommend(rule, place, situation);
            let opinion = missing::fall_back(opinion, &reason, situation);
            let (name, activate) = (rule.name.clone(), rule.activate);
            let on_trial = matches!(&reason, RuleReason::Forecast(reason) if reason.trial.is_some());
            Recommendation {
                rule: place,
                name,
                observes: rule.observe || on_trial,
                reading: *reading,
                activate,
                opinion,
                reason,
            }
        }));
    }

    /// What rules and guards remember of what has just happened.
    fn update(&mut self) {
        if let Cow::Owned(windows) = self.windows.at(&self.policy, self.now) {
            self.windows = windows;
        }
        self.readings_hold = false;
        let Some(current) = self.current() else { return };
        let mut signals = std::mem::take(&mut self.readings);
        let mut guards = std::mem::take(&mut self.memory.guards);
        let mut rules = std::mem::take(&mut self.memory.rules);
        self.read(&mut signals, self.now);
        let situation = self.situation(&signals, &self.windows, current, self.now);
        for (rule, state) in self.policy.rules.iter().zip(rules.iter_mut()) {
            rule::update(rule, state, &situation);
        }
        guards.update(&situation);
        missing::update(&mut self.memory.missing_since, &signals, self.now);
        self.memory.guards = guards;
        self.memory.rules = rules;
        self.readings = signals;
        self.readings_hold = true;
    }
}

fn observed(observation: &Observation) -> Observed {
    let there = || observation.replicas.iter().filter(|replica| replica.counts());
    Observed {
        running: count(there().count()),
        ready: count(there().filter(|replica| replica.ready_since.is_some()).count()),
    }
}
