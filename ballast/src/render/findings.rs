//! What `policy check` and `scenario check` found.

use autoscaler::text::{Severity, TextError};
use serde::Serialize;

use super::text::{Look, Tone, count};

/// What checking files found.
#[derive(Debug, Serialize)]
pub(crate) struct Checked {
    /// Files looked at.
    pub(crate) files: usize,
    /// What is in those that are right.
    #[serde(flatten)]
    pub(crate) right: Right,
    /// Files and folders that could not be looked at.
    pub(crate) unreadable: Vec<Unreadable>,
    /// What keeps a file from being used.
    pub(crate) errors: Vec<TextError>,
    /// What is allowed and yet hardly meant.
    pub(crate) warnings: Vec<TextError>,
}

/// A file or folder that could not be looked at.
#[derive(Debug, Serialize)]
pub(crate) struct Unreadable {
    /// Which.
    pub(crate) origin: String,
    /// Why.
    pub(crate) message: String,
}

/// What files hold that are right.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Right {
    Policies(usize),
    Scenarios(usize),
}

impl Right {
    /// More of them.
    pub(crate) fn add(&mut self, more: usize) {
        let (Self::Policies(count) | Self::Scenarios(count)) = self;
        *count += more;
    }

    fn counted(self) -> String {
        match self {
            Self::Policies(policies) => count(policies, "policy", "policies"),
            Self::Scenarios(scenarios) => count(scenarios, "scenario", "scenarios"),
        }
    }
}

impl Checked {
    /// Nothing yet, of such files.
    pub(crate) fn of(right: Right) -> Self {
        Self { files: 0, right, unreadable: Vec::new(), errors: Vec::new(), warnings: Vec::new() }
    }

    /// Whether every file can be used.
    pub(crate) fn is_good(&self) -> bool {
        self.errors.is_empty() && self.unreadable.is_empty()
    }
}

/// Every finding with its place, errors last because that is where one looks, then what it comes to.
pub(crate) fn findings(checked: &Checked, look: Look) -> String {
    let mut blocks: Vec<String> =
        checked.warnings.iter().chain(&checked.errors).map(|each| block(each, look)).collect();
    blocks.extend(
        checked
            .unreadable
            .iter()
            .map(|each| format!("{}: {}: {}\n", look.paint(Tone::Bad, "error"), each.origin, each.message)),
    );
    blocks.push(verdict(checked, look));
    blocks.join("\n")
}

/// The finding as the parser prints it, its first word in colour.
fn block(finding: &TextError, look: Look) -> String {
    let tone = match finding.severity {
        Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Warn,
    };
    let severity = finding.severity.to_string();
    let text = finding.render();
    match text.strip_prefix(&severity) {
        Some(rest) => format!("{}{rest}", look.paint(tone, &severity)),
        None => text,
    }
}

fn verdict(checked: &Checked, look: Look) -> String {
    let files = count(checked.files, "file", "files");
    let mut text = if checked.is_good() {
        format!("{}: {} in {files}", look.paint(Tone::Good, "ok"), checked.right.counted())
    } else {
        let errors = count(checked.errors.len() + checked.unreadable.len(), "error", "errors");
        format!("{}: {errors} in {files}", look.paint(Tone::Bad, "failed"))
    };
    if !checked.warnings.is_empty() {
        text.push_str(&format!(", {}", count(checked.warnings.len(), "warning", "warnings")));
    }
    text + "\n"
}
