//! What came of it all, for programs; `text` and `markdown` print it.

use serde::Serialize;

use super::{
    Options, REACTIVE, Recording,
    beaten::{Beaten, beaten},
    bound::Bound,
    pareto::{Curve, curves},
    runs::{Task, Who},
};
use crate::measures::Measures;

/// What came of one run.
pub(super) struct Done {
    pub(super) name: String,
    pub(super) all: Part,
    pub(super) second_half: Part,
    /// Of a forecast rule, in the second half.
    pub(super) bound: Option<Bound>,
}

/// What was measured in a part of a run.
pub(super) struct Part {
    pub(super) measures: Measures,
    /// `∫ D dt`, in replica-hours.
    pub(super) needed: f64,
}

impl Part {
    /// The share of the replica-hours that the demand needed and did not have.
    pub(super) fn missing(&self) -> f64 {
        if self.needed > 0.0 { self.measures.cost.missing_hours / self.needed } else { 0.0 }
    }
}

/// What came of everybody on every recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// The version of this form.
    pub v: u32,
    /// What the policy is called.
    pub policy: String,
    /// So many idle replicas cost as much as one that is missing.
    pub idle_per_missing: f64,
    /// By recording.
    pub recordings: Vec<Judged>,
    /// How the policy does against each baseline, over all recordings and start-ups.
    pub beaten: Vec<Beaten>,
    /// What each costs and misses with its knob turned, on average over recordings.
    pub curves: Vec<Curve>,
}

/// What came of everybody on one recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// What it is called.
    pub name: String,
    /// From one value to the next, in seconds.
    pub step: f64,
    /// How many there are.
    pub steps: usize,
    /// What a replica carries.
    pub capacity: f64,
    /// By start-up.
    pub starts: Vec<Start>,
}

/// The same under one start-up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Start {
    /// A replica takes so many steps to start.
    pub start: u32,
    /// The plan first, then the policy, then baselines.
    pub rows: Vec<Row>,
    /// The reactive baseline that costs least in the second half.
    pub best_reactive: String,
    /// The policy's cost in the second half, divided by that.
    pub over_reactive: f64,
    /// How the bound of the policy's forecast was kept in the second half; absent: it has none, or said nothing.
    pub bound: Option<Bound>,
}

/// One contender.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What it is asked for by: `plan`, `policy`, or a baseline's name.
    pub key: String,
    /// What it is called.
    pub name: String,
    /// Over all of the recording.
    pub all: Figures,
    /// Over its second half.
    pub second_half: Figures,
}

/// What was measured. Shares are 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// The cost, divided by the plan's.
    pub over_plan: f64,
    /// The cost `J`, in replica-hours.
    pub cost: f64,
    /// Replicas that serve or start, on average.
    pub mean_replicas: f64,
    /// The share of replica-hours that the demand needed and did not have.
    pub missing: f64,
    /// The share of time with too few replicas.
    pub short: f64,
    /// The share of requests that were lost.
    pub lost: f64,
    /// In percent, as [`Elasticity`](crate::measures::Elasticity) has it.
    pub theta_u: f64,
    /// The same.
    pub theta_o: f64,
    /// The same.
    pub tau_u: f64,
    /// The same.
    pub tau_o: f64,
    /// Changes of supply beyond those of demand, per step.
    pub jitter: f64,
    /// Decisions that changed the count.
    pub changes: u64,
}

impl Table {
    pub(super) fn new(recordings: &[Recording], options: &Options, tasks: &[Task<'_>], done: Vec<Done>) -> Self {
        let all: Vec<(&Task<'_>, Done)> = tasks.iter().zip(done).collect();
        let (swept, runs): (Vec<_>, Vec<_>) = all.into_iter().partition(|(task, _)| task.swept);
        let mut judged = Vec::new();
        for (place, recording) in recordings.iter().enumerate() {
            let of_recording = |start: u32| {
                let own = runs.iter().filter(move |(task, _)| task.recording == place && task.start == start);
                Start::new(start, recording.step.as_secs_f64(), &own.collect::<Vec<_>>())
            };
            judged.push(Judged {
                name: recording.name.clone(),
                step: recording.step.as_secs_f64(),
                steps: recording.steps(),
                capacity: recording.capacity,
                starts: options.starts.iter().map(|start| of_recording(*start)).collect(),
            });
        }
        Self {
            v: 1,
            policy: options.name.clone(),
            idle_per_missing: options.idle_per_missing,
            beaten: beaten(&judged),
            curves: curves(recordings.len(), options, &swept),
            recordings: judged,
        }
    }
}

impl Start {
    fn new(start: u32, step: f64, runs: &[&(&Task<'_>, Done)]) -> Self {
        let plan = runs.iter().find(|(task, _)| task.who == Who::Plan).map(|(_, done)| done);
        let costs = |of: fn(&Done) -> &Part| plan.map_or(f64::NAN, |plan| of(plan).measures.cost.total);
        let (all, second_half) = (costs(|done| &done.all), costs(|done| &done.second_half));
        let row = |(task, done): &&(&Task<'_>, Done)| Row {
            key: task.who.key().to_owned(),
            name: done.name.clone(),
            all: Figures::new(&done.all, all, step),
            second_half: Figures::new(&done.second_half, second_half, step),
        };
        let rows: Vec<Row> = runs.iter().map(row).collect();
        let reactive = rows.iter().filter(|row| REACTIVE.contains(&row.key.as_str()));
        let best = reactive.min_by(|one, other| one.second_half.cost.total_cmp(&other.second_half.cost));
        let own = rows.iter().find(|row| row.key == Who::Policy.key()).map_or(f64::NAN, |row| row.second_half.cost);
        Self {
            start,
            best_reactive: best.map(|row| row.key.clone()).unwrap_or_default(),
            over_reactive: best.map_or(f64::NAN, |best| own / best.second_half.cost),
            bound: runs.iter().find_map(|(task, done)| done.bound.filter(|_| task.who == Who::Policy)),
            rows,
        }
    }

    /// The figures of one contender's second half.
    pub fn of(&self, key: &str) -> Option<&Figures> {
        self.rows.iter().find(|row| row.key == key).map(|row| &row.second_half)
    }
}

impl Figures {
    fn new(part: &Part, plan: f64, step: f64) -> Self {
        let measures = &part.measures;
        let cost = &measures.cost;
        let elasticity = &measures.elasticity;
        Self {
            over_plan: cost.total / plan,
            cost: cost.total,
            mean_replicas: cost.mean_replicas,
            missing: part.missing(),
            short: elasticity.tau_u / 100.0,
            lost: measures.users.dropped.unwrap_or(0.0),
            theta_u: elasticity.theta_u,
            theta_o: elasticity.theta_o,
            tau_u: elasticity.tau_u,
            tau_o: elasticity.tau_o,
            jitter: elasticity.jitter * step / 60.0,
            changes: cost.changes,
        }
    }
}
