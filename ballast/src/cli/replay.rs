//! What can be asked of `ballast replay`.

use std::{num::NonZero, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::pictures::PictureArgs;

#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// Scenario files, or folders of them.
    #[arg(required = true, value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<PathBuf>,
    /// A policy file to judge; give several to compare them with the first [default: the scenario's own `policy`].
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Vec<PathBuf>,
    /// Known autoscalers to compare with, separated by commas, `all`, or `none`, which is no autoscaler at all. A wrong name
    /// lists them.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub(crate) baseline: Vec<String>,
    /// Leave out the cheapest plan, made by who knows the future.
    #[arg(long)]
    pub(crate) no_plan: bool,
    /// Turn the knob of each contender, for the picture of cost against what users miss.
    #[arg(long)]
    pub(crate) sweep: bool,
    /// Draw everything random from this seed instead of the scenario's.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Judge by so many seeds, from that one on: figures are means over them, pictures the first one's [default: 1].
    #[arg(long, value_name = "COUNT")]
    pub(crate) seeds: Option<NonZero<u32>>,
    /// Take samples so often, instead of as often as the scenario says.
    #[arg(long, value_parser = super::every, value_name = "SPAN")]
    pub(crate) every: Option<Duration>,
    /// So many runs at a time; results do not depend on it [default: as many as there are processors].
    #[arg(long, value_name = "COUNT")]
    pub(crate) jobs: Option<NonZero<usize>>,
    /// How results are printed.
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    pub(crate) format: ReportFormat,
    /// Print every measure, not only those that one looks at first.
    #[arg(long)]
    pub(crate) all: bool,
    /// Write a page with pictures, tables and reasons, which needs nothing beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) pictures: PictureArgs,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    Text,
    Json,
}
