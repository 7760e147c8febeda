//! What the controller wants of one service: takes in targets and assignments, refuses stale ones. Pure.

use bus::payload::{Assignment, Target};

/// Clocks are corrected by less than this all the time.
const CLOCK_CORRECTED_MS: u64 = 1_000;

/// What is wanted of one service, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wishes {
    /// Absent: the service is under no policy and is not touched.
    pub assignment: Option<Assignment>,
    /// The newest target.
    pub order: Option<Order>,
    /// The newest target that was refused, and why.
    pub refused: Option<(Target, String)>,
    /// The highest term of any target or assignment; it outlives them, so that their removal makes no room for a
    /// controller that is no longer in charge.
    pub term: u64,
}

/// A target, and how long it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The target.
    pub target: Target,
    /// By this agent's clock.
    pub holds_until_ms: u64,
}

impl Wishes {
    /// Takes in an assignment; `false` when it is of an older term than was seen, so that the one before it holds.
    pub fn assign(&mut self, assignment: Assignment) -> bool {
        if assignment.term < self.term {
            return false;
        }
        self.term = assignment.term;
        self.assignment = Some(assignment);
        true
    }

    /// Takes in a target. `first_read` says that it was there already when the agent came: then only the controller's
    /// clock tells how old it is.
    pub fn receive(&mut self, target: Target, first_read: bool, now_ms: u64) {
        if target.term < self.term && self.order.as_ref().is_none_or(|order| order.target.term < self.term) {
            let cause = format!(
                "the target is of term {}, and term {} has been seen already: it comes from a controller that is no \
                 longer in charge",
                target.term, self.term
            );
            self.refused = Some((target, cause));
            return;
        }
        if let Some(order) = &self.order {
            let known = (order.target.term, order.target.sequence);
            let new = (target.term, target.sequence);
            if new < known {
                let cause = format!(
                    "the target is number {} of term {}, and number {} of term {} has been seen already: it comes from \
                     a controller that is no longer in charge",
                    new.1, new.0, known.1, known.0
                );
                self.refused = Some((target, cause));
                return;
            }
            // The bus tells a value again after each reconnect; that confirms nothing.
            if new == known && target.issued_ms <= order.target.issued_ms {
                return;
            }
        }
        self.term = self.term.max(target.term);
        let from_ms = if first_read { target.issued_ms.min(now_ms) } else { now_ms };
        self.order = Some(Order { holds_until_ms: from_ms.saturating_add(target.valid_for_ms), target });
    }
}

impl Order {
    /// Whether it still holds.
    pub fn holds(&self, now_ms: u64) -> bool {
        // One that has more than its time left was received before the clock was set back.
        let left_ms = self.holds_until_ms.saturating_sub(now_ms);
        left_ms > 0 && left_ms <= self.target.valid_for_ms.saturating_add(CLOCK_CORRECTED_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(term: u64, sequence: u64, issued_ms: u64) -> Target {
        Target {
            v: 1,
            project: "shop".into(),
            service: "web".into(),
            replicas: 3,
            term,
            sequence,
            issued_ms,
            valid_for_ms: 100,
            evaluation: 0,
            reason: String::new(),
        }
    }

    fn assignment(term: u64) -> Assignment {
        let (project, service) = ("shop".into(), "web".into());
        let mode = bus::payload::Mode::Act;
        Assignment {
            v: 1,
            project,
            service,
            mode,
            min: 1,
            max: 9,
            term,
            probes: Vec::new(),
            victims: Vec::new(),
            drain_ms: None,
            busy: None,
            manual_ms: 0,
        }
    }

    fn after(targets: &[(Target, u64)]) -> Wishes {
        let mut wishes = Wishes::default();
        for (target, now_ms) in targets {
            wishes.receive(target.clone(), false, *now_ms);
        }
        wishes
    }

    #[test]
    fn an_older_term_or_sequence_is_refused() {
        for older in [target(1, 9, 30), target(2, 4, 30)] {
            let wishes = after(&[(target(2, 5, 10), 10), (older.clone(), 30)]);
            assert_eq!(wishes.order.expect("the newer one").target, target(2, 5, 10));
            assert_eq!(wishes.refused.expect("the older one").0, older);
        }
    }

    #[test]
    fn an_assignment_of_an_older_term_is_refused() {
        let mut wishes = after(&[(target(2, 5, 10), 10)]);
        assert!(!wishes.assign(assignment(1)));
        assert_eq!(wishes.assignment, None);
        assert!(wishes.assign(assignment(3)));
        wishes.receive(target(2, 6, 20), false, 20);
        assert_eq!(wishes.order.expect("the one before").target.sequence, 5, "older than the assignment");
        assert_eq!(wishes.refused.expect("it").0, target(2, 6, 20));
    }

    #[test]
    fn an_older_term_is_refused_after_a_removal_as_well() {
        let mut wishes = after(&[(target(2, 5, 10), 10)]);
        assert!(wishes.assign(assignment(2)));
        (wishes.order, wishes.assignment) = (None, None);
        wishes.receive(target(1, 9, 20), false, 20);
        assert!(!wishes.assign(assignment(1)));
        assert_eq!((&wishes.order, &wishes.assignment), (&None, &None));
        assert!(wishes.refused.as_ref().is_some_and(|(_, cause)| cause.contains("term 2 has been seen")));
        wishes.receive(target(2, 1, 30), false, 30);
        assert!(wishes.order.is_some(), "numbers start anew with a removal, terms do not");
    }

    #[test]
    fn a_new_term_starts_its_sequence_anew() {
        let wishes = after(&[(target(2, 5, 10), 10), (target(3, 1, 20), 20)]);
        assert_eq!(wishes.order.expect("a target").target.term, 3);
        assert_eq!(wishes.refused, None);
    }

    #[test]
    fn a_confirmation_prolongs_and_a_repetition_does_not() {
        let holds = |wishes: &Wishes| wishes.order.as_ref().expect("a target").holds_until_ms;
        assert_eq!(holds(&after(&[(target(1, 1, 10), 10), (target(1, 1, 50), 50)])), 150);
        assert_eq!(holds(&after(&[(target(1, 1, 10), 10), (target(1, 1, 10), 50)])), 110);
    }

    #[test]
    fn a_clock_that_is_set_back_prolongs_nothing() {
        let order = after(&[(target(1, 1, 90_000), 90_000)]).order.expect("a target");
        assert!(order.holds(90_099) && order.holds(89_500), "a small correction is none");
        assert!(!order.holds(90_100) && !order.holds(60_000));
    }

    #[test]
    fn a_target_found_at_the_start_is_as_old_as_it_says() {
        let mut wishes = Wishes::default();
        wishes.receive(target(1, 1, 10), true, 500);
        assert!(!wishes.order.expect("a target").holds(500));
        let mut wishes = Wishes::default();
        wishes.receive(target(1, 1, 900), true, 500);
        assert_eq!(wishes.order.expect("a clock that is ahead gains nothing").holds_until_ms, 600);
    }
}
