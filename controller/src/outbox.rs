//! Writes what the fleet wants written, without the owner task having to wait.
//!
//! Everything written is a level, so of each key only the newest value waits; the number of keys is bounded by the
//! number of services. Writes of one key follow each other; those of different keys overlap.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bus::{Bucket, BusError, Link, payload};
use bytes::Bytes;
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{sync::watch, time::Instant};

use crate::fleet::Effect;

/// Writes under way at a time.
const AT_A_TIME: usize = 16;
/// After a write that failed, nothing more is tried for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// The buckets that a controller writes, by urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Which {
    /// How many replicas there shall be.
    Targets,
    /// What the policies ask of the agents.
    Assignments,
    /// What guards remember.
    Memory,
    /// What was decided.
    Decisions,
    /// What forecasts learned.
    Forecasts,
}

/// The buckets that a controller writes.
#[derive(Clone, Debug)]
pub(crate) struct Buckets {
    /// `targets`
    pub(crate) targets: Arc<dyn Bucket>,
    /// `assignments`
    pub(crate) assignments: Arc<dyn Bucket>,
    /// `memory`
    pub(crate) memory: Arc<dyn Bucket>,
    /// `decisions`
    pub(crate) decisions: Arc<dyn Bucket>,
    /// `forecasts`
    pub(crate) forecasts: Arc<dyn Bucket>,
}

impl Buckets {
    fn get(&self, which: Which) -> &Arc<dyn Bucket> {
        match which {
            Which::Targets => &self.targets,
            Which::Assignments => &self.assignments,
            Which::Memory => &self.memory,
            Which::Decisions => &self.decisions,
            Which::Forecasts => &self.forecasts,
        }
    }
}

type Place = (Which, String);
type Written = (Place, Option<Bytes>, Result<(), BusError>);

/// What is to be written, and what is being written.
pub(crate) struct Outbox {
    buckets: Buckets,
    waiting: BTreeMap<Place, Option<Bytes>>,
    under_way: FuturesUnordered<BoxFuture<'static, Written>>,
    busy: BTreeSet<Place>,
    open: bool,
    link: watch::Receiver<Link>,
    paused_until: Option<Instant>,
}

impl Outbox {
    /// An empty one, closed.
    pub(crate) fn new(buckets: Buckets, mut link: watch::Receiver<Link>) -> Self {
        link.mark_unchanged();
        Self {
            buckets,
            waiting: BTreeMap::new(),
            under_way: FuturesUnordered::new(),
            busy: BTreeSet::new(),
            open: false,
            link,
            paused_until: None,
        }
    }

    /// Has this written, instead of whatever waits for the same place.
    pub(crate) fn add(&mut self, effect: Effect) {
        let (place, value) = placed(effect);
        self.waiting.insert(place, value);
        self.start();
    }

    /// Begins nothing more until it is opened; what is to be written waits.
    pub(crate) fn close(&mut self) {
        self.open = false;
        self.link.mark_unchanged();
        self.paused_until = None;
    }

    /// Begins with what waits.
    pub(crate) fn open(&mut self) {
        self.open = true;
        self.start();
    }

    /// Closes, and drops what waits.
    pub(crate) fn clear(&mut self) {
        self.close();
        self.waiting.clear();
    }

    /// Waits for a write to end or a pause to be over; for ever when there is neither. May be dropped at any time.
    pub(crate) async fn progress(&mut self) {
        let pause = self.paused_until;
        tokio::select! {
            Some(written) = self.under_way.next(), if !self.under_way.is_empty() => self.finish(written),
            () = until(pause), if pause.is_some() => self.paused_until = None,
            else => std::future::pending().await,
        }
        self.start();
    }

    /// Waits until everything is written, at most for `limit`.
    pub(crate) async fn flush(&mut self, limit: Duration) {
        let all = async {
            while !(self.waiting.is_empty() && self.under_way.is_empty()) && self.open {
                self.progress().await;
            }
        };
        if tokio::time::timeout(limit, all).await.is_err() {
            tracing::warn!("not everything could be stored before the end");
        }
    }

    fn start(&mut self) {
        // Once the link has changed, nothing is begun even before the owner has noticed.
        if !self.open || self.link.has_changed().unwrap_or(false) || self.paused_until.is_some() {
            return;
        }
        let free: Vec<Place> = self.waiting.keys().filter(|place| self.may_start(place)).cloned().collect();
        for place in free.into_iter().take(AT_A_TIME.saturating_sub(self.under_way.len())) {
            let Some(value) = self.waiting.remove(&place) else { continue };
            self.busy.insert(place.clone());
            self.under_way.push(write(Arc::clone(self.buckets.get(place.0)), place, value));
        }
    }

