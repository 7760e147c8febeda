//! The canonical layout of a policy file.
//!
//! ```text
//! text → tree with styles as written → comments put to what they belong to → printed in the order of the grammar
//! ```
//!
//! What is printed is read again and compared with what was there. Where anything differs, the file is refused rather
//! than damaged.

mod comments;
mod print;
mod tree;

use super::{document, read_documents};
use crate::text::{Findings, Kind, Node, TextErrors, Value, yaml};

/// `text` in the canonical layout: the keys in the order of the grammar, two spaces a level, short maps on one line of at
/// most 120 columns, one blank line where there were several, and every comment with what it belongs to.
///
/// A text with an error in itself is refused, and so is one of which something would get lost.
pub fn fmt(origin: &str, text: &str) -> Result<String, TextErrors> {
    let mut findings = Findings::new(super::source::texts());
    let documents = read_documents(origin, text, &mut findings);
    for document in &documents {
        document::check_alone(document, &mut findings);
    }
    if !findings.no_errors() {
        return Err(TextErrors(findings.sorted()));
    }
    match tree::read(text).map(print::print) {
        Some(formatted) if is_same(text, &formatted) => Ok(formatted),
        _ => {
            let message = "this file cannot be laid out anew without losing something";
            let help = "an alias may come to stand before its anchor, or a comment in the middle of a value: move it";
            findings.whole_file(findings.texts.first(), Kind::Syntax, message, help);
            Err(TextErrors(findings.sorted()))
        }
    }
}

/// Whether both mean the same and have the same comments, and there is nothing left to lay out.
fn is_same(one: &str, other: &str) -> bool {
    if tree::read(other).map(print::print).as_deref() != Some(other) {
        return false;
    }
    let values = |text: &str| {
        let mut findings = Findings::new(super::source::texts());
        let read: Vec<Sorted> = yaml::read(0, text, "a policy", &mut findings).iter().map(sorted).collect();
        findings.no_errors().then_some(read)
    };
    values(one).is_some() && values(one) == values(other) && tree::comments(one) == tree::comments(other)
}

/// A value whose order of keys says nothing.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Sorted {
    Nothing,
    Text(String),
    List(Vec<Sorted>),
    Map(Vec<(String, Sorted)>),
}

fn sorted(node: &Node) -> Sorted {
    match &node.value {
        Value::Nothing => Sorted::Nothing,
        Value::Text(text) => Sorted::Text(text.clone()),
        Value::List(items) => Sorted::List(items.iter().map(sorted).collect()),
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries.iter().map(|entry| (entry.key.clone(), sorted(&entry.value))).collect();
            entries.sort();
            Sorted::Map(entries)
        }
    }
}
