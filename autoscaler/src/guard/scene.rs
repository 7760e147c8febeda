//! Circumstances for tests of single guards: a service of one host whose clock says 100 seconds.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    evaluation::{
        Activity, Combined, GuardEffect, Observed, Opinion, Origin, Recommendation, RuleReason, SignalReading,
    },
    event::{Observation, Peer, Replica, ReplicaId},
    guard::{Apply, Circumstances},
    memory::Memory,
    policy::{
        Action, Arithmetic, Bounds, Direction, Goal, Group, Guards, Lasting, Limits, Mode, Policy, Rounding, Rule,
        RuleKind, Selector, Step, StepSize, Target, Threshold, Tolerance,
    },
    quantity::{Quantity, SignalName, Unit},
    rule::{Readings, Situation, schedule::NO_WINDOWS},
    signal::{Signals, count},
    time::Timestamp,
};

/// The place of the scene's `target: { signal: cpu, per_replica: 50% }`.
pub(super) const TARGET: usize = 0;
/// The place of the scene's `threshold: { signal: cpu, above: 80%, add: 1 }`.
pub(super) const THRESHOLD: usize = 1;

/// The second that the scene's clock says.
const NOW: u64 = 100;

/// What the guards go by, to be set up by a test.
pub(super) struct Scene {
    pub(super) policy: Policy,
    pub(super) observation: Observation,
    pub(super) memory: Memory,
    pub(super) readings: Vec<SignalReading>,
    pub(super) signals: Signals,
    pub(super) recommendations: Vec<Recommendation>,
    pub(super) combined: Combined,
    pub(super) budgets: BTreeMap<String, f64>,
    pub(super) peers: BTreeMap<String, Peer>,
    pub(super) current: u32,
    pub(super) now: Timestamp,
}

impl Scene {
    /// `current` replicas, all guards off, nothing listed, nothing measured.
    pub(super) fn new(current: u32) -> Self {
        let rules = vec![target(0.5), threshold(Bounds::above(Quantity::OfLimit(0.8)), Direction::Up)];
        let policy = Policy {
            services: Selector { host: None, project: "shop".into(), service: "web".into() },
            mode: Mode::Act,
            pause: None,
            limits: Limits::new(1, 20),
            arithmetic: Arithmetic::Demand,
            signals: BTreeMap::new(),
            combine: Group::largest(rules.len()),
            rules,
            guards: Guards::none(),
        };
        Self {
            policy,
            observation: Observation::default(),
            memory: Memory::default(),
            readings: Vec::new(),
            signals: Signals::default(),
            recommendations: Vec::new(),
            combined: Combined { wants: None, winner: None, blind: false, activity: Activity::Always },
            budgets: BTreeMap::new(),
            peers: BTreeMap::new(),
            current,
            now: at(NOW),
        }
    }

    /// Lists so many replicas that have served since the beginning.
    pub(super) fn list(&mut self, replicas: u32) {
        self.observation.replicas = (0..replicas)
            .map(|place| Replica {
                id: ReplicaId::new(format!("replica-{place}")),
                ready_since: Some(at(0)),
                ..Replica::default()
            })
            .collect();
    }

    /// Remembers steps: second, from, to.
    pub(super) fn steps(&mut self, steps: &[(u64, u32, u32)]) {
        self.policy.guards.up.cooldown = self.policy.guards.up.cooldown.max(secs(1));
        let mut looks_back = self.policy.clone();
        looks_back.guards.down.cooldown = secs(10_000);
        for (second, from, to) in steps {
            self.memory.add_step(at(*second), *from, *to, &looks_back);
        }
    }

    /// What a rule says.
    pub(super) fn says(&mut self, rule: usize, opinion: Opinion, reason: RuleReason) {
        let reading = None;
        let (name, observes, activate) = (None, false, 0.0);
        self.recommendations.push(Recommendation { rule, name, observes, reading, activate, opinion, reason });
    }

    pub(super) fn situation(&self) -> Situation<'_> {
        let replicas = &self.observation.replicas;
        Situation {
            now: self.now,
            policy: &self.policy,
            observation: &self.observation,
            observed: Observed {
                running: count(replicas.iter().filter(|replica| replica.counts()).count()),
                ready: count(replicas.iter().filter(|replica| replica.ready_since.is_some()).count()),
            },
            current: self.current,
            readings: Readings(&self.readings),
            signals: &self.signals,
            memory: &self.memory,
            peers: &self.peers,
            windows: &NO_WINDOWS,
        }
    }

    /// What one guard does to a wish.
    pub(super) fn apply(&self, guard: Apply, wanted: u32) -> Option<GuardEffect> {
        let given = Circumstances {
            situation: &self.situation(),
            recommendations: &self.recommendations,
            combined: &self.combined,
            limits: self.policy.limits,
            host_lost: false,
            budgets: &self.budgets,
        };
        guard(wanted, &given)
    }

    /// What one guard leaves of a wish.
    pub(super) fn left(&self, guard: Apply, wanted: u32) -> u32 {
        self.apply(guard, wanted).map_or(wanted, |effect| effect.to)
    }
}

/// `target: { signal: cpu, per_replica: … }`
pub(super) fn target(share: f64) -> Rule {
    let goal = Goal::PerReplica(Quantity::OfLimit(share));
    let signal = SignalName::new("cpu");
    Rule::from(RuleKind::Target(Target { signal, goal, window: Rule::WINDOW, tolerance: Tolerance::both(0.1) }))
}

/// `threshold: { signal: cpu, …, add: 1 }`, or `remove: 1`.
pub(super) fn threshold(bounds: Bounds, direction: Direction) -> Rule {
    Rule::from(RuleKind::Threshold(Threshold {
        signal: SignalName::new("cpu"),
        bounds,
        lasting: Lasting::For(Duration::ZERO),
        action: Action::Step(Step { direction, size: StepSize::Count(1) }),
        rounding: Rounding::default(),
        at_least_step: 1,
        limit: None,
        window: Rule::WINDOW,
    }))
}

/// CPU of so many replicas, each with a limit of one core, at this mean.
pub(super) fn cpu(replicas: u32, mean: f64) -> SignalReading {
    SignalReading {
        shares: Some(f64::from(replicas) * mean),
        unit: Unit::Cores,
        origin: Origin::Replicas,
        measured: replicas,
        ..service_value("cpu", Some(f64::from(replicas) * mean))
    }
}

/// A signal of the service's own, as read just now.
pub(super) fn service_value(signal: &str, value: Option<f64>) -> SignalReading {
    SignalReading {
        signal: SignalName::new(signal),
        unit: Unit::Number,
        window: Rule::WINDOW,
        total: value,
        shares: None,
        of_reservations: None,
        age: value.map(|_| Duration::ZERO),
        kept: None,
        origin: Origin::Service,
        measured: 0,
        warming: 0,
        absent: 0,
        estimate: None,
        gap: None,
    }
}

pub(super) const fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(second * 1000)
}

pub(super) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
