//! Knative Pod Autoscaler.

use std::{collections::VecDeque, time::Duration};

use autoscaler::Timestamp;

use super::look::{Every, Look, Rule, ceil, number};
use crate::scaler::{Bounds, Scaler};

const TICK: Duration = Duration::from_secs(2);
const STABLE_WINDOW: Duration = Duration::from_mins(1);
/// `panic-window-percentage`: 10 % of the stable window.
const PANIC_WINDOW: Duration = Duration::from_secs(6);
/// `panic-threshold-percentage`: 200 %.
const PANIC_THRESHOLD: f64 = 2.0;
const MAX_SCALE_UP_RATE: f64 = 1000.0;
const MAX_SCALE_DOWN_RATE: f64 = 2.0;
const SCALE_TO_ZERO_GRACE: Duration = Duration::from_secs(30);

/// Knative's concurrency where nothing says what a replica is built for (`container-concurrency-target-default`).
pub(super) const CONCURRENCY: f64 = 100.0;

/// A Knative Pod Autoscaler on concurrency: requests in flight over 60 s, and over 6 s while that is at least twice what the
/// replicas that are ready are meant for ("panic"), during which it never goes down. `target` is what one replica is meant
/// for: its concurrency times the target utilisation.
///
/// Sources: `pkg/autoscaler/scaling/autoscaler.go`, `config/core/configmaps/autoscaler.yaml` and the page "Configuring
/// concurrency" of the Knative documentation.
///
/// Ours: concurrency is the mean of each tick of 2 s, not of each second. Requests that find no replica wait in the
/// activator, which wakes the service at once; here, at the next tick.
pub(super) fn kpa(target: f64, bounds: Bounds) -> Box<dyn Scaler> {
    Box::new(Every::new(
        TICK,
        bounds,
        Kpa { target, in_flight: VecDeque::new(), panic: None, idle_since: None, said: None },
    ))
}

struct Kpa {
    target: f64,
    /// Of each tick of the stable window.
    in_flight: VecDeque<(Timestamp, f64)>,
    /// `None` before the first look.
    panic: Option<Panic>,
    /// Since when none are wanted.
    idle_since: Option<Timestamp>,
    said: Option<Said>,
}

/// Whether it is in panic.
#[derive(Clone, Debug, Default, PartialEq)]
struct Panic {
    since: Option<Timestamp>,
    most: u32,
}

struct Said {
    stable: f64,
    burst: f64,
    ready: u32,
    panics: bool,
    wanted: u32,
}

impl Rule for Kpa {
    fn name(&self) -> String {
        format!("KPA, {} in flight per replica", number(self.target))
    }

    fn look(&mut self, look: &Look) -> Option<u32> {
        let panic = self.panic.get_or_insert_with(|| Panic::at_start(look.now, look.ready));
        if let Some(value) = look.measured.in_flight {
            self.in_flight.push_back((look.now, value));
        }
        self.in_flight.retain(|(at, _)| look.now.since(*at) < STABLE_WINDOW);
        let stable = mean(&self.in_flight, look.now, STABLE_WINDOW)?;
        let burst = mean(&self.in_flight, look.now, PANIC_WINDOW)?;
        let wanted = panic.scale(look.now, look.ready, stable / self.target, burst / self.target);
        self.said = Some(Said { stable, burst, ready: look.ready, panics: panic.since.is_some(), wanted });
        if wanted > 0 {
            self.idle_since = None;
            return Some(wanted);
        }
        let idle = look.now.since(*self.idle_since.get_or_insert(look.now));
        Some(u32::from(look.current > 0 && idle < SCALE_TO_ZERO_GRACE))
    }

    fn why(&self) -> String {
        let Some(Said { stable, burst, ready, panics, wanted }) = &self.said else { return String::new() };
        let (stable, burst, target) = (number(*stable), number(*burst), number(self.target));
        let panic = if *panics { "in panic, which never goes down" } else { "not in panic" };
        format!(
            "{stable} in flight over 60 s and {burst} over 6 s, {target} for each of {ready} ready; {panic}: {wanted} wanted"
        )
    }

    fn restart(&mut self) {
        self.in_flight.clear();
        self.panic = None;
        self.idle_since = None;
    }
}

impl Panic {
    /// One that starts with more than one replica does not know why there are so many: it starts in panic.
    fn at_start(now: Timestamp, ready: u32) -> Self {
        Self { since: (ready > 1).then_some(now), most: ready }
    }

