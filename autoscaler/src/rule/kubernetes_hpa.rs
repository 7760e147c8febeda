//! `target` as Kubernetes' horizontal pod autoscaler counts, number for number, so that who moves keeps theirs.
//!
//! ```text
//! level    = 100 · Σ value / Σ request        of the ready replicas, cut to whole percent     (`70%`, `70% of reservation`)
//!          = Σ value / ready                  cut to thousandths                              (an absolute `per_replica`)
//!          = value                            of the service as a whole                       (`total`)
//! ratio    = level / goal
//! replicas = ceil(ratio · ready)              current, where 1 − down ≤ ratio ≤ 1 + up        (tolerance)
//!          = ceil(value / goal)               `per_replica` of a service's own value; its ratio is value / (goal · current)
//! ```
//!
//! With replicas that are missing, or that are unready while `ratio` is above 1, there is a second pass: missing ones use
//! all of their request (the goal, if that is above 100 %), or exactly the goal, if `ratio` is below 1, and nothing if it is
//! above; unready ones use nothing if it is above. `replicas = ceil(ratio₂ · all of these)`, but `current` if `ratio₂` is
//! within tolerance or on the other side of 1, or if the count would move against it.
//!
//! | replica            | counts as                                                                                  |
//! |--------------------|--------------------------------------------------------------------------------------------|
//! | removed or failed  | not there                                                                                  |
//! | not started yet    | unready                                                                                    |
//! | without a sample   | missing                                                                                    |
//! | cpu, started short of `cpu_initialization_period` ago | unready if it does not serve, or its newest sample is older than `sample_window` after it began to |
//! | cpu, started longer ago | unready if it does not serve and never did: that is so since before `initial_readiness_delay` after its start |
//! | else               | ready                                                                                      |
//!
//! Source: `replica_calculator.go` of Kubernetes (the rules of 2026; those of v1.21 differ in what a missing replica counts
//! with goals above 100 %, and at a ratio of exactly 1). It reads the newest sample and no mean over a window. What differs:
//! a sample older than `stale_after` is none; a share of the limit has no counterpart there and counts as one of the request;
//! a start that is not known was long ago.

use crate::{
    evaluation::{Gap, HpaHold, Opinion, Origin, RuleReason, SignalReading},
    event::{Replica, ReplicaState},
    missing::good_for,
    policy::{Goal, HpaSettings, Target, Tolerance},
    quantity::{Quantity, SignalName},
    rule::{Situation, missing},
    signal::{limit, reservation},
    time::Timestamp,
};

/// Counts there are 32-bit integers with a sign.
const MOST: f64 = 2_147_483_647.0;

pub(crate) fn recommend(rule: &Target, settings: HpaSettings, given: &Situation<'_>) -> (Opinion, RuleReason) {
    let Some(reading) = given.readings.get(&rule.signal, rule.window) else {
        return missing(&rule.signal, Gap::Never);
    };
    let judged = match (rule.goal, reading.origin) {
        (Goal::Total(goal), _) => total(goal, rule.tolerance, reading, given),
        (Goal::PerReplica(goal @ Quantity::Absolute { .. }), Origin::Service) => {
            average(goal, rule.tolerance, reading, given)
        }
        (Goal::PerReplica(goal), _) => each(goal, rule, settings, reading, given),
    };
    let judged = match judged {
        Ok(judged) => judged,
        Err(gap) => return (Opinion::Unknown, RuleReason::Missing { signal: rule.signal.clone(), gap }),
    };
    // A value that covers only some of the replicas says nothing about removing.
    let blind = reading.origin == Origin::Service && reading.absent > 0 && judged.replicas < given.current;
    let opinion = if blind { Opinion::Unknown } else { Opinion::Wants(judged.replicas) };
    let signal = rule.signal.clone();
    let Judged { level, ratio, filled, ready, unready, missing, held, .. } = judged;
    let (goal, tolerance) = (rule.goal, rule.tolerance);
    let reason =
        RuleReason::KubernetesHpa { signal, goal, level, ratio, filled, ready, unready, missing, tolerance, held };
    (opinion, reason)
}

/// What came of one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Judged {
    replicas: u32,
    level: f64,
    ratio: f64,
    filled: Option<f64>,
    ready: u32,
    unready: u32,
    missing: u32,
    held: Option<HpaHold>,
}

