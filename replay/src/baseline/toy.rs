//! The smallest world that answers: replicas that start after five seconds and carry ten requests per second each.

use std::time::Duration;

use autoscaler::Timestamp;

use crate::scaler::{Scaler, Seen};

pub(super) struct Toy {
    pub(super) per_replica: f64,
    pub(super) start: u64,
    pub(super) begins: Timestamp,
}

impl Default for Toy {
    fn default() -> Self {
        Self { per_replica: 10.0, start: 5, begins: crate::scenario::BEGINS }
    }
}

impl Toy {
    /// The count that there shall be after each second. `rate` is what is offered per second; `None`: nothing is measured.
    pub(super) fn run(
        &self,
        scaler: &mut dyn Scaler,
        seconds: u64,
        start: u32,
        rate: impl Fn(u64) -> Option<f64>,
    ) -> Vec<u32> {
        let mut ready_at: Vec<u64> = vec![0; usize::try_from(start).unwrap_or_default()];
        let (mut queue, mut last, mut counts) = (0.0, 0.0, Vec::new());
        for second in 0..seconds {
            let ready = ready_at.iter().filter(|at| **at <= second).count();
            let ready = u32::try_from(ready).unwrap_or(u32::MAX);
            let offered = rate(second);
            last = offered.unwrap_or(last);
            let could = f64::from(ready) * self.per_replica;
            let served = could.min(queue + last);
            queue += last - served;
            let measured = |value: f64| offered.map(|_| value);
            let seen = Seen {
                span: Duration::from_secs(1),
                running: u32::try_from(ready_at.len()).unwrap_or(u32::MAX),
                ready,
                offered,
                served: measured(served),
                lost: measured(0.0),
                waiting: measured(queue),
                in_flight: measured(queue + served / self.per_replica),
                cpu: measured(served / self.per_replica),
                cpu_limit: 1.0,
                latency: None,
                per_replica: self.per_replica,
            };
            let now = self.begins.plus(Duration::from_secs(second));
            if let Some(target) = scaler.decide(&seen, &mut Vec::new(), now) {
                ready_at.resize(usize::try_from(target).unwrap_or_default(), second + self.start);
            }
            counts.push(u32::try_from(ready_at.len()).unwrap_or(u32::MAX));
        }
        counts
    }
}
