//! `rules`: what wants how many replicas. One function for each kind of rule.

use super::{
    fields::Fields,
    finding::{Findings, Kind, quote},
    grammar,
    node::{Entry, Node, Place, Value},
    quantity::{self, Bounds, Measure},
    signals::ReadSignals,
    spelling::{listed, nearest},
    values::{decimal, did_you_mean, percentage},
};
use crate::{
    policy::{
        Action, Bounds as Band, Direction, Goal, Lasting, Rounding, Rule, RuleKind, Step, StepSize, Target, Threshold,
        Tolerance,
    },
    quantity::{Quantity, SignalName},
};

/// How many rules a policy may have.
const MOST_RULES: usize = 100;
/// The most replicas that one step can add or remove.
const LARGEST_STEP: u32 = 1000;
const EXAMPLE: &str = grammar::rules::RULE.example;

/// Reads what stands behind the name of a kind of rule.
type ReadKind = fn(&Node, &ReadSignals, &mut Findings) -> Option<(Rule, Place)>;

/// Every kind of rule.
const KINDS: [(&str, ReadKind); 2] = [("target", target), ("threshold", threshold)];

/// A rule, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct ReadRule {
    pub(super) rule: Rule,
    /// The name of its kind.
    pub(super) place: Place,
    /// The value that it holds the signal against.
    pub(super) bound: Place,
}

pub(super) fn read(node: &Node, signals: &ReadSignals, findings: &mut Findings) -> Vec<ReadRule> {
    let Value::List(items) = &node.value else {
        let message = format!("`rules` must be a list, not {}", node.found());
        findings.add(Kind::WrongShape, node.place, message, format!("such as `{EXAMPLE}`"));
        return Vec::new();
    };
    if items.is_empty() {
        findings.add(Kind::Missing, node.place, "`rules` has no rule", format!("such as `{EXAMPLE}`"));
    }
    if let Some(item) = items.get(MOST_RULES) {
        let message = format!("this is one rule too many: at most {MOST_RULES} can be given");
        findings.add(Kind::TooMuch, item.place, message, "leave out those that never win");
    }
    items.iter().take(MOST_RULES).filter_map(|item| rule(item, signals, findings)).collect()
}

fn rule(node: &Node, signals: &ReadSignals, findings: &mut Findings) -> Option<ReadRule> {
    let Entry { key, key_place, value } = only_entry(node, findings)?;
    let names = || KINDS.iter().map(|(name, _)| *name);
    let Some((_, read)) = KINDS.iter().find(|(name, _)| name == key) else {
        let message = format!("unknown kind of rule {}; allowed: {}", quote(key), listed(names()));
        let help = match nearest(key, names()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("such as `{EXAMPLE}`"),
        };
        findings.add(Kind::Unknown, *key_place, message, help);
        return None;
    };
    let (rule, bound) = read(value, signals, findings)?;
    Some(ReadRule { rule, place: *key_place, bound })
}

/// The one `kind: settings` that a rule is.
fn only_entry<'n>(node: &'n Node, findings: &mut Findings) -> Option<&'n Entry> {
    let example = format!("such as `{EXAMPLE}`");
    let Value::Map(entries) = &node.value else {
        let message = format!("a rule must be a map of its kind to its settings, not {}", node.found());
        findings.add(Kind::WrongShape, node.place, message, example);
        return None;
    };
    match entries.as_slice() {
        [only] => Some(only),
        [] => {
            findings.add(Kind::Missing, node.place, "the rule has no kind", example);
            None
        }
        [first, second, ..] => {
            let message =
                format!("a rule has one kind, and besides {} this has {}", quote(&first.key), quote(&second.key));
            let help = if KINDS.iter().any(|(name, _)| *name == second.key) {
                format!("begin a rule of its own: `- {}: …`", second.key)
            } else {
                format!("indent the settings further than their kind, or write them in braces: `{EXAMPLE}`")
            };
            findings.add(Kind::Conflict, second.key_place, message, help);
            None
        }
    }
}

fn target(node: &Node, signals: &ReadSignals, findings: &mut Findings) -> Option<(Rule, Place)> {
    let fields = node.fields(&grammar::rules::TARGET, findings)?;
    let (signal, measure) = signal(&fields, signals, findings);
    let per_replica = fields.required("per_replica", findings).and_then(|node| {
        let name = signal.as_ref().map_or("", SignalName::as_str);
        let value = quantity::read(node, "`per_replica`", name, measure, Bounds::AboveZero, findings)?;
        Some((value, node.place))
    });
    let window = fields.duration("window", findings);
    let tolerance = tolerance(&fields, findings);
    let (per_replica, bound) = per_replica?;
    let goal = Goal::PerReplica(per_replica);
    let rule = Target { signal: signal?, goal, window: window?, tolerance: Tolerance::both(tolerance?) };
    Some((RuleKind::Target(rule).into(), bound))
}

