//! What guards and rules remember.

use super::{
    super::{
        finding::{Findings, Kind},
        node::{Node, Value},
        values::decimal,
    },
    Given,
    fields::{Fields, Form, items},
    scalars::{ago, count, flag},
};
use crate::{
    Timestamp,
    memory::{Manual, ScaleStep},
    rule::{RuleState, burst::Panic, threshold::Breach},
    state::Remembered,
};

static RECOMMENDATION: Form =
    Form { what: "a recommendation", example: r#"{ "ago": "2m", "replicas": 5 }"#, keys: &["ago", "replicas"] };
static STEP: Form = Form {
    what: "a scale event",
    example: r#"{ "ago": "20s", "from": 4, "to": 6 }"#,
    keys: &["ago", "from", "to", "change"],
};
static MANUAL: Form =
    Form { what: "`manual`", example: r#"{ "ago": "2m", "replicas": 5 }"#, keys: &["ago", "replicas"] };
static RULE: Form = Form {
    what: "what a rule remembers",
    example: r#"{ "breach_ago": "40s" }"#,
    keys: &["breach_ago", "stepped", "panic_ago", "most"],
};

/// Everything that is remembered; `count` is how many there are now.
pub(super) fn remembered(fields: &Fields<'_>, count: Option<u32>, given: Given, findings: &mut Findings) -> Remembered {
    let now = given.now;
    Remembered {
        recommendations: fields.get("recommendations").and_then(|node| recommendations(node, now, findings)),
        steps: fields.get("scale_events").and_then(|node| steps(node, count.unwrap_or_default(), now, findings)),
        rules: fields.get("rules").map(|node| rules(node, now, findings)).unwrap_or_default(),
        manual: fields.get("manual").and_then(|node| {
            let (at, replicas) = at_count(&Fields::of(node, &MANUAL, findings)?, now, findings)?;
            Some(Manual { at, replicas })
        }),
        evaluations: fields.count("evaluations", findings).map(u64::from),
        ..Remembered::default()
    }
}

fn recommendations(node: &Node, now: Timestamp, findings: &mut Findings) -> Option<Vec<(Timestamp, u32)>> {
    let items = items(node, "`recommendations`", r#"[{ "ago": "2m", "replicas": 5 }]"#, findings)?;
    let read = |item| at_count(&Fields::of(item, &RECOMMENDATION, findings)?, now, findings);
    let mut all: Vec<_> = items.iter().filter_map(read).collect();
    all.sort_by_key(|(at, _)| *at);
    Some(all)
}

/// `ago` and `replicas`, both needed.
fn at_count(fields: &Fields<'_>, now: Timestamp, findings: &mut Findings) -> Option<(Timestamp, u32)> {
    for key in ["ago", "replicas"] {
        if fields.get(key).is_none() {
            fields.missing(&format!("`{key}`"), &[key], findings);
        }
    }
    let at = fields.get("ago").and_then(|node| ago(node, "`ago`", now, findings));
    let replicas = fields.count("replicas", findings);
    Some((at?, replicas?))
}

/// What a step was: from and to, or only by how many.
enum Change {
    FromTo(u32, u32),
    By(i64),
}

/// The steps by time. Where only the change is given, the counts follow from what there is now.
fn steps(node: &Node, count: u32, now: Timestamp, findings: &mut Findings) -> Option<Vec<ScaleStep>> {
    let items = items(node, "`scale_events`", r#"[{ "ago": "20s", "change": 2 }]"#, findings)?;
    let mut changes: Vec<_> = items.iter().filter_map(|item| change(item, now, findings)).collect();
    changes.sort_by_key(|(at, _)| *at);
    let mut after = count;
    let mut steps: Vec<ScaleStep> = Vec::new();
    for (at, change) in changes.into_iter().rev() {
        let (from, to) = match change {
            Change::FromTo(from, to) => (from, to),
            Change::By(by) => {
                // The change itself is kept whole, even where there would have been fewer than none before it.
                let by_at_most = u32::try_from(by.unsigned_abs()).unwrap_or(u32::MAX);
                let to = if by > 0 { after.max(by_at_most) } else { after };
                (if by > 0 { to - by_at_most } else { to.saturating_add(by_at_most) }, to)
            }
        };
        after = from;
        steps.push(ScaleStep { at, from, to, running: None });
    }
    steps.reverse();
    Some(steps)
}

fn change(node: &Node, now: Timestamp, findings: &mut Findings) -> Option<(Timestamp, Change)> {
    let fields = Fields::of(node, &STEP, findings)?;
    if fields.get("ago").is_none() {
        fields.missing("`ago`", &["ago"], findings);
    }
    let at = fields.get("ago").and_then(|node| ago(node, "`ago`", now, findings));
    let (from, to) = (fields.count("from", findings), fields.count("to", findings));
    let change = match (fields.get("change"), fields.get("from"), fields.get("to")) {
        (Some(node), None, None) => Change::By(signed(node, findings)?),
        (None, Some(_), Some(_)) => Change::FromTo(from?, to?),
        (Some(node), ..) => {
            let message = "`change` is given beside `from` or `to`";
            findings.add(Kind::Conflict, node.place, message, "keep one of them");
            return None;
        }
        _ => {
            fields.missing("`from` and `to`, or `change`,", &["from", "to", "change"], findings);
            return None;
        }
    };
    Some((at?, change))
}

/// A whole number that may be negative.
#[expect(clippy::cast_possible_truncation, reason = "whole and within 32 bits, as it is checked to be")]
fn signed(node: &Node, findings: &mut Findings) -> Option<i64> {
    let text = node.text("`change`", "2", findings)?;
    let number = decimal(text).filter(|number| number.fract() == 0.0 && number.abs() <= f64::from(u32::MAX));
    if number.is_none() {
        let message = format!("`change` is {}; allowed: a whole number", super::super::finding::quote(text));
        findings.add(Kind::BadValue, node.place, message, "write `2` for two more, `-2` for two fewer");
    }
    number.map(|number| number as i64)
}

/// What each rule remembers, in the policy's order; `null` for one of which nothing is said.
fn rules(node: &Node, now: Timestamp, findings: &mut Findings) -> Vec<Option<RuleState>> {
    let Some(items) = items(node, "`rules`", r#"[null, { "breach_ago": "40s" }]"#, findings) else { return Vec::new() };
    items
        .iter()
        .map(|item| if matches!(item.value, Value::Nothing) { None } else { rule(item, now, findings) })
        .collect()
}

fn rule(node: &Node, now: Timestamp, findings: &mut Findings) -> Option<RuleState> {
    let fields = Fields::of(node, &RULE, findings)?;
    let mut before = |key: &str| fields.get(key).and_then(|node| ago(node, &format!("`{key}`"), now, findings));
    let (breach, panic) = (before("breach_ago"), before("panic_ago"));
    let stepped = fields.get("stepped").and_then(|node| flag(node, "`stepped`", findings)).unwrap_or(false);
    let most = fields.get("most").and_then(|node| count(node, "`most`", 0, u32::MAX, findings)).unwrap_or_default();
    match (fields.get("breach_ago").or(fields.get("stepped")), fields.get("panic_ago").or(fields.get("most"))) {
        (Some(_), Some(node)) => {
            let message = "a rule remembers a breach or a panic, not both";
            findings.add(Kind::Conflict, node.place, message, "keep what the rule at this place can remember");
            None
        }
        (_, Some(_)) => Some(RuleState::Burst(Panic { since: panic, most })),
        _ => {
            let stepped_at = breach.filter(|_| stepped).unwrap_or_default();
            Some(RuleState::Threshold(Breach { since: breach, seen: now, stepped, stepped_at, ..Breach::default() }))
        }
    }
}
