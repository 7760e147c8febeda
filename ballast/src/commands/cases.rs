//! Scenarios and policies as the command line names them.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use autoscaler::{
    Policy, policy_file,
    text::{TextError, render_all},
    time::spoken,
};
use replay::{
    Scenario,
    comparison::{self, Case},
};

use super::{
    files::{origin, read},
    scenario::{scenario_of, scenarios_in},
};
use crate::output;

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// Scenario files, or folders of them.
    pub(super) scenarios: &'a [PathBuf],
    /// Policy files; none: each scenario's own.
    pub(super) policies: &'a [PathBuf],
    /// Another seed than the scenario's.
    pub(super) seed: Option<u64>,
    /// Another span between samples than the scenario's.
    pub(super) every: Option<Duration>,
}

/// The scenarios, each with the policies that are judged on it. All that is wrong is said at once, and then there are none.
pub(super) fn cases(asked: Asked<'_>) -> anyhow::Result<Option<Vec<Case>>> {
    let (mut wrong, mut doubtful) = (Vec::new(), Vec::new());
    let policies = policies(asked.policies, &mut wrong, &mut doubtful)?;
    let mut cases = Vec::new();
    for path in asked.scenarios {
        for file in scenarios_in(path).with_context(|| origin(path))? {
            match scenario_of(&file).with_context(|| origin(&file))? {
                Ok(read) => {
                    doubtful.extend(read.warnings);
                    cases.push((read.scenario, read.policy));
                }
                Err(errors) => wrong.extend(errors.0),
            }
        }
    }
    if !doubtful.is_empty() {
        output::say(render_all(&doubtful).trim_end());
    }
    if !wrong.is_empty() {
        output::say(render_all(&wrong).trim_end());
        return Ok(None);
    }
    let cases: anyhow::Result<Vec<Case>> =
        cases.into_iter().map(|(scenario, own)| case(asked, scenario, own, &policies)).collect();
    Ok(Some(cases?))
}

/// Says what policies read and scenarios do not give.
pub(super) fn warn(cases: &[Case]) {
    for warning in cases.iter().flat_map(comparison::warnings) {
        output::say(&format!("warning: {warning}"));
    }
}

/// A policy file that was read.
struct Read {
    name: String,
    policies: Vec<Arc<Policy>>,
}

fn policies(paths: &[PathBuf], wrong: &mut Vec<TextError>, doubtful: &mut Vec<TextError>) -> anyhow::Result<Vec<Read>> {
    let mut all = Vec::new();
    for path in paths {
        let text = read(path, policy_file::LONGEST_TEXT).with_context(|| origin(path))?;
        match policy_file::parse(&origin(path), &text) {
            Ok(read) => {
                doubtful.extend(read.warnings);
                let policies = read.policies.into_iter().map(Arc::new).collect();
                all.push(Read { name: origin(path), policies });
            }
            Err(errors) => wrong.extend(errors.0),
        }
    }
    Ok(all)
}

fn case(asked: Asked<'_>, mut scenario: Scenario, own: Option<Policy>, policies: &[Read]) -> anyhow::Result<Case> {
    scenario.seed = asked.seed.unwrap_or(scenario.seed);
    scenario.every = asked.every.unwrap_or(scenario.every);
    if scenario.every > scenario.lasts {
        bail!(
            "--every {} is longer than the scenario {} lasts, {}",
            spoken(scenario.every),
            scenario.name,
            spoken(scenario.lasts)
        );
    }
    let own = own.map(|own| (scenario.policy.clone().unwrap_or_default(), Arc::new(own)));
    let judged = if policies.is_empty() {
        own.into_iter().collect()
    } else {
        policies.iter().map(|file| Ok((file.name.clone(), choose(file, &scenario)?))).collect::<anyhow::Result<_>>()?
    };
    Ok(Case { scenario, policies: judged })
}

/// The first policy of a file that names the service of a scenario.
fn choose(file: &Read, scenario: &Scenario) -> anyhow::Result<Arc<Policy>> {
    let service = &scenario.service;
    let names_it = |policy: &&Arc<Policy>| {
        // A scenario without a host is of any.
        let host = if service.host.is_empty() { policy.services.host.as_deref().unwrap_or("") } else { &service.host };
        policy.services.matches(host, &service.project, &service.service)
    };
    let found = file.policies.iter().find(names_it).map(Arc::clone);
    found.with_context(|| {
        let others: Vec<_> = file.policies.iter().map(|policy| format!("`{}`", policy.services)).collect();
        format!(
            "{} is for another service than the scenario {}, which is of `{service}`: it has policies for {}; name the \
             scenario's service there, or the policy's service in the scenario",
            file.name,
            scenario.name,
            others.join(", ")
        )
    })
}
