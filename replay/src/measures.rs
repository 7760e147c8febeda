//! What a run was like: how well supply followed demand, what users felt, and what it cost.
//!
//! Every integral is taken over the [`Segment`]s of a run, in which all rates are constant, and so is exact: nothing is
//! sampled. Only quantiles of the response time are read from a [`Sketch`], whose error is stated there. Memory does not grow
//! with the length of a run.
//!
//! Symbols: `D(t)` demand ([`Segment::needed`]), `S(t)` supply ([`Segment::ready`]), `B(t)` replicas that start, `T` the
//! length of the run. A minute is one of the run: the first begins with it, and the last may be shorter.
//!
//! Sources:
//! - *Herbst*: BUNGEE, the tool of Herbst et al. (`NikolasHerbst/BUNGEE`: `AbstractAreaDuration.java`,
//!   `UnderprovisionAccuracy.java`, `Jitter.java`).
//! - *Imdoukh*: Imdoukh, Ahmad, Alfailakawi: "Machine learning-based auto-scaling for containerized applications", Neural
//!   Computing and Applications, 2019, equations 12 to 16.
//! - *Ilyushkin*: Ilyushkin et al.: "An experimental performance evaluation of autoscaling policies for complex workflows",
//!   ICPE 2017.
//! - *`OptScaler`*: arXiv 2311.12864, section 5.4.2.

mod cost;
mod elasticity;
mod minutes;
mod recovery;
mod sketch;
#[cfg(test)]
mod tests;

use std::time::Duration;

use autoscaler::Timestamp;
use serde::{Deserialize, Serialize};

pub use cost::{Cost, Turns};
pub use elasticity::Elasticity;
pub use recovery::Recovery;
pub use sketch::Sketch;

use crate::{
    Scaler, Scenario,
    simulation::{Change, Segment, Watch},
};

/// What a run was like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// How long it lasted, in seconds.
    pub lasts: f64,
    /// How well supply followed demand.
    pub elasticity: Elasticity,
    /// What users felt.
    pub users: Users,
    /// What it cost.
    pub cost: Cost,
}

/// What users felt. Shares are 0 to 1; `None` where there was nothing that it could be a share of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Users {
    /// Requests offered, retries included.
    pub offered: f64,
    /// Requests served.
    pub served: f64,
    /// Requests lost: turned away, given up, or on a replica that died.
    pub lost: f64,
    /// The SLO violation ratio: `(slow + lost) / (served + lost)`, where slow is slower than the objective. Without an
    /// objective on the response time only what was lost counts.
    pub late: Option<f64>,
    /// The compliance gap: `|late - (1 - quantile)|`, the distance of the violations to the share of them that the objective
    /// leaves. Neither side is good: above it users wait, below it somebody pays for more than was promised. (BACC, arXiv
    /// 2606.20575, table 4, has the same of minutes.)
    pub compliance_gap: Option<f64>,
    /// The drop ratio: `lost / offered`.
    pub dropped: Option<f64>,
    /// `S_vr` (`OptScaler`), as a share of all minutes: those in which the objective's quantile of the response time was above
    /// the objective, where a request that was lost took for ever. Exact: that is so where more than `1 - quantile` of the
    /// minute's requests were slower or lost.
    pub bad_minutes: Option<f64>,
    /// `V_sum` (`OptScaler`): the sum over minutes of how much the quantile of the response time of those served was above the
    /// objective, in seconds. From a [`Sketch`] for each minute.
    pub excess: Option<f64>,
    /// Apdex (Apdex Alliance, technical specification 1.1), with the objective as `T`:
    /// `(up to T + (T to 4 T) / 2) / (served + lost)`.
    pub apdex: Option<f64>,
    /// Mean response time of those served, in seconds.
    pub latency_mean: Option<f64>,
    /// Median response time of those served, in seconds, from a [`Sketch`].
    pub latency_p50: Option<f64>,
    /// 95th percentile of it.
    pub latency_p95: Option<f64>,
    /// 99th percentile of it.
    pub latency_p99: Option<f64>,
    /// Mean number of requests that waited or were worked on.
    pub backlog_mean: f64,
    /// Most requests that waited or were worked on.
    pub backlog_most: f64,
    /// Spans in which too few replicas served, and what came of them.
    pub recovery: Recovery,
}

