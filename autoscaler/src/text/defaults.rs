//! What nobody wrote, as if somebody had.

use super::{
    Entry, Findings, Node, Place, Texts, Value,
    grammar::{Absent, Map, Shape},
    yaml,
};

/// Writes into every map of the language what its keys are when they are left out, so that whoever reads it need not know.
pub fn complete(node: &mut Node, shape: &Shape, base: usize) {
    match &mut node.value {
        Value::Map(entries) => match shape.map(&|key| entries.iter().any(|entry| entry.key == key)) {
            Some(map) => complete_map(entries, map, base),
            None => {
                if let Some(inner) = shape.named() {
                    for entry in entries {
                        complete(&mut entry.value, inner, base);
                    }
                }
            }
        },
        Value::List(items) => {
            if let Some(inner) = shape.items() {
                for item in items {
                    complete(item, inner, base);
                }
            }
        }
        Value::Nothing | Value::Text(_) => {}
    }
}

fn complete_map(entries: &mut Vec<Entry>, map: &'static Map, base: usize) {
    for key in map.keys {
        if let Some(entry) = entries.iter_mut().find(|entry| entry.key == key.name) {
            complete(&mut entry.value, &key.shape, base);
            continue;
        }
        let given = |name: &str| entries.iter().any(|entry| entry.key == name);
        let Some(text) = key.absent.text(base).filter(|_| !map.rivals(key.name).any(given)) else { continue };
        let place = Place::built_in(if matches!(key.absent, Absent::ByBase(_)) { base } else { 0 });
        let mut value = literal(text, place);
        complete(&mut value, &key.shape, base);
        entries.push(Entry { key: key.name.to_owned(), key_place: place, value });
    }
}

/// What `text` means, all of it at one place. Text that begins with a bracket or brace is YAML, any other a single value.
fn literal(text: &str, place: Place) -> Node {
    if text == "{}" {
        return Node { place, value: Value::Map(Vec::new()) };
    }
    if !text.starts_with(['{', '[']) {
        return Node { place, value: Value::Text(text.to_owned()) };
    }
    let mut findings = Findings::new(Texts::default());
    let mut node =
        yaml::read(0, text, "a default", &mut findings).pop().unwrap_or(Node { place, value: Value::Nothing });
    put_at(&mut node, place);
    node
}

fn put_at(node: &mut Node, place: Place) {
    node.place = place;
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| put_at(item, place)),
        Value::Map(entries) => {
            for entry in entries {
                entry.key_place = place;
                put_at(&mut entry.value, place);
            }
        }
        Value::Nothing | Value::Text(_) => {}
    }
}
