//! What a forecast says and was worth: values, JSON, pictures and a page. [`crate::forecasting`] puts it together.

mod draw;
mod page;
mod weights;

use std::time::Duration;

use autoscaler::{calendar::Zone, quantity::Unit, time::Timestamp};
use forecast::{Gate, Member};
use serde::Serialize;

use super::{Theme, picture::as_millis};

/// The version of the JSON. What is added does not change it.
pub const VERSION: u32 = 1;

/// What a forecast says and was worth. All values are in the signal's unit, moments in milliseconds since the epoch, spans in
/// milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prospect {
    /// [`VERSION`].
    pub v: u32,
    /// `[host/]project/service`.
    pub service: String,
    /// The signal that is forecast.
    pub signal: String,
    /// What it is measured in.
    pub unit: Unit,
    /// Where it comes from: a `controller`, a `policy` that scaled in a scenario, or a scenario's `demand` itself.
    pub source: &'static str,
    /// What the rule says now.
    pub sentence: Option<String>,
    /// Whose clock moments are told by.
    #[serde(rename = "timezone")]
    pub zone: Zone,
    /// The end of the newest step that it goes by.
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
    /// The share of time in which the bound shall not be exceeded.
    pub quantile: f64,
    /// So many idle replicas one would pay for one that is not missing.
    pub idle_per_missing: f64,
    /// How far ahead the rule looks.
    #[serde(rename = "horizon_ms", serialize_with = "as_millis")]
    pub horizon: Duration,
    /// The rule's steps.
    #[serde(rename = "step_ms", serialize_with = "as_millis")]
    pub step: Duration,
    /// What one replica carries; absent where that is not one number.
    pub per_replica: Option<f64>,
    /// Whether the forecast may be trusted.
    pub gate: Gate,
    /// So much is kept of what was measured.
    #[serde(rename = "history_ms", serialize_with = "as_millis")]
    pub history: Duration,
    /// The seasons found, the shortest first.
    pub seasons: Vec<Seasonal>,
    /// How good the bound at the horizon was that was said at the time.
    pub live: Option<Live>,
    /// How good forecasts of each horizon are, rehearsed on the newest 512 steps.
    pub scores: Vec<Score>,
    /// The steps of `past` and `ahead`: longer than the rule's own where one looks far ahead.
    #[serde(rename = "shown_step_ms", serialize_with = "as_millis")]
    pub shown_step: Duration,
    /// So long before had been said what `past` has of it.
    #[serde(rename = "shown_lead_ms", serialize_with = "as_millis")]
    pub shown_lead: Duration,
    /// What was, and what had been said of it, oldest first.
    pub past: Vec<Moment>,
    /// What is to come.
    pub ahead: Vec<Span>,
    /// How many replicas that takes; empty where what one carries is not known.
    pub plan: Vec<PlanSpan>,
    /// The members that are mixed, in the order of `weights_over_time`.
    pub members: Vec<Member>,
    /// How much each counts now, at the rule's horizon; of less than half a percent, none.
    pub weights: Vec<(Member, f64)>,
    /// How much each counted at the end of each step.
    pub weights_over_time: Vec<MemberWeights>,
    /// What else is to be known, as sentences.
    pub notes: Vec<String>,
}

/// One step that was, and what had been said of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Moment {
    /// Its end.
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
    /// What came; absent in a gap.
    pub actual: Option<f64>,
    /// What was expected.
    pub middle: Option<f64>,
    /// Its bound.
    pub bound: Option<f64>,
    /// Replicas for what came.
    pub needed: Option<u32>,
    /// Replicas for the bound.
    pub replicas: Option<u32>,
}

/// One step that is to come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Span {
    /// Its first moment.
    #[serde(rename = "from_ms")]
    pub from: Timestamp,
    /// Its end.
    #[serde(rename = "to_ms")]
    pub to: Timestamp,
    /// What is expected.
    pub middle: f64,
    /// Its bound.
    pub bound: f64,
    /// Replicas for the bound.
    pub replicas: Option<u32>,
    /// What came in the end, where a scenario says so.
    pub actual: Option<f64>,
}

