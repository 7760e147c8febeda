//! The texts that are read, and how a place in one of them is told.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Place;

/// Numbers below this are of what is built in; the texts themselves come after.
const FIRST: u32 = 16;

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

/// The texts that places point into.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    built_in: Vec<Arc<Text>>,
    added: Vec<Arc<Text>>,
}

/// A text, by which a finding tells where it is.
#[derive(Debug)]
pub struct Text {
    /// The file, label or variable.
    pub origin: String,
    /// All of it.
    pub content: String,
    /// Whether it has lines that are worth telling.
    pub is_file: bool,
    /// Which layer it is of.
    pub layer: Layer,
}

impl Texts {
    /// With nothing but the names of what is built in; see [`Place::built_in`].
    pub fn new<'n>(built_in: impl IntoIterator<Item = &'n str>) -> Self {
        let text = |name: &str| Text::new(name.to_owned(), String::new(), Layer::BuiltIn);
        Self { built_in: built_in.into_iter().map(text).collect(), added: Vec::new() }
    }

    /// Adds a text and returns the number by which places name it.
    pub fn add(&mut self, origin: impl Into<String>, text: impl Into<String>, layer: Layer) -> u32 {
        self.added.push(Text::new(origin.into(), text.into(), layer));
        u32::try_from(self.added.len() - 1).unwrap_or(u32::MAX).saturating_add(FIRST)
    }

    /// The text of that number.
    pub fn get(&self, number: u32) -> Option<&Text> {
        let at = |number| usize::try_from(number).ok();
        let text = match number.checked_sub(FIRST) {
            Some(added) => self.added.get(at(added)?),
            None => self.built_in.get(at(number)?),
        };
        text.map(AsRef::as_ref)
    }

    /// The first text that was added.
    pub fn first(&self) -> u32 {
        FIRST
    }

    /// The origin of what stands at `place`.
    pub fn origin(&self, place: Place) -> Origin {
        let Some(text) = self.get(place.source) else {
            return Origin { layer: Layer::BuiltIn, name: String::new(), line: None, column: None };
        };
        let at = |number| text.is_file.then_some(number);
        Origin { layer: text.layer, name: text.origin.clone(), line: at(place.line), column: at(place.column) }
    }
}

impl Text {
    fn new(origin: String, content: String, layer: Layer) -> Arc<Self> {
        Arc::new(Self { origin, content, is_file: layer == Layer::File, layer })
    }
}

impl Place {
    /// A place in what is built in, by its number in [`Texts::new`].
    pub fn built_in(number: usize) -> Self {
        let source = u32::try_from(number).unwrap_or(FIRST - 1).min(FIRST - 1);
        Self { source, line: 1, column: 1, start: 0, end: 0 }
    }

    /// Whether it is in what is built in, so that nobody wrote what stands there.
    pub fn is_built_in(self) -> bool {
        self.source < FIRST
    }
}
