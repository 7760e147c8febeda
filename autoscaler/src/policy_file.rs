//! Policies as people write them: YAML to [`Policy`], strictly, with every error at once.
//!
//! ```text
//! text → yaml → tree of nodes with places → policy, signals, rules, guards → Policy
//!                                         ↘ findings, sorted by place       ↗ warnings
//! ```
//!
//! Only `yaml` knows the YAML library. Everything behind it reads nodes and goes on after an error, so that one round
//! tells all of them. `docs/policy.md` is the grammar.

mod fields;
mod finding;
mod guards;
mod node;
mod policy;
mod quantity;
mod rules;
mod signals;
pub(crate) mod spelling;
mod values;
mod warnings;
mod yaml;

pub use finding::{Kind, PolicyError, PolicyErrors, Severity, render, render_all};

use std::collections::BTreeMap;

use crate::Policy;
use finding::Findings;

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
    pub warnings: Vec<PolicyError>,
}

/// Reads every policy in `text`; `origin` names it in errors, for example the file's path.
///
/// All errors come at once, by place; only where the text is not YAML does reading end at the first.
pub fn parse(origin: &str, text: &str) -> Result<PolicyFile, PolicyErrors> {
    let mut findings = Findings::new(origin, text);
    let mut read = Vec::new();
    if text.len() > LONGEST_TEXT {
        findings.whole_file(
            Kind::TooMuch,
            format!("the file is longer than {LONGEST_TEXT} bytes (1 MiB)"),
            "split it into several files",
        );
    } else {
        let documents = yaml::read(text, &mut findings);
        if documents.is_empty() && findings.is_empty() {
            findings.whole_file(
                Kind::Missing,
                "there is no policy in the file",
                "a policy begins with `service: project/service`; docs/policy.md has the grammar",
            );
        }
        for document in &documents {
            policy::read_document(document, &mut findings, &mut read);
        }
    }
    check_services(&read, &mut findings);
    if !findings.is_empty() {
        return Err(PolicyErrors(findings.sorted()));
    }
    for policy in &read {
        warnings::look_at(policy, &mut findings);
    }
    let policies = read.into_iter().flat_map(policy::ReadPolicy::into_policies).collect();
    Ok(PolicyFile { policies, warnings: findings.sorted() })
}

/// That no service is named twice, and that there are not too many.
fn check_services(read: &[policy::ReadPolicy], findings: &mut Findings<'_>) {
    let mut seen = BTreeMap::new();
    let mut count = 0;
    for (selector, place) in read.iter().flat_map(|policy| &policy.services) {
        count += 1;
        if count == MOST_POLICIES + 1 {
            findings.add(
                Kind::TooMuch,
                *place,
                format!("this is one policy too many: at most {MOST_POLICIES} can be in one file"),
                "split it into several files, or name the services by a pattern such as `shop/*`",
            );
        }
        if let Some(first) = seen.insert(selector.to_string(), *place) {
            findings.add(
                Kind::Conflict,
                *place,
                format!("`{selector}` has a policy already, at {first}"),
                "put all rules for it into one policy",
            );
        }
    }
}
