//! `ballast decide`: what a policy decides in a state that somebody wrote down.

mod answer;

use std::{path::Path, process::ExitCode};

use anyhow::{Context, bail};
use autoscaler::{
    Policy, policy_file,
    state::{self, State},
    text::{TextError, render_all},
};
use clap::{CommandFactory, error::ErrorKind};

use self::answer::Answer;
use super::files::{files_in, origin, read};
use crate::{
    cli::{Cli, DecideArgs, DecisionFormat},
    output,
};

/// Prints one decision for each state.
pub(super) fn decide(args: &DecideArgs) -> anyhow::Result<ExitCode> {
    let of_input = |path: &&std::path::PathBuf| path.as_os_str() == "-";
    if args.policy.iter().chain([&args.state]).filter(of_input).count() > 1 {
        let message = "only one of policy and state can be `-`: there is one standard input";
        Cli::command().error(ErrorKind::ArgumentConflict, message).exit();
    }
    let mut wrong = Vec::new();
    let policies = policies(&args.policy, &mut wrong)?;
    let (states, is_list) = states(&args.state, &mut wrong)?;
    if !wrong.is_empty() {
        output::say(render_all(&wrong).trim_end());
        return Ok(ExitCode::FAILURE);
    }
    let service = args.service.as_deref().or_else(|| states.iter().find_map(|state| state.service.as_deref()));
    let policy = choose(&policies, service)?;
    let named = service.map_or_else(|| policy.services.to_string(), ToOwned::to_owned);
    let evaluations = state::evaluate_all(policy, &states);
    let answers: Vec<_> = evaluations.iter().map(|evaluation| Answer::new(&named, evaluation)).collect();
    let text = match (args.format, answers.as_slice()) {
        (DecisionFormat::Text, answers) => answers.iter().map(Answer::text).collect::<Vec<_>>().join("\n"),
        (DecisionFormat::Json, [one]) if !is_list => serde_json::to_string_pretty(one)? + "\n",
        (DecisionFormat::Json, answers) => serde_json::to_string_pretty(answers)? + "\n",
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Every policy of the files. Warnings are said; errors go to `wrong`.
fn policies(paths: &[std::path::PathBuf], wrong: &mut Vec<TextError>) -> anyhow::Result<Vec<Policy>> {
    let mut policies = Vec::new();
    for path in paths {
        let files = files_in(path).with_context(|| origin(path))?;
        for file in files {
            let text = read(&file, policy_file::LONGEST_TEXT).with_context(|| origin(&file))?;
            match policy_file::parse(&origin(&file), &text) {
                Ok(read) => {
                    if !read.warnings.is_empty() {
                        output::say(render_all(&read.warnings).trim_end());
                    }
                    policies.extend(read.policies);
                }
                Err(errors) => wrong.extend(errors.0),
            }
        }
    }
    Ok(policies)
}

/// The states of the file, and whether it is a list of such.
fn states(path: &Path, wrong: &mut Vec<TextError>) -> anyhow::Result<(Vec<State>, bool)> {
    let text = read(path, state::LONGEST_TEXT).with_context(|| origin(path))?;
    match state::read(&origin(path), &text) {
        Ok(states) => {
            let is_list = states.len() > 1 || text.trim_start().starts_with(['[', '-']);
            Ok((states, is_list))
        }
        Err(errors) => {
            wrong.extend(errors.0);
            Ok((Vec::new(), false))
        }
    }
}

/// The first policy that names the service; without a name, the only policy that there is.
fn choose<'p>(policies: &'p [Policy], service: Option<&str>) -> anyhow::Result<&'p Policy> {
    let names = || policies.iter().map(|policy| policy.services.to_string()).collect::<Vec<_>>().join(", ");
    let Some(name) = service else {
        let [only] = policies else {
            bail!("there are {} policies ({}); name the service with --service", policies.len(), names())
        };
        return Ok(only);
    };
    let parts: Vec<&str> = name.split('/').collect();
    let found = policies.iter().find(|policy| match parts.as_slice() {
        // Without a host, that of the policy does not matter; without a project, neither does that.
        [service] => policy.services.service == *service,
        [project, service] => {
            let anywhere = autoscaler::policy::Selector { host: None, ..policy.services.clone() };
            anywhere.matches("", project, service)
        }
        [host, project, service] => policy.services.matches(host, project, service),
        _ => false,
    });
    found.with_context(|| format!("no policy names {name}; there are: {}", names()))
}