/// There: `Value` of an `Object` or `External` metric.
fn total(goal: Quantity, tolerance: Tolerance, reading: &SignalReading, given: &Situation<'_>) -> Result<Judged, Gap> {
    let value = own_value(reading, given)?;
    let ratio = real(value) / real(goal_of(goal));
    // Those that are being removed are among them there as well, as long as they serve.
    let serves = |replica: &&Replica| {
        !matches!(replica.state, ReplicaState::Pending | ReplicaState::Failed) && replica.ready_since.is_some()
    };
    let ready = crate::signal::count(given.observation.replicas.iter().filter(serves).count());
    let (replicas, held) = match given.current {
        0 => (whole(ratio), None),
        current if within(tolerance, ratio) => (current, Some(HpaHold::Tolerance)),
        _ => (whole(ratio * f64::from(ready)), None),
    };
    Ok(Judged { replicas, level: units(value), ratio, filled: None, ready, unready: 0, missing: 0, held })
}

/// There: `AverageValue` of an `Object` or `External` metric.
fn average(
    goal: Quantity,
    tolerance: Tolerance,
    reading: &SignalReading,
    given: &Situation<'_>,
) -> Result<Judged, Gap> {
    let value = own_value(reading, given)?;
    let goal = real(goal_of(goal));
    let ratio = real(value) / (goal * f64::from(given.current));
    let (replicas, held) = if within(tolerance, ratio) {
        (given.current, Some(HpaHold::Tolerance))
    } else {
        (whole(real(value) / goal), None)
    };
    let ready = given.current;
    Ok(Judged { replicas, level: units(value), ratio, filled: None, ready, unready: 0, missing: 0, held })
}

/// There: a `Resource` metric (`Utilization` or `AverageValue`) or a `Pods` metric.
fn each(
    goal: Quantity,
    rule: &Target,
    settings: HpaSettings,
    reading: &SignalReading,
    given: &Situation<'_>,
) -> Result<Judged, Gap> {
    let measure = match goal {
        Quantity::Absolute { .. } => Measure::Mean(goal_of(goal)),
        Quantity::OfLimit(share) | Quantity::OfReservation(share) => Measure::Percent(percent(share)),
    };
    let mut parts = Parts::default();
    for replica in &given.observation.replicas {
        let request = request(goal, &rule.signal, replica, given)?;
        let newest = given.signals.newest(&rule.signal, &replica.id);
        let newest = newest.filter(|(at, _)| given.now.since(*at) <= good_for(&given.policy.guards, &rule.signal));
        let cpu = rule.signal.as_str() == SignalName::CPU;
        match class(replica, newest.map(|(at, _)| at), cpu.then_some(settings), given.now) {
            Class::Ignored => {}
            Class::Unready => parts.unready.add(0, request),
            Class::Missing => parts.missing.add(measure.of_missing(request), request),
            Class::Ready => parts.ready.add(newest.map_or(0, |(_, value)| milli(value)), request),
        }
    }
    judge(measure, parts, rule.tolerance, given.current)
        .ok_or_else(|| reading.gap.clone().unwrap_or_else(|| Gap::Said("no replica with a sample is ready".to_owned())))
}

/// The arithmetic itself; `None` where there is nothing to compare.
fn judge(measure: Measure, parts: Parts, tolerance: Tolerance, current: u32) -> Option<Judged> {
    let Parts { ready, unready, missing } = parts;
    let (level, ratio) = measure.ratio(ready)?;
    let level = match measure {
        Measure::Percent(_) => real(level) / 100.0,
        Measure::Mean(_) => units(level),
    };
    let judged = Judged {
        replicas: current,
        level,
        ratio,
        filled: None,
        ready: ready.replicas,
        unready: unready.replicas,
        missing: missing.replicas,
        held: None,
    };
    let held = |held, filled| Judged { held: Some(held), filled, ..judged };
    let grows_with_unready = unready.replicas > 0 && ratio > 1.0;
    if missing.replicas == 0 && !grows_with_unready {
        let holds = within(tolerance, ratio).then(|| held(HpaHold::Tolerance, None));
        return holds.or(Some(Judged { replicas: whole(ratio * f64::from(ready.replicas)), ..judged }));
    }
    let mut all = ready;
    if ratio < 1.0 {
        all.join(missing);
    } else if ratio > 1.0 {
        all.join(Part { usage: 0, ..missing });
        all.join(unready);
    }
    let (_, filled) = measure.ratio(all)?;
    if within(tolerance, filled) {
        return Some(held(HpaHold::Tolerance, Some(filled)));
    }
    let replicas = whole(filled * f64::from(all.replicas));
    let turned = (ratio < 1.0 && filled > 1.0) || (ratio > 1.0 && filled < 1.0);
    let against = (filled < 1.0 && replicas > current) || (filled > 1.0 && replicas < current);
    if turned || against {
        return Some(held(HpaHold::Turned, Some(filled)));
    }
    Some(Judged { replicas, filled: Some(filled), ..judged })
}

