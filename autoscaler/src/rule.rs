//! What wants how many replicas. One file per kind of rule, each with its formula and where that comes from.

pub mod burst;
pub mod forecast;
pub mod formula;
pub mod kubernetes_hpa;
pub mod queue;
pub mod ratio;
pub mod schedule;
pub mod target;
pub mod threshold;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    evaluation::{Gap, Observed, Opinion, Recommendation, RuleReason, SignalReading},
    event::{Observation, Peer},
    memory::{Identity, Memory},
    policy::{
        Arithmetic, Capacity, Direction, JobTime, Policy, QueueGoal, Read, Rule, RuleKind, SignalSource, StrainLevel,
    },
    quantity::{Quantity, SignalName, Unit},
    signal::Signals,
    time::Timestamp,
};

/// What a rule goes by: everything that it may read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation<'a> {
    pub(crate) now: Timestamp,
    pub(crate) policy: &'a Policy,
    pub(crate) observation: &'a Observation,
    pub(crate) observed: Observed,
    /// Replicas that the verdict starts from.
    pub(crate) current: u32,
    pub(crate) readings: Readings<'a>,
    /// Single samples, for what needs more than a reading.
    pub(crate) signals: &'a Signals,
    pub(crate) memory: &'a Memory,
    pub(crate) peers: &'a BTreeMap<String, Peer>,
    /// What holds of the schedules.
    pub(crate) windows: &'a schedule::Windows,
}

/// The signals as read for one evaluation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Readings<'a>(pub(crate) &'a [SignalReading]);

impl<'a> Readings<'a> {
    /// The place of a signal as read over a window.
    pub(crate) fn place(self, signal: &SignalName, window: Duration) -> Option<usize> {
        self.0.iter().position(|reading| reading.window == window && reading.signal == *signal)
    }

    /// A signal as read over a window.
    pub(crate) fn get(self, signal: &SignalName, window: Duration) -> Option<&'a SignalReading> {
        self.0.get(self.place(signal, window)?)
    }
}

/// What a rule remembers from one evaluation to the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleState {
    /// Nothing.
    #[default]
    Blank,
    /// Of a threshold.
    Threshold(threshold::Breach),
    /// Of a burst rule.
    Burst(burst::Panic),
    /// Of a forecast.
    Forecast(Box<forecast::ForecastState>),
}

/// A signal, the window that it is read over, and what it is measured in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reads {
    pub(crate) signal: SignalName,
    pub(crate) window: Duration,
    pub(crate) unit: Unit,
}

/// What a policy reads.
#[derive(Clone, Debug)]
pub(crate) struct AllReads {
    /// Each once.
    pub(crate) each: Vec<Reads>,
    /// For each rule the place of its main signal among them.
    pub(crate) main: Vec<Option<usize>>,
    /// Whether some are formulas of others.
    pub(crate) formulas: bool,
}

impl AllReads {
    /// Of a policy.
    pub(crate) fn of(policy: &Policy) -> Self {
        let each = reads(policy);
        let place = |(signal, window): (&SignalName, Duration)| {
            each.iter().position(|reads| reads.window == window && reads.signal == *signal)
        };
        let main = policy.rules.iter().map(|rule| main_signal(rule).and_then(place)).collect();
        let formula = |reads: &Reads| matches!(policy.signals.get(&reads.signal), Some(SignalSource::Formula(_)));
        let formulas = each.iter().any(formula);
        Self { each, main, formulas }
    }
}

/// What one rule wants. `place` is its own in the policy.
pub(crate) fn recommend(rule: &Rule, place: usize, given: &Situation<'_>) -> (Opinion, RuleReason) {
    let state = given.memory.rules.get(place);
    match &rule.kind {
        RuleKind::Target(target) => match given.policy.arithmetic {
            Arithmetic::Demand => target::recommend(target, given),
            Arithmetic::KubernetesHpa(settings) => kubernetes_hpa::recommend(target, settings, given),
        },
        RuleKind::Threshold(threshold) => threshold::recommend(threshold, state, given),
        RuleKind::Queue(queue) => queue::recommend(queue, given),
        RuleKind::Ratio(ratio) => ratio::recommend(ratio, given),
        RuleKind::Burst(burst) => burst::recommend(burst, state, given),
        RuleKind::Forecast(forecast) => forecast::recommend(forecast, state, given),
        RuleKind::Schedule(schedule) => schedule::recommend(schedule, place, given),
        RuleKind::Formula(formula) => formula::recommend(formula, given),
    }
}

