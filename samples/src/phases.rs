//! What load there shall be when: pure arithmetic.

use std::{cmp::Ordering, fmt, time::Duration};

/// One stretch of a load cycle.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    pub(crate) lasts: Duration,
    pub(crate) requests: Flow,
    pub(crate) jobs: Flow,
}

/// Arrivals per second, changing evenly over a phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Flow {
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Flow {
    pub(crate) fn steady(rate: f64) -> Self {
        Self { from: rate, to: rate }
    }

    /// Arrivals from the beginning of a phase that `lasts` so long until `elapsed`: the integral of the rate,
    /// `from·t + (to − from)·t² / 2T`. However late the sender wakes up, this says how many are due.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded down, and never negative")]
    pub(crate) fn due(&self, elapsed: Duration, lasts: Duration) -> u64 {
        if lasts.is_zero() {
            return 0;
        }
        let (t, whole) = (elapsed.min(lasts).as_secs_f64(), lasts.as_secs_f64());
        (self.from * t + (self.to - self.from) * t * t / (2.0 * whole)).max(0.0) as u64
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.from.total_cmp(&self.to) {
            Ordering::Equal => write!(f, "{}", self.from),
            _ => write!(f, "{} → {}", self.from, self.to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_ramp_sends_the_mean_of_its_ends() {
        let ramp = Flow { from: 10.0, to: 50.0 };
        assert_eq!(ramp.due(20 * SECOND, 20 * SECOND), 600);
        assert_eq!(ramp.due(10 * SECOND, 20 * SECOND), 200);
    }

    #[test]
    fn nothing_is_due_after_the_end_or_in_no_time() {
        let steady = Flow::steady(10.0);
        assert_eq!(steady.due(100 * SECOND, 5 * SECOND), 50);
        assert_eq!(steady.due(SECOND, Duration::ZERO), 0);
    }
}
