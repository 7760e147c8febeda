//! Strained (`down.unless`): nothing is removed while latency, errors or the like are high. Idle CPU is then no sign of
//! idleness: in January 2021 a chat service's web tier waited for a broken network, its CPU fell, the autoscaler removed
//! much of it, and what was left was overrun when the network came back.
//!
//! ```text
//! above          level > bound
//! above_normal   level > normal · (1 + share)
//! normal         the mean so far for as long as it is young, then a slow exponential one (half-life 30 min);
//!                of fresh samples alone, and not while it is strained; usable after 10 min of them
//! ```
//!
//! ```text
//! level     ▁▁▁▁▁▁▂▁▁▁▁▇▇▇▇▇▇▇▇▁▁▁▁
//! normal    ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁     what is strained does not become normal
//!                      │strained│
//! ```
//!
//! That can be told only with a level: while the signal is missing, or its normal is not known yet, nothing is removed
//! either. A signal that is known to have no value, for want of requests, is not strained. What has been above normal for
//! six hours without a break is the new normal, which is then learnt anew: it would be strained for ever else.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    evaluation::{Gap, Guard, GuardEffect, SignalReading},
    guard::{Circumstances, effect, level},
    policy::{Bounds, Direction, Rule, Strain, StrainLevel},
    quantity::{Quantity, SignalName, Unit},
    rule::Situation,
    time::Timestamp,
};

const HALF_LIFE: Duration = Duration::from_mins(30);
const USABLE_AFTER: Duration = Duration::from_mins(10);
/// Twelve half-lives: what has been so for that long would be all that the mean is made of.
const NEW_NORMAL_AFTER: Duration = Duration::from_hours(6);

/// The usual level of each signal that is held against it.
pub type Normals = BTreeMap<SignalName, Normal>;

/// The usual level of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normal {
    mean: f64,
    /// So much time is in the mean.
    learnt: Duration,
    /// The newest sample that was looked at.
    newest: Timestamp,
    /// Since when the level is above normal without a break.
    strained_since: Option<Timestamp>,
}

impl Normal {
    fn starting_with(level: f64, at: Timestamp) -> Self {
        Self { mean: level, learnt: Duration::ZERO, newest: at, strained_since: None }
    }

    /// From when on it is strained; `None` while not enough is known.
    fn bound(&self, by: f64) -> Option<f64> {
        (self.learnt >= USABLE_AFTER).then_some(self.mean * (1.0 + by))
    }

    /// Takes in a newer sample. Time without samples is not learnt from.
    fn learn(&mut self, level: f64, by: f64, at: Timestamp, stale_after: Duration) {
        let span = at.since(self.newest).min(stale_after);
        if span.is_zero() {
            return;
        }
        self.newest = at;
        if self.bound(by).is_some_and(|bound| level > bound) {
            let since = *self.strained_since.get_or_insert(at);
            if at.since(since) >= NEW_NORMAL_AFTER {
                *self = Self::starting_with(level, at);
            }
            return;
        }
        self.strained_since = None;
        self.learnt = self.learnt.saturating_add(span);
        let of_all = span.as_secs_f64() / self.learnt.as_secs_f64();
        let of_recent = 1.0 - (-span.as_secs_f64() / HALF_LIFE.as_secs_f64()).exp2();
        self.mean += of_all.max(of_recent) * (level - self.mean);
    }
}

/// Learns from what was measured.
pub(super) fn update(normals: &mut Normals, given: &Situation<'_>) {
    let guards = &given.policy.guards;
    normals.retain(|signal, _| guards.unless.iter().any(|strain| strain.signal == *signal));
    for strain in &guards.unless {
        let StrainLevel::AboveNormal(by) = strain.level else { continue };
        let reading = given.readings.get(&strain.signal, Rule::WINDOW).filter(|reading| reading.kept.is_none());
        let Some((reading, age)) = reading.and_then(|reading| Some((reading, reading.age?))) else { continue };
        let (Some(level), at) = (level(reading, None), given.now.minus(age)) else { continue };
        let normal = normals.entry(strain.signal.clone()).or_insert(Normal::starting_with(level, at));
        normal.learn(level, by, at, guards.stale_after);
    }
}

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    if given.direction(wanted) != Some(Direction::Down) {
        return None;
    }
    let guard = given.guards().unless.iter().find_map(|strain| objection(strain, given))?;
    effect(guard, wanted, given.current(), None)
}

/// What keeps from removing, where something does.
fn objection(strain: &Strain, given: &Circumstances<'_>) -> Option<Guard> {
    let signal = strain.signal.clone();
    let reading = given.situation.readings.get(&strain.signal, Rule::WINDOW);
    if reading.is_some_and(|reading| reading.gap == Some(Gap::Idle)) {
        return None;
    }
    let (bound, past) = match strain.level {
        StrainLevel::Above(bound) => (Some(bound.value), Some(Bounds { lower: Some(bound), upper: None })),
        StrainLevel::AboveNormal(by) => {
            let normal = given.situation.memory.guards.normals.get(&strain.signal);
            let bound = normal.and_then(|normal| normal.bound(by));
            let bound = bound.map(|value| Quantity::Absolute { value, unit: Unit::Number });
            (bound, bound.map(Bounds::above))
        }
    };
    let level = reading.and_then(|reading| level(reading, bound));
    let unit = unit(reading, bound);
    let bound = bound.map(Quantity::value);
    match (level, past) {
        (Some(level), Some(past)) if !past.contain(level) => None,
        _ => Some(Guard::Strained { signal, level, bound, unit }),
    }
}