/// Takes in what has just happened.
pub(crate) fn update(rule: &Rule, state: &mut RuleState, given: &Situation<'_>) {
    match &rule.kind {
        RuleKind::Threshold(threshold) => threshold::update(threshold, state, given),
        RuleKind::Burst(burst) => burst::update(burst, state, given),
        RuleKind::Forecast(forecast) => forecast::update(forecast, state, given),
        RuleKind::Target(_)
        | RuleKind::Queue(_)
        | RuleKind::Ratio(_)
        | RuleKind::Schedule(_)
        | RuleKind::Formula(_) => *state = RuleState::Blank,
    }
}

/// What a rule of an edited policy goes on with: what the same rule remembered, or one that forecasts the same demand. A rule
/// whose signal comes from somewhere else is not the same.
pub(crate) fn inherited(of: &Identity, remembered: &[(&Identity, &RuleState)]) -> RuleState {
    let same = remembered.iter().find(|(other, _)| *other == of);
    let of_same_demand = || {
        let RuleKind::Forecast(new) = &of.rule.kind else { return None };
        let alike = remembered.iter().filter(|(other, _)| other.sources == of.sources);
        alike.into_iter().find_map(|(other, state)| match (&other.rule.kind, state) {
            (RuleKind::Forecast(old), RuleState::Forecast(state)) if forecast::inherits(new, old) => {
                let mut state = state.clone();
                state.follow(old, new);
                Some(RuleState::Forecast(state))
            }
            _ => None,
        })
    };
    same.map(|(_, state)| (*state).clone()).or_else(of_same_demand).unwrap_or_default()
}

/// What a rule remembers after a step of any rule was recorded.
pub(crate) fn after_step(rule: &Rule, state: &mut RuleState, now: Timestamp) {
    if let (RuleKind::Threshold(threshold), RuleState::Threshold(breach)) = (&rule.kind, state) {
        threshold::after_step(threshold, breach, now);
    }
}

/// The signal that a rule goes by and its window; `None` where it goes by none.
pub(crate) fn main_signal(rule: &Rule) -> Option<(&SignalName, Duration)> {
    match &rule.kind {
        RuleKind::Target(rule) => Some((&rule.signal, rule.window)),
        RuleKind::Threshold(rule) => Some((&rule.signal, threshold::window(rule))),
        RuleKind::Queue(rule) => Some((&rule.signal, rule.window)),
        RuleKind::Burst(rule) => Some((&rule.signal, rule.window)),
        RuleKind::Forecast(rule) => Some((&rule.signal, rule.window)),
        RuleKind::Ratio(_) | RuleKind::Schedule(_) | RuleKind::Formula(_) => None,
    }
}

/// Whether a rule can ever want more, or fewer, than there are.
pub(crate) fn can(rule: &Rule, direction: Direction) -> bool {
    match &rule.kind {
        RuleKind::Threshold(threshold) => threshold::can(threshold, direction),
        RuleKind::Schedule(_) => false,
        RuleKind::Target(_)
        | RuleKind::Queue(_)
        | RuleKind::Ratio(_)
        | RuleKind::Burst(_)
        | RuleKind::Forecast(_)
        | RuleKind::Formula(_) => true,
    }
}

/// What a rule that goes by no single signal says about whether there is something to do.
pub(crate) fn activity(rule: &Rule, recommendation: &Recommendation) -> Says {
    match (&rule.kind, &recommendation.reason) {
        (RuleKind::Schedule(_), RuleReason::Schedule { active, sets, .. }) => {
            Says::of(*active && sets.min.is_some_and(|min| min > 0))
        }
        (RuleKind::Formula(_), RuleReason::Formula { value: Some(value), .. }) => Says::of(*value > rule.activate),
        (RuleKind::Formula(_), _) => Says::Blind,
        (RuleKind::Ratio(_), _) => match recommendation.opinion {
            Opinion::Wants(wants) => Says::of(wants > 0),
            _ => Says::Blind,
        },
        _ => Says::Nothing,
    }
}

/// What a rule says about whether there is something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    Active,
    Inactive,
    /// It could say so, and cannot tell.
    Blind,
    Nothing,
}

impl Says {
    pub(crate) fn of(active: bool) -> Self {
        if active { Self::Active } else { Self::Inactive }
    }
}

