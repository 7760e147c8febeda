//! Several contenders on several scenarios: each run on its own, side by side on as many threads as wanted, and what came of
//! it, in an order and to a byte that do not depend on the number of threads.
//!
//! ```text
//! cases ─▶ tasks (scenario × seed × contender) ─▶ threads ─▶ outcomes, in order ─▶ Report
//! ```

mod digest;
mod overall;
mod still;
mod sweep;
mod tasks;
#[cfg(test)]
mod tests;

use std::{num::NonZero, sync::Arc};

use autoscaler::{Policy, quantity::SignalName};

use crate::{
    Scenario,
    baseline::BaselineError,
    expectations::Verdict,
    ladder::{self, Ladder},
    measures::Measures,
    parallel,
    plan::Plan,
    report::{Contender, Figures, Judged, Judgement, Kind, Picture, Report, Summary},
    simulation::RunError,
};

pub use digest::Digest;
pub use still::Still;
pub use tasks::{Outcome, Who, clairvoyant_beside, run};

/// A scenario, and the policies that are judged on it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The scenario.
    pub scenario: Scenario,
    /// What they are called in reports, and what they are. The first is what the others are compared with.
    pub policies: Vec<(String, Arc<Policy>)>,
}

/// What is compared, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Baselines, by name.
    pub baselines: Vec<String>,
    /// Whether the clairvoyant plan is among the contenders.
    pub plan: bool,
    /// Whether knobs are turned, for the picture of cost against violations and, with the plan, for the ladder.
    pub sweep: bool,
    /// So many seeds: that of the scenario and those after it. Figures are means over them; pictures are the first one's.
    pub seeds: NonZero<u32>,
    /// So many runs at a time.
    pub jobs: NonZero<usize>,
}

/// Why scenarios cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum ComparisonError {
    /// A scenario cannot be run.
    #[error("the scenario {0}: {1}")]
    Run(String, RunError),
    /// A baseline cannot be made.
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    /// There is nobody to judge.
    #[error("the scenario {0} has nobody to judge: name a policy or a baseline")]
    Nobody(String),
}

/// Runs every contender of every case, and reports. `progress` hears how many runs are done, and of how many.
pub fn compare(
    cases: &[Case],
    options: &Options,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Report, ComparisonError> {
    let plan = tasks::plan(cases, options)?;
    let climbs: Vec<&Case> = cases.iter().filter(|_| options.sweep && options.plan).collect();
    let all = plan.len() + climbs.len();
    let outcomes = parallel::map(&plan, options.jobs, &|done, _| progress(done, all), tasks::Task::run);
    let outcomes: Vec<Outcome> = outcomes.into_iter().collect::<Result<_, _>>()?;
    let ladders = parallel::map(&climbs, options.jobs, &|done, _| progress(plan.len() + done, all), |case| climb(case));
    let mut runs = plan.iter().zip(outcomes);
    let mut judged = Vec::with_capacity(cases.len());
    let mut trials: Vec<Trials> = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let of_case: Vec<_> = runs.by_ref().take(plan.iter().filter(|task| task.case == index).count()).collect();
        judged.push(judge(index, case, &of_case, &mut trials));
    }
    for (judged, ladder) in judged.iter_mut().zip(ladders) {
        if let Some(ladder) = ladder? {
            judged.ladder = ladder.rungs;
        }
    }
    let (ranking, significance) = overall::rank(trials, &mut judged);
    Ok(Report::new(judged, ranking, significance))
}

/// What the distance of the first policy to the clairvoyant plan is made of; nothing where there is no policy.
fn climb(case: &Case) -> Result<Option<Ladder>, ComparisonError> {
    let Some((name, policy)) = case.policies.first() else { return Ok(None) };
    let ladder = ladder::climb(&case.scenario, name, policy);
    ladder.map(Some).map_err(|error| ComparisonError::Run(case.scenario.name.clone(), error))
}

/// What the policies read and the scenario does not give, as warnings.
pub fn warnings(case: &Case) -> Vec<String> {
    let Some(load) = case.scenario.load() else { return Vec::new() };
    let mut warnings = Vec::new();
    for (name, policy) in &case.policies {
        let mut unknown: Vec<SignalName> =
            policy.signals_read().into_iter().filter(|signal| !is_given(load, signal.as_str())).collect();
        unknown.sort();
        unknown.dedup();
        for signal in unknown {
            let given: Vec<_> = load.emits.iter().map(|(name, _)| format!("`{name}`")).collect();
            warnings.push(format!(
                "{name} reads `{signal}`, which the scenario {} does not give: it is missing all the time; given are `cpu`, {}",
                case.scenario.name,
                given.join(", ")
            ));
        }
    }
    warnings
}