    /// A target waits for the memory of the decision that it comes from: whoever comes after a kill in between knows of
    /// a target that was not published yet, and never forgets one that was.
    fn may_start(&self, place: &Place) -> bool {
        let memory = (Which::Memory, place.1.clone());
        let remembered = !(self.waiting.contains_key(&memory) || self.busy.contains(&memory));
        !self.busy.contains(place) && (place.0 != Which::Targets || remembered)
    }

    fn finish(&mut self, (place, value, result): Written) {
        self.busy.remove(&place);
        let Err(error) = result else { return };
        if let BusError::TooLarge { .. } = error {
            tracing::error!(bucket = ?place.0, key = place.1, %error, "cannot be stored");
            return;
        }
        tracing::warn!(bucket = ?place.0, key = place.1, %error, "cannot write: it is tried again");
        self.waiting.entry(place).or_insert(value);
        self.paused_until = Some(Instant::now() + PAUSE);
    }
}

fn write(bucket: Arc<dyn Bucket>, place: Place, value: Option<Bytes>) -> BoxFuture<'static, Written> {
    Box::pin(async move {
        let result = match value.clone() {
            Some(value) => bucket.put(&place.1, value).await.map(drop),
            None => bucket.delete(&place.1).await,
        };
        (place, value, result)
    })
}

async fn until(moment: Option<Instant>) {
    if let Some(moment) = moment {
        tokio::time::sleep_until(moment).await;
    }
}

fn placed(effect: Effect) -> (Place, Option<Bytes>) {
    match effect {
        Effect::Target(key, value) => ((Which::Targets, key.in_bucket()), value.as_ref().map(payload::encode)),
        Effect::Assignment(key, value) => ((Which::Assignments, key.in_bucket()), value.as_ref().map(payload::encode)),
        Effect::Memory(key, value) => ((Which::Memory, key.in_bucket()), value.as_deref().map(payload::encode)),
        Effect::Forecasts(key, value) => ((Which::Forecasts, key.in_bucket()), value),
        Effect::Decisions(key, value) => ((Which::Decisions, key.in_bucket()), value.as_ref().map(payload::encode)),
    }
}

#[cfg(test)]
mod tests {
    use bus::{Bus, local::LocalBus};

    use super::*;
    use crate::fleet::ServiceKey;

    async fn outbox(link: watch::Receiver<Link>) -> Result<Outbox, BusError> {
        let bus: Bus = LocalBus::in_memory()?;
        let buckets = Buckets {
            targets: bus.bucket("targets").await?,
            assignments: bus.bucket("assignments").await?,
            memory: bus.bucket("memory").await?,
            decisions: bus.bucket("decisions").await?,
            forecasts: bus.bucket("forecasts").await?,
        };
        Ok(Outbox::new(buckets, link))
    }

    fn key() -> ServiceKey {
        ServiceKey { host: "a".to_owned(), project: "shop".to_owned(), service: "web".to_owned() }
    }

    fn under_way(outbox: &Outbox) -> Vec<Which> {
        outbox.busy.iter().map(|place| place.0).collect()
    }

    #[tokio::test]
    async fn nothing_is_written_until_the_term_was_read_again() -> Result<(), BusError> {
        let link = watch::Sender::new(Link::Up);
        let mut outbox = outbox(link.subscribe()).await?;
        outbox.add(Effect::Assignment(key(), None));
        assert_eq!(under_way(&outbox), [], "closed at the start");
        outbox.open();
        assert_eq!(under_way(&outbox), [Which::Assignments]);
        link.send_replace(Link::Up);
        outbox.add(Effect::Decisions(key(), None));
        outbox.progress().await;
        assert_eq!(under_way(&outbox), [], "the link was down in between, which the owner has not noticed yet");
        outbox.close();
        outbox.add(Effect::Memory(key(), None));
        assert_eq!(under_way(&outbox), [], "and now it has");
        outbox.open();
        assert_eq!(under_way(&outbox), [Which::Memory, Which::Decisions]);
        Ok(())
    }

    #[tokio::test]
    async fn what_waits_when_stepping_back_is_dropped() -> Result<(), BusError> {
        let mut outbox = outbox(watch::Sender::new(Link::Up).subscribe()).await?;
        outbox.add(Effect::Memory(key(), None));
        outbox.clear();
        outbox.open();
        assert_eq!(under_way(&outbox), []);
        Ok(())
    }

    #[tokio::test]
    async fn a_target_waits_for_the_memory_of_its_decision() -> Result<(), BusError> {
        let mut outbox = outbox(watch::Sender::new(Link::Up).subscribe()).await?;
        outbox.open();
        outbox.add(Effect::Memory(key(), None));
        outbox.add(Effect::Target(key(), None));
        assert_eq!(under_way(&outbox), [Which::Memory]);
        outbox.progress().await;
        assert_eq!(under_way(&outbox), [Which::Targets]);
        Ok(())
    }
}
