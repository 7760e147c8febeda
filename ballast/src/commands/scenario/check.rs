//! `ballast scenario check`.

use std::{path::Path, process::ExitCode};

use autoscaler::{
    journal::{self, What},
    text::{Kind, Severity, TextError},
};
use replay::{
    Scenario,
    scenario::{Play, Signals},
};

use super::{scenario_of, scenarios_in};
use crate::{
    cli::ScenarioCheckArgs,
    commands::{
        files::{origin, unreadable},
        replay::open::why_nothing,
    },
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
            checked.warnings.extend(read.warnings);
            let wrong = wrong_in_journal(file, &read.scenario);
            if wrong.is_empty() {
                checked.right.add(1);
            }
            checked.errors.extend(wrong);
        }
        // A policy that several scenarios name is told once.
        Ok(Err(errors)) => {
            let new: Vec<_> = errors.0.into_iter().filter(|error| !checked.errors.contains(error)).collect();
            checked.errors.extend(new);
        }
        Err(error) => checked.unreadable.push(unreadable(file, &error)),
    }
}

/// What keeps a scenario's journal from being played. Reading a scenario does not look into it, for it may be long.
fn wrong_in_journal(file: &Path, scenario: &Scenario) -> Vec<TextError> {
    let Play::Signals(Signals::Journal { file: name, text }) = &scenario.play else { return Vec::new() };
    let journal = origin(&file.parent().unwrap_or(Path::new("")).join(name));
    let error = |kind, line: usize, message: String, help: Option<String>| TextError {
        severity: Severity::Error,
        kind,
        origin: journal.clone(),
        line,
        column: 1,
        message,
        help,
        excerpt: String::new(),
    };
    match journal::read(text) {
        Err(errors) => {
            errors.0.into_iter().map(|wrong| error(Kind::BadValue, wrong.line, wrong.what, Some(wrong.help))).collect()
        }
        Ok(entries) if entries.iter().any(|entry| matches!(entry.what, What::Began(_))) => Vec::new(),
        Ok(entries) => {
            vec![error(Kind::Missing, 1, format!("nothing can be played: {}", why_nothing(&entries)), None)]
        }
    }
}
