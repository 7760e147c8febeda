//! A policy, known autoscalers and the clairvoyant plan over a folder of recordings, each of them a closed loop, and the table
//! of what came of it. Nothing is set for a recording but what one replica carries.
//!
//! ```text
//! recording ─▶ scenario (per start-up) ─▶ tasks (who × setting) ─▶ threads ─▶ figures of all and of the second half ─▶ Table
//! ```
//!
//! One step of the recording is the unit of everything: samples come once a step, a replica starts in whole steps, and the
//! literature's autoscalers, which count in steps, look once a step. Load above what the replicas carry, and above as much
//! again that may wait, is lost. What is judged is the cost `J` of [`measures`](crate::measures), divided by the plan's.

mod beaten;
mod bound;
mod markdown;
mod pareto;
mod runs;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod world;

use std::{io::BufRead, num::NonZero, sync::Arc, time::Duration};

use autoscaler::Policy;

use crate::{
    baseline::BaselineError,
    import::{self, ImportError},
    scenario::{Gaps, Series},
    simulation::RunError,
};

pub use beaten::Beaten;
pub use bound::Bound;
pub use markdown::{BEGIN, END, replace};
pub use pareto::{Against, Curve, Point};
pub use runs::{KNOBS, REACTIVE, SWEPT_STEPS, judge};
pub use table::{Figures, Judged, Row, Start, Table};
pub use world::scenario;

/// The policy that is judged where no other is given.
pub const POLICY: &str = include_str!("recordings/forecast.yaml");

/// Load that was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// What it is called.
    pub name: String,
    /// From one value to the next.
    pub step: Duration,
    /// The values, whatever they are counted in.
    pub series: Series,
    /// What a replica carries, in the unit of the values.
    pub capacity: f64,
    /// What was left out in reading it, and why.
    pub notes: Vec<String>,
}

/// What is judged, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the policy is called.
    pub name: String,
    /// The policy; each of its forecast rules is given what a replica carries, and `idle_per_missing`.
    pub policy: Arc<Policy>,
    /// So many idle replicas cost as much as one that is missing.
    pub idle_per_missing: f64,
    /// A replica takes so many steps to start; one table for each. Knobs are turned under the first.
    pub starts: Vec<u32>,
    /// So many runs at a time.
    pub jobs: NonZero<usize>,
}

/// Why recordings cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum RecordingsError {
    /// A file cannot be read.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// It is too short to say anything.
    #[error("{0}: it has {1} steps; at least {FEWEST} are needed, half of them to learn from")]
    Short(String, usize),
    /// No row has a value that can be used.
    #[error("{0}: none of its {1} steps has a value from 0 on: empty and negative ones are gaps")]
    Empty(String, usize),
    /// Nothing ever came.
    #[error("{0}: its values are zero but for one in a thousand: what a replica carries cannot be said")]
    Nothing(String),
    /// It cannot be run.
    #[error("{0}: {1}")]
    Run(String, RunError),
    /// A baseline cannot be made.
    #[error(transparent)]
    Baseline(#[from] BaselineError),
}

/// Fewer steps say nothing.
pub const FEWEST: usize = 20;
/// What a replica carries is this quantile of the values, divided by the peak that is asked for.
const PEAK: f64 = 0.999;

impl Recording {
    /// Reads a CSV file. `options` say how; where they do not, `timestamp_s` in seconds and `value` are read, steps are as long
    /// as rows are usually apart, and a gap is a straight line. About `peak` replicas carry the highest load.
    pub fn read(
        name: &str,
        file: &str,
        input: impl BufRead,
        options: &import::Options,
        peak: f64,
    ) -> Result<Self, RecordingsError> {
        let options = import::Options {
            format: Some(import::Format::Csv),
            time: options.time.clone().or_else(|| Some("timestamp_s".to_owned())),
            value: options.value.clone().or_else(|| Some("value".to_owned())),
            time_format: options.time_format.clone().or(Some(import::TimeFormat::Seconds)),
            kind: options.kind.or(Some(import::Kind::Gauge)),
            gaps: options.gaps.or(Some(Gaps::Linear)),
            ..options.clone()
        };
        let imported = import::read(file, input, &options)?;
        let values: Vec<Option<f64>> = imported.steps.iter().map(|step| step.value).collect();
        if values.len() < FEWEST {
            return Err(RecordingsError::Short(file.to_owned(), values.len()));
        }
        let mut known: Vec<f64> = values.iter().flatten().copied().collect();
        if known.is_empty() {
            return Err(RecordingsError::Empty(file.to_owned(), values.len()));
        }
        known.sort_by(f64::total_cmp);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place within the values")]
        let place = ((known.len() as f64 * PEAK).ceil() as usize).clamp(1, known.len());
        let capacity = known[place - 1] / peak;
        if !(capacity.is_finite() && capacity > 0.0) {
            return Err(RecordingsError::Nothing(file.to_owned()));
        }
        let at: Vec<Duration> =
            (0..u32::try_from(values.len()).unwrap_or(u32::MAX)).map(|k| imported.every * k).collect();
        let series = Series { at: at.into(), values: values.into() };
        let notes = if imported.notes.skipped.is_empty() { Vec::new() } else { imported.notes.lines() };
        Ok(Self { name: name.to_owned(), step: imported.every, series, capacity, notes })
    }

    /// How many steps it has.
    pub fn steps(&self) -> usize {
        self.series.values.len()
    }
}
