//! `ballast policy diff`.

use std::{path::Path, process::ExitCode};

use crate::{
    cli::DiffArgs,
    commands::files::{origin, read},
    output,
    render::{self, Difference, Whole},
};
use anyhow::Context as _;
use autoscaler::{
    policy_file::{self, Catalog, Resolved, Source},
    text::{Severity, TextErrors},
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
    for (selector, resolved) in catalog.resolve_each() {
        match resolved {
            Ok(resolved) => policies.push((selector.to_string(), resolved)),
            Err(TextErrors(found)) => {
                let news: Vec<_> = found.into_iter().filter(|error| !errors.contains(error)).collect();
                errors.extend(news);
            }
        }
    }
    if errors.is_empty() { Ok(policies) } else { Err(TextErrors(errors).into()) }
}
