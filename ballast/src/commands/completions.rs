//! `ballast completions`.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{cli::Cli, output};

/// Prints the completion script for `shell`.
pub(super) fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    // Into memory first: the generator itself panics on a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "ballast", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
