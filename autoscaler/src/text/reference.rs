//! A language as the tables of its documentation.

use std::fmt::Write as _;

use super::grammar::{Absent, Map, Shape};
use crate::time::spoken;

/// A table for each map that `roots` lead to, and for these: its name, and its text in Markdown.
pub fn tables(roots: &[&'static Map]) -> Vec<(String, String)> {
    let mut seen: Vec<&'static Map> = Vec::new();
    for map in roots {
        walk(map, &mut seen);
    }
    seen.into_iter().map(|map| (map.slug(), table(map))).collect()
}

fn walk(map: &'static Map, seen: &mut Vec<&'static Map>) {
    if seen.iter().any(|known| std::ptr::eq(*known, map)) {
        return;
    }
    seen.push(map);
    for key in map.keys {
        walk_shape(&key.shape, seen);
    }
}

fn walk_shape(shape: &Shape, seen: &mut Vec<&'static Map>) {
    match shape {
        Shape::Map(map) => walk(map, seen),
        Shape::Named(_, inner) | Shape::List(inner) | Shape::OneOrList(inner) => walk_shape(inner, seen),
        Shape::AnyOf(shapes) => shapes.iter().for_each(|shape| walk_shape(shape, seen)),
        Shape::Words(_) | Shape::Duration(..) | Shape::Whole(..) | Shape::Text(_) => {}
    }
}

fn table(map: &Map) -> String {
    let mut text = "| key | value | what it says | if left out |\n|---|---|---|---|\n".to_owned();
    for key in map.keys {
        let group = map.groups.iter().find(|group| group.needed && group.keys.contains(&key.name));
        let absent = match key.absent {
            Absent::Needed => "needed".to_owned(),
            Absent::Is("{}") | Absent::ByBase([(_, "{}"), (_, "{}"), (_, "{}")]) => "as its keys".to_owned(),
            Absent::Is(text) => format!("`{text}`"),
            Absent::ByBase(texts) => by_base(texts),
            Absent::Means("") if group.is_some() => "one of these is needed".to_owned(),
            Absent::Means("") => "–".to_owned(),
            Absent::Means(means) => means.to_owned(),
        };
        let _ = writeln!(text, "| `{}` | {} | {} | {absent} |", key.name, value(&key.shape), key.doc);
    }
    text
}

fn by_base([(_, usual), others @ ..]: [(&str, &str); 3]) -> String {
    let written = |text: &str| match text {
        "{}" => "as its keys".to_owned(),
        "[]" => "none".to_owned(),
        text => format!("`{text}`"),
    };
    let mut text = written(usual);
    for (base, other) in others.into_iter().filter(|(_, other)| *other != usual) {
        let _ = write!(text, "; base `{base}`: {}", written(other));
    }
    text
}

fn value(shape: &Shape) -> String {
    match shape {
        Shape::Map(map) => format!("a map, see {}", map.what.trim_start_matches("a ").trim_start_matches("the ")),
        Shape::Named(form, inner) => format!("a map of {} to {}", form.name, value(inner)),
        Shape::List(inner) => format!("a list of: {}", value(inner)),
        Shape::OneOrList(inner) => format!("{}; or a list of such", value(inner)),
        Shape::AnyOf(shapes) => {
            let mut values: Vec<String> = shapes.iter().map(value).collect();
            values.dedup();
            values.join("; or ")
        }
        Shape::Words(words) => {
            let words = words.iter().map(|(word, means)| match *means {
                "" => format!("`{word}`"),
                means => format!("`{word}` ({means})"),
            });
            words.collect::<Vec<_>>().join(", ")
        }
        Shape::Duration(least, most) => format!("{} to {}", spoken(*least), spoken(*most)),
        Shape::Whole(least, most) => format!("{least} to {most}"),
        Shape::Text(form) => form.name.to_owned(),
    }
}
