//! What is run, and how a run is watched.

use std::{sync::Arc, time::Duration};

use autoscaler::{
    Event, Policy, Timestamp,
    policy::{Capacity, Goal, Knob, RuleKind},
    quantity::{Quantity, Unit},
};

use super::{
    Options, Recording, RecordingsError,
    bound::{Bound, Promises},
    pareto, scenario,
    table::{Done, Part, Table},
};
use crate::{
    Scaler, Scenario,
    baseline::{self, Baseline},
    measures::Meter,
    parallel,
    plan::{Plan, PlanScaler},
    scaler::{PolicyScaler, Seen},
    simulation::{self, Change, Segment, Watch},
};

/// Baselines that go by what there is alone: they foresee nothing.
pub const REACTIVE: [&str; 10] =
    ["hpa", "keda", "kpa", "nomad", "aws-target", "aws-step", "react", "adapt", "autoscale--", "naive+hold"];
/// Where the knob of a forecast rule, `idle_per_missing`, is turned.
pub const KNOBS: [f64; 6] = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0];
/// Knobs are turned over the last so many steps of a recording.
pub const SWEPT_STEPS: usize = 20_000;

/// Who scales in a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Who {
    Policy,
    Baseline(&'static str),
    Plan,
}

/// One run.
pub(super) struct Task<'a> {
    pub(super) recording: usize,
    pub(super) start: u32,
    pub(super) who: Who,
    /// Where its knob is turned to; absent: it is as it was given.
    pub(super) knob: Option<f64>,
    /// Whether it is one point of a curve, over the last [`SWEPT_STEPS`] steps.
    pub(super) swept: bool,
    of: &'a Recording,
    options: &'a Options,
}

/// Judges everybody on every recording. `progress` hears how many runs are done, and of how many.
pub fn judge(
    recordings: &[Recording],
    options: &Options,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Table, RecordingsError> {
    let shortened: Vec<Recording> = recordings.iter().map(pareto::shortened).collect();
    let mut tasks = tasks(recordings, options);
    tasks.extend(pareto::tasks(&shortened, options));
    // The long ones first, so that no thread has one left when the others are done.
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_by_key(|place| std::cmp::Reverse(tasks[*place].of.steps()));
    let ordered: Vec<&Task<'_>> = order.iter().map(|place| &tasks[*place]).collect();
    let outcomes = parallel::map(&ordered, options.jobs, progress, |task| task.run());
    let mut placed: Vec<(usize, Result<Done, RecordingsError>)> = order.into_iter().zip(outcomes).collect();
    placed.sort_by_key(|(place, _)| *place);
    let done: Vec<Done> = placed.into_iter().map(|(_, outcome)| outcome).collect::<Result<_, _>>()?;
    Ok(Table::new(recordings, options, &tasks, done))
}

fn tasks<'a>(recordings: &'a [Recording], options: &'a Options) -> Vec<Task<'a>> {
    let mut tasks = Vec::new();
    for (place, of) in recordings.iter().enumerate() {
        for &start in &options.starts {
            let all = baseline::ALL.iter().map(|baseline| Who::Baseline(baseline.name));
            for who in [Who::Plan, Who::Policy].into_iter().chain(all) {
                tasks.push(Task { recording: place, start, who, knob: None, swept: false, of, options });
            }
        }
    }
    tasks
}

impl Who {
    /// What it is asked for by.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Baseline(name) => name,
            Self::Plan => "plan",
        }
    }
}

impl<'a> Task<'a> {
    /// One point of a curve.
    pub(super) fn swept(recording: usize, of: &'a Recording, who: Who, knob: f64, options: &'a Options) -> Self {
        let start = options.starts.first().copied().unwrap_or_default();
        Self { recording, start, who, knob: Some(knob), swept: true, of, options }
    }

    /// What is run.
    pub(super) fn scenario(&self, options: &Options) -> Scenario {
        scenario(self.of, self.start, options.idle_per_missing)
    }

    fn run(&self) -> Result<Done, RecordingsError> {
        let scenario = self.scenario(self.options);
        let step = self.of.step;
        match self.who {
            Who::Policy => {
                let policy = fitted(self.options, self.of, self.knob);
                self.watch(&scenario, &mut PolicyScaler::new(self.options.name.clone(), policy))
            }
            Who::Baseline(name) => {
                let found = baseline::ALL.iter().find(|baseline| baseline.name == name);
                let make = |baseline: &Baseline| baseline.make_for(self.knob, &scenario, step);
                let inner = found.map_or_else(|| baseline::make(name, self.knob, &scenario), make)?;
                self.watch(&scenario, &mut AtSamples(inner))
            }
            Who::Plan => {
                let plan = Plan::new(&scenario, simulation::bounds(&scenario));
                self.watch(&scenario, &mut PlanScaler::new(plan))
            }
        }
    }