fn is_given(load: &crate::scenario::Load, signal: &str) -> bool {
    let always = [SignalName::CPU, SignalName::HOST_CPU];
    let with_memory = [SignalName::MEMORY, SignalName::HOST_MEMORY];
    always.contains(&signal)
        || (with_memory.contains(&signal) && load.service.memory.is_some())
        || load.emits.iter().any(|(name, _)| name == signal)
}

/// What came of one contender on one scenario, seed by seed.
struct Trials {
    case: usize,
    who: Who,
    /// Whether it is the scenario's own policy.
    own: bool,
    name: String,
    measures: Vec<Measures>,
}

fn is_own(who: &Who, case: &Case) -> bool {
    matches!(who, Who::Policy(name, _) if case.scenario.policy.as_ref() == Some(name))
}

/// In which world the plan is.
fn of_plan(scenario: &Scenario) -> String {
    let left_out = match Plan::spared(scenario) {
        0 => String::new(),
        1 => "; a fault that changes counts is left out".to_owned(),
        several => format!("; {several} faults that change counts are left out"),
    };
    format!("run with the quickest starts and stops{left_out}")
}

type Done<'a> = (&'a tasks::Task<'a>, Outcome);

/// One scenario with everybody on it.
fn judge(index: usize, case: &Case, runs: &[Done<'_>], trials: &mut Vec<Trials>) -> Judged {
    let mut contenders = Vec::new();
    let mut seen: Vec<&Who> = Vec::new();
    for (task, outcome) in runs {
        let shown = !matches!(task.who, Who::Still) && task.setting.is_none();
        if !shown || seen.contains(&&task.who) {
            continue;
        }
        seen.push(&task.who);
        let of_all_seeds = || runs.iter().filter(|(other, _)| other.who == task.who && other.setting.is_none());
        let figures: Vec<_> = of_all_seeds().map(|done| figures(done, runs)).collect();
        let of_all_seeds: Vec<&Outcome> = of_all_seeds().map(|(_, outcome)| outcome).collect();
        if task.who.kind() != Kind::Plan {
            let own = is_own(&task.who, case);
            let measures = of_all_seeds.iter().map(|outcome| outcome.measures.clone()).collect();
            trials.push(Trials { case: index, who: task.who.clone(), own, name: outcome.name.clone(), measures });
        }
        contenders.push(contender(task, outcome, Figures::mean(&figures)));
    }
    let mut judged = Judged::new(Summary::new(&case.scenario), contenders);
    judged.pareto = sweep::curves(runs, &judged.contenders);
    judged.floor = Some(ladder::reactive_floor(&case.scenario));
    judged.warnings = warnings(case);
    judged
}

/// What was measured in a run, beside the plan and beside nobody under the same seed.
fn figures((task, outcome): &Done<'_>, runs: &[Done<'_>]) -> Figures {
    let beside = |who: &Who| {
        let same = |other: &tasks::Task<'_>| other.who == *who && other.scenario.seed == task.scenario.seed;
        runs.iter().find(|(other, _)| same(other) && other.setting.is_none()).map(|(_, outcome)| &outcome.measures)
    };
    let measures = &outcome.measures;
    let mut figures = Figures::new(measures);
    let plan = beside(&Who::Plan).map(|plan| plan.cost.total).filter(|plan| *plan > 0.0);
    figures.set("cost_ratio", plan.map(|plan| measures.cost.total / plan));
    let still = beside(&Who::Still);
    figures.set("speedup", still.map(|still| measures.elasticity.speedup(&still.elasticity)));
    figures
}

fn contender(task: &tasks::Task<'_>, outcome: &Outcome, figures: Figures) -> Contender {
    let (note, spared) = match task.who {
        Who::Plan => (Some(of_plan(&task.scenario)), Plan::spared(&task.scenario)),
        _ => (None, 0),
    };
    Contender {
        name: outcome.name.clone(),
        kind: task.who.kind(),
        note,
        spared: spared > 0,
        digest: outcome.digest.to_string(),
        figures,
        expectations: expectations(task, outcome),
        picture: outcome.picture.clone().unwrap_or_else(|| Picture::new(&task.scenario)),
    }
}

/// What came of what is expected of policies: nobody promised that for the others.
fn expectations(task: &tasks::Task<'_>, outcome: &Outcome) -> Vec<Judgement> {
    let of_policy = task.who.kind() == Kind::Policy;
    outcome.verdicts.iter().filter(|_| of_policy).map(Verdict::judgement).collect()
}
