//! A YAML value with the place that it stands at, free of any library.

use std::fmt;

/// Where something stands in one of the texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which of [`Texts`](super::Texts).
    pub source: u32,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// In bytes of the text.
    pub start: usize,
    /// In bytes of the text; what it marks ends before this.
    pub end: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What is written.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing is written, or `~`, or `null`.
    Nothing,
    /// As it is written, without quotes. What it means is up to where it stands; `no` is no boolean here.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map.
    Map(Vec<Entry>),
}

/// One `key: value`; no key comes twice in a map.
#[derive(Clone, Debug)]
pub struct Entry {
    /// As it is written, without quotes.
    pub key: String,
    /// Where the key stands.
    pub key_place: Place,
    /// What it is.
    pub value: Node,
}
