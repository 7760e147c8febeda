//! Samples kept for as long as a rule looks back on them, and read as signals.

mod series;
mod sum;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    evaluation::{Gap, Origin, SignalReading},
    event::{HostCapacity, Reading, Replica, ReplicaId, Sample, Subject},
    missing::good_for,
    policy::{Guards, Rule},
    quantity::SignalName,
    rule::Reads,
    time::Timestamp,
};

use series::{Point, Series};
use sum::Sum;

/// Signals kept per service; the ones that come later are not.
const MOST_SIGNALS: usize = 64;
/// Replicas kept per signal; the ones that come later are not.
const MOST_REPLICAS: usize = 1024;

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
    /// By ID.
    replicas: Vec<(ReplicaId, Series)>,
    /// What the prober last said about why there is no value.
    said: Option<(Timestamp, String)>,
    /// When it was last known that there is no value.
    idle: Option<Timestamp>,
}

/// What a reading depends on besides the samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Viewpoint<'a> {
    pub(crate) now: Timestamp,
    pub(crate) replicas: &'a [Replica],
    /// When a replica was last seen to be gone.
    pub(crate) last_removal: Timestamp,
    pub(crate) host: HostCapacity,
    pub(crate) guards: &'a Guards,
}

impl Viewpoint<'_> {
    /// From when on what a replica uses says something about load; `None` while it does not serve.
    fn counts_from(&self, replica: &Replica) -> Option<Timestamp> {
        replica.ready_since.map(|since| since.when_old(self.guards.warm_up))
    }

    fn warming(&self) -> u32 {
        let warm = |replica: &&Replica| self.counts_from(replica).is_some_and(|from| from <= self.now);
        count(self.replicas.len()) - count(self.replicas.iter().filter(warm).count())
    }

    fn is_stale(&self, at: Timestamp) -> bool {
        self.now.since(at) > self.guards.stale_after
    }

    /// Whether a replica with this newest sample, which is good for so long, counts.
    fn standing(&self, replica: &Replica, newest: Option<Timestamp>, good_for: Duration) -> Standing {
        match (self.counts_from(replica), newest) {
            (Some(from), Some(at)) if at.is_after(from) && self.now.since(at) <= good_for => Standing::Counts { from },
            (Some(from), _) if from <= self.now && self.is_stale(from) => Standing::Absent,
            _ => Standing::Warming,
        }
    }
}

/// What a replica adds to a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It counts, with its samples after `from`.
    Counts { from: Timestamp },
    /// It is too new to say anything.
    Warming,
    /// It should have a sample and has none.
    Absent,
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

    /// Adds a sample. One from the future is taken as of now; one older than the newest of its series is left out.
    pub(crate) fn add(&mut self, sample: Sample, now: Timestamp) {
        let Some(signal) = self.get_or_insert(sample.signal) else { return };
        let at = sample.at.min(now);
        let (value, partial) = match sample.reading {
            Reading::Value(value) => (value, None),
            Reading::Partial { value, replicas, why } => (value, Some((replicas, why))),
            Reading::Missing(why) => return signal.said = Some((at, why)),
            Reading::Idle => return signal.idle = Some(at),
        };
        if !value.is_finite() {
            return signal.said = Some((at, format!("the value was {value}")));
        }
        let (point, span) = (Point { at, value }, signal.span);
        match sample.of {
            Subject::Service => {
                if signal.service.add(point, span) {
                    signal.partial = partial;
                }
            }
            Subject::Replica(id) => {
                if let Some(series) = signal.series_of(id) {
                    series.add(point, span);
                }
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
            signal.replicas.retain(|(id, series)| {
                series.newest().is_some_and(|point| now.since(point.at) < Rule::LONGEST_WINDOW)
                    || listed.iter().any(|replica| replica.id == *id)
            });
        }
    }

    /// The newest value of one replica, and when it was true.
    pub(crate) fn newest(&self, signal: &SignalName, replica: &ReplicaId) -> Option<(Timestamp, f64)> {
        self.get(signal)?.replica(replica, 0)?.newest().map(|point| (point.at, point.value))
    }

    /// The newest value of the service as a whole, and when it was true.
    pub(crate) fn newest_of_service(&self, signal: &SignalName) -> Option<(Timestamp, f64)> {
        self.get(signal)?.service.newest().map(|point| (point.at, point.value))
    }

    /// The signal as a rule reads it.
    pub(crate) fn read(&self, reads: &Reads, view: Viewpoint<'_>) -> SignalReading {
        let nothing = Signal::default();
        let signal = self.get(&reads.signal).unwrap_or(&nothing);
        let blank = SignalReading {
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
            warming: view.warming(),
            absent: 0,
            gap: None,
        };
        // An application may change from one value for the service to one per replica: the newest says which.
        let per_replica = signal.newest_of_replicas() > signal.newest_of_service();
        let built_in = SignalName::OF_REPLICAS.contains(&reads.signal.as_str());
        if built_in || per_replica { signal.read_replicas(blank, view) } else { signal.read_service(blank, view) }
    }

    fn get(&self, name: &SignalName) -> Option<&Signal> {
        self.by_name.iter().find(|(other, _)| other == name).map(|(_, signal)| signal)
    }

    fn get_mut(&mut self, name: &SignalName) -> Option<&mut Signal> {
        self.by_name.iter_mut().find(|(other, _)| other == name).map(|(_, signal)| signal)
    }

    /// `None` where there are too many already.
    fn get_or_insert(&mut self, name: SignalName) -> Option<&mut Signal> {
        let place = match self.by_name.iter().position(|(other, _)| *other == name) {
            Some(place) => place,
            None if self.by_name.len() >= MOST_SIGNALS => return None,
            None => {
                self.by_name.push((name, Signal { span: self.span_of_others, ..Signal::default() }));
                self.by_name.len() - 1
            }
        };
        Some(&mut self.by_name[place].1)
    }
}

