//! Naive with a hold.

use std::{collections::VecDeque, time::Duration};

use super::look::{Every, Look, Rule, needed, number, percent};
use crate::scaler::{Bounds, Scaler};

/// Looks that a count is held for.
const HOLD: usize = 6;

/// Naive with a hold: the most that the load needed now and at the six looks before. It foresees nothing, and gives back
/// slowly; whatever claims to foresee has to beat it.
///
/// Source: the naive forecast of any textbook, held for as long as Ballast's own comparison did ("naive+hold6").
pub(super) fn naive(utilisation: f64, bounds: Bounds, step: Duration) -> Box<dyn Scaler> {
    Box::new(Every::new(step, bounds, Naive { utilisation, past: VecDeque::new(), said: (0.0, 0) }))
}

struct Naive {
    utilisation: f64,
    past: VecDeque<u32>,
    said: (f64, u32),
}

impl Rule for Naive {
    fn name(&self) -> String {
        format!("naive with a hold at {}", percent(self.utilisation))
    }

    fn look(&mut self, look: &Look) -> Option<u32> {
        let load = look.load(self.utilisation)?;
        self.past.push_back(needed(load));
        if self.past.len() > HOLD + 1 {
            self.past.pop_front();
        }
        let most = self.past.iter().copied().max().unwrap_or_default();
        self.said = (load, most);
        Some(most)
    }

    fn why(&self) -> String {
        let (load, most) = self.said;
        format!(
            "the load needs {} at {}; the most of the last {}: {most}",
            number(load),
            percent(self.utilisation),
            HOLD + 1
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
    fn the_most_of_seven_looks() {
        let rate = |second: u64| Some(if second < 600 { 40.0 } else { 10.0 });
        let counts = Toy::default().run(naive(1.0, Bounds { min: 1, max: 20 }, STEP).as_mut(), 1200, 1, rate);
        assert_eq!((counts[70], counts[600 + 6 * 60], counts[600 + 8 * 60]), (4, 4, 1));
    }
}
