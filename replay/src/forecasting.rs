//! What a forecaster knows, put together for people: what was and what had been said of it, what is to come and how many
//! replicas carry it, how good that was, and what it goes by.
//!
//! ```text
//! forecaster ─▶ the same with steps that suit how far one looks ─▶ rehearsals, one for each step ahead ─▶ Prospect
//! ```
//!
//! A rehearsal goes through the newest 512 steps that are kept and says at each what would have been said, with the seasons that
//! are known now: it judges the forecast as it is, where the [live scores](Prospect::live) judge what was said.

mod moments;
mod scores;
mod sentence;
mod steps;
#[cfg(test)]
mod tests;

use std::time::Duration;

use autoscaler::{
    calendar::Zone,
    policy::Knob,
    quantity::Unit,
    time::{Timestamp, spoken},
};
use forecast::{Calendar, Forecaster, Member, Rehearsal};

use self::{
    moments::{ahead_of, past, plan},
    scores::{FEWEST, live, scores},
    steps::{Steps, step_for},
};
use crate::report::forecast::{MemberWeights, Prospect, Seasonal, VERSION};

pub use sentence::sentence;

/// Steps ahead, about.
const STEPS_AHEAD: u64 = 96;

/// Of whom, and what is asked.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// `[host/]project/service`.
    pub service: &'a str,
    /// The signal.
    pub signal: &'a str,
    /// What it is measured in.
    pub unit: Unit,
    /// Where it comes from: `controller`, `policy` or `demand`.
    pub source: &'static str,
    /// What the rule says now, as a sentence.
    pub sentence: Option<&'a str>,
    /// What a missing replica is worth.
    pub knob: Knob,
    /// How far ahead the rule looks.
    pub horizon: Duration,
    /// How far ahead to look here.
    pub ahead: Duration,
    /// Which days are alike.
    pub calendar: &'a (dyn Calendar + Sync),
    /// Whose clock moments are told by.
    pub zone: &'a Zone,
    /// How many replicas carry so much.
    pub replicas: Option<&'a (dyn Fn(f64) -> u32 + Sync)>,
    /// What one of them carries, where that is one number.
    pub per_replica: Option<f64>,
    /// What did come between two moments after that, in milliseconds since the epoch, where it is known.
    pub came: Option<&'a (dyn Fn(u64, u64) -> Option<f64> + Sync)>,
}

impl std::fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked").field("service", &self.service).field("signal", &self.signal).finish_non_exhaustive()
    }
}

/// There is too little to go by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TooLittle(String);

/// Puts together what a forecaster knows.
pub fn prospect(forecaster: &Forecaster, asked: &Asked<'_>) -> Result<Prospect, TooLittle> {
    let outlook = forecaster.outlook().ok_or_else(|| TooLittle(too_little(forecaster, asked.horizon)))?;
    let measured = forecaster.measured();
    let first = measured.first().map_or(outlook.made_at, |(end, width, _)| end - width);
    let history = outlook.made_at - first;
    let mut notes = Vec::new();
    let ahead = whole_millis(asked.ahead).min(history).max(forecaster.step());
    if ahead < whole_millis(asked.ahead) {
        let (span, asked) = (millis(history), spoken(asked.ahead));
        notes.push(format!("{span} of history do not reach to {asked} ahead: the plan ends after {span}"));
    }
    let shown = Steps::of(forecaster, step_for(ahead / STEPS_AHEAD, forecaster.step()), asked.calendar);
    let count = i64::try_from(ahead.div_ceil(shown.step) + 1).unwrap_or(1);
    // In the rule's own steps, as far as the rule looks.
    let lead = if shown.step == forecaster.step() { outlook.lead } else { shown.to(asked.horizon) };
    let reach = (outlook.made_at, outlook.made_at + ahead);
    let rehearsals = shown.rehearse(lead, count, asked.calendar);
    let by = rehearsals.first().ok_or_else(|| TooLittle(too_little(forecaster, asked.horizon)))?;
    let ahead = ahead_of(&rehearsals[1..], &shown, asked, reach);
    let scores = scores(forecaster, outlook.lead, Duration::from_millis(history), asked, &mut notes);
    Ok(Prospect {
        v: VERSION,
        service: asked.service.to_owned(),
        signal: asked.signal.to_owned(),
        unit: asked.unit,
        source: asked.source,
        sentence: asked.sentence.map(str::to_owned),
        zone: asked.zone.clone(),
        at: Timestamp::from_millis(outlook.made_at),
        quantile: forecaster.quantile(),
        idle_per_missing: asked.knob.idle_per_missing(),
        horizon: asked.horizon,
        step: Duration::from_millis(forecaster.step()),
        per_replica: asked.per_replica,
        gate: outlook.gate,
        history: Duration::from_millis(history),
        seasons: forecaster.seasons().iter().map(|season| seasonal(season, forecaster.step())).collect(),
        live: live(forecaster, outlook.lead),
        scores,
        shown_step: Duration::from_millis(shown.step),
        shown_lead: Duration::from_millis(shown.step * u64::try_from(lead).unwrap_or(1)),
        past: past(&shown, by, asked),
        plan: plan(&ahead),
        ahead,
        members: Member::ALL.to_vec(),
        weights: outlook.shares.iter().map(|share| (share.member, share.weight)).collect(),
        weights_over_time: weights(by),
        notes,
    })
}

fn seasonal(season: &forecast::Season, step: u64) -> Seasonal {
    let period = Duration::try_from_secs_f64((season.millis(step) / 1000.0).round()).unwrap_or_default();
    Seasonal { period, correlation: season.correlation }
}

fn weights(by: &Rehearsal) -> Vec<MemberWeights> {
    let each = by.weights.iter().map(|(at, weights)| MemberWeights {
        at: Timestamp::from_millis(*at),
        weights: weights.map(|weight| if weight.is_finite() { weight } else { 0.0 }).to_vec(),
    });
    each.collect()
}

/// How much there is, and how much is needed.
fn too_little(forecaster: &Forecaster, horizon: Duration) -> String {
    let measured = forecaster.history().measured();
    if forecaster.step() == 0 {
        return "there is too little history: how often samples come is not known before there are 3".to_owned();
    }
    let step = Duration::from_millis(forecaster.step());
    let lead = whole_millis(horizon).div_ceil(forecaster.step()).max(1);
    let needed = u32::try_from(lead + FEWEST).unwrap_or(u32::MAX);
    let steps = u32::try_from(measured).unwrap_or(u32::MAX);
    format!(
        "there is too little history: {} in {steps} steps of {}, and {} of {FEWEST} forecasts were compared with what came; \
         it takes {}",
        spoken(step * steps),
        spoken(step),
        forecaster.scored().min(FEWEST),
        spoken(step * needed)
    )
}

fn whole_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn millis(span: u64) -> String {
    spoken(Duration::from_millis(span))
}
