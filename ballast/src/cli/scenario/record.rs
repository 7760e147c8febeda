//! What can be asked of `ballast scenario record`.

use std::path::PathBuf;

use clap::Args;

use crate::{
    connection::ControllerAddress,
    moment::{self, Moment},
};

#[derive(Args, Debug)]
pub(crate) struct ScenarioRecordArgs {
    /// The service: `[host/]project/service`, or `service` where that is unambiguous.
    pub(crate) service: String,
    /// From then on: how long ago, such as 10m; a time of day in UTC such as 14:05; or a moment such as
    /// 2026-11-21T14:05:00Z. It begins at the snapshot before that.
    #[arg(long, default_value = "10m", value_name = "WHEN", value_parser = moment::parse)]
    pub(crate) from: Moment,
    /// Until then [default: now].
    #[arg(long, value_name = "WHEN", value_parser = moment::parse)]
    pub(crate) until: Option<Moment>,
    /// The file to write, such as `web.yaml`; what was recorded goes into `web.journal.csv` beside it.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Write over files that are there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Fit a model of the service, and write the closed loop into `web.model.yaml`, its load with what was measured into
    /// `web.model.csv`, and the points with their line into `web.model.svg`. It begins at `--from`.
    #[arg(long)]
    pub(crate) model: bool,
    /// The signal of requests per second [default: `requests`, `rps` or the like, where it was recorded].
    #[arg(long, value_name = "SIGNAL")]
    pub(crate) requests: Option<String>,
    /// The signal of the response time in seconds [default: `latency.sum`, the seconds that requests took per second,
    /// over the requests, or one that begins with `latency`].
    #[arg(long, value_name = "SIGNAL")]
    pub(crate) latency: Option<String>,
    /// The signal of requests lost per second [default: `errors`].
    #[arg(long, value_name = "SIGNAL")]
    pub(crate) errors: Option<String>,
    /// The signal of requests that wait or are worked on [default: `in_flight` or the like]. With it, what was asked for is
    /// known while replicas were saturated, too.
    #[arg(long, value_name = "SIGNAL")]
    pub(crate) in_flight: Option<String>,
    #[command(flatten)]
    pub(crate) address: ControllerAddress,
}
