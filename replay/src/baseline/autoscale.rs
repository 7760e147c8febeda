//! `AutoScale--`: Gandhi and others.

use std::time::Duration;

use autoscaler::Timestamp;

use super::look::{Every, Look, Rule, needed, number, percent};
use crate::scaler::{Bounds, Scaler};

const INTERVAL: Duration = Duration::from_secs(10);
/// How long a replica stays idle before it goes: `t_wait`.
const WAIT: Duration = Duration::from_mins(2);

/// `AutoScale--`: up at once to what the load needs; a replica goes once it alone was idle for 120 s. Load is packed onto the
/// first replicas ("index packing"), so that the others can be idle at all.
///
/// Source: Gandhi, Harchol-Balter, Raghunathan, Kozuch, "`AutoScale`: dynamic, robust capacity management for multi-tier data
/// centers", ACM TOCS 30(4), 2012: `t_wait` 120 s, where 60 s to 260 s change little. The full `AutoScale` scales on requests in
/// the system instead, which needs a curve measured on the service.
///
/// Ours: it looks every 10 s. Its packing factor, requests per second of one server, is utilisation times what a replica
/// carries. Ballast does not choose which replica a request goes to, so packing is an account of who would be idle. While
/// nothing is measured, nobody is idle.
pub(super) fn autoscale(utilisation: f64, bounds: Bounds) -> Box<dyn Scaler> {
    Box::new(Every::new(INTERVAL, bounds, AutoScale { utilisation, busy: Vec::new(), said: (0.0, 0) }))
}

struct AutoScale {
    utilisation: f64,
    /// When each replica was busy last, by its index; at most as many as there may be.
    busy: Vec<Timestamp>,
    said: (f64, u32),
}

impl Rule for AutoScale {
    fn name(&self) -> String {
        format!("AutoScale-- at {}", percent(self.utilisation))
    }

    fn look(&mut self, look: &Look) -> Option<u32> {
        let current = usize::try_from(look.current).unwrap_or(usize::MAX);
        self.busy.resize(current, look.now);
        let Some(load) = look.load(self.utilisation) else {
            self.busy.fill(look.now);
            return None;
        };
        let wanted = needed(load).min(look.bounds.max);
        let used = usize::try_from(wanted).unwrap_or(usize::MAX);
        self.busy.resize(current.max(used), look.now);
        self.busy[..used].fill(look.now);
        self.busy.retain(|busy| look.now.since(*busy) < WAIT);
        let count = u32::try_from(self.busy.len()).unwrap_or(u32::MAX);
        self.said = (load, count);
        Some(count)
    }

    fn why(&self) -> String {
        let (load, count) = self.said;
        let (load, target) = (number(load), percent(self.utilisation));
        format!("the load needs {load} at {target}; {count} were busy within the last {} s", WAIT.as_secs())
    }

    fn restart(&mut self) {
        self.busy.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::toy::Toy;

    #[test]
    fn up_at_once_and_each_replica_down_after_it_was_idle_for_two_minutes() {
        let rate = |second: u64| {
            Some(match second {
                0..100 => 40.0,
                100..200 => 20.0,
                200..210 => 60.0,
                _ => 10.0,
            })
        };
        let counts = Toy::default().run(autoscale(1.0, Bounds { min: 1, max: 20 }).as_mut(), 600, 4, rate);
        assert_eq!((counts[199], counts[211]), (4, 6), "two of four were idle for 100 s, then all six are busy");
        assert_eq!((counts[329], counts[331], counts[599]), (6, 1, 1));
    }

    #[test]
    fn a_replica_that_is_needed_now_and_then_stays() {
        // Busy for 10 s of each 100 s.
        let rate = |second: u64| Some(if second % 100 < 10 { 40.0 } else { 10.0 });
        let counts = Toy::default().run(autoscale(1.0, Bounds { min: 1, max: 20 }).as_mut(), 2000, 1, rate);
        assert!(counts[20..].iter().all(|count| *count == 4));
    }
}
