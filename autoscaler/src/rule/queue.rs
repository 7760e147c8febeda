//! `queue`: a backlog worked off.
//!
//! ```text
//! replicas = ceil(backlog / per_replica)
//!          = ceil((backlog / drain_in + arrivals) · job_takes / at_once)
//! ```
//!
//! The first is how KEDA and AWS's queue recipe count (a target backlog per replica). The second is the service demand law:
//! jobs to be done per second, times the seconds that each takes, over the jobs that one replica does at once. The backlog is
//! of the service as a whole and does not depend on the number of replicas, so that there is nothing to be within tolerance
//! of; replicas that start are capacity.
//!
//! Where nobody can say how many jobs come meanwhile, more may be added for the backlog alone, and nothing removed. Where
//! there is nothing to be done, it does not matter what a job takes.

use crate::{
    evaluation::{Gap, Opinion, QueueGoalSeen, RuleReason, SignalReading},
    policy::{JobTime, Queue, QueueGoal},
    quantity::SignalName,
    rule::{Situation, missing, whole},
};

pub(crate) fn recommend(rule: &Queue, given: &Situation<'_>) -> (Opinion, RuleReason) {
    let Some(reading) = given.readings.get(&rule.signal, rule.window) else {
        return missing(&rule.signal, Gap::Never);
    };
    let Some(backlog) = reading.total.map(|total| total.max(0.0)) else {
        return missing(&rule.signal, reading.gap.clone().unwrap_or(Gap::Never));
    };
    match &rule.goal {
        QueueGoal::PerReplica(each) => {
            let load = backlog / each;
            judge(reading, backlog, load, QueueGoalSeen::PerReplica(*each), true, given)
        }
        QueueGoal::Drain { .. } => drain(rule, reading, backlog, given),
    }
}

/// So many replicas' worth of backlog; `whole_truth`: all that counts is known.
fn judge(
    reading: &SignalReading,
    backlog: f64,
    load: f64,
    goal: QueueGoalSeen,
    whole_truth: bool,
    given: &Situation<'_>,
) -> (Opinion, RuleReason) {
    let wanted = whole(load);
    let blind = !whole_truth || reading.absent > 0;
    let opinion = if blind && wanted <= given.current { Opinion::Unknown } else { Opinion::Wants(wanted) };
    let (signal, absent) = (reading.signal.clone(), reading.absent);
    (opinion, RuleReason::Queue { signal, backlog, load, goal, absent })
}

fn drain(rule: &Queue, reading: &SignalReading, backlog: f64, given: &Situation<'_>) -> (Opinion, RuleReason) {
    let QueueGoal::Drain { within, job_takes, arrivals: source, at_once } = &rule.goal else {
        return missing(&rule.signal, Gap::Never);
    };
    let read = |signal: &SignalName| match given.readings.get(signal, rule.window) {
        Some(SignalReading { total: Some(total), .. }) => Ok(total.max(0.0)),
        Some(reading) => Err(reading.gap.clone().unwrap_or(Gap::Never)),
        None => Err(Gap::Never),
    };
    let (arrivals, unknown) = match source.as_ref().map(|signal| (signal, read(signal))) {
        None => (None, None),
        Some((_, Ok(rate))) => (Some(rate), None),
        Some((_, Err(Gap::Idle))) => (Some(0.0), None),
        Some((signal, Err(gap))) => (None, Some((signal, gap))),
    };
    let per_second = backlog / within.as_secs_f64() + arrivals.unwrap_or(0.0);
    let takes = match job_takes {
        JobTime::Fixed(span) => span.as_secs_f64(),
        JobTime::Measured(_) if per_second <= 0.0 => 0.0,
        JobTime::Measured(signal) => match read(signal) {
            Ok(seconds) => seconds,
            Err(gap) => return (Opinion::Unknown, RuleReason::Missing { signal: signal.clone(), gap }),
        },
    };
    let load = per_second * takes / f64::from((*at_once).max(1));
    let goal = QueueGoalSeen::Drain { within: *within, job_takes: takes, arrivals, at_once: *at_once };
    match unknown {
        Some((signal, gap)) if whole(load) <= given.current => {
            (Opinion::Unknown, RuleReason::Missing { signal: signal.clone(), gap })
        }
        unknown => judge(reading, backlog, load, goal, unknown.is_none(), given),
    }
}
