//! Undone: a step down is not made if the rules would want more again as soon as it is (anticipated flapping).
//!
//! The rules are asked once more, with the readings of this evaluation, as if there were as few replicas as wanted and the
//! demand were the same:
//!
//! ```text
//! threshold on a value of each replica   its level is level · current / n
//! target                                 its load does not depend on n: more than n if load > n · (1 + tolerance)
//! all others, and the service's values   say what they say now
//! ```
//!
//! ```text
//! above cpu 80% add 1, below cpu 50% remove 1, 3 replicas at 45 %:
//! with 2 they would be at 67.5 % → fine;   with 1 at 135 % → more at once, so 2 stay
//! ```
//!
//! It goes down as far as no rule would undo it: the smallest such count, as the fewer there are, the more is wanted.
//!
//! Nobody is asked about a step up that a rule would undo: too many replicas cost money, too few cost users.

use crate::{
    combine::combine,
    evaluation::{Guard, GuardEffect, Opinion, Origin, Recommendation, RuleReason, SignalReading},
    guard::{Circumstances, effect},
    policy::{Direction, Rule, RuleKind, Target, Threshold},
    rule::{threshold, whole},
};

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    if !given.guards().undone || given.direction(wanted) != Some(Direction::Down) {
        return None;
    }
    let rule = undone_by(wanted, given)?;
    // Of `wanted` it is known that it would be undone, of `to` that it would not.
    let (mut undone, mut to) = (wanted, given.current());
    while to - undone > 1 {
        let between = undone + (to - undone) / 2;
        if undone_by(between, given).is_some() { undone = between } else { to = between }
    }
    effect(Guard::Undone { rule }, wanted, to, None)
}

/// The rule that would want more if there were only `n`.
fn undone_by(n: u32, given: &Circumstances<'_>) -> Option<usize> {
    let policy = given.situation.policy;
    let opinion =
        |said: &Recommendation| policy.rules.get(said.rule).map_or(said.opinion, |rule| with(n, rule, said, given));
    let signals = given.situation.readings.0;
    let combined = combine(policy, given.limits, given.recommendations, &opinion, signals, n);
    let (wants, rule) = combined.wants.zip(combined.winner)?;
    (wants > n).then_some(rule)
}

/// What a rule would want if there were `n` replicas.
fn with(n: u32, rule: &Rule, said: &Recommendation, given: &Circumstances<'_>) -> Opinion {
    match (&rule.kind, &said.reason) {
        (RuleKind::Target(target), RuleReason::Target { load, .. }) => carried_by(n, target, *load),
        (RuleKind::Threshold(threshold), RuleReason::Threshold { level, .. }) => {
            let reading = said.reading.and_then(|place| given.situation.readings.0.get(place));
            past_bound(n, threshold, *level, reading, said.opinion, given.current())
        }
        _ => said.opinion,
    }
}

fn carried_by(n: u32, rule: &Target, load: f64) -> Opinion {
    let more = load > f64::from(n) * (1.0 + rule.tolerance.up);
    Opinion::Wants(if more { whole(load).max(n) } else { n })
}

