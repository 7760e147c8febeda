//! Two contenders beside each other, in words.

use serde::Serialize;

use super::{Contender, words};

/// One contender beside the first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Who is compared.
    pub name: String,
    /// With whom.
    pub with: String,
    /// Whether it does better.
    pub verdict: Verdict,
    /// By how much, in a sentence.
    pub sentence: String,
    /// What it pays for replicas, as a share of what the first pays, less one: -0.12 is 12 % less.
    pub replica_hours: Option<f64>,
    /// Its share of late and lost requests less that of the first.
    pub late: Option<f64>,
    /// Its changes less those of the first.
    pub changes: Option<f64>,
    /// Its cost, missing replicas included, as a share of that of the first, less one.
    pub cost: Option<f64>,
}

/// Whether one does better than another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is better in what it pays or in what users feel, and worse in neither.
    Better,
    /// The other way around.
    Worse,
    /// Better in one and worse in the other, but better with missing replicas priced in.
    DearerButBetter,
    /// Better in one and worse in the other, and worse with missing replicas priced in.
    CheaperButWorse,
    /// There is no difference to speak of.
    Same,
}

/// Differences below a thousandth are not spoken of.
const NOTICEABLE: f64 = 0.001;

impl Comparison {
    /// `other` beside `first`.
    pub(super) fn of(first: &Contender, other: &Contender) -> Self {
        let both = |key: &str| Some((first.figures.get(key)?, other.figures.get(key)?));
        let ratio = |key: &str| both(key).filter(|(one, _)| *one > 0.0).map(|(one, two)| two / one - 1.0);
        let difference = |key: &str| both(key).map(|(one, two)| two - one);
        let (replica_hours, cost) = (ratio("replica_hours"), ratio("cost"));
        let (late, changes) = (difference("late"), difference("changes"));
        let verdict = verdict(replica_hours.unwrap_or(0.0), late.unwrap_or(0.0), cost.unwrap_or(0.0));
        let mut comparison = Self {
            name: other.name.clone(),
            with: first.name.clone(),
            verdict,
            sentence: String::new(),
            replica_hours,
            late,
            changes,
            cost,
        };
        comparison.sentence = comparison.words(first, other);
        comparison
    }

    fn words(&self, first: &Contender, other: &Contender) -> String {
        let (name, with) = (&self.name, &self.with);
        let mut parts = Vec::new();
        if let Some(ratio) = self.replica_hours {
            parts.push(match sign(ratio) {
                0 => format!("pays as much for replicas as {with}"),
                1 => format!("pays {} more for replicas than {with}", words::percent(ratio)),
                _ => format!("pays {} less for replicas than {with}", words::percent(-ratio)),
            });
        }
        if let (Some(difference), Some(one), Some(two)) =
            (self.late, first.figures.get("late"), other.figures.get("late"))
        {
            let (one, two) = (words::percent(one), words::percent(two));
            parts.push(match sign(difference) {
                0 => format!("keeps as many users waiting ({two})"),
                1 => format!("lets more requests be late or lost ({two} instead of {one})"),
                _ => format!("lets fewer requests be late or lost ({two} instead of {one})"),
            });
        }
        if let (Some(one), Some(two)) = (first.figures.get("changes"), other.figures.get("changes")) {
            parts.push(if (one - two).abs() < 0.5 {
                format!("changes the count as often ({})", words::number(two))
            } else {
                format!("changes the count {} times instead of {}", words::number(two), words::number(one))
            });
        }
        if let (Verdict::DearerButBetter | Verdict::CheaperButWorse, Some(cost)) = (self.verdict, self.cost) {
            let direction = if cost < 0.0 { "less" } else { "more" };
            parts.push(format!("with missing replicas priced in costs {} {direction}", words::percent(cost.abs())));
        }
        match parts.split_last() {
            None => format!("{name} cannot be compared with {with}."),
            Some((only, [])) => format!("{name} {only}."),
            Some((last, before)) => format!("{name} {} and {last}.", before.join(", ")),
        }
    }
}

impl Verdict {
    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::DearerButBetter => "better on the whole",
            Self::CheaperButWorse => "worse on the whole",
            Self::Same => "the same",
        }
    }
}

fn sign(value: f64) -> i8 {
    if value.abs() < NOTICEABLE { 0 } else { i8::from(value > 0.0) * 2 - 1 }
}

fn verdict(replica_hours: f64, late: f64, cost: f64) -> Verdict {
    match (sign(replica_hours), sign(late)) {
        (0, 0) => Verdict::Same,
        (-1 | 0, -1 | 0) => Verdict::Better,
        (0 | 1, 0 | 1) => Verdict::Worse,
        _ if cost < 0.0 => Verdict::DearerButBetter,
        _ => Verdict::CheaperButWorse,
    }
}
