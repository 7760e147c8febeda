//! Load that others recorded, as a scenario and a CSV series beside it.
//!
//! ```text
//! CSV · Prometheus · access logs · k6 · Locust ─▶ rows or counted requests ─▶ steps of one length ─▶ CSV + scenario
//! ```
//!
//! Nothing is guessed in silence and nothing is dropped in silence: where the input does not say what an option says, the
//! option is asked for, and [`Notes`] count what was left out and why. Input is read line by line; memory grows with the
//! number of steps, not with the number of lines. Prometheus' answers alone are read as a whole, up to 256 MiB.

mod k6;
mod logs;
mod moment;
mod notes;
mod prometheus;
mod steps;
mod table;
mod write;

use std::{io::BufRead, time::Duration};

use autoscaler::Timestamp;

pub use moment::{TimeFormat, Zone};
pub use notes::{ImportError, Notes, Skipped};
pub use steps::{Kind, Step};

use crate::scenario::Gaps;

/// What the input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines of cells, the first of which names them.
    Csv,
    /// What Prometheus answers to `query_range`: a matrix.
    Prometheus,
    /// An access log in Common or Combined Log Format.
    AccessLog,
    /// An access log with one JSON object on each line: nginx, Traefik, Caddy.
    JsonLines,
    /// k6's `--out json`.
    K6Json,
    /// k6's `--out csv`.
    K6Csv,
    /// k6's `--summary-export`, or what `handleSummary` gets.
    K6Summary,
    /// Locust's `_stats_history.csv`.
    Locust,
}

/// How the input is to be read. What is absent is asked for where the input does not say it.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Absent: what the first bytes say, where these can be nothing else.
    pub format: Option<Format>,
    /// The column or JSON field with the moment.
    pub time: Option<String>,
    /// The column with the value: CSV only.
    pub value: Option<String>,
    /// How moments are written.
    pub time_format: Option<TimeFormat>,
    /// For moments that do not say their zone.
    pub zone: Option<Zone>,
    /// What the values are: CSV and Prometheus.
    pub kind: Option<Kind>,
    /// The span that a rate is per: a value of 120 per minute is 2 per second.
    pub per: Option<Duration>,
    /// How long a step is; absent: 10 s for what is counted, the usual distance of rows for what is not.
    pub every: Option<Duration>,
    /// What a step without a value means; absent: an error, and nothing came where requests are counted.
    pub gaps: Option<Gaps>,
    /// Prometheus: labels that a series must have.
    pub labels: Vec<(String, String)>,
    /// Prometheus: several series are added up.
    pub sum: bool,
    /// Access logs: the field with the status (JSON).
    pub status: Option<String>,
    /// Access logs: the field with the response time (JSON); for lines of text any value says that it is the last word.
    pub latency: Option<String>,
    /// The unit of that response time in seconds: 0.001 for milliseconds.
    pub latency_unit: Option<f64>,
    /// Locust: the number of users is the load, instead of requests.
    pub users: bool,
    /// From this share of failed requests on (0 to 1), the demand of a step is marked as censored.
    pub censored_from: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: None,
            time: None,
            value: None,
            time_format: None,
            zone: None,
            kind: None,
            per: None,
            every: None,
            gaps: None,
            labels: Vec::new(),
            sum: false,
            status: None,
            latency: None,
            latency_unit: None,
            users: false,
            censored_from: 0.05,
        }
    }
}

/// What was read: one value for each step from the first to the last.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// What it was read as.
    pub format: Format,
    /// When the first step begins.
    pub begins: Timestamp,
    /// How long a step is.
    pub every: Duration,
    /// What gaps mean.
    pub gaps: Gaps,
    /// Whether values are users at the same time, instead of requests per second.
    pub users: bool,
    /// One for each step.
    pub steps: Vec<Step>,
    /// What was read, what was not, and what has to be known about it.
    pub notes: Notes,
}

/// Reads recorded load; `file` is its name, for errors.
pub fn read(file: &str, mut input: impl BufRead, options: &Options) -> Result<Imported, ImportError> {
    let mut notes = Notes::new(file);
    let start = notes::first_bytes(file, &mut input)?;
    let seen = sniff(&start);
    let format = match (options.format, seen) {
        (Some(format), _) => format,
        (None, Some(format)) => {
            notes.say(format!("read as {}, by its first bytes", format.name()));
            format
        }
        (None, None) => {
            return Err(notes.error(
                "the first bytes do not say what it is",
                &format!("--format {}", Format::names()),
                "say what it is with --format",
            ));
        }
    };
    let outcome = match format {
        Format::Csv => table::csv(input, options, &mut notes),
        Format::Locust => table::locust(input, options, &mut notes),
        Format::K6Csv => table::k6(input, options, &mut notes),
        Format::Prometheus => prometheus::read(input, options, &mut notes),
        Format::AccessLog => logs::text(input, options, &mut notes),
        Format::JsonLines => logs::json(input, options, &mut notes),
        Format::K6Json => k6::points(input, options, &mut notes),
        Format::K6Summary => k6::summary(input, &mut notes),
    };
    let steps = outcome.and_then(|steps| steps.finish(format, options, notes));
    steps.map_err(|mut error| {
        if let Some(seen) = seen.filter(|seen| *seen != format) {
            error.cure = format!("{}; it looks like --format {}", error.cure, seen.name());
        }
        error
    })
}

impl Format {
    /// All, by the names of the command line.
    pub const ALL: [(&str, Self); 8] = [
        ("csv", Self::Csv),
        ("prometheus", Self::Prometheus),
        ("access-log", Self::AccessLog),
        ("json-lines", Self::JsonLines),
        ("k6-json", Self::K6Json),
        ("k6-csv", Self::K6Csv),
        ("k6-summary", Self::K6Summary),
        ("locust", Self::Locust),
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }

    fn names() -> String {
        Self::ALL.map(|(name, _)| name).join("|")
    }

    /// Whether single requests are counted, so that a step without any had none.
    fn counts(self) -> bool {
        matches!(self, Self::AccessLog | Self::JsonLines | Self::K6Json | Self::K6Csv)
    }
}

/// What these bytes are, where they can be nothing else.
fn sniff(start: &str) -> Option<Format> {
    let line = start.lines().next().unwrap_or_default();
    let has = |words: &[&str]| words.iter().all(|word| start.contains(word));
    if start.trim_start().starts_with('{') {
        return if has(&["\"resultType\""]) {
            Some(Format::Prometheus)
        } else if has(&["\"metric\"", "\"type\"", "\"data\""]) {
            Some(Format::K6Json)
        } else if has(&["\"metrics\"", "{"]) && !line.ends_with('}') {
            Some(Format::K6Summary)
        } else if line.starts_with('{') && line.ends_with('}') {
            Some(Format::JsonLines)
        } else {
            None
        };
    }
    if line.starts_with("metric_name,timestamp,") {
        Some(Format::K6Csv)
    } else if line.contains("User Count") && line.contains("Requests/s") {
        Some(Format::Locust)
    } else if line.contains(" [") && line.contains("] \"") {
        Some(Format::AccessLog)
    } else if line.contains(',') && !line.starts_with('[') {
        Some(Format::Csv)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
