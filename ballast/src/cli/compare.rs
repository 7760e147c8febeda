//! What can be asked of `ballast compare`.

use std::{num::NonZero, path::PathBuf};

use clap::Args;
use replay::import::TimeFormat;

#[derive(Args, Debug)]
pub(crate) struct CompareArgs {
    /// A folder of CSV files, each a recording of load.
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    /// The policy file that is judged; its forecast rules are given what a replica carries and what a missing one is worth
    /// [default: a forecast rule and nothing else].
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// So many idle replicas cost as much as one that is missing, 0.01 to 1000.
    #[arg(long, default_value = "10", value_parser = idle_per_missing, value_name = "COUNT")]
    pub(crate) idle_per_missing: f64,
    /// A replica takes so many steps of the recording to start; several are judged one after the other.
    #[arg(long, default_value = "1,3", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(0..=1000), value_name = "STEPS,…")]
    pub(crate) starts: Vec<u32>,
    /// So many replicas carry the highest load (the 99.9th percentile), 1 to 150.
    #[arg(long, default_value = "16", value_parser = peak, value_name = "REPLICAS")]
    pub(crate) peak: f64,
    /// The column with the moment.
    #[arg(long, default_value = "timestamp_s", value_name = "NAME")]
    pub(crate) time: String,
    /// How it is written: s, ms, us, ns, rfc3339, or a pattern such as '%d/%b/%Y %H:%M:%S'.
    #[arg(long, default_value = "s", value_parser = time_format, value_name = "FORMAT")]
    pub(crate) time_format: TimeFormat,
    /// The column with the value.
    #[arg(long, default_value = "value", value_name = "NAME")]
    pub(crate) value: String,
    /// Write everything as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the tables into a page, between `<!-- table: recordings -->` and `<!-- /table -->`; a page that is not there is
    /// made.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// So many runs at a time; results do not depend on it [default: as many as there are processors].
    #[arg(long, value_name = "COUNT")]
    pub(crate) jobs: Option<NonZero<usize>>,
}

fn idle_per_missing(text: &str) -> Result<f64, String> {
    within(text, 0.01, 1000.0)
}

fn peak(text: &str) -> Result<f64, String> {
    within(text, 1.0, 150.0)
}

fn within(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| (least..=most).contains(value));
    value.ok_or_else(|| format!("allowed is {least} to {most}"))
}

fn time_format(text: &str) -> Result<TimeFormat, String> {
    TimeFormat::parse(text)
        .ok_or_else(|| "allowed: s, ms, us, ns, rfc3339, or a pattern such as '%d/%b/%Y %H:%M:%S'".to_owned())
}
