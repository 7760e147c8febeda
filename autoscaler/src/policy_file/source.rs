//! Where the parts of a policy come from, and how a place in one of them is told.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::node::Place;

/// A text that policies are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    origin: String,
    content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    File(String),
    /// By name.
    Environment(BTreeMap<String, String>),
}

impl Source {
    /// A policy file; `origin` names it in findings, for example its path.
    pub fn file(origin: impl Into<String>, text: impl Into<String>) -> Self {
        Self { origin: origin.into(), content: Content::File(text.into()) }
    }

    /// Environment variables. Only those that begin with `BALLAST_POLICY__` are looked at.
    pub fn environment(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let content = Content::Environment(variables.into_iter().collect());
        Self { origin: "environment".to_owned(), content }
    }

    pub(super) fn into_parts(self) -> (String, Content) {
        (self.origin, self.content)
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// Which layer.
    pub layer: Layer,
    /// The file, label or variable.
    pub name: String,
    /// In a file: from 1.
    pub line: Option<usize>,
    /// In a file: from 1, in characters.
    pub column: Option<usize>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        Ok(())
    }
}

/// The layers that a policy is merged from, low to high.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// What Ballast does when nobody says anything.
    BuiltIn,
    /// A container's label.
    Label,
    /// A file: its policies and, below them and below labels, its blocks of defaults.
    File,
    /// An environment variable of the controller.
    Environment,
}

/// The texts that places point into. The first are the built-in defaults.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts(Vec<Arc<Text>>);

#[derive(Debug)]
pub(super) struct Text {
    pub(super) origin: String,
    pub(super) text: String,
    /// Whether it has lines that are worth telling.
    pub(super) is_file: bool,
    pub(super) layer: Layer,
}

/// Origins of what is built in, by [`Base`](super::grammar::Base).
const BUILT_IN: [&str; 3] = ["default", "guards.base: none", "guards.base: kubernetes-hpa"];

impl Texts {
    /// With the built-in defaults only.
    pub(super) fn new() -> Self {
        let mut texts = Self::default();
        for origin in BUILT_IN {
            texts.add(origin, "", Layer::BuiltIn);
        }
        texts
    }

    /// Adds a text and returns the number by which places name it.
    pub(super) fn add(&mut self, origin: impl Into<String>, text: impl Into<String>, layer: Layer) -> u32 {
        let is_file = layer == Layer::File;
        self.0.push(Arc::new(Text { origin: origin.into(), text: text.into(), is_file, layer }));
        u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn get(&self, number: u32) -> Option<&Text> {
        self.0.get(usize::try_from(number).ok()?).map(AsRef::as_ref)
    }

    /// The origin of what stands at `place`.
    pub(super) fn origin(&self, place: Place) -> Origin {
        let Some(text) = self.get(place.source) else {
            return Origin { layer: Layer::BuiltIn, name: String::new(), line: None, column: None };
        };
        let at = |number| text.is_file.then_some(number);
        Origin { layer: text.layer, name: text.origin.clone(), line: at(place.line), column: at(place.column) }
    }
}

impl Place {
    /// A place in what is built in, by [`Base`](super::grammar::Base).
    pub(super) fn built_in(base: super::grammar::Base) -> Self {
        Self { source: base as u32, line: 1, column: 1, start: 0, end: 0 }
    }

    /// Whether it is in what is built in, so that nobody wrote what stands there.
    pub(super) fn is_built_in(self) -> bool {
        usize::try_from(self.source).is_ok_and(|source| source < BUILT_IN.len())
    }
}
