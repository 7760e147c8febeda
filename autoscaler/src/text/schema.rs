//! A language as a JSON Schema, for editors.

use serde_json::{Map as Object, Value, json};

use super::grammar::{Absent, DURATION, Form, Key, Map, Shape};
use crate::time::spoken;

/// The schemas of maps, each under its name.
pub struct Definitions {
    of_maps: Object<String, Value>,
    is_required: fn(&Map, &Key) -> bool,
}

impl Definitions {
    /// None yet; `is_required` says whether a key that must be given must be so in every text.
    pub fn new(is_required: fn(&Map, &Key) -> bool) -> Self {
        Self { of_maps: Object::new(), is_required }
    }

    /// For `$defs`.
    pub fn into_value(self) -> Value {
        Value::Object(self.of_maps)
    }

    /// Adds a map and all that it leads to; returns what refers to it.
    pub fn define(&mut self, map: &'static Map) -> Value {
        let name = map.slug();
        let reference = json!({ "$ref": format!("#/$defs/{name}") });
        if self.of_maps.contains_key(&name) {
            return reference;
        }
        self.of_maps.insert(name.clone(), Value::Null);
        let properties: Object<String, Value> =
            map.keys.iter().map(|key| (key.name.to_owned(), property(key, self))).collect();
        let needed = |key: &&Key| matches!(key.absent, Absent::Needed) && (self.is_required)(map, key);
        let required: Vec<&str> = map.keys.iter().filter(needed).map(|key| key.name).collect();
        let mut schema = json!({
            "type": "object",
            "description": map.doc,
            "properties": properties,
            "additionalProperties": false,
        });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        let exclusions = exclusions(map);
        if !exclusions.is_empty() {
            schema["allOf"] = Value::Array(exclusions);
        }
        self.of_maps.insert(name, schema);
        reference
    }
}

/// What says that keys exclude each other.
fn exclusions(map: &Map) -> Vec<Value> {
    let mut all = Vec::new();
    for group in map.groups {
        let required = |key: &&str| json!({ "required": [key] });
        if group.needed {
            all.push(json!({ "oneOf": group.keys.iter().map(required).collect::<Vec<_>>() }));
            continue;
        }
        for (place, one) in group.keys.iter().enumerate() {
            for other in &group.keys[place + 1..] {
                all.push(json!({ "not": { "required": [one, other] } }));
            }
        }
    }
    all
}

fn property(key: &Key, definitions: &mut Definitions) -> Value {
    let mut schema = of(&key.shape, definitions);
    let mut description = key.doc.to_owned();
    match key.absent {
        Absent::Means(means) if !means.is_empty() => description = format!("{description} Left out: {means}."),
        absent => {
            if let Some(text) = absent.text(0).filter(|text| *text != "{}") {
                schema["default"] = default(text, &key.shape);
            }
        }
    }
    if let Some(words) = meanings(&key.shape) {
        description = format!("{description}\n\n{words}");
    }
    schema["description"] = json!(description);
    schema
}

/// What each word means, a line for each.
fn meanings(shape: &Shape) -> Option<String> {
    match shape {
        Shape::Words(words) => {
            let lines = words.iter().filter(|(_, means)| !means.is_empty());
            let lines: Vec<String> = lines.map(|(word, means)| format!("- `{word}`: {means}")).collect();
            Some(lines.join("\n")).filter(|lines| !lines.is_empty())
        }
        Shape::AnyOf(shapes) => shapes.iter().find_map(meanings),
        Shape::List(shape) | Shape::OneOrList(shape) => meanings(shape),
        _ => None,
    }
}

fn default(text: &str, shape: &Shape) -> Value {
    let boolean = matches!(shape, Shape::Words(words) if words.iter().any(|(word, _)| *word == "true"));
    if let Some(items) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return items.split(", ").filter(|item| !item.is_empty()).collect();
    }
    match (boolean, text.parse::<u32>()) {
        (true, _) => json!(text == "true"),
        (false, Ok(number)) => json!(number),
        (false, Err(_)) => json!(text),
    }
}

fn of(shape: &Shape, definitions: &mut Definitions) -> Value {
    match shape {
        Shape::Map(map) => definitions.define(map),
        Shape::Named(form, inner) => {
            let values = of(inner, definitions);
            json!({
                "type": "object",
                "propertyNames": { "pattern": form.pattern },
                "additionalProperties": values,
            })
        }
        Shape::List(inner) => json!({ "type": "array", "items": of(inner, definitions) }),
        Shape::OneOrList(inner) => {
            let one = of(inner, definitions);
            json!({ "anyOf": [one, { "type": "array", "items": one }] })
        }
        Shape::AnyOf(shapes) => {
            json!({ "anyOf": shapes.iter().map(|shape| of(shape, definitions)).collect::<Vec<_>>() })
        }
        Shape::Words(words) if words.iter().any(|(word, _)| *word == "true") => json!({ "type": "boolean" }),
        Shape::Words(words) => json!({ "enum": words.iter().map(|(word, _)| *word).collect::<Vec<_>>() }),
        Shape::Duration(least, most) => json!({
            "type": "string",
            "pattern": DURATION,
            "title": format!("a duration from {} to {}", spoken(*least), spoken(*most)),
        }),
        Shape::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Text(form) => text(form),
    }
}

fn text(form: &Form) -> Value {
    let mut schema = json!({ "type": "string", "title": form.name, "examples": form.examples });
    if form.number {
        schema["type"] = json!(["string", "number"]);
    }
    if !form.pattern.is_empty() {
        schema["pattern"] = json!(form.pattern);
    }
    schema
}
