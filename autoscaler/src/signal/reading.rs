//! One signal as a rule reads it.

use std::time::Duration;

use super::{
    Signal, count,
    estimate::{Span, Unmeasured, demand},
    series::Series,
    sum::Sum,
};
use crate::{
    evaluation::{Estimate, Gap, Origin, SignalReading},
    event::{HostCapacity, Observation, Replica},
    missing::good_for,
    policy::Guards,
    quantity::SignalName,
    time::Timestamp,
};

/// What a reading depends on besides the samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Viewpoint<'a> {
    now: Timestamp,
    replicas: &'a [Replica],
    /// When a replica was last seen to be gone.
    last_removal: Timestamp,
    host: HostCapacity,
    guards: &'a Guards,
    /// Replicas that do not serve yet, or not for long enough.
    pub(super) warming: u32,
}

impl<'a> Viewpoint<'a> {
    pub(crate) fn new(
        now: Timestamp,
        observation: &'a Observation,
        last_removal: Timestamp,
        guards: &'a Guards,
    ) -> Self {
        let Observation { replicas, host, .. } = observation;
        let mut view = Self { now, replicas, last_removal, host: *host, guards, warming: 0 };
        let warm = |replica: &&Replica| view.counts_from(replica).is_some_and(|from| from <= now);
        view.warming = count(replicas.len()) - count(replicas.iter().filter(warm).count());
        view
    }

