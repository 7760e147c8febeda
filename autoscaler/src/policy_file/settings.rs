//! What a policy says, setting by setting, each with where it comes from.

use serde::{Deserialize, Serialize};

use crate::text::{
    Entry, Node, Origin, Texts, Value,
    grammar::{Map, Shape},
};

/// One thing that a policy says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Such as `replicas.max`, `guards.down.cooldown` or `rules.2.threshold.above`; lists are counted from 1.
    pub path: String,
    /// As it is written.
    pub value: String,
    /// Where.
    pub origin: Origin,
}

/// Every setting of a complete tree, in the order of the grammar.
pub(super) fn of(node: &Node, map: &'static Map, texts: &Texts) -> Vec<Setting> {
    let mut walk = Walk { texts, settings: Vec::new() };
    if let Value::Map(entries) = &node.value {
        walk.map("", entries, map);
    }
    walk.settings
}

struct Walk<'t> {
    texts: &'t Texts,
    settings: Vec<Setting>,
}

impl Walk<'_> {
    fn map(&mut self, path: &str, entries: &[Entry], map: &'static Map) {
        for key in map.keys {
            if let Some(entry) = entries.iter().find(|entry| entry.key == key.name) {
                self.value(&join(path, key.name), &entry.value, &key.shape);
            }
        }
    }

    fn value(&mut self, path: &str, node: &Node, shape: &Shape) {
        match &node.value {
            Value::Map(entries) => {
                if let Some(map) = shape.map(&|key| entries.iter().any(|entry| entry.key == key)) {
                    return self.map(path, entries, map);
                }
                if let Some(inner) = shape.named() {
                    for entry in entries {
                        self.value(&join(path, &entry.key), &entry.value, inner);
                    }
                    return;
                }
            }
            Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Map(_))) => {
                if let Some(inner) = shape.items() {
                    for (number, item) in items.iter().enumerate() {
                        self.value(&join(path, &(number + 1).to_string()), item, inner);
                    }
                    return;
                }
            }
            _ => {}
        }
        self.settings.push(Setting {
            path: path.to_owned(),
            value: written(node),
            origin: self.texts.origin(node.place),
        });
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// As on one line of a policy file.
pub(super) fn written(node: &Node) -> String {
    match &node.value {
        Value::Nothing => "~".to_owned(),
        Value::Text(text) => text.clone(),
        Value::List(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Map(entries) => {
            let entries = entries.iter().map(|entry| format!("{}: {}", entry.key, written(&entry.value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}
