//! Whether two contenders differ by more than chance.

use rand_chacha::{ChaCha8Rng, rand_core::Rng};
use serde::Serialize;

use crate::chance::{self, Purpose};

/// How one contender differs from another in a measure, over scenarios and seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Pairs of runs.
    pub pairs: usize,
    /// Those of them that are not equal, on which the test stands.
    pub unequal: usize,
    /// The mean of the first less the second, each scenario counting the same.
    pub mean: f64,
    /// The 95 % interval of that: percentiles of a bootstrap that draws scenarios, and within each of them seeds.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// How likely a difference as large as this is if there is none, by Wilcoxon's signed-rank test over all pairs, two-sided;
    /// `None` where all pairs are equal.
    pub p: Option<f64>,
}

/// So many times the bootstrap draws.
const DRAWS: usize = 10_000;
/// Up to so many pairs the test's probabilities are counted, and not approximated.
const COUNTED: usize = 300;

/// Compares two contenders: for each scenario the values of each seed, the same seeds for both. `None` where there is no
/// pair. What is drawn follows from `seed`.
pub fn difference(first: &[Vec<f64>], second: &[Vec<f64>], seed: u64) -> Option<Difference> {
    let scenarios: Vec<Vec<f64>> = first
        .iter()
        .zip(second)
        .map(|(first, second)| first.iter().zip(second).map(|(first, second)| first - second).collect())
        .filter(|seeds: &Vec<f64>| !seeds.is_empty())
        .collect();
    if scenarios.is_empty() {
        return None;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let means: Vec<f64> = scenarios.iter().map(|seeds| mean(seeds)).collect();
    let mut numbers = chance::stream(seed, Purpose::Bootstrap);
    let mut drawn: Vec<f64> = (0..DRAWS).map(|_| draw(&scenarios, &mut numbers)).collect();
    drawn.sort_by(f64::total_cmp);
    let pairs = scenarios.concat();
    Some(Difference {
        pairs: pairs.len(),
        unequal: pairs.iter().filter(|by| differs(**by)).count(),
        mean: mean(&means),
        low: drawn[DRAWS / 40],
        high: drawn[DRAWS - 1 - DRAWS / 40],
        p: wilcoxon(&pairs),
    })
}

/// How likely it is that so many differences lie so much to one side if both sides are equally likely: Wilcoxon: "Individual
/// comparisons by ranking methods", Biometrics Bulletin 1945; two-sided. Pairs that are equal are left out, and equal
/// differences share their ranks. All signs are counted through for up to 300 pairs, ties included; beyond, the normal
/// approximation with corrections for continuity and ties is taken. `None` where all pairs are equal.
pub fn wilcoxon(differences: &[f64]) -> Option<f64> {
    let mut differences: Vec<f64> = differences.iter().copied().filter(|by| differs(*by)).collect();
    if differences.is_empty() {
        return None;
    }
    differences.sort_by(|left, right| left.abs().total_cmp(&right.abs()));
    // Twice the ranks, so that those shared by two are whole numbers, too.
    let mut doubled = Vec::with_capacity(differences.len());
    for equal in differences.chunk_by(|left, right| left.abs().to_bits() == right.abs().to_bits()) {
        let first = doubled.len() + 1;
        let last = doubled.len() + equal.len();
        doubled.extend(std::iter::repeat_n(first + last, equal.len()));
    }
    let all: usize = doubled.iter().sum();
    let above: usize = doubled.iter().zip(&differences).filter(|(_, by)| **by > 0.0).map(|(rank, _)| rank).sum();
    let smaller = above.min(all - above);
    let one_sided = if doubled.len() <= COUNTED { counted(&doubled, smaller) } else { approximated(&doubled, smaller) };
    Some((2.0 * one_sided).min(1.0))
}

fn differs(by: f64) -> bool {
    by != 0.0 && by.is_finite()
}

/// The mean over scenarios that were drawn of means over seeds that were drawn.
fn draw(scenarios: &[Vec<f64>], numbers: &mut ChaCha8Rng) -> f64 {
    let mut sum = 0.0;
    for _ in scenarios {
        let seeds = &scenarios[place(scenarios.len(), numbers)];
        let values = (0..seeds.len()).map(|_| seeds[place(seeds.len(), numbers)]);
        sum += values.sum::<f64>() / seeds.len() as f64;
    }
    sum / scenarios.len() as f64
}

fn place(places: usize, numbers: &mut ChaCha8Rng) -> usize {
    usize::try_from((u128::from(numbers.next_u64()) * places as u128) >> 64).unwrap_or(0)
}

/// The probability that of these ranks, each taken with one half, the sum is no more than so much.
fn counted(doubled: &[usize], smaller: usize) -> f64 {
    let mut likely = vec![0.0; smaller + 1];
    likely[0] = 1.0;
    for &rank in doubled {
        for sum in (0..=smaller).rev() {
            let taken = sum.checked_sub(rank).map_or(0.0, |before| likely[before]);
            likely[sum] = f64::midpoint(likely[sum], taken);
        }
    }
    likely.iter().sum()
}

/// As [`counted`], by a normal distribution of the same mean and variance.
fn approximated(doubled: &[usize], smaller: usize) -> f64 {
    let mean = doubled.iter().map(|rank| *rank as f64).sum::<f64>() / 2.0;
    let deviation = doubled.iter().map(|rank| (*rank as f64).powi(2)).sum::<f64>().sqrt() / 2.0;
    // Sums are two apart.
    let far = ((mean - smaller as f64 - 1.0) / deviation).max(0.0);
    upper_tail(far)
}

/// The share of a standard normal distribution above `far`, which is at least zero; off by less than 1e-7. Abramowitz and
/// Stegun, "Handbook of mathematical functions", 26.2.17.
fn upper_tail(far: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * far);
    let factors = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let polynomial = factors.iter().rev().fold(0.0, |sum, factor| (sum + factor) * t);
    (-far * far / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * polynomial
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    #[expect(clippy::approx_constant, reason = "a measured 3.14")]
    fn the_test_gives_the_probabilities_of_published_examples() {
        // The depression scale of Hollander and Wolfe, as in the manual of R's wilcox.test: V = 40, one-sided p = 0.01953.
        let before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
        let after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
        let depression: Vec<f64> = before.iter().zip(after).map(|(before, after)| before - after).collect();
        let cases: [(&str, &[f64], Option<f64>); 5] = [
            ("depression", &depression, Some(2.0 * 0.019_531_25)),
            ("five of five", &[1.0, 2.0, 3.0, 4.0, 5.0], Some(0.0625)),
            ("equal both ways", &[1.0, -1.0], Some(1.0)),
            ("equal pairs say nothing", &[0.0, 0.0], None),
            ("nothing", &[], None),
        ];
        for (name, differences, expected) in cases {
            let found = wilcoxon(differences);
            assert!(
                found.zip(expected).map_or(found == expected, |(found, expected)| (found - expected).abs() < 1e-9),
                "{name}: {found:?}"
            );
        }
    }

    #[test]
    fn the_approximation_meets_the_count() {
        let doubled: Vec<usize> = (1..=COUNTED).map(|rank| 2 * rank).collect();
        for smaller in [36_000, 38_000, 42_000, 45_150] {
            let (counted, approximated) = (counted(&doubled, smaller), approximated(&doubled, smaller));
            assert!((counted / approximated - 1.0).abs() < 0.05, "{smaller}: {counted} and {approximated}");
        }
    }

    #[test]
    fn a_difference_has_its_interval_and_one_seed_gives_one_result() {
        let first = vec![vec![3.0, 3.5, 2.5], vec![5.0, 5.0, 5.5], vec![4.0, 4.5, 3.5], vec![6.0, 6.0, 6.5]];
        let second: Vec<Vec<f64>> = first.iter().map(|seeds| seeds.iter().map(|value| value - 1.0).collect()).collect();
        let found = difference(&first, &second, 7).expect("pairs");
        assert_eq!((found.pairs, found.mean.to_bits()), (12, 1.0_f64.to_bits()));
        assert!((found.low - 1.0).abs() < 1e-12 && (found.high - 1.0).abs() < 1e-12);
        assert!(found.p.is_some_and(|p| p < 0.001));
        assert_eq!(difference(&first, &second, 7), Some(found));
        assert_eq!(difference(&[], &[], 7), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(6))]
        #[test]
        fn an_interval_holds_the_mean_and_swapping_turns_it_around(
            pairs in prop::collection::vec(prop::collection::vec((-9.0..9.0_f64, -9.0..9.0_f64), 1..4), 1..6),
        ) {
            let first: Vec<Vec<f64>> = pairs.iter().map(|seeds| seeds.iter().map(|pair| pair.0).collect()).collect();
            let second: Vec<Vec<f64>> = pairs.iter().map(|seeds| seeds.iter().map(|pair| pair.1).collect()).collect();
            let there = difference(&first, &second, 1).expect("pairs");
            let back = difference(&second, &first, 1).expect("pairs");
            prop_assert!(there.low <= there.high);
            prop_assert!((there.mean + back.mean).abs() < 1e-9 && (there.low + back.high).abs() < 1e-9);
            prop_assert!((there.p.unwrap_or(1.0) - back.p.unwrap_or(1.0)).abs() < 1e-9);
        }
    }
}
