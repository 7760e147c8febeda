//! What is measured, under one name each, with what it is in words.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::words;
use crate::measures::{Elasticity, Measures};

/// A measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// Its name in JSON.
    pub key: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it is counted in.
    pub unit: Unit,
    /// Which way is better.
    pub better: Better,
    /// Whether it is among those that one looks at first.
    pub first: bool,
    /// What exactly it is.
    pub definition: &'static str,
}

/// What a measure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A number of something.
    Count,
    /// A share, 1 is all of it.
    Share,
    /// A difference of two shares, 1 is 100 percentage points.
    Points,
    /// Seconds.
    Seconds,
    /// Replicas for an hour.
    ReplicaHours,
    /// Cores.
    Cores,
    /// Cores for an hour.
    CoreHours,
    /// Replicas.
    Replicas,
    /// A ratio to something else.
    Factor,
    /// In a minute.
    PerMinute,
    /// None.
    Plain,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Less is better.
    Less,
    /// More is better.
    More,
    /// Neither is.
    Neither,
}

/// The values of one run, in the order of their definitions; absent where they do not make sense.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures(Vec<Option<f64>>);

impl Figures {
    /// Of what was measured. What needs another run beside it (`cost_ratio`, `speedup`) is set by who knows that.
    pub fn new(measures: &Measures) -> Self {
        let mut figures = Self::default();
        let known = of_elasticity(&measures.elasticity).into_iter().chain(of_users(measures)).chain(of_cost(measures));
        for (key, value) in known {
            let defined = figures.set(key, value);
            debug_assert!(defined, "no measure {key}");
        }
        figures
    }

    /// The mean of each over several runs; absent where one of them has none.
    pub fn mean(runs: &[Self]) -> Self {
        let count = runs.len() as f64;
        let mean = |key: &str| -> Option<f64> {
            let values: Option<Vec<f64>> = runs.iter().map(|run| run.get(key)).collect();
            values.filter(|values| !values.is_empty()).map(|values| values.iter().sum::<f64>() / count)
        };
        Self(DEFINITIONS.iter().map(|definition| mean(definition.key)).collect())
    }

    /// Sets one; a name that is not defined is refused.
    pub fn set(&mut self, key: &str, value: Option<f64>) -> bool {
        let Some(index) = DEFINITIONS.iter().position(|definition| definition.key == key) else { return false };
        self.0.resize(DEFINITIONS.len(), None);
        self.0[index] = value.filter(|value| value.is_finite());
        true
    }

    /// One of them.
    pub fn get(&self, key: &str) -> Option<f64> {
        let index = DEFINITIONS.iter().position(|definition| definition.key == key)?;
        *self.0.get(index)?
    }

    /// Those that are there.
    pub fn known(&self) -> impl Iterator<Item = (&'static Definition, f64)> {
        DEFINITIONS.iter().zip(&self.0).filter_map(|(definition, value)| Some((definition, (*value)?)))
    }
}

fn of_elasticity(elasticity: &Elasticity) -> [(&'static str, Option<f64>); 12] {
    let share = |percent: f64| Some(percent / 100.0);
    [
        ("theta_u", share(elasticity.theta_u)),
        ("theta_o", share(elasticity.theta_o)),
        ("a_o", share(elasticity.a_o)),
        ("accuracy_u", Some(elasticity.accuracy_u)),
        ("accuracy_o", Some(elasticity.accuracy_o)),
        ("tau_u", share(elasticity.tau_u)),
        ("tau_o", share(elasticity.tau_o)),
        ("jitter", Some(elasticity.jitter)),
        ("instability", share(elasticity.instability)),
        ("k", share(elasticity.k)),
        ("k_prime", share(elasticity.k_prime)),
        ("deviation", share(elasticity.deviation)),
    ]
}

fn of_users(measures: &Measures) -> [(&'static str, Option<f64>); 16] {
    let users = &measures.users;
    [
        ("late", users.late),
        ("lost", users.dropped),
        ("bad_minutes", users.bad_minutes),
        ("compliance_gap", users.compliance_gap),
        ("excess", users.excess),
        ("apdex", users.apdex),
        ("latency_mean", users.latency_mean),
        ("latency_p50", users.latency_p50),
        ("latency_p95", users.latency_p95),
        ("latency_p99", users.latency_p99),
        ("backlog_mean", Some(users.backlog_mean)),
        ("backlog_most", Some(users.backlog_most)),
        ("episodes", Some(users.recovery.episodes as f64)),
        ("recovery_median", users.recovery.median),
        ("recovery_longest", users.recovery.longest),
        ("offered", Some(users.offered)),
    ]
}

fn of_cost(measures: &Measures) -> [(&'static str, Option<f64>); 13] {
    let cost = &measures.cost;
    [
        ("cost", Some(cost.total)),
        ("replica_hours", Some(cost.replica_hours)),
        ("missing_hours", Some(cost.missing_hours)),
        ("mean_replicas", Some(cost.mean_replicas)),
        ("most_replicas", Some(f64::from(cost.most_replicas))),
        ("core_hours", Some(cost.core_hours)),
        ("mean_cores", Some(cost.mean_cores)),
        ("cores_per_replica", cost.cores_per_replica),
        ("changes", Some(cost.changes as f64)),
        ("reversals", Some(cost.reversals as f64)),
        ("started", Some(cost.started as f64)),
        ("stopped", Some(cost.stopped as f64)),
        ("served", Some(measures.users.served)),
    ]
}

/// All measures as a table in Markdown.
pub fn table_of_measures() -> String {
    let rows = DEFINITIONS.iter().map(|Definition { key, title, definition, .. }| {
        format!("| {} | `{key}` | {} |\n", title.replace('|', "\\|"), definition.replace('|', "\\|"))
    });
    format!("| measure | in JSON | definition |\n|---|---|---|\n{}", rows.collect::<String>())
}

impl Serialize for Figures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(DEFINITIONS.len()))?;
        for (index, definition) in DEFINITIONS.iter().enumerate() {
            map.serialize_entry(definition.key, &self.0.get(index).copied().flatten())?;
        }
        map.end()
    }
}

