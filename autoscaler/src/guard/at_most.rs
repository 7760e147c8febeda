//! `at_most`: only so many replicas within such a time, as the policies of a Kubernetes autoscaler's `behavior` (KEP-853).
//!
//! ```text
//! start = current − added(per) + removed(per)        the count when the period began
//! up    Count: start + n      Share: ceil(start · (1 + s))
//! down  Count: start − n      Share: trunc(start · (1 − s))
//! ```
//!
//! Of several, the one that allows the most counts, or with `select: narrowest` the one that allows the least. A limit that
//! lies behind the present count holds it, and never turns it around: what was done is done.
//!
//! ```text
//! up 4 per 15s     0 s        4 s        15 s       19 s
//! wanted 12        2 → 5      5 → 6      6 → 9      9 → 10
//!                  (start 2)  (start 2)  (start 5: the step of 0 s has left the period)
//! ```
//!
//! Unlike there, a share is not rounded beyond what it says for want of binary digits: 10 % more than 100 is 110. With
//! `compat: kubernetes-hpa` it is 111 as there, where it is reckoned in such digits (pkg/controller/podautoscaler/horizontal.go,
//! `calculateScaleUpLimitWithScalingRules`).

use crate::{
    evaluation::{Guard, GuardEffect},
    guard::{Circumstances, effect},
    memory::Steps,
    policy::{Arithmetic, Direction, Rate, Select, StepSize},
    time::Timestamp,
};

/// How far one rate lets the count go.
#[derive(Clone, Copy, Debug)]
struct Reach {
    rate: Rate,
    to: i64,
    /// When its oldest counting step leaves the period.
    until: Option<Timestamp>,
}

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let direction = given.direction(wanted)?;
    let guards = given.guards_of(direction);
    let steps = &given.situation.memory.steps;
    let current = given.current();
    let as_hpa = matches!(given.situation.policy.arithmetic, Arithmetic::KubernetesHpa(_));
    let reaches = guards.at_most.iter().map(|rate| reach(*rate, direction, current, steps, given.now(), as_hpa));
    let reaches: Vec<Reach> = reaches.collect();
    let distance = |reach: &&Reach| match direction {
        Direction::Up => reach.to,
        Direction::Down => -reach.to,
    };
    let decisive = match guards.select {
        Select::Widest => reaches.iter().rev().max_by_key(distance),
        Select::Narrowest => reaches.iter().min_by_key(distance),
    }?;
    let until = reaches.iter().filter_map(|reach| reach.until).min();
    let limit = u32::try_from(decisive.to.max(0)).unwrap_or(u32::MAX);
    let to = match direction {
        Direction::Up => wanted.min(limit.max(current)),
        Direction::Down => wanted.max(limit.min(current)),
    };
    effect(Guard::AtMost { direction, rate: decisive.rate }, wanted, to, until)
}

fn reach(rate: Rate, direction: Direction, current: u32, steps: &Steps, now: Timestamp, as_hpa: bool) -> Reach {
    let start = steps.start_of(rate.per, current, now);
    let to = match (direction, rate.size) {
        (Direction::Up, StepSize::Count(count)) => start.saturating_add(count.into()),
        (Direction::Down, StepSize::Count(count)) => start.saturating_sub(count.into()),
        (_, StepSize::Share(share)) if as_hpa => of_hpa(start, share, direction),
        (Direction::Up, StepSize::Share(share)) => ceil(start, 1.0 + share),
        (Direction::Down, StepSize::Share(share)) => -ceil(-start, 1.0 - share),
    };
    let oldest = steps.within(rate.per, now).last();
    Reach { rate, to, until: oldest.map(|step| step.at.plus(rate.per)) }
}

/// `start` so many times, rounded up but for what comes of binary digits.
#[expect(clippy::cast_possible_truncation, reason = "a float to integer cast saturates")]
fn ceil(start: i64, times: f64) -> i64 {
    (start as f64 * times - 1e-9).ceil() as i64
}

