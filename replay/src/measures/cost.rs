//! What a run cost.

use std::time::Duration;

use autoscaler::Timestamp;
use serde::{Deserialize, Serialize};

use crate::simulation::{Change, Segment};

const MILLIS_PER_HOUR: f64 = 3_600_000.0;

/// What a run cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// `∫ (S + B + stopping) dt`: hours of replicas, those that start and those that stop included.
    pub replica_hours: f64,
    /// `∫ max(D - S, 0) dt`: hours of replicas that were missing.
    pub missing_hours: f64,
    /// `J = ∫ (S + B + stopping) dt + idle_per_missing ∫ max(D - S, 0) dt`, in replica-hours.
    pub total: f64,
    /// Replicas on average, those that start and those that stop included.
    pub mean_replicas: f64,
    /// Most replicas at a time, those that start and those that stop included.
    pub most_replicas: u32,
    /// `∫ C dt`, where `C` is the cores that the replicas that serve keep busy ([`Segment::busy_cores`]): hours of cores.
    pub core_hours: f64,
    /// `1/T ∫ C dt`: cores busy on average.
    pub mean_cores: f64,
    /// `∫ C dt / ∫ S dt`: cores that a replica keeps busy in a second in which it serves; `None` where none served.
    pub cores_per_replica: Option<f64>,
    /// Decisions that changed the count.
    pub changes: u64,
    /// Replicas that these added.
    pub started: u64,
    /// Replicas that these removed.
    pub stopped: u64,
    /// Changes that turned back: the other way than the change before them, within [`Turns::WITHIN`] of it.
    pub reversals: u64,
}

/// Finds changes that turn back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turns {
    /// When the last change was, and whether it was upwards.
    last: Option<(Timestamp, bool)>,
}

impl Turns {
    /// A change that long after one the other way turns nothing back.
    pub const WITHIN: Duration = Duration::from_mins(10);

    /// Whether this change turns back: the other way than the one before it, and no more than [`Self::WITHIN`] after it.
    /// One that changes no count is none.
    pub fn turns_back(&mut self, change: &Change) -> bool {
        if change.from == change.to {
            return false;
        }
        let upwards = change.to > change.from;
        let before = self.last.replace((change.at, upwards));
        before.is_some_and(|(at, up)| up != upwards && change.at.since(at) <= Self::WITHIN)
    }
}

/// Sums over segments and changes.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    idle_per_missing: f64,
    /// Replica-milliseconds.
    held: u64,
    missing: u64,
    most: u32,
    /// Core-seconds.
    busy: f64,
    /// Replica-milliseconds of those that serve.
    served: u64,
    changes: u64,
    started: u64,
    stopped: u64,
    reversals: u64,
    turns: Turns,
}

impl Tally {
    pub(super) fn new(idle_per_missing: f64) -> Self {
        let turns = Turns::default();
        Self {
            idle_per_missing,
            held: 0,
            missing: 0,
            most: 0,
            busy: 0.0,
            served: 0,
            changes: 0,
            started: 0,
            stopped: 0,
            reversals: 0,
            turns,
        }
    }

    pub(super) fn add(&mut self, segment: &Segment) {
        let millis = segment.to.as_millis() - segment.from.as_millis();
        let all = segment.ready + segment.starting + segment.stopping;
        self.held += u64::from(all) * millis;
        self.missing += u64::from(segment.needed.saturating_sub(segment.ready)) * millis;
        self.most = self.most.max(all);
        self.busy += segment.busy_cores * (millis as f64 / 1e3);
        self.served += u64::from(segment.ready) * millis;
    }

    pub(super) fn change(&mut self, change: &Change) {
        self.changes += u64::from(change.to != change.from);
        self.started += u64::from(change.to.saturating_sub(change.from));
        self.stopped += u64::from(change.from.saturating_sub(change.to));
        self.reversals += u64::from(self.turns.turns_back(change));
    }

    pub(super) fn cost(&self, length: Duration) -> Cost {
        let millis = length.as_secs_f64() * 1e3;
        let (held, missing) = (self.held as f64, self.missing as f64);
        Cost {
            replica_hours: held / MILLIS_PER_HOUR,
            missing_hours: missing / MILLIS_PER_HOUR,
            total: (held + self.idle_per_missing * missing) / MILLIS_PER_HOUR,
            mean_replicas: if millis > 0.0 { held / millis } else { 0.0 },
            most_replicas: self.most,
            core_hours: self.busy / 3600.0,
            mean_cores: if millis > 0.0 { self.busy / (millis / 1e3) } else { 0.0 },
            cores_per_replica: (self.served > 0).then(|| self.busy / (self.served as f64 / 1e3)),
            changes: self.changes,
            started: self.started,
            stopped: self.stopped,
            reversals: self.reversals,
        }
    }
}
