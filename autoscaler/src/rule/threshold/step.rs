//! How far a threshold's step goes.
//!
//! ```text
//! add: 2          current + 2
//! add: 50%        current + 50 % of current           remove: 20%     current − 20 % of current
//! to: 10          10
//! steps           the one with the largest `past` that the level is beyond the bound by; the near end is part of it (AWS)
//!
//! round: away     2.1 of a replica are 3, 0.4 are 1   toward          2.9 are 2, 0.4 are 1 (AWS)
//!        up       the new count is rounded up (Nomad) down            … down; such a step can be none
//! ```
//!
//! A step is at least `at_least_step` (AWS's `MinAdjustmentMagnitude`), and never beyond `limit`.

use crate::{
    evaluation::ThresholdStays,
    policy::{Action, Direction, Rounding, StepSize, Threshold},
};

/// Keeps products and differences that are whole but for the last digit of a float from becoming something else.
const ROUNDING: f64 = 1e-9;

/// That a breach changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stays {
    /// Why; absent: it only warns.
    pub(super) why: Option<ThresholdStays>,
    /// Whether the present count is what it wants.
    pub(super) keeps: bool,
}

/// The count that a breach at this level asks for.
pub(super) fn wanted(rule: &Threshold, level: f64, current: u32) -> Result<u32, Stays> {
    let (direction, size) = match &rule.action {
        Action::Step(step) => (step.direction, Some(step.size)),
        Action::To(count) => return to(rule, *count, current),
        Action::Graded { direction, grades } => {
            let beyond = distance(rule, level);
            let reached = grades.iter().rev().find(|grade| grade.past <= beyond);
            (*direction, reached.map(|grade| grade.size))
        }
        Action::Warn(_) => return Err(Stays { why: None, keeps: false }),
    };
    let by = size.map_or(0, |size| replicas(rule, direction, size, current));
    let keeps = direction == Direction::Up;
    if by == 0 {
        return Err(Stays { why: Some(ThresholdStays::NoStep), keeps });
    }
    let (wanted, limit) = match (direction, rule.limit) {
        (Direction::Up, Some(limit)) => (current.saturating_add(by).min(limit.max(current)), limit),
        (Direction::Down, Some(limit)) => (current.saturating_sub(by).max(limit.min(current)), limit),
        (Direction::Up, None) => return Ok(current.saturating_add(by)),
        (Direction::Down, None) => return Ok(current.saturating_sub(by)),
    };
    // Beyond its limit the rule has no say any more.
    let stays = Stays { why: Some(ThresholdStays::Limit(limit)), keeps: keeps && current == limit };
    if wanted == current { Err(stays) } else { Ok(wanted) }
}

/// `to` a count goes to `limit` at most, whichever way.
fn to(rule: &Threshold, count: u32, current: u32) -> Result<u32, Stays> {
    let Some(limit) = rule.limit else { return Ok(count) };
    let wanted = if count > current { count.min(limit.max(current)) } else { count.max(limit.min(current)) };
    if wanted == current && count != current {
        return Err(Stays { why: Some(ThresholdStays::Limit(limit)), keeps: count > current && current == limit });
    }
    Ok(wanted)
}

/// How far beyond the bound the level is, in the bound's unit; of a band, beyond its lower end.
fn distance(rule: &Threshold, level: f64) -> f64 {
    let beyond = match (rule.bounds.lower, rule.bounds.upper) {
        (Some(lower), _) => level - lower.value.value(),
        (None, Some(upper)) => upper.value.value() - level,
        (None, None) => 0.0,
    };
    beyond + ROUNDING * level.abs().max(1.0)
}

