//! `ballast policy`: what can be done with policy files.

mod diff;
mod fmt;
mod show;

use std::{path::Path, process::ExitCode};

use autoscaler::{
    policy_file::{self, Catalog, Source},
    text::Severity,
};

use crate::{
    cli::CheckArgs,
    commands::files::{files_in, origin, read, unreadable},
    output,
    render::{self, Checked, Right},
};

pub(super) use diff::diff;
pub(super) use fmt::fmt;
pub(super) use show::show;

/// Prints the JSON Schema of policy files.
pub(super) fn schema() -> anyhow::Result<ExitCode> {
    output::print(&(serde_json::to_string_pretty(&policy_file::schema())? + "\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Checks files and prints what it found; exit code 1 where something is wrong.
pub(super) fn check(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let mut checked = Checked::of(Right::Policies(0));
    let mut sources = Vec::new();
    for path in &args.paths {
        match files_in(path) {
            Ok(files) => sources.extend(files.iter().filter_map(|file| source(file, &mut checked))),
            Err(error) => checked.unreadable.push(unreadable(path, &error)),
        }
    }
    look_at(sources, &mut checked);
    let text = if args.json {
        serde_json::to_string_pretty(&checked)? + "\n"
    } else {
        render::findings(&checked, output::look())
    };
    output::print(&text)?;
    Ok(if checked.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads a file; what is wrong with it is told with all others.
fn source(file: &Path, checked: &mut Checked) -> Option<Source> {
    checked.files += 1;
    match read(file, policy_file::LONGEST_TEXT) {
        Ok(text) => Some(Source::file(origin(file), text)),
        Err(error) => {
            checked.unreadable.push(unreadable(file, &error));
            None
        }
    }
}

/// Each file for itself, then all of them together, as a controller reads them.
fn look_at(sources: Vec<Source>, checked: &mut Checked) {
    let (catalog, mut findings) = Catalog::read(sources);
    for (_, resolved) in catalog.resolve_each() {
        checked.right.add(usize::from(resolved.is_ok()));
        findings.extend(match resolved {
            Ok(resolved) => resolved.warnings,
            Err(errors) => errors.0,
        });
    }
    for finding in findings {
        let place = match finding.severity {
            Severity::Error => &mut checked.errors,
            Severity::Warning => &mut checked.warnings,
        };
        if !place.contains(&finding) {
            place.push(finding);
        }
    }
}
