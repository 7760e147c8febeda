//! From the series of each replica to one value of the service.

use std::{fmt, time::Duration};

use bus::payload::Read;

use super::{
    MetricProbe,
    history::{Counter, History, Increase},
    quantile::{Histogram, quantile},
    text::{self, Series},
};

/// Replicas named in an error. The rest is counted.
const NAMED: usize = 3;

/// What one replica adds to a probe.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Contribution {
    /// The replica's name.
    pub(super) who: String,
    /// Whether it serves. One that does not serve yet is no loss when it cannot be read.
    pub(super) ready: bool,
    /// What was read of it, or why nothing was.
    pub(super) read: Result<Part, String>,
}

/// What was read of one replica.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    /// It was read, and has no such series: it has not counted anything yet, or the name is wrong.
    Nothing,
    /// What its counters grew by per second, summed.
    Rate(f64),
    /// Its gauges.
    Gauges(Vec<f64>),
    /// What its histograms grew by.
    Histograms(Vec<Histogram>),
}

/// One value of the service.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Combined {
    pub(super) value: Option<f64>,
    pub(super) replicas: u32,
    pub(super) error: Option<String>,
}

/// The series of one scrape that a probe is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Selected {
    Counters(Vec<Counter>),
    Gauges(Vec<f64>),
}

/// Picks the probe's series out of a scrape. A line that cannot be read spoils the scrape if it is about this metric.
pub(super) fn select(probe: &MetricProbe, body: &str) -> Result<Selected, String> {
    let names = names(probe);
    let mut series = Vec::new();
    for line in text::parse(body) {
        match line {
            Ok(found) if names.iter().any(|name| *name == found.name) && carries(&found, probe) => series.push(found),
            Ok(_) => {}
            Err(error) => {
                let text = body.split('\n').nth(error.line - 1).unwrap_or_default();
                if names.iter().any(|name| is_about(text, name)) {
                    return Err(format!("its answer, {error}"));
                }
            }
        }
    }
    // `requests` stands for `requests_total` too, but not for both at once.
    if series.iter().any(|found| found.name == names[0]) {
        series.retain(|found| found.name == names[0]);
    }
    let numbers = series.iter().filter(|found| found.value.is_finite());
    match probe.read {
        Read::Sum | Read::Mean | Read::Max => Ok(Selected::Gauges(numbers.map(|found| found.value).collect())),
        Read::Rate => Ok(Selected::Counters(numbers.map(|found| counter(found, None)).collect())),
        Read::Quantile(_) => numbers.map(bucket).collect::<Result<_, _>>().map(Selected::Counters),
    }
}

/// What a scrape at `at` says together with those before it.
pub(super) fn read(
    probe: &MetricProbe,
    history: &mut History,
    at: Duration,
    selected: Selected,
) -> Result<Part, String> {
    let counters = match selected {
        Selected::Gauges(gauges) if gauges.is_empty() => return Ok(Part::Nothing),
        Selected::Gauges(gauges) => return Ok(Part::Gauges(gauges)),
        Selected::Counters(counters) => counters,
    };
    history.push(at, counters)?;
    if history.is_empty() {
        return Ok(Part::Nothing);
    }
    let first = || "scraped for the first time: its rate is known from the second time on".to_owned();
    if matches!(probe.read, Read::Quantile(_)) {
        let (increases, _) = history.since_first().ok_or_else(first)?;
        return histograms(increases).map(Part::Histograms);
    }
    let (increases, elapsed) = history.since_last().ok_or_else(first)?;
    let increase: f64 = increases.iter().map(|increase| increase.by).sum();
    Ok(Part::Rate(increase / elapsed.as_secs_f64()))
}

/// The service's value. It covers the replicas that were read; the error names the serving ones that were not.
pub(super) fn combine(probe: &MetricProbe, contributions: &[Contribution]) -> Combined {
    let parts: Vec<&Part> = contributions.iter().filter_map(|contribution| contribution.read.as_ref().ok()).collect();
    let value = if contributions.is_empty() {
        Err("no replica runs".to_owned())
    } else if parts.is_empty() {
        Err(String::new())
    } else if parts.iter().all(|part| **part == Part::Nothing) {
        Err(format!("no replica tells {probe}: its name or labels are wrong, or it has counted nothing yet"))
    } else {
        value(probe.read, &parts)
    };
    let missing = missing(contributions, value.is_err());
    let error = [value.as_ref().err().filter(|why| !why.is_empty()).cloned(), missing];
    let error: Vec<String> = error.into_iter().flatten().collect();
    Combined {
        value: value.ok().flatten(),
        replicas: u32::try_from(parts.len()).unwrap_or(u32::MAX),
        error: (!error.is_empty()).then(|| error.join("; ")),
    }
}