impl Signal {
    /// The samples of one replica, which is likely the one at `place`.
    fn replica(&self, id: &ReplicaId, place: usize) -> Option<&Series> {
        if let Some((_, series)) = self.replicas.get(place).filter(|(other, _)| other == id) {
            return Some(series);
        }
        let place = self.place(id).ok()?;
        Some(&self.replicas[place].1)
    }

    /// Where to put the samples of one replica; `None` where there are too many already.
    fn series_of(&mut self, id: ReplicaId) -> Option<&mut Series> {
        let place = match self.place(&id) {
            Ok(place) => place,
            Err(_) if self.replicas.len() >= MOST_REPLICAS => return None,
            Err(place) => {
                self.replicas.insert(place, (id, Series::default()));
                place
            }
        };
        Some(&mut self.replicas[place].1)
    }

    fn place(&self, id: &ReplicaId) -> Result<usize, usize> {
        self.replicas.binary_search_by(|(other, _)| other.cmp(id))
    }

    fn forget_old(&mut self) {
        let span = self.span;
        for series in self.replicas.iter_mut().map(|(_, series)| series).chain([&mut self.service]) {
            series.forget_old(span);
        }
    }

    fn newest_of_service(&self) -> Option<Timestamp> {
        self.service.newest().map(|point| point.at).max(self.idle)
    }

    fn newest_of_replicas(&self) -> Option<Timestamp> {
        self.replicas.iter().filter_map(|(_, series)| series.newest().map(|point| point.at)).max()
    }

    fn read_service(&self, blank: SignalReading, view: Viewpoint<'_>) -> SignalReading {
        let newest_value = self.service.newest().map(|point| point.at);
        let good_for = good_for(view.guards, &blank.signal);
        if let Some(idle) = self.idle.filter(|idle| Some(*idle) > newest_value) {
            let age = view.now.since(idle);
            if age <= good_for {
                let kept = view.is_stale(idle).then_some(age);
                return SignalReading { age: Some(age), kept, gap: Some(Gap::Idle), ..blank };
            }
        }
        let Some(newest) = self.service.newest() else {
            return SignalReading { gap: Some(self.silence(None)), ..blank };
        };
        let age = view.now.since(newest.at);
        if age > good_for {
            return SignalReading { age: Some(age), gap: Some(self.silence(Some((newest.at, age)))), ..blank };
        }
        let mean = self.service.mean(view.now.minus(blank.window), Timestamp::default());
        let listed = count(view.replicas.len());
        let (measured, gap) = match &self.partial {
            Some((replicas, why)) => (*replicas, Some(Gap::Said(why.clone()))),
            None => (listed, None),
        };
        let absent = listed.saturating_sub(measured);
        let kept = view.is_stale(newest.at).then_some(age);
        SignalReading { total: mean, age: Some(age), kept, measured, absent, gap, ..blank }
    }

