//! Maps whose keys are known. `null` is as good as nothing.

use super::{
    super::{
        finding::{Findings, Kind, quote},
        node::{Entry, Node, Place, Value},
        spelling::{listed, nearest},
    },
    scalars::count,
};

/// A map of the state.
pub(super) struct Form {
    pub(super) what: &'static str,
    pub(super) example: &'static str,
    pub(super) keys: &'static [&'static str],
}

/// A map as it is written.
pub(super) struct Fields<'n> {
    form: &'static Form,
    place: Place,
    entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    /// `node` as such a map; every key that it does not have is a finding.
    pub(super) fn of(node: &'n Node, form: &'static Form, findings: &mut Findings) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            wrong_shape(node, form.what, "a map", form.example, findings);
            return None;
        };
        let known = || form.keys.iter().copied();
        for entry in entries.iter().filter(|entry| !form.keys.contains(&entry.key.as_str())) {
            let message = format!("unknown key {} in {}; allowed: {}", quote(&entry.key), form.what, listed(known()));
            let help = match nearest(&entry.key, known()) {
                Some(key) => format!("did you mean `{key}`?"),
                None => "leave it out, or check which block it belongs to".to_owned(),
            };
            findings.add(Kind::Unknown, entry.key_place, message, help);
        }
        Some(Self { form, place: node.place, entries })
    }

    /// The value of `key`, if it is given.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(&entry.value).filter(|node| !matches!(node.value, Value::Nothing))
    }

    /// The count of `key`, if it is given.
    pub(super) fn count(&self, key: &str, findings: &mut Findings) -> Option<u32> {
        count(self.get(key)?, &format!("`{key}`"), 0, u32::MAX, findings)
    }

    /// Says that `what` is missing, which would be given by one of `keys`. A misspelt key has its own finding already.
    pub(super) fn missing(&self, what: &str, keys: &[&str], findings: &mut Findings) {
        let unknown = self.entries.iter().map(|entry| entry.key.as_str()).filter(|key| !self.form.keys.contains(key));
        let known = || self.form.keys.iter().copied();
        if unknown.filter_map(|key| nearest(key, known())).any(|meant| keys.contains(&meant)) {
            return;
        }
        let message = format!("{what} is missing in {}", self.form.what);
        findings.add(Kind::Missing, self.place, message, format!("such as `{}`", self.form.example));
    }
}

/// The entries of a map of free names.
pub(super) fn named<'n>(node: &'n Node, what: &str, example: &str, findings: &mut Findings) -> &'n [Entry] {
    if let Value::Map(entries) = &node.value {
        return entries;
    }
    wrong_shape(node, what, "a map", example, findings);
    &[]
}

/// The items of a list.
pub(super) fn items<'n>(node: &'n Node, what: &str, example: &str, findings: &mut Findings) -> Option<&'n [Node]> {
    if let Value::List(items) = &node.value {
        return Some(items);
    }
    wrong_shape(node, what, "a list", example, findings);
    None
}

fn wrong_shape(node: &Node, what: &str, wanted: &str, example: &str, findings: &mut Findings) {
    let message = format!("{what} must be {wanted}, not {}", node.found());
    findings.add(Kind::WrongShape, node.place, message, format!("such as `{example}`"));
}
