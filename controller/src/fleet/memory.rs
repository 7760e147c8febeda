//! What must survive a restart of the controller, as it is stored: per service, what guards remember with the newest
//! target (bucket `memory`); what forecasts learned (bucket `forecasts`, apart because it is large); and what was decided
//! (bucket `decisions`, apart because it is large and changes rarely).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use autoscaler::{Forecasts, Memory, Timestamp};
use bus::{
    payload::{DecisionStatus, Target},
    subject::{DECISIONS, FORECASTS, MEMORY, TARGETS},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::key::ServiceKey;

const VERSION: u16 = 1;
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

/// What forecasts learned of one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedForecasts {
    v: u16,
    /// When it was saved.
    pub(crate) at: Timestamp,
    /// What they learned.
    pub(crate) forecasts: Forecasts,
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

impl SavedForecasts {
    /// What is to be saved now.
    pub(crate) fn new(at: Timestamp, forecasts: Forecasts) -> Self {
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
    pub(crate) forecasts: BTreeMap<ServiceKey, SavedForecasts>,
    /// What was decided.
    pub(crate) decisions: BTreeMap<ServiceKey, SavedDecisions>,
    /// The newest targets; newer than what is remembered where an earlier build wrote them first.
    pub(crate) targets: BTreeMap<ServiceKey, Target>,
    /// Every service with anything in any bucket.
    pub(crate) services: BTreeSet<ServiceKey>,
}

impl Stored {
    /// Reads what the buckets hold. What cannot be read is told and started afresh.
    pub(crate) fn read(
        memory: &BTreeMap<String, Bytes>,
        forecasts: &BTreeMap<String, Bytes>,
        decisions: &BTreeMap<String, Bytes>,
        targets: &BTreeMap<String, Bytes>,
        assignments: &BTreeMap<String, Bytes>,
    ) -> Self {
        let keys = [memory, forecasts, decisions, targets, assignments].into_iter().flat_map(BTreeMap::keys);
        Self {
            memory: read_all(MEMORY, memory),
            forecasts: read_all(FORECASTS, forecasts),
            decisions: read_all(DECISIONS, decisions),
            targets: read_all(TARGETS, targets),
            services: keys.filter_map(|key| ServiceKey::from_bucket(key)).collect(),
        }
    }

    /// What was left of one service. What claims to be of the future is not trusted: a clock was wrong, then or now,
    /// and a cooldown would last for as long as that.
    pub(crate) fn take(&mut self, key: &ServiceKey, now: Timestamp) -> (Option<Saved>, Option<SavedDecisions>) {
        self.services.remove(key);
        let saved = self.memory.remove(key).filter(|saved| {
            let trusted = saved.at <= now.plus(TRUSTED_FUTURE);
            if !trusted {
                tracing::warn!(service = %key, "what was stored is from {} ms, which is to come: started afresh", saved.at.as_millis());
            }
            trusted
        });
        let latest = now.plus(TRUSTED_FUTURE).as_millis();
        let target = self.targets.remove(key).filter(|target| target.issued_ms <= latest);
        let mut saved = newest(saved, target);
        let learned = self.forecasts.remove(key).filter(|learned| learned.at.as_millis() <= latest);
        if let (Some(saved), Some(learned)) = (&mut saved, learned) {
            saved.autoscaler.put_forecasts(learned.forecasts);
        }
        (saved, self.decisions.remove(key))
    }

    /// Drops what was left of one service.
    pub(crate) fn forget(&mut self, key: &ServiceKey) {
        self.services.remove(key);
        self.memory.remove(key);
        self.forecasts.remove(key);
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

fn read_all<T: serde::de::DeserializeOwned>(
    bucket: &str,
    entries: &BTreeMap<String, Bytes>,
) -> BTreeMap<ServiceKey, T> {
    let read = |(key, bytes): (&String, &Bytes)| {
        let service = ServiceKey::from_bucket(key)?;
        match bus::payload::decode(bytes) {
            Ok(value) => Some((service, value)),
            Err(error) => {
                tracing::warn!(%service, bucket, %error, "what was stored cannot be read: started afresh");
                None
            }
        }
    };
    entries.iter().filter_map(read).collect()
}
