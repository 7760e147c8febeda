//! A step while a signal is past a bound.

use super::{Read, Scope, activate, comparable, is_bare, signal};
use crate::{
    policy::{Action, Bound, Bounds as Band, Direction, Grade, Lasting, Rounding, RuleKind, Step, StepSize, Threshold},
    policy_file::{
        grammar::{
            policy::{LARGEST_SHARE, MOST_REPLICAS},
            rules,
        },
        quantity::{self, Bounds, Measure},
    },
    quantity::SignalName,
    text::{
        Entry, Fields, Findings, Kind, Node, Place, Value, quote,
        values::{percentage, word},
    },
};

/// The most samples that `samples` looks at.
const MOST_SAMPLES: u8 = 64;

pub(super) fn read(node: &Node, scope: &Scope<'_>, findings: &mut Findings) -> Option<Read> {
    let fields = node.fields(&rules::THRESHOLD, findings)?;
    let (signal, measure) = signal(&fields, scope.signals, findings);
    let given = (signal.as_ref(), measure);
    let bounds = bounds(&fields, given, findings);
    let action = action(&fields, given, bounds.as_ref().map(|(bounds, _)| *bounds), findings);
    let lasting = lasting(&fields, findings);
    let rounding = fields.get("round").and_then(|node| word(node, "`round`", &ROUNDINGS, findings));
    let at_least_step = fields.whole("at_least_step", findings);
    let limit = fields.get("limit").map(|_| fields.whole("limit", findings));
    let window = fields.duration("window", findings);
    let activate = activate(&fields, given, findings);
    let (bounds, place) = bounds?;
    let numbers = fields.get("above").or(fields.get("at_least")).or(fields.get("below")).is_some_and(is_bare);
    let rule = Threshold {
        signal: signal?,
        bounds,
        lasting: lasting?,
        action: action?,
        rounding: rounding?,
        at_least_step: at_least_step?,
        limit: limit.map_or(Some(None), |limit| limit.map(Some))?,
        window: window?,
    };
    Some(Read { activate: activate?, numbers, ..Read::new(RuleKind::Threshold(rule), place) })
}

const ROUNDINGS: [(&str, Rounding); 4] =
    [("away", Rounding::Away), ("toward", Rounding::Toward), ("up", Rounding::Up), ("down", Rounding::Down)];

/// The bounds, and where the one that a step begins at stands.
fn bounds(
    fields: &Fields<'_>,
    (signal, measure): (Option<&SignalName>, Measure),
    findings: &mut Findings,
) -> Option<(Band, Place)> {
    let name = signal.map_or("", SignalName::as_str);
    // All are read even where only one is allowed, so that no error waits for another to be cured.
    let [above, at_least, below, at_most] = ["above", "at_least", "below", "at_most"].map(|key| {
        let node = fields.get(key)?;
        let value = quantity::read(node, &format!("`{key}`"), name, measure, Bounds::Any, findings)?;
        let inclusive = matches!(key, "at_least" | "at_most");
        Some((Bound { value, inclusive }, node.place))
    });
    let lower = fields.one_of("above", findings);
    let upper = fields.one_of("below", findings);
    if lower.is_none() && upper.is_none() {
        let keys = ["above", "at_least", "below", "at_most"];
        if keys.iter().all(|key| fields.get(key).is_none()) {
            fields.missing("the bound, `above`, `at_least`, `below` or `at_most`,", &keys, findings);
        }
        return None;
    }
    let lower = lower.map(|entry| if entry.key == "above" { above } else { at_least });
    let upper = upper.map(|entry| if entry.key == "below" { below } else { at_most });
    match (lower, upper) {
        (Some(lower), None) => lower.map(|(bound, place)| (Band { lower: Some(bound), upper: None }, place)),
        (None, Some(upper)) => upper.map(|(bound, place)| (Band { lower: None, upper: Some(bound) }, place)),
        (Some(lower), Some(upper)) => {
            let ((lower, _), (upper, place)) = (lower?, upper?);
            let empty = comparable(lower.value, upper.value).is_none_or(|(lower, upper)| lower >= upper);
            if empty {
                let message = format!("no value is above {} and below {} at once", lower.value, upper.value);
                findings.add(Kind::Conflict, place, message, "a band has its lower bound below its upper one");
            }
            Some((Band { lower: Some(lower), upper: Some(upper) }, place))
        }
        (None, None) => None,
    }
}

