//! What is allowed and yet hardly meant.

mod formulas;
mod meanwhile;
mod never;
mod no_effect;
mod pairs;

use std::{collections::BTreeSet, time::Duration};

use super::{policy::ReadPolicy, rules::ReadRule};
use crate::{
    policy::{
        Action, Capacity, Direction, DirectionGuards, Forecast, Goal, Lasting, Limits, Read, RuleKind, Select,
        SignalSource, StepSize, Target,
    },
    quantity::{Quantity, SignalName, Unit},
    rule::main_signal,
    text::{Findings, Kind, Place, TextError, Texts, quote},
    time::spoken,
};

/// Adds the warnings about one policy.
pub(super) fn look_at(policy: &ReadPolicy, findings: &mut Findings) {
    unused_signals(policy, findings);
    fixed_count(policy, findings);
    short_stabilization(policy, findings);
    short_cooldown(policy, findings);
    nothing_damps(policy, findings);
    not_demand(policy, findings);
    likely_percent(policy, findings);
    small_budget(policy, findings);
    cut_step(policy, findings);
    pairs::look_at(policy, findings);
    never::look_at(policy, findings);
    no_effect::look_at(policy, findings);
    meanwhile::look_at(policy, findings);
    formulas::look_at(policy, findings);
}

/// What a percentage is of, which the containers may or may not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// A CPU limit.
    CpuLimit,
    /// A memory limit.
    MemoryLimit,
    /// A CPU reservation.
    CpuReservation,
    /// A memory reservation.
    MemoryReservation,
}

/// What there is to warn of if the service's containers have no limit of what a rule takes a share of.
pub(super) fn without_limits(policy: &ReadPolicy, texts: &Texts) -> Vec<(Needed, TextError)> {
    let mut found = Vec::new();
    for read in &policy.rules {
        let mut of_cpu = false;
        let quantity = match &read.rule.kind {
            RuleKind::Target(rule) => rule.goal.quantity(),
            RuleKind::Burst(rule) => rule.per_replica,
            RuleKind::Forecast(rule) => match rule.capacity {
                Capacity::Given(quantity) => quantity,
                Capacity::Learned(share) => {
                    of_cpu = true;
                    Quantity::OfLimit(share)
                }
            },
            RuleKind::Threshold(rule) => match rule.bounds.lower.or(rule.bounds.upper) {
                Some(bound) => bound.value,
                None => continue,
            },
            _ => continue,
        };
        let Some((signal, _)) = main_signal(&read.rule) else { continue };
        let signal = if of_cpu { SignalName::CPU } else { signal.as_str() };
        let (needed, what, key) = match (quantity, signal) {
            (Quantity::OfLimit(_), SignalName::CPU) => (Needed::CpuLimit, "CPU limit", "limits.cpus"),
            (Quantity::OfLimit(_), _) => (Needed::MemoryLimit, "memory limit", "limits.memory"),
            (Quantity::OfReservation(_), SignalName::CPU) => {
                (Needed::CpuReservation, "CPU reservation", "reservations.cpus")
            }
            (Quantity::OfReservation(_), _) => (Needed::MemoryReservation, "memory reservation", "reservations.memory"),
            (Quantity::Absolute { .. }, _) => continue,
        };
        let message = format!("the containers have no {what}, so that {quantity} is of the whole host, or of nothing");
        let help = format!("set `deploy.resources.{key}` in the Compose file, or write an absolute value");
        let mut findings = Findings::new(texts.clone());
        findings.add(Kind::NoLimit, read.bound, message, help);
        found.extend(findings.sorted().into_iter().map(|finding| (needed, finding)));
    }
    found
}

fn unused_signals(policy: &ReadPolicy, findings: &mut Findings) {
    let Some(whole) = policy.clone().into_policies().next() else { return };
    let mut read: BTreeSet<SignalName> = whole.signals_read().into_iter().collect();
    for name in read.clone() {
        if let Some(SignalSource::Formula(formula)) = policy.signals.sources.get(&name) {
            read.extend(formula.signals().cloned());
        }
    }
    for (name, place) in &policy.signals.places {
        if !read.contains(name) {
            let message = format!("no rule reads the signal {}", quote(name.as_str()));
            findings.add(Kind::UnusedSignal, *place, message, "leave it out, or write a rule that reads it");
        }
    }
}

