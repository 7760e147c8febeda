//! How policies differ, in words.

use autoscaler::policy_file::Change;
use serde::Serialize;

/// What differs for the services of one policy.
#[derive(Debug, Serialize)]
pub(crate) struct Difference {
    /// Which services.
    pub(crate) services: String,
    /// What differs; empty where the policy is only in one of the files.
    pub(crate) changes: Vec<Change>,
    /// Whether the policy was added or removed as a whole.
    pub(crate) whole: Option<Whole>,
}

/// Whether a policy is only in one of two files.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Whole {
    /// In the newer one.
    Added,
    /// In the older one.
    Removed,
}

/// A line for each change, below the services that it is for.
pub(crate) fn differences(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "nothing differs in what they say\n".to_owned();
    }
    let mut text = String::new();
    for Difference { services, changes, whole } in differences {
        match whole {
            Some(Whole::Added) => text.push_str(&format!("{services}: the whole policy is new\n")),
            Some(Whole::Removed) => text.push_str(&format!("{services}: has no policy any more\n")),
            None => text.push_str(&format!("{services}\n")),
        }
        for change in changes {
            text.push_str(&format!("  {change}\n"));
        }
    }
    text
}
