//! What a controller knows.

use std::time::Duration;

use anyhow::{Context as _, bail};
use autoscaler::{
    Evaluation,
    evaluation::{ForecastReason, RuleReason},
    explain,
    policy::Forecast,
    quantity::Unit,
    rule::forecast::{Days, ForecastState},
};
use bus::payload::{Question, ServiceStatus};
use replay::{
    forecasting::{self, Asked},
    report::forecast::Prospect,
};

use super::{chosen, enough};
use crate::{ask::Asker, cli::ForecastArgs, commands::explain::not_one, render};

/// What one forecast rule of a service knows.
pub(super) async fn prospect(wanted: &str, args: &ForecastArgs) -> anyhow::Result<Prospect> {
    let asker = Asker::connect(&args.address).await?;
    let question = Question { service: Some(wanted.to_owned()), ..Question::default() };
    let answer = render::tame(&asker.ask_about("forecast", question).await?);
    if let Some(error) = &answer.error {
        bail!("{error}");
    }
    match answer.services.as_slice() {
        [service] => of_service(service, args),
        _ => bail!("{}", not_one(wanted, &answer)),
    }
}

fn of_service(status: &ServiceStatus, args: &ForecastArgs) -> anyhow::Result<Prospect> {
    const OTHER_VERSION: &str = "the controller is of another version than this program";
    let service = format!("{}/{}/{}", status.host, status.project, status.service);
    let Some(origin) = &status.policy else {
        bail!("no policy names {service}, so that nothing is forecast for it");
    };
    let rules = status.forecasts.iter().map(|forecast| (forecast.rule, forecast)).collect();
    let (place, known) = chosen(rules, args.rule, &format!("the policy of {service} ({origin})"))?;
    let rule: Forecast = serde_json::from_value(known.settings.clone()).context(OTHER_VERSION)?;
    let state =
        known.state.clone().context("there is too little history: nothing was measured since the rule is there")?;
    let state: ForecastState = serde_json::from_value(state).context(OTHER_VERSION)?;
    let evaluation = status.decision.as_ref().and_then(|decision| decision.evaluation_detail.clone());
    let evaluation: Option<Evaluation> = evaluation.map(serde_json::from_value).transpose().context(OTHER_VERSION)?;
    let now = evaluation.as_ref().and_then(|evaluation| Now::of(evaluation, place));
    let limits = (status.min.unwrap_or(0), status.max.unwrap_or(u32::MAX));
    let given = Given { source: "controller", limits, ahead: args.ahead, came: None };
    enough(of_rule(&service, &rule, &state, now.as_ref(), given), &service)
}

/// What is known besides.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    /// Where it comes from.
    pub(super) source: &'static str,
    /// The policy's, for replicas.
    pub(super) limits: (u32, u32),
    /// How far ahead to look.
    pub(super) ahead: Duration,
    /// What did come.
    pub(super) came: Option<&'a (dyn Fn(u64, u64) -> Option<f64> + Sync)>,
}

/// What a rule says now.
pub(super) struct Now {
    sentence: String,
    unit: Unit,
    per_replica: Option<f64>,
}

impl Now {
    /// Of the rule at this place, from 1.
    pub(super) fn of(evaluation: &Evaluation, place: u32) -> Option<Self> {
        let place = usize::try_from(place).ok()?.checked_sub(1)?;
        let recommendation = evaluation.recommendations.get(place)?;
        let sentence = explain::rules(evaluation).into_iter().nth(place)?;
        let reading = recommendation.reading.and_then(|reading| evaluation.signals.get(reading));
        let unit = reading.map(|reading| reading.unit).unwrap_or_default();
        let per_replica = match &recommendation.reason {
            RuleReason::Forecast(reason) => {
                let ForecastReason { per_replica, .. } = reason.as_ref();
                Some(*per_replica)
            }
            _ => None,
        };
        Some(Self { sentence, unit, per_replica })
    }
}

/// What a rule knows that remembers this.
pub(super) fn of_rule(
    service: &str,
    rule: &Forecast,
    state: &ForecastState,
    now: Option<&Now>,
    given: Given<'_>,
) -> Result<Prospect, forecasting::TooLittle> {
    let per_replica = now.and_then(|now| now.per_replica).filter(|carried| *carried > 0.0);
    let Given { source, limits, ahead, came } = given;
    let count = per_replica.map(|carried| move |value: f64| replicas(value / carried, limits));
    let calendar = Days::of(rule);
    let asked = Asked {
        service,
        signal: rule.signal.as_str(),
        unit: now.map(|now| now.unit).unwrap_or_default(),
        source,
        sentence: now.map(|now| now.sentence.as_str()),
        knob: rule.knob,
        horizon: state.horizon(rule),
        ahead,
        calendar: &calendar,
        zone: &rule.zone,
        replicas: count.as_ref().map(|count| count as &(dyn Fn(f64) -> u32 + Sync)),
        per_replica,
        came,
    };
    forecasting::prospect(state.forecaster(), &asked)
}

/// So many, as whole replicas, within limits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
fn replicas(load: f64, (min, max): (u32, u32)) -> u32 {
    // A hair above a whole number is rounding, and no load.
    ((load - 1e-9).ceil().max(0.0) as u32).min(max).max(min)
}
