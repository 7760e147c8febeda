//! The language as a JSON Schema, for editors.

use serde_json::{Value, json};

use super::grammar::policy::{DEFAULTS, POLICY, SEVERAL};
use crate::text::Definitions;

/// A JSON Schema (draft 2020-12) of one document of a policy file. It refuses less than [`parse`](super::parse()) does:
/// what other layers can give is not missing, and what depends on a signal's unit is not looked at.
pub fn schema() -> Value {
    // A layer may leave out what another one gives, but must say for whom it is.
    let mut definitions = Definitions::new(|map, key| !map.layered || matches!(key.name, "service" | "defaults"));
    let [policy, defaults, several] = [&POLICY, &DEFAULTS, &SEVERAL].map(|map| definitions.define(map));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Ballast policy",
        "description": "A policy, what holds for several policies, or several policies. docs/policy.md is the reference.",
        "if": { "required": ["policies"] },
        "then": several,
        "else": { "if": { "required": ["defaults"] }, "then": defaults, "else": policy },
        "$defs": definitions.into_value(),
    })
}
