//! Policy files: found, read, and kept in force while their newest version is broken.

mod files;
mod watch;

use autoscaler::Policy;
use bus::payload::PolicySource;

pub(crate) use files::PolicyFiles;
pub(crate) use watch::watch;

use crate::fleet::ServiceKey;

/// The policies in force, first the one that wins.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PolicySet {
    /// The policies.
    pub(crate) entries: Vec<Entry>,
    /// The files and what became of them.
    pub(crate) sources: Vec<PolicySource>,
    /// Whether there is no file of which no version has ever been readable.
    pub(crate) complete: bool,
}

/// One policy and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The policy.
    pub(crate) policy: Policy,
    /// The file.
    pub(crate) origin: String,
}

impl PolicySet {
    /// The policies that name a service; the first is in force.
    pub(crate) fn naming<'a>(&'a self, key: &'a ServiceKey) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(|entry| entry.policy.services.matches(&key.host, &key.project, &key.service))
    }
}

impl Entry {
    /// The file, and which of its policies.
    pub(crate) fn place(&self) -> String {
        format!("{} ({})", self.origin, self.policy.services)
    }
}
