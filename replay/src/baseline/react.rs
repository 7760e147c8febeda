//! React: Chieu and others.

use std::time::Duration;

use super::look::{Every, Look, Rule, needed, number, percent};
use crate::scaler::{Bounds, Scaler};

/// Spare replicas.
const SPARE: u32 = 2;

/// React: when the load reaches what there is, two more than it needs; when more than two are idle, back to that.
///
/// Source: Chieu, Mohindra, Karve, Segal, "Dynamic scaling of web applications in a virtualized cloud computing environment",
/// ICEBE 2009, in the form of the comparison by Ilyushkin et al., "An experimental performance evaluation of autoscaling
/// policies for complex workflows", ICPE 2017.
///
/// Corrected: the simulator used for that comparison releases as many as are idle and two more, and so goes below the load;
/// two spare ones are meant.
pub(super) fn react(utilisation: f64, bounds: Bounds, step: Duration) -> Box<dyn Scaler> {
    Box::new(Every::new(step, bounds, React { utilisation, said: (0.0, 0) }))
}

struct React {
    utilisation: f64,
    said: (f64, u32),
}

impl Rule for React {
    fn name(&self) -> String {
        format!("React, two spare at {}", percent(self.utilisation))
    }

    fn look(&mut self, look: &Look) -> Option<u32> {
        let load = look.load(self.utilisation)?;
        let wanted = decide(needed(load), look.current);
        self.said = (load, wanted);
        Some(wanted)
    }

    fn why(&self) -> String {
        let (load, wanted) = self.said;
        format!("the load needs {} at {}, {SPARE} spare: {wanted} wanted", number(load), percent(self.utilisation))
    }
}

fn decide(load: u32, current: u32) -> u32 {
    let spare = load.saturating_add(SPARE);
    if load >= current || spare < current { spare } else { current }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spare_and_no_more() {
        for (name, load, current, expected) in [
            ("more load than replicas", 7, 4, 9),
            ("as much", 4, 4, 6),
            ("one spare", 4, 5, 5),
            ("two spare", 4, 6, 6),
            ("three spare: one goes", 4, 7, 6),
            ("no load", 0, 9, 2),
        ] {
            assert_eq!(decide(load, current), expected, "{name}");
        }
    }
}
