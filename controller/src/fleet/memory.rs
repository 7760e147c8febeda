//! What must survive a restart of the controller, as it is stored: per service, what guards remember with the newest
//! target (bucket `memory`); what forecasts learned (bucket `forecasts`, apart because it is large); and what was decided
//! (bucket `decisions`, apart because it is large and changes rarely).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use autoscaler::{Forecasts, Learned, Memory, Timestamp};
use bus::{
    payload::{DecisionStatus, Target},
    subject::{DECISIONS, FORECASTS, MEMORY, TARGETS},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::key::ServiceKey;

const VERSION: u16 = 1;
/// So many are named of what cannot be read in a bucket: after an update it may be all of it.
const MOST_NAMED: usize = 8;
/// How far a restarted controller's clock may be behind what it stored.
const TRUSTED_FUTURE: Duration = Duration::from_mins(1);

/// What must survive of one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Saved {
    v: u16,
    /// When it was saved.
    pub(crate) at: Timestamp,
    /// What guards and rules remember.
    pub(crate) autoscaler: Memory,
    /// The newest number of a target; the next one is greater.
    pub(crate) sequence: u64,
    /// The newest target.
    pub(crate) target: Option<Target>,
}

/// What forecasts learned of one service; `F` is [`Forecasts`] as read, [`Learned`] as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedForecasts<F> {
    v: u16,
    /// When it was saved.
    pub(crate) at: Timestamp,
    /// What they learned.
    pub(crate) forecasts: F,
}

/// What was decided for one service, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedDecisions {
    v: u16,
    /// The decisions.
    pub(crate) decisions: Vec<DecisionStatus>,
}

impl Saved {
    /// What is to be saved now.
    pub(crate) fn new(at: Timestamp, autoscaler: Memory, sequence: u64, target: Option<Target>) -> Self {
        Self { v: VERSION, at, autoscaler, sequence, target }
    }
}

impl<'a> SavedForecasts<Learned<'a>> {
    /// What is to be saved now.
    pub(crate) fn new(at: Timestamp, forecasts: Learned<'a>) -> Self {
        Self { v: VERSION, at, forecasts }
    }
}

impl SavedDecisions {
    /// What is to be saved now.
    pub(crate) fn new(decisions: impl IntoIterator<Item = DecisionStatus>) -> Self {
        Self { v: VERSION, decisions: decisions.into_iter().collect() }
    }
}

/// What earlier controllers left in the buckets.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// What guards remember.
    pub(crate) memory: BTreeMap<ServiceKey, Saved>,
    /// What forecasts learned.
    pub(crate) forecasts: BTreeMap<ServiceKey, SavedForecasts<Forecasts>>,
    /// The services of which there is something in the bucket of forecasts, whether it can be read or not.
    pub(crate) with_forecasts: BTreeSet<ServiceKey>,
    /// What was decided.
    pub(crate) decisions: BTreeMap<ServiceKey, SavedDecisions>,
    /// The newest targets; newer than what is remembered where an earlier build wrote them first.
    pub(crate) targets: BTreeMap<ServiceKey, Target>,
    /// Every service with anything in any bucket.
    pub(crate) services: BTreeSet<ServiceKey>,
    /// What could not be read, in each bucket.
    pub(crate) unreadable: BTreeMap<&'static str, Vec<Unreadable>>,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Of which service.
    pub(crate) service: ServiceKey,
    /// Why not.
    pub(crate) why: String,
}

/// What was left of one service.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// What guards and rules remember.
    pub(crate) saved: Option<Saved>,
    /// What was decided.
    pub(crate) decisions: Option<SavedDecisions>,
    /// Whether there is something in the bucket of forecasts.
    pub(crate) forecasts: bool,
}