impl Definition {
    /// A value with its unit.
    pub fn written(&self, value: f64) -> String {
        match self.unit {
            Unit::Count => words::number(value),
            Unit::Share => words::percent(value),
            Unit::Points => words::percent(value).replace('%', "pp"),
            Unit::Seconds => words::response_time(value),
            Unit::Cores => format!("{} cores", words::digits(value)),
            Unit::CoreHours => format!("{} core-h", words::digits(value)),
            Unit::ReplicaHours => format!("{} h", words::digits(value)),
            Unit::Replicas | Unit::Plain => words::digits(value),
            Unit::Factor => format!("× {}", words::digits(value)),
            Unit::PerMinute => format!("{}/min", words::digits(value)),
        }
    }
}

macro_rules! definitions {
    ($($key:literal, $title:literal, $unit:ident, $better:ident, $first:literal, $definition:literal;)*) => {
        /// All measures, those that one looks at first first.
        pub static DEFINITIONS: &[Definition] = &[$(Definition {
            key: $key, title: $title, unit: Unit::$unit, better: Better::$better, first: $first, definition: $definition,
        }),*];
    };
}

definitions! {
    "cost", "cost", ReplicaHours, Less, true,
        "J = ∫(S + B + stopping) dt + idle_per_missing · ∫max(D − S, 0) dt: what is paid for, and missing replicas at what the objective says that they cost.";
    "cost_ratio", "the plan's cost", Factor, Less, true,
        "The cost as a multiple of the clairvoyant plan's: 1 is as good as can be.";
    "replica_hours", "replica-hours", ReplicaHours, Less, true,
        "∫(S + B + stopping) dt: replicas that serve, start or stop, for so many hours. What is paid for.";
    "late", "late or lost", Share, Less, true,
        "Requests that took longer than the objective or were lost, of all that ended. Without an objective only the lost ones.";
    "lost", "lost", Share, Less, true,
        "Requests that found no room, gave up, or were on a replica that died, of all that were offered.";
    "latency_p95", "p95", Seconds, Less, true,
        "The response time that 95 % of the requests that were served stayed below; from a sketch, off by 1 % at most.";
    "changes", "changes", Count, Less, true,
        "Decisions that changed the number of replicas.";
    "reversals", "reversals", Count, Less, true,
        "Changes that turned back: the other way than the one before, within ten minutes of it.";
    "tau_u", "time short", Share, Less, true,
        "τ_U = 1/T ∫1[D > S] dt: share of the time in which fewer replicas served than were needed (SPEC; Herbst, Imdoukh 14).";
    "tau_o", "time idle", Share, Less, false,
        "τ_O = 1/T ∫1[S > D] dt: share of the time in which more replicas served than were needed (SPEC; Herbst, Imdoukh 15).";
    "theta_u", "θ_U, demand missing", Share, Less, false,
        "θ_U = 1/T ∫max(D − S, 0) / max(D, 1) dt: share of the demand that was missing (SPEC; Imdoukh 12).";
    "theta_o", "θ_O, more than demand", Share, Less, false,
        "θ_O = 1/T ∫max(S − D, 0) / max(D, 1) dt: supply beyond demand, as a share of demand (SPEC; Imdoukh 13).";
    "a_o", "a_O, idle supply", Share, Less, false,
        "a_O = 1/T ∫max(S − D, 0) / max(S, 1) dt: supply beyond demand, as a share of supply, as the studies after Ilyushkin have it.";
    "accuracy_u", "accuracy_U, missing on average", Replicas, Less, false,
        "1/T ∫max(D − S, 0) dt: replicas missing on average (Herbst).";
    "accuracy_o", "accuracy_O, idle on average", Replicas, Less, false,
        "1/T ∫max(S − D, 0) dt: replicas too many on average (Herbst).";
    "jitter", "jitter", PerMinute, Neither, false,
        "(E_S − E_D) / T, where E sums the replicas of all changes both ways: below zero supply is sluggish, above it is nervous (Herbst).";
    "instability", "υ, instability", Share, Less, false,
        "Share of the minutes over which supply did not move the way demand did, by differences (Ilyushkin).";
    "k", "k", Share, Less, false,
        "Share of the minutes over which supply rose more than demand (Ilyushkin).";
    "k_prime", "k'", Share, Less, false,
        "Share of the minutes over which supply fell more than demand (Ilyushkin).";
    "deviation", "σ, autoscaling deviation", Share, Less, false,
        "(θ_U⁵ + θ_O⁵ + τ_U⁵ + τ_O⁵ + υ⁵)^(1/5): the Minkowski distance to an ideal in which all five are zero.";
    "speedup", "η, elastic speedup", Factor, More, false,
        "How many times smaller θ_U, θ_O, τ_U and τ_O are than if nothing scaled, as a geometric mean (Imdoukh 16): above 1 is better than not to scale.";
    "compliance_gap", "compliance gap", Points, Less, false,
        "|late or lost − (1 − quantile)|, in percentage points: how far the violations are from the share of them that the objective leaves, above or below (BACC has the same of minutes).";
    "bad_minutes", "S_vr, bad minutes", Share, Less, false,
        "Share of the minutes in which the objective's quantile of the response time was above the objective; a lost request took for ever (OptScaler).";
    "excess", "V_sum, above the objective", Seconds, Less, false,
        "The sum over minutes of how much the quantile of the response time was above the objective (OptScaler).";
    "apdex", "Apdex", Plain, More, false,
        "Requests within the objective, plus half of those within four times it, of all that ended (Apdex 1.1).";
    "latency_mean", "mean response time", Seconds, Less, false,
        "Of the requests that were served.";
    "latency_p50", "median response time", Seconds, Less, false,
        "Of the requests that were served; from a sketch, off by 1 % at most.";
    "latency_p99", "p99 response time", Seconds, Less, false,
        "Of the requests that were served; from a sketch, off by 1 % at most.";
    "backlog_mean", "requests in the system", Count, Less, false,
        "Requests that waited or were worked on, on average.";
    "backlog_most", "most requests in the system", Count, Less, false,
        "Most requests that waited or were worked on at a time.";
    "episodes", "shortages", Count, Less, false,
        "Spans that begin when too few replicas serve and end when enough do and what had piled up is worked off.";
    "recovery_median", "median shortage", Seconds, Less, false,
        "How long half of the shortages lasted at most.";
    "recovery_longest", "longest shortage", Seconds, Less, false,
        "How long the longest shortage lasted.";
    "missing_hours", "missing replica-hours", ReplicaHours, Less, false,
        "∫max(D − S, 0) dt: replicas that were missing, for so many hours.";
    "mean_replicas", "mean replicas", Replicas, Less, false,
        "Replicas that serve, start or stop, on average.";
    "most_replicas", "most replicas", Replicas, Less, false,
        "Most replicas at a time, those that start or stop included.";
    "core_hours", "CPU used", CoreHours, Neither, false,
        "∫C dt, where C is the cores that the replicas that serve keep busy: cores for so many hours.";
    "mean_cores", "mean cores busy", Cores, Neither, false,
        "1/T ∫C dt: cores that all replicas that serve keep busy, on average.";
    "cores_per_replica", "cores busy per replica", Cores, Neither, false,
        "∫C dt / ∫S dt: cores that a replica keeps busy in a second in which it serves.";
    "started", "replicas added", Count, Less, false,
        "Replicas that decisions added.";
    "stopped", "replicas removed", Count, Less, false,
        "Replicas that decisions removed.";
    "offered", "requests offered", Count, Neither, false,
        "Requests offered, retries included.";
    "served", "requests served", Count, Neither, false,
        "Requests served.";
}
