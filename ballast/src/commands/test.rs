//! `ballast test`: holds policies to what scenarios expect.

mod junit;
mod open;
mod tell;

use std::{
    fs,
    num::NonZero,
    process::ExitCode,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use autoscaler::Policy;
use replay::{
    Scenario,
    comparison::{self, Case},
    expectations::Verdict,
    parallel,
    scaler::PolicyScaler,
    scenario::{Expected, Play, Signals},
};
use serde::Serialize;

use super::{
    cases::{Asked, cases, warn},
    replay::progress_bar,
};
use crate::{
    cli::{ReportFormat, TestArgs},
    output,
};

/// What came of one scenario under one policy.
#[derive(Debug, Serialize)]
struct Tested {
    scenario: String,
    policy: String,
    /// Of each expectation, in the order of the scenario; none: there is nothing to be held to.
    verdicts: Vec<Verdict>,
    /// Why it could not be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    begins: autoscaler::Timestamp,
    #[serde(skip)]
    took: Duration,
}

impl Tested {
    fn passed(&self) -> bool {
        self.error.is_none() && self.verdicts.iter().all(|verdict| verdict.met)
    }
}

/// Runs every scenario and says which expectations were not met, and by which decision. Fails where one was not.
pub(super) fn test(args: &TestArgs) -> anyhow::Result<ExitCode> {
    let asked = Asked { scenarios: &args.scenarios, policies: &args.policy, seed: args.seed, every: None };
    let Some(cases) = cases(asked)? else { return Ok(ExitCode::FAILURE) };
    warn(&cases);
    let runs = runs(&cases)?;
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN);
    let bar = progress_bar();
    let progress = |done: usize, of: usize| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    };
    let tested = parallel::map(&runs, jobs, &progress, run);
    bar.finish_and_clear();
    if let Some(file) = &args.junit {
        fs::write(file, junit::report(&tested)?).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let text = match args.format {
        ReportFormat::Text => tell::all(&tested, output::look()),
        ReportFormat::Json => serde_json::to_string_pretty(&tested)? + "\n",
    };
    output::print(&text)?;
    Ok(if tested.iter().all(Tested::passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A scenario and who is held to it.
struct Run<'a> {
    scenario: &'a Scenario,
    name: &'a str,
    /// Absent: the one that was recorded.
    policy: Option<Arc<Policy>>,
}

/// Every scenario with each of its policies; a journal brings one along. One without a policy could never fail, and so is
/// refused.
fn runs(cases: &[Case]) -> anyhow::Result<Vec<Run<'_>>> {
    let without: Vec<&str> = cases
        .iter()
        .filter(|case| case.policies.is_empty() && !brings_policy(case))
        .map(|case| case.scenario.name.as_str())
        .collect();
    if !without.is_empty() {
        bail!("no policy is held to: {}; write `policy: FILE` there, or give one with --policy", without.join(", "));
    }
    let runs = cases.iter().flat_map(|case| {
        let scenario = &case.scenario;
        let given =
            case.policies.iter().map(move |(name, policy)| Run { scenario, name, policy: Some(policy.clone()) });
        let recorded = case.policies.is_empty().then_some(Run { scenario, name: "the recorded policy", policy: None });
        given.chain(recorded)
    });
    Ok(runs.collect())
}

fn brings_policy(case: &Case) -> bool {
    matches!(case.scenario.play, Play::Signals(Signals::Journal { .. }))
}

fn run(run: &Run<'_>) -> Tested {
    let begin = Instant::now();
    let scenario = run.scenario;
    let verdicts = match (&scenario.play, &run.policy) {
        (Play::Load(_), Some(policy)) => closed(scenario, run.name, policy),
        (_, policy) => open::judge(scenario, policy.as_deref()),
    };
    let (verdicts, error) = match verdicts {
        Ok(verdicts) => (verdicts, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    Tested {
        scenario: scenario.name.clone(),
        policy: run.name.to_owned(),
        verdicts,
        error,
        begins: scenario.begins,
        took: begin.elapsed(),
    }
}

fn closed(scenario: &Scenario, name: &str, policy: &Arc<Policy>) -> anyhow::Result<Vec<Verdict>> {
    // The plan is only as much work as is worth where somebody asks for it.
    let asked = scenario.expect.iter().any(|expected| expected.what == Expected::Cost);
    let plan = asked.then(|| comparison::clairvoyant_beside(scenario, [policy.as_ref()]).cost());
    let mut scaler = PolicyScaler::new(name, Arc::clone(policy));
    Ok(comparison::run(scenario, &mut scaler, plan, false)?.verdicts)
}
