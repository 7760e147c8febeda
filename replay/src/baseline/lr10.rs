//! Linear extrapolation.

use std::{collections::VecDeque, time::Duration};

use super::{
    fit::extrapolate,
    look::{Every, Look, Rule, needed, number, percent},
};
use crate::scaler::{Bounds, Scaler};

/// Observations that the line goes through.
const WINDOW: usize = 10;

/// Linear extrapolation: a straight line through the last ten observations of the load, read at the next look. No floor, no
/// hold, no trust: what "predictive" means where nobody checks the prediction.
///
/// Source: "LR" of Gandhi et al. (see `autoscale`), which misses its objective on all six of their loads.
pub(super) fn lr10(utilisation: f64, bounds: Bounds, step: Duration) -> Box<dyn Scaler> {
    Box::new(Every::new(step, bounds, Lr { utilisation, step, past: VecDeque::new(), said: (0.0, 0.0, 0) }))
}

struct Lr {
    utilisation: f64,
    /// From one look to the next.
    step: Duration,
    /// Seconds since the epoch, and the replicas needed.
    past: VecDeque<(f64, f64)>,
    said: (f64, f64, u32),
}

impl Rule for Lr {
    fn name(&self) -> String {
        format!("linear extrapolation at {}", percent(self.utilisation))
    }

    fn look(&mut self, look: &Look) -> Option<u32> {
        let load = look.load(self.utilisation)?;
        let now = look.now.since(autoscaler::Timestamp::default()).as_secs_f64();
        self.past.push_back((now, load));
        if self.past.len() > WINDOW {
            self.past.pop_front();
        }
        let foreseen = extrapolate(self.past.make_contiguous(), 1, now + self.step.as_secs_f64()).unwrap_or(load);
        let wanted = needed(foreseen);
        self.said = (load, foreseen, wanted);
        Some(wanted)
    }

    fn why(&self) -> String {
        let (load, foreseen, wanted) = self.said;
        let (load, foreseen, target) = (number(load), number(foreseen), percent(self.utilisation));
        format!(
            "the load needs {load} at {target}, {foreseen} at the next look by the line through {WINDOW}: {wanted} wanted"
        )
    }

    fn restart(&mut self) {
        self.past.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::STEP;
    use crate::baseline::toy::Toy;

    #[test]
    fn a_ramp_is_met_a_look_ahead() {
        // Three more per second in each minute.
        let rate = |second: u64| Some(f64::from(u32::try_from(second).unwrap_or_default()) * 3.0 / 60.0);
        let counts = Toy::default().run(lr10(1.0, Bounds { min: 1, max: 100 }, STEP).as_mut(), 3601, 1, rate);
        // The mean of the minute before is that of its middle, half a minute ago; one minute on from there.
        assert_eq!(counts[3600], 19, "(3600 + 30) s at 3/s each minute are 181.5/s");
    }
}
