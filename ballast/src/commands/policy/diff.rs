//! `ballast policy diff`.

use std::{collections::BTreeMap, path::Path, process::ExitCode};

use crate::{
    cli::DiffArgs,
    commands::files::{origin, read},
    output,
    render::{self, Difference, Whole},
};
use anyhow::Context as _;
use autoscaler::{
    policy::Selector,
    policy_file::{self, Catalog, PolicyErrors, Resolved, Severity, Source},
};

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
    let text =
        if args.json { serde_json::to_string_pretty(&differences)? + "\n" } else { render::differences(&differences) };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
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
    if errors.is_empty() { Ok(policies) } else { Err(PolicyErrors(errors).into()) }
}

/// What is in force for some service that a policy names.
fn example(selector: &Selector, catalog: &Catalog) -> Option<Result<Resolved, PolicyErrors>> {
    let any = |pattern: &str| pattern.replace('*', "any");
    let host = any(selector.host.as_deref().unwrap_or("any"));
    catalog.resolve(&host, &any(&selector.project), &any(&selector.service), &BTreeMap::new())
}
