//! What can be asked of `ballast forecast`.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args};

use super::pictures::PictureArgs;
use crate::connection::ControllerAddress;

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("of").required(true))]
pub(crate) struct ForecastArgs {
    /// The service: `[host/]project/service`, or `service` where that is unambiguous.
    #[arg(group = "of")]
    pub(crate) service: Option<String>,
    /// Ask no controller, but play this scenario.
    #[arg(long, group = "of", value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// Let this policy scale in the scenario, and tell what its forecast rule knows [default: forecast the demand itself].
    #[arg(long, requires = "scenario", value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// As it is so long after the scenario's beginning, such as `3d` [default: its end].
    #[arg(long, requires = "scenario", value_parser = super::span, value_name = "SPAN")]
    pub(crate) at: Option<Duration>,
    /// Which forecast rule, by its place in the policy, from 1; with --scenario it takes --policy [default: the first].
    #[arg(long, value_name = "PLACE")]
    pub(crate) rule: Option<u32>,
    /// How far ahead to plan; no farther than history reaches back.
    #[arg(long, default_value = "24h", value_parser = super::span, value_name = "SPAN")]
    pub(crate) ahead: Duration,
    /// Print everything as JSON; docs/forecasting.md names the fields.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a page with pictures and tables, which needs nothing beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) pictures: PictureArgs,
    #[command(flatten)]
    pub(crate) address: ControllerAddress,
}
