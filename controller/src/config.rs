//! What a controller is told at its start.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use bus::{BusError, Keep};

/// What a controller is told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// The fleet that it controls.
    pub fleet: String,
    /// Policy files, and folders of them (`*.yaml` and `*.yml`, not those of subfolders). Where two policies name the
    /// same service, the first by this order wins, then by file name, then by place in the file.
    pub policies: Vec<PathBuf>,
    /// Environment variables, of which those that begin with `BALLAST_POLICY__` are part of policies.
    pub variables: BTreeMap<String, String>,
    /// Whether a file or folder named above may be missing, and is taken up once it is there.
    pub policies_may_be_missing: bool,
    /// A host not heard of for so long is lost: nothing is changed on it.
    pub host_lost_after: Duration,
    /// How long an agent may act upon a target that is not confirmed. It is confirmed four times as often.
    pub target_valid_for: Duration,
    /// How much of what happened is kept; an age of zero is none.
    pub history: Keep,
}

impl Config {
    /// With everything else at its default: a host is lost after 15 s, a target holds for 60 s, history is kept for a day.
    pub fn new(fleet: impl Into<String>, policies: Vec<PathBuf>) -> Self {
        Self {
            fleet: fleet.into(),
            policies,
            variables: BTreeMap::new(),
            policies_may_be_missing: false,
            host_lost_after: Duration::from_secs(15),
            target_valid_for: Duration::from_mins(1),
            history: Keep { age: Duration::from_hours(24), bytes: 256 * 1024 * 1024 },
        }
    }
}

/// Why a controller could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// The bus cannot be used at all; waiting would not help.
    #[error("the controller cannot use the bus: {0}")]
    Bus(#[source] BusError),
    /// The bus was closed under it.
    #[error("the bus was closed while the controller was running")]
    BusClosed,
    /// Nobody looks at the policy files any more.
    #[error(
        "reading the policy files ended unexpectedly, and edits would have no effect: start the controller again, and \
         please report this with its log"
    )]
    PoliciesUnwatched,
    /// What is kept about the controller's term cannot be read, so that it cannot know whether it is in charge.
    #[error(
        "key `term` in bucket `controllers` is {found:?}, which is no term: delete the key if no other controller runs"
    )]
    Term {
        /// What is there.
        found: String,
    },
}
