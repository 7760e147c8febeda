//! What `policy check` found.

use serde::Serialize;

use super::text::{Look, Tone, count, indent};

/// What checking policy files found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Checked {
    /// Files looked at.
    pub(crate) files: usize,
    /// Policies in those that are right.
    pub(crate) policies: usize,
    /// What makes a file unusable.
    pub(crate) errors: Vec<Finding>,
    /// What is legal but worth knowing.
    pub(crate) warnings: Vec<Finding>,
}

/// One finding.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    /// The file.
    pub(crate) origin: String,
    /// From 1; absent: the file as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<usize>,
    /// What is wrong, what is allowed, and the likely cure.
    pub(crate) message: String,
    /// The line with a mark below the place.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) excerpt: String,
}

/// Every finding with its place, errors last because that is where one looks, then what it comes to.
pub(crate) fn findings(checked: &Checked, look: Look) -> String {
    let mut text = String::new();
    for warning in &checked.warnings {
        text.push_str(&finding(warning, &look.paint(Tone::Warn, "warning"), look));
    }
    for error in &checked.errors {
        text.push_str(&finding(error, &look.paint(Tone::Bad, "error"), look));
    }
    text.push_str(&verdict(checked, look));
    text
}

fn finding(finding: &Finding, kind: &str, look: Look) -> String {
    let place = match (finding.line, finding.column) {
        (Some(line), Some(column)) => format!("{}:{line}:{column}", finding.origin),
        _ => finding.origin.clone(),
    };
    let excerpt = indent(&finding.excerpt, 2);
    format!("{}: {kind}: {}\n{excerpt}", look.paint(Tone::Strong, &place), finding.message)
}

fn verdict(checked: &Checked, look: Look) -> String {
    let files = count(checked.files, "file", "files");
    let mut text = if checked.errors.is_empty() {
        let ok = look.paint(Tone::Good, "ok");
        format!("{ok}: {} in {files}", count(checked.policies, "policy", "policies"))
    } else {
        let failed = look.paint(Tone::Bad, "failed");
        format!("{failed}: {} in {files}", count(checked.errors.len(), "error", "errors"))
    };
    if !checked.warnings.is_empty() {
        text.push_str(&format!(", {}", count(checked.warnings.len(), "warning", "warnings")));
    }
    text + "\n"
}
