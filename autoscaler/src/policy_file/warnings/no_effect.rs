//! Settings that do nothing beside the others. What is written as it is anyway needs no word.

use super::super::{policy::ReadPolicy, rules::ReadRule};
use crate::{
    policy::{Action, Arithmetic, Goal, Lasting, Rounding, RuleKind, Select, StepSize, Threshold},
    quantity::{Quantity, SignalName},
    text::{Findings, Kind},
};

pub(super) fn look_at(policy: &ReadPolicy, findings: &mut Findings) {
    for read in &policy.rules {
        if let RuleKind::Threshold(rule) = &read.rule.kind {
            threshold(read, rule, findings);
        }
        hpa_window(policy, read, findings);
        activate(policy, read, findings);
        if let (true, Some(place)) = (read.rule.observe, read.written("on_trial")) {
            let message = "`observe` keeps the rule from acting, however its trial ends: `on_trial` does nothing";
            findings.add(Kind::NoEffect, place, message, "leave out one of them");
        }
    }
    for (way, guards, place) in [
        ("up", &policy.guards.guards.up, policy.guards.places.up_select),
        ("down", &policy.guards.guards.down, policy.guards.places.down_select),
    ] {
        if guards.at_most.len() < 2 && guards.select != Select::Widest && !place.is_built_in() {
            let message = format!("`select` chooses among limits, and `guards.{way}.at_most` has fewer than two");
            findings.add(Kind::NoEffect, place, message, "leave it out, or write a second `at_most`");
        }
    }
}

fn threshold(read: &ReadRule, rule: &Threshold, findings: &mut Findings) {
    if let (Lasting::Samples { .. }, Some(place)) = (rule.lasting, read.written("window")) {
        let message = "`samples` looks at single samples: `window` does nothing";
        findings.add(Kind::NoEffect, place, message, "leave it out, or write `for` instead of `samples`");
    }
    let why = match &rule.action {
        Action::Step(step) if matches!(step.size, StepSize::Count(_)) => "the step is a number of replicas",
        Action::Graded { grades, .. } if grades.iter().all(|grade| matches!(grade.size, StepSize::Count(_))) => {
            "every step is a number of replicas"
        }
        Action::To(_) => "`to` is the count itself",
        Action::Warn(_) => "`warn` changes no count",
        Action::Step(_) | Action::Graded { .. } => return,
    };
    let chosen = [("round", rule.rounding != Rounding::default()), ("at_least_step", rule.at_least_step != 1)];
    for (key, _) in chosen.into_iter().filter(|(_, chosen)| *chosen) {
        if let Some(place) = read.written(key) {
            let message = format!("`{key}` is for steps in percent, and {why}");
            findings.add(Kind::NoEffect, place, message, "leave it out");
        }
    }
}

/// Kubernetes' autoscaler reads the newest sample of each replica.
fn hpa_window(policy: &ReadPolicy, read: &ReadRule, findings: &mut Findings) {
    let (Arithmetic::KubernetesHpa(_), RuleKind::Target(rule)) = (policy.arithmetic, &read.rule.kind) else { return };
    let each = match rule.goal {
        Goal::Total(_) => false,
        Goal::PerReplica(Quantity::Absolute { .. }) => SignalName::OF_REPLICAS.contains(&rule.signal.as_str()),
        Goal::PerReplica(_) => true,
    };
    if let (true, Some(place)) = (each, read.written("window")) {
        let message = "under `compat: kubernetes-hpa` the newest sample of each replica counts: `window` does nothing";
        findings.add(Kind::NoEffect, place, message, "leave it out");
    }
}

fn activate(policy: &ReadPolicy, read: &ReadRule, findings: &mut Findings) {
    let Some(place) = read.written("activate").filter(|_| read.rule.activate > 0.0) else { return };
    let may_be_none = policy.rules.iter().any(|read| match &read.rule.kind {
        RuleKind::Schedule(rule) => rule.replicas.min == Some(0) || rule.replicas.max == Some(0),
        _ => false,
    });
    if !policy.limits.has_idle() && !may_be_none {
        let message = "there is no other count for an idle service: `activate` does nothing";
        findings.add(Kind::NoEffect, place, message, "write `idle` under `replicas`, or leave it out");
    }
}
