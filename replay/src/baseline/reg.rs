//! Reg: Iqbal and others.

use std::{collections::VecDeque, time::Duration};

use super::{
    fit::extrapolate,
    look::{Every, Look, Rule, needed, number, percent},
};
use crate::scaler::{Bounds, Scaler};

/// Observations that the curve goes through.
const WINDOW: usize = 72;

/// Reg: up to what the load needs at once; down to what a parabola through the last 72 observations says it needs now.
///
/// Source: Iqbal, Dailey, Carrera, Janecek, "Adaptive resource provisioning for read intensive multi-tier applications in the
/// cloud", FGCS 27(6), 2011, in the form of the comparison of ICPE 2017 (see React).
///
/// Corrected: where the curve is above what there is, that form releases everything (it sets the load to come to 0); nothing
/// is to be released then.
pub(super) fn reg(utilisation: f64, bounds: Bounds, step: Duration) -> Box<dyn Scaler> {
    Box::new(Every::new(step, bounds, Reg { utilisation, past: VecDeque::new(), said: None }))
}

struct Reg {
    utilisation: f64,
    /// Seconds since the epoch, and the replicas needed.
    past: VecDeque<(f64, f64)>,
    said: Option<(f64, Way)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Up(u32),
    Curve { value: f64, wanted: u32 },
}

impl Rule for Reg {
    fn name(&self) -> String {
        format!("Reg at {}", percent(self.utilisation))
    }

    fn look(&mut self, look: &Look) -> Option<u32> {
        let load = look.load(self.utilisation)?;
        let now = look.now.since(autoscaler::Timestamp::default()).as_secs_f64();
        self.past.push_back((now, load));
        if self.past.len() > WINDOW {
            self.past.pop_front();
        }
        let way = decide(self.past.make_contiguous(), now, load, look.current);
        self.said = Some((load, way));
        match way {
            Way::Up(wanted) | Way::Curve { wanted, .. } => Some(wanted),
        }
    }

    fn why(&self) -> String {
        let target = percent(self.utilisation);
        match &self.said {
            None => String::new(),
            Some((load, Way::Up(wanted))) => format!("the load needs {} at {target}: {wanted} at once", number(*load)),
            Some((load, Way::Curve { value, wanted })) => {
                let (load, value) = (number(*load), number(*value));
                format!("the load needs {load} at {target}, {value} by the curve of the last {WINDOW}: {wanted} wanted")
            }
        }
    }

    fn restart(&mut self) {
        self.past.clear();
    }
}

fn decide(past: &[(f64, f64)], now: f64, load: f64, current: u32) -> Way {
    if needed(load) >= current {
        return Way::Up(needed(load));
    }
    let value = extrapolate(past, 2, now).unwrap_or(load);
    Way::Curve { value, wanted: needed(value).min(current) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(load: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..72).map(|step| f64::from(step) * 60.0).map(|at| (1.767e9 + at, load(at))).collect()
    }

    #[test]
    fn up_by_the_load_and_down_by_the_curve() {
        let now = 1.767e9 + 71.0 * 60.0;
        let level = past(|_| 3.5);
        assert_eq!(decide(&level, now, 7.2, 4), Way::Up(8));
        assert!(matches!(decide(&level, now, 3.5, 9), Way::Curve { wanted: 4, .. }));
        // A parabola that ends at 10 - 71²/720 = 3.0 is found exactly, whatever the last value was.
        let bent = past(|at| 10.0 - at * at / 3600.0 / 720.0);
        assert!(matches!(decide(&bent, now, 1.0, 9), Way::Curve { wanted: 3, .. }), "{:?}", decide(&bent, now, 1.0, 9));
    }

    #[test]
    fn a_curve_above_what_there_is_releases_nothing() {
        let high = past(|_| 12.0);
        assert!(matches!(decide(&high, 1.767e9 + 4260.0, 2.0, 9), Way::Curve { wanted: 9, .. }));
    }
}
