//! Knobs, turned: what each contender costs and misses at other settings.

use std::sync::Arc;

use autoscaler::{
    Policy,
    policy::{Goal, QueueGoal, RuleKind},
    quantity::Quantity,
};

use super::tasks::{Outcome, Task, Who};
use crate::{
    Scenario,
    baseline::{self, Unit},
    report::{Contender, Curve, Kind, Point},
};

/// So many settings of each knob.
const SETTINGS: u32 = 7;

/// How much what one replica shall carry is multiplied by. A policy has no single knob, but this moves all of its rules
/// along the line between cost and comfort.
const SCALES: [f64; 6] = [0.5, 0.7, 0.85, 1.2, 1.5, 2.0];

/// One setting of a contender's knob.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// What it is, in words: `× 0.7`, `60 %`.
    words: String,
    /// The value of a baseline's knob.
    pub(super) knob: Option<f64>,
    /// The policy with its knobs turned.
    pub(super) policy: Option<Arc<Policy>>,
}

/// The settings of a contender's knob, without the one that it was given with.
pub(super) fn settings(who: &Who, scenario: &Scenario) -> Vec<Setting> {
    match who {
        Who::Policy(_, policy) => SCALES.into_iter().filter_map(|scale| scaled(policy, scale)).collect(),
        Who::Baseline(name) => {
            let Some(baseline) = baseline::ALL.iter().find(|baseline| baseline.name == name) else { return Vec::new() };
            let knob = baseline.knob(scenario);
            let values = knob.sweep(SETTINGS).into_iter().filter(|value| (value - knob.value).abs() > 1e-9);
            values.map(|value| Setting { words: written(value, knob.unit), knob: Some(value), policy: None }).collect()
        }
        Who::Plan | Who::Still => Vec::new(),
    }
}

/// One curve for each contender whose knob was turned: by cost of the settings' order, the one that was given among them.
pub(super) fn curves(runs: &[(&Task<'_>, Outcome)], contenders: &[Contender]) -> Vec<Curve> {
    let mut curves = Vec::new();
    for (task, outcome) in runs.iter().filter(|(task, _)| task.setting.is_none() && task.pictured) {
        let turned = runs.iter().filter(|(other, _)| other.who == task.who && other.setting.is_some());
        let mut points: Vec<Point> = turned
            .filter_map(|(other, outcome)| Some(point(other.setting.as_ref()?.words.clone(), false, outcome)))
            .collect();
        if points.is_empty() {
            continue;
        }
        points.push(point("as given".to_owned(), true, outcome));
        points.sort_by(|one, other| one.cost.total_cmp(&other.cost));
        let contender = contenders.iter().position(|contender| {
            contender.name == outcome.name && contender.kind == task.who.kind() && contender.kind != Kind::Plan
        });
        curves.push(Curve { name: outcome.name.clone(), contender, knob: knob_of(task), points });
    }
    curves
}

fn point(setting: String, given: bool, outcome: &Outcome) -> Point {
    let measures = &outcome.measures;
    let violations = measures.users.late.unwrap_or(measures.elasticity.tau_u / 100.0);
    Point { setting, given, cost: measures.cost.replica_hours, violations }
}

fn knob_of(task: &Task<'_>) -> String {
    match &task.who {
        Who::Policy(..) => "what a replica shall carry".to_owned(),
        Who::Baseline(name) => baseline::ALL
            .iter()
            .find(|baseline| baseline.name == name)
            .map(|baseline| baseline.knob(&task.scenario).name.to_owned())
            .unwrap_or_default(),
        Who::Plan | Who::Still => String::new(),
    }
}

/// The policy with everything that a replica shall carry multiplied; none where no rule says so much.
fn scaled(policy: &Policy, scale: f64) -> Option<Setting> {
    let mut turned = policy.clone();
    let mut any = false;
    for rule in &mut turned.rules {
        match &mut rule.kind {
            RuleKind::Target(target) => {
                let (Goal::PerReplica(quantity) | Goal::Total(quantity)) = &mut target.goal;
                multiply(quantity, scale);
            }
            RuleKind::Burst(burst) => multiply(&mut burst.per_replica, scale),
            RuleKind::Forecast(forecast) => multiply(&mut forecast.per_replica, scale),
            RuleKind::Queue(queue) => match &mut queue.goal {
                QueueGoal::PerReplica(jobs) => *jobs *= scale,
                QueueGoal::Drain { within, .. } => *within = within.mul_f64(scale),
            },
            RuleKind::Threshold(_) | RuleKind::Ratio(_) | RuleKind::Schedule(_) | RuleKind::Formula(_) => continue,
        }
        any = true;
    }
    any.then(|| Setting { words: format!("× {scale}"), knob: None, policy: Some(Arc::new(turned)) })
}

fn multiply(quantity: &mut Quantity, scale: f64) {
    match quantity {
        Quantity::Absolute { value, .. } | Quantity::OfLimit(value) | Quantity::OfReservation(value) => *value *= scale,
    }
}

fn written(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Share => format!("{:.0} %", value * 100.0),
        Unit::Requests | Unit::Replicas => format!("{value:.0}"),
    }
}
