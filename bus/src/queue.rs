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

/// Fills a [`Subscription`], which ends when this is dropped and what waits has been read.
#[derive(Debug)]
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
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shared.lock().feed_closed = true;
        self.shared.arrived.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_are_dropped_and_counted_before_the_next_is_read() {
        let (feed, mut reader) = queue(3);
        for number in 0..10 {
            assert!(feed.push(message(number)));
        }
        assert_eq!(read(&mut reader).await, "missed 7");
        assert_eq!(read(&mut reader).await, "7");
        assert!(feed.push(message(10)));
        assert!(feed.push(message(11)));
        assert_eq!(read(&mut reader).await, "missed 1");
        for number in 9..12 {
            assert_eq!(read(&mut reader).await, number.to_string());
        }
    }

    #[tokio::test]
    async fn a_reader_who_keeps_up_misses_nothing() {
        let (feed, mut reader) = queue(1);
        for number in 0..100 {
            feed.push(message(number));
            assert_eq!(read(&mut reader).await, number.to_string());
        }
    }

    #[tokio::test]
    async fn what_waits_is_read_before_the_end() {
        let (feed, mut reader) = queue(2);
        feed.push(message(1));
        drop(feed);
        assert_eq!(read(&mut reader).await, "1");
        assert_eq!(read(&mut reader).await, "end");
        assert_eq!(read(&mut reader).await, "end");
    }

    #[tokio::test]
    async fn a_reader_who_waits_is_woken_by_a_message_and_by_the_end() {
        let (feed, mut reader) = queue(2);
        let reading = tokio::spawn(async move { (read(&mut reader).await, read(&mut reader).await) });
        tokio::task::yield_now().await;
        feed.push(message(1));
        tokio::task::yield_now().await;
        drop(feed);
        assert_eq!(reading.await.expect("no panic"), ("1".into(), "end".into()));
    }

    #[tokio::test]
    async fn the_feed_notices_that_the_reader_has_gone() {
        let (feed, reader) = queue(2);
        drop(reader);
        feed.reader_left().await;
        assert!(!feed.push(message(1)));
    }

    #[tokio::test]
    async fn no_capacity_is_a_capacity_of_one() {
        let (feed, mut reader) = queue(0);
        feed.push(message(1));
        assert_eq!(read(&mut reader).await, "1");
    }

    fn message(number: u32) -> Message {
        Message { subject: number.to_string(), payload: bytes::Bytes::new(), reply: None }
    }

    async fn read(reader: &mut Subscription) -> String {
        match reader.next().await {
            Some(Delivery::Message(message)) => message.subject,
            Some(Delivery::Missed(count)) => format!("missed {count}"),
            None => "end".into(),
        }
    }
}
