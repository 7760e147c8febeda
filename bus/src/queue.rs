//! The bounded queue behind each subscription: the oldest message is dropped when it is full, and the reader is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::transport::{Delivery, Message};

/// Reads what a subscription receives. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription {
    shared: Arc<Shared>,
}

/// Fills a [`Subscription`].
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    arrived: Notify,
    reader_left: CancellationToken,
}

#[derive(Debug)]
struct State {
    messages: VecDeque<Message>,
    capacity: usize,
    missed: u64,
    feed_closed: bool,
}

pub(crate) fn queue(capacity: usize) -> (Feed, Subscription) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            messages: VecDeque::new(),
            capacity: capacity.max(1),
            missed: 0,
            feed_closed: false,
        }),
        arrived: Notify::new(),
        reader_left: CancellationToken::new(),
    });
    (Feed { shared: Arc::clone(&shared) }, Subscription { shared })
}

impl Subscription {
    /// The next message, or how many were missed before it; `None` when the transport has ended.
    pub async fn next(&mut self) -> Option<Delivery> {
        loop {
            {
                let mut state = self.shared.lock();
                if state.missed > 0 {
                    return Some(Delivery::Missed(std::mem::take(&mut state.missed)));
                }
                if let Some(message) = state.messages.pop_front() {
                    return Some(Delivery::Message(message));
                }
                if state.feed_closed {
                    return None;
                }
            }
            self.shared.arrived.notified().await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.shared.reader_left.cancel();
    }
}

impl Feed {
    /// Adds a message; gives `false` when nobody reads any more.
    pub(crate) fn push(&self, message: Message) -> bool {
        if self.reader_gone() {
            return false;
        }
        let mut state = self.shared.lock();
        if state.messages.len() >= state.capacity {
            state.messages.pop_front();
            state.missed += 1;
        }
        state.messages.push_back(message);
        drop(state);
        self.shared.arrived.notify_one();
        true
    }

    pub(crate) fn reader_gone(&self) -> bool {
        self.shared.reader_left.is_cancelled()
    }

    /// Waits until nobody reads any more.
    pub(crate) async fn reader_left(&self) {
        self.shared.reader_left.cancelled().await;
    }

    /// Says that `count` messages were lost before they could be added.
    pub(crate) fn miss(&self, count: u64) {
        self.shared.lock().missed += count;
        self.shared.arrived.notify_one();
    }

    /// Says that no message will follow.
    pub(crate) fn close(&self) {
        self.shared.lock().feed_closed = true;
        self.shared.arrived.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