/// What the level is, with the goal: whole percent, or thousandths.
#[derive(Clone, Copy, Debug)]
enum Measure {
    Percent(i64),
    Mean(i64),
}

impl Measure {
    fn ratio(self, part: Part) -> Option<(i64, f64)> {
        let (level, goal) = match self {
            Self::Percent(goal) => (part.usage.saturating_mul(100).checked_div(part.requests)?, goal),
            Self::Mean(goal) => (part.usage.checked_div(i64::from(part.replicas))?, goal),
        };
        (part.replicas > 0).then(|| (level, real(level) / real(goal)))
    }

    /// What a missing replica uses when the others use less than they shall.
    fn of_missing(self, request: i64) -> i64 {
        match self {
            Self::Percent(goal) => request.saturating_mul(goal.max(100)) / 100,
            Self::Mean(goal) => goal,
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    ready: Part,
    unready: Part,
    missing: Part,
}

/// Replicas of one class, added up in thousandths.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    replicas: u32,
    usage: i64,
    requests: i64,
}

impl Part {
    fn add(&mut self, usage: i64, request: i64) {
        self.join(Self { replicas: 1, usage, requests: request });
    }

    fn join(&mut self, other: Self) {
        self.replicas += other.replicas;
        self.usage = self.usage.saturating_add(other.usage);
        self.requests = self.requests.saturating_add(other.requests);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Ready,
    Unready,
    Missing,
    Ignored,
}

/// What a replica with this newest sample counts as. `cpu`: the settings, where the signal is CPU.
fn class(replica: &Replica, sample: Option<Timestamp>, cpu: Option<HpaSettings>, now: Timestamp) -> Class {
    match replica.state {
        ReplicaState::Removing | ReplicaState::Failed => return Class::Ignored,
        ReplicaState::Pending => return Class::Unready,
        ReplicaState::Running => {}
    }
    let Some(sample) = sample else { return Class::Missing };
    let Some(settings) = cpu else { return Class::Ready };
    let started = replica.started.unwrap_or_default();
    let serves = replica.ready_since.is_some();
    let changed = replica.ready_since.or(replica.unready_since).unwrap_or(started);
    let unready = if started.when_old(settings.cpu_initialization_period) > now {
        !serves || sample < changed.plus(settings.sample_window)
    } else {
        !serves && started.plus(settings.initial_readiness_delay) > changed
    };
    if unready { Class::Unready } else { Class::Ready }
}

/// What a replica's share is a share of, in thousandths; nothing for an absolute goal.
fn request(goal: Quantity, signal: &SignalName, replica: &Replica, given: &Situation<'_>) -> Result<i64, Gap> {
    let (request, what) = match goal {
        Quantity::Absolute { .. } => return Ok(0),
        Quantity::OfLimit(_) => (limit(signal, replica, given.observation.host), "limit"),
        Quantity::OfReservation(_) => (reservation(signal, replica), "reservation"),
    };
    request.map(milli).ok_or_else(|| Gap::Said(format!("replica {} has no {what} to take a share of", replica.id)))
}

/// The service's own value in thousandths: its newest sample, or what is read where it has none of its own.
fn own_value(reading: &SignalReading, given: &Situation<'_>) -> Result<i64, Gap> {
    let newest = given.signals.newest_of_service(&reading.signal).filter(|_| reading.origin == Origin::Service);
    let newest = newest.filter(|(at, _)| given.now.since(*at) <= good_for(&given.policy.guards, &reading.signal));
    match (reading.total, newest) {
        (Some(_), Some((_, value))) | (Some(value), None) => Ok(milli(value)),
        (None, _) => Err(reading.gap.clone().unwrap_or(Gap::Never)),
    }
}

fn within(tolerance: Tolerance, ratio: f64) -> bool {
    (1.0 - tolerance.down..=1.0 + tolerance.up).contains(&ratio)
}

/// Thousandths, rounded up as Kubernetes' quantities are.
#[expect(clippy::cast_possible_truncation, reason = "a float to integer cast saturates")]
fn milli(value: f64) -> i64 {
    /// Keeps 0.07 from becoming 71 thousandths.
    const ROUNDING: f64 = 1e-6;
    (value * 1000.0 - ROUNDING).ceil() as i64
}

/// A goal in thousandths, at least one.
fn goal_of(goal: Quantity) -> i64 {
    milli(goal.value()).max(1)
}

/// A share in whole percent, at least one.
#[expect(clippy::cast_possible_truncation, reason = "a float to integer cast saturates")]
fn percent(share: f64) -> i64 {
    ((share * 100.0).round() as i64).max(1)
}

fn units(milli: i64) -> f64 {
    real(milli) / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "Kubernetes' ratios are 64-bit floats of these integers as well")]
fn real(value: i64) -> f64 {
    value as f64
}

/// Rounded up; too many for Kubernetes is the most that it can count, and no number is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
fn whole(replicas: f64) -> u32 {
    replicas.ceil().clamp(0.0, MOST) as u32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn part(replicas: u32, usage: i64, requests: i64) -> Part {
        Part { replicas, usage, requests }
    }

    #[test]
    fn missing_and_unready_replicas_are_filled_in_only_as_far_as_they_hold_back() {
        let percent = Measure::Percent(50);
        let mean = Measure::Mean(10_000);
        let none = Part::default();
        for (name, measure, ready, unready, missing, current, expected) in [
            ("all ready: ceil(1.26 · 2)", percent, part(2, 126, 200), none, none, 2, 3),
            ("the percentage is cut before it is divided", percent, part(3, 151, 300), none, none, 3, 3),
            ("the edge of the tolerance is within it", percent, part(2, 110, 200), none, none, 2, 2),
            ("just beyond it is not", percent, part(2, 112, 200), none, none, 2, 3),
            ("unready ones do not keep from shrinking", percent, part(4, 80, 400), part(1, 0, 100), none, 5, 2),
            ("but keep from growing", percent, part(2, 120, 200), part(2, 0, 200), none, 4, 4),
            ("a missing one uses nothing when growing", percent, part(2, 190, 200), none, part(1, 100, 100), 3, 4),
            ("and all of its request when shrinking", percent, part(3, 60, 300), none, part(1, 100, 100), 4, 4),
            ("or exactly the goal, where that is absolute", mean, part(3, 9000, 0), none, part(1, 10_000, 0), 4, 2),
            ("at exactly 1 it is left out", mean, part(3, 30_000, 0), none, part(2, 20_000, 0), 5, 5),
            ("the ready ones are counted, not the present ones", percent, part(2, 140, 200), none, none, 5, 3),
            ("never more than a count can be", Measure::Mean(1), part(9, i64::MAX, 0), none, none, 9, 2_147_483_647),
        ] {
            let judged = judge(measure, Parts { ready, unready, missing }, Tolerance::both(0.1), current);
            assert_eq!(judged.map(|judged| judged.replicas), Some(expected), "{name}");
        }
        assert_eq!(judge(percent, Parts::default(), Tolerance::both(0.1), 1), None, "nothing to compare");
    }

    #[test]
    fn a_young_replica_counts_for_cpu_once_a_whole_sample_was_taken_while_it_serves() {
        let at = |seconds: u64| Timestamp::from_millis(seconds * 1000);
        let settings = HpaSettings {
            cpu_initialization_period: Duration::from_mins(2),
            initial_readiness_delay: Duration::from_secs(10),
            sample_window: Duration::from_mins(1),
        };
        let replica = |started, ready: Option<u64>, unready: Option<u64>| Replica {
            started: Some(at(started)),
            ready_since: ready.map(at),
            unready_since: unready.map(at),
            ..Replica::default()
        };
        let pending = Replica { state: ReplicaState::Pending, ..Replica::default() };
        let removing = Replica { state: ReplicaState::Removing, ..Replica::default() };
        let now = 1000;
        for (name, replica, sample, cpu, expected) in [
            ("removed", removing, Some(now), true, Class::Ignored),
            ("not started, even with a sample", pending, Some(now), false, Class::Unready),
            ("no sample", replica(0, Some(1), None), None, true, Class::Missing),
            (
                "young and its sample is from before it served",
                replica(900, Some(950), None),
                Some(1000),
                true,
                Class::Unready,
            ),
            ("young and a whole window later", replica(900, Some(940), None), Some(1000), true, Class::Ready),
            ("young and not serving", replica(900, None, Some(990)), Some(1000), true, Class::Unready),
            ("that does not matter for other signals", replica(900, None, Some(990)), Some(1000), false, Class::Ready),
            ("old and never served", replica(500, None, Some(509)), Some(1000), true, Class::Unready),
            ("old and served once: it may be its load", replica(500, None, Some(510)), Some(1000), true, Class::Ready),
            ("an unknown start was long ago", Replica::default(), Some(1000), true, Class::Unready),
        ] {
            let settings = cpu.then_some(settings);
            assert_eq!(class(&replica, sample.map(at), settings, at(now)), expected, "{name}");
        }
    }

    #[test]
    fn values_become_thousandths_without_losing_or_winning_one() {
        for (value, expected) in
            [(0.07, 70), (1.001, 1001), (0.0701, 71), (0.0, 0), (1e30, i64::MAX), (419_430_400.0, 419_430_400_000)]
        {
            assert_eq!(milli(value), expected, "{value}");
        }
    }
}
