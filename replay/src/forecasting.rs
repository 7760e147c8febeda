//! What a forecaster knows, put together for people: what was and what had been said of it, what is to come and how many
//! replicas carry it, how good that was, and what it goes by.
//!
//! ```text
//! forecaster ─▶ the same with steps that suit how far one looks ─▶ rehearsals, one for each step ahead ─▶ Prospect
//! ```
//!
//! A rehearsal goes through the newest 512 steps that are kept and says at each what would have been said, with the seasons that
//! are known now: it judges the forecast as it is, where the [live scores](Prospect::live) judge what was said.

use std::{collections::BTreeMap, num::NonZero, thread, time::Duration};

use autoscaler::{
    policy::Knob,
    quantity::Unit,
    time::{Timestamp, spoken},
};
use forecast::{Calendar, Forecaster, Gate, Member, Rehearsal, Scores};

use crate::{
    parallel,
    report::forecast::{Live, MemberWeights, Moment, PlanSpan, Prospect, Score, Seasonal, Span, VERSION, words_of},
};

/// Lengths of a step that people count in, in milliseconds.
const LENGTHS: [u64; 18] = [
    1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
    3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000,
];
/// Steps ahead, about.
const STEPS_AHEAD: u64 = 96;
/// Steps to a horizon that is scored, about.
const STEPS_SCORED: u64 = 24;
/// Fewer forecasts that were compared with what came give no score.
const FEWEST: u64 = 8;
/// Horizons that are scored beside the next step and the rule's own.
const HORIZONS: [(&str, Duration); 3] =
    [("1h", Duration::from_hours(1)), ("6h", Duration::from_hours(6)), ("24h", Duration::from_hours(24))];

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
    let (lead, reach) = (shown.to(asked.horizon), (outlook.made_at, outlook.made_at + ahead));
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
        weights: outlook.weights.clone(),
        weights_over_time: weights(by),
        notes,
    })
}

/// What a forecaster expects, where no rule of a policy says it.
pub fn sentence(forecaster: &Forecaster, unit: Unit, knob: Knob) -> Option<String> {
    let by = forecaster.outlook()?;
    let lead = millis(by.step * u64::try_from(by.lead).unwrap_or(1));
    let mixed =
        by.weights.iter().take(4).map(|(member, weight)| format!("{:.0} % {}", weight * 100.0, words_of(*member)));
    let gate = match by.gate {
        Gate::Learning => "its skill is not known yet",
        Gate::Raises => "its skill is not proven",
        Gate::Proven => "its skill is proven",
        Gate::Refuted => "it is worse than `as now`, which would count in its place",
    };
    let skill =
        by.skill.map(|skill| format!(": its bound cost {:.0} % less than that of `as now`", skill.skill * 100.0));
    Some(format!(
        "{} now; in {lead} {} are expected: {}; {:.1} % of the time it is at most {} ({} idle for one missing); {gate}{}, {} of \
         the last {} were missed",
        unit.print(forecaster.history().last()),
        unit.print(by.middle),
        mixed.collect::<Vec<_>>().join(", "),
        knob.quantile() * 100.0,
        unit.print(by.ahead),
        knob.idle_per_missing(),
        skill.unwrap_or_default(),
        by.misses.0,
        by.misses.1,
    ))
}

/// A forecaster with steps of one length.
struct Steps {
    step: u64,
    forecaster: Forecaster,
}

impl Steps {
    fn of(forecaster: &Forecaster, step: u64, calendar: &dyn Calendar) -> Self {
        if step <= forecaster.step() {
            return Self { step: forecaster.step(), forecaster: forecaster.clone() };
        }
        Self { step, forecaster: forecaster.with_steps_of(step, calendar) }
    }

    /// So many steps from now to then.
    fn to(&self, horizon: Duration) -> i64 {
        i64::try_from(whole_millis(horizon).div_ceil(self.step)).unwrap_or(1).max(1)
    }

