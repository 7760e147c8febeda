//! What differs between two policies, in words.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

use super::{Resolved, Setting, grammar::rules::RULE};
use crate::text::{
    Layer,
    values::{as_duration, decimal},
};

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What: a setting's path, or a rule.
    pub what: String,
    /// As it was written; absent: it was not there.
    pub before: Option<String>,
    /// As it is written now; absent: it is no longer there.
    pub after: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, before, after } = self;
        match (before, after) {
            (Some(before), Some(after)) => write!(f, "{what}: {before} → {after}"),
            (None, Some(after)) => write!(f, "{what} added: {after}"),
            (Some(before), None) => write!(f, "{what} removed: {before}"),
            (None, None) => f.write_str(what),
        }
    }
}

/// What differs, in the order of the grammar. What is only written otherwise (`5m` and `300s`) does not.
///
/// Rules are matched by name, then by kind and signal and what else they have in common. Their order is told where it
/// decides: where the first with an opinion wins, and among schedules.
pub fn diff(old: &Resolved, new: &Resolved) -> Vec<Change> {
    let (before, after) = (Parts::of(&old.settings), Parts::of(&new.settings));
    let mut changes = Vec::new();
    let mut paths: Vec<&String> = before.plain.iter().map(|(path, _)| path).collect();
    let mut at = 0;
    for (path, _) in &after.plain {
        at = paths.iter().position(|known| *known == path).unwrap_or_else(|| {
            paths.insert(at, path);
            at
        }) + 1;
    }
    for path in paths {
        let value = |parts: &Parts| parts.plain.iter().find(|(known, _)| known == path).map(|(_, value)| value.clone());
        changes.extend(change(path.clone(), value(&before), value(&after)));
    }
    changes.extend(rules(&before, &after));
    changes
}

/// A change, unless both mean the same.
fn change(what: String, before: Option<String>, after: Option<String>) -> Option<Change> {
    let same = match (&before, &after) {
        (Some(before), Some(after)) => meaning(before) == meaning(after),
        (before, after) => before == after,
    };
    (!same).then_some(Change { what, before, after })
}

