//! `ballast tune`: searches the settings of a policy that cost least and keep what users were promised.

mod knobs;
mod tell;
mod turns;

use std::{num::NonZero, process::ExitCode, sync::Arc, thread, time::Duration};

use anyhow::{Context, anyhow, bail};
use autoscaler::{Policy, policy::Selector, policy_file, text::render};
use replay::{
    Scenario, parallel,
    scaler::PolicyScaler,
    simulation::RunError,
    tune::{Choice, Found, Part, Parts, Search},
};

use self::{knobs::Knob, turns::Turns};
use super::{
    cases::{Asked, cases, warn},
    files::{origin, read},
    replay::progress_bar,
    scenario::{check_free, write},
};
use crate::{cli::TuneArgs, output};

/// Where random numbers of the search come from: the same search gives the same result.
const SEED: u64 = 1;
/// Shorter parts say little of one another.
const SHORTEST_PART: Duration = Duration::from_mins(10);

/// Searches, prints what was found, and writes the policy with it.
pub(super) fn tune(args: &TuneArgs) -> anyhow::Result<ExitCode> {
    if let Some(output) = &args.output {
        check_free(&[output], args.force)?;
    }
    let policies = std::slice::from_ref(&args.policy);
    let Some(cases) = cases(Asked { scenarios: &args.scenarios, policies, seed: None, every: None })? else {
        return Ok(ExitCode::FAILURE);
    };
    warn(&cases);
    let text = read(&args.policy, policy_file::LONGEST_TEXT).with_context(|| origin(&args.policy))?;
    let scenarios: Vec<&Scenario> = cases.iter().map(|case| &case.scenario).collect();
    let chosen = cases.iter().filter_map(|case| case.policies.first()).map(|(_, policy)| policy.services.clone());
    let mut selectors: Vec<Selector> = chosen.collect();
    selectors.dedup();
    let [selector] = selectors.as_slice() else {
        bail!("the scenarios are of services with different policies; tune one policy at a time")
    };
    let file = File { origin: origin(&args.policy), text, selector: selector.clone() };
    let knobs = knobs::of(&file, &args.vary)?;
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN);
    let warning = warning(&file, &knobs, &scenarios)?;
    let bar = progress_bar();
    bar.set_length(args.trials.get() as u64);
    let search = Search { most_late: args.most_late, most_trials: args.trials.get(), seed: SEED };
    let values: Vec<usize> = knobs.iter().map(|knob| knob.values.len()).collect();
    let present = knobs.iter().map(|knob| knob.present).collect();
    let folds = folds(args.folds, &scenarios);
    let mut failed = None;
    let found = search.run(&values, present, |choices| {
        let scores = parallel::map(choices, jobs, &|_, _| {}, |choice| {
            let policy = file.with(&knobs, choice)?;
            Some(parts(&scenarios, &policy, folds))
        });
        bar.inc(choices.len() as u64);
        let kept = scores.into_iter().map(|scores| match scores? {
            Ok(scores) => Some(scores),
            Err(error) => {
                failed.get_or_insert(error);
                None
            }
        });
        kept.collect()
    });
    bar.finish_and_clear();
    if let Some(error) = failed {
        return Err(anyhow!(error));
    }
    let found = found.context("no combination of settings is a policy; look at the values of --vary")?;
    if let Some(output) = &args.output {
        let edited = file.edited(&knobs, &found, &scenarios)?;
        write(output, &edited, args.force)?;
        output::say(&format!("wrote {}", output.display()));
    }
    let told = tell::Told { knobs: &knobs, found: &found, search: &search, warning: warning.as_deref() };
    output::print(&if args.json { told.json()? } else { told.text() })?;
    Ok(ExitCode::SUCCESS)
}

/// As many parts as was asked for; by itself three, where each of them is long enough to judge by.
fn folds(asked: Option<u8>, scenarios: &[&Scenario]) -> NonZero<usize> {
    let shortest = scenarios.iter().map(|scenario| scenario.lasts).min().unwrap_or_default();
    let usual = if shortest >= 3 * SHORTEST_PART { 3 } else { 2 };
    NonZero::new(asked.map_or(usual, usize::from)).unwrap_or(NonZero::<usize>::MIN)
}

/// What came of one policy in each part of the time, summed over scenarios.
fn parts(scenarios: &[&Scenario], policy: &Arc<Policy>, folds: NonZero<usize>) -> Result<Vec<Part>, RunError> {
    let mut parts = Parts::new(folds);
    for scenario in scenarios {
        let mut scaler = PolicyScaler::new("tuned", Arc::clone(policy));
        parts.begin(scenario);
        replay::simulation::run(scenario, &mut scaler, &mut [&mut parts])?;
    }
    Ok(parts.parts())
}

/// That the policy as it is turns back often, and what is behind that.
fn warning(file: &File, knobs: &[Knob], scenarios: &[&Scenario]) -> anyhow::Result<Option<String>> {
    let present: Choice = knobs.iter().map(|knob| knob.present).collect();
    let policy = file.with(knobs, &present).context("the policy file has no policy for the scenarios")?;
    let mut turns = Turns::default();
    for scenario in scenarios {
        turns.begin();
        let mut scaler = PolicyScaler::new("as it is", Arc::clone(&policy));
        replay::simulation::run(scenario, &mut scaler, &mut [&mut turns])?;
    }
    Ok(turns.warning(scenarios.iter().map(|scenario| scenario.lasts).sum(), &knobs::settings(file)?))
}

/// The policy file that is tuned.
struct File {
    origin: String,
    text: String,
    selector: Selector,
}

impl File {
    /// The policy with such settings; `None` where they are none.
    fn with(&self, knobs: &[Knob], choice: &Choice) -> Option<Arc<Policy>> {
        let mut text = self.text.clone();
        for (knob, value) in knobs.iter().zip(choice).filter(|(knob, value)| **value != knob.present) {
            text =
                policy_file::set(&self.origin, &text, &self.selector, &knob.path, &knob.values[*value], None).ok()?;
        }
        let read = policy_file::parse(&self.origin, &text).ok()?;
        read.policies.into_iter().find(|policy| policy.services == self.selector).map(Arc::new)
    }

    /// The text with the best settings, and beside each what it was and what came of the change.
    fn edited(&self, knobs: &[Knob], found: &Found, scenarios: &[&Scenario]) -> anyhow::Result<String> {
        let choice = &found.trials[found.best].choice;
        let (best, before) = (found.trials[found.best].score(), found.trials[0].score());
        let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
        let mut text = self.text.clone();
        for (knob, value) in knobs.iter().zip(choice).filter(|(knob, value)| **value != knob.present) {
            let comment = format!(
                "tuned on {}: was {}; {:.2} instead of {:.2} replica-hours, {:.2} % instead of {:.2} % late",
                names.join(", "),
                knob.values[knob.present],
                best.cost,
                before.cost,
                best.late * 100.0,
                before.late * 100.0
            );
            let value = &knob.values[*value];
            let set = policy_file::set(&self.origin, &text, &self.selector, &knob.path, value, Some(&comment));
            text = set.map_err(|errors| anyhow!("{}", render(&errors)))?;
        }
        Ok(text)
    }
}
