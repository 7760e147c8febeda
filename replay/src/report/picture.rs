//! What pictures need of a run, in a memory that does not grow with its length.

use std::time::Duration;

use autoscaler::{Timestamp, time::spoken};
use serde::Serialize;

use crate::{
    scaler::Scaler,
    scenario::{Scenario, What},
    simulation::{Change, Segment, Watch},
};

/// So many spans a picture holds at most. Where a run needs more, each two neighbours become one: a picture has between
/// half as many and so many, which is more than it has dots across.
const MOST_BUCKETS: usize = 720;

/// So many decisions are kept with their reasons; the rest is counted.
const MOST_DECISIONS: usize = 250;

/// The quantile of the response time that is shown where the objective names none.
pub(super) const USUAL_QUANTILE: f64 = 0.95;

/// What pictures need of one run: values over evenly long spans, and the decisions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Picture {
    /// Which quantile of the response time is shown.
    pub quantile: f64,
    /// The first moment.
    #[serde(rename = "begins_ms")]
    pub begins: Timestamp,
    /// How long one bucket is.
    #[serde(rename = "bucket_ms", serialize_with = "as_millis")]
    pub width: Duration,
    /// In order, without gaps.
    pub buckets: Vec<Bucket>,
    /// Decisions that changed the count, the first of them.
    pub decisions: Vec<Decision>,
    /// So many more changed the count later.
    pub decisions_left_out: u64,
}

/// What happened in one span.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Bucket {
    /// Requests offered per second.
    pub offered: Spread,
    /// Requests lost per second.
    pub lost: Spread,
    /// The fewest replicas that keep the objective.
    pub needed: Spread,
    /// Replicas that there shall be.
    pub target: Spread,
    /// Replicas that serve.
    pub ready: Spread,
    /// Replicas that start.
    pub starting: Spread,
    /// Requests that wait or are worked on.
    pub in_flight: Spread,
    /// Response time in seconds, at the picture's quantile; absent where nothing was served.
    pub latency: Option<Spread>,
    /// So much of the span has been seen, in milliseconds.
    #[serde(skip)]
    seen: f64,
    /// So many requests were served.
    #[serde(skip)]
    served: f64,
}

/// The least, the mean over time, and the most.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// The least.
    pub least: f64,
    /// The mean over time; of a response time, over the requests.
    pub mean: f64,
    /// The most.
    pub most: f64,
}

/// A decision that changed the count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// When.
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
    /// Replicas that there were to be.
    pub from: u32,
    /// Replicas that there shall be.
    pub to: u32,
    /// Why.
    pub why: String,
}

/// A fault as a picture shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultSpan {
    /// Since the beginning.
    #[serde(rename = "at_ms", serialize_with = "as_millis")]
    pub at: Duration,
    /// For so long; zero where it is over at once.
    #[serde(rename = "lasts_ms", serialize_with = "as_millis")]
    pub lasts: Duration,
    /// What, in a few words.
    pub what: String,
}

impl Picture {
    /// One that has seen nothing yet.
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            quantile: scenario.objective.latency.map_or(USUAL_QUANTILE, |objective| objective.quantile),
            begins: scenario.begins,
            width: scenario.every.max(Duration::from_millis(1)),
            buckets: Vec::new(),
            decisions: Vec::new(),
            decisions_left_out: 0,
        }
    }

    /// The span of a bucket, since the beginning.
    pub fn span_of(&self, bucket: usize) -> (Duration, Duration) {
        let ordinal = u32::try_from(bucket).unwrap_or(u32::MAX);
        (self.width * ordinal, self.width * ordinal.saturating_add(1))
    }

    /// Which bucket holds this moment; merges buckets until there is one.
    fn bucket_at(&mut self, at: Timestamp) -> usize {
        loop {
            let elapsed = at.since(self.begins).as_millis();
            let ordinal = usize::try_from(elapsed / self.width.as_millis().max(1)).unwrap_or(usize::MAX);
            if ordinal < MOST_BUCKETS {
                if self.buckets.len() <= ordinal {
                    self.buckets.resize_with(ordinal + 1, Bucket::default);
                }
                return ordinal;
            }
            self.halve();
        }
    }

    fn halve(&mut self) {
        let merged = self.buckets.chunks(2).map(|pair| match pair {
            [first, second] => first.merged(second),
            _ => pair[0].clone(),
        });
        self.buckets = merged.collect();
        self.width *= 2;
    }
}

impl Watch for Picture {
    fn segment(&mut self, segment: &Segment) {
        let rates = Rates::of(segment, self.quantile);
        let mut from = segment.from;
        while from < segment.to {
            let ordinal = self.bucket_at(from);
            // A merge moves the end of the bucket, so that it is asked for after the bucket.
            let ends = self.begins.plus(self.span_of(ordinal).1);
            let to = segment.to.min(ends.max(from.plus(Duration::from_millis(1))));
            self.buckets[ordinal].add(&rates, to.since(from));
            from = to;
        }
    }

