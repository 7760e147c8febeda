//! The way from a transport to the reader of a watch. A slow reader is told only the newest change of each key,
//! so that no more waits than there are keys.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::transport::Change;

/// Changes handed over and not read yet, beyond those that wait in the [`Teller`].
const HANDED_OVER: usize = 16;

/// Tells the reader of a watch what changed. Dropping it ends the watch.
#[derive(Debug)]
pub(crate) struct Teller {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Notify,
    reader_left: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    order: VecDeque<Waiting>,
    newest: HashMap<String, Change>,
    closed: bool,
}

#[derive(Debug, PartialEq)]
enum Waiting {
    Key(String),
    Current,
}

/// A teller, and what its reader reads. To be called within a runtime.
pub(crate) fn changes() -> (Teller, mpsc::Receiver<Change>) {
    let shared = Arc::new(Shared::default());
    let (sender, receiver) = mpsc::channel(HANDED_OVER);
    tokio::spawn(hand_over(Arc::clone(&shared), sender));
    (Teller { shared }, receiver)
}

async fn hand_over(shared: Arc<Shared>, sender: mpsc::Sender<Change>) {
    let _left = shared.reader_left.clone().drop_guard();
    loop {
        let change = tokio::select! {
            () = sender.closed() => return,
            change = shared.next() => change,
        };
        let Some(change) = change else { return };
        if sender.send(change).await.is_err() {
            return;
        }
    }
}

impl Teller {
    /// Tells a change; gives `false` when nobody reads any more.
    pub(crate) fn tell(&self, change: Change) -> bool {
        self.shared.lock().add(change);
        self.shared.arrived.notify_one();
        !self.reader_gone()
    }

    pub(crate) fn reader_gone(&self) -> bool {
        self.shared.reader_left.is_cancelled()
    }

    /// Waits until nobody reads any more.
    pub(crate) async fn reader_left(&self) {
        self.shared.reader_left.cancelled().await;
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.arrived.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn next(&self) -> Option<Change> {
        loop {
            {
                let mut state = self.lock();
                if let Some(change) = state.take() {
                    return Some(change);
                }
                if state.closed {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }
}

impl State {
    fn add(&mut self, change: Change) {
        let (Change::Put { key, .. } | Change::Deleted { key }) = &change else {
            // What an older mark promised, the newer one promises as well.
            self.order.retain(|waiting| *waiting != Waiting::Current);
            self.order.push_back(Waiting::Current);
            return;
        };
        let key = key.clone();
        if self.newest.insert(key.clone(), change).is_none() {
            self.order.push_back(Waiting::Key(key));
        }
    }

    fn take(&mut self) -> Option<Change> {
        match self.order.pop_front()? {
            Waiting::Current => Some(Change::Current),
            Waiting::Key(key) => self.newest.remove(&key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Entry;

    #[test]
    fn a_slow_reader_is_told_the_newest_change_of_each_key_once() {
        let mut state = State::default();
        for revision in 1..=100 {
            state.add(put("a", revision));
        }
        state.add(put("b", 101));
        state.add(Change::Current);
        state.add(put("a", 102));
        state.add(Change::Deleted { key: "b".into() });
        let told: Vec<_> = std::iter::from_fn(|| state.take()).collect();
        assert_eq!(told, [put("a", 102), Change::Deleted { key: "b".into() }, Change::Current]);
    }

    #[test]
    fn a_watch_that_started_anew_has_one_mark_after_all_of_it() {
        let mut state = State::default();
        for change in [put("a", 1), Change::Current, put("b", 2), Change::Current] {
            state.add(change);
        }
        let told: Vec<_> = std::iter::from_fn(|| state.take()).collect();
        assert_eq!(told, [put("a", 1), put("b", 2), Change::Current]);
    }

    #[tokio::test]
    async fn each_side_notices_that_the_other_has_gone() {
        let (teller, reader) = changes();
        assert!(teller.tell(Change::Current));
        drop(reader);
        teller.reader_left().await;
        assert!(!teller.tell(Change::Current));

        let (teller, mut reader) = changes();
        teller.tell(Change::Current);
        drop(teller);
        assert_eq!(reader.recv().await, Some(Change::Current));
        assert_eq!(reader.recv().await, None);
    }

    fn put(key: &str, revision: u64) -> Change {
        Change::Put { key: key.into(), entry: Entry { value: bytes::Bytes::new(), revision } }
    }
}
