//! Who scales best over many scenarios and seeds, and whether the difference is more than chance.
//!
//! Two ways to rank, both after Ilyushkin et al.: "An experimental performance evaluation of autoscaling policies for complex
//! workflows", ICPE 2017: points in pairwise comparisons, and the fractional difference from the best. And two ways to
//! compare a pair: Wilcoxon's signed-rank test, and an interval of confidence by the bootstrap.

mod difference;

use std::cmp::Ordering;

pub use difference::{Difference, difference, wilcoxon};

use crate::measures::Measures;
pub use crate::report::Rank;

/// A measure that contenders are ranked by; less is better.
#[derive(Clone, Copy, Debug)]
pub struct Criterion {
    /// What it is called.
    pub name: &'static str,
    /// Its value; `None` where there is none.
    pub of: fn(&Measures) -> Option<f64>,
    /// Less than this counts as this, so that a share of the best value is defined and means something.
    pub clip: Clip,
}

/// The least that a value counts as.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// So much.
    Value(f64),
    /// So large a share of the worst value.
    OfWorst(f64),
}

/// One percentage point, for what is in per cent.
const POINT: Clip = Clip::Value(1.0);
const OF_WORST: Clip = Clip::OfWorst(0.01);

/// Measures of each kind: of the elasticity, of what users felt, of the cost.
pub const CRITERIA: [Criterion; 8] = [
    Criterion { name: "theta_u", of: |measures| Some(measures.elasticity.theta_u), clip: POINT },
    Criterion { name: "theta_o", of: |measures| Some(measures.elasticity.theta_o), clip: POINT },
    Criterion { name: "tau_u", of: |measures| Some(measures.elasticity.tau_u), clip: POINT },
    Criterion { name: "tau_o", of: |measures| Some(measures.elasticity.tau_o), clip: POINT },
    Criterion { name: "instability", of: |measures| Some(measures.elasticity.instability), clip: POINT },
    Criterion { name: "late", of: |measures| measures.users.late, clip: Clip::Value(0.01) },
    Criterion { name: "replica_hours", of: |measures| Some(measures.cost.replica_hours), clip: OF_WORST },
    Criterion { name: "cost", of: |measures| Some(measures.cost.total), clip: OF_WORST },
];

/// Ranks contenders, best first. Each has a name and its measures in all trials, the same ones in the same order; where one
/// has fewer, the others' further trials are left out for all.
///
/// *Points*: in each trial and for each criterion, of two contenders the better one gets a point, and each half a one where
/// they are equal. *Distance*: `Σ (value - best) / best` over criteria, the mean over trials; the best is the least value of
/// any contender in that trial, and all count as the criterion's clip at least.
pub fn rank(contenders: &[(String, Vec<Measures>)]) -> Vec<Rank> {
    let trials = contenders.iter().map(|(_, trials)| trials.len()).min().unwrap_or(0);
    let mut ranks: Vec<Rank> =
        contenders.iter().map(|(name, _)| Rank { name: name.clone(), points: 0.0, distance: 0.0 }).collect();
    for trial in 0..trials {
        for criterion in &CRITERIA {
            let values: Vec<Option<f64>> =
                contenders.iter().map(|(_, trials)| (criterion.of)(&trials[trial])).collect();
            for (rank, value) in ranks.iter_mut().zip(&values) {
                rank.points += points(*value, &values);
                rank.distance += distance(*value, &values, criterion.clip) / trials as f64;
            }
        }
    }
    ranks.sort_by(|left, right| right.points.total_cmp(&left.points).then(left.distance.total_cmp(&right.distance)));
    ranks
}

/// What a value gets against all; of these one is itself, which is worth nothing.
fn points(value: Option<f64>, all: &[Option<f64>]) -> f64 {
    let Some(value) = value else { return 0.0 };
    let each = all.iter().flatten().map(|other| match compare(value, *other) {
        Ordering::Less => 1.0,
        Ordering::Equal => 0.5,
        Ordering::Greater => 0.0,
    });
    each.sum::<f64>() - 0.5
}

fn distance(value: Option<f64>, all: &[Option<f64>], clip: Clip) -> f64 {
    let clip = match clip {
        Clip::Value(least) => least,
        Clip::OfWorst(share) => all.iter().flatten().copied().fold(0.0, f64::max) * share,
    };
    let best = all.iter().flatten().copied().fold(f64::INFINITY, f64::min).max(clip);
    // All of them nothing: nobody is farther than another.
    value.filter(|_| best > 0.0).map_or(0.0, |value| (value.max(clip) - best) / best)
}

/// What rounding makes of equal values is equal.
fn compare(left: f64, right: f64) -> Ordering {
    if (left - right).abs() <= 1e-9 * left.abs().max(right.abs()) { Ordering::Equal } else { left.total_cmp(&right) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "halves are exact")]

    use super::*;

    #[test]
    fn points_are_for_who_is_better_and_halves_for_who_is_equal() {
        let all = [Some(1.0), Some(2.0), Some(2.0 + 1e-12), None];
        assert_eq!(all.map(|value| points(value, &all)), [2.0, 0.5, 0.5, 0.0]);
    }

    #[test]
    fn the_distance_is_a_share_of_the_best_that_is_never_nothing() {
        let all = [Some(0.0), Some(0.02), Some(3.0), None];
        let found = all.map(|value| distance(value, &all, Clip::Value(0.01)));
        assert_eq!(found[0], 0.0);
        assert!((found[1] - 1.0).abs() < 1e-12 && (found[2] - 299.0).abs() < 1e-9, "{found:?}");
        assert_eq!(found[3], 0.0);
        let found = all.map(|value| distance(value, &all, OF_WORST));
        assert!((found[2] - 99.0).abs() < 1e-9 && found[1] == 0.0, "{found:?}");
        let none = [Some(0.0), Some(0.0)];
        assert_eq!(none.map(|value| distance(value, &none, OF_WORST)), [0.0, 0.0]);
    }
}
