//! Policies: found in files, labels and the environment, and kept in force while their newest version is broken.

mod files;
mod watch;

use std::collections::BTreeMap;

use autoscaler::{
    policy_file::{Catalog, Resolved},
    text::{Origin, TextErrors},
};
use bus::payload::PolicySource;

pub(crate) use files::PolicyFiles;
pub(crate) use watch::watch;

use crate::fleet::ServiceKey;

/// The policies in force, first the one that wins.
#[derive(Clone, Debug)]
pub(crate) struct PolicySet {
    /// The policies.
    pub(crate) catalog: Catalog,
    /// The files and what became of them.
    pub(crate) sources: Vec<PolicySource>,
    /// Whether there is no file of which no version has ever been readable.
    pub(crate) complete: bool,
    /// Another one for each set that says something else.
    pub(crate) generation: u64,
}

/// The policy of one service, from all layers.
#[derive(Clone, Debug)]
pub(crate) struct InForce {
    /// Where it stands: the file and which of its policies, or the labels.
    pub(crate) place: String,
    /// Where others stand that name the service as well, and so are not in force for it.
    pub(crate) overruled: Vec<String>,
    /// What it says.
    pub(crate) resolved: Resolved,
}

impl Default for PolicySet {
    fn default() -> Self {
        Self { catalog: Catalog::read(Vec::new()).0, sources: Vec::new(), complete: false, generation: 0 }
    }
}

impl PolicySet {
    /// What is in force for a service with these labels; `None`: nothing names it.
    pub(crate) fn resolve(
        &self,
        key: &ServiceKey,
        labels: &BTreeMap<String, String>,
    ) -> Option<Result<InForce, TextErrors>> {
        let resolved = self.catalog.resolve(&key.host, &key.project, &key.service, labels)?;
        Some(resolved.map(|resolved| InForce {
            place: self.place(key),
            overruled: resolved.overruled.iter().map(|origin| self.place_of(origin)).collect(),
            resolved,
        }))
    }

    /// The file, and which of its policies stands there.
    fn place_of(&self, origin: &Origin) -> String {
        let there = self.catalog.selectors().find(|(_, other)| other == origin);
        there.map_or_else(|| origin.to_string(), |(selector, _)| format!("{} ({selector})", origin.name))
    }

    /// The file and which of its policies, or the labels.
    fn place(&self, key: &ServiceKey) -> String {
        let mut named = self
            .catalog
            .selectors()
            .filter(|(selector, _)| selector.matches(&key.host, &key.project, &key.service))
            .map(|(selector, origin)| format!("{} ({selector})", origin.name));
        named.next().unwrap_or_else(|| "its labels".to_owned())
    }
}