/// So many replicas for a while.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PlanSpan {
    /// Its first moment.
    #[serde(rename = "from_ms")]
    pub from: Timestamp,
    /// Its end.
    #[serde(rename = "to_ms")]
    pub to: Timestamp,
    /// What is expected, in the mean.
    pub expected: f64,
    /// The highest bound in it.
    pub bound: f64,
    /// Replicas for that.
    pub replicas: u32,
}

/// A season that is told by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Seasonal {
    /// After so long it comes again.
    #[serde(rename = "period_ms", serialize_with = "as_millis")]
    pub period: Duration,
    /// The autocorrelation there, at most 1; `None` where the policy expects it and it was not found.
    pub correlation: Option<f64>,
}

/// How good forecasts of one horizon are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// `next step`, `horizon`, or how far ahead.
    pub horizon: String,
    /// So far ahead.
    #[serde(rename = "lead_ms", serialize_with = "as_millis")]
    pub lead: Duration,
    /// In steps so long.
    #[serde(rename = "step_ms", serialize_with = "as_millis")]
    pub step: Duration,
    /// So many were compared with what came.
    pub count: u64,
    /// Mean absolute error over that of the naive forecast; below 1 is better.
    pub mase: Option<f64>,
    /// Absolute error as a share of what came.
    pub wape: Option<f64>,
    /// What the bound's pinball loss is below that of the naive bound; 1 is perfect, 0 no better.
    pub skill: Option<f64>,
    /// The share that came above the bound.
    pub above: Option<f64>,
    /// The share that may.
    pub allowed: f64,
}

/// How good what was said at the time was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Live {
    /// At the rule's horizon.
    #[serde(flatten)]
    pub score: Score,
}

/// How much members counted at a moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemberWeights {
    /// When.
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
    /// In the order of [`Prospect::members`].
    pub weights: Vec<f64>,
}

impl Prospect {
    /// `shop/web: requests, forecast at 2026-03-01 14:05:00 Europe/Oslo`.
    pub fn headline(&self) -> String {
        let date = self.zone.date(self.at).map_or(String::new(), |date| format!("{date} "));
        format!("{}: {}, forecast at {date}{} {}", self.service, self.signal, self.clock(self.at), self.zone)
    }

    /// A moment by the clock on the wall there: `14:05:00`.
    pub fn clock(&self, at: Timestamp) -> String {
        let local = at.as_millis().saturating_add_signed(self.zone.offset_ms(at));
        Timestamp::from_millis(local).to_string()
    }

    /// One page with everything, which needs nothing beside it.
    pub fn page(&self) -> String {
        page::page(self)
    }

    /// The pictures as SVG.
    pub fn svg(&self, theme: Theme) -> String {
        draw::svg(self, theme)
    }

    /// What came above what had been said, of how many.
    pub fn above(&self) -> (usize, usize) {
        let said = || self.past.iter().filter_map(|moment| moment.actual.zip(moment.bound));
        (said().filter(|(actual, bound)| actual > bound).count(), said().count())
    }

    /// The members that counted most, and how much each did from moment to moment; the last is all others together.
    pub fn heaviest(&self, most: usize) -> (Vec<(String, Vec<f64>)>, Vec<Timestamp>) {
        weights::heaviest(self, most)
    }
}

/// What a member is, in a few words.
pub fn words_of(member: Member) -> &'static str {
    match member {
        Member::Naive => "as now",
        Member::Smoothed => "as of late",
        Member::DampedTrend => "fading trend",
        Member::Line => "line of 8 steps",
        Member::Usual => "as usual",
        Member::ShortPeak => "most of 6 steps",
        Member::LongPeak => "most of 24 steps",
        Member::SeasonAgo => "one season ago",
        Member::ShortSeason => "short season",
        Member::LongSeason => "long season",
        Member::Fourier => "curve of the season",
    }
}
