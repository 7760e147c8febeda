//! Why a forecast rule wants what it wants: in one paragraph, with every number that it takes to check it by hand.

use std::time::Duration;

use forecast::{Gate, Member};

use crate::{
    evaluation::{ForecastReason, Outlook, SignalReading},
    policy::Knob,
    quantity::Unit,
    time::{Timestamp, spoken},
};

pub(super) fn reason(reason: &ForecastReason, reading: Option<&SignalReading>, now: Timestamp) -> String {
    let unit = reading.map_or(Unit::Number, |reading| reading.unit);
    let ForecastReason { signal, demand, per_replica, reactive, .. } = reason;
    let each = unit.print(*per_replica);
    let mut parts = vec![format!("{signal} {} now is work for {reactive} at {each} each", unit.print(*demand))];
    parts.extend(learned(reason));
    match &reason.outlook {
        Outlook::Learning { scored, of } => {
            parts.push(format!("there is no forecast yet: {scored} of {of} were compared with what came"));
        }
        Outlook::Late { age } => {
            parts.push(format!("there is no forecast: the newest whole step is {} old", spoken(*age)));
        }
        Outlook::Known { next, ahead, by } => {
            let bound = bound(reason, by, unit);
            parts.push(expected(reason, by, unit));
            parts.push(format!("{bound}, which is work for {ahead}, and {next} in the next {}", step(by)));
            parts.push(trust(by));
        }
    }
    if let Some((waiting, boost)) = reason.backlog {
        parts.push(format!("{} that wait are work for {boost} more", Unit::Number.print(waiting)));
    }
    if let Some((held, until)) = reason.held {
        let left = spoken(until.since(now));
        parts.push(format!("{held} were needed a moment ago and stay for {left} more: a new one would take as long"));
    }
    if let Some(trial) = reason.trial {
        let cost = |cost: f64| format!("{cost:.1} replica-hours");
        let (own, other) = (cost(trial.cost), cost(trial.reactive));
        parts.push(format!(
            "it is on trial for {} more and does not act: {own} so far, missing ones at their price, against {other} of the reactive answer",
            spoken(trial.until.since(now))
        ));
    }
    parts.join("; ")
}

fn learned(reason: &ForecastReason) -> Option<String> {
    let fit = reason.learned?;
    Some(format!(
        "that was learned: {:.4} ± {:.4} cores per unit beside {:.3} idle ({} rows, R² {:.2}, robust slope {:.4})",
        fit.slope,
        fit.slope_within,
        fit.idle.max(0.0),
        fit.rows,
        fit.r_squared,
        fit.median_slope
    ))
}

fn expected(reason: &ForecastReason, by: &forecast::Outlook, unit: Unit) -> String {
    let horizon = spoken(reason.horizon);
    let why = match reason.starts {
        None => "as given".to_owned(),
        Some(0) => "assumed: no start of a replica was seen yet".to_owned(),
        Some(1) => "as the one start seen took, and one sample".to_owned(),
        Some(starts) => format!("nine of ten of {starts} starts took no longer, and one sample"),
    };
    let weights: Vec<String> =
        by.weights.iter().take(4).map(|(member, weight)| weight_of(*member, *weight, by)).collect();
    format!("in {horizon} ({why}) {} are expected: {}", unit.print(by.middle), weights.join(", "))
}

/// `80 % as one day ago`.
fn weight_of(member: Member, weight: f64, by: &forecast::Outlook) -> String {
    let season =
        |season: Option<&u64>| season.map_or("season".to_owned(), |season| spoken(Duration::from_millis(*season)));
    let (short, long) = (season(by.seasons.first()), season(by.seasons.last()));
    let what = match member {
        Member::Naive => "as now".to_owned(),
        Member::Smoothed => "as of late".to_owned(),
        Member::DampedTrend => "trend that fades".to_owned(),
        Member::Line => "line through the last 8 steps".to_owned(),
        Member::Usual => "as it usually is".to_owned(),
        Member::ShortPeak => "most of the last 6 steps".to_owned(),
        Member::LongPeak => "most of the last 24 steps".to_owned(),
        Member::SeasonAgo => format!("as {long} ago"),
        Member::ShortSeason => format!("usual for the time in {short}"),
        Member::LongSeason => format!("usual for the time in {long}"),
        Member::Fourier => format!("curve of {long}"),
    };
    format!("{:.0} % {what}", weight * 100.0)
}

fn bound(reason: &ForecastReason, by: &forecast::Outlook, unit: Unit) -> String {
    let quantile = reason.knob.quantile() * 100.0;
    let why = match reason.knob {
        Knob::IdlePerMissing(idle) => format!("{idle} idle for one missing"),
        Knob::Misses(misses) => format!("short in {} % of time at most", misses * 100.0),
    };
    let bound = if by.gate == Gate::Refuted { by.naive } else { by.ahead };
    let capped = by.capped.map(|most| format!(" (no more than {most} times the most ever seen)")).unwrap_or_default();
    let level = by.level * 100.0;
    let aim =
        if (level - quantile).abs() >= 0.05 { format!(", for which {level:.1} % are aimed at") } else { String::new() };
    format!("{quantile:.1} % of the time it is at most {}{capped} ({why}{aim})", unit.print(bound))
}

fn trust(by: &forecast::Outlook) -> String {
    let skill = by.skill.map_or("it was never wrong".to_owned(), |skill| {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let (better, from, to) = (percent(skill.skill), percent(skill.from), percent(skill.to));
        format!("its bound cost {better} less than that of `as now` ({from} to {to})")
    });
    let (misses, of) = by.misses;
    let recent = format!("{misses} of the last {of} were missed");
    let gate = match by.gate {
        _ if by.burst => "a burst: more are missed than chance explains, so that it may only raise the count",
        Gate::Learning => "its skill is not known yet, so that it may only raise the count",
        Gate::Raises => "its skill is not proven, so that it may only raise the count",
        Gate::Proven => "its skill is proven, so that it may lower the count as well",
        Gate::Refuted => "it is worse than `as now`, which counts in its place",
    };
    format!("{gate}: {skill}, {recent}")
}

fn step(by: &forecast::Outlook) -> String {
    spoken(Duration::from_millis(by.step))
}

/// From which demand on there would be more at once.
pub(super) fn turning_point(reason: &ForecastReason, reading: &SignalReading, current: u32) -> Option<String> {
    let more = reading.unit.print(f64::from(current) * reason.per_replica);
    let known = matches!(&reason.outlook, Outlook::Known { by, .. } if by.gate == Gate::Proven);
    (!known).then(|| format!("more above {} {more} now", reason.signal))
}