fn lasting(fields: &Fields<'_>, findings: &mut Findings) -> Option<Lasting> {
    let chosen = fields.one_of("for", findings)?;
    if chosen.key == "for" {
        return fields.duration("for", findings).map(Lasting::For);
    }
    let text = chosen.value.text("`samples`", "3 of 5", findings)?;
    let parts =
        text.split_once(" of ").and_then(|(hits, of)| Some((hits.trim().parse().ok()?, of.trim().parse().ok()?)));
    if let Some((hits, of)) = parts.filter(|(hits, of)| (1..=*of).contains(hits) && *of <= MOST_SAMPLES) {
        return Some(Lasting::Samples { hits, of });
    }
    let message =
        format!("`samples` is {}; allowed: so many of the newest so many, of at most {MOST_SAMPLES}", quote(text));
    findings.add(Kind::BadValue, chosen.value.place, message, "such as `3 of 5`");
    None
}

fn action(
    fields: &Fields<'_>,
    given: (Option<&SignalName>, Measure),
    bounds: Option<Band>,
    findings: &mut Findings,
) -> Option<Action> {
    let [add, remove] = ["add", "remove"].map(|key| step_size(fields.entry(key)?, 1, findings));
    let to = fields.get("to").map(|_| fields.whole("to", findings));
    let grades = fields.get("steps").map(|node| grades(node, given, bounds, findings));
    let warn = fields.get("warn").map(|node| warning(node, findings));
    let chosen = fields.one_of("add", findings)?;
    if given.0.is_none_or(|signal| SignalName::OF_REPLICAS.contains(&signal.as_str())) {
        check_direction(fields, chosen, findings);
    }
    let step = |direction, size: Option<StepSize>| Some(Action::Step(Step { direction, size: size? }));
    match chosen.key.as_str() {
        "add" => step(Direction::Up, add),
        "remove" => step(Direction::Down, remove),
        "to" => to?.map(Action::To),
        "steps" => grades?,
        _ => warn?.map(Action::Warn),
    }
}

/// With one bound on what replicas carry, it tells the direction: more load never asks for fewer. Of anything else, such
/// as how busy the host is, it may.
fn check_direction(fields: &Fields<'_>, change: &Entry, findings: &mut Findings) {
    let mut sides = ["above", "at_least", "below", "at_most"].into_iter().filter(|key| fields.get(key).is_some());
    let (Some(side), None) = (sides.next(), sides.next()) else { return };
    let fitting = if matches!(side, "above" | "at_least") { "add" } else { "remove" };
    if matches!(change.key.as_str(), "add" | "remove") && change.key != fitting {
        let message = format!("`{}` does not go with `{side}`", change.key);
        let help = format!("`above` goes with `add`, `below` with `remove`: write `{fitting}: 1`");
        findings.add(Kind::Conflict, change.key_place, message, help);
    }
}

fn warning(node: &Node, findings: &mut Findings) -> Option<String> {
    const LONGEST: usize = 200;
    let text = node.text("`warn`", "disk is nearly full", findings)?;
    if !text.trim().is_empty() && text.chars().count() <= LONGEST && !text.contains(char::is_control) {
        return Some(text.to_owned());
    }
    let message = format!("`warn` is {}; allowed: one line of 1 to {LONGEST} characters", quote(text));
    findings.add(Kind::BadValue, node.place, message, "such as `disk is nearly full`");
    None
}

/// At least one replica, or a share of the present ones.
pub(in crate::policy_file) fn step_of(entry: &Entry, findings: &mut Findings) -> Option<StepSize> {
    step_size(entry, 1, findings)
}

