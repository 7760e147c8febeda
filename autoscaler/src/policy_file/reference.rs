//! The language as the tables of docs/policy.md.

use super::grammar::policy::{DEFAULTS, POLICY, SEVERAL};
use crate::text;

/// A table of docs/policy.md for each map of the language: its name there, and its text in Markdown.
pub fn tables() -> Vec<(String, String)> {
    text::tables(&[&SEVERAL, &DEFAULTS, &POLICY])
}
