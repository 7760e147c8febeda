//! What stands between what a Kubernetes HPA computes and what it does: stabilization and limits of speed.

use std::{collections::VecDeque, time::Duration};

use autoscaler::Timestamp;

/// The default behaviour of `autoscaling/v2`: up by at most 4 replicas or 100 % within 15 s, whichever is more; down to what
/// is wanted, but to no less than was wanted at any time in the last 300 s.
///
/// Source: KEP-853 and `normalizeDesiredReplicasWithBehaviors` in `pkg/controller/podautoscaler/horizontal.go`. The default
/// for down, 100 % within 15 s, limits nothing and is left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Behavior {
    /// What was wanted in the last 300 s.
    wanted: VecDeque<(Timestamp, u32)>,
    /// Replicas added (or, below zero, removed) in the last 15 s.
    changes: VecDeque<(Timestamp, i64)>,
}

/// What came of what was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bent {
    /// As wanted.
    No,
    /// More was wanted within the last 300 s.
    Stabilized,
    /// Not so many at once.
    Limited,
}

const DOWN_STABILIZATION: Duration = Duration::from_mins(5);
const UP_PERIOD: Duration = Duration::from_secs(15);
const UP_PODS: i64 = 4;
/// 100 %.
const UP_FACTOR: i64 = 2;

impl Behavior {
    /// How many replicas there shall be if there are `current` and `wanted` were computed.
    pub(super) fn bend(&mut self, now: Timestamp, current: u32, wanted: u32) -> (u32, Bent) {
        if self.wanted.is_empty() {
            // The controller counts what it finds as wanted, so that a restart does not scale down at once.
            self.wanted.push_back((now, current));
        }
        self.wanted.push_back((now, wanted));
        self.wanted.retain(|(at, _)| now.since(*at) < DOWN_STABILIZATION);
        self.changes.retain(|(at, _)| now.since(*at) < UP_PERIOD);
        let most = self.wanted.iter().map(|(_, wanted)| *wanted).max().unwrap_or(wanted);
        let (stable, bent) = match wanted {
            _ if wanted >= current => (wanted, Bent::No),
            _ if most > wanted => (most.min(current), Bent::Stabilized),
            _ => (wanted, Bent::No),
        };
        let before = i64::from(current) - self.changes.iter().map(|(_, change)| change).sum::<i64>();
        let limit = u32::try_from((before + UP_PODS).max(before.saturating_mul(UP_FACTOR)).max(0)).unwrap_or(u32::MAX);
        if stable > current && stable > limit { (limit.max(current), Bent::Limited) } else { (stable, bent) }
    }

    /// It was done.
    pub(super) fn changed(&mut self, now: Timestamp, from: u32, to: u32) {
        if from != to {
            self.changes.push_back((now, i64::from(to) - i64::from(from)));
        }
    }

    /// Both lists are in memory only.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(10_000_000 + seconds * 1000)
    }

    #[test]
    fn up_it_goes_by_four_or_double_within_fifteen_seconds() {
        let (mut behavior, mut current, mut counts) = (Behavior::default(), 1, Vec::new());
        for look in 0..6 {
            let (to, _) = behavior.bend(at(look * 15), current, 1000);
            behavior.changed(at(look * 15), current, to);
            current = to;
            counts.push(current);
        }
        assert_eq!(counts, [5, 10, 20, 40, 80, 160]);
    }

    #[test]
    fn what_was_added_a_moment_ago_counts_against_the_limit() {
        let mut behavior = Behavior::default();
        behavior.changed(at(0), 4, 6);
        assert_eq!(behavior.bend(at(10), 6, 100), (8, Bent::Limited), "4 before, and double that");
        assert_eq!(behavior.bend(at(15), 6, 100), (12, Bent::Limited));
    }

    #[test]
    fn down_it_goes_to_the_most_of_the_last_five_minutes() {
        let mut behavior = Behavior::default();
        assert_eq!(behavior.bend(at(0), 10, 10), (10, Bent::No));
        assert_eq!(behavior.bend(at(60), 10, 7), (10, Bent::Stabilized));
        assert_eq!(behavior.bend(at(299), 10, 5), (10, Bent::Stabilized));
        assert_eq!(behavior.bend(at(300), 10, 5), (7, Bent::Stabilized));
        assert_eq!(behavior.bend(at(360), 7, 5), (5, Bent::No));
    }

    #[test]
    fn a_controller_that_starts_counts_what_it_finds_as_wanted() {
        let mut behavior = Behavior::default();
        assert_eq!(behavior.bend(at(0), 10, 2), (10, Bent::Stabilized));
        behavior.forget();
        assert_eq!(behavior.bend(at(300), 10, 2), (10, Bent::Stabilized));
        assert_eq!(behavior.bend(at(600), 10, 2), (2, Bent::No));
    }
}
