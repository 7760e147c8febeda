//! `ballast run`, `ballast agent` and `ballast controller`.

use std::process::ExitCode;

use crate::cli::{AgentArgs, ControllerArgs, RunArgs};

pub(super) async fn run(_args: RunArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built in yet")
}

pub(super) async fn agent(_args: AgentArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built in yet")
}

pub(super) async fn controller(_args: ControllerArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built in yet")
}
