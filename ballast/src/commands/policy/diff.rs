//! `ballast policy diff`.

use std::process::ExitCode;

use crate::cli::DiffArgs;

pub(crate) fn diff(_args: &DiffArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not yet")
}
