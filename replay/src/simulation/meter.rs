//! What is measured between two samples.

use super::{Latency, Segment};
use crate::service::Steady;

/// Sums since the sample before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    /// Seconds.
    pub(crate) seconds: f64,
    pub(crate) offered: f64,
    pub(crate) served: f64,
    pub(crate) lost: f64,
    /// Request-seconds in flight.
    in_flight: f64,
    /// Core-seconds of those that serve.
    cores: f64,
    /// What replicas could have served.
    could: f64,
    /// Weighted with what was served: shifts, tails, and tails times scales.
    shift: f64,
    tail: f64,
    above: f64,
    /// Weights of these.
    timed: f64,
    /// Requests that wait and are worked on beyond the backlog, as of the newest segment.
    pub(crate) waits_steadily: f64,
    pub(crate) works_steadily: f64,
    /// Core-seconds that a replica has used that has served from the beginning on.
    pub(crate) work: f64,
}

impl Meter {
    pub(crate) fn add(&mut self, segment: &Segment, steady: &Steady, steadily: f64) {
        let seconds = segment.to.since(segment.from).as_secs_f64();
        self.seconds += seconds;
        self.offered += segment.offered;
        self.served += segment.served;
        self.lost += segment.lost;
        self.in_flight += segment.in_flight * seconds;
        self.cores += segment.busy_cores * seconds;
        self.could += segment.capacity * seconds;
        let Latency { shift, tail, scale } = segment.latency;
        self.shift += shift * segment.served;
        self.tail += tail * segment.served;
        self.above += tail * scale * segment.served;
        self.timed += segment.served;
        self.waits_steadily = steadily * steady.waits;
        self.works_steadily = steadily * steady.latency.mean();
        if segment.ready > 0 {
            self.work += segment.busy_cores * seconds / f64::from(segment.ready);
        }
    }

    /// Begins anew after a sample.
    pub(crate) fn reset(&mut self) {
        *self = Self {
            work: self.work,
            waits_steadily: self.waits_steadily,
            works_steadily: self.works_steadily,
            ..Self::default()
        };
    }

    pub(crate) fn per_second(&self, sum: f64) -> f64 {
        if self.seconds > 0.0 { sum / self.seconds } else { 0.0 }
    }

    pub(crate) fn in_flight(&self) -> f64 {
        self.per_second(self.in_flight)
    }

    pub(crate) fn cores(&self) -> f64 {
        self.per_second(self.cores)
    }

    /// The share of what replicas could have served that was.
    pub(crate) fn used(&self) -> Option<f64> {
        (self.could > 0.0).then(|| self.served / self.could)
    }

    /// How long what was served took; `None`: nothing was.
    pub(crate) fn latency(&self) -> Option<Latency> {
        if self.timed <= 1e-12 {
            return None;
        }
        let tail = self.tail / self.timed;
        let scale = if self.tail > 0.0 { self.above / self.tail } else { 0.0 };
        Some(Latency { shift: self.shift / self.timed, tail, scale })
    }
}
