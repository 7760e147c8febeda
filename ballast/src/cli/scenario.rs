//! What can be asked about scenarios.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ScenarioCommand {
    /// Check scenarios without playing them: every error with its line and column, in the files that they name, too.
    Check(ScenarioCheckArgs),
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
