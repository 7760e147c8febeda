//! Policies as people write them: YAML to [`Policy`], strictly, with every error at once.
//!
//! ```text
//! text → yaml → tree of nodes with places → layers merged → policy, signals, rules, guards → Policy
//!                                                        ↘ findings, sorted by place       ↗ warnings
//! ```
//!
//! [`text`](crate::text) is how any text is read here; `fmt` alone knows the YAML library, too. `grammar` is the language
//! as tables; `docs/policy.md` tells it to people.

mod across;
mod catalog;
mod diff;
mod document;
mod edit;
mod fmt;
mod grammar;
mod guards;
mod labels;
mod layers;
mod policy;
mod quantity;
mod reference;
mod rules;
mod schema;
mod settings;
mod signals;
mod source;
pub(crate) mod state;
mod variables;
mod warnings;

pub use catalog::{Catalog, Resolved};
pub use diff::{Change, diff};
pub use edit::set;
pub use fmt::fmt;
pub use reference::tables;
pub use schema::schema;
pub use settings::Setting;
pub use source::Source;
pub use warnings::Needed;

use crate::{
    Policy,
    text::{Findings, Kind, Layer, TextError, TextErrors, yaml},
};
use document::Document;

/// The longest text that is read, in bytes.
pub const LONGEST_TEXT: usize = 1024 * 1024;
/// The most policies that a file can have; one that names several services counts once for each.
pub const MOST_POLICIES: usize = 1000;

/// What a policy file says.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyFile {
    /// In the order of the file. A policy that lists several services is here once for each of them.
    pub policies: Vec<Policy>,
    /// What is allowed and yet hardly meant, by place.
    pub warnings: Vec<TextError>,
}

/// Reads every policy in `text`, each with the blocks of defaults of the same text that are for all of its services;
/// `origin` names it in errors, for example the file's path.
///
/// All errors come at once, by place; only where the text is not YAML does reading end at the first.
pub fn parse(origin: &str, text: &str) -> Result<PolicyFile, TextErrors> {
    let mut findings = Findings::new(source::texts());
    let documents = read_documents(origin, text, &mut findings);
    let read = document::read_all(&documents, &mut findings);
    if !findings.no_errors() {
        return Err(TextErrors(findings.sorted()));
    }
    across::look_at(&documents, &mut findings);
    for policy in &read {
        warnings::look_at(policy, &mut findings);
    }
    let policies = read.into_iter().flat_map(policy::ReadPolicy::into_policies).collect();
    Ok(PolicyFile { policies, warnings: findings.sorted() })
}

/// The policies and blocks of defaults of a file.
fn read_documents(origin: &str, text: &str, findings: &mut Findings) -> Vec<Document> {
    let kept = if text.len() > LONGEST_TEXT { "" } else { text };
    let source = findings.texts.add(origin, kept, Layer::File);
    if text.len() > LONGEST_TEXT {
        findings.whole_file(
            source,
            Kind::TooMuch,
            format!("the file is longer than {LONGEST_TEXT} bytes (1 MiB)"),
            "split it into several files",
        );
        return Vec::new();
    }
    let documents = yaml::read(source, text, "a policy", findings);
    if documents.is_empty() && findings.no_errors() {
        findings.whole_file(
            source,
            Kind::Missing,
            "there is no policy in the file",
            "a policy begins with `service: project/service`; docs/policy.md has the grammar",
        );
    }
    documents.into_iter().flat_map(|node| document::of(node, findings)).collect()
}
