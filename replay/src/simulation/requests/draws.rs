//! What is drawn for single requests.

use rand_chacha::{ChaCha8Rng, rand_core::Rng};
use rand_distr::{Distribution, Gamma};

/// Service times of a mean and a squared coefficient of variation: a gamma distribution below 1 and two exponentials of
/// balanced means above, as is usual.
#[derive(Clone, Copy, Debug)]
pub(super) enum Service {
    Always(f64),
    Gamma(Gamma<f64>),
    Exponential(f64),
    /// The first with this chance; the means of both.
    Either(f64, f64, f64),
}

impl Service {
    pub(super) fn new(mean: f64, spread: f64) -> Self {
        if (spread - 1.0).abs() < 1e-9 {
            return Self::Exponential(mean);
        }
        if spread > 1.0 {
            let chance = f64::midpoint(1.0, ((spread - 1.0) / (spread + 1.0)).sqrt());
            return Self::Either(chance, mean / (2.0 * chance), mean / (2.0 * (1.0 - chance)));
        }
        match Gamma::new(1.0 / spread, mean * spread) {
            Ok(gamma) if spread > 1e-9 => Self::Gamma(gamma),
            _ => Self::Always(mean),
        }
    }

    pub(super) fn draw(&self, numbers: &mut ChaCha8Rng) -> f64 {
        match *self {
            Self::Always(time) => time,
            Self::Gamma(gamma) => gamma.sample(numbers),
            Self::Exponential(mean) => exponential(numbers, mean),
            Self::Either(chance, first, second) => {
                let mean = if unit(numbers) < chance { first } else { second };
                exponential(numbers, mean)
            }
        }
    }
}

/// An exponential time.
pub(super) fn exponential(numbers: &mut ChaCha8Rng, mean: f64) -> f64 {
    -mean * (1.0 - unit(numbers)).ln()
}

/// One of so many, each as likely.
pub(super) fn one_of(numbers: &mut ChaCha8Rng, bound: usize) -> usize {
    let place = (u128::from(numbers.next_u64()) * bound as u128) >> 64;
    usize::try_from(place).unwrap_or_default()
}

/// From 0 to below 1.
fn unit(numbers: &mut ChaCha8Rng) -> f64 {
    (numbers.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}
