//! What a verdict and its reason are in kind: a decision is worth a line of history when its headline changes, and not
//! when only a number in its sentence does.

use std::mem::{Discriminant, discriminant};

use autoscaler::{
    Evaluation, Verdict,
    evaluation::{Guard, Opinion, RuleReason},
    policy::Direction,
};

/// What a verdict and its reason are in kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Headline {
    verdict: Verdict,
    winner: Option<usize>,
    blind: bool,
    opinions: Vec<(Discriminant<Opinion>, Discriminant<RuleReason>)>,
    guards: Vec<Discriminant<Guard>>,
    outcome_failed: bool,
}

impl Headline {
    /// That of an evaluation.
    pub(crate) fn of(evaluation: &Evaluation) -> Self {
        let kinds = |recommendation: &autoscaler::evaluation::Recommendation| {
            (discriminant(&recommendation.opinion), discriminant(&recommendation.reason))
        };
        Self {
            verdict: evaluation.verdict,
            winner: evaluation.combined.winner,
            blind: evaluation.combined.blind,
            opinions: evaluation.recommendations.iter().map(kinds).collect(),
            guards: evaluation.effects.iter().map(|effect| discriminant(&effect.guard)).collect(),
            outcome_failed: evaluation.outcome.is_some(),
        }
    }
}

/// `up`, `down` or `hold`.
pub(crate) fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict.direction() {
        Some(Direction::Up) => "up",
        Some(Direction::Down) => "down",
        None => "hold",
    }
}
