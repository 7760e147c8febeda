//! A recording of a service as a scenario of the closed loop: the journal's events become rows, the rows a model.
//!
//! ```text
//! journal ─▶ rows ─▶ fit ─▶ model of the service + demand over time
//!         ─▶ starts as seen ─┘
//! ```

mod model;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use autoscaler::{
    Event, Timestamp, Verdict,
    event::{Observation, Reading, ReplicaId, Sample, Subject},
    journal::{Entry, What},
    quantity::SignalName,
};

use crate::{
    fit::{self, Fit, Row},
    scenario::Series,
};

/// What is read from a recording, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Reads {
    /// The signal of requests per second; absent: what uses CPU is all that is known of the load.
    pub requests: Option<SignalName>,
    /// The signal of the response time in seconds.
    pub latency: Option<SignalName>,
    /// The signal of the seconds that requests took, per second; over that of requests it is their mean response time, and is
    /// taken rather than `latency`, which may be a quantile of wide buckets.
    pub latency_sum: Option<SignalName>,
    /// The signal of requests lost per second.
    pub errors: Option<SignalName>,
    /// The signal of requests that wait or are worked on.
    pub in_flight: Option<SignalName>,
    /// What was before is left out; absent: nothing is.
    pub since: Option<Timestamp>,
    /// How long a row is; above zero.
    pub span: Duration,
}

/// From this share of its cores on a host is full.
const FULL: f64 = 0.9;
/// No more rows than that; memory grows with them.
const MOST_ROWS: u32 = 1_000_000;
/// Fewer rows may be chance.
const ENOUGH_ROWS: usize = 5;
const LATENCY_SUM: &str = "latency.sum";

impl Reads {
    /// The span of a row that nobody chose.
    pub const SPAN: Duration = Duration::from_secs(5);

    /// Short enough for a line in a recording of some minutes, and no longer than [`SPAN`](Self::SPAN) unless there would be too
    /// many rows.
    fn span(entries: &[Entry]) -> Duration {
        let lasts = match (entries.first(), entries.last()) {
            (Some(first), Some(last)) => last.at.since(first.at),
            _ => Duration::ZERO,
        };
        let usual = Duration::from_secs(lasts.as_secs() / 100).clamp(Duration::from_secs(1), Self::SPAN);
        usual.max(lasts / MOST_ROWS)
    }

    /// What the names of the recorded signals suggest: `requests`, `rps` and the like; `latency…`; `latency.sum`;
    /// `errors`; `in_flight`.
    pub fn guess(entries: &[Entry]) -> Self {
        let named = |fits: &dyn Fn(&str) -> bool| signals(entries).into_iter().find(|name| fits(name.as_str()));
        Self {
            requests: named(&|name| ["requests", "rps", "http_requests", "requests_per_second"].contains(&name)),
            latency: named(&|name| name.starts_with("latency") && name != LATENCY_SUM),
            latency_sum: named(&|name| name == LATENCY_SUM),
            errors: named(&|name| name == "errors"),
            in_flight: named(&|name| ["in_flight", "requests.in_flight", "http_requests_in_flight"].contains(&name)),
            since: None,
            span: Self::span(entries),
        }
    }
}

/// What a recording says about a service and its load.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// The first moment.
    pub from: Timestamp,
    /// The last one.
    pub to: Timestamp,
    /// One for each span.
    pub rows: Vec<Row>,
    /// How long each start took, from the decision until the replica served, in order.
    pub starts: Vec<Duration>,
    /// Replicas that served at the beginning.
    pub ready_at_first: u32,
    /// Cores that a replica may use; absent: those of the host.
    pub cpu_limit: Option<f64>,
    /// Cores of the host.
    pub host_cores: Option<f64>,
    /// Cores that everything else on the host kept busy while the service worked; absent: not measured.
    pub others: Option<f64>,
    /// Whether response times are means, and not quantiles.
    pub means: bool,
    /// Median memory of a replica, in bytes.
    pub memory: Option<f64>,
    /// Bytes that a replica may use.
    pub memory_limit: Option<f64>,
    /// The model, as far as the recording supports one.
    pub fit: Fit,
}