/// Measures a run that it watches.
#[derive(Clone, Debug)]
pub struct Meter {
    /// The objective on the response time: the quantile, and seconds.
    below: Option<(f64, f64)>,
    first: Option<Timestamp>,
    last: Timestamp,
    supply: elasticity::Integrals,
    minutes: minutes::Minutes,
    cost: cost::Tally,
    recovery: recovery::Episodes,
    latency: Sketch,
    offered: f64,
    served: f64,
    lost: f64,
    slow: f64,
    tolerating: f64,
    /// Request-seconds.
    backlog: f64,
    backlog_most: f64,
}

impl Meter {
    /// One that measures a run of this scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let below = scenario.objective.latency.map(|objective| (objective.quantile, objective.below));
        let at_once = scenario.load().map(|load| load.service.at_once);
        Self {
            below,
            first: None,
            last: scenario.begins,
            supply: elasticity::Integrals::default(),
            minutes: minutes::Minutes::new(below),
            cost: cost::Tally::new(scenario.objective.idle_per_missing),
            recovery: recovery::Episodes::new(at_once),
            latency: Sketch::default(),
            offered: 0.0,
            served: 0.0,
            lost: 0.0,
            slow: 0.0,
            tolerating: 0.0,
            backlog: 0.0,
            backlog_most: 0.0,
        }
    }

    /// What was measured until now.
    pub fn measures(&self) -> Measures {
        let length = self.first.map_or(Duration::ZERO, |first| self.last.since(first));
        let minutes = self.minutes.sums();
        Measures {
            lasts: length.as_secs_f64(),
            elasticity: self.supply.elasticity(length, &minutes),
            users: self.users(length, &minutes),
            cost: self.cost.cost(length),
        }
    }

    /// The response times of all requests that were served: to be merged with those of other runs.
    pub fn latency(&self) -> &Sketch {
        &self.latency
    }

    fn users(&self, length: Duration, minutes: &minutes::Sums) -> Users {
        let share = |part: f64, of: f64| (of > 0.0).then(|| part / of);
        let ended = self.served + self.lost;
        let tolerable = self.served - self.slow + self.tolerating / 2.0;
        let late = share(self.slow + self.lost, ended);
        let quantile = |quantile| self.latency.quantile(quantile);
        Users {
            offered: self.offered,
            served: self.served,
            lost: self.lost,
            late,
            compliance_gap: self.below.zip(late).map(|((quantile, _), late)| (late - (1.0 - quantile)).abs()),
            dropped: share(self.lost, self.offered),
            bad_minutes: self.below.and_then(|_| share(minutes.bad as f64, minutes.judged as f64)),
            excess: self.below.map(|_| minutes.excess),
            apdex: self.below.and_then(|_| share(tolerable, ended)),
            latency_mean: self.latency.mean(),
            latency_p50: quantile(0.5),
            latency_p95: quantile(0.95),
            latency_p99: quantile(0.99),
            backlog_mean: share(self.backlog, length.as_secs_f64()).unwrap_or(0.0),
            backlog_most: self.backlog_most,
            recovery: self.recovery.recovery(),
        }
    }
}

impl Watch for Meter {
    fn segment(&mut self, segment: &Segment) {
        let seconds = segment.to.since(segment.from).as_secs_f64();
        self.first.get_or_insert(segment.from);
        self.last = segment.to;
        self.supply.add(segment);
        self.minutes.add(segment);
        self.cost.add(segment);
        self.recovery.add(segment);
        self.latency.add(&segment.latency, segment.served);
        self.offered += segment.offered;
        self.served += segment.served;
        self.lost += segment.lost;
        self.slow += segment.slow;
        self.tolerating += segment.tolerating;
        self.backlog += segment.in_flight * seconds;
        self.backlog_most = self.backlog_most.max(segment.queue_from).max(segment.queue_to);
    }

    fn change(&mut self, change: &Change, _scaler: &dyn Scaler) {
        self.cost.change(change);
    }
}