    /// From when on what a replica uses says something about load; `None` while it does not serve.
    fn counts_from(&self, replica: &Replica) -> Option<Timestamp> {
        replica.ready_since.map(|since| since.when_old(self.guards.warm_up))
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

impl Signal {
    pub(super) fn newest_of_service(&self) -> Option<Timestamp> {
        self.service.newest().map(|point| point.at).max(self.idle)
    }

    pub(super) fn newest_of_replicas(&self) -> Option<Timestamp> {
        self.replicas.values().filter_map(|series| series.newest().map(|point| point.at)).max()
    }

    /// Fills in what is read of the service's own value.
    pub(super) fn read_service(&self, reading: &mut SignalReading, view: &Viewpoint<'_>) {
        let newest_value = self.service.newest().map(|point| point.at);
        let good_for = good_for(view.guards, &reading.signal);
        if let Some(idle) = self.idle.filter(|idle| Some(*idle) > newest_value) {
            let age = view.now.since(idle);
            if age <= good_for {
                reading.age = Some(age);
                reading.kept = view.is_stale(idle).then_some(age);
                reading.gap = Some(Gap::Idle);
                return;
            }
        }
        let Some(newest) = self.service.newest() else {
            reading.gap = Some(self.silence(None));
            return;
        };
        let age = view.now.since(newest.at);
        reading.age = Some(age);
        if age > good_for {
            reading.gap = Some(self.silence(Some((newest.at, age))));
            return;
        }
        let listed = count(view.replicas.len());
        reading.total = self.service.mean(view.now.minus(reading.window), Timestamp::default());
        reading.kept = view.is_stale(newest.at).then_some(age);
        reading.measured = self.partial.as_ref().map_or(listed, |(replicas, _)| *replicas);
        reading.absent = listed.saturating_sub(reading.measured);
        reading.gap = self.partial.as_ref().map(|(_, why)| Gap::Said(why.clone()));
    }

    /// Fills in what is read of the values of each replica.
    pub(super) fn read_replicas(&self, reading: &mut SignalReading, view: &Viewpoint<'_>) {
        let good_for = good_for(view.guards, &reading.signal);
        let standing = || {
            let mut place = 0;
            view.replicas.iter().map(move |replica| {
                let series = self.replica(&replica.id, &mut place);
                let newest = series.and_then(Series::newest).map(|point| point.at);
                (replica, series, newest, view.standing(replica, newest, good_for))
            })
        };
        // Since when the load is shared by the replicas that share it now. A mean over a longer span would count the
        // work twice that has moved from one replica to another, or miss what a removed one did.
        let same_since = standing().fold(view.last_removal, |since, (.., standing)| match standing {
            Standing::Counts { from } => since.max(from),
            Standing::Warming | Standing::Absent => since,
        });
        let from = view.now.minus(reading.window);
        let shared = Shared::of(&reading.signal);
        let mut sum = Sum::default();
        let mut unmeasured = Vec::new();
        let mut newest_of_all = None;
        for (replica, series, newest, standing) in standing() {
            newest_of_all = newest_of_all.max(newest);
            let kept = newest.filter(|at| view.is_stale(*at)).map(|at| view.now.since(at));
            let mean = series.and_then(|series| series.mean(from, same_since));
            match (standing, mean) {
                (Standing::Counts { .. }, Some(value)) => {
                    sum.add(value, shared.limit(replica, view.host), shared.reservation(replica));
                    sum.kept = sum.kept.max(kept);
                    sum.covers(series.and_then(|series| series.covers(from, same_since)));
                }
                // Its last value is from before the replicas changed, and there will be none soon.
                (Standing::Counts { .. }, None) if kept.is_some() => sum.absent += 1,
                // There is no sample yet since the replicas changed.
                (Standing::Counts { .. }, None) | (Standing::Warming, _) => {
                    sum.warming += 1;
                    unmeasured.extend(replica.ready_since.map(|ready| Unmeasured {
                        from: ready,
                        used: series.and_then(|series| series.mean(from, same_since.max(ready))),
                        serves: replica.started.is_none_or(|started| ready.is_after(started)),
                    }));
                }
                (Standing::Absent, _) => sum.absent += 1,
            }
        }
        reading.age = newest_of_all.map(|at| view.now.since(at));
        reading.gap = self.gap(&sum, newest_of_all, reading.age, count(view.replicas.len()));
        reading.origin = Origin::Replicas;
        reading.measured = sum.measured;
        reading.warming = sum.warming;
        reading.absent = sum.absent;
        if sum.measured > 0 {
            reading.total = Some(sum.total);
            reading.kept = sum.kept;
            reading.shares = sum.shares.whole();
            reading.of_reservations = sum.of_reservations.whole();
            reading.estimate = estimate(&sum, unmeasured, view);
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

/// What is asked for, where some that serve are not measured.
fn estimate(sum: &Sum, mut unmeasured: Vec<Unmeasured>, view: &Viewpoint<'_>) -> Option<Estimate> {
    let (from, until) = sum.span?;
    unmeasured.retain(|replica| until.is_after(replica.from));
    if unmeasured.is_empty() {
        return None;
    }
    unmeasured.sort_by_key(|replica| replica.from);
    // Before a silence nothing was measured, however long ago the sample before it is.
    let from = from.map(|from| from.max(until.minus(view.guards.stale_after)));
    let demand = |others: &dyn Fn(&Unmeasured) -> bool| {
        let others: Vec<&Unmeasured> = unmeasured.iter().filter(|replica| others(replica)).collect();
        demand(sum.total, sum.measured, Span { from, until }, &others)
    };
    let serving = unmeasured.iter().filter(|replica| replica.serves).count();
    Some(Estimate {
        serving: count(serving),
        demand: demand(&|replica| replica.serves),
        unsure: count(unmeasured.len() - serving),
        most: demand(&|_| true),
    })
}

/// What a share of the signal is a share of.
pub(crate) fn limit(signal: &SignalName, replica: &Replica, host: HostCapacity) -> Option<f64> {
    Shared::of(signal).limit(replica, host)
}

/// What is kept for a replica of what the signal measures.
pub(crate) fn reservation(signal: &SignalName, replica: &Replica) -> Option<f64> {
    Shared::of(signal).reservation(replica)
}

/// What each replica has a share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shared {
    Cores,
    Memory,
    Nothing,
}

impl Shared {
    pub(super) fn of(signal: &SignalName) -> Self {
        if signal.is(SignalName::CPU) {
            Self::Cores
        } else if signal.is(SignalName::MEMORY) {
            Self::Memory
        } else {
            Self::Nothing
        }
    }

    fn limit(self, replica: &Replica, host: HostCapacity) -> Option<f64> {
        let limit = match self {
            Self::Cores => replica.cpu_limit_cores.or(host.cores),
            Self::Memory => replica.memory_limit_bytes.or(host.memory_bytes),
            Self::Nothing => None,
        };
        limit.filter(|limit| *limit > 0.0)
    }

    fn reservation(self, replica: &Replica) -> Option<f64> {
        let reservation = match self {
            Self::Cores => replica.cpu_reservation_cores,
            Self::Memory => replica.memory_reservation_bytes,
            Self::Nothing => None,
        };
        reservation.filter(|reservation| *reservation > 0.0)
    }
}