/// Reads a recording; `None` where it has no listing of replicas.
pub fn read(entries: &[Entry], reads: &Reads) -> Option<Recording> {
    let mut reader = Reader::new(reads);
    for entry in entries {
        reader.take(entry);
    }
    reader.finish()
}

impl Recording {
    /// The load over time, one value a row: requests per second where these were measured, and else the cores that
    /// requests kept busy, less what replicas use while they do nothing. Spans without a measurement are gaps.
    pub fn demand(&self, idle_cpu: f64) -> Series {
        let by_requests = self.rows.iter().any(|row| row.requests.is_some());
        let values = self.rows.iter().map(|row| {
            if by_requests {
                return row.requests;
            }
            Some((row.cores? - idle_cpu * f64::from(row.ready)).max(0.0))
        });
        let mut values: Vec<Option<f64>> = values.collect();
        if by_requests && self.counts_answers() {
            self.add_what_waited(&mut values);
        }
        Series { at: self.rows.iter().map(|row| row.at).collect(), values: values.into() }
    }

    /// Whether requests were counted when they were answered, so that what piled up meanwhile is known from those in flight.
    pub fn counts_answers(&self) -> bool {
        self.rows.iter().any(|row| row.in_flight.is_some())
    }

    /// What came is what was answered and what there is more in flight: `offered = served + dq`. Without that, a service that
    /// was saturated seems never to have been asked for more than it could do. What is below zero, as where requests are
    /// counted a little after they are answered, is taken off what comes next, so that the sum stays.
    fn add_what_waited(&self, values: &mut [Option<f64>]) {
        let (mut before, mut owed) = (None, 0.0);
        for (row, value) in self.rows.iter().zip(values) {
            let (Some(rate), Some(now)) = (value.as_mut(), row.in_flight) else { continue };
            let more = before.map_or(0.0, |before: f64| now - before) / row.span.as_secs_f64();
            before = Some(now);
            let asked = *rate + more + owed;
            *rate = asked.max(0.0);
            owed = asked.min(0.0);
        }
    }

    /// Whether what was asked for is at least what was recorded, one value a row: 1 where replicas were saturated or requests
    /// lost, and else 0.
    pub fn censored(&self) -> Series {
        let censored = |row: &Row| self.fit.censored.iter().any(|(from, to)| (*from..*to).contains(&row.at));
        let values = self.rows.iter().map(|row| Some(f64::from(u8::from(censored(row)))));
        Series { at: self.rows.iter().map(|row| row.at).collect(), values: values.collect() }
    }

    /// What was measured, one value a row, for whoever lays it beside what a model says: the replicas that were there, those
    /// that should be, cores that they kept busy, requests answered per second, requests in flight, the response time, and
    /// the cores that everything else on the host kept busy.
    pub fn measured(&self) -> Vec<(&'static str, Series)> {
        let columns: [(&str, Column); 7] = [
            ("measured_replicas", |row| Some(f64::from(row.present))),
            ("measured_target", |row| row.target.map(f64::from)),
            ("measured_cores", |row| row.cores),
            ("measured_requests", |row| row.requests),
            ("measured_in_flight", |row| row.in_flight),
            ("measured_latency", |row| row.latency),
            ("measured_others", |row| row.others),
        ];
        let at: Arc<[Duration]> = self.rows.iter().map(|row| row.at).collect();
        let series =
            |of: fn(&Row) -> Option<f64>| Series { at: Arc::clone(&at), values: self.rows.iter().map(of).collect() };
        columns.into_iter().map(|(name, of)| (name, series(of))).collect()
    }

    /// Whether the demand is in requests per second, and not in cores.
    pub fn knows_requests(&self) -> bool {
        self.rows.iter().any(|row| row.requests.is_some())
    }
}

/// A value of each row.
type Column = fn(&Row) -> Option<f64>;

/// Every signal of a recording, by name.
pub fn signals(entries: &[Entry]) -> Vec<SignalName> {
    let mut names = BTreeSet::new();
    for entry in entries {
        if let What::Event(Event::Samples(samples)) = &entry.what {
            names.extend(samples.iter().map(|sample| sample.signal.clone()));
        }
    }
    names.into_iter().collect()
}

