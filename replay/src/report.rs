//! What came of a scenario under several contenders, for people and for programs: values, JSON, pictures and a page.
//!
//! ```text
//! runs ─▶ Picture, Figures ─▶ Report ─▶ JSON · page (HTML) · picture (SVG)
//! ```
//!
//! Texts only: what prints them, writes them or turns them into dots is `ballast`'s.

mod axis;
mod compare;
mod draw;
mod figures;
pub mod forecast;
mod ladder;
mod page;
mod pareto;
mod picture;
mod poster;
mod significance;
mod style;
mod timeline;
mod words;

use std::time::Duration;

use autoscaler::Timestamp;
use serde::Serialize;

use crate::{Scenario, scenario::LatencyObjective};

pub use compare::{Comparison, Verdict};
pub use figures::{Better, DEFINITIONS, Definition, Figures, Unit, table_of_measures};
pub use picture::{Bucket, Decision, FaultSpan, Picture, Spread, faults};
pub use significance::{Finding, Significance};
pub use style::Theme;

/// The version of the JSON. What is added does not change it.
pub const VERSION: u32 = 1;

/// What [`Rank::distance`] sums.
pub const DISTANCE: &str = "(value − best) / best, summed over θ_U, θ_O, τ_U, τ_O, υ, late or lost, replica-hours and cost, \
    and averaged over scenarios and seeds. So that a best near zero does not outweigh all else, values count as one \
    percentage point at least, and replica-hours and cost as 1 % of the worst at least.";

/// What came of scenarios under contenders.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// [`VERSION`].
    pub v: u32,
    /// One for each scenario, in the order in which they were given.
    pub scenarios: Vec<Judged>,
    /// Who did best over all scenarios, best first; empty where there is one scenario or one contender.
    pub ranking: Vec<Rank>,
    /// How everybody who is ranked differs from the best one, and whether that is more than chance; empty where there is one run
    /// of each, or one contender.
    pub significance: Vec<Significance>,
    /// What each figure is.
    pub definitions: Vec<&'static Definition>,
}

/// What came of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// What was played.
    pub scenario: Summary,
    /// Everybody who was judged: policies first, in the order in which they were given.
    pub contenders: Vec<Contender>,
    /// Each other contender beside the first.
    pub comparisons: Vec<Comparison>,
    /// What contenders cost and miss as their knobs are turned.
    pub pareto: Vec<Curve>,
    /// What the first policy's distance to the clairvoyant plan is made of, from the plan on.
    pub ladder: Vec<Rung>,
    /// What nobody who only reacts can avoid; absent where nobody reckoned it.
    pub floor: Option<ReactiveFloor>,
    /// What is hardly meant: `the policy reads x, which the scenario does not give`.
    pub warnings: Vec<String>,
}

/// What was played.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// What should happen and why.
    pub about: String,
    /// Where it comes from.
    pub from: String,
    /// `[host/]project/service`.
    pub service: String,
    /// Its first moment.
    #[serde(rename = "begins_ms")]
    pub begins: Timestamp,
    /// How long it lasts.
    #[serde(rename = "lasts_ms", serialize_with = "picture::as_millis")]
    pub lasts: Duration,
    /// How often samples are taken.
    #[serde(rename = "every_ms", serialize_with = "picture::as_millis")]
    pub every: Duration,
    /// What everything drawn at random comes from.
    pub seed: u64,
    /// What users should feel.
    pub objective: Option<Objective>,
    /// So many idle replicas cost as much as one that is missing.
    pub idle_per_missing: f64,
    /// What goes wrong.
    pub faults: Vec<FaultSpan>,
}

/// A bound on the response time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Objective {
    /// The share of requests.
    pub quantile: f64,
    /// That should take less than so many seconds.
    pub below: f64,
}

/// Somebody who was judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contender {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What is to be known of its figures: `quickest starts …` of the plan. Absent: nothing.
    pub note: Option<String>,
    /// Whether faults of the scenario were left out of its run, so that what users felt is not comparable.
    pub spared: bool,
    /// Of everything that happened in its run: the same digest, the same run.
    pub digest: String,
    /// What was measured.
    pub figures: Figures,
    /// What was expected, and what came of it.
    pub expectations: Vec<Judgement>,
    /// Values over time, and decisions.
    pub picture: Picture,
}

/// What a contender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A policy of the user's.
    Policy,
    /// A known algorithm, to compare with.
    Baseline,
    /// The cheapest plan of all, made by who knows the future.
    Plan,
}

impl Kind {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Baseline => "baseline",
            Self::Plan => "plan",
        }
    }
}

/// What came of an expectation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// What was expected, in words.
    pub expected: String,
    /// Whether it is so.
    pub met: bool,
    /// What was found, in words.
    pub found: String,
}

