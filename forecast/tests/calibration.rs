//! The bound is missed as often as is allowed, and no oftener.

mod drawn;

use drawn::{Kind, STEP, draw};
use forecast::{Forecaster, Scores, Utc};

/// Steps, of which the first are for learning.
const COUNT: u32 = 4000;
const LEARNING: usize = 600;

/// The share of bounds that were missed after the first steps.
fn missed(values: &[f64], allowed: f64, lead: u64) -> f64 {
    let mut forecaster = Forecaster::new(1.0 - allowed);
    let mut early = Scores::default();
    for (place, value) in (1_u64..).zip(values) {
        forecaster.observe(place * STEP, *value, lead * STEP, &Utc);
        if place == LEARNING as u64 {
            early = forecaster.scores();
        }
    }
    let all = forecaster.scores();
    let part = Scores { count: all.count - early.count, missed: all.missed - early.missed, ..all };
    part.missed().expect("there were forecasts")
}

#[test]
fn five_percent_are_five_within_one_and_one_percent_is_one_within_a_half() {
    let steady = [Kind::Stationary, Kind::Autoregressive, Kind::Daily, Kind::DailyInProportion, Kind::DailyAndWeekly];
    for kind in steady {
        let values = draw(kind, COUNT, 1);
        for (allowed, within) in [(0.05, 0.01), (0.01, 0.005)] {
            for lead in [2, 4] {
                let missed = missed(&values, allowed, lead);
                assert!((missed - allowed).abs() <= within, "{kind:?}, {lead} steps ahead: {missed} of {allowed}");
            }
        }
    }
}

#[test]
fn what_nobody_can_foresee_is_missed_no_oftener_in_the_long_run() {
    for kind in Kind::ALL {
        let missed = missed(&draw(kind, COUNT, 2), 0.05, 2);
        assert!((missed - 0.05).abs() <= 0.01, "{kind:?}: {missed}");
    }
}
