//! What is measured, under one name each, with what it is in words.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::words;

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
    /// Seconds.
    Seconds,
    /// Replicas for an hour.
    ReplicaHours,
    /// Replicas.
    Replicas,
    /// A ratio to something else.
    Factor,
    /// In a minute.
    PerMinute,
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

/// The values of one run, in the order of [`DEFINITIONS`]; absent where they do not make sense.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures(Vec<Option<f64>>);

impl Figures {
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
    pub fn iter(&self) -> impl Iterator<Item = (&'static Definition, f64)> {
        DEFINITIONS.iter().zip(&self.0).filter_map(|(definition, value)| Some((definition, (*value)?)))
    }
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
            Unit::Seconds => words::response_time(value),
            Unit::ReplicaHours => format!("{} h", words::digits(value)),
            Unit::Replicas => words::digits(value),
            Unit::Factor => format!("× {}", words::digits(value)),
            Unit::PerMinute => format!("{}/min", words::digits(value)),
        }
    }
}

/// The definition of a name.
pub fn definition(key: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|definition| definition.key == key)
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
        "What idle and missing replicas cost together: replicas that serve, start or stop, integrated over time, plus those that were missing, each counted as many times as the objective says.";
    "cost_ratio", "of the plan's", Factor, Less, true,
        "The cost, as a multiple of the clairvoyant plan's.";
    "replica_hours", "replica-hours", ReplicaHours, Less, true,
        "Replicas that serve, start or stop, integrated over time: what is paid for.";
    "late", "late", Share, Less, true,
        "Requests that took longer than the objective, or were lost, of all that were offered.";
    "lost", "lost", Share, Less, true,
        "Requests that found no room, gave up, or were on a replica that died, of all that were offered.";
    "changes", "changes", Count, Less, true,
        "Decisions that changed the number of replicas.";
    "reversals", "reversals", Count, Less, true,
        "Decisions that turned back within ten minutes of one the other way.";
    "under_timeshare", "time short", Share, Less, true,
        "τ_U: share of the time in which fewer replicas served than were needed.";
    "over_timeshare", "time idle", Share, Less, false,
        "τ_O: share of the time in which more replicas served than were needed.";
}
