//! What Ballast itself is doing to containers just now, so that it does not take its own work for somebody else's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    docker::Event,
    instant::{is_recent, now_ms},
};

/// Events can arrive after the call that caused them has returned; later than this they are somebody else's.
const EVENTS_MAY_LAG_MS: u64 = 5_000;

/// Shared between those who change containers and those who read events.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    entries: Arc<Mutex<BTreeMap<(String, Work), Entry>>>,
    /// Containers that were stopped in order to be started again, by ID, and when they ended.
    asleep: Arc<Mutex<BTreeMap<String, u64>>>,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Created or started; known by the container's name.
    Make,
    /// Stopped or removed; known by the container's name.
    Unmake,
}

#[derive(Debug, Default)]
struct Entry {
    /// How many are at it: 0 once all have finished.
    busy: u32,
    /// When the last of them finished.
    done_ms: u64,
}

/// Work in progress; it ends with this value.
#[derive(Debug)]
#[must_use = "the work ends when this is dropped"]
pub struct InProgress {
    ledger: Ledger,
    key: (String, Work),
}

impl Ledger {
    /// Says that the container named `name` is about to be worked on.
    pub fn begin(&self, name: &str, work: Work) -> InProgress {
        let key = (name.to_owned(), work);
        let mut entries = self.lock();
        let now_ms = now_ms();
        entries.retain(|_, entry| entry.is_current(now_ms));
        entries.entry(key.clone()).or_default().busy += 1;
        InProgress { ledger: self.clone(), key }
    }

    /// Whether Ballast caused this.
    pub(crate) fn caused(&self, event: &Event) -> bool {
        let work = match event.action.as_str() {
            "create" | "start" => Work::Make,
            "kill" | "stop" | "die" | "destroy" => Work::Unmake,
            _ => return false,
        };
        let key = (event.attribute("name").to_owned(), work);
        self.lock().get(&key).is_some_and(|entry| entry.is_current(event.at_ms))
    }

    /// Whether Ballast is stopping or removing the container named `name` just now. Afterwards another may have the name.
    pub(crate) fn is_unmaking(&self, name: &str) -> bool {
        self.lock().get(&(name.to_owned(), Work::Unmake)).is_some_and(|entry| entry.busy > 0)
    }

    /// Ballast has stopped the container named `name`, to start it again when it is wanted: whoever starts it from now on,
    /// and has not begun it here, is somebody else.
    pub(crate) fn put_to_sleep(&self, name: &str, id: &str, finished_ms: u64) {
        let key = (name.to_owned(), Work::Make);
        let mut entries = self.lock();
        if entries.get(&key).is_some_and(|entry| entry.busy == 0) {
            entries.remove(&key);
        }
        drop(entries);
        self.fell_asleep(id, finished_ms);
    }

    /// Ballast has stopped this container some time ago.
    pub(crate) fn fell_asleep(&self, id: &str, finished_ms: u64) {
        self.asleep.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), finished_ms);
    }

    /// Whether it was Ballast that stopped the container `id` when it ended at that time.
    pub(crate) fn is_asleep(&self, id: &str, finished_ms: Option<u64>) -> bool {
        let asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        asleep.get(id).is_some_and(|ended_ms| Some(*ended_ms) == finished_ms)
    }

    /// Forgets those that are gone.
    pub(crate) fn keep_asleep(&self, there: &BTreeSet<String>) {
        self.asleep.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| there.contains(id));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, Work), Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn is_current(&self, now_ms: u64) -> bool {
        self.busy > 0 || is_recent(self.done_ms, now_ms, EVENTS_MAY_LAG_MS)
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        if let Some(entry) = self.ledger.lock().get_mut(&self.key) {
            entry.busy = entry.busy.saturating_sub(1);
            entry.done_ms = now_ms();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: &str, name: &str, at_ms: u64) -> Event {
        let attributes = BTreeMap::from([("name".to_owned(), name.to_owned())]);
        Event { at_ms, action: action.into(), attributes, ..Event::default() }
    }

    #[test]
    fn only_the_work_in_progress_is_ours() {
        let ledger = Ledger::default();
        let making = ledger.begin("web-2", Work::Make);
        let now = now_ms();
        assert!(ledger.caused(&event("create", "web-2", now)));
        assert!(!ledger.caused(&event("stop", "web-2", now)), "somebody stops what we make");
        assert!(!ledger.caused(&event("create", "web-3", now)));
        drop(making);
        assert!(ledger.caused(&event("start", "web-2", now)), "a late event");
        assert!(!ledger.caused(&event("start", "web-2", now + 2 * EVENTS_MAY_LAG_MS)));
        assert!(!ledger.is_unmaking("web-2"));
        let removing = ledger.begin("web-2", Work::Unmake);
        assert!(ledger.is_unmaking("web-2"));
        drop(removing);
        assert!(!ledger.is_unmaking("web-2"), "another may have the name by now");

        drop(ledger.begin("web-1", Work::Make));
        ledger.put_to_sleep("web-1", "id1", 7);
        assert!(!ledger.caused(&event("start", "web-1", now)), "somebody wakes it");
        assert!(
            ledger.is_asleep("id1", Some(7)) && !ledger.is_asleep("id1", Some(8)) && !ledger.is_asleep("id1", None)
        );
        ledger.keep_asleep(&BTreeSet::new());
        assert!(!ledger.is_asleep("id1", Some(7)));
    }
}
