//! `ballast scenario`: what can be done with scenarios.

mod check;
mod draw;
mod import;
mod record;

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use autoscaler::text::TextErrors;
use replay::scenario::{self, LONGEST_SERIES, LONGEST_TEXT, Read};

use super::files::{files_in, origin, read};
use crate::output;

pub(super) use check::check;
pub(super) use draw::draw;
pub(super) use import::import;
pub(super) use record::record;

/// Prints the JSON Schema of scenarios.
pub(super) fn schema() -> anyhow::Result<ExitCode> {
    output::print(&(serde_json::to_string_pretty(&scenario::schema())? + "\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// The file itself, or the scenarios of the folder: its YAML files but policies, which are called `*.policy.yaml`.
pub(super) fn scenarios_in(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = files_in(path)?;
    if files.first().is_none_or(|file| file != path) {
        let is_policy = |file: &PathBuf| {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.ends_with(".policy.yaml") || name.ends_with(".policy.yml")
        };
        files.retain(|file| !is_policy(file));
        if files.is_empty() {
            return Err(io::Error::other("the folder holds no scenario; name a file, or another folder"));
        }
    }
    Ok(files)
}

/// Reads a scenario and what stands beside it; beside standard input is where the command runs.
pub(super) fn scenario_of(file: &Path) -> io::Result<Result<Read, TextErrors>> {
    let text = read(file, LONGEST_TEXT)?;
    let beside = |name: &str| {
        let path = file.parent().unwrap_or(Path::new("")).join(name);
        read(&path, LONGEST_SERIES).map_err(|error| error.to_string())
    };
    Ok(scenario::read(&origin(file), &text, &beside))
}

/// Fails where any of these files is there, unless writing over it is wanted: better before hours of work than after.
pub(super) fn check_free(files: &[&Path], force: bool) -> anyhow::Result<()> {
    match files.iter().find(|file| !force && file.symlink_metadata().is_ok()) {
        Some(file) => anyhow::bail!("{} is there already; --force writes over it", file.display()),
        None => Ok(()),
    }
}

/// Writes a file, but over none that is there unless that is wanted.
pub(super) fn write(file: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).truncate(true).create(force).create_new(!force);
    let written = options.open(file).and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            anyhow::bail!("{} is there already; --force writes over it", file.display())
        }
        written => written.with_context(|| format!("cannot write {}", file.display())),
    }
}
