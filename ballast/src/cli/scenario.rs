//! What can be asked about scenarios.

mod draw;
mod import;
mod record;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use replay::scenario::Service;

pub(crate) use draw::ScenarioDrawArgs;
pub(crate) use import::ScenarioImportArgs;
pub(crate) use record::ScenarioRecordArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum ScenarioCommand {
    /// Check scenarios without playing them: every error with its line and column, in the files that they name, too.
    Check(ScenarioCheckArgs),
    /// Write a scenario from a few words: load put together from parts, and a usual service to be edited.
    ///
    /// Parts add up; noise multiplies them all. For example a crowd that comes within half a minute:
    /// `ballast scenario draw --service shop/web --lasts 2h --level 40/s --flash 'at=20m rise=30s by=360/s fade=20m'
    /// --noise 10% -o flash.yaml`
    Draw(Box<ScenarioDrawArgs>),
    /// Make a scenario of load that something else recorded: CSV, Prometheus, access logs, k6, Locust.
    ///
    /// Writes the scenario and a CSV file beside it. Nothing is guessed and nothing left out in silence: what the input
    /// does not say is asked for, and what was left out is counted, for example `ballast scenario import access.log
    /// --service shop/web --every 10s -o shop.yaml`.
    Import(Box<ScenarioImportArgs>),
    /// Make a scenario of what happened to a running service: everything that its controller was told, and what it decided.
    ///
    /// `ballast replay` plays it back to the same decisions, or tells what another policy would have said to the same
    /// signals. With --model also a closed loop, fitted to the recording, in which scaling changes what is measured.
    Record(Box<ScenarioRecordArgs>),
    /// Print the JSON Schema of scenarios, for editors.
    Schema,
}

#[derive(Args, Debug)]
pub(crate) struct ScenarioCheckArgs {
    /// Scenarios, folders of them, or `-` for standard input.
    ///
    /// Of a folder every *.yaml and *.yml is read but *.policy.yaml.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) paths: Vec<PathBuf>,
    /// Print the findings as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// One service, as scenarios name it.
fn service(text: &str) -> Result<String, String> {
    let known = Service::parse(text).map(|_| text.to_owned());
    known.ok_or_else(|| "allowed: project/service or host/project/service, of letters, digits and `_.-`".to_owned())
}
