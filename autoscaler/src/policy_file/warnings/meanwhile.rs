//! Forecasts that cannot act at first, and nothing that scales meanwhile.

use super::super::{policy::ReadPolicy, rules::ReadRule};
use crate::{
    policy::{Capacity, Direction, RuleKind},
    rule::can,
    text::{Findings, Kind, Place},
    time::spoken,
};

const CURE: &str =
    "write a rule beside it that scales meanwhile, such as `- target: { signal: cpu, per_replica: 70% }`";

pub(super) fn look_at(policy: &ReadPolicy, findings: &mut Findings) {
    let adds = |read: &&ReadRule| !read.rule.observe && can(&read.rule, Direction::Up);
    let mut waiting = Vec::new();
    for read in policy.rules.iter().filter(adds) {
        match waits(read) {
            Some(why) => waiting.push(why),
            None => return,
        }
    }
    for (place, message) in waiting {
        findings.add(Kind::ScalesLater, place, message, CURE);
    }
}

/// What a rule waits for before it acts, and where that is written; `None` where it acts at once.
fn waits(read: &ReadRule) -> Option<(Place, String)> {
    let RuleKind::Forecast(rule) = &read.rule.kind else { return None };
    match (rule.on_trial, rule.capacity) {
        (Some(span), _) => Some((
            read.written("on_trial").unwrap_or(read.place),
            format!(
                "this rule is on trial, and no other one adds replicas: nothing grows before it was cheaper over {}",
                spoken(span)
            ),
        )),
        (None, Capacity::Learned(_)) => Some((
            read.bound,
            "what a replica carries is not known at first, and no other rule adds replicas: nothing grows before that is \
             learned, from steady moments whose load spans twice the least"
                .to_owned(),
        )),
        (None, Capacity::Given(_)) => None,
    }
}
