//! `ballast policy fmt`.

use std::{fs, io, path::Path, process::ExitCode};

use anyhow::{Context as _, anyhow};
use autoscaler::policy_file;

use crate::{
    cli::FmtArgs,
    commands::files::{files_in, origin, read},
    output,
};

/// Lays files out in one way. Exit code 1 where one cannot be, or, with `--check`, is not.
pub(crate) fn fmt(args: &FmtArgs) -> anyhow::Result<ExitCode> {
    let mut bad = false;
    for path in &args.paths {
        for file in files_in(path).with_context(|| path.display().to_string())? {
            match one(&file, args.check) {
                Ok(true) => {}
                Ok(false) => bad = true,
                Err(error) => {
                    bad = true;
                    output::say(&format!("{error:#}"));
                }
            }
        }
    }
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Whether the file is, or has been, laid out so.
fn one(file: &Path, check: bool) -> anyhow::Result<bool> {
    let text = read(file, policy_file::LONGEST_TEXT).with_context(|| origin(file))?;
    let laid_out = policy_file::fmt(&origin(file), &text).map_err(|errors| anyhow!("{errors}"))?;
    if file.as_os_str() == "-" && !check {
        output::print(&laid_out)?;
        return Ok(true);
    }
    if laid_out == text {
        return Ok(true);
    }
    if check {
        output::print(&format!("{} is laid out otherwise\n", origin(file)))?;
        return Ok(false);
    }
    replace(file, &laid_out).with_context(|| origin(file))?;
    output::print(&format!("{}\n", origin(file)))?;
    Ok(true)
}

/// Puts a text in the place of a file at once, so that a controller that reads it never sees half of it.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let file = fs::canonicalize(file)?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = file.with_file_name(format!(".{name}.new"));
    fs::write(&beside, text)?;
    fs::set_permissions(&beside, fs::metadata(&file)?.permissions())?;
    fs::rename(&beside, &file)
}
