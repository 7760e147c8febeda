//! A model of a service, fitted to what was recorded of it: what a request costs, how long a replica takes to start.
//!
//! Service demand law (Denning, Buzen 1978): with a throughput of `x` requests per second, a replica keeps `idle + cost x`
//! cores busy. A straight line through the steady, unsaturated seconds of the recording gives both. What the recording
//! cannot tell, the fit says so instead of guessing well-sounding numbers.

use std::time::Duration;

use forecast::Line;

/// What was recorded of one span of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Row {
    /// When it began, since the beginning of the recording.
    pub at: Duration,
    /// How long it is; above zero.
    pub span: Duration,
    /// Replicas that served at its end.
    pub ready: u32,
    /// Those that were there then, those that start included.
    pub present: u32,
    /// How many there should be; absent: nobody has decided yet.
    pub target: Option<u32>,
    /// Whether replicas came, went or started within it.
    pub changed: bool,
    /// Requests per second of the service; absent: not measured.
    pub requests: Option<f64>,
    /// Cores busy by all replicas; absent: not measured.
    pub cores: Option<f64>,
    /// Cores that one replica may use; absent: not known.
    pub limit: Option<f64>,
    /// Requests lost per second; absent: not measured.
    pub errors: Option<f64>,
    /// Requests that waited or were worked on at its end; absent: not measured.
    pub in_flight: Option<f64>,
    /// Cores that everything else on the host kept busy; absent: not measured.
    pub others: Option<f64>,
    /// Response time in seconds that half of the requests stay below, or the mean; absent: not measured.
    pub latency: Option<f64>,
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Core-seconds over requests; absent: the recording cannot say.
    pub cost: Option<Cost>,
    /// Seconds that a request takes where there are the fewest others; absent: response times were not measured.
    pub takes: Option<f64>,
    /// How many others there were then; absent: requests were not measured.
    pub calm: Option<Calm>,
    /// Spans in which replicas were saturated, or requests lost: what was served then is less than what was asked for.
    pub censored: Vec<(Duration, Duration)>,
    /// What cannot be said, or is doubtful, a sentence each.
    pub warnings: Vec<String>,
}

/// The least used spans, by their medians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calm {
    /// Requests per second of one replica.
    pub rate: f64,
    /// Replicas that served.
    pub replicas: u32,
}

/// Core-seconds per request, and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Cores over requests per second, of one replica: slope in core-seconds per request, intercept in cores.
    pub line: Line,
    /// The points that it goes through: requests per second and cores of one replica.
    pub points: Vec<(f64, f64)>,
}

/// A line needs so many points.
pub const FEWEST_ROWS: usize = 30;
/// Between the least and the greatest rate there has to be such a factor.
pub const LEAST_RANGE: f64 = 2.0;
/// Above this share of its limit a replica is not looked at: what it uses no longer follows what it is asked.
pub const HIGHEST_USE: f64 = 0.8;
/// From this share on it is saturated.
pub const SATURATED: f64 = 0.95;
/// Below this a line explains too little to be relied upon.
pub const LEAST_R_SQUARED: f64 = 0.8;
/// Least squares and the median of slopes should be no further apart.
const MOST_APART: f64 = 0.2;

/// Fits a model to the rows of a recording.
pub fn fit(rows: &[Row]) -> Fit {
    let mut warnings = Vec::new();
    let cost = cost(rows, &mut warnings);
    let calm_rows = calm(rows);
    let takes = takes(&calm_rows, &mut warnings);
    let calm = takes.and_then(|_| {
        let rate = median(calm_rows.iter().filter_map(|row| Some(row.requests? / f64::from(row.ready))))?;
        let mut replicas: Vec<u32> = calm_rows.iter().map(|row| row.ready).collect();
        replicas.sort_unstable();
        Some(Calm { rate, replicas: *replicas.get(replicas.len() / 2)? })
    });
    let censored = censored(rows);
    if !censored.is_empty() {
        let all: Duration = censored.iter().map(|(from, to)| to.saturating_sub(*from)).sum();
        warnings.push(format!(
            "for {} the replicas were saturated or requests were lost: what was asked for then is at least what is \
             recorded",
            autoscaler::time::spoken(all)
        ));
    }
    Fit { cost, takes, calm, censored, warnings }
}

