//! Why a forecast rule wants what it wants: in one paragraph, with every number that it takes to check it by hand.

use std::time::Duration;

use forecast::{Gate, Member};

use crate::{
    evaluation::{Estimate, ForecastReason, Outlook, SignalReading},
    policy::Knob,
    quantity::Unit,
    time::{Timestamp, spoken},
};

pub(super) fn reason(reason: &ForecastReason, reading: Option<&SignalReading>, now: Timestamp) -> String {
    let unit = reading.map_or(Unit::Number, |reading| reading.unit);
    let ForecastReason { signal, demand, per_replica, reactive, .. } = reason;
    let each = unit.print(*per_replica);
    let mut parts = vec![format!("{signal} {} now is work for {reactive} at {each} each", unit.print(*demand))];
    parts.extend(reading.and_then(estimated));
    parts.extend(learned(reason));
    match &reason.outlook {
        Outlook::Learning { scored, of } => {
            parts.push(format!("there is no forecast yet: {scored} of {of} were compared with what came"));
        }
        Outlook::Late { age } => {
            parts.push(format!("there is no forecast: the newest whole step is {} old", spoken(*age)));
        }
        Outlook::Known { next, ahead, by } => {
            parts.push(expected(reason, by, unit));
            let (bound, next_bound) = if by.gate == Gate::Refuted { (by.naive, by.naive) } else { (by.ahead, by.next) };
            parts.push(format!(
                "{} {}{}, work for {ahead}, and {} in the next {}, work for {next}",
                confidence(reason, by),
                unit.print(bound),
                by.capped.map(|most| format!(" ({most} times the most ever seen, and never more)")).unwrap_or_default(),
                unit.print(next_bound),
                spoken(Duration::from_millis(by.step))
            ));
            parts.push(trust(reason, by));
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
            "it is on trial for {} more and does not act: {own} so far, a missing one counted as {}, against {other} of the reactive answer",
            spoken(trial.until.since(now)),
            round(reason.knob.idle_per_missing())
        ));
    }
    parts.join("; ")
}

/// That the demand is more than what was measured: `2 of 5 warm up: counted as the others (the 3 measured use 2.1 cores)`.
fn estimated(reading: &SignalReading) -> Option<String> {
    let Estimate { serving, demand, unsure, most } = reading.estimate?;
    let of = reading.measured + reading.warming + reading.absent;
    let print = |value| reading.unit.print(value);
    let measured = format!("the {} measured use {}", reading.measured, print(reading.total?));
    let (least, most) = (print(demand), print(most));
    let known = (serving > 0).then(|| format!("{serving} of {of} warm up: counted as the others ({measured})"));
    let unknown = (unsure > 0).then(|| {
        format!(
            "{unsure} of {of} warm up without a health check, so that nobody knows whether they serve: it is taken as it was \
             before, within {least} and {most}"
        )
    });
    Some(known.into_iter().chain(unknown).collect::<Vec<_>>().join("; "))
}

/// How what one replica carries was learned: `(0.7 − 0.02) / 0.005 = 136`, or `0.7 / 0.0051 = 136`.
fn learned(reason: &ForecastReason) -> Option<String> {
    let fit = reason.learned?;
    let within = format!("give or take {:.0} %", fit.within * 100.0);
    let (slope, signal, rows) = (fit.slope, &reason.signal, fit.rows);
    let busy = fit.rate * slope;
    Some(match fit.line {
        Some(line) => format!(
            "that was learned: of {:.3} cores {:.3} go without load, and {slope:.5} for each 1 of {signal} ({within}; {rows} \
             measurements, of which the line explains {:.0} %)",
            busy + line.idle,
            line.idle,
            line.r_squared * 100.0
        ),
        None => format!(
            "that was learned: {busy:.3} cores are {slope:.5} for each 1 of {signal} ({within}; the median of the {rows} \
             measurements nearest to that load; how many go without load is not known)"
        ),
    })
}

