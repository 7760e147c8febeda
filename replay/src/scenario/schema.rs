//! The format as a JSON Schema, for editors, and as the tables of docs/scenario.md.

use autoscaler::text::{self, Definitions};
use serde_json::{Value, json};

use super::grammar::SCENARIO;

/// A JSON Schema (draft 2020-12) of a scenario. It refuses less than [`read`](super::read()) does: files are not looked at,
/// nor whether values fit each other.
pub fn schema() -> Value {
    let mut definitions = Definitions::new(|_, _| true);
    let scenario = definitions.define(&SCENARIO);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Ballast scenario",
        "description": "What happens to a service, and what is expected of whoever scales it. docs/scenario.md is the reference.",
        "allOf": [scenario],
        "$defs": definitions.into_value(),
    })
}

/// A table of docs/scenario.md for each map of the format: its name there, and its text in Markdown.
pub fn tables() -> Vec<(String, String)> {
    text::tables(&[&SCENARIO])
}
