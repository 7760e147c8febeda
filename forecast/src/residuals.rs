//! What a forecast was off by, of late.

use half::bf16;
use serde::{Deserialize, Serialize};

use crate::packed;

/// So many are kept at most: at 1 % of misses allowed, the bound is still none of the two largest.
pub(crate) const MOST: usize = 256;

/// The newest residuals, actual minus forecast, in no order of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Residuals {
    #[serde(with = "packed::halves")]
    values: Vec<bf16>,
    /// So many are kept.
    kept: usize,
    /// Where the next one goes.
    next: usize,
}

impl Residuals {
    /// Whether its parts fit together.
    pub(crate) fn is_sound(&self) -> bool {
        (1..=MOST).contains(&self.kept) && self.values.len() <= self.kept && self.next < self.kept
    }

    /// None yet; so many are kept, 256 at most.
    pub(crate) fn new(kept: usize) -> Self {
        Self { values: Vec::new(), kept: kept.min(MOST), next: 0 }
    }

    /// How many are kept.
    pub(crate) fn count(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn push(&mut self, residual: f64) {
        let residual = bf16::from_f64(residual);
        match self.values.get_mut(self.next) {
            Some(oldest) => *oldest = residual,
            None => self.values.push(residual),
        }
        self.next = (self.next + 1) % self.kept.max(1);
    }

    /// The smallest that at least a share `level` of them, and one to come, do not exceed (split conformal prediction: the
    /// `⌈(n + 1) level⌉`-th of `n`); the largest where there are too few. 0 where there are none.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 256 of them"
    )]
    pub(crate) fn quantile(&self, level: f64) -> f64 {
        let count = self.values.len().min(MOST);
        if count == 0 {
            return 0.0;
        }
        let rank = (((count + 1) as f64 * level).ceil() as usize).clamp(1, count);
        let mut sorted = [0.0_f32; MOST];
        let sorted = &mut sorted[..count];
        for (place, value) in sorted.iter_mut().zip(&self.values) {
            *place = value.to_f32();
        }
        let (_, at, _) = sorted.select_nth_unstable_by(rank - 1, f32::total_cmp);
        f64::from(*at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_holds_for_one_more() {
        let mut residuals = Residuals::new(MOST);
        assert!(residuals.quantile(0.9).abs() < 1e-9, "of none");
        for value in (-4..=4).chain(std::iter::once(100)) {
            residuals.push(f64::from(value));
        }
        for (name, level, value) in [
            ("of ten and one more, half are at most the sixth", 0.5, 1.0),
            ("nine tenths are at most the tenth", 0.9, 100.0),
            ("more than there are to tell by: the largest", 0.99, 100.0),
            ("none: the smallest", 0.0, -4.0),
        ] {
            assert!((residuals.quantile(level) - value).abs() < 1e-9, "{name}");
        }
        for _ in 0..MOST {
            residuals.push(1.0);
        }
        assert!((residuals.quantile(1.0) - 1.0).abs() < 1e-9, "what is old is forgotten");
    }
}
