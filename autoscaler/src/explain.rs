//! Turns an evaluation into sentences: the one place that does.

mod guards;
mod rules;

pub use rules::outlook;

use crate::{
    Evaluation, Verdict,
    evaluation::{Activity, Gap, Guard, RuleReason, SignalReading, Wakeup, WakeupReason},
    event::Outcome,
    policy::Mode,
    quantity::Unit,
    time::spoken,
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
    evaluation.recommendations.iter().map(|recommendation| rules::sentence(recommendation, evaluation)).collect()
}

/// What each guard did, one sentence each, in the order of application.
pub fn guards(evaluation: &Evaluation) -> Vec<String> {
    evaluation.effects.iter().map(|effect| guards::sentence(effect, evaluation)).collect()
}

/// What rules warn of, one sentence each.
pub fn warnings(evaluation: &Evaluation) -> Vec<String> {
    evaluation.recommendations.iter().filter_map(|recommendation| rules::warning(recommendation, evaluation)).collect()
}

/// What would change it next, in one sentence.
pub fn next(evaluation: &Evaluation) -> Option<String> {
    // The next decision starts from what this one leaves.
    let from = match evaluation.mode {
        Mode::Act => evaluation.verdict.replicas()?,
        Mode::Observe => evaluation.current?,
    };
    let acting = evaluation.recommendations.iter().filter(|recommendation| !recommendation.observes);
    let mut parts: Vec<String> = match evaluation.combined.activity {
        Activity::Inactive => acting.filter_map(|rule| rules::activation(rule, evaluation)).collect(),
        _ => acting.filter_map(|rule| rules::turning_points(rule, evaluation, from)).collect(),
    };
    parts.extend(idles(evaluation));
    if from >= evaluation.limits.max {
        parts.push(format!("no more than replicas.max, which is {}", evaluation.limits.max));
    }
    let held = evaluation.effects.iter().filter_map(|effect| Some((guards::again(effect, evaluation)?, &effect.guard)));
    if let Some((left, guard)) = held.min_by_key(|(left, _)| *left) {
        parts.push(format!("{} lets go in {}", guards::name(guard), spoken(left)));
    }
    if let Some(Wakeup { at, because: WakeupReason::Fallback(signal) }) = &evaluation.next {
        parts.push(format!("the fallback for {signal} begins in {}", spoken(at.since(evaluation.at))));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// From which level on an active service is idle, where there is but one rule, and it says that level.
fn idles(evaluation: &Evaluation) -> Option<String> {
    let Activity::Active { .. } = evaluation.combined.activity else { return None };
    let acting = evaluation.recommendations.iter().filter(|recommendation| !recommendation.observes);
    let mut acting = acting.peekable();
    let rule = acting.next().filter(|rule| rule.activate > 0.0 && acting.peek().is_none())?;
    Some(format!("idle at {} or below", rules::activation_level(rule, evaluation)?))
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
        return guards::sentence(effect, evaluation);
    }
    let mut text = wish(evaluation);
    for effect in &evaluation.effects {
        text.push_str(", but ");
        text.push_str(&guards::sentence(effect, evaluation));
    }
    text
}

/// What the rules want together.
fn wish(evaluation: &Evaluation) -> String {
    if evaluation.combined.activity == Activity::Inactive {
        return inactive(evaluation);
    }
    let winner = evaluation.combined.winner;
    let winner = winner.and_then(|rule| evaluation.recommendations.iter().find(|other| other.rule == rule));
    let Some(recommendation) = winner else {
        return nothing_wanted(evaluation);
    };
    let reason = rules::reason(recommendation, evaluation);
    match (evaluation.combined.wants, evaluation.combined.blind) {
        (_, true) if evaluation.verdict.direction().is_some() => format!("blind: {reason}"),
        (_, true) => format!("blind: {reason}; nothing is removed without that"),
        (Some(wants), _) if evaluation.verdict.replicas() != Some(wants) => {
            format!("{} wants {wants} ({reason})", rules::name(recommendation))
        }
        _ => reason,
    }
}

/// Why no rule has an opinion.
fn nothing_wanted(evaluation: &Evaluation) -> String {
    let acting = || evaluation.recommendations.iter().filter(|recommendation| !recommendation.observes);
    let reasons: Vec<String> = acting().map(|recommendation| rules::reason(recommendation, evaluation)).collect();
    if reasons.is_empty() { "no rule acts".to_owned() } else { reasons.join("; ") }
}

/// That no rule is active.
fn inactive(evaluation: &Evaluation) -> String {
    let own = evaluation.recommendations.iter().filter(|recommendation| !recommendation.observes);
    let reasons: Vec<String> = own
        .filter(|recommendation| !matches!(recommendation.reason, RuleReason::Unsaid))
        .map(|recommendation| {
            rules::inactive(recommendation, evaluation).unwrap_or_else(|| rules::reason(recommendation, evaluation))
        })
        .collect();
    format!("there is nothing to do ({})", reasons.join("; "))
}

pub(crate) fn gap_sentence(gap: &Gap) -> String {
    match gap {
        Gap::Never => "no sample yet".to_owned(),
        Gap::Stale { age } => format!("the newest sample is {} old", spoken(*age)),
        Gap::WarmingUp => "the replicas are too new to say anything yet".to_owned(),
        Gap::SomeReplicas { missing, of } => format!("{missing} of {of} replicas have no sample"),
        Gap::NoLimit => "no limit is known to take a share of".to_owned(),
        Gap::Idle => "no request came that it could be of".to_owned(),
        Gap::Said(why) => why.clone(),
        Gap::NotLearned(why) => format!("what one replica carries is not learned yet: {why}"),
    }
}