    /// For one lead, and for each of the next steps.
    fn rehearse(&self, lead: i64, count: i64, calendar: &(dyn Calendar + Sync)) -> Vec<Rehearsal> {
        let leads: Vec<i64> = std::iter::once(lead).chain(1..=count).collect();
        let jobs = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        let all = parallel::map(&leads, jobs, &|_, _| {}, |lead| self.forecaster.rehearse(*lead, calendar));
        all.into_iter().flatten().collect()
    }
}

/// The shortest length of a step that is at least so long, and not shorter than the forecaster's own.
fn step_for(least: u64, own: u64) -> u64 {
    LENGTHS.into_iter().find(|length| *length >= least.max(own)).unwrap_or(own)
}

fn past(shown: &Steps, by: &Rehearsal, asked: &Asked<'_>) -> Vec<Moment> {
    let said: BTreeMap<u64, (f64, f64)> = by.said.iter().map(|(at, middle, bound)| (*at, (*middle, *bound))).collect();
    let own = shown.step.max(1);
    let measured = shown.forecaster.measured().into_iter().filter(|(_, width, _)| *width == own);
    let measured: BTreeMap<u64, f64> = measured.map(|(at, _, actual)| (at, actual)).collect();
    let since = by.weights.first().map(|(at, _)| *at);
    let (Some(since), Some((last, _))) = (since, measured.last_key_value()) else { return Vec::new() };
    let moment = |at: u64| {
        let (actual, said) = (measured.get(&at).copied(), said.get(&at).copied());
        let replicas = |value: Option<f64>| asked.replicas.zip(value).map(|(replicas, value)| replicas(value));
        Moment {
            at: Timestamp::from_millis(at),
            actual,
            middle: said.map(|(middle, _)| middle),
            bound: said.map(|(_, bound)| bound),
            needed: replicas(actual),
            replicas: replicas(said.map(|(_, bound)| bound)),
        }
    };
    // What was not measured is a gap, and no step is left out.
    (0..=(last.saturating_sub(since)) / own).map(|step| moment(since + step * own)).collect()
}

/// From now until then, in milliseconds since the epoch.
fn ahead_of(rehearsals: &[Rehearsal], shown: &Steps, asked: &Asked<'_>, (now, until): (u64, u64)) -> Vec<Span> {
    let span = |ahead: &Rehearsal| {
        // The newest long step may not be full yet: of the one that goes on, what is left of it.
        let from = (ahead.at - shown.step).max(now);
        (from < ahead.at && from < until).then(|| Span {
            from: Timestamp::from_millis(from),
            to: Timestamp::from_millis(ahead.at),
            middle: ahead.middle,
            bound: ahead.bound,
            replicas: asked.replicas.map(|replicas| replicas(ahead.bound)),
            actual: asked.came.and_then(|came| came(from, ahead.at)),
        })
    };
    rehearsals.iter().filter_map(span).collect()
}

/// Neighbours of equal counts are one span; without counts there is no plan.
fn plan(ahead: &[Span]) -> Vec<PlanSpan> {
    let mut plan: Vec<PlanSpan> = Vec::new();
    for span in ahead {
        let Some(replicas) = span.replicas else { return Vec::new() };
        let width = span.to.since(span.from).as_secs_f64();
        match plan.last_mut().filter(|last| last.replicas == replicas) {
            Some(last) => {
                let before = last.to.since(last.from).as_secs_f64();
                last.expected = (last.expected * before + span.middle * width) / (before + width);
                last.bound = last.bound.max(span.bound);
                last.to = span.to;
            }
            None => {
                plan.push(PlanSpan {
                    from: span.from,
                    to: span.to,
                    expected: span.middle,
                    bound: span.bound,
                    replicas,
                });
            }
        }
    }
    plan
}

