//! Adapt: Ali-Eldin and others.

use std::time::Duration;

use super::look::{Every, Look, Rule, needed, number, percent};
use crate::scaler::{Bounds, Scaler};

/// Spare replicas after a repair, and below which nothing is released.
const SPARE: i64 = 2;
/// A release goes so many times slower than an increase.
const RELEASE: f64 = 15.0;

/// Adapt: an integral controller that takes up what the load lacks at once and gives back a fifteenth of what it has too
/// much of at each look, with a gain that grows where there is more than usual.
///
/// `R = u (load - current)`, `u = current / (mean of current so far)`; where it is below zero, a fifteenth of it. `R` adds up,
/// and whole replicas of the sum are acted on. Never released below `load + 2`; a load above the replicas is repaired to
/// `load + 2`.
///
/// Source: Ali-Eldin, Tordsson, Elmroth, "An adaptive hybrid elasticity controller for cloud infrastructures", NOMS 2012, in the
/// form that its authors gave to the comparison of ICPE 2017 (see React). There `current` in `u` is the mean over an
/// envelope of `0.01 current / current` steps: one look.
///
/// Corrected: the code's test whether a release goes below `load + 2` adds what it means to subtract, so that it is always
/// passed; where nothing was to be done, its repair still sets `load + 2`, so that nothing was released slowly; and the
/// change that it returns is taken for a count.
pub(super) fn adapt(utilisation: f64, bounds: Bounds, step: Duration) -> Box<dyn Scaler> {
    Box::new(Every::new(step, bounds, Adapt { utilisation, state: State::default(), said: (0.0, 0.0, 0) }))
}

struct Adapt {
    utilisation: f64,
    state: State,
    said: (f64, f64, u32),
}

#[derive(Debug, Default)]
struct State {
    /// What adds up, in replicas.
    sum: f64,
    /// Replicas times looks so far, and looks.
    lived: f64,
    looks: f64,
}

impl Rule for Adapt {
    fn name(&self) -> String {
        format!("Adapt at {}", percent(self.utilisation))
    }

    fn look(&mut self, look: &Look) -> Option<u32> {
        let load = look.load(self.utilisation)?;
        let (wanted, rate) = self.state.decide(needed(load), look.current);
        self.said = (load, rate, wanted);
        Some(wanted)
    }

    fn why(&self) -> String {
        let (load, rate, wanted) = self.said;
        let (load, rate) = (number(load), number(rate));
        format!(
            "the load needs {load} at {}, {rate} replicas per look to change: {wanted} wanted",
            percent(self.utilisation)
        )
    }

    fn restart(&mut self) {
        self.state = State::default();
    }
}

impl State {
    /// How many there shall be, and `R`.
    fn decide(&mut self, load: u32, current: u32) -> (u32, f64) {
        let (load, count) = (i64::from(load), f64::from(current));
        self.lived += count;
        self.looks += 1.0;
        let usual = self.lived / self.looks;
        let gain = if usual > 0.0 { count / usual } else { 1.0 };
        let rate = gain * (f64::from(u32::try_from(load).unwrap_or(u32::MAX)) - count);
        let rate = if rate < 0.0 { rate / RELEASE } else { rate };
        self.sum += rate;
        let whole = self.sum.trunc();
        self.sum -= whole;
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
        let (step, current) = (whole as i64, i64::from(current));
        let floor = load.saturating_add(SPARE);
        let wanted = if load > current {
            current.saturating_add(step).max(floor)
        } else {
            current.saturating_add(step.min(0)).max(floor).min(current)
        };
        (u32::try_from(wanted.max(0)).unwrap_or(u32::MAX), rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(loads: &[(u32, usize)], mut current: u32) -> Vec<u32> {
        let mut state = State::default();
        let mut counts = Vec::new();
        for (load, looks) in loads {
            for _ in 0..*looks {
                current = state.decide(*load, current).0;
                counts.push(current);
            }
        }
        counts
    }

    #[test]
    fn up_at_once_with_two_spare() {
        assert_eq!(walk(&[(10, 3)], 4), [12, 12, 12]);
    }

    #[test]
    fn down_by_a_fifteenth_of_what_is_too_much() {
        // 20 too many: R = 30/30 (10 - 30) / 15 = -1.33 replicas at the first look.
        let counts = walk(&[(10, 60)], 30);
        assert_eq!(counts[..3], [29, 28, 27]);
        assert!(counts.windows(2).all(|pair| pair[1] <= pair[0] && pair[0] - pair[1] <= 2), "{counts:?}");
        assert_eq!(counts[59], 12, "and no further than two spare");
    }

    #[test]
    fn what_is_within_two_spare_stays() {
        assert_eq!(walk(&[(10, 200)], 11)[199], 11);
    }
}