struct Reader<'a> {
    reads: &'a Reads,
    from: Option<Timestamp>,
    to: Timestamp,
    observation: Option<Observation>,
    rows: Vec<Row>,
    open: Open,
    /// When each replica was first seen, and since when it serves, once it does.
    seen: BTreeMap<ReplicaId, bool>,
    /// When the count was last raised.
    raised: Option<Timestamp>,
    target: Option<u32>,
    starts: Vec<Duration>,
    ready_at_first: u32,
    memory: Vec<f64>,
}

/// The span that is being filled.
#[derive(Default)]
struct Open {
    changed: bool,
    requests: Mean,
    latency: Mean,
    latency_sum: Mean,
    errors: Mean,
    /// The newest.
    in_flight: Option<f64>,
    /// Cores busy on the host.
    host_busy: Mean,
    /// By replica.
    cores: BTreeMap<ReplicaId, Mean>,
}

#[derive(Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn get(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

impl<'a> Reader<'a> {
    fn new(reads: &'a Reads) -> Self {
        Self {
            reads,
            from: None,
            to: Timestamp::default(),
            observation: None,
            rows: Vec::new(),
            open: Open::default(),
            seen: BTreeMap::new(),
            raised: None,
            target: None,
            starts: Vec::new(),
            ready_at_first: 0,
            memory: Vec::new(),
        }
    }

    fn take(&mut self, entry: &Entry) {
        let from = *self.from.get_or_insert(entry.at.max(self.reads.since.unwrap_or(entry.at)));
        let before = entry.at < from;
        while entry.at >= from.plus(self.reads.span * (u32::try_from(self.rows.len()).unwrap_or(u32::MAX) + 1)) {
            self.close();
        }
        self.to = entry.at.max(from);
        match &entry.what {
            What::Event(Event::Samples(_)) if before => {}
            What::Began(snapshot) => {
                self.target = snapshot.memory().target().or(self.target);
                if let (None, Some(observation)) = (&self.observation, snapshot.observation()) {
                    self.list(observation.clone(), true, before);
                }
            }
            What::Event(Event::Observed(observation)) => {
                let first = self.observation.is_none();
                self.list(observation.clone(), first, before);
            }
            What::Event(Event::Samples(samples)) => samples.iter().for_each(|sample| self.sample(sample)),
            What::Decided(decided) => {
                if let Verdict::Scale { from, to } = decided.verdict {
                    if to > from {
                        self.raised = Some(entry.at);
                    }
                    self.target = Some(to);
                }
            }
            What::Lost { .. } => self.open.changed = true,
            What::Event(_) | What::Looked { .. } | What::Restarted => {}
        }
    }

    /// Takes in a listing. Replicas of the first one started before anybody looked.
    fn list(&mut self, observation: Observation, first: bool, before: bool) {
        for replica in &observation.replicas {
            let served = self.seen.entry(replica.id.clone()).or_insert(first && replica.ready_since.is_some());
            if let (false, Some(ready)) = (*served, replica.ready_since) {
                *served = true;
                // One that nobody decided for, as after `docker compose up`, began when its process did.
                let began = self.raised.filter(|raised| replica.started.is_none_or(|started| *raised <= started));
                if let Some(began) = began.or(replica.started).filter(|began| *began <= ready && !first) {
                    self.starts.push(ready.since(began));
                }
            }
        }
        let listed = |observation: &Observation| -> Vec<(ReplicaId, bool)> {
            observation.replicas.iter().map(|replica| (replica.id.clone(), replica.ready_since.is_some())).collect()
        };
        if first || before {
            self.ready_at_first = ready(&observation);
        } else if self.observation.as_ref().map(listed) != Some(listed(&observation)) {
            self.open.changed = true;
        }
        if let Some(busy) = observation.host.busy_cores.filter(|_| !before) {
            self.open.host_busy.add(busy);
        }
        self.observation = Some(observation);
    }

