//! What the web server says of itself, in Prometheus' text format.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

/// Upper bounds of the histogram's buckets, in seconds: Prometheus' usual ones.
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Counters since the start.
#[derive(Default)]
pub(crate) struct WebMetrics {
    by_code: BTreeMap<u16, u64>,
    /// Not cumulative; the last one counts what is above all bounds.
    buckets: [u64; BOUNDS.len() + 1],
    seconds: f64,
    in_flight: u64,
}

impl WebMetrics {
    /// A request came.
    pub(crate) fn begin(&mut self) {
        self.in_flight += 1;
    }

    /// It was given up: the client went away.
    pub(crate) fn abandon(&mut self) {
        self.in_flight -= 1;
    }

    /// It was answered.
    pub(crate) fn end(&mut self, code: u16, took: Duration) {
        self.in_flight -= 1;
        *self.by_code.entry(code).or_default() += 1;
        let seconds = took.as_secs_f64();
        self.seconds += seconds;
        self.buckets[BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len())] += 1;
    }

    /// As text.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        // writing to a String cannot fail
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "# HELP http_requests_total Requests answered.\n# TYPE http_requests_total counter")?;
        for (code, count) in &self.by_code {
            writeln!(text, "http_requests_total{{code=\"{code}\"}} {count}")?;
        }
        let name = "http_request_duration_seconds";
        writeln!(text, "# HELP {name} From the request's head to its answer.\n# TYPE {name} histogram")?;
        let mut sum = 0;
        for (bound, count) in BOUNDS.iter().zip(&self.buckets) {
            sum += count;
            writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {sum}")?;
        }
        let count = sum + self.buckets[BOUNDS.len()];
        writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {}\n{name}_count {count}", self.seconds)?;
        let name = "http_requests_in_flight";
        writeln!(
            text,
            "# HELP {name} Requests being answered or waiting.\n# TYPE {name} gauge\n{name} {}",
            self.in_flight
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_a_bound_belongs_to_its_bucket() {
        let mut metrics = WebMetrics::default();
        for (code, milliseconds) in [(200, 10), (200, 11), (503, 20_000)] {
            metrics.begin();
            metrics.end(code, Duration::from_millis(milliseconds));
        }
        metrics.begin();
        let text = metrics.render();
        for line in [
            "http_requests_total{code=\"200\"} 2",
            "http_requests_total{code=\"503\"} 1",
            "http_request_duration_seconds_bucket{le=\"0.01\"} 1",
            "http_request_duration_seconds_bucket{le=\"0.025\"} 2",
            "http_request_duration_seconds_bucket{le=\"10\"} 2",
            "http_request_duration_seconds_bucket{le=\"+Inf\"} 3",
            "http_request_duration_seconds_count 3",
            "http_requests_in_flight 1",
        ] {
            assert!(text.lines().any(|found| found == line), "no line {line} in:\n{text}");
        }
    }
}