/// Of the next step, the rule's horizon and those that people ask for, as far as history allows.
fn scores(
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

fn score(name: &str, step: u64, lead: i64, scores: &Scores, quantile: f64) -> Score {
    Score {
        horizon: name.to_owned(),
        lead: Duration::from_millis(step * u64::try_from(lead).unwrap_or(1)),
        step: Duration::from_millis(step),
        count: scores.count,
        mase: scores.mase(),
        wape: scores.wape(),
        skill: scores.skill(),
        above: scores.missed(),
        allowed: 1.0 - quantile,
    }
}

fn live(forecaster: &Forecaster, lead: i64) -> Option<Live> {
    let scores = forecaster.scores();
    let score = score("horizon", forecaster.step(), lead, &scores, forecaster.quantile());
    (scores.count >= FEWEST).then_some(Live { score })
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

#[cfg(test)]
mod tests {
    use forecast::Utc;

    use super::*;

    const MINUTE: u64 = 60_000;

    /// Ten hours, in which the same comes again every hour; nothing was measured in the minutes of `gap`.
    fn told(gap: std::ops::Range<u64>) -> Forecaster {
        let mut forecaster = Forecaster::new(0.9);
        for minute in (1..=600).filter(|minute| !gap.contains(minute)) {
            let value = 100.0 + 50.0 * (minute as f64 / 60.0 * std::f64::consts::TAU).sin();
            forecaster.observe(minute * MINUTE, value, 3 * MINUTE, &Utc);
        }
        forecaster
    }

    fn asked(replicas: &(dyn Fn(f64) -> u32 + Sync), ahead: Duration) -> Asked<'_> {
        Asked {
            service: "shop/web",
            signal: "requests",
            unit: Unit::PerSecond,
            source: "demand",
            sentence: None,
            knob: Knob::IdlePerMissing(9.0),
            horizon: Duration::from_mins(3),
            ahead,
            calendar: &Utc,
            replicas: Some(replicas),
            per_replica: None,
            came: None,
        }
    }

    #[test]
    fn what_was_not_measured_is_a_gap_and_no_step_is_left_out() {
        let prospect = prospect(&told(500..510), &asked(&|_| 1, Duration::from_hours(1))).expect("there is enough");
        assert!(prospect.past.windows(2).all(|pair| pair[1].at.since(pair[0].at) == prospect.shown_step));
        let gap = prospect.past.iter().filter(|moment| moment.actual.is_none()).count();
        assert_eq!((gap, prospect.shown_step), (10, Duration::from_mins(1)));
    }

    #[test]
    fn the_plan_begins_now_has_no_holes_and_joins_equal_counts() {
        let by_40 = |value: f64| if value > 120.0 { 4 } else { 2 };
        let prospect = prospect(&told(0..0), &asked(&by_40, Duration::from_hours(3))).expect("there is enough");
        let (plan, now) = (&prospect.plan, prospect.at);
        assert_eq!(plan[0].from, now);
        assert!(plan.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].replicas != pair[1].replicas));
        assert!(plan.last().is_some_and(|last| last.to >= now.plus(Duration::from_hours(3))));
        assert!((6..=8).contains(&plan.len()), "up and down every hour: {plan:?}");
    }

    #[test]
    fn nobody_plans_farther_than_history_reaches() {
        let prospect = prospect(&told(0..0), &asked(&|_| 1, Duration::from_hours(24))).expect("there is enough");
        let ahead = prospect.ahead.last().map(|span| span.to.since(prospect.at));
        assert!(ahead.is_some_and(|ahead| ahead < Duration::from_hours(11)), "{ahead:?}");
        assert!(prospect.notes.iter().any(|note| note.contains("the plan ends after")), "{:?}", prospect.notes);
    }

    #[test]
    fn too_little_history_says_how_much_there_is_and_how_much_it_takes() {
        let mut young = Forecaster::new(0.9);
        for minute in 1..=5 {
            young.observe(minute * MINUTE, 1.0, 3 * MINUTE, &Utc);
        }
        let error = prospect(&young, &asked(&|_| 1, Duration::from_hours(1))).expect_err("too little").to_string();
        assert!(error.contains("in 3 steps of 1m") && error.contains("it takes 11m"), "{error}");
    }
}
