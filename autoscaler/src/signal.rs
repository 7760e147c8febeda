//! Samples kept for as long as a rule looks back on them, and read as signals.

mod estimate;
mod reading;
mod series;
mod sum;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    by_replica::{ByReplica, pairs},
    evaluation::{Origin, SignalReading},
    event::{Reading, Replica, ReplicaId, Sample, Subject},
    policy::Rule,
    quantity::SignalName,
    rule::Reads,
    time::Timestamp,
};

pub(crate) use reading::{Viewpoint, limit, reservation};

use reading::Shared;
use series::{Point, Series};

/// Signals kept per service; the ones that come later are not.
const MOST_SIGNALS: usize = 64;

/// All samples of one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Signals {
    by_name: Vec<(SignalName, Signal)>,
    /// How far anybody looks back on a signal that is not among these yet.
    span_of_others: Duration,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Signal {
    /// How far anybody looks back on it. The newest sample is kept in any case.
    span: Duration,
    service: Series,
    /// Replicas that the service's newest sample covers, and why not all, where it does not cover all.
    partial: Option<(u32, String)>,
    #[serde(with = "pairs")]
    replicas: ByReplica<Series>,
    /// What the prober last said about why there is no value.
    said: Option<(Timestamp, String)>,
    /// When it was last known that there is no value.
    idle: Option<Timestamp>,
}

impl Default for Signals {
    /// As long as nobody says who looks back how far, everything is kept for the longest window that there is.
    fn default() -> Self {
        Self { by_name: Vec::new(), span_of_others: Rule::LONGEST_WINDOW }
    }
}

impl Signals {
    /// Keeps samples only for as long as `reads` look back from now on; of a signal that none of them reads, the newest one.
    pub(crate) fn keep_for(&mut self, reads: &[Reads]) {
        self.span_of_others = Duration::ZERO;
        self.by_name.reserve_exact(reads.len().saturating_sub(self.by_name.len()));
        for (_, signal) in &mut self.by_name {
            signal.span = Duration::ZERO;
        }
        for Reads { signal: name, window, .. } in reads {
            match self.get_mut(name) {
                Some(signal) => signal.span = signal.span.max(*window),
                None => self.by_name.push((name.clone(), Signal { span: *window, ..Signal::default() })),
            }
        }
        for (_, signal) in &mut self.by_name {
            signal.forget_old();
        }
    }

    /// Adds samples. One from the future is taken as of now; one older than the newest of its series is left out.
    pub(crate) fn add(&mut self, samples: &[Sample], now: Timestamp) {
        let mut place = 0;
        for sample in samples {
            if let Some(signal) = self.get_or_insert(&sample.signal) {
                signal.add(sample, now, &mut place);
            }
        }
    }

    /// Drops every sample of one signal.
    pub(crate) fn forget(&mut self, name: &SignalName) {
        if let Some(signal) = self.get_mut(name) {
            *signal = Signal { span: signal.span, ..Signal::default() };
        }
    }

    /// Drops the samples of replicas that are neither listed nor newly measured.
    pub(crate) fn forget_replicas_but(&mut self, listed: &[Replica], now: Timestamp) {
        for (_, signal) in &mut self.by_name {
            signal.replicas.retain(|id, series| {
                series.newest().is_some_and(|point| now.since(point.at) < Rule::LONGEST_WINDOW)
                    || listed.iter().any(|replica| replica.id == *id)
            });
        }
    }

    /// The newest value of one replica, and when it was true.
    pub(crate) fn newest(&self, signal: &SignalName, replica: &ReplicaId) -> Option<(Timestamp, f64)> {
        self.get(signal)?.replica(replica, &mut 0)?.newest().map(|point| (point.at, point.value))
    }

    /// The newest value of the service as a whole, and when it was true.
    pub(crate) fn newest_of_service(&self, signal: &SignalName) -> Option<(Timestamp, f64)> {
        self.get(signal)?.service.newest().map(|point| (point.at, point.value))
    }

