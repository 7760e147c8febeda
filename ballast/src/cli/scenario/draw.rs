//! What is said of a scenario that is drawn.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use replay::draw::Of;

use super::{
    super::{every, span},
    service,
};

#[derive(Args, Debug)]
pub(crate) struct ScenarioDrawArgs {
    /// The service: `project/service`, or `host/project/service`.
    #[arg(long, default_value = "shop/web", value_parser = service, value_name = "SERVICE")]
    pub(crate) service: String,
    /// How long it lasts.
    #[arg(long, default_value = "1h", value_parser = span, value_name = "SPAN")]
    pub(crate) lasts: Duration,
    /// Where it begins, in UTC: matters to `--daily` and to policies with a schedule [default: 2026-01-05T00:00:00Z, a Monday].
    #[arg(long, value_parser = moment, value_name = "MOMENT")]
    pub(crate) begins: Option<autoscaler::Timestamp>,
    /// How often samples are taken.
    #[arg(long, default_value = "1s", value_parser = every, value_name = "SPAN")]
    pub(crate) every: Duration,
    /// What everything random comes from.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub(crate) seed: u64,
    /// What the load is measured in: `requests` or `jobs` (per second), `cores` that are busy, or `users` at the same time.
    #[arg(long, default_value = "requests", value_parser = of, value_name = "UNIT")]
    pub(crate) of: Of,
    /// Write to this file; without it, to standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Show a chart of the load instead; with `-o`, beside writing the file.
    #[arg(long)]
    pub(crate) show: bool,
    #[command(flatten)]
    pub(crate) parts: PartArgs,
}

/// Parts, each as often as wanted.
#[derive(Args, Debug)]
#[command(next_help_heading = "Parts of the load, each as often as wanted")]
pub(crate) struct PartArgs {
    /// Always so much: `40/s`.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) level: Vec<String>,
    /// Swings: `amplitude=10/s period=1h phase=0s`.
    #[arg(long, value_name = "PART")]
    pub(crate) sine: Vec<String>,
    /// So much more from a moment on: `at=10m by=100/s for=5m`.
    #[arg(long, value_name = "PART")]
    pub(crate) step: Vec<String>,
    /// Rises evenly and stays: `from=10m over=5m by=200/s`.
    #[arg(long, value_name = "PART")]
    pub(crate) ramp: Vec<String>,
    /// Many come at once and go slowly: `at=20m rise=30s by=360/s fade=20m`.
    #[arg(long, value_name = "PART")]
    pub(crate) flash: Vec<String>,
    /// Days, nights and weekends: `peak=100/s night=20% at=15h weekend=40%`.
    #[arg(long, value_name = "PART")]
    pub(crate) daily: Vec<String>,
    /// Bursts at random moments: `low=0/s high=200/s every=5m for=20s`.
    #[arg(long, value_name = "PART")]
    pub(crate) bursts: Vec<String>,
    /// Rises evenly, falls back at once: `amplitude=50/s period=10m`.
    #[arg(long, value_name = "PART")]
    pub(crate) sawtooth: Vec<String>,
    /// There for a while, away for a while: `level=100/s on=5m off=10m`.
    #[arg(long, value_name = "PART")]
    pub(crate) on_off: Vec<String>,
    /// Multiplies everything by 1 and a normal error: `10%`, or `spread=10% every=10s`.
    #[arg(long, value_name = "PART")]
    pub(crate) noise: Vec<String>,
}

impl PartArgs {
    /// Kind and words of each.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let kinds = [
            ("level", &self.level),
            ("sine", &self.sine),
            ("step", &self.step),
            ("ramp", &self.ramp),
            ("flash", &self.flash),
            ("daily", &self.daily),
            ("bursts", &self.bursts),
            ("sawtooth", &self.sawtooth),
            ("on_off", &self.on_off),
            ("noise", &self.noise),
        ];
        kinds.into_iter().flat_map(|(kind, parts)| parts.iter().map(move |words| (kind, words.as_str())))
    }
}

fn of(text: &str) -> Result<Of, String> {
    let known = Of::ALL.iter().find(|(name, _)| *name == text);
    known.map(|(_, of)| *of).ok_or_else(|| format!("allowed: {}", Of::ALL.map(|(name, _)| name).join(", ")))
}

fn moment(text: &str) -> Result<autoscaler::Timestamp, String> {
    let since = humantime::parse_rfc3339_weak(text)
        .ok()
        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok())
        .and_then(|since| u64::try_from(since.as_millis()).ok());
    since.map(autoscaler::Timestamp::from_millis).ok_or_else(|| "write it as 2026-01-05T08:00:00Z, in UTC".to_owned())
}
