//! Formulas of a count that hardly count.

use super::super::policy::ReadPolicy;
use crate::{
    formula::Formula,
    policy::RuleKind,
    rule::whole,
    text::{Findings, Kind},
};

pub(super) fn look_at(policy: &ReadPolicy, findings: &mut Findings) {
    // A schedule may set another one.
    let min = policy.limits.min.max(1);
    let max = policy.most_allowed();
    for read in &policy.rules {
        let RuleKind::Formula(rule) = &read.rule.kind else { continue };
        let odd = condition(&rule.replicas).or_else(|| too_many(&rule.replicas, max)).or_else(|| {
            let feeds = feeds_itself(&rule.replicas, min, max);
            feeds.map(|message| (message, "count by a signal, such as `ceil(queue.jobs / 20)`"))
        });
        if let Some((message, help)) = odd {
            findings.add(Kind::OddFormula, read.bound, message, help);
        }
    }
}

fn condition(formula: &Formula) -> Option<(String, &'static str)> {
    formula.is_condition().then(|| {
        let message = "`replicas` is a condition: it asks for 1 replica, or for none".to_owned();
        (message, "write the counts: `cpu > 1 ? 4 : 2`")
    })
}

fn too_many(formula: &Formula, max: u32) -> Option<(String, &'static str)> {
    let constant = of_replicas(formula, 1)?;
    // Where it is the same for several counts, it is for all but those of a formula made to mislead.
    if [2, 3, 7, 100].into_iter().any(|replicas| of_replicas(formula, replicas) != Some(constant)) {
        return None;
    }
    let message = format!("`replicas` is always {constant}, and `max` is {max}: that wins");
    (constant > max).then_some((message, "write a count within the limits"))
}

fn feeds_itself(formula: &Formula, min: u32, max: u32) -> Option<String> {
    /// Counts that are tried.
    const MOST: u32 = 1000;
    if min >= max || !formula.reads_replicas() {
        return None;
    }
    let last = max.min(min.saturating_add(MOST));
    let grows = (min..last).all(|replicas| of_replicas(formula, replicas).is_some_and(|wants| wants > replicas));
    grows.then(|| {
        format!("this formula feeds on its own result: it always wants more than there are, so that it ends at {max}")
    })
}

/// What a formula without signals wants if so many replicas are there and serve.
fn of_replicas(formula: &Formula, replicas: u32) -> Option<u32> {
    if formula.signals().next().is_some() {
        return None;
    }
    formula.evaluate(|_| None, replicas, replicas).ok().map(whole)
}
