//! Layers: how maps of several origins become one, and what stands where nobody wrote anything.

use crate::text::{Entry, Node, Value, grammar::Shape};

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