/// At least `least` replicas, or a share of the present ones.
fn step_size(entry: &Entry, least: u32, findings: &mut Findings) -> Option<StepSize> {
    let what = format!("`{}`", entry.key);
    let text = entry.value.text(&what, "1", findings)?;
    let largest_share = if entry.key == "remove" { 1.0 } else { LARGEST_SHARE };
    let size = match percentage(text) {
        Some(share) => {
            let none = (share == 0.0 && least == 0).then_some(StepSize::Count(0));
            none.or(Some(StepSize::Share(share)).filter(|_| share > 0.0 && share <= largest_share))
        }
        None => text.parse().ok().filter(|count| (least..=MOST_REPLICAS).contains(count)).map(StepSize::Count),
    };
    if size.is_none() {
        let most = largest_share * 100.0;
        let message = format!(
            "{what} is {}; allowed: a whole number from {least} on, or a percentage above 0% up to {most}%",
            quote(text)
        );
        findings.add(Kind::BadValue, entry.value.place, message, "such as `1` or `50%`");
    }
    size
}

fn grades(
    node: &Node,
    given: (Option<&SignalName>, Measure),
    bounds: Option<Band>,
    findings: &mut Findings,
) -> Option<Action> {
    const MOST: usize = 20;
    let Value::List(items) = &node.value else {
        let message = format!("`steps` must be a list, not {}", node.found());
        findings.add(Kind::WrongShape, node.place, message, "such as `[{ past: 0%, add: 1 }, { past: 20%, add: 3 }]`");
        return None;
    };
    if items.is_empty() || items.len() > MOST {
        let message = format!("`steps` has {} steps; allowed: 1 to {MOST}", items.len());
        findings.add(Kind::BadValue, node.place, message, "such as `[{ past: 0%, add: 1 }]`");
    }
    let grades: Vec<_> = items.iter().take(MOST).map(|item| grade(item, given, bounds, findings)).collect();
    let grades: Vec<(Direction, Grade, Place)> = grades.into_iter().collect::<Option<_>>()?;
    let (direction, ..) = *grades.first()?;
    for (one, next) in grades.iter().zip(grades.iter().skip(1)) {
        if next.1.past <= one.1.past {
            let message = "`past` does not grow from step to step";
            findings.add(Kind::Conflict, next.2, message, "put the steps in the order of `past`");
        }
        if next.0 != direction {
            let message = "these steps both add and remove";
            findings.add(Kind::Conflict, next.2, message, "make two rules of it");
        }
    }
    Some(Action::Graded { direction, grades: grades.into_iter().map(|(_, grade, _)| grade).collect() })
}

fn grade(
    node: &Node,
    given: (Option<&SignalName>, Measure),
    bounds: Option<Band>,
    findings: &mut Findings,
) -> Option<(Direction, Grade, Place)> {
    let fields = node.fields(&rules::GRADE, findings)?;
    let past = fields.required("past", findings);
    let bound = bounds.and_then(|band| band.lower.or(band.upper)).map(|bound| bound.value);
    let past = past.and_then(|node| Some((quantity::distance(node, bound?, given, findings)?, node.place)));
    let [add, remove] = ["add", "remove"].map(|key| step_size(fields.entry(key)?, 0, findings));
    let (direction, size) = match fields.one_of("add", findings)?.key.as_str() {
        "add" => (Direction::Up, add?),
        _ => (Direction::Down, remove?),
    };
    let below = bounds.is_some_and(|band| band.upper.is_some() && band.lower.is_none());
    let of_replicas = given.0.is_none_or(|signal| SignalName::OF_REPLICAS.contains(&signal.as_str()));
    if below && of_replicas && direction == Direction::Up {
        let place = fields.entry("add")?.key_place;
        findings.add(Kind::Conflict, place, "`add` does not go with `below`", "write `remove`");
    }
    let (past, place) = past?;
    Some((direction, Grade { past, size }, place))
}
