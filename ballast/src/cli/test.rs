//! What can be asked of `ballast test`.

use std::{num::NonZero, path::PathBuf};

use clap::Args;

use super::ReportFormat;

#[derive(Args, Debug)]
pub(crate) struct TestArgs {
    /// Scenario files, or folders of them.
    #[arg(default_value = "scenarios", value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<PathBuf>,
    /// A policy file to hold to what the scenarios expect [default: each scenario's own `policy`].
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Vec<PathBuf>,
    /// Draw everything random from this seed instead of the scenario's.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// So many runs at a time; results do not depend on it [default: as many as there are processors].
    #[arg(long, value_name = "COUNT")]
    pub(crate) jobs: Option<NonZero<usize>>,
    /// How results are printed.
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    pub(crate) format: ReportFormat,
    /// Write results for a CI server, in JUnit's XML.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}
