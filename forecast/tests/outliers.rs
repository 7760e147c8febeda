//! What one absurd sample, a hundred times what there was, does to a forecast and for how long: the same load is told twice, once
//! with it.

#[expect(dead_code, reason = "other tests draw more")]
mod drawn;

use drawn::{Kind, STEP, draw};
use forecast::{Forecaster, Gate, Utc};

/// Loads without a season, with one, and with neither that nor a level.
const KINDS: [Kind; 3] = [Kind::Stationary, Kind::Daily, Kind::Walk];
/// Ten idle for one missing, and misses of 1 %.
const QUANTILES: [f64; 2] = [10.0 / 11.0, 0.99];
/// Steps before it: early, when the season is known, and when old steps are kept as means.
const AT: [usize; 3] = [300, 900, 2600];

#[test]
fn half_a_day_after_one_absurd_sample_the_bound_is_as_if_there_had_been_none() {
    for (kind, at) in KINDS.into_iter().flat_map(|kind| AT.map(|at| (kind, at))) {
        let told = strike(kind, QUANTILES[0], at);
        for after in [50, 100, 150, 250, 500] {
            let off = told.off(after);
            assert!((off - 1.0).abs() < 0.1, "{kind:?} at {at}: {off:.2} times the bound {after} steps after it");
        }
    }
}

#[test]
fn a_sample_of_nothing_is_no_reason_to_expect_nothing() {
    for (kind, at) in KINDS.into_iter().flat_map(|kind| AT.map(|at| (kind, at))) {
        let told = strike_with(kind, QUANTILES[0], at, 0.0);
        let least = (1..=500).map(|after| told.off(after)).fold(1.0, f64::min);
        assert!(least > 0.5, "{kind:?} at {at}: {least:.2} times the bound");
    }
}

#[test]
fn one_absurd_sample_does_no_harm_at_any_time_after_it() {
    for (kind, at) in KINDS.into_iter().flat_map(|kind| AT.map(|at| (kind, at))) {
        for (quantile, most) in QUANTILES.into_iter().zip([1.6, 3.0]) {
            let told = strike(kind, quantile, at);
            let worst = (1..=500).map(|after| told.off(after)).fold(1.0, f64::max);
            assert!(worst < most, "{kind:?} at {at}, {quantile:.2}: {worst:.2} times the bound");
        }
        let told = strike(kind, QUANTILES[0], at);
        assert!(told.proven[1] * 10 >= told.proven[0] * 9, "{kind:?} at {at}: {:?} steps proven", told.proven);
    }
}

#[test]
fn a_jump_that_stays_is_believed_within_two_steps() {
    for (kind, quantile) in KINDS.into_iter().flat_map(|kind| QUANTILES.map(|quantile| (kind, quantile))) {
        for times in [2.0, 3.0, 10.0, 100.0] {
            let mut forecaster = Forecaster::new(quantile);
            for (step, value) in (1_u64..).zip(draw(kind, 640, 1)) {
                let told = if step > 600 { times * value } else { value };
                forecaster.observe(step * STEP, told, 2 * STEP, &Utc);
                if let (603.., Some(outlook)) = (step, forecaster.outlook()) {
                    let bound = outlook.next.max(outlook.ahead);
                    assert!(bound >= 0.9 * told, "{kind:?} {times}-fold, {quantile:.2}: {bound} of {told} at {step}");
                }
            }
        }
    }
}

/// The bound at the horizon, with one absurd sample and without.
struct Told {
    bounds: Vec<[f64; 2]>,
    /// Of so many steps after it, the gate was proven: without it, and with it.
    proven: [u32; 2],
}

impl Told {
    /// How many times the bound is what it would be, so many steps after it.
    fn off(&self, after: usize) -> f64 {
        let [without, with] = self.bounds[after - 1];
        with / without
    }
}

fn strike(kind: Kind, quantile: f64, at: usize) -> Told {
    strike_with(kind, quantile, at, 100.0)
}

fn strike_with(kind: Kind, quantile: f64, at: usize, times: f64) -> Told {
    let values = draw(kind, u32::try_from(at + 502).expect("few"), 1);
    let mut told = Told { bounds: Vec::new(), proven: [0, 0] };
    let mut pair = [1.0, times].map(|times| (times, Forecaster::new(quantile)));
    for (step, value) in values.iter().enumerate() {
        let mut bounds = [0.0; 2];
        for (place, (times, forecaster)) in pair.iter_mut().enumerate() {
            let end = (u64::try_from(step).expect("few") + 1) * STEP;
            forecaster.observe(end, if step == at { *times * value } else { *value }, 2 * STEP, &Utc);
            if let Some(outlook) = forecaster.outlook().filter(|_| step > at) {
                bounds[place] = outlook.ahead;
                told.proven[place] += u32::from(outlook.gate == Gate::Proven);
            }
        }
        if step > at {
            told.bounds.push(bounds);
        }
    }
    told
}