/// The same for what is only written otherwise.
fn meaning(text: &str) -> String {
    let one = |text: &str| match (as_duration(text), decimal(text)) {
        (Some(duration), _) => format!("{}ms", duration.as_millis()),
        (None, Some(number)) => number.to_string(),
        (None, None) => text.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    inner.split(", ").map(one).collect::<Vec<_>>().join(", ")
}

/// The settings, those of rules apart.
struct Parts {
    /// By path.
    plain: Vec<(String, String)>,
    rules: Vec<RuleParts>,
}

#[derive(Clone, Debug, Default)]
struct RuleParts {
    /// Its numbers, from 1, and the groups that it is in: `2`, or `3.all.1`.
    place: String,
    kind: String,
    /// Without those that nobody wrote, for a rule that is told as a whole.
    written: Vec<(String, String)>,
    all: BTreeMap<String, String>,
}

impl Parts {
    fn of(settings: &[Setting]) -> Self {
        let mut parts = Self { plain: Vec::new(), rules: Vec::new() };
        for setting in settings.iter().filter(|setting| setting.path != "service") {
            let Some((place, kind, key)) = setting.path.strip_prefix("rules.").and_then(split) else {
                parts.plain.push((setting.path.clone(), setting.value.clone()));
                continue;
            };
            let at = parts.rules.iter().position(|rule| rule.place == place).unwrap_or_else(|| {
                parts.rules.push(RuleParts { place: place.clone(), ..RuleParts::default() });
                parts.rules.len() - 1
            });
            let rule = &mut parts.rules[at];
            if let Some(kind) = kind {
                rule.kind = kind;
            }
            if setting.origin.layer != Layer::BuiltIn {
                rule.written.push((key.clone(), setting.value.clone()));
            }
            rule.all.insert(key, setting.value.clone());
        }
        parts
    }

    /// What makes the order of two rules count: the group that both are in, if its first decides, or that both are
    /// schedules, of which the last wins. `None` if nothing does.
    fn order_of(&self, one: &RuleParts, other: &RuleParts) -> Option<String> {
        if one.kind == "schedule" && other.kind == "schedule" {
            return Some("schedules".to_owned());
        }
        let common = one.place.split('.').zip(other.place.split('.')).take_while(|(one, other)| one == other);
        let group: Vec<&str> = common.map(|(part, _)| part).collect();
        let is_first = match group.last() {
            Some(how) => *how == "first",
            None => self.plain.iter().any(|(path, value)| path == "combine" && value == "first"),
        };
        (is_first && one.kind != "schedule" && other.kind != "schedule").then(|| group.join("."))
    }
}

/// Place, kind and key of a rule's setting; the kind is absent for what every rule may have.
fn split(path: &str) -> Option<(String, Option<String>, String)> {
    let parts: Vec<&str> = path.split('.').collect();
    let is_group = |part: &str| matches!(part, "all" | "any" | "first");
    let mut end = 1;
    while parts.get(end).is_some_and(|part| is_group(part)) && parts.len() > end + 1 {
        end += 2;
    }
    let place = parts.get(..end)?.join(".");
    let kind = *parts.get(end)?;
    if matches!(kind, "name" | "observe") {
        return Some((place, None, kind.to_owned()));
    }
    RULE.key(kind)?;
    Some((place, Some(kind.to_owned()), parts.get(end + 1..)?.join(".")))
}

impl RuleParts {
    fn name(&self) -> Option<&str> {
        self.all.get("name").map(String::as_str)
    }

    /// "rule 2 (threshold cpu)".
    fn title(&self) -> String {
        format!("rule {} ({})", self.place, self.label())
    }

    fn label(&self) -> String {
        let about =
            self.name().or_else(|| ["signal", "of", "cron", "daily", "on"].iter().find_map(|key| self.get(key)));
        about.map_or_else(|| self.kind.clone(), |about| format!("{} {about}", self.kind))
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.all.get(key).map(String::as_str)
    }

    /// Everything that somebody wrote.
    fn told(&self) -> String {
        let written = self.written.iter().map(|(key, value)| format!("{key} {value}"));
        format!("{}: {}", self.kind, written.collect::<Vec<_>>().join(", "))
    }

    /// The groups that it is in.
    fn groups(&self) -> &str {
        self.place.rsplit_once('.').map_or("", |(groups, _)| groups)
    }

    /// How much two rules have in common; `None` if they cannot be the same.
    fn likeness(&self, other: &Self) -> Option<usize> {
        if self.kind != other.kind || (self.name().is_some() && other.name().is_some() && self.name() != other.name()) {
            return None;
        }
        let named = if self.name().is_some() && self.name() == other.name() { 10_000 } else { 0 };
        let signal = if self.get("signal") == other.get("signal") { 100 } else { 0 };
        let equal =
            |(key, value): &(&String, &String)| other.all.get(*key).is_some_and(|o| meaning(o) == meaning(value));
        Some(named + signal + self.all.iter().filter(equal).count())
    }
}

fn rules(old: &Parts, new: &Parts) -> Vec<Change> {
    let (before, after) = (&old.rules, &new.rules);
    let mut pairs: Vec<(usize, usize, usize)> = Vec::new();
    for (old, one) in before.iter().enumerate() {
        for (new, other) in after.iter().enumerate() {
            pairs.extend(one.likeness(other).map(|likeness| (likeness, old, new)));
        }
    }
    // The most alike first; of several, those nearest to each other's place.
    pairs.sort_by_key(|(likeness, old, new)| (usize::MAX - likeness, old.abs_diff(*new), *old));
    let (mut of_old, mut of_new) = (vec![None; before.len()], vec![None; after.len()]);
    for (_, old, new) in pairs {
        if of_old[old].is_none() && of_new[new].is_none() {
            (of_old[old], of_new[new]) = (Some(new), Some(old));
        }
    }
    let mut changes = Vec::new();
    for (rule, matched) in before.iter().zip(&of_old) {
        match matched.and_then(|new| after.get(new)) {
            Some(other) => compare(rule, other, &mut changes),
            None => changes.push(Change { what: "rule".to_owned(), before: Some(rule.told()), after: None }),
        }
    }
    for (rule, _) in after.iter().zip(&of_new).filter(|(_, matched)| matched.is_none()) {
        changes.push(Change { what: "rule".to_owned(), before: None, after: Some(rule.told()) });
    }
    changes.extend(orders(old, new, &of_old));
    changes
}

/// Where the order of rules decides and is another one: in each group of which the first decides, and among schedules.
fn orders(old: &Parts, new: &Parts, of_old: &[Option<usize>]) -> Vec<Change> {
    let kept: Vec<(&RuleParts, usize, &RuleParts)> =
        old.rules.iter().zip(of_old).filter_map(|(rule, at)| Some((rule, (*at)?, new.rules.get((*at)?)?))).collect();
    // By what the rules are ordered in: the places in `kept` of all, and whether any two of them are swapped.
    let mut ordered: BTreeMap<String, (BTreeSet<usize>, bool)> = BTreeMap::new();
    for (i, (one, at, one_now)) in kept.iter().enumerate() {
        for (j, (other, other_at, other_now)) in kept.iter().enumerate().skip(i + 1) {
            let group = old.order_of(one, other);
            if let (Some(group), Some(_)) = (group, new.order_of(one_now, other_now)) {
                let (members, swapped) = ordered.entry(group).or_default();
                members.extend([i, j]);
                *swapped |= other_at < at;
            }
        }
    }
    let told = |members: &[&(&RuleParts, usize, &RuleParts)]| {
        Some(members.iter().map(|(rule, ..)| format!("{} {}", rule.place, rule.label())).collect::<Vec<_>>().join(", "))
    };
    let swapped = ordered.into_values().filter(|(_, swapped)| *swapped);
    swapped
        .map(|(members, _)| {
            let mut members: Vec<_> = members.iter().filter_map(|place| kept.get(*place)).collect();
            let before = told(&members);
            members.sort_by_key(|(_, at, _)| *at);
            Change { what: "rule order".to_owned(), before, after: told(&members) }
        })
        .collect()
}

fn compare(old: &RuleParts, new: &RuleParts, changes: &mut Vec<Change>) {
    let title = old.title();
    if old.groups() != new.groups() {
        let place = |rule: &RuleParts| Some(rule.place.clone());
        changes.push(Change { what: format!("{title}: place"), before: place(old), after: place(new) });
    }
    let keys: Vec<&String> = old.all.keys().chain(new.all.keys().filter(|key| !old.all.contains_key(*key))).collect();
    for key in keys {
        changes.extend(change(format!("{title}: {key}"), old.all.get(key).cloned(), new.all.get(key).cloned()));
    }
}
