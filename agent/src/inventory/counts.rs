//! How many replicas a service has, and whose doing that is. Pure.

use std::collections::{BTreeMap, BTreeSet};

use bus::payload::{CountByOthers, ServiceName};

use super::read::newest_group;
use crate::model::{ExitCause, Replica};

/// A change of a project by somebody else.
#[derive(Clone, Debug, Default)]
pub(super) struct ProjectChange {
    pub(super) since_ms: u64,
    pub(super) last_ms: u64,
    pub(super) why: String,
    /// The containers of each service before the change, by ID.
    pub(super) before: BTreeMap<String, BTreeMap<String, Before>>,
    pub(super) destroyed: BTreeSet<String>,
    /// Containers that the engine was asked to stop, as Compose does before it removes one.
    pub(super) stopped: BTreeSet<String>,
    /// Containers that came by somebody else, or were woken.
    pub(super) appeared: BTreeSet<String>,
    /// Services of which a replica came by somebody else: they were not taken down.
    pub(super) brought: BTreeSet<String>,
    /// Its network is gone.
    pub(super) down: bool,
}

/// A replica before a change.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    pub(super) number: u32,
    pub(super) asleep: bool,
}

/// What is known of a service's count.
#[derive(Clone, Debug, Default)]
pub(super) struct Count {
    /// That of the Compose file, as far as it shows.
    pub(super) file: u32,
    /// What makes replicas of the newest configuration the same.
    pub(super) group: Option<(String, String)>,
    /// The project's change that was looked at last.
    pub(super) change_ms: u64,
    pub(super) by_others: Option<CountByOthers>,
}

impl Count {
    /// That of a service seen for the first time.
    pub(super) fn first(replicas: &[Replica]) -> Self {
        Self { file: made_by_compose(replicas), group: newest_group(replicas), ..Self::default() }
    }
}

/// What a change by somebody else made of a service's count.
pub(super) fn counted(known: &Count, change: &ProjectChange, name: &ServiceName, replicas: &[Replica]) -> Count {
    let nothing = BTreeMap::new();
    let before = change.before.get(&name.service).unwrap_or(&nothing);
    let (gone, left): (Vec<_>, Vec<_>) = before.iter().partition(|(id, _)| change.destroyed.contains(*id));
    let awake = || replicas.iter().filter(|replica| replica.exit != Some(ExitCause::Asleep));
    let now = number_of(awake());
    let group = newest_group(replicas);
    // Compose makes all anew with a new configuration, and as many as its file says.
    let is_recreated = group != known.group || (!before.is_empty() && left.is_empty());
    let file = if is_recreated { now } else { known.file };
    let appeared = number_of(awake().filter(|replica| change.appeared.contains(&replica.summary.id)));
    let disappeared = number_of(gone.iter().filter(|(_, replica)| !replica.asleep));
    // Compose stops what it removes, and takes the highest numbers; who removes one by hand wants another in its place.
    let by_compose = gone.iter().any(|(id, _)| change.stopped.contains(*id))
        && gone.iter().map(|(_, replica)| replica.number).min() > left.iter().map(|(_, replica)| replica.number).max();
    let is_chosen = appeared > disappeared || (appeared < disappeared && by_compose);
    let count = CountByOthers {
        at_ms: change.last_ms,
        replicas: now,
        before: number_of(before.values().filter(|replica| !replica.asleep)),
        reset: now == file,
    };
    let by_others = if is_chosen { Some(count) } else { known.by_others.clone() };
    Count { file, group, change_ms: change.since_ms, by_others }
}

/// How many Compose has made: those that carry no mark of Ballast. With none left, its own default.
fn made_by_compose(replicas: &[Replica]) -> u32 {
    number_of(replicas.iter().filter(|replica| !replica.summary.managed)).max(1)
}

pub(super) fn number_of<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}
