//! What guards and rules remember.

use super::{
    Given,
    scalars::{ago, count},
};
use crate::{
    Timestamp,
    memory::{Manual, ScaleStep},
    rule::{RuleState, burst::Panic, threshold::Breach},
    state::Remembered,
    text::{
        Fields, Findings, Kind, Node, Value,
        grammar::{Map, names},
        quote,
        values::{boolean, decimal, whole},
    },
};

static RECOMMENDATION: Map =
    Map::of_names("a recommendation", r#"{ "ago": "2m", "replicas": 5 }"#, &names(["ago", "replicas"]));
static STEP: Map =
    Map::of_names("a scale event", r#"{ "ago": "20s", "from": 4, "to": 6 }"#, &names(["ago", "from", "to", "change"]));
static MANUAL: Map = Map::of_names("`manual`", r#"{ "ago": "2m", "replicas": 5 }"#, &names(["ago", "replicas"]));
static RULE: Map = Map::of_names(
    "what a rule remembers",
    r#"{ "breach_ago": "40s" }"#,
    &names(["breach_ago", "stepped", "panic_ago", "most"]),
);

/// Everything that is remembered; `replicas` is how many there are now.
pub(super) fn remembered(
    fields: &Fields<'_>,
    replicas: Option<u32>,
    given: Given,
    findings: &mut Findings,
) -> Remembered {
    let now = given.now;
    Remembered {
        recommendations: fields.given("recommendations").and_then(|node| recommendations(node, now, findings)),
        steps: fields.given("scale_events").and_then(|node| steps(node, replicas.unwrap_or_default(), now, findings)),
        rules: fields.given("rules").map(|node| rules(node, now, findings)).unwrap_or_default(),
        manual: fields.given("manual").and_then(|node| {
            let (at, replicas) = at_count(&node.fields(&MANUAL, findings)?, now, findings)?;
            Some(Manual { at, replicas })
        }),
        evaluations: count(fields, "evaluations", findings).map(u64::from),
        ..Remembered::default()
    }
}

fn recommendations(node: &Node, now: Timestamp, findings: &mut Findings) -> Option<Vec<(Timestamp, u32)>> {
    let items = node.items("`recommendations`", r#"[{ "ago": "2m", "replicas": 5 }]"#, findings)?;
    let read = |item: &Node| at_count(&item.fields(&RECOMMENDATION, findings)?, now, findings);
    let mut all: Vec<_> = items.iter().filter_map(read).collect();
    all.sort_by_key(|(at, _)| *at);
    Some(all)
}

/// `ago` and `replicas`, both needed.
fn at_count(fields: &Fields<'_>, now: Timestamp, findings: &mut Findings) -> Option<(Timestamp, u32)> {
    for key in ["ago", "replicas"] {
        if fields.given(key).is_none() {
            fields.missing(&format!("`{key}`"), &[key], findings);
        }
    }
    let at = fields.given("ago").and_then(|node| ago(node, "`ago`", now, findings));
    let replicas = count(fields, "replicas", findings);
    Some((at?, replicas?))
}

/// What a step was: from and to, or only by how many.
enum Change {
    FromTo(u32, u32),
    By(i64),
}

/// The steps by time. Where only the change is given, the counts follow from what there is now.
fn steps(node: &Node, count: u32, now: Timestamp, findings: &mut Findings) -> Option<Vec<ScaleStep>> {
    let items = node.items("`scale_events`", r#"[{ "ago": "20s", "change": 2 }]"#, findings)?;
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
    let fields = node.fields(&STEP, findings)?;
    if fields.given("ago").is_none() {
        fields.missing("`ago`", &["ago"], findings);
    }
    let at = fields.given("ago").and_then(|node| ago(node, "`ago`", now, findings));
    let (from, to) = (count(&fields, "from", findings), count(&fields, "to", findings));
    let change = match (fields.given("change"), fields.given("from"), fields.given("to")) {
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
        let message = format!("`change` is {}; allowed: a whole number", quote(text));
        findings.add(Kind::BadValue, node.place, message, "write `2` for two more, `-2` for two fewer");
    }
    number.map(|number| number as i64)
}

/// What each rule remembers, in the policy's order; `null` for one of which nothing is said.
fn rules(node: &Node, now: Timestamp, findings: &mut Findings) -> Vec<Option<RuleState>> {
    let Some(items) = node.items("`rules`", r#"[null, { "breach_ago": "40s" }]"#, findings) else { return Vec::new() };
    items
        .iter()
        .map(|item| if matches!(item.value, Value::Nothing) { None } else { rule(item, now, findings) })
        .collect()
}

fn rule(node: &Node, now: Timestamp, findings: &mut Findings) -> Option<RuleState> {
    let fields = node.fields(&RULE, findings)?;
    let mut before = |key: &str| fields.given(key).and_then(|node| ago(node, &format!("`{key}`"), now, findings));
    let (breach, panic) = (before("breach_ago"), before("panic_ago"));
    let stepped = fields.given("stepped").and_then(|node| boolean(node, "`stepped`", findings)).unwrap_or(false);
    let most =
        fields.given("most").and_then(|node| whole(node, "`most`", &(0..=u32::MAX), findings)).unwrap_or_default();
    match (fields.given("breach_ago").or(fields.given("stepped")), fields.given("panic_ago").or(fields.given("most"))) {
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
