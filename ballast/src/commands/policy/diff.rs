//! `ballast policy diff`.

use std::{collections::BTreeMap, path::Path, process::ExitCode};

use anyhow::{Context as _, anyhow};
use autoscaler::{
    policy::Selector,
    policy_file::{self, Catalog, Change, PolicyErrors, Resolved, Severity, Source},
};
use serde::Serialize;

use crate::{
    cli::DiffArgs,
    commands::files::{origin, read},
    output,
};

/// What differs for the services of one policy.
#[derive(Debug, Serialize)]
struct Difference {
    /// Which services.
    services: String,
    /// What differs; empty where the policy is only in one of the files.
    changes: Vec<Change>,
    /// Whether the policy was added or removed as a whole.
    whole: Option<Whole>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Whole {
    Added,
    Removed,
}

/// Says in words how two policy files differ.
pub(crate) fn diff(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let (old, new) = (policies(&args.old)?, policies(&args.new)?);
    let mut differences = Vec::new();
    for (services, before) in &old {
        let (changes, whole) = match new.iter().find(|(other, _)| other == services) {
            Some((_, after)) => (policy_file::diff(before, after), None),
            None => (Vec::new(), Some(Whole::Removed)),
        };
        if !changes.is_empty() || whole.is_some() {
            differences.push(Difference { services: services.clone(), changes, whole });
        }
    }
    for (services, _) in new.iter().filter(|(services, _)| !old.iter().any(|(other, _)| other == services)) {
        differences.push(Difference { services: services.clone(), changes: Vec::new(), whole: Some(Whole::Added) });
    }
    let text = if args.json { serde_json::to_string_pretty(&differences)? + "\n" } else { in_words(&differences) };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn in_words(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "nothing differs in what they say\n".to_owned();
    }
    let mut text = String::new();
    for Difference { services, changes, whole } in differences {
        match whole {
            Some(Whole::Added) => text.push_str(&format!("{services}: the whole policy is new\n")),
            Some(Whole::Removed) => text.push_str(&format!("{services}: has no policy any more\n")),
            None => text.push_str(&format!("{services}\n")),
        }
        for change in changes {
            text.push_str(&format!("  {change}\n"));
        }
    }
    text
}

/// What a file says for the services of each of its policies, with its own blocks of defaults.
fn policies(file: &Path) -> anyhow::Result<Vec<(String, Resolved)>> {
    let text = read(file, policy_file::LONGEST_TEXT).with_context(|| origin(file))?;
    let (catalog, findings) = Catalog::read(vec![Source::file(origin(file), text)]);
    let mut errors: Vec<_> = findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
    let mut policies = Vec::new();
    for (selector, _) in catalog.selectors() {
        match example(selector, &catalog) {
            Some(Ok(resolved)) => policies.push((selector.to_string(), resolved)),
            Some(Err(PolicyErrors(found))) => {
                let news: Vec<_> = found.into_iter().filter(|error| !errors.contains(error)).collect();
                errors.extend(news);
            }
            None => {}
        }
    }
    if errors.is_empty() { Ok(policies) } else { Err(anyhow!("{}", PolicyErrors(errors))) }
}

/// What is in force for some service that a policy names.
fn example(selector: &Selector, catalog: &Catalog) -> Option<Result<Resolved, PolicyErrors>> {
    let any = |pattern: &str| pattern.replace('*', "any");
    let host = any(selector.host.as_deref().unwrap_or("any"));
    catalog.resolve(&host, &any(&selector.project), &any(&selector.service), &BTreeMap::new())
}
