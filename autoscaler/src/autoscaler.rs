//! The state of one service, and the four calls that drive it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    Evaluation, Event, Policy, Timestamp, Verdict, Wakeup,
    combine::combine,
    evaluation::{
        Combined, GuardEffect, Observed, Opinion, Recommendation, RuleReason, SignalReading, ThresholdState,
        WakeupReason,
    },
    event::{Observation, Outcome, Replica},
    guard::{self, Circumstances, History},
    policy::{Direction, Mode, Rule},
    rule::{
        self,
        threshold::{self, Breach, Footing},
    },
    signal::{Signals, Viewpoint, count},
};

/// Decides for one service.
#[derive(Clone, Debug)]
pub struct Autoscaler {
    policy: Policy,
    memory: Memory,
    signals: Signals,
    observation: Option<Observation>,
    last_removal: Timestamp,
    host_lost: bool,
    outcome: Option<Outcome>,
    now: Timestamp,
}

/// What must survive a restart: what guards and rules remember.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Evaluations recorded.
    evaluations: u64,
    /// How many replicas there shall be, once that was decided.
    target: Option<u32>,
    last_up: Option<Timestamp>,
    last_down: Option<Timestamp>,
    history: History,
    /// One per rule, in the policy's order; those of other rules stay blank.
    breaches: Vec<Breach>,
}

impl Memory {
    /// How many replicas there shall be, once that was decided.
    pub fn target(&self) -> Option<u32> {
        self.target
    }

    /// Puts a newer decision of how many replicas there shall be in the place of the one remembered.
    pub fn set_target(&mut self, replicas: u32) {
        self.target = Some(replicas);
    }
}

impl Autoscaler {
    /// One that remembers nothing.
    pub fn new(policy: Policy) -> Self {
        Self::restore(policy, Memory::default())
    }

    /// One that goes on where another left off.
    pub fn restore(policy: Policy, mut memory: Memory) -> Self {
        memory.breaches.resize(policy.rules.len(), Breach::default());
        if policy.mode == Mode::Observe {
            memory.target = None;
        }
        Self {
            policy,
            memory,
            signals: Signals::default(),
            observation: None,
            last_removal: Timestamp::default(),
            host_lost: false,
            outcome: None,
            now: Timestamp::default(),
        }
    }

