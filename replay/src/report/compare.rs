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
    /// It is better in what it pays, in what users feel or with missing replicas priced in, and worse in none of these.
    Better,
    /// The other way around.
    Worse,
    /// Better in some and worse in others, but better with missing replicas priced in.
    DearerButBetter,
    /// Better in some and worse in others, and worse with missing replicas priced in.
    CheaperButWorse,
    /// There is no difference to speak of, or what is better weighs as much as what is worse.
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
        // Who was spared faults cannot be compared in what users felt.
        let late = difference("late").filter(|_| first.spared == other.spared);
        let changes = difference("changes");
        // Of nothing there is no share: then it is more or it is not.
        let more = |key: &str| both(key).map_or(0.0, |(one, two)| if one > 0.0 { two / one - 1.0 } else { two });
        let verdict = verdict(more("replica_hours"), late.unwrap_or(0.0), more("cost"));
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
        let with = &self.with;
        let name = match &other.note {
            Some(note) => format!("{} ({note})", self.name),
            None => self.name.clone(),
        };
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
                let with =
                    if words::number(two) == "1" { words::times(one) } else { words::times(one).replace(" times", "") };
                format!("changes the count {} instead of {with}", words::times(two))
            });
        }
        if let Some(cost) = self.cost.filter(|cost| self.depends_on(*cost)) {
            parts.push(match sign(cost) {
                0 => "with missing replicas priced in costs as much".to_owned(),
                1 => format!("with missing replicas priced in costs {} more", words::percent(cost)),
                _ => format!("with missing replicas priced in costs {} less", words::percent(-cost)),
            });
        }
        match parts.split_last() {
            None => format!("{name} cannot be compared with {with}."),
            Some((only, [])) => format!("{name} {only}."),
            Some((last, before)) => format!("{name} {} and {last}.", before.join(", ")),
        }
    }

    /// Whether the verdict does not follow from what it pays for replicas and from what users feel alone.
    fn depends_on(&self, cost: f64) -> bool {
        let (hours, late) = (sign(self.replica_hours.unwrap_or(0.0)), sign(self.late.unwrap_or(0.0)));
        let mixed = [hours, late, sign(cost)].into_iter().any(|one| one < 0) && [hours, late, sign(cost)].contains(&1);
        mixed || (hours == 0 && late == 0 && sign(cost) != 0)
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

/// The cost has the last word: nobody is better who costs more with missing replicas priced in.
fn verdict(replica_hours: f64, late: f64, cost: f64) -> Verdict {
    let signs = [replica_hours, late, cost].map(sign);
    match (signs.contains(&-1), signs.contains(&1)) {
        (false, false) => Verdict::Same,
        (true, false) => Verdict::Better,
        (false, true) => Verdict::Worse,
        (true, true) => match sign(cost) {
            0 => Verdict::Same,
            1 => Verdict::CheaperButWorse,
            _ => Verdict::DearerButBetter,
        },
    }
}
