//! Knobs, turned: what each contender costs and misses at other settings.

use std::sync::Arc;

use autoscaler::Policy;

use super::tasks::{Outcome, Task, Who};
use crate::{
    Scenario,
    baseline::{self, Unit},
    ladder::{TURNS, turned},
    report::{Contender, Curve, Kind, Point},
};

/// So many settings of each knob.
const SETTINGS: u32 = 7;

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
        Who::Policy(_, policy) => TURNS.into_iter().filter_map(|scale| scaled(policy, scale)).collect(),
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
        Who::Policy(..) => "what a replica carries".to_owned(),
        Who::Baseline(name) => baseline::ALL
            .iter()
            .find(|baseline| baseline.name == name)
            .map(|baseline| baseline.knob(&task.scenario).name.to_owned())
            .unwrap_or_default(),
        Who::Plan | Who::Still => String::new(),
    }
}

/// The policy with its knob turned; none where it has nothing to turn.
fn scaled(policy: &Policy, turn: f64) -> Option<Setting> {
    let policy = Arc::new(turned(policy, turn)?);
    Some(Setting { words: format!("× {turn}"), knob: None, policy: Some(policy) })
}

fn written(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Share => format!("{:.0} %", value * 100.0),
        Unit::Requests | Unit::Replicas => format!("{value:.0}"),
    }
}
