//! Policies as people write them: YAML to [`Policy`], strictly, with every error at once.

use crate::Policy;

/// Reads every policy in `text`; `origin` names it in errors, for example the file's path.
pub fn parse(_origin: &str, _text: &str) -> Result<Vec<Policy>, PolicyErrors> {
    Ok(Vec::new())
}

/// Everything that is wrong with a policy file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct PolicyErrors(pub Vec<PolicyError>);

/// One thing that is wrong with a policy file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin}:{line}:{column}: {message}")]
pub struct PolicyError {
    /// The file.
    pub origin: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong, what is allowed, and the likely cure.
    pub message: String,
    /// The line with a mark below the place.
    pub excerpt: String,
}