    fn change(&mut self, change: &Change, _scaler: &dyn Scaler) {
        if change.from == change.to {
            return;
        }
        if self.decisions.len() == MOST_DECISIONS {
            self.decisions_left_out += 1;
            return;
        }
        let Change { at, from, to, .. } = *change;
        self.decisions.push(Decision { at, from, to, why: change.why.clone() });
    }
}

/// What a segment has at each of its moments.
struct Rates {
    offered: f64,
    lost: f64,
    needed: f64,
    target: f64,
    ready: f64,
    starting: f64,
    in_flight: f64,
    latency: f64,
    served_per_milli: f64,
}

impl Rates {
    fn of(segment: &Segment, quantile: f64) -> Self {
        let millis = segment.to.since(segment.from).as_secs_f64() * 1000.0;
        Self {
            offered: segment.offered / millis * 1000.0,
            lost: segment.lost / millis * 1000.0,
            needed: f64::from(segment.needed),
            target: f64::from(segment.target),
            ready: f64::from(segment.ready),
            starting: f64::from(segment.starting),
            in_flight: segment.in_flight,
            latency: segment.latency.quantile(quantile),
            served_per_milli: segment.served / millis,
        }
    }
}

impl Bucket {
    fn add(&mut self, rates: &Rates, span: Duration) {
        let millis = span.as_secs_f64() * 1000.0;
        let weight = |seen: f64| if seen + millis > 0.0 { millis / (seen + millis) } else { 1.0 };
        let (seen, share) = (self.seen, weight(self.seen));
        for (spread, value) in [
            (&mut self.offered, rates.offered),
            (&mut self.lost, rates.lost),
            (&mut self.needed, rates.needed),
            (&mut self.target, rates.target),
            (&mut self.ready, rates.ready),
            (&mut self.starting, rates.starting),
            (&mut self.in_flight, rates.in_flight),
        ] {
            *spread = if seen > 0.0 { spread.merged(Spread::one(value), share) } else { Spread::one(value) };
        }
        let served = rates.served_per_milli * millis;
        if served > 0.0 {
            let one = Spread::one(rates.latency);
            self.latency = Some(match self.latency {
                Some(before) => before.merged(one, served / (self.served + served)),
                None => one,
            });
        }
        self.seen += millis;
        self.served += served;
    }

    /// What happened in this span and the next, taken as one.
    fn merged(&self, next: &Self) -> Self {
        if next.seen <= 0.0 {
            return self.clone();
        }
        let share = next.seen / (self.seen + next.seen);
        let latency = match (self.latency, next.latency) {
            (Some(one), Some(other)) => Some(one.merged(other, next.served / (self.served + next.served))),
            (one, other) => one.or(other),
        };
        Self {
            offered: self.offered.merged(next.offered, share),
            lost: self.lost.merged(next.lost, share),
            needed: self.needed.merged(next.needed, share),
            target: self.target.merged(next.target, share),
            ready: self.ready.merged(next.ready, share),
            starting: self.starting.merged(next.starting, share),
            in_flight: self.in_flight.merged(next.in_flight, share),
            latency,
            seen: self.seen + next.seen,
            served: self.served + next.served,
        }
    }
}

impl Spread {
    /// Of one value.
    pub fn one(value: f64) -> Self {
        Self { least: value, mean: value, most: value }
    }

    /// Both together, where `other` has this share of the weight.
    fn merged(self, other: Self, share: f64) -> Self {
        Self {
            least: self.least.min(other.least),
            mean: self.mean + (other.mean - self.mean) * share,
            most: self.most.max(other.most),
        }
    }
}

impl Serialize for Spread {
    /// As `[least, mean, most]`, or as one number where these are the same, to four digits: it is for looking at.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [least, mean, most] = [self.least, self.mean, self.most].map(four_digits);
        if least.total_cmp(&most).is_eq() {
            return mean.serialize(serializer);
        }
        [least, mean, most].serialize(serializer)
    }
}

/// To four significant digits.
pub(super) fn four_digits(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

pub(super) fn as_millis<S: serde::Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX).serialize(serializer)
}

/// What goes wrong in a scenario, as pictures show it.
pub fn faults(scenario: &Scenario) -> Vec<FaultSpan> {
    let spans =
        scenario.faults.iter().map(|fault| FaultSpan { at: fault.at, lasts: fault.lasts, what: words(&fault.what) });
    spans.collect()
}

fn words(what: &What) -> String {
    match what {
        What::HostLost => "host lost".to_owned(),
        What::AgentSilent => "agent silent".to_owned(),
        What::SamplesLate { by } => format!("samples {} late", spoken(*by)),
        What::SamplesMissing { signals } if signals.is_empty() => "no samples".to_owned(),
        What::SamplesMissing { signals } => format!("no samples of {}", signals.join(", ")),
        What::ControllerRestarted => "controller restarted".to_owned(),
        What::StartsFail => "starts fail".to_owned(),
        What::ComposeUp { replicas } => format!("compose up: {replicas}"),
        What::Deploy { .. } => "deploy".to_owned(),
        What::Neighbour { share } => format!("neighbour takes {:.0} %", share * 100.0),
        What::ReplicasDie { count: 1 } => "a replica dies".to_owned(),
        What::ReplicasDie { count } => format!("{count} replicas die"),
    }
}
