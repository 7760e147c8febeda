//! What can be asked of `ballast tune`.

use std::{num::NonZero, path::PathBuf};

use autoscaler::text::values::percentage;
use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct TuneArgs {
    /// Scenario files, or folders of them.
    #[arg(required = true, value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<PathBuf>,
    /// The policy file whose settings are searched.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// A setting and its values, such as `rules.1.target.per_replica=50%,60%,70%`; paths are those of `ballast policy show`.
    /// Give several [default: goals and bounds of rules, and how long removals are held back].
    #[arg(long, value_name = "PATH=VALUE,…", value_parser = vary)]
    pub(crate) vary: Vec<Vary>,
    /// The share of requests that may be late or lost, such as `1%`.
    #[arg(long, default_value = "1%", value_parser = share, value_name = "SHARE")]
    pub(crate) most_late: f64,
    /// So many parts of each scenario, one after the other, 2 to 20: each is held out in its turn, and settings that the others
    /// choose are judged by it [default: 3, or 2 where a third would be shorter than 10 minutes].
    #[arg(long, value_parser = clap::value_parser!(u8).range(2..=20), value_name = "COUNT")]
    pub(crate) folds: Option<u8>,
    /// Combinations of settings tried at most.
    #[arg(long, default_value = "200", value_name = "COUNT")]
    pub(crate) trials: NonZero<usize>,
    /// So many runs at a time; results do not depend on it [default: as many as there are processors].
    #[arg(long, value_name = "COUNT")]
    pub(crate) jobs: Option<NonZero<usize>>,
    /// Write the policy with the best settings, each with a comment [default: only print what they are].
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print everything that was tried, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A setting and the values that are tried.
#[derive(Clone, Debug)]
pub(crate) struct Vary {
    pub(crate) path: String,
    pub(crate) values: Vec<String>,
}

fn vary(text: &str) -> Result<Vary, String> {
    let example = "such as rules.1.target.per_replica=50%,60%,70%";
    let (path, values) = text.split_once('=').ok_or_else(|| format!("there is no `=`; {example}"))?;
    let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
    if path.is_empty() || values.iter().any(String::is_empty) {
        return Err(format!("a path or a value is missing; {example}"));
    }
    Ok(Vary { path: path.trim().to_owned(), values })
}

fn share(text: &str) -> Result<f64, String> {
    percentage(text)
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "write a percentage from 0% to 100%, such as 1%".to_owned())
}
