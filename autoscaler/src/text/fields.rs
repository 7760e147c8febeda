//! Nodes as maps, lists and texts, with a finding where they are something else.

use std::time::Duration;

use crate::text::{
    Entry, Findings, Kind, Node, Place, Value,
    grammar::{Map, Shape},
    listed, nearest, quote, values,
};

/// A map of the language.
pub struct Fields<'n> {
    map: &'static Map,
    /// Of the map.
    pub place: Place,
    entries: &'n [Entry],
}

impl Node {
    /// As a map of the language; every key that it does not have is a finding.
    pub fn fields<'n>(&'n self, map: &'static Map, findings: &mut Findings) -> Option<Fields<'n>> {
        let Map { what, example, .. } = map;
        let Value::Map(entries) = &self.value else {
            self.wrong_shape(what, "a map", example, findings);
            return None;
        };
        for entry in entries.iter().filter(|entry| map.key(&entry.key).is_none()) {
            let message = format!("unknown key {} in {what}; allowed: {}", quote(&entry.key), listed(map.names()));
            let help = match nearest(&entry.key, map.names()) {
                Some(key) => format!("did you mean `{key}`?"),
                None => "leave it out, or check which block it belongs to".to_owned(),
            };
            findings.add(Kind::Unknown, entry.key_place, message, help);
        }
        Some(Fields { map, place: self.place, entries })
    }

    /// As a text.
    pub fn text(&self, what: &str, example: &str, findings: &mut Findings) -> Option<&str> {
        if let Value::Text(text) = &self.value {
            return Some(text);
        }
        self.wrong_shape(what, "a single value", example, findings);
        None
    }

    /// As a list: its items.
    pub fn items(&self, what: &str, example: &str, findings: &mut Findings) -> Option<&[Node]> {
        if let Value::List(items) = &self.value {
            return Some(items);
        }
        self.wrong_shape(what, "a list", example, findings);
        None
    }

    /// As a map of free names: its entries, none where it is something else.
    pub fn entries(&self, what: &str, example: &str, findings: &mut Findings) -> &[Entry] {
        if let Value::Map(entries) = &self.value {
            return entries;
        }
        self.wrong_shape(what, "a map", example, findings);
        &[]
    }

    /// Says that it is not `wanted`, such as "a map".
    pub fn wrong_shape(&self, what: &str, wanted: &str, example: &str, findings: &mut Findings) {
        let message = format!("{what} must be {wanted}, not {}", self.found());
        findings.add(Kind::WrongShape, self.place, message, format!("such as `{example}`"));
    }

    /// What it is, for a message.
    pub fn found(&self) -> String {
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
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of `key`, if it is given and not `null`.
    pub fn given(&self, key: &str) -> Option<&'n Node> {
        self.get(key).filter(|node| !matches!(node.value, Value::Nothing))
    }

    /// `key: value`, if it is given.
    pub fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value of `key`; its absence is a finding.
    pub fn required(&self, key: &str, findings: &mut Findings) -> Option<&'n Node> {
        let value = self.get(key);
        if value.is_none() {
            self.missing(&format!("`{key}`"), &[key], findings);
        }
        value
    }

    /// The one key that is given of the group that `of` belongs to. Several are a finding, and none if one is needed.
    pub fn one_of(&self, of: &str, findings: &mut Findings) -> Option<&'n Entry> {
        let group = self.map.groups.iter().find(|group| group.keys.contains(&of))?;
        let mut given: Vec<&Entry> = group.keys.iter().filter_map(|key| self.entry(key)).collect();
        given.sort_by_key(|entry| entry.key_place);
        match given.as_slice() {
            [only] => Some(only),
            [] => {
                if group.needed {
                    let keys = alternatives(group.keys);
                    self.missing(&format!("{}, {keys},", group.what), group.keys, findings);
                }
                None
            }
            [first, second, ..] => {
                let message = format!("`{}` and `{}` are both given", first.key, second.key);
                findings.add(Kind::Conflict, second.key_place, message, "keep one of them");
                None
            }
        }
    }

    /// Says that `what` is missing, which would be given by one of `keys`. A misspelt key has its own finding already.
    pub fn missing(&self, what: &str, keys: &[&str], findings: &mut Findings) {
        let unknown = self.entries.iter().map(|entry| entry.key.as_str()).filter(|key| self.map.key(key).is_none());
        if unknown.filter_map(|key| nearest(key, self.map.names())).any(|meant| keys.contains(&meant)) {
            return;
        }
        let message = format!("{what} is missing in {}", self.map.what);
        findings.add(Kind::Missing, self.place, message, format!("such as `{}`", self.map.example));
    }

    /// The duration of `key`, within what the grammar allows; `None` if it is not given or has an error.
    pub fn duration(&self, key: &str, findings: &mut Findings) -> Option<Duration> {
        let Shape::Duration(least, most) = self.map.key(key)?.shape else { return None };
        values::duration(self.get(key)?, &format!("`{key}`"), &(least..=most), findings)
    }

    /// The whole number of `key`, within what the grammar allows; `None` if it is not given or has an error.
    pub fn whole(&self, key: &str, findings: &mut Findings) -> Option<u32> {
        let Shape::Whole(least, most) = self.map.key(key)?.shape else { return None };
        values::whole(self.get(key)?, &format!("`{key}`"), &(least..=most), findings)
    }
}

/// "`a`, `b` or `c`".
fn alternatives(keys: &[&str]) -> String {
    match keys {
        [before @ .., last] if !before.is_empty() => format!("{} or `{last}`", listed(before.iter().copied())),
        keys => listed(keys.iter().copied()),
    }
}