/// Everything that the rules and guards of a policy read, each once.
pub(crate) fn reads(policy: &Policy) -> Vec<Reads> {
    let mut all: Vec<Reads> = Vec::new();
    let mut add = |signal: &SignalName, window: Duration, given: Option<Quantity>| {
        let mut add_one = |signal: &SignalName, given| {
            if !all.iter().any(|reads| reads.window == window && reads.signal == *signal) {
                all.push(Reads { signal: signal.clone(), window, unit: unit(policy, signal, given) });
            }
        };
        if let Some(SignalSource::Formula(formula)) = policy.signals.get(signal) {
            formula.signals().for_each(|term| add_one(term, None));
        }
        add_one(signal, given);
    };
    for rule in &policy.rules {
        match &rule.kind {
            RuleKind::Target(rule) => add(&rule.signal, rule.window, Some(rule.goal.quantity())),
            RuleKind::Threshold(rule) => {
                let bound = rule.bounds.lower.or(rule.bounds.upper).map(|bound| bound.value);
                add(&rule.signal, threshold::window(rule), bound);
            }
            RuleKind::Queue(rule) => {
                add(&rule.signal, rule.window, None);
                if let QueueGoal::Drain { job_takes, arrivals, .. } = &rule.goal {
                    if let Some(arrivals) = arrivals {
                        add(arrivals, rule.window, None);
                    }
                    if let JobTime::Measured(signal) = job_takes {
                        add(signal, rule.window, Some(Quantity::Absolute { value: 1.0, unit: Unit::Seconds }));
                    }
                }
            }
            RuleKind::Burst(rule) => {
                add(&rule.signal, rule.window, Some(rule.per_replica));
                add(&rule.signal, rule.panic_window, Some(rule.per_replica));
            }
            RuleKind::Forecast(rule) => {
                let compared = forecast::compared(rule);
                add(&rule.signal, rule.window, compared);
                add(&rule.signal, forecast::ForecastState::NEWEST, compared);
                if let Capacity::Learned(_) = rule.capacity {
                    add(&SignalName::new(SignalName::CPU), forecast::ForecastState::NEWEST, None);
                }
                if let Some(backlog) = &rule.backlog {
                    add(&backlog.signal, rule.window, None);
                }
            }
            RuleKind::Formula(rule) => rule.replicas.signals().for_each(|signal| add(signal, rule.window, None)),
            RuleKind::Ratio(_) | RuleKind::Schedule(_) => {}
        }
    }
    for strain in &policy.guards.unless {
        let bound = match strain.level {
            StrainLevel::Above(bound) => Some(bound.value),
            StrainLevel::AboveNormal(_) => None,
        };
        add(&strain.signal, Rule::WINDOW, bound);
    }
    if let Some(worse) = &policy.guards.worse {
        add(&worse.signal, Rule::WINDOW, None);
    }
    all
}

/// What a signal's values are measured in, for a policy that compares it with `given`.
fn unit(policy: &Policy, signal: &SignalName, given: Option<Quantity>) -> Unit {
    match (signal.as_str(), given, policy.signals.get(signal)) {
        (SignalName::CPU, ..) => Unit::Cores,
        (SignalName::MEMORY, ..) => Unit::Bytes,
        (SignalName::HOST_CPU | SignalName::HOST_MEMORY | SignalName::HOST_DISK, ..) => Unit::Share,
        (_, Some(Quantity::Absolute { unit, .. }), _) if unit != Unit::Number => unit,
        (_, _, Some(SignalSource::Prometheus { read: Read::Rate, .. })) => Unit::PerSecond,
        (_, _, Some(SignalSource::Prometheus { read: Read::Quantile(_), metric, .. }))
            if metric.ends_with("_seconds") =>
        {
            Unit::Seconds
        }
        _ => Unit::Number,
    }
}

/// That the signal is missing, and why. Replicas that are too new to say anything are waited for;
/// where it is known that there is no value, the rule does not apply.
pub(crate) fn missing(signal: &SignalName, gap: Gap) -> (Opinion, RuleReason) {
    let opinion = match gap {
        Gap::WarmingUp => Opinion::Waits(Direction::Up),
        Gap::Idle => Opinion::Abstains,
        _ => Opinion::Unknown,
    };
    (opinion, RuleReason::Missing { signal: signal.clone(), gap })
}

/// Whole replicas for `load`; not a number or negative is none, too many for the type is the most.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
pub(crate) fn whole(load: f64) -> u32 {
    /// Keeps a load of exactly three replicas from becoming four by rounding.
    const ROUNDING: f64 = 1e-9;
    (load - ROUNDING).ceil().max(0.0) as u32
}
