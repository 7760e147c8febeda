//! `rules`: what wants how many replicas, and how they stand together.

mod demand;
mod forecast;
mod others;
mod threshold;

use super::{
    grammar,
    quantity::{self, Bounds, Measure},
    signals::ReadSignals,
};
use crate::{
    policy::{Combine, Group, Member, Rule, RuleKind, Tolerance},
    quantity::{Quantity, SignalName},
    text::{
        Entry, Fields, Findings, Kind, Node, Place, Value, listed, nearest, quote,
        values::{boolean, did_you_mean},
    },
};

/// How many rules a policy may have.
const MOST_RULES: usize = 100;
const EXAMPLE: &str = grammar::rules::RULE.example;

/// What rules are read with.
pub(super) struct Scope<'s> {
    pub(super) signals: &'s ReadSignals,
    /// Of targets that do not say.
    pub(super) tolerance: Tolerance,
}

/// Reads what stands behind the name of a kind of rule.
type ReadKind = fn(&Node, &Scope<'_>, &mut Findings) -> Option<Read>;

/// Every kind of rule.
const KINDS: [(&str, ReadKind); 8] = [
    ("target", demand::target),
    ("threshold", threshold::read),
    ("queue", demand::queue),
    ("schedule", others::schedule),
    ("ratio", others::ratio),
    ("burst", demand::burst),
    ("formula", others::formula),
    ("forecast", forecast::read),
];

/// Every kind of group.
const GROUPS: [(&str, Combine); 3] = [("all", Combine::ALL), ("any", Combine::LARGEST), ("first", Combine::First)];

/// What a kind of rule makes of its settings.
struct Read {
    kind: RuleKind,
    activate: f64,
    bound: Place,
    numbers: bool,
}

impl Read {
    fn new(kind: RuleKind, bound: Place) -> Self {
        Self { kind, activate: 0.0, bound, numbers: false }
    }
}

/// A rule, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct ReadRule {
    pub(super) rule: Rule,
    /// The name of its kind.
    pub(super) place: Place,
    /// The value that it holds the signal against.
    pub(super) bound: Place,
    /// Whether that is a number without a unit.
    pub(super) bare: bool,
    /// The keys that somebody wrote.
    written: Vec<(String, Place)>,
}

impl ReadRule {
    /// Where a setting's key stands, if somebody wrote it.
    pub(super) fn written(&self, key: &str) -> Option<Place> {
        self.written.iter().find(|(name, _)| name == key).map(|(_, place)| *place)
    }
}

/// The rules in the order of the file, those of groups included, and how they stand together at the top.
pub(super) fn read(node: &Node, scope: &Scope<'_>, findings: &mut Findings) -> (Vec<ReadRule>, Vec<Member>) {
    let mut rules = Vec::new();
    let members = members(node, "`rules`", scope, &mut rules, findings);
    (rules, members)
}

fn members(
    node: &Node,
    what: &str,
    scope: &Scope<'_>,
    rules: &mut Vec<ReadRule>,
    findings: &mut Findings,
) -> Vec<Member> {
    let Value::List(items) = &node.value else {
        let message = format!("{what} must be a list, not {}", node.found());
        findings.add(Kind::WrongShape, node.place, message, format!("such as `{EXAMPLE}`"));
        return Vec::new();
    };
    if items.is_empty() {
        findings.add(Kind::Missing, node.place, format!("{what} has no rule"), format!("such as `{EXAMPLE}`"));
    }
    let mut members = Vec::new();
    for item in items {
        if rules.len() >= MOST_RULES {
            let message = format!("this is one rule too many: at most {MOST_RULES} can be given");
            findings.add(Kind::TooMuch, item.place, message, "leave out those that never win");
            break;
        }
        members.extend(member(item, scope, rules, findings));
    }
    members
}

fn member(node: &Node, scope: &Scope<'_>, rules: &mut Vec<ReadRule>, findings: &mut Findings) -> Option<Member> {
    let Entry { key, key_place, value } = only_kind(node, findings)?;
    let name = setting(node, "name").and_then(|node| node.text("`name`", "evening-peak", findings).map(str::to_owned));
    let observe = setting(node, "observe").map(|node| boolean(node, "`observe`", findings));
    if let Some((_, how)) = GROUPS.iter().find(|(name, _)| name == key) {
        for said in ["name", "observe"].into_iter().filter_map(|name| entry(node, name)) {
            if !said.key_place.is_built_in() {
                let message = format!("`{}` is for rules, and this is a group of them", said.key);
                findings.add(Kind::Conflict, said.key_place, message, "give it to the rules of the group");
            }
        }
        let members = members(value, &format!("`{key}`"), scope, rules, findings);
        return Some(Member::Group(Group { how: *how, members }));
    }
    let Some((_, read)) = KINDS.iter().find(|(name, _)| name == key) else {
        unknown_kind(key, *key_place, findings);
        return None;
    };
    let Read { kind, activate, bound, numbers } = read(value, scope, findings)?;
    let rule = Rule { name, observe: observe??, activate, kind };
    if let Some(same) = rules.iter().find(|other| rule.name.is_some() && other.rule.name == rule.name) {
        let message = format!("the rule at {} has this name already", same.place);
        let place = setting(node, "name").map_or(*key_place, |name| name.place);
        findings.add(Kind::Conflict, place, message, "give each rule a name of its own");
    }
    let entries = if let Value::Map(entries) = &value.value { entries.as_slice() } else { &[] };
    let written = entries.iter().filter(|entry| !entry.key_place.is_built_in());
    let written = written.map(|entry| (entry.key.clone(), entry.key_place)).collect();
    rules.push(ReadRule { rule, place: *key_place, bound, bare: numbers, written });
    Some(Member::Rule(rules.len() - 1))
}

fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n Entry> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|entry| entry.key == key)
}

fn setting<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    entry(node, key).map(|entry| &entry.value)
}

fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(name, _)| *name).chain(GROUPS.iter().map(|(name, _)| *name))
}

fn unknown_kind(key: &str, place: Place, findings: &mut Findings) {
    let message = format!("unknown kind of rule {}; allowed: {}", quote(key), listed(kinds()));
    let help = match nearest(key, kinds()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("such as `{EXAMPLE}`"),
    };
    findings.add(Kind::Unknown, place, message, help);
}

/// The one `kind: settings` that a rule is, besides what every rule may have.
fn only_kind<'n>(node: &'n Node, findings: &mut Findings) -> Option<&'n Entry> {
    let example = format!("such as `{EXAMPLE}`");
    let Value::Map(entries) = &node.value else {
        let message = format!("a rule must be a map of its kind to its settings, not {}", node.found());
        findings.add(Kind::WrongShape, node.place, message, example);
        return None;
    };
    let others: Vec<&Entry> =
        entries.iter().filter(|entry| !matches!(entry.key.as_str(), "name" | "observe")).collect();
    match others.as_slice() {
        [only] => Some(only),
        [] => {
            findings.add(Kind::Missing, node.place, "the rule has no kind", example);
            None
        }
        [first, second, ..] => {
            let message =
                format!("a rule has one kind, and besides {} this has {}", quote(&first.key), quote(&second.key));
            let help = if kinds().any(|name| name == second.key) {
                format!("begin a rule of its own: `- {}: …`", second.key)
            } else if let Some(near) = nearest(&second.key, ["name", "observe"]) {
                format!("did you mean `{near}`?")
            } else {
                format!("indent the settings further than their kind, or write them in braces: `{EXAMPLE}`")
            };
            findings.add(Kind::Conflict, second.key_place, message, help);
            None
        }
    }
}

/// The signal that is read, and what it is measured in.
pub(super) fn signal(
    fields: &Fields<'_>,
    signals: &ReadSignals,
    findings: &mut Findings,
) -> (Option<SignalName>, Measure) {
    let Some(node) = fields.required("signal", findings) else { return (None, Measure::Unknown) };
    signal_of(node, "`signal`", signals, findings)
}

/// The same of any value.
pub(super) fn signal_of(
    node: &Node,
    what: &str,
    signals: &ReadSignals,
    findings: &mut Findings,
) -> (Option<SignalName>, Measure) {
    let Some(text) = node.text(what, "cpu", findings) else { return (None, Measure::Unknown) };
    let name = SignalName::new(text);
    if let Some(measure) = signals.measure(&name) {
        return (Some(name), measure);
    }
    unknown_signal(text, node.place, signals, findings);
    (None, Measure::Unknown)
}

pub(super) fn unknown_signal(text: &str, place: Place, signals: &ReadSignals, findings: &mut Findings) {
    let message = format!("the signal {} is not defined; there are {}", quote(text), listed(signals.names()));
    let help = match did_you_mean(text, signals.names()) {
        help if help.is_empty() => "define it under `signals`".to_owned(),
        help => help,
    };
    findings.add(Kind::UnknownSignal, place, message, help);
}

pub(super) use threshold::step_of as threshold_step;

/// What one replica shall carry, where that stands, and whether it is a number without a unit.
fn carried(
    node: &Node,
    what: &str,
    (signal, measure): (Option<&SignalName>, Measure),
    findings: &mut Findings,
) -> Option<(Quantity, Place, bool)> {
    let name = signal.map_or("", SignalName::as_str);
    let value = quantity::read(node, what, name, measure, Bounds::AboveZero, findings)?;
    Some((value, node.place, is_bare(node)))
}

fn is_bare(node: &Node) -> bool {
    matches!(&node.value, Value::Text(text) if text.ends_with(|c: char| c.is_ascii_digit()))
}

/// `activate`, in the signal's unit.
fn activate(
    fields: &Fields<'_>,
    (signal, measure): (Option<&SignalName>, Measure),
    findings: &mut Findings,
) -> Option<f64> {
    let node = fields.get("activate")?;
    if matches!(&node.value, Value::Text(text) if text == "0") {
        return Some(0.0);
    }
    let name = signal.map_or("", SignalName::as_str);
    quantity::read(node, "`activate`", name, measure, Bounds::Any, findings).map(Quantity::value)
}

/// Two values as plain numbers, to compare, if they are of the same sort.
pub(super) fn comparable(one: Quantity, other: Quantity) -> Option<(f64, f64)> {
    match (one, other) {
        (Quantity::OfLimit(one), Quantity::OfLimit(other))
        | (Quantity::OfReservation(one), Quantity::OfReservation(other)) => Some((one, other)),
        (Quantity::Absolute { value: one, unit: a }, Quantity::Absolute { value: other, unit: b }) if a == b => {
            Some((one, other))
        }
        _ => None,
    }
}
