//! Whether what contenders differ by is more than chance, in words.

use serde::Serialize;

use super::{DEFINITIONS, Definition, words};
use crate::ranking::Difference;

/// How a contender differs from the best one in a measure, over all scenarios and seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Significance {
    /// What it is called.
    pub name: String,
    /// Who does best over all of them.
    pub best: String,
    /// The name of the measure in JSON, as its [`Definition`] has it.
    pub measure: &'static str,
    /// Whether the difference of a pair is a share of the best one's value, and not a plain difference.
    pub relative: bool,
    /// The contender's value less the best one's.
    #[serde(flatten)]
    pub difference: Difference,
    /// What can be said.
    pub finding: Finding,
}

/// What can be said about a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// All pairs are equal.
    Equal,
    /// There are fewer than [`Finding::FEWEST`] pairs that differ: whatever they say, it may be chance.
    TooFew,
    /// It may be chance: `p` is [`Finding::LEVEL`] or more.
    NotShown,
    /// It is more than chance.
    Shown,
}

impl Finding {
    /// How unlikely a difference has to be if there is none.
    pub const LEVEL: f64 = 0.05;
    /// With fewer pairs even the clearest result, all of them on one side, has a `p` of at least `2 / 2^5`, above the level.
    pub const FEWEST: usize = 6;

    /// Of a difference.
    pub fn of(difference: &Difference) -> Self {
        match difference.p {
            None => Self::Equal,
            Some(_) if difference.unequal < Self::FEWEST => Self::TooFew,
            Some(p) if p >= Self::LEVEL => Self::NotShown,
            Some(_) => Self::Shown,
        }
    }

    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::TooFew => "too few pairs to tell",
            Self::NotShown => "may be chance",
            Self::Shown => "more than chance",
        }
    }
}

impl Significance {
    /// What is to be known of a table of these.
    pub const NOTE: &str = "A pair is one scenario under one seed; a scenario that is the same under all seeds is one pair. The mean \
        counts each scenario the same, its interval is a bootstrap of scenarios and seeds, and p is Wilcoxon's signed-rank \
        test, two-sided, for each row by itself. Fewer than six pairs that differ cannot tell: add scenarios, or --seeds.";

    /// The measure for people.
    pub fn title(&self) -> &'static str {
        self.definition().map_or(self.measure, |definition| definition.title)
    }

    /// The mean: `+12 %`, `-1.2 pp`.
    pub fn mean(&self) -> String {
        self.written(self.difference.mean)
    }

    /// The interval: `+3 % … +20 %`.
    pub fn interval(&self) -> String {
        format!("{} … {}", self.written(self.difference.low), self.written(self.difference.high))
    }

    /// The probability: `0.031`, `< 0.001`.
    pub fn p(&self) -> String {
        match self.difference.p {
            None => "–".to_owned(),
            Some(p) if p < 0.001 => "< 0.001".to_owned(),
            Some(p) => format!("{p:.3}"),
        }
    }

    /// The pairs: `12`, or `12, 3 equal`.
    pub fn pairs(&self) -> String {
        let Difference { pairs, unequal, .. } = self.difference;
        if pairs == unequal { format!("{pairs}") } else { format!("{pairs}, {} equal", pairs - unequal) }
    }

    fn definition(&self) -> Option<&'static Definition> {
        DEFINITIONS.iter().find(|definition| definition.key == self.measure)
    }

    fn written(&self, value: f64) -> String {
        let sign = if value > 0.0 { "+" } else { "" };
        let unit = if self.relative { "%" } else { "pp" };
        format!("{sign}{} {unit}", words::digits(value * 100.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_than_six_pairs_that_differ_are_too_few_to_tell() {
        let of = |pairs, unequal, p| Finding::of(&Difference { pairs, unequal, mean: 1.0, low: 0.5, high: 1.5, p });
        for (name, found, expected) in [
            ("all equal", of(9, 0, None), Finding::Equal),
            ("five, all on one side", of(5, 5, Some(0.0625)), Finding::TooFew),
            ("many pairs, of which five differ", of(40, 5, Some(0.0625)), Finding::TooFew),
            ("six, all on one side", of(6, 6, Some(0.03125)), Finding::Shown),
            ("twenty on both sides", of(20, 20, Some(0.4)), Finding::NotShown),
        ] {
            assert_eq!(found, expected, "{name}");
        }
    }
}