fn fixed_count(policy: &ReadPolicy, findings: &mut Findings) {
    /// More than any one host was ever seen to run of one service.
    const MANY: u32 = 1000;
    let Limits { min, max, .. } = policy.limits;
    if max > MANY {
        let message = format!("`max` is {max}, more replicas than a host has room for");
        findings.add(Kind::ManyReplicas, policy.limits_place, message, "write as many as you would pay for");
    }
    if min == max {
        let message = format!("`min` and `max` are both {min}: there is nothing to decide");
        findings.add(Kind::FixedCount, policy.limits_place, message, "raise `max`");
    }
}

fn short_stabilization(policy: &ReadPolicy, findings: &mut Findings) {
    let stabilize = policy.guards.guards.down.stabilize;
    let window = |read: &&ReadRule| main_signal(&read.rule).map(|(_, window)| window).unwrap_or_default();
    let Some(longest) = policy.rules.iter().max_by_key(window) else { return };
    let window = window(&longest);
    if stabilize >= window || is_chosen_base(policy.guards.places.down_stabilize) {
        return;
    }
    let message = format!(
        "`guards.down.stabilize` is {}, shorter than a rule's window of {}: a scale-down is decided on samples that it \
         does not look back on",
        spoken(stabilize),
        spoken(window)
    );
    let given = Some(policy.guards.places.down_stabilize).filter(|place| !place.is_built_in());
    let place = given.unwrap_or(longest.place);
    findings.add(Kind::ShortStabilization, place, message, format!("write `stabilize: {}` or more", spoken(window)));
}

fn nothing_damps(policy: &ReadPolicy, findings: &mut Findings) {
    let guards = &policy.guards.guards;
    let chosen = is_chosen_base(policy.guards.places.up_cooldown);
    if chosen || !guards.up.cooldown.is_zero() || !guards.down.cooldown.is_zero() {
        return;
    }
    for read in &policy.rules {
        let warns = |action: &Action| matches!(action, Action::Warn(_));
        if matches!(&read.rule.kind, RuleKind::Threshold(rule)
            if rule.lasting == Lasting::For(Duration::ZERO) && !warns(&rule.action))
        {
            let message = "`cooldown` is 0 both ways and this threshold has no `for`: every sample past it is a step";
            findings.add(Kind::NothingDamps, read.place, message, "write `for: 30s` here, or a `cooldown`");
        }
    }
}

fn not_demand(policy: &ReadPolicy, findings: &mut Findings) {
    for read in &policy.rules {
        let (RuleKind::Target(Target { goal: Goal::PerReplica(_), signal, .. })
        | RuleKind::Forecast(Forecast { signal, .. })) = &read.rule.kind
        else {
            continue;
        };
        if signal.as_str() == SignalName::MEMORY {
            let message = "what each replica takes of memory by itself comes with every replica that is added, so that this \
                           can add replicas up to `max`";
            findings.add(Kind::NotDemand, read.bound, message, "use `threshold` for memory");
            continue;
        }
        let Some(SignalSource::Prometheus { read: how, .. }) = policy.signals.sources.get(signal) else {
            continue;
        };
        if matches!(how, Read::Mean | Read::Max | Read::Quantile(_)) {
            let message = format!(
                "the signal {} is no sum that replicas share: twice the replicas do not halve it",
                quote(signal.as_str())
            );
            let help = "use `threshold` for it, or a target on `cpu`, a `rate`, a `sum` or a queue";
            findings.add(Kind::NotDemand, read.bound, message, help);
        }
    }
}

