//! `ConPaaS`: Fernandez and others.

use std::{collections::VecDeque, time::Duration};

use super::{
    fit::extrapolate,
    look::{Every, Look, Rule, needed, number, percent},
};
use crate::scaler::{Bounds, Scaler};

/// Observations that models are fitted to. Until there is one more, it goes by the load.
const WINDOW: usize = 20;
/// The newest observation's weight in exponential smoothing.
const SMOOTHING: f64 = 0.5;
/// How much of a model's error so far is forgotten at each look.
const FORGET: f64 = 0.5;

/// `ConPaaS`: three models foresee the load at the next look; the one that erred least of late is believed.
///
/// A straight line through the last 20 observations, an autoregression of first order on them, and their exponential
/// smoothing.
///
/// Source: Fernandez, Pierre, Kielmann, "Autoscaling web applications in heterogeneous cloud infrastructures", IC2E 2014, in the
/// form of the comparison of ICPE 2017 (see React).
///
/// Corrected: that form never changes the model it began with. Ours: the weights of smoothing and of errors, one half each,
/// which the paper leaves open; its fourth model (ARMA) is left out there, too.
pub(super) fn conpaas(utilisation: f64, bounds: Bounds, step: Duration) -> Box<dyn Scaler> {
    Box::new(Every::new(step, bounds, ConPaas { utilisation, state: State::default(), said: (0.0, None, 0) }))
}

const MODELS: [&str; 3] = ["a line", "autoregression", "smoothing"];

struct ConPaas {
    utilisation: f64,
    state: State,
    said: (f64, Option<(usize, f64)>, u32),
}

#[derive(Debug, Default)]
struct State {
    past: VecDeque<f64>,
    /// What each model said about now.
    foreseen: Option<[f64; 3]>,
    errors: [f64; 3],
}

impl Rule for ConPaas {
    fn name(&self) -> String {
        format!("ConPaaS at {}", percent(self.utilisation))
    }

    fn look(&mut self, look: &Look) -> Option<u32> {
        let load = look.load(self.utilisation)?;
        let foreseen = self.state.observe(load);
        let wanted = needed(foreseen.map_or(load, |(_, value)| value).max(0.0));
        self.said = (load, foreseen, wanted);
        Some(wanted)
    }

    fn why(&self) -> String {
        let (load, foreseen, wanted) = self.said;
        let (load, target) = (number(load), percent(self.utilisation));
        match foreseen {
            None => format!("the load needs {load} at {target}, too little was seen to foresee: {wanted} wanted"),
            Some((model, value)) => {
                let (model, value) = (MODELS[model], number(value));
                format!("the load needs {load} at {target}, {value} at the next look by {model}: {wanted} wanted")
            }
        }
    }

    fn restart(&mut self) {
        self.state = State::default();
    }
}

impl State {
    /// Takes in an observation; the model that is believed and what it foresees for the next, once there are enough.
    fn observe(&mut self, load: f64) -> Option<(usize, f64)> {
        for (error, foreseen) in self.errors.iter_mut().zip(self.foreseen.into_iter().flatten()) {
            *error = *error * FORGET + (foreseen - load).abs();
        }
        self.past.push_back(load);
        if self.past.len() <= WINDOW {
            return None;
        }
        self.past.pop_front();
        let past = self.past.make_contiguous();
        let foreseen = [line(past), autoregression(past), smoothing(past)].map(|value| value.unwrap_or(load));
        self.foreseen = Some(foreseen);
        let best = (0..MODELS.len()).min_by(|a, b| self.errors[*a].total_cmp(&self.errors[*b]))?;
        Some((best, foreseen[best]))
    }
}

/// A straight line over time, one step on.
fn line(past: &[f64]) -> Option<f64> {
    let points: Vec<(f64, f64)> = (0..).zip(past).map(|(step, load)| (f64::from(step), *load)).collect();
    extrapolate(&points, 1, f64::from(u32::try_from(past.len()).ok()?))
}

/// A straight line from each value to the next.
fn autoregression(past: &[f64]) -> Option<f64> {
    let points: Vec<(f64, f64)> = past.windows(2).map(|pair| (pair[0], pair[1])).collect();
    extrapolate(&points, 1, *past.last()?)
}

fn smoothing(past: &[f64]) -> Option<f64> {
    past.iter().copied().reduce(|smooth, load| smooth + SMOOTHING * (load - smooth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_foresees_what_it_is_made_for() {
        let ramp: Vec<f64> = (0..20).map(|step| 2.0 + 0.5 * f64::from(step)).collect();
        assert!((line(&ramp).unwrap_or_default() - 12.0).abs() < 1e-9);
        let turns: Vec<f64> = (0..20).map(|step| if step % 2 == 0 { 4.0 } else { 8.0 }).collect();
        assert!((autoregression(&turns).unwrap_or_default() - 4.0).abs() < 1e-9);
        assert!((smoothing(&[8.0, 4.0, 4.0]).unwrap_or_default() - 5.0).abs() < 1e-9);
        assert_eq!(autoregression(&[3.0; 20]), Some(3.0), "constant");
    }

    #[test]
    fn the_model_that_erred_least_is_believed() {
        for (name, load, expected) in [
            ("a ramp", (|step| 2.0 + 0.5 * f64::from(step)) as fn(u32) -> f64, 0),
            ("to and fro", |step| if step % 2 == 0 { 4.0 } else { 8.0 }, 1),
        ] {
            let mut state = State::default();
            let believed: Vec<_> = (0..60).map(|step| state.observe(load(step))).collect();
            assert!(believed[..20].iter().all(Option::is_none), "{name}");
            assert_eq!(believed[59].map(|(model, _)| model), Some(expected), "{name}: {:?}", state.errors);
        }
    }
}
