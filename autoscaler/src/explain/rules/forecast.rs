//! Why a forecast rule wants what it wants: in one paragraph, with every number that it takes to check it by hand.

use std::time::Duration;

use forecast::{Gate, Member, Share};

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
        Outlook::Incomplete { absent: 1 } => {
            parts.push("there is no forecast while the sample of one replica is missing".to_owned());
        }
        Outlook::Incomplete { absent } => {
            parts.push(format!("there is no forecast while the samples of {absent} replicas are missing"));
        }
        Outlook::Known { next, ahead, by } => {
            parts.push(format!("in {} ({}) {}", spoken(reason.horizon), horizon(reason.starts), expected(by, unit)));
            parts.push(format!("{}, work for {ahead}", at_most(by, reason.knob, unit)));
            let until = if by.gate == Gate::Refuted { by.naive } else { by.next };
            parts.push(format!("until then {} are reckoned with, work for {next}", unit.print(until)));
            parts.push(missed(by, reason.knob));
            parts.push(trust(reason.reactive, by));
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

/// Why it looks so far ahead.
fn horizon(starts: Option<u32>) -> String {
    match starts {
        None => "as given".to_owned(),
        Some(0) => "as no replica was seen to become healthy yet".to_owned(),
        Some(1) => "the one start that was seen, and one sample".to_owned(),
        Some(starts) => format!("nine of ten of {starts} starts took no longer, and one sample"),
    }
}

/// What is to come by a forecast that no rule gave: in the mean, at most, and how good that was.
pub fn outlook(by: &forecast::Outlook, knob: Knob, unit: Unit) -> String {
    let horizon = spoken(Duration::from_millis(by.step.saturating_mul(by.lead.unsigned_abs())));
    let trusted = match by.gate {
        _ if by.burst => "more are missed than chance explains",
        Gate::Learning => "too few were compared with what came",
        Gate::Raises => "that it is better is not proven",
        Gate::Proven => "that it is better is proven",
        Gate::Refuted => "it did worse, so that the bound of \"as now\" counts",
    };
    let parts =
        [format!("in {horizon} {}", expected(by, unit)), at_most(by, knob, unit), missed(by, knob), cost(by, trusted)];
    parts.join("; ")
}

/// `176/s are expected (80 % of 180/s, as one day ago; 20 % of 160/s, as now)`.
fn expected(by: &forecast::Outlook, unit: Unit) -> String {
    /// That are told one by one.
    const MOST: usize = 4;
    let mut parts: Vec<String> = by.shares.iter().take(MOST).map(|share| share_of(share, by, unit)).collect();
    let rest = 1.0 - by.shares.iter().take(MOST).map(|share| share.weight).sum::<f64>();
    if rest >= 0.005 {
        parts.push(format!("{:.0} % other", rest * 100.0));
    }
    format!("{} are expected ({})", unit.print(by.middle), parts.join("; "))
}

/// `80 % of 180/s, as one day ago`.
fn share_of(share: &Share, by: &forecast::Outlook, unit: Unit) -> String {
    let season = by.season_of(share.member);
    let season = season.map_or("season".to_owned(), |season| spoken(Duration::from_millis(season)));
    let last = |steps: u32| spoken(Duration::from_millis(by.step).saturating_mul(steps));
    let what = match share.member {
        Member::Naive => "as now".to_owned(),
        Member::Smoothed => "as of late".to_owned(),
        Member::DampedTrend => "a trend that fades".to_owned(),
        Member::Line => format!("a line through the last {}", last(8)),
        Member::Usual => "and by how much it usually is above that".to_owned(),
        Member::ShortPeak => format!("the most of the last {}", last(6)),
        Member::LongPeak => format!("the most of the last {}", last(24)),
        Member::SeasonAgo => format!("as {season} ago"),
        Member::ShortSeason | Member::LongSeason => format!("as usual at this time of {season}"),
        Member::Fourier => format!("a curve of {season}"),
    };
    format!("{:.0} % of {}, {what}", share.weight * 100.0, unit.print(share.says))
}

/// `in 90.9 % of cases (10 idle for one missing) it is at most 179/s (3/s more, by what these were off of late)`.
fn at_most(by: &forecast::Outlook, knob: Knob, unit: Unit) -> String {
    let quantile = knob.quantile() * 100.0;
    let why = match knob {
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
    let bound = if by.gate == Gate::Refuted { by.naive } else { by.ahead };
    let off = bound - by.middle;
    let than = if off < 0.0 { "less" } else { "more" };
    let origin = match by.capped {
        Some(most) => format!("{most} times the most ever seen, and never more"),
        None if by.gate == Gate::Refuted => "by what \"as now\" was off of late".to_owned(),
        None => format!("{} {than}, by what these were off of late", unit.print(off.abs())),
    };
    format!("in {quantile:.1} % of cases ({why}{aim}) it is at most {} ({origin})", unit.print(bound))
}

/// How often the bound was missed.
fn missed(by: &forecast::Outlook, knob: Knob) -> String {
    let (misses, of) = by.misses;
    let allowed = (1.0 - knob.quantile()) * f64::from(of);
    format!("{misses} of the last {of} were missed, where {allowed:.1} are allowed")
}

/// Whether it may go below the reactive answer, and what says so.
fn trust(reactive: u32, by: &forecast::Outlook) -> String {
    let no_lower = format!("so that it goes no lower than the {reactive} that the demand now needs");
    let gate = match by.gate {
        _ if by.burst => format!("more are missed than chance explains, {no_lower}"),
        Gate::Learning => format!("too few were compared with what came, {no_lower}"),
        Gate::Raises => format!("that it is better is not proven, {no_lower}"),
        Gate::Proven if by.missed => {
            format!("that it is better is proven; but the newest was missed, {no_lower}")
        }
        Gate::Proven => {
            format!("that it is better is proven, so that it may go below the {reactive} that the demand now needs")
        }
        Gate::Refuted => format!("it did worse, so that the bound of \"as now\" counts, {no_lower}"),
    };
    cost(by, &gate)
}

/// What its bound cost, and what follows.
fn cost(by: &forecast::Outlook, follows: &str) -> String {
    let Some(skill) = by.skill else { return follows.to_owned() };
    let (cost, from, to) = (than_naive(skill.skill), than_naive(skill.from), than_naive(skill.to));
    format!("its bound cost {cost} than that of \"as now\" ({from} to {to}, with 90 % certainty): {follows}")
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
