//! The two files: the series, and the scenario that plays it.

use std::fmt::Write as _;

use super::Imported;
use crate::{
    draw::{
        Of,
        page::{self, Page},
    },
    scenario::{Gaps, quoted},
};

impl Imported {
    /// The series as CSV: `timestamp_s` since the beginning, `value`, and `errors`, `latency.mean`, `latency.p95`,
    /// `latency.p99` and `censored` where any step has them. Gaps are empty cells.
    pub fn csv(&self) -> String {
        let errors = self.steps.iter().any(|step| step.errors.is_some());
        let latency = self.steps.iter().any(|step| step.latency.is_some());
        let mut text = "timestamp_s,value".to_owned();
        text.push_str(if errors { ",errors" } else { "" });
        text.push_str(if latency { ",latency.mean,latency.p95,latency.p99" } else { "" });
        text.push_str(if errors { ",censored\n" } else { "\n" });
        let every = self.every.as_millis();
        for (number, step) in (0_u128..).zip(&self.steps) {
            let at = number * every;
            let _ = write!(text, "{}", at / 1000);
            if !at.is_multiple_of(1000) {
                let _ = write!(text, ".{:03}", at % 1000);
            }
            cell(&mut text, step.value);
            if errors {
                cell(&mut text, step.errors);
            }
            if latency {
                for number in 0..3 {
                    cell(&mut text, step.latency.map(|latency| latency[number]));
                }
            }
            text.push_str(match (errors, step.censored) {
                (false, _) => "\n",
                (true, true) => ",1\n",
                (true, false) => ",0\n",
            });
        }
        text
    }

    /// The scenario that plays the series from a file of this name, for `[host/]project/service`. Comments say where it
    /// comes from and what was left out.
    pub fn scenario(&self, service: &str, series: &str) -> String {
        let gaps = match self.gaps {
            Gaps::Refuse | Gaps::Keep => "refuse",
            Gaps::Hold => "hold",
            Gaps::Zero => "zero",
            Gaps::Linear => "linear",
        };
        let lasts = self.every.saturating_mul(u32::try_from(self.steps.len()).unwrap_or(u32::MAX));
        let peak = self.steps.iter().filter_map(|step| step.value).fold(0.0, f64::max);
        let of = if self.users { Of::Users } else { Of::Requests };
        let key = of.key();
        let file = quoted(series);
        let page = Page {
            about: format!("Recorded load, read as {}.", self.format.name()),
            from: format!("imported from {}", self.notes.file),
            comments: self.notes.lines(),
            service: service.to_owned(),
            begins: self.begins,
            lasts,
            every: self.every.min(std::time::Duration::from_secs(1)),
            seed: 1,
            of,
            first: self.steps.iter().find_map(|step| step.value).unwrap_or_default(),
            most: peak,
            load: format!(
                "  {key}:\n    csv: {{ file: {file}, time: timestamp_s, value: value, gaps: {gaps} }}  \
                 # highest value: {}\n",
                page::number(peak)
            ),
        };
        page.text()
    }
}

fn cell(text: &mut String, value: Option<f64>) {
    text.push(',');
    if let Some(value) = value {
        // Six digits are more than any recording is worth, and keep files small.
        let scale = if value == 0.0 { 1.0 } else { 10_f64.powf(5.0 - value.abs().log10().floor()) };
        let rounded = if scale.is_finite() && scale > 0.0 { (value * scale).round() / scale } else { value };
        let _ = write!(text, "{rounded}");
    }
}