/// The value; `None` where it is known that there is none, because no request came within the window.
fn value(read: Read, parts: &[&Part]) -> Result<Option<f64>, String> {
    let gauges = || parts.iter().flat_map(|part| if let Part::Gauges(gauges) = part { gauges.as_slice() } else { &[] });
    let value = match read {
        Read::Rate => parts.iter().map(|part| if let Part::Rate(rate) = part { *rate } else { 0.0 }).sum(),
        Read::Sum => gauges().sum(),
        Read::Mean => gauges().sum::<f64>() / gauges().count() as f64,
        Read::Max => gauges().copied().fold(f64::NEG_INFINITY, f64::max),
        Read::Quantile(q) => {
            let mut histograms = Vec::new();
            for part in parts {
                if let Part::Histograms(of_replica) = part {
                    histograms.extend(of_replica);
                }
            }
            let summed = Histogram::sum(&histograms);
            match quantile(q, &summed)? {
                Some(value) => value,
                None => return Ok(None),
            }
        }
    };
    if value.is_finite() { Ok(Some(value)) } else { Err("its value is not a finite number".to_owned()) }
}

/// Which replicas could not be read. One that does not serve yet is only worth telling where there is no value at all.
fn missing(contributions: &[Contribution], all: bool) -> Option<String> {
    let nobody_read = contributions.iter().all(|contribution| contribution.read.is_err());
    let missing: Vec<_> = contributions
        .iter()
        .filter(|contribution| contribution.ready || (all && nobody_read))
        .filter_map(|contribution| Some((&contribution.who, contribution.read.as_ref().err()?)))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let named: Vec<String> = missing.iter().take(NAMED).map(|(who, why)| format!("{who}: {why}")).collect();
    let more = match missing.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Some(format!("{} of {} replicas not read: {}{more}", missing.len(), contributions.len(), named.join("; ")))
}

/// The names that a probe's series may have; the first is the one meant.
fn names(probe: &MetricProbe) -> Vec<String> {
    let metric = &probe.metric;
    match probe.read {
        Read::Quantile(_) => vec![format!("{}_bucket", metric.strip_suffix("_bucket").unwrap_or(metric))],
        Read::Rate if !metric.ends_with("_total") => vec![metric.clone(), format!("{metric}_total")],
        Read::Rate | Read::Sum | Read::Mean | Read::Max => vec![metric.clone()],
    }
}

/// Whether a line that cannot be read begins with this name, and not with a longer one.
fn is_about(text: &str, name: &str) -> bool {
    let rest = text.trim_start().strip_prefix(name);
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':'))
}

fn carries(series: &Series<'_>, probe: &MetricProbe) -> bool {
    probe.labels.iter().all(|(key, value)| series.labels.iter().any(|(k, v)| k == key && v == value))
}

fn counter(series: &Series<'_>, le: Option<f64>) -> Counter {
    let others = series.labels.iter().filter(|(key, _)| le.is_none() || key != "le");
    let mut labels: Vec<String> = others.map(|(key, value)| format!("{key}={value:?}")).collect();
    labels.push(series.name.clone().into_owned());
    labels.sort();
    Counter { labels: labels.join(","), le, value: series.value }
}

fn bucket(series: &Series<'_>) -> Result<Counter, String> {
    let le = series.labels.iter().find(|(key, _)| key == "le").and_then(|(_, bound)| bound.parse::<f64>().ok());
    let le = le.filter(|bound| !bound.is_nan());
    let le =
        le.ok_or_else(|| format!("its answer, line {}: a bucket needs a label `le` with a number", series.line))?;
    Ok(counter(series, Some(le)))
}

fn histograms(mut increases: Vec<Increase<'_>>) -> Result<Vec<Histogram>, String> {
    increases.sort_by(|a, b| a.labels.cmp(b.labels));
    increases
        .chunk_by(|a, b| a.labels == b.labels)
        .map(|buckets| Histogram::new(buckets.iter().filter_map(|bucket| Some((bucket.le?, bucket.by))).collect()))
        .collect()
}

impl fmt::Display for MetricProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&names(self)[0])?;
        if self.labels.is_empty() {
            return Ok(());
        }
        let labels: Vec<String> = self.labels.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
        write!(f, "{{{}}}", labels.join(","))
    }
}
