//! Turns an evaluation into sentences: the one place that does.

use std::fmt::Write as _;

use crate::{
    Evaluation, Verdict,
    evaluation::{Freeze, Gap, Guard, GuardEffect, Opinion, Recommendation, RuleReason, SignalReading, ThresholdState},
    event::{Outcome, Phase},
    policy::{Direction, Mode, Side},
    quantity::{Quantity, Unit},
    time::{Timestamp, spoken},
};

/// The verdict and what decided it, in one sentence.
pub fn sentence(evaluation: &Evaluation) -> String {
    let verdict = match evaluation.verdict {
        Verdict::Unseen => return "not seen on its host yet".to_owned(),
        Verdict::Hold { at } => format!("hold at {at}"),
        Verdict::Scale { from, to } if evaluation.mode == Mode::Observe => format!("would scale {from} → {to}"),
        Verdict::Scale { from, to } => format!("scale {from} → {to}"),
    };
    let mut text = format!("{verdict}: {}", why(evaluation));
    if let Some(Outcome::Failed { why, .. }) = &evaluation.outcome {
        text.push_str("; the last attempt failed: ");
        text.push_str(why);
    }
    text
}

/// What each rule wanted, one sentence each.
pub fn rules(evaluation: &Evaluation) -> Vec<String> {
    let each = evaluation.recommendations.iter().zip(&evaluation.signals);
    each.map(|(recommendation, reading)| {
        let opinion = match recommendation.opinion {
            Opinion::Wants(wants) => format!("wants {wants}"),
            Opinion::Abstains => "does not apply".to_owned(),
            Opinion::Waits(Direction::Up) => "waits before it adds".to_owned(),
            Opinion::Waits(Direction::Down) => "waits before it removes".to_owned(),
            Opinion::Unknown => "cannot tell".to_owned(),
        };
        format!("{} {opinion}: {}", name(recommendation), reason(recommendation, reading, evaluation))
    })
    .collect()
}

/// What each guard did, one sentence each, in the order of application.
pub fn guards(evaluation: &Evaluation) -> Vec<String> {
    evaluation.effects.iter().map(|effect| guard(effect, evaluation)).collect()
}