/// The line of core-seconds over requests, where the recording supports one.
fn cost(rows: &[Row], warnings: &mut Vec<String>) -> Option<Cost> {
    let measured = rows.iter().filter(|row| row.requests.is_some() && row.cores.is_some()).count();
    if measured == 0 {
        let what = if rows.iter().any(|row| row.cores.is_some()) { "requests" } else { "CPU" };
        warnings.push(format!("{what} were not measured: what a request costs has to be given by hand (`cpu:`)"));
        return None;
    }
    let points: Vec<(f64, f64)> = rows.iter().filter_map(point).collect();
    if points.len() < FEWEST_ROWS {
        warnings.push(format!(
            "only {} of {measured} spans are steady and below {:.0} % of the limit; a line needs {FEWEST_ROWS}: record \
             for longer",
            points.len(),
            HIGHEST_USE * 100.0
        ));
        return None;
    }
    let least = points.iter().map(|(x, _)| *x).fold(f64::INFINITY, f64::min);
    let most = points.iter().map(|(x, _)| *x).fold(0.0, f64::max);
    if most < LEAST_RANGE * least.max(most / 1e6) {
        warnings.push(format!(
            "the load was between {least:.3} and {most:.3} requests per second and replica all the time; a line needs \
             twice as much at its upper end: record more of the day"
        ));
        return None;
    }
    let line = match Line::through(&points) {
        Ok(line) => line,
        Err(error) => {
            warnings.push(format!("no line goes through what was recorded: {error}"));
            return None;
        }
    };
    if line.slope <= 0.0 {
        warnings.push(format!(
            "more requests did not cost more CPU (slope {:.6}): the signal is not what the replicas work on",
            line.slope
        ));
        return None;
    }
    doubts(&line, warnings);
    Some(Cost { line, points })
}

/// What is doubtful about a line.
fn doubts(line: &Line, warnings: &mut Vec<String>) {
    if line.r_squared < LEAST_R_SQUARED {
        warnings.push(format!(
            "the line explains {:.0} % of what CPU did (R² {:.2}): something else keeps the replicas busy, too",
            line.r_squared * 100.0,
            line.r_squared
        ));
    }
    if (line.median_slope / line.slope - 1.0).abs() > MOST_APART {
        warnings.push(format!(
            "least squares say {:.2} ms a request and the median of slopes says {:.2} ms: a few spans pull the line",
            line.slope * 1000.0,
            line.median_slope * 1000.0
        ));
    }
    if line.intercept < 0.0 {
        let idle = "a replica that does nothing cannot use less than nothing";
        warnings.push(format!("the line crosses zero requests at {:.3} cores: {idle}, 0 is taken", line.intercept));
    }
}

/// A steady, unsaturated span as requests per second and cores of one replica.
fn point(row: &Row) -> Option<(f64, f64)> {
    let (requests, cores) = (row.requests?, row.cores?);
    let ready = f64::from(row.ready);
    let below = row.limit.is_none_or(|limit| cores / ready < HIGHEST_USE * limit);
    let clean = row.errors.is_none_or(|errors| errors <= 0.0);
    (row.ready > 0 && !row.changed && below && clean).then(|| (requests / ready, cores / ready))
}

/// The least used tenth of the steady spans with a response time.
fn calm(rows: &[Row]) -> Vec<&Row> {
    let steady = rows.iter().filter(|row| row.ready > 0 && !row.changed && row.latency.is_some());
    let mut calm: Vec<(f64, &Row)> = steady
        .filter_map(|row| Some((row.requests.or(row.cores)? / f64::from(row.ready), row)))
        .filter(|(busy, _)| *busy > 0.0)
        .collect();
    calm.sort_by(|one, other| one.0.total_cmp(&other.0));
    calm.truncate((calm.len() / 10).max(1));
    calm.into_iter().map(|(_, row)| row).collect()
}

/// The response time where there is the least waiting.
fn takes(calm: &[&Row], warnings: &mut Vec<String>) -> Option<f64> {
    if calm.is_empty() {
        warnings.push("response times were not measured: a request is taken to last as long as its CPU".to_owned());
        return None;
    }
    median(calm.iter().filter_map(|row| row.latency)).filter(|latency| *latency > 0.0)
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Spans that are saturated, neighbouring ones as one.
fn censored(rows: &[Row]) -> Vec<(Duration, Duration)> {
    let mut spans: Vec<(Duration, Duration)> = Vec::new();
    for row in rows.iter().filter(|row| is_saturated(row)) {
        let end = row.at + row.span;
        match spans.last_mut() {
            Some((_, to)) if *to >= row.at => *to = end,
            _ => spans.push((row.at, end)),
        }
    }
    spans
}

/// Whether replicas did all that they can, or requests were lost.
pub(crate) fn is_saturated(row: &Row) -> bool {
    let full = match (row.cores, row.limit) {
        (Some(cores), Some(limit)) if row.ready > 0 => cores / f64::from(row.ready) >= SATURATED * limit,
        _ => false,
    };
    full || row.errors.is_some_and(|errors| errors > 0.0)
}

#[cfg(test)]
mod tests;