    /// The signal as a rule reads it.
    pub(crate) fn read(&self, reads: &Reads, view: &Viewpoint<'_>) -> SignalReading {
        let nothing;
        let signal = if let Some(signal) = self.get(&reads.signal) {
            signal
        } else {
            nothing = Signal::default();
            &nothing
        };
        let mut reading = SignalReading {
            signal: reads.signal.clone(),
            unit: reads.unit,
            window: reads.window,
            total: None,
            shares: None,
            of_reservations: None,
            age: None,
            kept: None,
            origin: Origin::Service,
            measured: 0,
            warming: view.warming,
            absent: 0,
            estimate: None,
            gap: None,
        };
        // An application may change from one value for the service to one per replica: the newest says which.
        let built_in = Shared::of(&reads.signal) != Shared::Nothing;
        if built_in || signal.newest_of_replicas() > signal.newest_of_service() {
            signal.read_replicas(&mut reading, view);
        } else {
            signal.read_service(&mut reading, view);
        }
        reading
    }

    fn get(&self, name: &SignalName) -> Option<&Signal> {
        self.by_name.iter().find(|(other, _)| other == name).map(|(_, signal)| signal)
    }

    fn get_mut(&mut self, name: &SignalName) -> Option<&mut Signal> {
        self.by_name.iter_mut().find(|(other, _)| other == name).map(|(_, signal)| signal)
    }

    /// `None` where there are too many already.
    fn get_or_insert(&mut self, name: &SignalName) -> Option<&mut Signal> {
        let place = match self.by_name.iter().position(|(other, _)| other == name) {
            Some(place) => place,
            None if self.by_name.len() >= MOST_SIGNALS => return None,
            None => {
                self.by_name.push((name.clone(), Signal { span: self.span_of_others, ..Signal::default() }));
                self.by_name.len() - 1
            }
        };
        Some(&mut self.by_name[place].1)
    }
}

impl Signal {
    /// Adds a sample. `place` is that of the replica before.
    fn add(&mut self, sample: &Sample, now: Timestamp, place: &mut usize) {
        let at = sample.at.min(now);
        let (value, partial) = match &sample.reading {
            Reading::Value(value) => (*value, None),
            Reading::Partial { value, replicas, why } => (*value, Some((*replicas, why))),
            Reading::Missing(why) => return self.said = Some((at, why.clone())),
            Reading::Idle => return self.idle = Some(at),
        };
        if !value.is_finite() {
            return self.said = Some((at, format!("the value was {value}")));
        }
        let point = Point { at, value };
        match &sample.of {
            Subject::Service => {
                if self.partial.is_some() {
                    // What covered only some replicas would be a dip among those that cover all.
                    self.service.forget_newest_before(at);
                }
                if self.service.add(point, self.span) {
                    self.partial = partial.map(|(replicas, why)| (replicas, why.clone()));
                }
            }
            Subject::Replica(id) => {
                let found = self.replicas.place(id, *place);
                let Some(found) = found.or_else(|| self.replicas.insert(id, Series::default())) else { return };
                *place = found;
                if let Some(series) = self.replicas.at_mut(found) {
                    series.add(point, self.span);
                }
            }
        }
    }

    /// The samples of one replica. `place` is where they likely are, and then where those of the next one likely are.
    fn replica(&self, id: &ReplicaId, place: &mut usize) -> Option<&Series> {
        let found = self.replicas.place(id, *place)?;
        *place = found + 1;
        self.replicas.at(found)
    }

    fn forget_old(&mut self) {
        let span = self.span;
        for series in self.replicas.values_mut().chain([&mut self.service]) {
            series.forget_old(span);
        }
    }
}

pub(crate) fn count(replicas: usize) -> u32 {
    u32::try_from(replicas).unwrap_or(u32::MAX)
}