    /// How many replicas there shall be, by the demand in replicas of both windows.
    fn scale(&mut self, now: Timestamp, ready: u32, stable: f64, burst: f64) -> u32 {
        let ready = f64::from(ready.max(1));
        let (least, most) = ((ready / MAX_SCALE_DOWN_RATE).floor(), (ready * MAX_SCALE_UP_RATE).ceil());
        let over = burst.ceil() / ready >= PANIC_THRESHOLD;
        let stable = ceil(stable.ceil().clamp(least, most));
        let burst = ceil(burst.ceil().clamp(least, most));
        if over {
            self.since = Some(now);
        } else if self.since.is_some_and(|since| now.since(since) > STABLE_WINDOW) {
            *self = Self::default();
        }
        if self.since.is_none() {
            return stable;
        }
        self.most = self.most.max(stable).max(burst);
        self.most
    }
}

/// The mean of the values that are younger than `window`.
fn mean(values: &VecDeque<(Timestamp, f64)>, now: Timestamp, window: Duration) -> Option<f64> {
    let young = values.iter().filter(|(at, _)| now.since(*at) < window);
    let (sum, count) = young.fold((0.0, 0.0), |(sum, count), (_, value)| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::toy::Toy;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(10_000_000 + millis)
    }

    /// Of Knative's `autoscaler_test.go`, those that the limits of speed there (10 instead of 1000 and 2) do not touch.
    #[test]
    fn the_project_s_own_single_decisions() {
        for (name, target, panic, ready, stable, burst, expected) in [
            ("StableModeUnlimitedTBC", 181.0, None, 1, 21.0, 26.0, 1),
            ("StableModeNoChange", 10.0, None, 1, 50.0, 50.0, 5),
            ("StableModeNoChangeAlreadyScaled", 10.0, None, 5, 50.0, 50.0, 5),
            ("PanicStableLargerThanPanic", 1.0, Some(5), 5, 50.0, 30.0, 50),
            ("PanicStableLessThanPanic", 1.0, Some(5), 5, 20.0, 30.0, 30),
            ("PanicModeDoublePodCount", 10.0, None, 1, 50.0, 100.0, 10),
            ("StableModeIncrease", 10.0, None, 8, 100.0, 100.0, 10),
            ("StableModeDecrease", 10.0, None, 8, 50.0, 50.0, 5),
            ("UseOnePodAsMinimumIfEndpointsNotFound", 10.0, None, 0, 1000.0, 888.0, 100),
            ("down by half at most", 10.0, None, 100, 1.0, 1.0, 50),
            ("from one to none", 10.0, None, 1, 0.0, 0.0, 0),
        ] {
            let mut state = panic.map_or_else(Panic::default, |most| Panic { since: Some(at(0)), most });
            assert_eq!(state.scale(at(5000), ready, stable / target, burst / target), expected, "{name}");
        }
    }

    #[test]
    fn panic_mode_exponential_track_and_stabilize() {
        let mut panic = Panic::default();
        for (millis, ready, load, expected, since) in [
            (0, 1, 6.0, 6, Some(at(0))),
            (1, 6, 36.0, 36, Some(at(1))),
            (1001, 36, 216.0, 216, Some(at(1001))),
            (1001, 216, 1296.0, 1296, Some(at(1001))),
            (2001, 1296, 1296.0, 1296, Some(at(1001))),
        ] {
            assert_eq!((panic.scale(at(millis), ready, load, load), panic.since), (expected, since), "{ready} ready");
        }
    }

    #[test]
    fn panic_then_un_panic_scale_down() {
        let mut panic = Panic::default();
        assert_eq!(panic.scale(at(0), 1, 10.0, 10.0), 10);
        assert_eq!(panic.scale(at(0), 10, 10.0, 100.0), 100);
        assert_eq!(panic.scale(at(30_000), 10, 0.1, 0.1), 100, "still in panic");
        assert_eq!(panic.scale(at(61_000), 10, 0.1, 0.1), 5, "down, by half");
    }

    #[test]
    fn start_in_panic_mode() {
        for (ready, since) in [(0, None), (1, None), (2, Some(at(0)))] {
            assert_eq!(Panic::at_start(at(0), ready), Panic { since, most: ready });
        }
    }

    #[test]
    fn the_last_replica_stays_for_its_grace() {
        let bounds = Bounds { min: 0, max: 20 };
        let rate = |second: u64| Some(if (300..600).contains(&second) { 0.0 } else { 30.0 });
        let counts = Toy::default().run(kpa(0.7, bounds).as_mut(), 700, 1, rate);
        assert_eq!(counts[299], 5, "30 of 10/s each: 3 in flight");
        assert_eq!(counts[380], 1, "none in flight over 60 s, for less than 30 s");
        assert_eq!(counts[396], 0);
        assert_eq!(counts[599], 0);
        assert!(counts[603] >= 1, "woken at the next tick");
        let steep = |second: u64| Some(if second < 100 { 10.0 } else { 80.0 });
        let counts = Toy::default().run(kpa(0.7, bounds).as_mut(), 120, 2, steep);
        assert!(counts[110] >= 8, "{}: panic sees it within seconds", counts[110]);
    }
}
