//! The way of a service to its target, and what was told of it. Pure.

use bus::payload::Refusal;

use super::desk::Order;
use crate::{instant::is_recent, model::Service};

/// What has been reported, and what is to be reported when the target is reached.
#[derive(Debug, Default)]
pub(crate) struct Journey {
    /// When the first step was taken, and how many replicas there were then.
    pub(super) began: Option<(u64, u32)>,
    /// Somebody else's change that is being answered.
    pub(super) reasserted: Option<String>,
    /// The newest change by somebody else that has been seen through.
    pub(super) answered_ms: u64,
    /// A target has been reached before, so that somebody else's change can undo it; as it can a journey under way.
    pub(super) has_reached_one: bool,
    /// The last report, so that none is made twice.
    pub(super) reported: Option<(u64, u64, OutcomeKind)>,
    /// The last refused target that was reported.
    pub(super) refused: Option<(u64, u64)>,
    /// When somebody else chose the count, and the target that held when that was first seen.
    chosen: Option<(u64, Option<(u64, u64)>)>,
}

impl Journey {
    /// What is left of it when the service is taken down: only which changes by somebody else have been seen through, and
    /// which target has been refused.
    pub(super) fn after_down(&self) -> Self {
        Self { answered_ms: self.answered_ms, refused: self.refused, ..Self::default() }
    }

    /// The count that somebody else chose, and until when it stands: a target that came later and says something else
    /// ends it.
    pub(super) fn standing(
        &mut self,
        service: &Service,
        manual_ms: u64,
        order: Option<&Order>,
        now_ms: u64,
    ) -> Option<(u32, u64)> {
        let count = service.count_by_others.as_ref().filter(|count| !count.reset)?;
        let identity = order.map(|order| (order.target.term, order.target.sequence));
        let agreed = order.is_some_and(|order| order.target.replicas == count.replicas);
        let known = self.chosen.filter(|(at_ms, _)| *at_ms == count.at_ms);
        let (_, held) = *self.chosen.insert(known.unwrap_or((count.at_ms, identity)));
        let stands = (identity <= held || agreed) && is_recent(count.at_ms, now_ms, manual_ms);
        stands.then_some((count.replicas, count.at_ms.saturating_add(manual_ms)))
    }
}

/// What makes two reports of one target the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OutcomeKind {
    Reached,
    Stuck(String),
    Refused(Vec<Refusal>),
    Expired,
}

#[cfg(test)]
mod tests {
    use bus::payload::CountByOthers;

    use super::*;

    #[test]
    fn a_count_that_somebody_chose_stands_until_a_newer_target_says_something_else() {
        let order = |sequence: u64, replicas: u32| {
            let target = bus::payload::Target {
                v: 1,
                project: "shop".into(),
                service: "web".into(),
                replicas,
                term: 1,
                sequence,
                issued_ms: 0,
                valid_for_ms: 60_000,
                evaluation: 0,
                reason: String::new(),
            };
            Some(Order { target, holds_until_ms: u64::MAX })
        };
        let chosen = |at_ms: u64, reset: bool| Service {
            count_by_others: Some(CountByOthers { at_ms, replicas: 5, before: 3, reset }),
            ..Service::default()
        };
        let mut journey = Journey::default();
        for (what, service, order, manual_ms, now_ms, stands) in [
            ("nobody chose", Service::default(), order(1, 3), 600, 1_000, false),
            ("the file's count", chosen(1_000, true), order(1, 3), 600, 1_000, false),
            ("not to be respected", chosen(1_000, false), order(1, 3), 0, 1_000, false),
            ("the target from before", chosen(1_000, false), order(1, 3), 600, 1_100, true),
            ("it is confirmed", chosen(1_000, false), order(1, 3), 600, 1_200, true),
            ("there is none just now", chosen(1_000, false), None, 600, 1_200, true),
            ("a newer one agrees", chosen(1_000, false), order(2, 5), 600, 1_300, true),
            ("a newer one does not", chosen(1_000, false), order(3, 4), 600, 1_400, false),
            ("chosen anew", chosen(1_500, false), order(3, 4), 600, 1_500, true),
            ("for long enough", chosen(1_500, false), order(3, 4), 600, 2_100, false),
        ] {
            let standing = journey.standing(&service, manual_ms, order.as_ref(), now_ms);
            let until_ms = service.count_by_others.map(|count| (5, count.at_ms + manual_ms));
            assert_eq!(standing, until_ms.filter(|_| stands), "{what}");
        }
    }

    #[test]
    fn a_service_taken_down_begins_its_next_journey_anew_and_answers_no_change_twice() {
        let before = Journey {
            began: Some((1_000, 4)),
            reasserted: Some("somebody else changed it".into()),
            answered_ms: 900,
            has_reached_one: true,
            reported: Some((1, 2, OutcomeKind::Reached)),
            refused: Some((1, 1)),
            chosen: None,
        };
        let after = before.after_down();
        assert_eq!((after.began, after.reasserted, after.reported), (None, None, None));
        assert!(!after.has_reached_one, "there is nothing that somebody else could have undone");
        assert_eq!((after.answered_ms, after.refused), (900, Some((1, 1))));
    }
}
