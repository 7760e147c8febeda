//! Results of k6: points as JSON or CSV, and its summary.

use std::io::{BufRead, Read as _};

use serde::Deserialize;
use serde_json::Value;

use super::{
    ImportError, Kind, Notes, Options, moment,
    notes::{each_line, unreadable},
    steps::{Row, Steps},
};

/// The longest summary that is read, in bytes.
const LONGEST: u64 = 16 * 1024 * 1024;

/// A line of `--out json`; what does not describe a point is passed over.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    metric: String,
    data: Data,
}

#[derive(Default, Deserialize)]
struct Data {
    time: Option<String>,
    value: Option<f64>,
    #[serde(default)]
    tags: Option<Tags>,
}

#[derive(Default, Deserialize)]
struct Tags {
    #[serde(default)]
    status: String,
}

/// `--out json`.
pub(super) fn points(input: impl BufRead, options: &Options, notes: &mut Notes) -> Result<Steps, ImportError> {
    let mut points = Points::new(options);
    each_line(input, notes, |notes, number, text| {
        let Ok(line) = serde_json::from_str::<Line>(text) else {
            notes.skip(number, "the line is no JSON of k6");
            return Ok(());
        };
        if line.kind != "Point" {
            notes.skip(number, "the line describes a metric");
            return Ok(());
        }
        let (Some(time), Some(value)) = (line.data.time, line.data.value) else {
            notes.skip(number, "the point has no moment or no value");
            return Ok(());
        };
        let at = moment::parse(&time, options.time_format.as_ref(), options.zone)
            .map_err(|failed| moment::error(&failed, &time, number, options, notes))?;
        let status = line.data.tags.unwrap_or_default().status;
        points.point(&line.metric, at, value, &status, number, notes);
        Ok(())
    })?;
    Ok(points.finish(notes))
}

/// Points of all metrics on their way into steps.
pub(super) struct Points {
    steps: Steps,
    dropped: f64,
}

impl Points {
    pub(super) fn new(options: &Options) -> Self {
        Self { steps: Steps::of_requests(options), dropped: 0.0 }
    }

    pub(super) fn point(&mut self, metric: &str, at: i64, value: f64, status: &str, line: u64, notes: &mut Notes) {
        if !value.is_finite() || value < 0.0 {
            notes.skip(line, "the value is below zero or not finite");
            return;
        }
        notes.used += 1;
        match metric {
            // Status 0 is a request without an answer.
            "http_reqs" => {
                let failed = (!status.is_empty()).then(|| status == "0" || status.starts_with('5'));
                self.steps.count(at, value, failed.map(|failed| if failed { value } else { 0.0 }));
            }
            "http_req_duration" => self.steps.response(at, value / 1000.0),
            // Requests that the load generator could not send in time would have come.
            "dropped_iterations" => {
                self.dropped += value;
                self.steps.failed(at, value);
            }
            _ => {
                notes.used -= 1;
                notes.skip(line, "a metric other than http_reqs, http_req_duration and dropped_iterations");
            }
        }
    }

    pub(super) fn finish(self, notes: &mut Notes) -> Steps {
        if self.dropped > 0.0 {
            notes.say(format!(
                "k6 itself dropped {} iterations, which are among the errors: its load was not all that was asked for",
                self.dropped
            ));
        }
        self.steps
    }
}

/// A summary: one rate for the whole run.
pub(super) fn summary(input: impl BufRead, notes: &mut Notes) -> Result<Steps, ImportError> {
    let mut text = String::new();
    input.take(LONGEST).read_to_string(&mut text).map_err(|error| unreadable(notes, &error))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| {
        let line = u64::try_from(error.line()).unwrap_or_default();
        notes.error_at(line, format!("is no JSON: {error}"), "k6's summary", "choose another format with --format")
    })?;
    let of = |metric: &str, key: &str| {
        let metric = &value["metrics"][metric];
        metric["values"][key].as_f64().or_else(|| metric[key].as_f64())
    };
    let known =
        of("http_reqs", "count").zip(of("http_reqs", "rate")).filter(|(count, rate)| *count > 0.0 && *rate > 0.0);
    let Some((count, rate)) = known else {
        let cure = "a summary has `metrics.http_reqs.count` and `.rate`; --out json has more than a summary";
        return Err(notes.error("has no count and rate of http_reqs", "k6's summary", cure));
    };
    notes.read = 1;
    notes.used = 1;
    notes.say("a summary has no moments: the load is the mean of the whole run, and begins when scenarios begin");
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and the number of steps is looked at")]
    let lasts = (count / rate * 1000.0).clamp(1.0, 1e15) as i64;
    let options = Options { every: Some(std::time::Duration::from_millis(lasts.unsigned_abs())), ..Options::default() };
    let mut steps = Steps::of_rows(Kind::Rate, &options);
    let mean = of("http_req_duration", "avg");
    let p95 = of("http_req_duration", "p(95)");
    let p99 = of("http_req_duration", "p(99)").or(p95);
    let latency = match (mean, p95, p99) {
        (Some(mean), Some(p95), Some(p99)) => Some([mean / 1000.0, p95 / 1000.0, p99 / 1000.0]),
        _ => None,
    };
    let failed = of("http_req_failed", "rate").or_else(|| of("http_req_failed", "value"));
    let at = i64::try_from(crate::scenario::BEGINS.as_millis()).unwrap_or_default();
    let row = Row { at, value: Some(rate), errors: failed.map(|share| share * rate), latency };
    steps.row(row, 1, &options, notes)?;
    steps.settle_as(lasts);
    Ok(steps)
}