    fn watch(&self, scenario: &Scenario, scaler: &mut dyn Scaler) -> Result<Done, RecordingsError> {
        let half = u32::try_from(self.of.steps() / 2).unwrap_or(u32::MAX);
        let mut halves = Halves::new(scenario, self.of.step.saturating_mul(half));
        let mut promises = Promises::new(halves.from);
        simulation::run(scenario, scaler, &mut [&mut halves, &mut promises])
            .map_err(|error| RecordingsError::Run(self.of.name.clone(), error))?;
        Ok(halves.done(scaler.name(), promises.kept()))
    }
}

/// The policy, with what a replica of this service carries, and with `knob`, or else the knob that was asked for, in each of
/// its forecast rules. Samples come once a step, so that one is not stale before the next.
fn fitted(options: &Options, recording: &Recording, knob: Option<f64>) -> Arc<Policy> {
    let mut policy = options.policy.as_ref().clone();
    for rule in &mut policy.rules {
        if let RuleKind::Forecast(forecast) = &mut rule.kind {
            if let Capacity::Given(Quantity::Absolute { value, .. }) = &mut forecast.capacity {
                *value = recording.capacity;
            }
            forecast.knob = Knob::IdlePerMissing(knob.unwrap_or(options.idle_per_missing));
        }
    }
    policy.guards.stale_after = policy.guards.stale_after.max(recording.step.saturating_mul(2));
    Arc::new(policy)
}

impl Options {
    /// What of the policy is not judged as it is written, or as it is written though recordings differ, as sentences.
    pub fn notes(&self) -> Vec<String> {
        let each = self.policy.rules.iter().zip(1..).filter_map(|(rule, place)| {
            let note = match &rule.kind {
                RuleKind::Forecast(forecast) => self.other_knob(forecast.knob)?,
                RuleKind::Target(target) => match target.goal {
                    Goal::PerReplica(Quantity::Absolute { .. }) => format!(
                        "{} is for {} each in every recording, while one carries more in one than in another: \
                         `{{ signal: cpu, per_replica: 70% }}` fits all",
                        target.signal,
                        target.goal.quantity()
                    ),
                    _ => return None,
                },
                _ => return None,
            };
            Some(format!("{}: rule {place}: {note}", self.name))
        });
        each.collect()
    }

    fn other_knob(&self, knob: Knob) -> Option<String> {
        let judged =
            format!("is judged as `idle_per_missing: {}`, as all are: --idle-per-missing", self.idle_per_missing);
        match knob {
            Knob::Misses(misses) => Some(format!("`misses: {}` {judged}", Unit::Share.print(misses))),
            Knob::IdlePerMissing(idle) if (idle - self.idle_per_missing).abs() > f64::EPSILON => {
                Some(format!("`idle_per_missing: {idle}` {judged}"))
            }
            Knob::IdlePerMissing(_) => None,
        }
    }
}

/// A baseline that is asked only where there is something new: between two samples it would read the first one again.
struct AtSamples(Box<dyn Scaler>);

impl Scaler for AtSamples {
    fn name(&self) -> String {
        self.0.name()
    }

    fn decide(&mut self, seen: &Seen, told: &mut Vec<Event>, now: Timestamp) -> Option<u32> {
        self.0.decide(seen, told, now)
    }

    fn why(&self) -> String {
        self.0.why()
    }

    fn reads(&self, signal: &str) -> bool {
        self.0.reads(signal)
    }
}

/// Measures all of a run, and its second half.
struct Halves {
    from: Timestamp,
    all: Half,
    second: Half,
}

struct Half {
    meter: Meter,
    /// Replica-milliseconds.
    needed: u64,
}

impl Half {
    fn new(scenario: &Scenario) -> Self {
        Self { meter: Meter::new(scenario), needed: 0 }
    }

    fn add(&mut self, segment: &Segment) {
        self.meter.segment(segment);
        self.needed += u64::from(segment.needed) * (segment.to.as_millis() - segment.from.as_millis());
    }

    fn part(&self) -> Part {
        Part { measures: self.meter.measures(), needed: self.needed as f64 / 3_600_000.0 }
    }
}

impl Halves {
    fn new(scenario: &Scenario, half: Duration) -> Self {
        Self { from: scenario.begins.plus(half), all: Half::new(scenario), second: Half::new(scenario) }
    }

    fn done(&self, name: String, bound: Option<Bound>) -> Done {
        Done { name, all: self.all.part(), second_half: self.second.part(), bound }
    }
}

impl Watch for Halves {
    fn segment(&mut self, segment: &Segment) {
        self.all.add(segment);
        // A sample is taken where the halves meet, so that no span lies in both.
        if segment.from >= self.from {
            self.second.add(segment);
        }
    }

    fn change(&mut self, change: &Change, scaler: &dyn Scaler) {
        self.all.meter.change(change, scaler);
        if change.at >= self.from {
            self.second.meter.change(change, scaler);
        }
    }
}
