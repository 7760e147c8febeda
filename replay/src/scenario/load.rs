//! Demand on a service, and how it answers to how the service does.

use std::time::Duration;

use super::{ServiceModel, Source};

/// The closed loop: demand, and the service that meets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// What is demanded.
    pub demand: Demand,
    /// What it is measured in, and whether it waits for answers.
    pub kind: LoadKind,
    /// How requests come within a step.
    pub arrivals: Arrivals,
    /// Of the requests that were lost, this share comes again a moment later, 0 to below 1.
    pub retries: f64,
    /// The service.
    pub service: ServiceModel,
    /// Its host.
    pub host: Host,
    /// The signals that it emits beside `cpu`, `memory` and those of the host: name, and what it measures.
    pub emits: Vec<(String, Measure)>,
}

/// How much, over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// In the unit of [`LoadKind`].
    pub source: Source,
}

/// What demand is measured in, and whether it waits for answers. Schroeder, Wierman, Harchol-Balter: "Open versus closed: a
/// cautionary tale", NSDI 2006.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LoadKind {
    /// Open: requests per second come whatever happens to those before them.
    Requests,
    /// Open: jobs per second, which wait in one queue that all replicas take from.
    Jobs,
    /// Open: work in busy cores. Each request takes as long as [`ServiceModel::takes`] says.
    Cores,
    /// Closed: so many users, each of whom sends the next request only some time after the answer to the last.
    Users {
        /// Mean time between an answer and the next request.
        think: Duration,
    },
    /// Partly open: sessions per second, each of which is a user for some requests.
    Sessions {
        /// Mean time between an answer and the next request.
        think: Duration,
        /// Mean requests of a session; at least 1.
        requests: f64,
    },
}

/// How requests come within a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// As many as the rate says; only the waiting time knows that they are random.
    #[default]
    Even,
    /// A Poisson number of them.
    Poisson,
}

/// What a host has; absent: as much as is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Host {
    /// Cores that all replicas share.
    pub cores: Option<f64>,
    /// Bytes.
    pub memory: Option<f64>,
    /// Cores that everything else keeps busy.
    pub others: f64,
}

impl Host {
    /// Cores that others leave; absent: as many as are needed.
    pub fn left(&self) -> Option<f64> {
        self.cores.map(|cores| (cores - self.others).max(0.0))
    }
}

/// What a signal measures, over the time since the sample before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// Requests offered per second.
    Requests,
    /// Requests served per second.
    Served,
    /// Requests lost per second: turned away, given up, or on a replica that died.
    Errors,
    /// Requests lost, as a share of those offered.
    ErrorShare,
    /// Requests or jobs that wait, at the moment of the sample.
    Waiting,
    /// Requests or jobs that wait or are worked on, at the moment of the sample.
    InFlight,
    /// Mean response time in seconds.
    LatencyMean,
    /// A quantile of the response time in seconds, above 0 and below 1.
    Latency(f64),
    /// The share of what replicas can carry that is used.
    Utilisation,
}

impl Load {
    /// The signals of a load that does not say what it emits.
    pub fn usual_signals() -> Vec<(String, Measure)> {
        [
            ("requests", Measure::Requests),
            ("errors", Measure::Errors),
            ("queue.jobs", Measure::Waiting),
            ("in_flight", Measure::InFlight),
            ("latency.mean", Measure::LatencyMean),
            ("latency.p50", Measure::Latency(0.5)),
            ("latency.p90", Measure::Latency(0.9)),
            ("latency.p95", Measure::Latency(0.95)),
            ("latency.p99", Measure::Latency(0.99)),
        ]
        .map(|(name, measure)| (name.to_owned(), measure))
        .to_vec()
    }
}