fn threshold(node: &Node, signals: &ReadSignals, findings: &mut Findings) -> Option<(Rule, Place)> {
    let fields = node.fields(&grammar::rules::THRESHOLD, findings)?;
    let (signal, measure) = signal(&fields, signals, findings);
    let name = signal.as_ref().map_or("", SignalName::as_str);
    // Both of a pair are read even where only one is allowed, so that no error waits for another to be cured.
    let [above, below] = ["above", "below"].map(|key| {
        let entry = fields.entry(key)?;
        let value = quantity::read(&entry.value, &format!("`{key}`"), name, measure, Bounds::Any, findings)?;
        Some((value, entry.value.place))
    });
    let [add, remove] = ["add", "remove"].map(|key| step_size(fields.entry(key)?, findings));
    let side = fields.one_of("above", findings);
    let change = fields.one_of("add", findings);
    if let (Some(side), Some(change)) = (side, change) {
        check_direction(side, change, findings);
    }
    let hold_for = fields.duration("for", findings);
    let window = fields.duration("window", findings);
    let (direction, bound, amount) = match side?.key.as_str() {
        "above" => (Direction::Up, above, add),
        _ => (Direction::Down, below, remove),
    };
    let (bound, place) = bound?;
    let rule = Threshold {
        signal: signal?,
        bounds: match direction {
            Direction::Up => Band::above(bound),
            Direction::Down => Band::below(bound),
        },
        lasting: Lasting::For(hold_for?),
        action: Action::Step(Step { direction, size: amount? }),
        rounding: Rounding::default(),
        at_least_step: 1,
        limit: None,
        window: window?,
    };
    Some((RuleKind::Threshold(rule).into(), place))
}

/// The signal that a rule reads, and what it is measured in.
fn signal(fields: &Fields<'_>, signals: &ReadSignals, findings: &mut Findings) -> (Option<SignalName>, Measure) {
    let Some(node) = fields.required("signal", findings) else { return (None, Measure::Unknown) };
    let Some(text) = node.text("`signal`", "cpu", findings) else { return (None, Measure::Unknown) };
    let name = SignalName::new(text);
    if let Some(measure) = signals.measure(&name) {
        return (Some(name), measure);
    }
    let message = format!("the signal {} is not defined; there are {}", quote(text), listed(signals.names()));
    let help = match did_you_mean(text, signals.names()) {
        help if help.is_empty() => "define it under `signals`".to_owned(),
        help => help,
    };
    findings.add(Kind::UnknownSignal, node.place, message, help);
    (None, Measure::Unknown)
}

fn check_direction(side: &Entry, change: &Entry, findings: &mut Findings) {
    let fitting = if side.key == "above" { "add" } else { "remove" };
    if change.key != fitting {
        let message = format!("`{}` does not go with `{}`", change.key, side.key);
        let help = format!("`above` goes with `add`, `below` with `remove`: write `{fitting}: 1`");
        findings.add(Kind::Conflict, change.key_place, message, help);
    }
}

fn step_size(entry: &Entry, findings: &mut Findings) -> Option<StepSize> {
    let what = format!("`{}`", entry.key);
    let text = entry.value.text(&what, "1", findings)?;
    let largest_share = if entry.key == "add" { 10.0 } else { 1.0 };
    let size = match percentage(text) {
        Some(share) => Some(StepSize::Share(share)).filter(|_| share > 0.0 && share <= largest_share),
        None => text.parse().ok().filter(|count| (1..=LARGEST_STEP).contains(count)).map(StepSize::Count),
    };
    if size.is_none() {
        let most = largest_share * 100.0;
        let message = format!(
            "{what} is {}; allowed: a whole number from 1 to {LARGEST_STEP}, or a percentage above 0% up to {most}%",
            quote(text)
        );
        findings.add(Kind::BadValue, entry.value.place, message, "such as `1` or `50%`");
    }
    size
}

fn tolerance(fields: &Fields<'_>, findings: &mut Findings) -> Option<f64> {
    let node = fields.get("tolerance")?;
    let text = node.text("`tolerance`", "10%", findings)?;
    if let Some(share) = percentage(text).filter(|share| (0.0..1.0).contains(share)) {
        return Some(share);
    }
    let message = format!("`tolerance` is {}; allowed: a percentage from 0% to below 100%", quote(text));
    let help = match decimal(text) {
        Some(number) if number > 0.0 && number < 1.0 => format!("write `{}%`", (number * 1e6).round() / 1e4),
        Some(number) if (1.0..100.0).contains(&number) => format!("write `{number}%`"),
        _ => "such as `10%`".to_owned(),
    };
    findings.add(Kind::BadValue, node.place, message, help);
    None
}

/// The bound as a plain number, to compare with one of the same sort.
pub(super) fn comparable(one: Quantity, other: Quantity) -> Option<(f64, f64)> {
    match (one, other) {
        (Quantity::OfLimit(one), Quantity::OfLimit(other)) => Some((one, other)),
        (Quantity::Absolute { value: one, unit: a }, Quantity::Absolute { value: other, unit: b }) if a == b => {
            Some((one, other))
        }
        _ => None,
    }
}
