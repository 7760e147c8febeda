//! What is said of load that something else recorded.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use replay::{
    import::{Format, Kind, TimeFormat, Zone},
    scenario::Gaps,
};

use super::{super::span, service};

#[derive(Args, Debug)]
pub(crate) struct ScenarioImportArgs {
    /// What was recorded, or `-` for standard input.
    #[arg(value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// The service: `project/service`, or `host/project/service`.
    #[arg(long, value_parser = service, value_name = "SERVICE")]
    pub(crate) service: String,
    /// The scenario to write; the series goes beside it, with the ending `.csv`.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Write over files that are there.
    #[arg(long)]
    pub(crate) force: bool,
    /// What it is: csv, prometheus, access-log (Common and Combined), json-lines (nginx, Traefik, Caddy, or named fields),
    /// k6-json, k6-csv, k6-summary or locust [default: what the first bytes say, where they can be nothing else].
    #[arg(long, value_parser = format, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// How long a step is [default: 10s where requests are counted, else the usual distance of rows].
    ///
    /// Rates and gauges are averaged within a step, counts added up.
    #[arg(long, value_parser = span, value_name = "SPAN")]
    pub(crate) every: Option<Duration>,
    /// What a step without a value means: refuse, hold, zero or linear [default: refuse; zero where requests are counted].
    #[arg(long, value_parser = gaps, value_name = "GAPS")]
    pub(crate) gaps: Option<Gaps>,
    /// From this share of failed requests on, a step is marked as censored: demand was at least what was recorded.
    #[arg(long, default_value = "5%", value_parser = percent, value_name = "SHARE")]
    pub(crate) censored_from: f64,
    #[command(flatten)]
    pub(crate) moments: MomentArgs,
    #[command(flatten)]
    pub(crate) values: ValueArgs,
}

/// Where moments are, and how they are written.
#[derive(Args, Debug)]
#[command(next_help_heading = "Moments")]
pub(crate) struct MomentArgs {
    /// The column or field with the moment.
    #[arg(long, value_name = "NAME")]
    pub(crate) time: Option<String>,
    /// How it is written: s, ms, us, ns, rfc3339, or a pattern such as '%d/%b/%Y %H:%M:%S'.
    #[arg(long, value_parser = time_format, value_name = "FORMAT")]
    pub(crate) time_format: Option<TimeFormat>,
    /// The zone of moments that do not say it: UTC, or an offset such as +02:00.
    #[arg(long, value_parser = zone, value_name = "ZONE", allow_hyphen_values = true)]
    pub(crate) zone: Option<Zone>,
}

/// Where values are, and what they are.
#[derive(Args, Debug)]
#[command(next_help_heading = "Values")]
pub(crate) struct ValueArgs {
    /// The column with the value (csv).
    #[arg(long, value_name = "NAME")]
    pub(crate) value: Option<String>,
    /// What the values are: rate, gauge, count (since the row before), or counter (since it began) (csv, prometheus).
    #[arg(long, value_parser = kind, value_name = "KIND")]
    pub(crate) kind: Option<Kind>,
    /// The span that a rate is per, such as 1m.
    #[arg(long, value_parser = span, value_name = "SPAN")]
    pub(crate) per: Option<Duration>,
    /// Only series with this label, such as job=web (prometheus); may be given more than once.
    #[arg(long = "label", value_parser = label, value_name = "NAME=VALUE")]
    pub(crate) labels: Vec<(String, String)>,
    /// Add up several series (prometheus).
    #[arg(long)]
    pub(crate) sum: bool,
    /// The field with the status (json-lines).
    #[arg(long, value_name = "NAME")]
    pub(crate) status: Option<String>,
    /// The field with the response time (json-lines); of an access log `last`, for the last word of each line.
    #[arg(long, value_name = "NAME")]
    pub(crate) latency: Option<String>,
    /// What the response time is measured in: s, ms, us or ns.
    #[arg(long, value_parser = unit, value_name = "UNIT")]
    pub(crate) latency_unit: Option<f64>,
    /// Take the number of users for the load, instead of requests (locust).
    #[arg(long)]
    pub(crate) users: bool,
}

fn one_of<T: Copy>(text: &str, all: &[(&str, T)]) -> Result<T, String> {
    let known = all.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    known.ok_or_else(|| format!("allowed: {}", all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")))
}

fn format(text: &str) -> Result<Format, String> {
    one_of(text, &Format::ALL)
}

fn gaps(text: &str) -> Result<Gaps, String> {
    one_of(text, &[("refuse", Gaps::Refuse), ("hold", Gaps::Hold), ("zero", Gaps::Zero), ("linear", Gaps::Linear)])
}

fn kind(text: &str) -> Result<Kind, String> {
    one_of(text, &[("rate", Kind::Rate), ("gauge", Kind::Gauge), ("count", Kind::Count), ("counter", Kind::Counter)])
}

fn unit(text: &str) -> Result<f64, String> {
    one_of(text, &[("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)])
}

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').and_then(|percent| percent.parse::<f64>().ok());
    let share = percent.map(|percent| percent / 100.0).filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "allowed: 0% to 100%".to_owned())
}

fn time_format(text: &str) -> Result<TimeFormat, String> {
    TimeFormat::parse(text)
        .ok_or_else(|| "allowed: s, ms, us, ns, rfc3339, or a pattern such as '%d/%b/%Y %H:%M:%S'".to_owned())
}

fn zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text).ok_or_else(|| "allowed: UTC, or an offset such as +02:00".to_owned())
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as name=value")?;
    Ok((name.to_owned(), value.trim_matches('"').to_owned()))
}