fn expected(reason: &ForecastReason, by: &forecast::Outlook, unit: Unit) -> String {
    let horizon = spoken(reason.horizon);
    let why = match reason.starts {
        None => "as given".to_owned(),
        Some(0) => "as no start of a replica was seen yet".to_owned(),
        Some(1) => "the one start that was seen, and one sample".to_owned(),
        Some(starts) => format!("nine of ten of {starts} starts took no longer, and one sample"),
    };
    let told = by.weights.iter().take(4);
    let mut weights: Vec<String> = told.clone().map(|(member, weight)| weight_of(*member, *weight, by)).collect();
    let rest = 1.0 - told.map(|(_, weight)| weight).sum::<f64>();
    if rest >= 0.005 {
        weights.push(format!("{:.0} % other", rest * 100.0));
    }
    format!("in {horizon} ({why}) {} are expected ({})", unit.print(by.middle), weights.join(", "))
}

/// `80 % as one day ago`.
fn weight_of(member: Member, weight: f64, by: &forecast::Outlook) -> String {
    let season = by.season_of(member);
    let season = season.map_or("season".to_owned(), |season| spoken(Duration::from_millis(season)));
    let last = |steps: u32| spoken(Duration::from_millis(by.step).saturating_mul(steps));
    let what = match member {
        Member::Naive => "as now".to_owned(),
        Member::Smoothed => "as of late".to_owned(),
        Member::DampedTrend => "a trend that fades".to_owned(),
        Member::Line => format!("a line through the last {}", last(8)),
        Member::Usual => "as usual".to_owned(),
        Member::ShortPeak => format!("the most of the last {}", last(6)),
        Member::LongPeak => format!("the most of the last {}", last(24)),
        Member::SeasonAgo => format!("as {season} ago"),
        Member::ShortSeason | Member::LongSeason => format!("as usual at this time of {season}"),
        Member::Fourier => format!("a curve of {season}"),
    };
    format!("{:.0} % {what}", weight * 100.0)
}

/// `in 90.9 % of cases (10 idle for one missing) it is at most`.
fn confidence(reason: &ForecastReason, by: &forecast::Outlook) -> String {
    let quantile = reason.knob.quantile() * 100.0;
    let why = match reason.knob {
        Knob::IdlePerMissing(idle) => format!("{idle} idle for one missing"),
        Knob::Misses(misses) => format!("too few in {} % at most", round(misses * 100.0)),
    };
    let level = by.level * 100.0;
    let than = if level > quantile { "more" } else { "fewer" };
    let aim = if (level - quantile).abs() >= 0.05 {
        format!("; {level:.1} % are aimed at, as {than} were missed than that")
    } else {
        String::new()
    };
    format!("in {quantile:.1} % of cases ({why}{aim}) it is at most")
}

/// Whether it may go below the reactive answer, and what says so.
fn trust(reason: &ForecastReason, by: &forecast::Outlook) -> String {
    let (misses, of) = by.misses;
    let allowed = (1.0 - reason.knob.quantile()) * f64::from(of);
    let recent = format!("{misses} of the last {of} were missed, where {allowed:.1} are allowed");
    let reactive = reason.reactive;
    let gate = match by.gate {
        _ if by.burst => {
            format!("more are missed than chance explains, so that it goes no lower than the {reactive} for now")
        }
        Gate::Learning => {
            format!("too few were compared with what came, so that it goes no lower than the {reactive} for now")
        }
        Gate::Raises => {
            format!("that it is better is not proven, so that it goes no lower than the {reactive} for now")
        }
        Gate::Proven => format!("that it is better is proven, so that it may go below the {reactive} for now"),
        Gate::Refuted => {
            format!("it did worse, so that the bound of \"as now\" counts, and no fewer than the {reactive} for now")
        }
    };
    let Some(skill) = by.skill else { return format!("{recent}; {gate}") };
    let (cost, from, to) = (than_naive(skill.skill), than_naive(skill.from), than_naive(skill.to));
    format!("{recent}; its bound cost {cost} than that of \"as now\" ({from} to {to}, with 90 % certainty): {gate}")
}

/// `12 % less`, or `5 % more`.
fn than_naive(skill: f64) -> String {
    let percent = skill.min(1.0).abs() * 100.0;
    format!("{percent:.0} % {}", if skill < 0.0 { "more" } else { "less" })
}

/// Without what calculation in binary adds.
fn round(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

/// From which demand on there would be more at once.
pub(super) fn turning_point(reason: &ForecastReason, reading: &SignalReading, current: u32) -> Option<String> {
    let more = reading.unit.print(f64::from(current) * reason.per_replica);
    let known = matches!(&reason.outlook, Outlook::Known { by, .. } if by.gate == Gate::Proven);
    (!known).then(|| format!("more above {} {more} now", reason.signal))
}