/// `start` with such a share more or fewer, in the very floating-point operations of Kubernetes' autoscaler.
#[expect(clippy::cast_possible_truncation, reason = "a float to integer cast saturates")]
fn of_hpa(start: i64, share: f64, direction: Direction) -> i64 {
    let percent = (share * 100.0).round();
    // There a share is a whole number of percent; any other one is none of theirs.
    let share = if (percent - share * 100.0).abs() < 1e-9 { percent / 100.0 } else { share };
    match direction {
        Direction::Up => (start as f64 * (1.0 + share)).ceil() as i64,
        Direction::Down => (start as f64 * (1.0 - share)).trunc() as i64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::scene::{Scene, at, secs};

    const fn rate(size: StepSize, seconds: u64) -> Rate {
        Rate { size, per: secs(seconds) }
    }

    /// Name, rates, which counts, steps as (second, from, to), current, wanted, what is left, until which second.
    type Case<'a> = (&'a str, &'a [Rate], Select, &'a [(u64, u32, u32)], u32, u32, u32, Option<u64>);

    #[test]
    fn the_limit_is_counted_from_the_start_of_the_period() {
        use Select::{Narrowest, Widest};
        let four = rate(StepSize::Count(4), 15);
        let double = rate(StepSize::Share(1.0), 15);
        let tenth = rate(StepSize::Share(0.1), 60);
        let one = rate(StepSize::Count(1), 60);
        let cases: &[Case<'_>] = &[
            ("nothing happened yet: the whole of it", &[four], Widest, &[], 2, 12, 6, None),
            ("of several the widest", &[four, double], Widest, &[], 2, 12, 6, None),
            ("which is the share for many", &[four, double], Widest, &[], 8, 30, 16, None),
            ("or the narrowest", &[four, double], Narrowest, &[], 8, 30, 12, None),
            ("what was added in the period counts", &[four], Widest, &[(95, 2, 5)], 5, 12, 6, Some(110)),
            ("and not what was added before", &[four], Widest, &[(85, 2, 5)], 5, 12, 9, None),
            ("what was removed in it may come back", &[four], Widest, &[(95, 9, 5)], 5, 20, 13, Some(110)),
            ("a limit behind the count holds it", &[four], Widest, &[(95, 2, 9)], 9, 12, 9, Some(110)),
            ("and is none to a wish within it", &[four], Widest, &[], 2, 6, 6, None),
            ("a share up is rounded up", &[tenth], Widest, &[], 5, 9, 6, None),
            ("but not for want of binary digits", &[tenth], Widest, &[], 100, 150, 110, None),
            ("down, one a minute", &[one], Widest, &[], 5, 1, 4, None),
            ("and no other in that minute", &[one], Widest, &[(70, 6, 5)], 5, 1, 5, Some(130)),
            ("a share down leaves what is left truncated", &[tenth], Widest, &[], 5, 1, 4, None),
            ("all of them may go at once", &[double], Widest, &[], 5, 0, 0, None),
            (
                "the first step to leave a period is named",
                &[four, rate(StepSize::Count(1), 60)],
                Widest,
                &[(50, 1, 2), (95, 2, 5)],
                5,
                12,
                6,
                Some(110),
            ),
        ];
        for (name, rates, select, steps, current, wanted, to, until) in cases {
            let mut scene = Scene::new(*current);
            for direction in [&mut scene.policy.guards.up, &mut scene.policy.guards.down] {
                direction.at_most = rates.to_vec();
                direction.select = *select;
            }
            scene.steps(steps);
            let effect = scene.apply(apply, *wanted);
            assert_eq!(effect.as_ref().map_or(*wanted, |effect| effect.to), *to, "{name}");
            if to != wanted {
                assert_eq!(effect.and_then(|effect| effect.until), until.map(at), "{name}");
            }
        }
    }

    #[test]
    fn as_kubernetes_autoscaler_it_is_reckoned_in_its_floats() {
        for (name, start, percent, wanted, to, own) in [
            ("100 · 1.1 is a little more than 110", 100, 10, 500, 111, 110),
            ("100 · (1 − 0.9) is a little less than 10", 100, 90, 0, 9, 10),
            ("doubling is exact", 8, 100, 500, 16, 16),
            ("half is exact", 9, 50, 0, 4, 4),
        ] {
            let mut scene = Scene::new(start);
            for direction in [&mut scene.policy.guards.up, &mut scene.policy.guards.down] {
                direction.at_most = vec![rate(StepSize::Share(f64::from(percent) / 100.0), 60)];
            }
            assert_eq!(scene.left(apply, wanted), own, "{name}");
            scene.policy.arithmetic = Arithmetic::KubernetesHpa(crate::policy::HpaSettings::default());
            assert_eq!(scene.left(apply, wanted), to, "{name}");
        }
    }
}
