//! What a transport does. [`nats`](crate::nats) and [`local`](crate::local) do it, and one contract suite holds both to it.

use std::{fmt, ops::RangeInclusive, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{mpsc, watch};

/// A transport that parts of Ballast share.
pub type Bus = Arc<dyn Transport>;

/// Publish and subscribe, request and reply, and buckets of keys.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends to everybody who subscribes now. While the link is down it fails at once, and the message is not sent later.
    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), BusError>;

    /// Hears what is published on `pattern` (`*` is one token, a last `>` is one or more).
    /// Holds across reconnects. At most `capacity` messages wait; then the oldest is dropped, and the reader is told.
    async fn subscribe(&self, pattern: &str, capacity: usize) -> Result<Subscription, BusError>;

    /// Asks those who subscribe to `subject`, and waits at most `limit`. The first answer counts.
    async fn request(&self, subject: &str, payload: Bytes, limit: Duration) -> Result<Bytes, BusError>;

    /// The bucket named `name`; it is made, where there is none, when it is first used. Works while the link is down.
    /// Buckets survive a restart of every part.
    async fn bucket(&self, name: &str) -> Result<Arc<dyn Bucket>, BusError>;

    /// The log named `name`; it is made, where there is none, when it is first used, and from then on holds as much as
    /// `keep` says. Works while the link is down. Logs survive a restart of every part.
    async fn log(&self, name: &str, keep: Keep) -> Result<Arc<dyn Log>, BusError>;

    /// Whether the link is up, and each change of that.
    fn link(&self) -> watch::Receiver<Link>;

    /// Messages waiting or not acknowledged in a JetStream consumer: of `server` (an address, if need be with user and
    /// password), or of the server that the transport itself uses.
    async fn queue_length(&self, server: Option<&str>, stream: &str, consumer: &str) -> Result<u64, BusError>;
}

/// Keys with values and revisions.
#[async_trait]
pub trait Bucket: fmt::Debug + Send + Sync {
    /// The newest value, or `None`.
    async fn get(&self, key: &str) -> Result<Option<Entry>, BusError>;
    /// Sets the value, whatever was there. Gives the new revision.
    async fn put(&self, key: &str, value: Bytes) -> Result<u64, BusError>;
    /// Sets the value where there is none; [`BusError::Conflict`] otherwise.
    async fn create(&self, key: &str, value: Bytes) -> Result<u64, BusError>;
    /// Sets the value if the newest revision is `revision`; [`BusError::Conflict`] otherwise.
    async fn update(&self, key: &str, value: Bytes, revision: u64) -> Result<u64, BusError>;
    /// Removes the key; does nothing where there is none.
    async fn delete(&self, key: &str) -> Result<(), BusError>;
    /// The keys that start with `prefix`, sorted.
    async fn keys(&self, prefix: &str) -> Result<Vec<String>, BusError>;
    /// What is there now under `prefix`, then [`Change::Current`], then each change. After a reconnect it starts anew,
    /// so that the newest state is never missed: expect to see a value twice. Who reads slowly is told only the newest
    /// change of each key. Works while the link is down, and tells as soon as it is up.
    async fn watch(&self, prefix: &str) -> Result<mpsc::Receiver<Change>, BusError>;
}

/// Chunks that are added by key and never changed, and that are forgotten when they are old or too many.
#[async_trait]
pub trait Log: fmt::Debug + Send + Sync {
    /// Adds a chunk that is of this time, in milliseconds since the epoch. Of one key times do not go back; of one that
    /// does, it is open where it is found.
    async fn append(&self, key: &str, at_ms: u64, value: Bytes) -> Result<(), BusError>;
    /// The chunks of a key whose time is within `span`, oldest first: of those behind the place `after`, where it is given,
    /// the first that together hold at most `most_bytes`, and at least one where there is one.
    async fn read(
        &self,
        key: &str,
        span: RangeInclusive<u64>,
        after: Option<u64>,
        most_bytes: usize,
    ) -> Result<Vec<Chunk>, BusError>;
}

/// How much a log holds. What was added first is forgotten first, whatever its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// For so long.
    pub age: Duration,
    /// So much at most, all keys together, with what it takes to store them.
    pub bytes: u64,
}

/// A part of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its place, which grows from each to the next one.
    pub place: u64,
    /// Its time.
    pub at_ms: u64,
    /// What it holds.
    pub value: Bytes,
}

/// A value in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Bytes,
    /// Grows with every change in the bucket.
    pub revision: u64,
}

/// What a watch tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The key has this value.
    Put {
        /// The key.
        key: String,
        /// Its newest value.
        entry: Entry,
    },
    /// The key is gone.
    Deleted {
        /// The key.
        key: String,
    },
    /// All that was there when the watch was opened, or opened again, has been told.
    Current,
}

/// Whether the link to the other parts is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It is.
    Up,
    /// It is not; it is being tried again.
    Down,
}

/// A message received.
#[derive(Debug)]
pub struct Message {
    /// Where it was published.
    pub subject: String,
    /// What.
    pub payload: Bytes,
    /// How to answer, if it is a request.
    pub reply: Option<Reply>,
}

/// Answers one request.
pub struct Reply(pub(crate) Box<dyn FnOnce(Bytes) + Send + Sync>);

impl Reply {
    /// Answers. An asker who no longer waits is no error.
    pub fn send(self, payload: Bytes) {
        (self.0)(payload);
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

/// What a subscription gives.
#[derive(Debug)]
pub enum Delivery {
    /// A message.
    Message(Message),
    /// So many messages were dropped here, because the reader was too slow.
    Missed(u64),
}

/// The most that one message or value may hold: what a NATS server allows unless it is configured otherwise.
pub const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;

pub(crate) fn check_size(payload: &Bytes) -> Result<(), BusError> {
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(BusError::TooLarge { bytes: payload.len() });
    }
    Ok(())
}

/// What went wrong on the bus.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// There is no link just now.
    #[error("no link to the bus")]
    Down,
    /// Nobody subscribes to what was asked.
    #[error("nobody answers on {0}")]
    NobodyAnswers(String),
    /// No answer came in time. What was asked or written may still have its effect, even after this.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The key has another revision than expected.
    #[error("somebody else changed {0} first")]
    Conflict(String),
    /// More than a message or value may hold.
    #[error("a payload of {bytes} bytes is more than the {MAX_PAYLOAD_BYTES} that the bus carries")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The address, credentials, certificate or the like does not work.
    #[error("{0}")]
    Setup(String),
    /// Anything else.
    #[error("bus: {0}")]
    Other(String),
}

pub use crate::queue::Subscription;
