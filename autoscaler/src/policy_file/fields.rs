//! Nodes as maps, lists and texts, with a finding where they are something else.

use super::{
    finding::{Findings, Kind, quote},
    node::{Entry, Node, Place, Value},
    spelling::{listed, nearest},
};

/// A map whose keys are known.
pub(super) struct Fields<'n> {
    what: &'n str,
    example: &'n str,
    /// Of the map.
    pub(super) place: Place,
    entries: &'n [Entry],
    allowed: &'n [&'n str],
}

impl Node {
    /// As a map that may have the keys `allowed`; every other key is a finding. `what` names it, `example` shows one.
    pub(super) fn fields<'n>(
        &'n self,
        what: &'n str,
        example: &'n str,
        allowed: &'n [&'n str],
        findings: &mut Findings<'_>,
    ) -> Option<Fields<'n>> {
        let Value::Map(entries) = &self.value else {
            let message = format!("{what} must be a map, not {}", self.found());
            findings.add(Kind::WrongShape, self.place, message, format!("such as `{example}`"));
            return None;
        };
        for entry in entries.iter().filter(|entry| !allowed.contains(&entry.key.as_str())) {
            let message =
                format!("unknown key {} in {what}; allowed: {}", quote(&entry.key), listed(allowed.iter().copied()));
            let help = match nearest(&entry.key, allowed.iter().copied()) {
                Some(key) => format!("did you mean `{key}`?"),
                None => "leave it out, or check which block it belongs to".to_owned(),
            };
            findings.add(Kind::Unknown, entry.key_place, message, help);
        }
        Some(Fields { what, example, place: self.place, entries, allowed })
    }

    /// As a text.
    pub(super) fn text(&self, what: &str, example: &str, findings: &mut Findings<'_>) -> Option<&str> {
        if let Value::Text(text) = &self.value {
            return Some(text);
        }
        let message = format!("{what} must be a single value, not {}", self.found());
        findings.add(Kind::WrongShape, self.place, message, format!("such as `{example}`"));
        None
    }

    /// What it is, for a message.
    pub(super) fn found(&self) -> String {
        match &self.value {
            Value::Nothing => "nothing".to_owned(),
            Value::Text(text) => format!("the value {}", quote(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
        }
    }
}

impl<'n> Fields<'n> {
    /// The value of `key`, if it is given.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// `key: value`, if it is given.
    pub(super) fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value of `key`; its absence is a finding.
    pub(super) fn required(&self, key: &str, findings: &mut Findings<'_>) -> Option<&'n Node> {
        let value = self.get(key);
        if value.is_none() {
            self.missing(&format!("`{key}`"), &[key], findings);
        }
        value
    }

    /// Says that `what` is missing, which would be given by one of `keys`. A misspelt key has its own finding already.
    pub(super) fn missing(&self, what: &str, keys: &[&str], findings: &mut Findings<'_>) {
        let allowed = || self.allowed.iter().copied();
        let unknown = self.entries.iter().map(|entry| entry.key.as_str()).filter(|key| !self.allowed.contains(key));
        if unknown.filter_map(|key| nearest(key, allowed())).any(|meant| keys.contains(&meant)) {
            return;
        }
        let message = format!("{what} is missing in {}", self.what);
        findings.add(Kind::Missing, self.place, message, format!("such as `{}`", self.example));
    }
}
