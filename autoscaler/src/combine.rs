//! From what each rule wants to what they want together: the largest wins, and nothing is removed while one cannot tell.

use crate::{
    evaluation::{Combined, Opinion, Recommendation},
    policy::Direction,
};

/// What `recommendations` want together, starting from `current` replicas.
///
/// | some rule                                  | result                                                |
/// |--------------------------------------------|-------------------------------------------------------|
/// | wants more than `current`                  | the most that any wants                               |
/// | cannot tell, or waits for a step upwards   | no opinion: hold                                      |
/// | wants as many or fewer                     | the most that any wants                               |
/// | – all abstain or wait for a step downwards | no opinion: hold                                      |
pub(crate) fn combine(recommendations: &[Recommendation], current: u32) -> Combined {
    let mut largest: Option<(u32, usize)> = None;
    let mut unknown = None;
    let mut waiting = None;
    for recommendation in recommendations {
        match recommendation.opinion {
            Opinion::Wants(wants) if largest.is_none_or(|(most, _)| wants > most) => {
                largest = Some((wants, recommendation.rule));
            }
            Opinion::Unknown => unknown = unknown.or(Some(recommendation.rule)),
            Opinion::Waits(Direction::Up) => waiting = waiting.or(Some(recommendation.rule)),
            Opinion::Wants(_) | Opinion::Waits(Direction::Down) | Opinion::Abstains => {}
        }
    }
    match (largest, unknown, waiting) {
        (Some((wants, winner)), ..) if wants > current => {
            Combined { wants: Some(wants), winner: Some(winner), blind: false }
        }
        (_, Some(rule), _) => Combined { wants: None, winner: Some(rule), blind: true },
        (_, None, Some(rule)) => Combined { wants: None, winner: Some(rule), blind: false },
        (Some((wants, winner)), None, None) => Combined { wants: Some(wants), winner: Some(winner), blind: false },
        (None, None, None) => Combined { wants: None, winner: None, blind: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evaluation::{Gap, RuleReason},
        quantity::SignalName,
    };

    #[test]
    fn the_largest_wins_and_nothing_is_removed_while_one_cannot_tell() {
        use Opinion::{Abstains, Unknown, Waits, Wants};
        let down = Waits(Direction::Down);
        let up = Waits(Direction::Up);
        for (name, opinions, wants, winner, blind) in [
            ("no rule has an opinion", vec![Abstains, down], None, None, false),
            ("the largest wins", vec![Wants(6), Wants(8)], Some(8), Some(1), false),
            ("the first of equals is named", vec![Wants(6), Wants(6)], Some(6), Some(0), false),
            ("more is wanted although one cannot tell", vec![Unknown, Wants(6)], Some(6), Some(1), false),
            ("fewer is not, while one cannot tell", vec![Unknown, Wants(2)], None, Some(0), true),
            ("nor while one waits for a step upwards", vec![up, Wants(2)], None, Some(0), false),
            ("one that waits for a step downwards does not object", vec![down, Wants(2)], Some(2), Some(1), false),
            ("as many as now keeps another from removing", vec![Wants(4), Wants(2)], Some(4), Some(0), false),
        ] {
            let recommendations: Vec<_> = opinions
                .into_iter()
                .enumerate()
                .map(|(rule, opinion)| Recommendation {
                    rule,
                    opinion,
                    reason: RuleReason::Missing { signal: SignalName::new("cpu"), gap: Gap::Never },
                })
                .collect();
            assert_eq!(combine(&recommendations, 4), Combined { wants, winner, blind }, "{name}");
        }
    }
}
