//! `missing`: what a missing signal does.

use std::collections::BTreeMap;

use crate::{
    policy::{Fallback, Missing, MissingPolicies},
    policy_file::{grammar::guards as maps, rules::unknown_signal, signals::ReadSignals},
    quantity::SignalName,
    text::{Findings, Kind, Node, Value, values::word},
    time::spoken,
};

/// The name under which all other signals stand.
const DEFAULT: &str = "default";

/// One for all, or one for each signal by its name.
pub(super) fn read(node: &Node, signals: &ReadSignals, findings: &mut Findings) -> Option<MissingPolicies> {
    let by_name = match &node.value {
        Value::Map(entries) => {
            let is_one = entries.iter().any(|entry| maps::MISSING.key(&entry.key).is_some());
            Some(entries).filter(|entries| !is_one && !entries.is_empty())
        }
        _ => None,
    };
    let Some(entries) = by_name else {
        return one(node, findings).map(|default| MissingPolicies { default, by_signal: BTreeMap::new() });
    };
    let mut policies = MissingPolicies::default();
    let mut fine = true;
    for entry in entries {
        let Some(missing) = one(&entry.value, findings) else {
            fine = false;
            continue;
        };
        if entry.key == DEFAULT {
            policies.default = missing;
            continue;
        }
        let name = SignalName::new(entry.key.as_str());
        if signals.measure(&name).is_none() {
            unknown_signal(&entry.key, entry.key_place, signals, findings);
        }
        policies.by_signal.insert(name, missing);
    }
    fine.then_some(policies)
}

fn one(node: &Node, findings: &mut Findings) -> Option<Missing> {
    if !matches!(node.value, Value::Map(_)) {
        return fallback(node, "`missing`", findings).map(|then| Missing { then, ..Missing::default() });
    }
    let fields = node.fields(&maps::MISSING, findings)?;
    let last_good = fields.duration("last_good", findings);
    let after = fields.get("after").map(|_| fields.duration("after", findings));
    let at_least = fields.get("at_least").map(|_| fields.whole("at_least", findings).map(Fallback::AtLeast));
    let then = fields.get("then").map(|node| fallback(node, "`then`", findings));
    fields.one_of("then", findings);
    let last_good = last_good?;
    let after = after.unwrap_or(Some(last_good))?;
    if let Some(entry) = fields.entry("after").filter(|_| after < last_good) {
        let (after, last_good) = (spoken(after), spoken(last_good));
        let message = format!("`after` is {after}, shorter than `last_good`: `then` begins after {last_good}");
        let help = format!("write `after: {last_good}` or more, or leave it out");
        findings.add(Kind::NoEffect, entry.key_place, message, help);
    }
    Some(Missing { last_good, after, then: at_least.or(then)?? })
}

fn fallback(node: &Node, what: &str, findings: &mut Findings) -> Option<Fallback> {
    if matches!(node.value, Value::Map(_)) {
        let fields = node.fields(&maps::AT_LEAST, findings)?;
        fields.required("at_least", findings)?;
        return fields.whole("at_least", findings).map(Fallback::AtLeast);
    }
    word(node, what, &[("hold", Fallback::Hold), ("max", Fallback::Max)], findings)
}
