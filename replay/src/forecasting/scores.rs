//! How good the forecasts were: as rehearsed, and as said at the time.

use std::time::Duration;

use forecast::{Forecaster, Rehearsal, Scores};

use super::{
    Asked,
    steps::{Steps, step_for},
    whole_millis,
};
use crate::report::forecast::{Live, Score};

/// Steps to a horizon that is scored, about.
const STEPS_SCORED: u64 = 24;
/// Fewer forecasts that were compared with what came are not listed.
pub(super) const FEWEST: u64 = 8;
/// Fewer say how many they are, and not how good.
const TOLD: u64 = 32;
/// Horizons that are scored beside the next step and the rule's own.
const HORIZONS: [(&str, Duration); 3] =
    [("1h", Duration::from_hours(1)), ("6h", Duration::from_hours(6)), ("24h", Duration::from_hours(24))];

/// Of the next step, the rule's horizon and those that people ask for, as far as history allows.
pub(super) fn scores(
    forecaster: &Forecaster,
    lead: i64,
    history: Duration,
    asked: &Asked<'_>,
    notes: &mut Vec<String>,
) -> Vec<Score> {
    let own = forecaster.step();
    let mut rows = Vec::new();
    let mut add = |name: &str, step: u64, lead: i64, rehearsal: Option<Rehearsal>| {
        let known = rehearsal.filter(|rehearsal| rehearsal.scores.count >= FEWEST);
        rows.extend(known.iter().map(|rehearsal| score(name, step, lead, &rehearsal.scores, forecaster.quantile())));
        known.is_some()
    };
    add("next step", own, 1, forecaster.rehearse(1, asked.calendar));
    if lead > 1 {
        add("horizon", own, lead, forecaster.rehearse(lead, asked.calendar));
    }
    let mut unscored = Vec::new();
    for (name, span) in HORIZONS {
        if whole_millis(span) <= own * u64::try_from(lead).unwrap_or(1) {
            continue;
        }
        // Nothing that was said so long ago has come yet.
        if span >= history {
            unscored.push(name);
            continue;
        }
        let steps = Steps::of(forecaster, step_for(whole_millis(span) / STEPS_SCORED, own), asked.calendar);
        let lead = steps.to(span);
        if !add(name, steps.step, lead, steps.forecaster.rehearse(lead, asked.calendar)) {
            unscored.push(name);
        }
    }
    if !unscored.is_empty() {
        notes.push(format!("there is too little history to score forecasts of {} ahead", unscored.join(", ")));
    }
    rows
}

pub(super) fn live(forecaster: &Forecaster, lead: i64) -> Option<Live> {
    let scores = forecaster.scores();
    let score = score("horizon", forecaster.step(), lead, &scores, forecaster.quantile());
    (scores.count >= FEWEST).then_some(Live { score })
}

fn score(name: &str, step: u64, lead: i64, scores: &Scores, quantile: f64) -> Score {
    let told = |figure: Option<f64>| figure.filter(|_| scores.count >= TOLD);
    Score {
        horizon: name.to_owned(),
        lead: Duration::from_millis(step * u64::try_from(lead).unwrap_or(1)),
        step: Duration::from_millis(step),
        count: scores.count,
        mase: told(scores.mase()),
        wape: told(scores.wape()),
        skill: told(scores.skill()),
        above: told(scores.missed()),
        allowed: 1.0 - quantile,
    }
}
