//! A scenario: what happened to a service, or what might. Load or recorded signals, a model of the service, faults, and
//! what is expected of whoever scales it. `docs/scenario.md` is the grammar.

mod expect;
mod fault;
mod grammar;
mod load;
mod read;
mod schema;
mod series;
mod service;
mod walk;
mod write;

use std::{fmt, time::Duration};

use autoscaler::Timestamp;

pub use expect::*;
pub use fault::*;
pub use load::*;
pub use read::{Files, LONGEST_SERIES, LONGEST_TEXT, Read, read};
pub use schema::{schema, tables};
pub use series::*;
pub use service::*;
pub use walk::Walk;
pub(crate) use write::quoted;
pub use write::{series_csv, write};

/// The version of the format.
pub const VERSION: u32 = 1;

/// When a scenario begins that does not say so: Monday, 5 January 2026, 00:00 UTC.
pub const BEGINS: Timestamp = Timestamp::from_millis(1_767_571_200_000);

/// What happens to one service, and what is expected of whoever scales it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name: that of its file, without the ending.
    pub name: String,
    /// What should happen and why, for people.
    pub about: String,
    /// Where it comes from: drawn, or recorded by what, where and when.
    pub from: String,
    /// Which service it is: what a policy has to name.
    pub service: Service,
    /// The wall-clock time of its first moment.
    pub begins: Timestamp,
    /// How long it lasts; above zero.
    pub lasts: Duration,
    /// How often samples are taken; above zero.
    pub every: Duration,
    /// What everything drawn at random comes from.
    pub seed: u64,
    /// How many replicas serve at the start, and the limits of whoever has no policy that gives them.
    pub replicas: Replicas,
    /// The file of the policy that it is judged with, relative to its own.
    pub policy: Option<String>,
    /// What users should feel, and what it costs when they do not.
    pub objective: Objective,
    /// What is played.
    pub play: Play,
    /// What goes wrong, by time.
    pub faults: Vec<Fault>,
    /// What is expected of whoever scales it.
    pub expect: Vec<Expectation>,
}

/// What is played.
#[derive(Clone, Debug, PartialEq)]
pub enum Play {
    /// The closed loop: demand meets a model of the service, so that scaling changes what is measured.
    Load(Box<Load>),
    /// The open loop: what was recorded is played back as it was.
    Signals(Signals),
}

/// What the open loop plays back.
#[derive(Clone, Debug, PartialEq)]
pub enum Signals {
    /// Everything that a controller was told, and the moments at which it decided: the text of a journal.
    Journal {
        /// The file that it is in, relative to the scenario's own.
        file: String,
        /// What is in it.
        text: std::sync::Arc<str>,
    },
    /// Values of single signals, of the service as a whole, whatever the number of replicas.
    Values(Vec<(String, Source)>),
}

/// A Compose service on a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service {
    /// Host; empty: any.
    pub host: String,
    /// Compose project.
    pub project: String,
    /// Compose service.
    pub service: String,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.host.is_empty() {
            write!(f, "{}/", self.host)?;
        }
        write!(f, "{}/{}", self.project, self.service)
    }
}

/// Replicas at the start, and limits for whoever has no policy that gives them. `min <= start <= max`, `max` at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replicas {
    /// So many serve at the start.
    pub start: u32,
    /// No fewer.
    pub min: u32,
    /// No more.
    pub max: u32,
}

/// What users should feel, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// The response time that so large a share of the requests should stay below; absent: it is enough that they are
    /// served, and what is needed is what carries the load.
    pub latency: Option<LatencyObjective>,
    /// So many idle replicas cost as much as one that is missing; above zero.
    pub idle_per_missing: f64,
}

/// A bound on the response time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyObjective {
    /// The share of requests, above 0 and below 1.
    pub quantile: f64,
    /// In seconds, above zero.
    pub below: f64,
}

impl Objective {
    /// One missing replica in idle ones, where nothing else is said.
    pub const IDLE_PER_MISSING: f64 = 10.0;
}

impl Default for Objective {
    fn default() -> Self {
        Self { latency: None, idle_per_missing: Self::IDLE_PER_MISSING }
    }
}

impl Scenario {
    /// Its last moment.
    pub fn ends(&self) -> Timestamp {
        self.begins.plus(self.lasts)
    }

    /// The load, where it is a closed loop.
    pub fn load(&self) -> Option<&Load> {
        match &self.play {
            Play::Load(load) => Some(load),
            Play::Signals(_) => None,
        }
    }
}
