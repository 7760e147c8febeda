//! A YAML value with the place that it stands at, free of any library.

use std::fmt;

/// Where something stands in one of the texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Which of [`Texts`](super::source::Texts).
    pub(super) source: u32,
    /// From 1.
    pub(super) line: usize,
    /// From 1, in characters.
    pub(super) column: usize,
    /// In bytes of the text.
    pub(super) start: usize,
    /// In bytes of the text; what it marks ends before this.
    pub(super) end: usize,
}

/// The first text that is not built in.
pub(super) const FIRST: u32 = 3;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Nothing is written, or `~`, or `null`.
    Nothing,
    /// As it is written, without quotes. What it means is up to where it stands; `no` is no boolean here.
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One `key: value`; no key comes twice in a map.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) value: Node,
}
