//! What a decision and its reason are in kind, so that only what is new of them is news.

use std::mem::{Discriminant, discriminant};

use autoscaler::{Evaluation, evaluation::Guard};

/// What the last decision was in kind. Numbers in its sentence do not make another one of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headline {
    winner: Option<usize>,
    blind: bool,
    guards: Vec<Discriminant<Guard>>,
}

impl Headline {
    /// Takes an evaluation in; gives whether it is another one in kind.
    pub(crate) fn is_news(&mut self, evaluation: &Evaluation) -> bool {
        let combined = evaluation.combined;
        let guards = || evaluation.effects.iter().map(|effect| discriminant(&effect.guard));
        if self.winner == combined.winner && self.blind == combined.blind && guards().eq(self.guards.iter().copied()) {
            return false;
        }
        (self.winner, self.blind) = (combined.winner, combined.blind);
        self.guards.clear();
        self.guards.extend(guards());
        true
    }
}
