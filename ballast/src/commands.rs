//! What each command does: one module for each.

mod cases;
mod compare;
mod completions;
mod decide;
mod explain;
mod files;
mod forecast;
mod parts;
mod pictures;
mod policy;
mod replay;
mod scenario;
mod status;
mod test;
mod tune;

use std::{future::Future, process::ExitCode};

use anyhow::Context;

use crate::cli::{Cli, Command, PolicyCommand, ScenarioCommand};

/// Does what was asked.
pub(crate) fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Run(args) => in_runtime(parts::run(args)),
        Command::Agent(args) => in_runtime(parts::agent(args)),
        Command::Controller(args) => in_runtime(parts::controller(args)),
        Command::Status(args) => in_runtime(status::status(args)),
        Command::Explain(args) => in_runtime(explain::explain(args)),
        Command::Forecast(args) => in_runtime(forecast::forecast(*args)),
        Command::Decide(args) => decide::decide(&args),
        Command::Whatif(args) => in_runtime(explain::whatif(args)),
        Command::Policy(PolicyCommand::Check(args)) => policy::check(&args),
        Command::Policy(PolicyCommand::Show(args)) => in_runtime(policy::show(*args)),
        Command::Policy(PolicyCommand::Diff(args)) => policy::diff(&args),
        Command::Policy(PolicyCommand::Fmt(args)) => policy::fmt(&args),
        Command::Policy(PolicyCommand::Schema) => policy::schema(),
        Command::Compare(args) => compare::compare(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Scenario(ScenarioCommand::Draw(args)) => scenario::draw(&args),
        Command::Scenario(ScenarioCommand::Import(args)) => scenario::import(&args),
        Command::Test(args) => test::test(&args),
        Command::Tune(args) => tune::tune(&args),
        Command::Scenario(ScenarioCommand::Record(args)) => in_runtime(scenario::record(*args)),
        Command::Scenario(ScenarioCommand::Check(args)) => scenario::check(&args),
        Command::Scenario(ScenarioCommand::Schema) => scenario::schema(),
        Command::Completions { shell } => completions::completions(shell),
    }
}

fn in_runtime(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let result = runtime.block_on(work);
    // What still blocks a thread (a file system that hangs) must not keep the process.
    runtime.shutdown_background();
    result
}