/// One contender with its knob turned.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// What it is called.
    pub name: String,
    /// Which contender it is, where it is one of these.
    pub contender: Option<usize>,
    /// What is turned, in words; empty: there is nothing to turn, and it is one point.
    pub knob: String,
    /// In the order of the knob's values.
    pub points: Vec<Point>,
}

/// One setting of a knob.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// What the knob stands at, in words.
    pub setting: String,
    /// Whether that is how the contender was given.
    pub given: bool,
    /// Replica-hours paid for.
    pub cost: f64,
    /// Share of what users asked that was late or lost.
    pub violations: f64,
}

/// One rung of the ladder from the clairvoyant plan to the policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rung {
    /// Who pays it.
    pub name: String,
    /// The cost, in replica-hours.
    pub cost: f64,
    /// What the step from the rung before is the price of; empty on the first one.
    pub price_of: String,
}

/// What somebody pays who always has what was needed one reaction before: `∫ max(D(t) - D(t - L), 0) dt`. Whoever is below
/// it anticipates, or pays for headroom.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReactiveFloor {
    /// `L` in seconds: one sample and the shortest start.
    pub lag: f64,
    /// Hours of replicas that are missing.
    pub missing_hours: f64,
    /// The same as a part of the cost: times `idle_per_missing`, in replica-hours.
    pub cost: f64,
}

/// A contender's place over all scenarios.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rank {
    /// What it is called.
    pub name: String,
    /// Points: one for each contender that it beats in a measure on a scenario, half a one for a tie.
    pub points: f64,
    /// [`DISTANCE`]: 1 is 100 %.
    pub distance: f64,
}

impl Summary {
    /// Of a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let crate::scenario::Service { host, project, service } = &scenario.service;
        let service =
            if host.is_empty() { format!("{project}/{service}") } else { format!("{host}/{project}/{service}") };
        let of_latency = |LatencyObjective { quantile, below }| Objective { quantile, below };
        Self {
            name: scenario.name.clone(),
            about: scenario.about.trim().to_owned(),
            from: scenario.from.clone(),
            service,
            begins: scenario.begins,
            lasts: scenario.lasts,
            every: scenario.every,
            seed: scenario.seed,
            objective: scenario.objective.latency.map(of_latency),
            idle_per_missing: scenario.objective.idle_per_missing,
            faults: faults(scenario),
        }
    }
}

impl Report {
    /// Of scenarios, and of who did best over all of them.
    pub fn new(scenarios: Vec<Judged>, ranking: Vec<Rank>, significance: Vec<Significance>) -> Self {
        Self { v: VERSION, scenarios, ranking, significance, definitions: figures::DEFINITIONS.iter().collect() }
    }

    /// One page with everything, which needs nothing beside it.
    pub fn page(&self) -> String {
        page::page(self)
    }

    /// Pictures of all contenders beside each other, one scenario below the other, as SVG.
    pub fn svg(&self, theme: Theme) -> String {
        poster::svg(self, theme)
    }
}

impl Judged {
    /// Everybody beside the first one.
    pub fn new(scenario: Summary, contenders: Vec<Contender>) -> Self {
        let comparisons = match contenders.split_first() {
            Some((first, others)) => others.iter().map(|other| Comparison::of(first, other)).collect(),
            None => Vec::new(),
        };
        Self {
            scenario,
            contenders,
            comparisons,
            pareto: Vec::new(),
            ladder: Vec::new(),
            floor: None,
            warnings: Vec::new(),
        }
    }

    /// Whether nobody who does not know the future has a better value of a measure, and somebody a worse one.
    pub fn is_best(&self, definition: &Definition, value: f64) -> bool {
        let others = || {
            let playing = self.contenders.iter().filter(|contender| contender.kind != Kind::Plan);
            playing.filter_map(|contender| contender.figures.get(definition.key))
        };
        let better = |one: f64, other: f64| match definition.better {
            Better::Less => one < other,
            Better::More => one > other,
            Better::Neither => false,
        };
        !others().any(|other| better(other, value)) && others().any(|other| better(value, other))
    }
}

/// What one looks at first of a contender, with its words.
fn first_figures(contender: &Contender) -> Vec<String> {
    let of_figure = |(definition, value): (&Definition, f64)| match definition.unit {
        Unit::Count if definition.written(value) == "1" => format!("1 {}", definition.title.trim_end_matches('s')),
        Unit::Count | Unit::Share | Unit::Factor => format!("{} {}", definition.written(value), definition.title),
        _ => format!("{} {}", definition.title, definition.written(value)),
    };
    contender.figures.known().filter(|(definition, _)| definition.first).map(of_figure).collect()
}

fn latency_objective(summary: &Summary) -> Option<LatencyObjective> {
    summary.objective.map(|Objective { quantile, below }| LatencyObjective { quantile, below })
}

#[cfg(test)]
mod tests;