    fn read_replicas(&self, blank: SignalReading, view: Viewpoint<'_>) -> SignalReading {
        let good_for = good_for(view.guards, &blank.signal);
        let standing = view.replicas.iter().enumerate().map(|(place, replica)| {
            let series = self.replica(&replica.id, place);
            let newest = series.and_then(Series::newest).map(|point| point.at);
            (replica, series, newest, view.standing(replica, newest, good_for))
        });
        let standing: Vec<_> = standing.collect();
        // Since when the load is shared by the replicas that share it now. A mean over a longer span would count the
        // work twice that has moved from one replica to another, or miss what a removed one did.
        let same_since = standing.iter().fold(view.last_removal, |since, (.., standing)| match standing {
            Standing::Counts { from } => since.max(*from),
            Standing::Warming | Standing::Absent => since,
        });
        let from = view.now.minus(blank.window);
        let mut sum = Sum::default();
        for (replica, series, newest, standing) in &standing {
            let kept = newest.filter(|at| view.is_stale(*at)).map(|at| view.now.since(at));
            let mean = series.and_then(|series| series.mean(from, same_since));
            match (standing, mean) {
                (Standing::Counts { .. }, Some(value)) => {
                    sum.add(value, limit(&blank.signal, replica, view.host), reservation(&blank.signal, replica));
                    sum.kept = sum.kept.max(kept);
                }
                // Its last value is from before the replicas changed, and there will be none soon.
                (Standing::Counts { .. }, None) if kept.is_some() => sum.absent += 1,
                // There is no sample yet since the replicas changed.
                (Standing::Counts { .. }, None) | (Standing::Warming, _) => sum.warming += 1,
                (Standing::Absent, _) => sum.absent += 1,
            }
        }
        let newest = standing.iter().filter_map(|(_, _, newest, _)| *newest).max();
        let age = newest.map(|at| view.now.since(at));
        let gap = self.gap(&sum, newest, age, count(view.replicas.len()));
        let reading = SignalReading {
            age,
            origin: Origin::Replicas,
            measured: sum.measured,
            warming: sum.warming,
            absent: sum.absent,
            gap,
            ..blank
        };
        if sum.measured == 0 {
            return reading;
        }
        SignalReading {
            total: Some(sum.total),
            kept: sum.kept,
            shares: sum.shares.whole(),
            of_reservations: sum.of_reservations.whole(),
            ..reading
        }
    }

    fn gap(&self, sum: &Sum, newest: Option<Timestamp>, age: Option<Duration>, of: u32) -> Option<Gap> {
        if sum.absent == 0 && sum.measured > 0 {
            return None;
        }
        if sum.measured > 0 {
            return Some(Gap::SomeReplicas { missing: sum.absent, of });
        }
        if sum.absent == 0 && sum.warming > 0 {
            return Some(Gap::WarmingUp);
        }
        Some(self.silence(newest.zip(age)))
    }

    /// Why there is no value: what the prober said since the last one, or how old that is.
    fn silence(&self, newest: Option<(Timestamp, Duration)>) -> Gap {
        match (&self.said, newest) {
            (Some((at, why)), Some((newest, _))) if *at >= newest => Gap::Said(why.clone()),
            (Some((_, why)), None) => Gap::Said(why.clone()),
            (_, Some((_, age))) => Gap::Stale { age },
            (None, None) => Gap::Never,
        }
    }
}

/// What a share of the signal is a share of.
pub(crate) fn limit(signal: &SignalName, replica: &Replica, host: HostCapacity) -> Option<f64> {
    let limit = match signal.as_str() {
        SignalName::CPU => replica.cpu_limit_cores.or(host.cores),
        SignalName::MEMORY => replica.memory_limit_bytes.or(host.memory_bytes),
        _ => None,
    };
    limit.filter(|limit| *limit > 0.0)
}

/// What is kept for a replica of what the signal measures.
pub(crate) fn reservation(signal: &SignalName, replica: &Replica) -> Option<f64> {
    let reservation = match signal.as_str() {
        SignalName::CPU => replica.cpu_reservation_cores,
        SignalName::MEMORY => replica.memory_reservation_bytes,
        _ => None,
    };
    reservation.filter(|reservation| *reservation > 0.0)
}

pub(crate) fn count(replicas: usize) -> u32 {
    u32::try_from(replicas).unwrap_or(u32::MAX)
}