fn unit(reading: Option<&SignalReading>, bound: Option<Quantity>) -> Unit {
    match bound {
        Some(Quantity::OfLimit(_) | Quantity::OfReservation(_)) => Unit::Share,
        _ => reading.map_or(Unit::Number, |reading| reading.unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        guard::scene::{Scene, at, cpu, secs, service_value},
        policy::Bound,
    };

    fn above(value: Quantity, inclusive: bool) -> StrainLevel {
        StrainLevel::Above(Bound { value, inclusive })
    }

    #[expect(clippy::option_option, reason = "whether it objects, and to which level if that is known")]
    fn strained(signal: &str, level: StrainLevel, reading: Option<SignalReading>) -> Option<Option<f64>> {
        let mut scene = Scene::new(4);
        scene.policy.guards.unless = vec![Strain { signal: SignalName::new(signal), level }];
        scene.readings.extend(reading);
        assert_eq!(scene.left(apply, 6), 6, "it never keeps from growing");
        match scene.apply(apply, 2)? {
            GuardEffect { guard: Guard::Strained { level, .. }, to: 4, .. } => Some(level),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_is_removed_above_the_bound_nor_while_it_cannot_be_told() {
        let quarter = Quantity::Absolute { value: 0.25, unit: Unit::Seconds };
        let value = |value| Some(service_value("latency", value));
        let idle = SignalReading { gap: Some(Gap::Idle), ..service_value("latency", None) };
        for (name, level, reading, expected) in [
            ("above it", above(quarter, false), value(Some(0.3)), Some(Some(0.3))),
            ("the bound is not above itself", above(quarter, false), value(Some(0.25)), None),
            ("but may be part of it", above(quarter, true), value(Some(0.25)), Some(Some(0.25))),
            ("below it", above(quarter, false), value(Some(0.2)), None),
            ("missing", above(quarter, false), value(None), Some(None)),
            ("never heard of", above(quarter, false), None, Some(None)),
            ("idle is not strained", above(quarter, false), Some(idle), None),
            ("its normal is not known yet", StrainLevel::AboveNormal(0.5), value(Some(0.2)), Some(Some(0.2))),
        ] {
            assert_eq!(strained("latency", level, reading), expected, "{name}");
        }
        let share = above(Quantity::OfLimit(0.8), false);
        assert_eq!(strained("cpu", share, Some(cpu(4, 0.9))), Some(Some(0.9)), "of replicas, the mean");
        assert_eq!(strained("cpu", share, Some(cpu(4, 0.7))), None);
    }

    #[test]
    fn the_normal_is_learnt_of_what_is_not_strained() {
        let stale_after = secs(10);
        let mut normal = Normal::starting_with(1.0, at(0));
        let mut second = 0;
        let mut learn = |normal: &mut Normal, seconds: u64, level: f64| {
            for _ in 0..seconds {
                second += 1;
                normal.learn(level, 0.5, at(second), stale_after);
            }
        };
        learn(&mut normal, 599, 1.0);
        assert_eq!(normal.bound(0.5), None, "after 9:59 it is not usable");
        learn(&mut normal, 1, 1.0);
        assert_eq!(normal.bound(0.5), Some(1.5), "after 10:00 it is");
        learn(&mut normal, 3600, 9.0);
        assert_eq!(normal.bound(0.5), Some(1.5), "an hour of strain is not learnt");
        learn(&mut normal, 1800, 1.2);
        assert!((normal.mean - 1.15).abs() < 1e-9, "young, it is the mean of all: {}", normal.mean);
        learn(&mut normal, 1800, 1.2);
        learn(&mut normal, 1800, 1.15);
        assert!(
            (normal.mean - 1.165).abs() < 0.01,
            "old, each half hour weighs as much as all before: {}",
            normal.mean
        );
        learn(&mut normal, 6 * 3600 + 1, 9.0);
        assert_eq!(normal.bound(0.5), None, "six hours are the new normal, learnt anew");
        learn(&mut normal, 600, 9.0);
        assert_eq!(normal.bound(0.5), Some(13.5));
    }

    #[test]
    fn the_normal_is_learnt_of_fresh_samples_and_of_the_time_that_they_cover() {
        let mut normal = Normal::starting_with(1.0, at(0));
        normal.learn(5.0, 0.5, at(0), secs(10));
        assert_eq!(normal.learnt, Duration::ZERO, "the same sample twice");
        normal.learn(1.0, 0.5, at(7200), secs(10));
        assert_eq!(normal.learnt, secs(10), "two silent hours are none of samples");
    }
}