impl Stored {
    /// Reads what the buckets hold. What cannot be read is told and started afresh: an entry, or what a single rule of it
    /// remembered.
    pub(crate) fn read(
        memory: &BTreeMap<String, Bytes>,
        forecasts: &BTreeMap<String, Bytes>,
        decisions: &BTreeMap<String, Bytes>,
        targets: &BTreeMap<String, Bytes>,
        assignments: &BTreeMap<String, Bytes>,
    ) -> Self {
        let keys = [memory, forecasts, decisions, targets, assignments].into_iter().flat_map(BTreeMap::keys);
        let mut unreadable = BTreeMap::new();
        let stored = Self {
            memory: read_all(MEMORY, memory, &mut unreadable, |saved: &Saved| saved.autoscaler.unreadable()),
            forecasts: read_all(FORECASTS, forecasts, &mut unreadable, |saved: &SavedForecasts<Forecasts>| {
                saved.forecasts.unreadable()
            }),
            with_forecasts: forecasts.keys().filter_map(|key| ServiceKey::from_bucket(key)).collect(),
            decisions: read_all(DECISIONS, decisions, &mut unreadable, |_| &[]),
            targets: read_all(TARGETS, targets, &mut unreadable, |_| &[]),
            services: keys.filter_map(|key| ServiceKey::from_bucket(key)).collect(),
            unreadable,
        };
        stored.tell_unreadable();
        stored
    }

    fn tell_unreadable(&self) {
        for (bucket, all) in &self.unreadable {
            for Unreadable { service, why } in all.iter().take(MOST_NAMED) {
                tracing::warn!(%service, bucket, why, "what was stored cannot be read: started afresh");
            }
            if let Some(more @ 1..) = all.len().checked_sub(MOST_NAMED) {
                tracing::warn!(bucket, "and {more} more");
            }
        }
    }

    /// What was left of one service. What claims to be of the future is not trusted: a clock was wrong, then or now,
    /// and a cooldown would last for as long as that.
    pub(crate) fn take(&mut self, key: &ServiceKey, now: Timestamp) -> Left {
        self.services.remove(key);
        let latest = now.plus(TRUSTED_FUTURE);
        let trusted = |what: &str, at: Timestamp| {
            if at > latest {
                tracing::warn!(service = %key, "{what} is from {} ms, which is to come: started afresh", at.as_millis());
            }
            at <= latest
        };
        let saved = self.memory.remove(key).filter(|saved| trusted("what was stored", saved.at));
        let target = self.targets.remove(key).filter(|target| target.issued_ms <= latest.as_millis());
        let mut saved = newest(saved, target);
        let learned = self.forecasts.remove(key).filter(|learned| trusted("what forecasts learned", learned.at));
        if let Some(learned) = learned {
            let saved = saved.get_or_insert_with(|| Saved::new(learned.at, Memory::default(), 0, None));
            saved.autoscaler.put_forecasts(learned.forecasts);
        }
        Left { saved, decisions: self.decisions.remove(key), forecasts: self.with_forecasts.remove(key) }
    }

    /// Drops what was left of one service.
    pub(crate) fn forget(&mut self, key: &ServiceKey) {
        self.services.remove(key);
        self.memory.remove(key);
        self.forecasts.remove(key);
        self.with_forecasts.remove(key);
        self.targets.remove(key);
        self.decisions.remove(key);
    }
}

/// What is remembered, with the target in its bucket where that is newer.
fn newest(saved: Option<Saved>, target: Option<Target>) -> Option<Saved> {
    let Some(target) = target else { return saved };
    let mut saved =
        saved.unwrap_or_else(|| Saved::new(Timestamp::from_millis(target.issued_ms), Memory::default(), 0, None));
    let newer = match &saved.target {
        Some(known) => (target.term, target.sequence) > (known.term, known.sequence),
        None => target.sequence > saved.sequence,
    };
    if newer {
        saved.autoscaler.set_target(target.replicas);
        saved.sequence = saved.sequence.max(target.sequence);
        saved.target = Some(target);
    }
    Some(saved)
}

/// The entries of a bucket; `parts` are the errors within one that could be read.
fn read_all<T: serde::de::DeserializeOwned>(
    bucket: &'static str,
    entries: &BTreeMap<String, Bytes>,
    unreadable: &mut BTreeMap<&'static str, Vec<Unreadable>>,
    parts: impl Fn(&T) -> &[String],
) -> BTreeMap<ServiceKey, T> {
    let mut read = BTreeMap::new();
    let mut tell = |service: &ServiceKey, why: &str| {
        unreadable.entry(bucket).or_default().push(Unreadable { service: service.clone(), why: why.to_owned() });
    };
    for (key, bytes) in entries {
        let Some(service) = ServiceKey::from_bucket(key) else { continue };
        match bus::payload::decode::<T>(bytes) {
            Ok(value) => {
                for why in parts(&value) {
                    tell(&service, why);
                }
                read.insert(service, value);
            }
            Err(error) => tell(&service, &error.to_string()),
        }
    }
    read
}
