//! `ballast policy`: what can be done with policy files.

mod diff;
mod fmt;
mod show;

use std::{path::Path, process::ExitCode};

use autoscaler::policy_file;

use crate::{
    cli::CheckArgs,
    commands::files::{files_in, origin, read, unreadable},
    output,
    render::{self, Checked},
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
    let mut checked = Checked::default();
    for path in &args.paths {
        match files_in(path) {
            Ok(files) => files.iter().for_each(|file| check_file(file, &mut checked)),
            Err(error) => checked.unreadable.push(unreadable(path, &error)),
        }
    }
    let text = if args.json {
        serde_json::to_string_pretty(&checked)? + "\n"
    } else {
        render::findings(&checked, output::look())
    };
    output::print(&text)?;
    Ok(if checked.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check_file(file: &Path, checked: &mut Checked) {
    checked.files += 1;
    let text = match read(file, policy_file::LONGEST_TEXT) {
        Ok(text) => text,
        Err(error) => return checked.unreadable.push(unreadable(file, &error)),
    };
    match policy_file::parse(&origin(file), &text) {
        Ok(file) => {
            checked.policies += file.policies.len();
            checked.warnings.extend(file.warnings);
        }
        Err(errors) => checked.errors.extend(errors.0),
    }
}
