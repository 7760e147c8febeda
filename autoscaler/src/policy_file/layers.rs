//! Layers: how maps of several origins become one, and what stands where nobody wrote anything.

use super::{
    finding::Findings,
    grammar::{Absent, Base, Map, Shape},
    node::{Entry, Node, Place, Value},
    source::Texts,
    yaml,
};

/// `high` over `low`: maps key by key, everything else replaced. Every value keeps its place.
pub(super) fn merge(low: Node, high: Node, shape: &Shape) -> Node {
    let place = high.place;
    match (low.value, high.value) {
        (Value::Map(low), Value::Map(high)) if is_layered(shape, &low, &high) => {
            let value = Value::Map(merge_entries(low, high, shape));
            Node { place, value }
        }
        // `guards:` with nothing behind it says nothing.
        (low @ Value::Map(_), Value::Nothing) if is_layered(shape, &[], &[]) => Node { place, value: low },
        (_, value) => Node { place, value },
    }
}

/// Whether two maps are merged: of the language, if they are the same one and not one value; of free names, if both are.
fn is_layered(shape: &Shape, low: &[Entry], high: &[Entry]) -> bool {
    let map = |entries: &[Entry]| shape.map(&|key| entries.iter().any(|entry| entry.key == key));
    match (map(low), map(high)) {
        (Some(low), Some(high)) => low.layered && std::ptr::eq(low, high),
        (None, None) => shape.named().is_some(),
        _ => false,
    }
}

fn merge_entries(low: Vec<Entry>, high: Vec<Entry>, shape: &Shape) -> Vec<Entry> {
    let map = shape.map(&|key| high.iter().any(|entry| entry.key == key));
    let mut merged = low;
    // What a higher layer says excludes what a lower one says instead of it.
    if let Some(map) = map {
        merged.retain(|entry| {
            let rival = map.rivals(&entry.key).any(|rival| high.iter().any(|entry| entry.key == rival));
            !rival || high.iter().any(|other| other.key == entry.key)
        });
    }
    for Entry { key, key_place, value } in high {
        let Some(at) = merged.iter().position(|entry| entry.key == key) else {
            merged.push(Entry { key, key_place, value });
            continue;
        };
        let inner = match map {
            Some(map) => map.key(&key).map(|key| &key.shape),
            None => shape.named(),
        };
        let low = merged.remove(at);
        let value = match inner {
            Some(inner) => merge(low.value, value, inner),
            None => value,
        };
        merged.insert(at, Entry { key, key_place, value });
    }
    merged
}

/// Writes into every map of the language what its keys are when they are left out, so that whoever reads it need not know.
pub(super) fn complete(node: &mut Node, shape: &Shape, base: Base) {
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

fn complete_map(entries: &mut Vec<Entry>, map: &'static Map, base: Base) {
    for key in map.keys {
        if let Some(entry) = entries.iter_mut().find(|entry| entry.key == key.name) {
            complete(&mut entry.value, &key.shape, base);
            continue;
        }
        let given = |name: &str| entries.iter().any(|entry| entry.key == name);
        let Some(text) = key.absent.text(base).filter(|_| !map.rivals(key.name).any(given)) else { continue };
        let place = Place::built_in(if matches!(key.absent, Absent::ByBase(_)) { base } else { Base::Default });
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
    let mut findings = Findings::new(Texts::new());
    let mut node = yaml::read(0, text, &mut findings).pop().unwrap_or(Node { place, value: Value::Nothing });
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
