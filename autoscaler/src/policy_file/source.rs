//! What the parts of a policy come from.

use std::collections::BTreeMap;

use crate::text::Texts;

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

/// Origins of what is built in, by [`Base`](super::grammar::Base).
const BUILT_IN: [&str; 3] = ["default", "guards.base: none", "guards.base: kubernetes-hpa"];

/// Texts with the built-in defaults of policies only.
pub(super) fn texts() -> Texts {
    Texts::new(BUILT_IN)
}
