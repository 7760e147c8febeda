//! Who does not scale: none, static peak, static mean.

use std::time::Duration;

use super::look::{Every, Look, Rule, needed, number, percent};
use crate::scaler::{Bounds, Scaler};

/// How often it says so again, in case somebody changed the count.
const INTERVAL: Duration = Duration::from_mins(1);

/// As many as there are at the start, or as many as somebody says.
pub(super) fn none(replicas: f64, bounds: Bounds) -> Box<dyn Scaler> {
    let replicas = bounds.clamp(needed(replicas));
    Box::new(Every::new(INTERVAL, bounds, Fixed { replicas, name: "none", of: None }))
}

/// As many as are ever needed, times `share`: provisioned for the peak by somebody who knows it. What over-provisioning
/// costs is measured against this one.
///
/// Source: "static peak" in any comparison; `AlwaysOn` in Gandhi et al., "`AutoScale`", ACM TOCS 30(4), 2012.
pub(super) fn static_peak(
    share: f64,
    demand: impl IntoIterator<Item = (Duration, u32)>,
    bounds: Bounds,
) -> Box<dyn Scaler> {
    let peak = f64::from(demand.into_iter().map(|(_, needed)| needed).max().unwrap_or(bounds.min));
    let replicas = bounds.clamp(needed(peak * share));
    Box::new(Every::new(INTERVAL, bounds, Fixed { replicas, name: "static peak", of: Some((peak, share)) }))
}

/// As many as are needed in the mean over time, times `share`, rounded up: the cheapest fixed count that could do all the
/// work if it could wait.
pub(super) fn static_mean(
    share: f64,
    demand: impl IntoIterator<Item = (Duration, u32)>,
    bounds: Bounds,
) -> Box<dyn Scaler> {
    let (sum, seconds) = demand.into_iter().fold((0.0, 0.0), |(sum, seconds), (span, needed)| {
        (sum + f64::from(needed) * span.as_secs_f64(), seconds + span.as_secs_f64())
    });
    let mean = if seconds > 0.0 { sum / seconds } else { f64::from(bounds.min) };
    let replicas = bounds.clamp(needed(mean * share));
    Box::new(Every::new(INTERVAL, bounds, Fixed { replicas, name: "static mean", of: Some((mean, share)) }))
}

struct Fixed {
    replicas: u32,
    name: &'static str,
    /// Of how many that are needed it is which share.
    of: Option<(f64, f64)>,
}

impl Rule for Fixed {
    fn name(&self) -> String {
        let replicas = self.replicas;
        let some = if replicas == 1 { "replica" } else { "replicas" };
        match self.of {
            Some((_, share)) => format!("{}, {}: {replicas} {some}", self.name, percent(share)),
            None => format!("{}: {replicas} {some}", self.name),
        }
    }

    fn look(&mut self, _look: &Look) -> Option<u32> {
        Some(self.replicas)
    }

    fn why(&self) -> String {
        match self.of {
            Some((of, share)) => format!("always {} of the {} needed: {}", percent(share), number(of), self.replicas),
            None => format!("always {}", self.replicas),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_and_mean_are_over_time_and_within_limits() {
        let demand = [(100, 2), (800, 4), (100, 12)].map(|(seconds, needed)| (Duration::from_secs(seconds), needed));
        for (name, bounds, expected) in [
            ("wide", Bounds { min: 1, max: 20 }, ["static peak, 100 %: 12 replicas", "static mean, 100 %: 5 replicas"]),
            ("narrow", Bounds { min: 1, max: 4 }, ["static peak, 100 %: 4 replicas", "static mean, 100 %: 4 replicas"]),
            (
                "high",
                Bounds { min: 15, max: 20 },
                ["static peak, 100 %: 15 replicas", "static mean, 100 %: 15 replicas"],
            ),
        ] {
            let names = [static_peak(1.0, demand, bounds).name(), static_mean(1.0, demand, bounds).name()];
            assert_eq!(names, expected, "{name}");
        }
        assert_eq!(static_peak(0.75, demand, Bounds { min: 1, max: 20 }).name(), "static peak, 75 %: 9 replicas");
        assert_eq!(static_mean(1.0, [], Bounds { min: 3, max: 20 }).name(), "static mean, 100 %: 3 replicas");
        assert_eq!(none(1.0, Bounds { min: 1, max: 20 }).name(), "none: 1 replica");
    }
}
