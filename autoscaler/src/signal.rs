//! Samples kept for as long as a rule looks back, and read as signals.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::{
    evaluation::{Gap, Origin, SignalReading},
    event::{HostCapacity, Reading, Replica, ReplicaId, Sample, Subject},
    missing::good_for,
    policy::{Guards, Rule},
    quantity::SignalName,
    rule::Reads,
    time::Timestamp,
};

/// Samples kept per series: the longest window at one a second, and some to spare.
const MOST_SAMPLES: usize = 1024;
/// Signals kept per service; the ones that come later are not.
const MOST_SIGNALS: usize = 64;
/// Replicas kept per signal; the ones that come later are not.
const MOST_REPLICAS: usize = 1024;

/// All samples of one service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals {
    by_name: BTreeMap<SignalName, Signal>,
}

#[derive(Clone, Debug, Default)]
struct Signal {
    service: Series,
    replicas: BTreeMap<ReplicaId, Series>,
    /// What the prober last said about why there is no value.
    said: Option<(Timestamp, String)>,
    /// When it was last known that there is no value.
    idle: Option<Timestamp>,
}

/// The newest samples of one origin, by time.
#[derive(Clone, Debug, Default)]
struct Series {
    points: VecDeque<Point>,
}

#[derive(Clone, Debug)]
struct Point {
    at: Timestamp,
    value: f64,
    /// Replicas covered, and why not all, where it does not cover all.
    partial: Option<(u32, String)>,
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
        replica.ready_since.map(|since| since.plus(self.guards.warm_up))
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
            (Some(from), Some(at)) if at > from && self.now.since(at) <= good_for => Standing::Counts { from },
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

impl Signals {
    /// Adds a sample. One from the future is taken as of now; one older than the newest of its series is left out.
    pub(crate) fn add(&mut self, sample: Sample, now: Timestamp) {
        if !self.by_name.contains_key(&sample.signal) && self.by_name.len() >= MOST_SIGNALS {
            return;
        }
        let signal = self.by_name.entry(sample.signal).or_default();
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
        let series = match sample.of {
            Subject::Service => &mut signal.service,
            Subject::Replica(id) => {
                if !signal.replicas.contains_key(&id) && signal.replicas.len() >= MOST_REPLICAS {
                    return;
                }
                signal.replicas.entry(id).or_default()
            }
        };
        series.add(Point { at, value, partial });
    }

    /// Drops every sample of one signal.
    pub(crate) fn forget(&mut self, name: &SignalName) {
        self.by_name.remove(name);
    }

    /// Drops the samples of replicas that are neither listed nor newly measured.
    pub(crate) fn forget_replicas_but(&mut self, listed: &[Replica], now: Timestamp) {
        for signal in self.by_name.values_mut() {
            signal.replicas.retain(|id, series| {
                listed.iter().any(|replica| replica.id == *id)
                    || series.newest().is_some_and(|point| now.since(point.at) < Rule::LONGEST_WINDOW)
            });
        }
    }

    /// The newest value of one replica, and when it was true.
    pub(crate) fn newest(&self, signal: &SignalName, replica: &ReplicaId) -> Option<(Timestamp, f64)> {
        self.by_name.get(signal)?.replicas.get(replica)?.newest().map(|point| (point.at, point.value))
    }

    /// The newest value of the service as a whole, and when it was true.
    pub(crate) fn newest_of_service(&self, signal: &SignalName) -> Option<(Timestamp, f64)> {
        self.by_name.get(signal)?.service.newest().map(|point| (point.at, point.value))
    }

    /// The signal as a rule reads it.
    pub(crate) fn read(&self, reads: &Reads, view: Viewpoint<'_>) -> SignalReading {
        let nothing = Signal::default();
        let signal = self.by_name.get(&reads.signal).unwrap_or(&nothing);
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
}

impl Signal {
    fn newest_of_service(&self) -> Option<Timestamp> {
        self.service.newest().map(|point| point.at).max(self.idle)
    }

    fn newest_of_replicas(&self) -> Option<Timestamp> {
        self.replicas.values().filter_map(|series| series.newest().map(|point| point.at)).max()
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
        let (measured, gap) = match &newest.partial {
            Some((replicas, why)) => (*replicas, Some(Gap::Said(why.clone()))),
            None => (listed, None),
        };
        let absent = listed.saturating_sub(measured);
        let kept = view.is_stale(newest.at).then_some(age);
        SignalReading { total: mean, age: Some(age), kept, measured, absent, gap, ..blank }
    }

    fn read_replicas(&self, blank: SignalReading, view: Viewpoint<'_>) -> SignalReading {
        let newest_of = |replica: &Replica| self.replicas.get(&replica.id)?.newest().map(|point| point.at);
        let good_for = good_for(view.guards, &blank.signal);
        let standing = view.replicas.iter().map(|replica| {
            let newest = newest_of(replica);
            (replica, newest, view.standing(replica, newest, good_for))
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
        for (replica, newest, standing) in &standing {
            let kept = newest.filter(|at| view.is_stale(*at)).map(|at| view.now.since(at));
            let mean = self.replicas.get(&replica.id).and_then(|series| series.mean(from, same_since));
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
        let newest = view.replicas.iter().filter_map(newest_of).max();
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

/// Adds up replicas.
#[derive(Default)]
struct Sum {
    total: f64,
    shares: Shares,
    of_reservations: Shares,
    measured: u32,
    warming: u32,
    absent: u32,
    /// Age of the oldest value that goes on as the last good one.
    kept: Option<Duration>,
}

impl Sum {
    fn add(&mut self, value: f64, limit: Option<f64>, reservation: Option<f64>) {
        self.total += value;
        self.measured += 1;
        self.shares.add(value, limit);
        self.of_reservations.add(value, reservation);
    }
}

/// A sum of shares, as long as there is something to take each share of.
#[derive(Default)]
struct Shares {
    sum: f64,
    incomplete: bool,
}

impl Shares {
    fn add(&mut self, value: f64, of: Option<f64>) {
        match of {
            Some(of) => self.sum += value / of,
            None => self.incomplete = true,
        }
    }

    fn whole(&self) -> Option<f64> {
        (!self.incomplete).then_some(self.sum)
    }
}

impl Series {
    fn add(&mut self, point: Point) {
        match self.points.back_mut() {
            Some(newest) if newest.at == point.at => *newest = point,
            Some(newest) if newest.at > point.at => {}
            _ => self.points.push_back(point),
        }
        let Some(newest) = self.newest().map(|point| point.at) else { return };
        while self.points.len() > MOST_SAMPLES
            || self.points.front().is_some_and(|oldest| newest.since(oldest.at) > Rule::LONGEST_WINDOW)
        {
            self.points.pop_front();
        }
    }

    fn newest(&self) -> Option<&Point> {
        self.points.back()
    }

    /// The mean of the samples of the window after `from`, of those after `since`; the newest alone where the window is
    /// shorter than the interval.
    fn mean(&self, from: Timestamp, since: Timestamp) -> Option<f64> {
        let newest = self.newest().filter(|point| point.at > since)?;
        let mut sum = 0.0;
        let mut values = 0_u32;
        for point in self.points.iter().rev().take_while(|point| point.at > from.max(since)) {
            sum += point.value;
            values += 1;
        }
        Some(if values > 0 { sum / f64::from(values) } else { newest.value })
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
