//! Knobs turned: what each contender pays and misses. A contender at one setting is one point of an unknown curve.

use serde::Serialize;

use super::{
    KNOBS, Options, Recording, SWEPT_STEPS,
    runs::{Task, Who},
    table::{Done, Part},
};
use crate::{baseline, scenario::Series};

/// So many settings of a baseline's knob.
const SETTINGS: u32 = 5;

/// One contender with its knob turned.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// What it is asked for by.
    pub key: String,
    /// What its knob is.
    pub knob: String,
    /// Means over recordings, in the order of the knob.
    pub points: Vec<Point>,
    /// How it does beside the policy; of the policy itself, nothing.
    pub against: Option<Against>,
}

/// One setting: means over the second halves of all recordings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The knob.
    pub setting: f64,
    /// Replica-hours that were paid for each one that was needed.
    pub paid: f64,
    /// The share of needed replica-hours that was missing.
    pub missing: f64,
    /// The share of time with too few replicas.
    pub short: f64,
    /// The share of time that the knob allows to be short, where it says so.
    pub allowed: Option<f64>,
}

/// Points of two curves on the same recordings. One is *had for less* where the other curve has a point that pays no more and
/// misses no more, and one of the two less.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Against {
    /// The share of the baseline's points that the policy has for less.
    pub by_policy: f64,
    /// The share of the policy's points that the baseline has for less.
    pub by_baseline: f64,
}

/// The last part of a long recording.
pub(super) fn shortened(recording: &Recording) -> Recording {
    let kept = recording.steps().min(SWEPT_STEPS);
    let values = &recording.series.values[recording.steps() - kept..];
    let series = Series { at: recording.series.at[..kept].into(), values: values.into() };
    Recording { series, ..recording.clone() }
}

/// Every setting of everybody who has a knob.
pub(super) fn tasks<'a>(recordings: &'a [Recording], options: &'a Options) -> Vec<Task<'a>> {
    let mut tasks = Vec::new();
    for (place, of) in recordings.iter().enumerate() {
        tasks.extend(KNOBS.iter().map(|knob| Task::swept(place, of, Who::Policy, *knob, options)));
        let scenario = super::scenario(of, 1, options.idle_per_missing);
        for baseline in baseline::ALL.iter().filter(|baseline| baseline.name != "none") {
            let who = Who::Baseline(baseline.name);
            let settings = baseline.knob(&scenario).sweep(SETTINGS);
            tasks.extend(settings.into_iter().map(|knob| Task::swept(place, of, who, knob, options)));
        }
    }
    tasks
}

/// One curve for each.
pub(super) fn curves(recordings: usize, options: &Options, swept: &[(&Task<'_>, Done)]) -> Vec<Curve> {
    let mut keys: Vec<Who> = Vec::new();
    for (task, _) in swept {
        if !keys.contains(&task.who) {
            keys.push(task.who);
        }
    }
    let own = places(recordings, swept, Who::Policy);
    keys.into_iter().map(|who| curve(who, options, swept, (recordings, &own))).collect()
}

/// What a setting pays and misses.
type Place = (f64, f64);

fn places(recordings: usize, swept: &[(&Task<'_>, Done)], who: Who) -> Vec<Vec<Place>> {
    let of = |recording: usize| {
        let own = swept.iter().filter(move |(task, _)| task.who == who && task.recording == recording);
        own.map(|(_, done)| (paid(&done.second_half), done.second_half.missing())).collect()
    };
    (0..recordings).map(of).collect()
}

fn paid(part: &Part) -> f64 {
    if part.needed > 0.0 { part.measures.cost.replica_hours / part.needed } else { 0.0 }
}

fn curve(who: Who, options: &Options, swept: &[(&Task<'_>, Done)], own: (usize, &[Vec<Place>])) -> Curve {
    let runs: Vec<_> = swept.iter().filter(|(task, _)| task.who == who).collect();
    let mut settings: Vec<f64> = runs.iter().filter_map(|(task, _)| task.knob).collect();
    settings.sort_by(f64::total_cmp);
    settings.dedup();
    let points = settings.into_iter().map(|setting| {
        let at = runs.iter().filter(|(task, _)| task.knob == Some(setting)).map(|(_, done)| &done.second_half);
        let at: Vec<&Part> = at.collect();
        let mean = |of: &dyn Fn(&Part) -> f64| at.iter().map(|part| of(part)).sum::<f64>() / at.len() as f64;
        Point {
            setting,
            paid: mean(&paid),
            missing: mean(&Part::missing),
            short: mean(&|part| part.measures.elasticity.tau_u / 100.0),
            allowed: (who == Who::Policy).then(|| 1.0 / (1.0 + setting)),
        }
    });
    let points = points.collect();
    let knob = match who {
        Who::Policy | Who::Plan => "idle per missing".to_owned(),
        Who::Baseline(name) => {
            let scenario = runs.first().map(|(task, _)| task.scenario(options));
            let found = baseline::ALL.iter().find(|baseline| baseline.name == name).zip(scenario);
            found.map(|(baseline, scenario)| baseline.knob(&scenario).name.to_owned()).unwrap_or_default()
        }
    };
    let (recordings, policy) = own;
    let against = (who != Who::Policy).then(|| {
        let theirs = places(recordings, swept, who);
        Against { by_policy: beaten(&theirs, policy), by_baseline: beaten(policy, &theirs) }
    });
    Curve { key: who.key().to_owned(), knob, points, against }
}

/// The share of these points that the others have for less.
fn beaten(points: &[Vec<Place>], others: &[Vec<Place>]) -> f64 {
    let less = |(paid, missing): &Place, (other_paid, other_missing): &Place| {
        other_paid <= paid && other_missing <= missing && (other_paid < paid || other_missing < missing)
    };
    let all: usize = points.iter().map(Vec::len).sum();
    let beaten: usize = points
        .iter()
        .zip(others)
        .map(|(points, others)| points.iter().filter(|point| others.iter().any(|other| less(point, other))).count())
        .sum();
    if all == 0 { 0.0 } else { beaten as f64 / all as f64 }
}