fn past_bound(
    n: u32,
    rule: &Threshold,
    level: f64,
    reading: Option<&SignalReading>,
    said: Opinion,
    current: u32,
) -> Opinion {
    if reading.is_none_or(|reading| reading.origin == Origin::Service) {
        // One that says now that fewer are enough would say so again.
        return if matches!(said, Opinion::Wants(wants) if wants < current) { Opinion::Abstains } else { said };
    }
    let level = level * f64::from(current) / f64::from(n);
    threshold::asked(rule, level, n).map_or(Opinion::Abstains, Opinion::Wants)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evaluation::ThresholdState,
        guard::scene::{Scene, cpu, service_value, target, threshold},
        policy::{Bounds, Combine, Group, Tolerance},
        quantity::{Quantity, SignalName},
        time::Timestamp,
    };

    fn by_target(load: f64, goal: crate::policy::Goal) -> RuleReason {
        let tolerance = Tolerance::both(0.1);
        let signal = SignalName::new("cpu");
        RuleReason::Target { signal, goal, load, warming: 0, absent: 0, tolerance, within_tolerance: false }
    }

    fn by_threshold(level: f64, bounds: Bounds, state: ThresholdState) -> RuleReason {
        RuleReason::Threshold {
            signal: SignalName::new("cpu"),
            level,
            bounds,
            state,
            direction: None,
            stays: None,
            warns: None,
        }
    }

    /// `above 80% add 1` and `below 50% remove 1`, with so many replicas at such a level.
    fn thresholds(current: u32, level: f64) -> Scene {
        let (above, below) = (Bounds::above(Quantity::OfLimit(0.8)), Bounds::below(Quantity::OfLimit(0.5)));
        let mut scene = Scene::new(current);
        scene.policy.guards.undone = true;
        scene.policy.rules = vec![threshold(above, Direction::Up), threshold(below, Direction::Down)];
        scene.readings = vec![cpu(current, level)];
        scene.says(0, Opinion::Abstains, by_threshold(level, above, ThresholdState::Clear));
        let breached = ThresholdState::Breached { since: Timestamp::default(), samples: None };
        scene.says(1, Opinion::Wants(current - 1), by_threshold(level, below, breached));
        for recommendation in &mut scene.recommendations {
            recommendation.reading = Some(0);
        }
        scene
    }

    #[test]
    fn a_step_down_that_the_other_threshold_would_undo_is_not_made() {
        for (name, current, level, wanted, to) in [
            ("3 at 45 % are 2 at 67.5 %", 3, 0.45, 2, 2),
            ("2 at 45 % are 1 at 90 %", 2, 0.45, 1, 2),
            ("2 at 40 % are 1 at 80 %, which is not above that", 2, 0.4, 1, 1),
            ("3 at 45 % are 1 at 135 %, and 2 at 67.5 %", 3, 0.45, 1, 2),
            ("30 at 45 % are 17 at 79.4 %, and 16 at 84.4 %", 30, 0.45, 2, 17),
            ("3 at 60 % are 2 at 90 %", 3, 0.6, 1, 3),
            ("idle ones are none at no level", 1, 0.0, 0, 0),
            ("and busy ones none at any", 1, 0.1, 0, 1),
            ("a step up is nobody's business", 2, 0.45, 3, 3),
        ] {
            assert_eq!(thresholds(current, level).left(apply, wanted), to, "{name}");
        }
    }

    #[test]
    fn it_is_asked_only_if_the_policy_says_so_and_only_of_rules_that_act() {
        let mut allowed = thresholds(2, 0.45);
        allowed.policy.guards.undone = false;
        assert_eq!(allowed.left(apply, 1), 1);
        let mut observing = thresholds(2, 0.45);
        observing.policy.rules[0].observe = true;
        observing.recommendations[0].observes = true;
        assert_eq!(observing.left(apply, 1), 1);
    }

    #[test]
    fn a_value_of_the_service_is_not_taken_to_depend_on_the_count() {
        let mut scene = thresholds(2, 0.45);
        scene.readings = vec![service_value("cpu", Some(0.45))];
        assert_eq!(scene.left(apply, 1), 1);
    }

    #[test]
    fn the_first_of_several_that_decide_alone_may_be_undone_by_the_next() {
        let mut scene = thresholds(3, 0.4);
        scene.policy.rules.push(target(0.4));
        let RuleKind::Target(rule) = &scene.policy.rules[2].kind else { panic!("it is a target") };
        let goal = rule.goal;
        scene.says(2, Opinion::Wants(3), by_target(2.25, goal));
        scene.policy.combine = Group { how: Combine::First, ..Group::largest(3) };
        assert_eq!(scene.left(apply, 2), 3, "2.25 replicas' worth is more than 2 and its tolerance");
        scene.recommendations[2].reason = by_target(2.15, goal);
        assert_eq!(scene.left(apply, 2), 2, "2.15 is within it");
    }
}
