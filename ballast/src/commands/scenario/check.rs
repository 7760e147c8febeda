//! `ballast scenario check`.

use std::{path::Path, process::ExitCode};

use super::{scenario_of, scenarios_in};
use crate::{
    cli::ScenarioCheckArgs,
    commands::files::unreadable,
    output,
    render::{self, Checked, Right},
};

/// Checks scenarios and prints what it found; exit code 1 where something is wrong.
pub(in crate::commands) fn check(args: &ScenarioCheckArgs) -> anyhow::Result<ExitCode> {
    let mut checked = Checked::of(Right::Scenarios(0));
    for path in &args.paths {
        match scenarios_in(path) {
            Ok(files) => files.iter().for_each(|file| look_at(file, &mut checked)),
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

fn look_at(file: &Path, checked: &mut Checked) {
    checked.files += 1;
    match scenario_of(file) {
        Ok(Ok(read)) => {
            checked.right.add(1);
            checked.warnings.extend(read.warnings);
        }
        // A policy that several scenarios name is told once.
        Ok(Err(errors)) => {
            let new: Vec<_> = errors.0.into_iter().filter(|error| !checked.errors.contains(error)).collect();
            checked.errors.extend(new);
        }
        Err(error) => checked.unreadable.push(unreadable(file, &error)),
    }
}
