//! The replicas of the service, each on its way from a decision to its end.

use autoscaler::{Timestamp, event::ReplicaId};

/// One replica.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    /// As Docker would name it.
    pub(crate) id: ReplicaId,
    /// Its number, as Compose counts; the greatest goes first.
    pub(crate) number: u32,
    /// Which version of the service it is: one more after each deployment.
    pub(crate) version: u32,
    /// When its process started, or will.
    pub(crate) started: Timestamp,
    /// Until when it boots, and keeps so many cores busy as that takes.
    pub(crate) booted: Timestamp,
    /// Until when what it is on its way to has been seen: its process, and the end of its booting.
    pub(crate) seen: Timestamp,
    /// How often it was started again.
    pub(crate) restarts: u64,
    /// How far it is.
    pub(crate) stage: Stage,
    /// Core-seconds that each serving replica had used when this one began to serve, or was sampled last.
    pub(crate) mark: f64,
    /// Until when it was sampled.
    pub(crate) sampled: Timestamp,
}

/// How far a replica is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stage {
    /// It serves from `ready` on.
    Starting {
        /// Then.
        ready: Timestamp,
    },
    /// It never will, and is found out at `until`.
    Failing {
        /// Then.
        until: Timestamp,
    },
    /// Its host is gone.
    Down,
    /// It serves.
    Ready {
        /// Since then.
        since: Timestamp,
    },
    /// It takes no new requests, and is gone when it has finished what it has.
    Stopping {
        /// Then at the latest.
        until: Timestamp,
        /// What it still has.
        left: f64,
        /// Requests per second that it finishes.
        rate: f64,
    },
}

impl Replica {
    /// When something happens to it by itself.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Starting { ready: at } | Stage::Failing { until: at } => {
                let steps = [self.started, self.booted].into_iter().filter(|step| *step > self.seen);
                Some(steps.fold(at, Ord::min))
            }
            Stage::Stopping { until: at, .. } => Some(at),
            Stage::Ready { .. } | Stage::Down => None,
        }
    }

    /// Whether it boots.
    pub(crate) fn boots(&self) -> bool {
        self.starts() && self.started <= self.seen && self.booted > self.seen
    }

    /// Whether it serves.
    pub(crate) fn serves(&self) -> bool {
        matches!(self.stage, Stage::Ready { .. })
    }

    /// Whether it is on its way.
    pub(crate) fn starts(&self) -> bool {
        matches!(self.stage, Stage::Starting { .. } | Stage::Failing { .. })
    }

    /// Whether it is listed as one of those that there are.
    pub(crate) fn counts(&self) -> bool {
        !matches!(self.stage, Stage::Stopping { .. } | Stage::Down)
    }

    /// Since when it serves.
    pub(crate) fn ready_since(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Ready { since } => Some(since),
            _ => None,
        }
    }
}

/// An ID as Docker gives them: 64 hexadecimal digits, other ones for each replica.
pub(crate) fn id(ordinal: u64) -> ReplicaId {
    // The finaliser of SplitMix64: a bijection, so that no two replicas share their first digits.
    let mut mixed = ordinal.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    ReplicaId::new(format!("{mixed:016x}{ordinal:048x}"))
}
