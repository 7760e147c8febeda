//! What is forecast in a scenario: by a policy that scales in it, or of its demand itself.

use std::{path::Path, slice, sync::Arc, time::Duration};

use anyhow::{anyhow, bail};
use autoscaler::{
    Autoscaler, Policy,
    calendar::Zone,
    policy::{Knob, RuleKind},
    quantity::Unit,
    time::spoken,
};
use forecast::{Forecaster, Utc};
use replay::{
    Scenario,
    forecasting::{self, Asked},
    report::forecast::Prospect,
    scaler::PolicyScaler,
    scenario::{Load, LoadKind, Measure, Spans},
    service::{Needs, Pace},
    simulation,
};

use super::{chosen, enough, live};
use crate::{
    cli::ForecastArgs,
    commands::cases::{self, cases, warn},
};

/// What is forecast at a moment of a scenario; `None` where the files are wrong, which was said.
pub(super) fn prospect(file: &Path, args: &ForecastArgs) -> anyhow::Result<Option<Prospect>> {
    let file = file.to_owned();
    let policies = args.policy.as_slice();
    let asked = cases::Asked { scenarios: slice::from_ref(&file), policies, seed: None, every: None };
    let Some(all) = cases(asked)? else { return Ok(None) };
    let [case] = all.as_slice() else { bail!("--scenario takes one file, and {} is a folder", file.display()) };
    let scenario = &case.scenario;
    let Some(load) = scenario.load() else {
        bail!("{} has no demand to forecast: it plays signals back; give one with `load:`", scenario.name);
    };
    if args.policy.is_none() && args.rule.is_some() {
        bail!("--rule names a rule of a policy, and no --policy is given: without one the demand itself is forecast");
    }
    let at = args.at.unwrap_or(scenario.lasts);
    if at > scenario.lasts {
        bail!("--at {} is after the end of {}, which lasts {}", spoken(at), scenario.name, spoken(scenario.lasts));
    }
    let until = Scenario { lasts: at, ..scenario.clone() };
    let prospect = match (&args.policy, case.policies.first()) {
        (Some(_), Some((name, policy))) => {
            warn(slice::from_ref(case));
            by_policy(&until, scenario, load, (name, policy), args)?
        }
        _ => of_demand(&until, scenario, load, args)?,
    };
    Ok(Some(prospect))
}

/// What the forecast rule of a policy knows that has scaled until then.
fn by_policy(
    until: &Scenario,
    whole: &Scenario,
    load: &Load,
    (name, policy): (&String, &Arc<Policy>),
    args: &ForecastArgs,
) -> anyhow::Result<Prospect> {
    let rules = policy.rules.iter().zip(1..).filter_map(|(rule, place)| match &rule.kind {
        RuleKind::Forecast(rule) => Some((place, rule)),
        _ => None,
    });
    let (place, rule) = chosen(rules.collect(), args.rule, name)?;
    let mut scaler = PolicyScaler::new(name, Arc::clone(policy));
    simulation::run(until, &mut scaler, &mut []).map_err(|error| anyhow!("{}: {error}", until.name))?;
    let autoscaler: &Autoscaler = scaler.autoscaler();
    let state = autoscaler.memory().forecasts().find(|(other, _)| other + 1 == place as usize);
    let (_, state) = state.ok_or_else(|| anyhow!("{}: nothing was measured yet", until.name))?;
    let evaluation = autoscaler.evaluate(until.ends());
    let now = live::Now::of(&evaluation, place);
    let limits = (policy.limits.min, policy.limits.max);
    let service = until.service.to_string();
    let is_demand = load
        .emits
        .iter()
        .any(|(name, measure)| name == rule.signal.as_str() && *measure == Measure::Requests && requests(load.kind));
    let demand = Demand::new(whole, load);
    let came = |from: u64, to: u64| demand.mean(from, to);
    let given = live::Given {
        source: "policy",
        limits,
        ahead: args.ahead,
        came: is_demand.then_some(&came as &(dyn Fn(u64, u64) -> Option<f64> + Sync)),
    };
    enough(live::of_rule(&service, rule, state, now.as_ref(), given), &until.name)
}