/// What would change it next, in one sentence.
pub fn next(evaluation: &Evaluation) -> Option<String> {
    let current = evaluation.current?;
    let mut parts: Vec<String> = Vec::new();
    for (recommendation, reading) in evaluation.recommendations.iter().zip(&evaluation.signals) {
        if let RuleReason::Target { per_replica, tolerance, warming, .. } = &recommendation.reason {
            parts.push(turning_points(reading, *per_replica, *tolerance, *warming, current));
        }
    }
    if let Some(until) = evaluation.effects.iter().filter_map(|effect| effect.until).min() {
        parts.push(format!("a guard lets go in {}", spoken(until.since(evaluation.at))));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// A signal's value as a rule reads it, with its unit; `None` while it is missing.
pub fn signal(reading: &SignalReading) -> Option<String> {
    let total = reading.total?;
    let text = reading.unit.print(total);
    Some(match reading.shares {
        Some(shares) if reading.measured > 0 => {
            let mean = Unit::Share.print(shares / f64::from(reading.measured));
            format!("{text} ({mean} of the limit)")
        }
        _ => text,
    })
}

/// Why a signal is missing or does not cover all replicas.
pub fn gap(reading: &SignalReading) -> Option<String> {
    reading.gap.as_ref().map(gap_sentence)
}

/// What decided the verdict: a guard that holds everything, else the rules and the guards that changed what they want.
fn why(evaluation: &Evaluation) -> String {
    let frozen = evaluation.effects.iter().find(|effect| matches!(effect.guard, Guard::Freeze(_)));
    if let Some(effect) = frozen {
        return guard(effect, evaluation);
    }
    let mut text = wish(evaluation);
    for effect in &evaluation.effects {
        text.push_str(", but ");
        text.push_str(&guard(effect, evaluation));
    }
    text
}

/// What the rules want together.
fn wish(evaluation: &Evaluation) -> String {
    let winner = evaluation.combined.winner.and_then(|rule| {
        let found = evaluation.recommendations.iter().position(|recommendation| recommendation.rule == rule)?;
        Some((&evaluation.recommendations[found], &evaluation.signals[found]))
    });
    let Some((recommendation, reading)) = winner else {
        return nothing_wanted(evaluation);
    };
    let reason = reason(recommendation, reading, evaluation);
    match (evaluation.combined.wants, evaluation.combined.blind) {
        (_, true) if evaluation.verdict.direction().is_some() => format!("blind: {reason}"),
        (_, true) => format!("blind: {reason}; nothing is removed without that"),
        (Some(wants), _) if evaluation.verdict.replicas() != Some(wants) => {
            format!("{} wants {wants} ({reason})", name(recommendation))
        }
        _ => reason,
    }
}

/// Why no rule has an opinion.
fn nothing_wanted(evaluation: &Evaluation) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for (recommendation, reading) in evaluation.recommendations.iter().zip(&evaluation.signals) {
        reasons.push(reason(recommendation, reading, evaluation));
    }
    reasons.join("; ")
}

/// What a rule is called in a sentence: its place from 1, as people count.
fn name(recommendation: &Recommendation) -> String {
    format!("rule {}", recommendation.rule + 1)
}

fn reason(recommendation: &Recommendation, reading: &SignalReading, evaluation: &Evaluation) -> String {
    match &recommendation.reason {
        RuleReason::Missing { signal, gap: Gap::Idle } => {
            format!("{signal} has no value: {}", gap_sentence(&Gap::Idle))
        }
        RuleReason::Missing { signal, gap } => format!("{signal} is missing: {}", gap_sentence(gap)),
        RuleReason::Target { signal, per_replica, load, warming, absent, tolerance, within_tolerance } => {
            let value = reading.total.map_or_else(String::new, |total| format!(" {}", reading.unit.print(total)));
            let mut text = format!(
                "{signal}{value} over {} is work for {} at {} each",
                spoken(reading.window),
                replicas(*load),
                each(*per_replica)
            );
            if *within_tolerance {
                write!(text, ", within the tolerance of {}", Unit::Share.print(*tolerance)).ok();
            }
            if *warming > 0 {
                write!(text, ", {warming} more starting or warming up").ok();
            }
            if *absent > 0 {
                write!(text, ", {absent} without a sample").ok();
            }
            text
        }
        RuleReason::Threshold { signal, level, when, bound, state } => {
            let level = match bound {
                Quantity::OfLimit(_) => Unit::Share.print(*level),
                Quantity::Absolute { .. } => reading.unit.print(*level),
            };
            format!("{signal} is {level}, {}", threshold(*when, *bound, *state, evaluation.at))
        }
    }
}

fn threshold(when: Side, bound: Quantity, state: ThresholdState, now: Timestamp) -> String {
    let side = match when {
        Side::Above => "above",
        Side::Below => "below",
    };
    match state {
        ThresholdState::Clear => format!("not {side} {bound}"),
        ThresholdState::Pending { since, until } => {
            format!("{side} {bound} for {} of {}", spoken(now.since(since)), spoken(until.since(since)))
        }
        ThresholdState::Settling { ready, target } => {
            format!("{side} {bound}, but the last step has not had its effect yet ({ready} of {target} serve)")
        }
        ThresholdState::Breached { since } => match now.since(since) {
            span if span.is_zero() => format!("{side} {bound}"),
            span => format!("{side} {bound} for {}", spoken(span)),
        },
    }
}

fn guard(effect: &GuardEffect, evaluation: &Evaluation) -> String {
    let to = effect.to;
    let left =
        effect.until.map_or_else(String::new, |until| format!(" for {} more", spoken(until.since(evaluation.at))));
    match &effect.guard {
        Guard::Stabilization(Direction::Up) => format!("up.stabilize keeps it to {to}{left}"),
        Guard::Stabilization(Direction::Down) => {
            format!("down.stabilize keeps {to}{left}: that many were wanted not long ago")
        }
        Guard::Cooldown(Direction::Up) => format!("up.cooldown keeps {to}{left}"),
        Guard::Cooldown(Direction::Down) => format!("down.cooldown keeps {to}{left}"),
        Guard::Min => format!("replicas.min is {to}"),
        Guard::Max => format!("replicas.max is {to}"),
        Guard::Most => format!("its own configuration allows no more than {to}"),
        Guard::Freeze(freeze) => frozen(freeze, evaluation),
    }
}

fn frozen(freeze: &Freeze, evaluation: &Evaluation) -> String {
    match freeze {
        Freeze::HostLost => "its host has not been heard of; nothing is changed meanwhile".to_owned(),
        Freeze::Refused(causes) => format!("it cannot be scaled: {}", causes.join("; ")),
        Freeze::Phase(Phase::Changing { since, why }) => {
            let span = spoken(evaluation.at.since(*since));
            format!("somebody else has been changing the project for {span} ({why}); waiting until that is quiet")
        }
        Freeze::Phase(Phase::Stopped { .. }) => "somebody stopped it; it stays so until one replica runs".to_owned(),
        Freeze::Phase(Phase::Settled) => "nothing is changed just now".to_owned(),
    }
}

fn gap_sentence(gap: &Gap) -> String {
    match gap {
        Gap::Never => "no sample yet".to_owned(),
        Gap::Stale { age } => format!("the newest sample is {} old", spoken(*age)),
        Gap::WarmingUp => "the replicas are too new to say anything yet".to_owned(),
        Gap::SomeReplicas { missing, of } => format!("{missing} of {of} replicas have no sample"),
        Gap::NoLimit => "no limit is known to take a share of".to_owned(),
        Gap::Idle => "no request came that it could be of".to_owned(),
        Gap::Said(why) => why.clone(),
    }
}

/// From which demand on a `target` rule wants more, and below which fewer.
fn turning_points(
    reading: &SignalReading,
    per_replica: Quantity,
    tolerance: f64,
    warming: u32,
    current: u32,
) -> String {
    let present = f64::from(current);
    let more = present * (1.0 + tolerance);
    let fewer = ((present - 1.0).min(present * (1.0 - tolerance)) - f64::from(warming)).max(0.0);
    let print = |load: f64| match (per_replica, reading.total, reading.shares) {
        (Quantity::Absolute { value, .. }, ..) => reading.unit.print(load * value),
        (Quantity::OfLimit(share), Some(total), Some(shares)) if shares > 0.0 => {
            reading.unit.print(load * share * total / shares)
        }
        (Quantity::OfLimit(share), ..) => Unit::Share.print(load * share / present.max(1.0)),
    };
    let signal = &reading.signal;
    if fewer > 0.0 && current > 1 {
        format!("more above {signal} {}, fewer at {} or below", print(more), print(fewer))
    } else {
        format!("more above {signal} {}", print(more))
    }
}

fn each(quantity: Quantity) -> String {
    match quantity {
        Quantity::OfLimit(_) => format!("{quantity} of the limit"),
        Quantity::Absolute { .. } => quantity.to_string(),
    }
}

/// A load as so many replicas' worth.
fn replicas(load: f64) -> String {
    format!("{} replicas", Unit::Number.print((load * 10.0).round() / 10.0))
}