/// By how many replicas; 0 is no step.
fn replicas(rule: &Threshold, direction: Direction, size: StepSize, current: u32) -> u32 {
    let share = match size {
        StepSize::Count(0) => return 0,
        StepSize::Count(count) => return count.max(rule.at_least_step),
        StepSize::Share(share) if share <= 0.0 => return 0,
        StepSize::Share(share) => share,
    };
    let present = f64::from(current);
    let by = present * share;
    let by = match (rule.rounding, direction) {
        (Rounding::Away, _) => up(by).max(1),
        (Rounding::Toward, _) => down(by).max(1),
        (Rounding::Up, Direction::Up) => up(present + by) - current,
        (Rounding::Up, Direction::Down) => current.saturating_sub(up(present - by)),
        (Rounding::Down, Direction::Up) => down(present + by) - current,
        (Rounding::Down, Direction::Down) => current.saturating_sub(down(present - by)),
    };
    // Rounded to nothing, a step stays none but where it was said that it shall be larger than one.
    if by == 0 && rule.at_least_step <= 1 { 0 } else { by.max(rule.at_least_step) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
fn up(replicas: f64) -> u32 {
    (replicas - ROUNDING * replicas.abs().max(1.0)).ceil().max(0.0) as u32
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
fn down(replicas: f64) -> u32 {
    (replicas + ROUNDING * replicas.abs().max(1.0)).floor().max(0.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::{Bound, Bounds, Grade, Lasting, Rule, Step},
        quantity::{Quantity, SignalName},
    };
    use std::time::Duration;

    fn threshold(bounds: Bounds, action: Action) -> Threshold {
        Threshold {
            signal: SignalName::new("cpu"),
            bounds,
            lasting: Lasting::For(Duration::ZERO),
            action,
            rounding: Rounding::Away,
            at_least_step: 1,
            limit: None,
            window: Rule::WINDOW,
        }
    }

    fn step(direction: Direction, size: StepSize) -> Threshold {
        threshold(Bounds::above(Quantity::OfLimit(0.5)), Action::Step(Step { direction, size }))
    }

    #[test]
    fn a_percentage_becomes_whole_replicas_as_the_rule_rounds() {
        use Direction::{Down, Up};
        use Rounding::{Away, Down as Floor, Toward, Up as Ceil};
        for (name, direction, share, rounding, at_least, current, expected) in [
            ("away: 2.1 are 3", Up, 0.3, Away, 1, 7, 3),
            ("away: a little is one", Down, 0.1, Away, 1, 4, 1),
            ("away: of none it is one", Up, 0.5, Away, 1, 0, 1),
            ("exactly 3 stay 3", Up, 0.3, Away, 1, 10, 3),
            ("toward: 3.9 are 3", Down, 0.3, Toward, 1, 13, 3),
            ("toward: 0.4 are one", Up, 0.1, Toward, 1, 4, 1),
            ("up: 10.5 are 11", Up, 0.5, Ceil, 1, 7, 4),
            ("up: 9.5 are 10, which is no step", Down, 0.05, Ceil, 1, 10, 0),
            ("down: 10.5 are 10", Up, 0.05, Floor, 1, 10, 0),
            ("down: 9.5 are 9", Down, 0.05, Floor, 1, 10, 1),
            ("at least two", Up, 0.1, Away, 2, 10, 2),
            ("at least two, even of none", Up, 0.05, Floor, 2, 10, 2),
            ("more than there are", Down, 3.0, Away, 1, 4, 12),
        ] {
            let rule = Threshold { rounding, at_least_step: at_least, ..step(direction, StepSize::Share(share)) };
            assert_eq!(replicas(&rule, direction, StepSize::Share(share), current), expected, "{name}");
        }
    }

    #[test]
    fn a_step_never_goes_beyond_its_limit() {
        use Direction::{Down, Up};
        let limit = |keeps| Err(Stays { why: Some(ThresholdStays::Limit(8)), keeps });
        for (name, direction, count, current, expected) in [
            ("up to it", Up, 5, 6, Ok(8)),
            ("at it, the rule still keeps the count", Up, 5, 8, limit(true)),
            ("above it, others may remove", Up, 5, 10, limit(false)),
            ("down to it", Down, 5, 10, Ok(8)),
            ("at it, the rule has nothing to say", Down, 5, 8, limit(false)),
            ("nor below it", Down, 5, 3, limit(false)),
        ] {
            let rule = Threshold { limit: Some(8), ..step(direction, StepSize::Count(count)) };
            assert_eq!(wanted(&rule, 0.9, current), expected, "{name}");
        }
    }

    #[test]
    fn to_a_count_goes_both_ways() {
        let rule = |limit| Threshold { limit, ..threshold(Bounds::above(Quantity::OfLimit(0.5)), Action::To(10)) };
        assert_eq!(wanted(&rule(None), 0.9, 3), Ok(10));
        assert_eq!(wanted(&rule(None), 0.9, 14), Ok(10));
        assert_eq!(wanted(&rule(None), 0.9, 10), Ok(10));
        assert_eq!(wanted(&rule(Some(6)), 0.9, 3), Ok(6));
    }

    /// The example of AWS's documentation of step scaling: 10 instances, a threshold of 50 %.
    #[test]
    fn graded_steps_go_as_in_aws_own_example() {
        let grades = || {
            let grade = |past, share| Grade { past, size: StepSize::Share(share) };
            vec![grade(0.0, 0.0), grade(0.1, 0.1), grade(0.2, 0.3)]
        };
        let inclusive = |value| Bound { value: Quantity::OfLimit(value), inclusive: true };
        let above = Bounds { lower: Some(inclusive(0.5)), upper: None };
        let below = Bounds { lower: None, upper: Some(inclusive(0.5)) };
        let rule = |bounds, direction| Threshold {
            rounding: Rounding::Toward,
            ..threshold(bounds, Action::Graded { direction, grades: grades() })
        };
        let (out, back) = (rule(above, Direction::Up), rule(below, Direction::Down));
        let none = |keeps| Err(Stays { why: Some(ThresholdStays::NoStep), keeps });
        for (name, rule, level, current, expected) in [
            ("59 %: the first step is none", &out, 0.59, 10, none(true)),
            ("60 %: one more", &out, 0.6, 10, Ok(11)),
            ("70 %: three more", &out, 0.7, 11, Ok(14)),
            ("40 %: one fewer", &back, 0.4, 14, Ok(13)),
            ("30 %: three fewer", &back, 0.3, 13, Ok(10)),
            ("45 %: none", &back, 0.45, 10, none(false)),
        ] {
            assert_eq!(wanted(rule, level, current), expected, "{name}");
        }
    }
}