/// What is forecast of the demand itself: by the forecaster that rules have, told the demand as samples would have it.
fn of_demand(until: &Scenario, whole: &Scenario, load: &Load, args: &ForecastArgs) -> anyhow::Result<Prospect> {
    let knob = Knob::IdlePerMissing(whole.objective.idle_per_missing);
    let horizon = start_of(load) + whole.every;
    let mut forecaster = Forecaster::new(knob.quantile());
    let demand = Demand::new(whole, load);
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let (every, ends) = (millis(whole.every).max(1), until.ends().as_millis());
    let mut at = whole.begins.as_millis() + every;
    while at <= ends {
        if let Some(value) = demand.mean(at - every, at) {
            forecaster.observe(at, value, millis(horizon), &Utc);
        }
        at += every;
    }
    let needs = Needs::new(load, &whole.objective, Pace::of(&load.service), whole.replicas.max);
    let count = |value: f64| needs.needed(value).max(whole.replicas.min);
    let unit = match load.kind {
        LoadKind::Cores => Unit::Cores,
        LoadKind::Users { .. } => Unit::Number,
        LoadKind::Requests | LoadKind::Jobs | LoadKind::Sessions { .. } => Unit::PerSecond,
    };
    let sentence = forecasting::sentence(&forecaster, unit, knob);
    let (service, zone) = (whole.service.to_string(), Zone::UTC);
    let asked = Asked {
        service: &service,
        signal: name_of(load.kind),
        unit,
        source: "demand",
        sentence: sentence.as_deref(),
        knob,
        horizon,
        ahead: args.ahead,
        calendar: &Utc,
        zone: &zone,
        replicas: Some(&count),
        per_replica: None,
        came: Some(&|from, to| demand.mean(from, to)),
    };
    enough(forecasting::prospect(&forecaster, &asked), &whole.name)
}

/// The longest that a replica takes to serve, where its image is there.
fn start_of(load: &Load) -> Duration {
    let longest = |spans: &Spans| spans.0.iter().copied().max().unwrap_or_default();
    longest(&load.service.start.boot) + longest(&load.service.start.ready)
}

fn requests(kind: LoadKind) -> bool {
    matches!(kind, LoadKind::Requests | LoadKind::Jobs)
}

fn name_of(kind: LoadKind) -> &'static str {
    match kind {
        LoadKind::Requests => "requests",
        LoadKind::Jobs => "jobs",
        LoadKind::Cores => "cores",
        LoadKind::Users { .. } => "users",
        LoadKind::Sessions { .. } => "sessions",
    }
}

/// The demand of a scenario, as it is.
struct Demand {
    /// From when on, in milliseconds since the epoch, and how much.
    pieces: Vec<(u64, Option<f64>)>,
    ends: u64,
}

impl Demand {
    fn new(scenario: &Scenario, load: &Load) -> Self {
        let begins = scenario.begins;
        let pieces = load.demand.source.walk(scenario).map(|(at, value)| (begins.plus(at).as_millis(), value));
        Self { pieces: pieces.collect(), ends: scenario.ends().as_millis() }
    }

    /// The mean between two moments; `None` in a gap and after the end.
    fn mean(&self, from: u64, to: u64) -> Option<f64> {
        if to > self.ends || to <= from {
            return None;
        }
        let first = self.pieces.partition_point(|(at, _)| *at <= from).checked_sub(1)?;
        let mut sum = 0.0;
        for (place, (at, value)) in self.pieces.iter().enumerate().skip(first).take_while(|(_, (at, _))| *at < to) {
            let until = self.pieces.get(place + 1).map_or(self.ends, |(next, _)| *next).min(to);
            sum += (*value)? * Duration::from_millis(until - (*at).max(from)).as_secs_f64();
        }
        Some(sum / Duration::from_millis(to - from).as_secs_f64())
    }
}