fn short_cooldown(policy: &ReadPolicy, findings: &mut Findings) {
    let place = policy.guards.places.up_cooldown;
    let (cooldown, warm_up) = (policy.guards.guards.up.cooldown, policy.guards.guards.warm_up);
    if place.is_built_in() || cooldown.is_zero() || cooldown >= warm_up {
        return;
    }
    let message = format!(
        "`guards.up.cooldown` is {}, shorter than `warm_up`, which is {}: a step is followed by the next one before its \
         replicas say anything",
        spoken(cooldown),
        spoken(warm_up)
    );
    findings.add(Kind::ShortCooldown, place, message, format!("write `cooldown: {}` or more", spoken(warm_up)));
}

/// Plain cores that are hardly cores.
fn likely_percent(policy: &ReadPolicy, findings: &mut Findings) {
    const FROM: f64 = 8.0;
    for read in policy.rules.iter().filter(|read| read.bare) {
        let quantity = match &read.rule.kind {
            RuleKind::Target(rule) => Some(rule.goal.quantity()),
            RuleKind::Burst(rule) => Some(rule.per_replica),
            RuleKind::Forecast(Forecast { capacity: Capacity::Given(quantity), .. }) => Some(*quantity),
            RuleKind::Threshold(rule) => rule.bounds.lower.or(rule.bounds.upper).map(|bound| bound.value),
            _ => None,
        };
        let Some(Quantity::Absolute { value, unit: Unit::Cores }) = quantity else { continue };
        if (FROM..=100.0).contains(&value) {
            let message = format!("a number without a unit is cores: {value} cores for each replica");
            let help = format!("did you mean `{value}%`? Otherwise write `{value} cores`");
            findings.add(Kind::LikelyPercent, read.bound, message, help);
        }
    }
}

fn small_budget(policy: &ReadPolicy, findings: &mut Findings) {
    let guards = &policy.guards;
    for (budget, place) in guards.guards.budgets.iter().zip(&guards.budget_places) {
        let replicas = ((budget.total - budget.reserve) / budget.per_replica).floor().max(0.0);
        if replicas < f64::from(policy.limits.min) {
            let message = format!(
                "this budget is enough for {replicas} replicas, and `min` is {}: the budget wins",
                policy.limits.min
            );
            findings.add(Kind::SmallBudget, *place, message, "lower `min`, or raise `total`");
        }
    }
}

/// Steps of which `at_most` always takes a part away.
fn cut_step(policy: &ReadPolicy, findings: &mut Findings) {
    let guards = &policy.guards.guards;
    for (direction, own, place) in [
        (Direction::Up, &guards.up, policy.guards.places.up_at_most),
        (Direction::Down, &guards.down, policy.guards.places.down_at_most),
    ] {
        let Some(most) = most_at_once(own) else { continue };
        if let Some(StepSize::Count(step)) =
            own.step.filter(|step| matches!(step, StepSize::Count(step) if *step > most))
        {
            let message = format!("`at_most` lets {most} through, fewer than the {step} that `step` allows at once");
            findings.add(Kind::CutStep, place, message, "raise `at_most`, or lower `step`");
        }
        for read in &policy.rules {
            let RuleKind::Threshold(rule) = &read.rule.kind else { continue };
            let Action::Step(step) = &rule.action else { continue };
            let StepSize::Count(count) = step.size else { continue };
            if step.direction == direction && count > most {
                let message = format!("`at_most` lets {most} through, fewer than this step of {count}");
                findings.add(Kind::CutStep, read.place, message, "raise `at_most`, or lower the step");
            }
        }
    }
}

/// How many replicas the limits per time let through at once, where they are all counts.
fn most_at_once(guards: &DirectionGuards) -> Option<u32> {
    let counts: Option<Vec<u32>> = guards
        .at_most
        .iter()
        .map(|rate| match rate.size {
            StepSize::Count(count) => Some(count),
            StepSize::Share(_) => None,
        })
        .collect();
    match guards.select {
        Select::Widest => counts?.into_iter().max(),
        Select::Narrowest => counts?.into_iter().min(),
    }
}

/// Whether nobody wrote what stands there, and somebody chose where it comes from.
fn is_chosen_base(place: Place) -> bool {
    place.is_built_in() && place.source != 0
}