    /// What must survive a restart.
    pub fn memory(&self) -> &Memory {
        &self.memory
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
            Event::PolicyReplaced(policy) => self.replace_policy(*policy),
            Event::HostLost => self.host_lost = true,
            Event::HostFound => self.host_lost = false,
        }
        self.update_breaches();
    }

    /// What every rule wants, what every guard does, and the verdict. Changes nothing.
    ///
    /// # Panics
    /// When `now` is before that of an earlier call: the driver's clock must never go back.
    pub fn evaluate(&self, now: Timestamp) -> Evaluation {
        assert!(now >= self.now, "time went back from {} ms to {} ms", self.now.as_millis(), now.as_millis());
        let nothing = Observation::default();
        let observation = self.observation.as_ref().unwrap_or(&nothing);
        let observed = observed(observation);
        let signals: Vec<_> = self.policy.rules.iter().map(|rule| self.read(rule, observation, now)).collect();
        let mut evaluation = Evaluation {
            number: self.memory.evaluations + 1,
            at: now,
            mode: self.policy.mode,
            limits: self.policy.limits,
            observed,
            current: self.current(),
            signals,
            recommendations: Vec::new(),
            combined: Combined { wants: None, winner: None, blind: false },
            effects: Vec::new(),
            verdict: Verdict::Unseen,
            outcome: self.outcome.clone().filter(|outcome| matches!(outcome, Outcome::Failed { .. })),
            next: None,
        };
        let Some(current) = evaluation.current else { return evaluation };
        evaluation.recommendations = self.recommend(&evaluation.signals, observed, current, now);
        evaluation.combined = combine(&evaluation.recommendations, current);
        let (replicas, effects) = guard::apply(
            evaluation.combined.wants.unwrap_or(current),
            &Circumstances {
                now,
                policy: &self.policy,
                current,
                history: &self.memory.history,
                last_up: self.memory.last_up,
                last_down: self.memory.last_down,
                observation,
                host_lost: self.host_lost,
            },
        );
        evaluation.effects = effects;
        evaluation.verdict = match replicas {
            to if to == current => Verdict::Hold { at: current },
            to => Verdict::Scale { from: current, to },
        };
        evaluation.next = self.next(&evaluation, observation);
        evaluation
    }

    /// Remembers what stabilization, cooldown and thresholds need of an evaluation that was acted upon.
    pub fn record(&mut self, evaluation: &Evaluation) {
        self.memory.evaluations = evaluation.number;
        let Some(current) = evaluation.current else { return };
        let wanted = evaluation.combined.wants.unwrap_or(current);
        let longest = self.policy.guards.longest_stabilization();
        self.memory.history.push(wanted, evaluation.at, longest);
        if self.policy.mode == Mode::Observe {
            return;
        }
        if self.memory.target != evaluation.verdict.replicas() {
            self.outcome = None;
        }
        self.memory.target = evaluation.verdict.replicas();
        let Some(direction) = evaluation.verdict.direction() else { return };
        match direction {
            Direction::Up => self.memory.last_up = Some(evaluation.at),
            Direction::Down => self.memory.last_down = Some(evaluation.at),
        }
        for breach in &mut self.memory.breaches {
            breach.step(evaluation.at);
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
            self.memory.history.push(current, self.now, self.policy.guards.longest_stabilization());
        }
    }

    fn replace_policy(&mut self, policy: Policy) {
        let old = std::mem::replace(&mut self.policy, policy);
        let remembered = old.rules.into_iter().zip(std::mem::take(&mut self.memory.breaches));
        let remembered: Vec<_> = remembered.collect();
        self.memory.breaches = (self.policy.rules.iter())
            .map(|rule| remembered.iter().find(|(other, _)| other == rule).map(|(_, breach)| *breach))
            .map(Option::unwrap_or_default)
            .collect();
        if self.policy.mode == Mode::Observe {
            self.memory.target = None;
        }
    }

    /// What the verdict starts from: the newest target, or what was listed where there is none.
    fn current(&self) -> Option<u32> {
        let observation = self.observation.as_ref()?;
        Some(self.memory.target.unwrap_or_else(|| observed(observation).running))
    }

    fn read(&self, rule: &Rule, observation: &Observation, now: Timestamp) -> SignalReading {
        let unit = rule::unit(&self.policy, rule);
        let view = Viewpoint {
            now,
            replicas: &observation.replicas,
            last_removal: self.last_removal,
            host: observation.host,
            guards: &self.policy.guards,
        };
        self.signals.read(rule.signal(), unit, rule.window(), view)
    }

    fn recommend(
        &self,
        signals: &[SignalReading],
        observed: Observed,
        current: u32,
        now: Timestamp,
    ) -> Vec<Recommendation> {
        let footing = self.footing(observed, current, now);
        let rules = self.policy.rules.iter().zip(signals).zip(&self.memory.breaches).enumerate();
        rules
            .map(|(place, ((rule, reading), breach))| {
                let (opinion, reason): (Opinion, RuleReason) = match rule {
                    Rule::Target(rule) => rule::target::recommend(rule, reading, current),
                    Rule::Threshold(rule) => threshold::recommend(rule, reading, *breach, footing),
                };
                Recommendation { rule: place, opinion, reason }
            })
            .collect()
    }

    fn footing(&self, observed: Observed, current: u32, now: Timestamp) -> Footing {
        let Memory { last_up, last_down, .. } = self.memory;
        Footing { now, observed, current, last_up, last_down }
    }

    fn update_breaches(&mut self) {
        let (Some(observation), Some(current)) = (self.observation.as_ref(), self.current()) else { return };
        let footing = self.footing(observed(observation), current, self.now);
        let mut breaches = self.memory.breaches.clone();
        for (rule, breach) in self.policy.rules.iter().zip(&mut breaches) {
            if let Rule::Threshold(threshold) = rule {
                let reading = self.read(rule, observation, self.now);
                let settling = threshold::settling(threshold, &reading, footing);
                let past = threshold::breached(threshold, &reading);
                breach.update(past, settling, self.policy.guards.stale_after, self.now);
            }
        }
        self.memory.breaches = breaches;
    }

    /// The first moment at which time alone can change the verdict or its reasons.
    fn next(&self, evaluation: &Evaluation, observation: &Observation) -> Option<Wakeup> {
        let now = evaluation.at;
        let guards = &self.policy.guards;
        let held = evaluation.effects.iter().filter_map(|GuardEffect { guard, until, .. }| {
            until.map(|at| Wakeup { at, because: WakeupReason::Released(guard.clone()) })
        });
        let breaches = evaluation.recommendations.iter().filter_map(|recommendation| match recommendation.reason {
            RuleReason::Threshold { state: ThresholdState::Pending { until, .. }, .. } => {
                Some(Wakeup { at: until, because: WakeupReason::Breach { rule: recommendation.rule } })
            }
            _ => None,
        });
        let warm = observation.replicas.iter().filter_map(|replica| {
            let at = replica.ready_since?.plus(guards.warm_up);
            Some(Wakeup { at, because: WakeupReason::WarmedUp })
        });
        let stale = evaluation.signals.iter().filter_map(|reading| {
            let newest = now.minus(reading.age?);
            let at = newest.plus(guards.stale_after).plus(Duration::from_millis(1));
            Some(Wakeup { at, because: WakeupReason::Stale(reading.signal.clone()) })
        });
        held.chain(breaches).chain(warm).chain(stale).filter(|wakeup| wakeup.at > now).min_by_key(|wakeup| wakeup.at)
    }
}

fn observed(observation: &Observation) -> Observed {
    let ready = observation.replicas.iter().filter(|replica| replica.ready_since.is_some());
    Observed { running: count(observation.replicas.len()), ready: count(ready.count()) }
}