    fn sample(&mut self, sample: &Sample) {
        let Reading::Value(value) = sample.reading else { return };
        match &sample.of {
            Subject::Replica(id) if sample.signal.as_str() == SignalName::CPU => {
                self.open.cores.entry(id.clone()).or_default().add(value);
            }
            Subject::Replica(_) if sample.signal.as_str() == SignalName::MEMORY => self.memory.push(value),
            Subject::Replica(_) => {}
            Subject::Service => {
                let is = |name: &Option<SignalName>| name.as_ref() == Some(&sample.signal);
                if is(&self.reads.in_flight) {
                    self.open.in_flight = Some(value);
                }
                for (name, mean) in [
                    (&self.reads.requests, &mut self.open.requests),
                    (&self.reads.latency, &mut self.open.latency),
                    (&self.reads.latency_sum, &mut self.open.latency_sum),
                    (&self.reads.errors, &mut self.open.errors),
                ] {
                    if is(name) {
                        mean.add(value);
                    }
                }
            }
        }
    }

    /// Ends the span that is open.
    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        let number = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let serving = self.observation.iter().flat_map(|observation| &observation.replicas);
        let serving: Vec<_> = serving.filter(|replica| replica.ready_since.is_some()).collect();
        let cores: Vec<Option<f64>> =
            serving.iter().map(|replica| open.cores.get(&replica.id).and_then(|mean| mean.get())).collect();
        let host = self.observation.as_ref().and_then(|observation| observation.host.cores);
        let mean = open.latency_sum.get().zip(open.requests.get()).filter(|(_, requests)| *requests > 0.0);
        let mean = mean.map(|(seconds, requests)| seconds / requests);
        // The sum is known only where all are.
        let cores: Option<Vec<f64>> = cores.into_iter().collect();
        let cores = cores.filter(|cores| !cores.is_empty()).map(|cores| cores.iter().sum());
        let present = self.observation.as_ref().map_or(0, |observation| observation.replicas.len());
        self.rows.push(Row {
            at: self.reads.span * number,
            span: self.reads.span,
            ready: u32::try_from(serving.len()).unwrap_or(u32::MAX),
            changed: open.changed,
            requests: open.requests.get(),
            present: u32::try_from(present).unwrap_or(u32::MAX),
            target: self.target,
            in_flight: open.in_flight,
            others: open.host_busy.get().zip(cores).map(|(busy, own): (f64, f64)| (busy - own).max(0.0)),
            cores,
            limit: serving.iter().filter_map(|replica| replica.cpu_limit_cores).reduce(f64::min).or(host),
            errors: open.errors.get(),
            latency: mean.or(open.latency.get()),
        });
    }

    fn finish(mut self) -> Option<Recording> {
        let from = self.from?;
        let observation = self.observation.take()?;
        self.memory.sort_by(f64::total_cmp);
        let each = || observation.replicas.iter();
        Some(Recording {
            from,
            to: self.to,
            starts: self.starts,
            ready_at_first: self.ready_at_first,
            cpu_limit: each().filter_map(|replica| replica.cpu_limit_cores).reduce(f64::min),
            host_cores: observation.host.cores,
            means: self.reads.latency_sum.is_some(),
            others: others(&self.rows, observation.host.cores),
            memory: self.memory.get(self.memory.len() / 2).copied(),
            memory_limit: each().filter_map(|replica| replica.memory_limit_bytes).reduce(f64::min),
            fit: fit::fit(&self.rows),
            rows: self.rows,
        })
    }
}

/// What others take of the host when the service asks for its share: where the host was full and requests waited, what they
/// had then. Where that was never seen, what they used, weighted by what the service itself did: while it does nothing, they
/// are in nobody's way.
fn others(rows: &[Row], host_cores: Option<f64>) -> Option<f64> {
    let both = || rows.iter().filter_map(|row| Some((row.others?, row.cores?)));
    let contended = rows.iter().filter_map(|row| {
        let others = row.others?;
        let full = others + row.cores? >= FULL * host_cores?;
        (full && row.in_flight? > 2.0 * f64::from(row.ready)).then_some(others)
    });
    let contended: Vec<f64> = contended.collect();
    if contended.len() >= ENOUGH_ROWS {
        return Some(contended.iter().sum::<f64>() / contended.len() as f64);
    }
    let own: f64 = both().map(|(_, own)| own).sum();
    (own > 0.0).then(|| both().map(|(others, own)| others * own).sum::<f64>() / own)
}

fn ready(observation: &Observation) -> u32 {
    u32::try_from(observation.replicas.iter().filter(|replica| replica.ready_since.is_some()).count())
        .unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
