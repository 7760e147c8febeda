//! What was expected of a run, and what came of it: the verdict on each expectation, and which decision broke it.

mod judged;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use autoscaler::{Timestamp, explain, time::spoken};
use serde::Serialize;

use crate::{
    Scaler, Scenario,
    report::Judgement,
    scenario::{Expectation, Expected},
    simulation::{Change, Segment, Watch},
};
use judged::Judged;

/// Judges a run that it watches by what its scenario expects. Its memory does not grow with the length of the run.
#[derive(Clone, Debug)]
pub struct Judge {
    begins: Timestamp,
    judged: Vec<Judged>,
    /// The newest change of the count.
    newest: Option<Arc<Decision>>,
}

/// What came of an expectation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// What was expected, in words: `changes: at most 12`.
    pub expected: String,
    /// Whether it is so. What could not be found out is not.
    pub met: bool,
    /// The value found, in the unit of the bound: of several, the one nearest to breaking it or furthest beyond.
    pub value: Option<f64>,
    /// The value in words, or why there is none.
    pub found: String,
    /// When it was broken: at the first moment, or, for a share, from when on it stayed beyond the bound.
    #[serde(rename = "broken_at_ms", skip_serializing_if = "Option::is_none")]
    pub broken_at: Option<Timestamp>,
    /// The same since the beginning, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_after: Option<String>,
    /// The change that was in force then; of changes and turns, the one that was too much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

/// A change of the count with its full explanation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// When.
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
    /// Replicas that there were to be.
    pub from: u32,
    /// Replicas that there were to be from then on.
    pub to: u32,
    /// Why, in a sentence.
    pub why: String,
    /// What each rule wanted, where a policy decided.
    pub rules: Vec<String>,
    /// What each guard did to that.
    pub guards: Vec<String>,
    /// What would have changed it next.
    pub next: Option<String>,
}

impl Judge {
    /// One for a run of this scenario. `plan` is the cost of the clairvoyant plan in replica-hours, where it is known.
    pub fn new(scenario: &Scenario, plan: Option<f64>) -> Self {
        let judged = scenario.expect.iter().map(|expectation| Judged::new(expectation.clone(), scenario, plan));
        Self { begins: scenario.begins, judged: judged.collect(), newest: None }
    }

    /// What came of each expectation, in the order of the scenario.
    pub fn verdicts(&self) -> Vec<Verdict> {
        self.judged.iter().map(|judged| judged.verdict(self.begins)).collect()
    }
}

impl Watch for Judge {
    fn segment(&mut self, segment: &Segment) {
        for judged in &mut self.judged {
            judged.segment(segment, self.newest.as_ref());
        }
    }

    fn change(&mut self, change: &Change, scaler: &dyn Scaler) {
        if change.from == change.to {
            return;
        }
        self.newest = Some(Arc::new(Decision::new(change, scaler)));
        for judged in &mut self.judged {
            judged.change(change, self.newest.as_ref());
        }
    }
}

impl Verdict {
    /// As a report has it.
    pub fn judgement(&self) -> Judgement {
        let mut found = self.found.clone();
        if let Some(after) = &self.broken_after {
            found.push_str("; broken after ");
            found.push_str(after);
        }
        if let Some(decision) = &self.decision {
            found.push_str(" by ");
            found.push_str(&decision.to_string());
        }
        Judgement { expected: self.expected.clone(), met: self.met, found }
    }
}

impl Decision {
    fn new(change: &Change, scaler: &dyn Scaler) -> Self {
        let evaluation = scaler.evaluation();
        Self {
            at: change.at,
            from: change.from,
            to: change.to,
            why: change.why.clone(),
            rules: evaluation.map(explain::rules).unwrap_or_default(),
            guards: evaluation.map(explain::guards).unwrap_or_default(),
            next: evaluation.and_then(explain::next),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the change {} → {}: {}", self.from, self.to, self.why)
    }
}

/// What is expected, in words.
fn words(expectation: &Expectation) -> String {
    let Expectation { what, least, most, after, until } = expectation;
    let bound = match (least, most) {
        (Some(least), Some(most)) => format!("{} to {}", amount(*what, *least), amount(*what, *most)),
        (Some(least), None) => format!("at least {}", amount(*what, *least)),
        (None, Some(most)) => format!("at most {}", amount(*what, *most)),
        (None, None) => "anything".to_owned(),
    };
    let span = match (after.is_zero(), until) {
        (true, None) => String::new(),
        (false, None) => format!(" after {}", spoken(*after)),
        (true, Some(until)) => format!(" until {}", spoken(*until)),
        (false, Some(until)) => format!(" from {} to {}", spoken(*after), spoken(*until)),
    };
    format!("{}: {bound}{span}", name(*what))
}

fn name(what: Expected) -> &'static str {
    match what {
        Expected::Replicas => "replicas",
        Expected::Ready => "ready",
        Expected::Changes => "changes",
        Expected::Reversals => "reversals",
        Expected::Late => "late",
        Expected::Lost => "lost",
        Expected::Short => "short",
        Expected::Waiting => "waiting",
        Expected::ReplicaHours => "replica_hours",
        Expected::Cost => "cost",
    }
}

/// A value with no more digits than it needs.
fn amount(what: Expected, value: f64) -> String {
    match what {
        Expected::Late | Expected::Lost | Expected::Short | Expected::Cost => format!("{} %", short(value * 100.0)),
        _ => short(value),
    }
}

fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() || text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn since(begins: Timestamp, at: Timestamp) -> Duration {
    at.since(begins)
}
