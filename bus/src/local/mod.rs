//! The in-process transport: agent and controller in one process, no broker. Buckets live in an embedded SQLite file.
//!
//! Another process may only ask, through a [socket](serve_socket).

mod socket;
mod store;

use std::{
    ops::RangeInclusive,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

pub use socket::{SocketClient, SocketServer, serve_socket};

use crate::{
    nats::Queues,
    queue::{self, Feed},
    subject,
    transport::{
        Bucket, BusError, Change, Chunk, Entry, Keep, Link, Log, Message, Reply, Subscription, Transport, check_size,
    },
};

/// The in-process transport.
#[derive(Debug)]
pub struct LocalBus {
    subscribers: Mutex<Vec<Subscriber>>,
    store: store::Handle,
    queues: Queues,
    link: watch::Sender<Link>,
}

#[derive(Debug)]
struct Subscriber {
    pattern: String,
    feed: Feed,
}

impl LocalBus {
    /// Opens the buckets in the file at `path`, making it where there is none.
    ///
    /// # Errors
    /// [`BusError::Setup`] when the file is damaged, is not one of Ballast's, or is open in another process.
    /// It is left as it is then.
    pub fn open(path: impl AsRef<Path>) -> Result<Arc<Self>, BusError> {
        Ok(Self::new(store::Handle::open(path.as_ref())?))
    }

    /// Keeps the buckets in memory: nothing outlives this value.
    pub fn in_memory() -> Result<Arc<Self>, BusError> {
        Ok(Self::new(store::Handle::in_memory()?))
    }

    fn new(store: store::Handle) -> Arc<Self> {
        Arc::new(Self {
            subscribers: Mutex::default(),
            store,
            queues: Queues::default(),
            link: watch::Sender::new(Link::Up),
        })
    }

    /// Hands a message to all who subscribe to `subject`; gives how many they are.
    fn deliver(&self, subject: &str, payload: &Bytes, reply: impl Fn() -> Option<Reply>) -> usize {
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut heard = 0;
        subscribers.retain(|subscriber| {
            if !subject::matches(&subscriber.pattern, subject) {
                return !subscriber.feed.reader_gone();
            }
            let message = Message { subject: subject.to_owned(), payload: payload.clone(), reply: reply() };
            let reads = subscriber.feed.push(message);
            heard += usize::from(reads);
            reads
        });
        heard
    }
}

#[async_trait]
impl Transport for LocalBus {
    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), BusError> {
        subject::check_subject(subject)?;
        check_size(&payload)?;
        self.deliver(subject, &payload, || None);
        Ok(())
    }

    async fn subscribe(&self, pattern: &str, capacity: usize) -> Result<Subscription, BusError> {
        subject::check_pattern(pattern)?;
        let (feed, subscription) = queue::queue(capacity);
        let subscriber = Subscriber { pattern: pattern.to_owned(), feed };
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).push(subscriber);
        Ok(subscription)
    }

    async fn request(&self, subject: &str, payload: Bytes, limit: Duration) -> Result<Bytes, BusError> {
        subject::check_subject(subject)?;
        check_size(&payload)?;
        let (sender, answer) = oneshot::channel();
        // Held here as well, so that an answer that never comes is a time-out, as it is on NATS.
        let first = Arc::new(Mutex::new(Some(sender)));
        let heard = self.deliver(subject, &payload, || {
            let first = Arc::clone(&first);
            Some(Reply(Box::new(move |payload| {
                if let Some(sender) = first.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    drop(sender.send(payload));
                }
            })))
        });
        if heard == 0 {
            return Err(BusError::NobodyAnswers(subject.to_owned()));
        }
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(payload)) => Ok(payload),
            Ok(Err(_)) | Err(_) => Err(BusError::TimedOut(limit)),
        }
    }

    async fn bucket(&self, name: &str) -> Result<Arc<dyn Bucket>, BusError> {
        subject::check_key(name)?;
        Ok(Arc::new(LocalBucket { name: name.to_owned(), store: self.store.clone() }))
    }

    async fn log(&self, name: &str, keep: Keep) -> Result<Arc<dyn Log>, BusError> {
        subject::check_key(name)?;
        Ok(Arc::new(LocalLog { name: name.to_owned(), keep, store: self.store.clone() }))
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.link.subscribe()
    }

    async fn queue_length(&self, server: Option<&str>, stream: &str, consumer: &str) -> Result<u64, BusError> {
        let Some(server) = server else {
            return Err(BusError::Setup(
                "the queue's `server:` has to be given (for example nats://127.0.0.1:4222): \
                 with `ballast run` there is no broker that could be meant without it"
                    .into(),
            ));
        };
        self.queues.length(server, stream, consumer).await
    }
}

#[derive(Debug)]
struct LocalBucket {
    name: String,
    store: store::Handle,
}

#[async_trait]
impl Bucket for LocalBucket {
    async fn get(&self, key: &str) -> Result<Option<Entry>, BusError> {
        subject::check_key(key)?;
        let (bucket, key) = (self.name.clone(), key.to_owned());
        self.store.run(move |store| store.get(&bucket, &key)).await
    }

    async fn put(&self, key: &str, value: Bytes) -> Result<u64, BusError> {
        self.write(key, value, store::Expect::Anything).await
    }

    async fn create(&self, key: &str, value: Bytes) -> Result<u64, BusError> {
        self.write(key, value, store::Expect::Nothing).await
    }

    async fn update(&self, key: &str, value: Bytes, revision: u64) -> Result<u64, BusError> {
        self.write(key, value, store::Expect::Revision(revision)).await
    }

    async fn delete(&self, key: &str) -> Result<(), BusError> {
        subject::check_key(key)?;
        let (bucket, key) = (self.name.clone(), key.to_owned());
        self.store.run(move |store| store.delete(&bucket, &key)).await
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, BusError> {
        let (bucket, prefix) = (self.name.clone(), prefix.to_owned());
        self.store.run(move |store| store.keys(&bucket, &prefix)).await
    }

    async fn watch(&self, prefix: &str) -> Result<mpsc::Receiver<Change>, BusError> {
        let (teller, changes) = crate::changes::changes();
        let (bucket, prefix) = (self.name.clone(), prefix.to_owned());
        self.store.run(move |store| store.watch(bucket, prefix, teller)).await?;
        Ok(changes)
    }
}

impl LocalBucket {
    async fn write(&self, key: &str, value: Bytes, expect: store::Expect) -> Result<u64, BusError> {
        subject::check_key(key)?;
        check_size(&value)?;
        let (bucket, key) = (self.name.clone(), key.to_owned());
        self.store.run(move |store| store.write(&bucket, &key, &value, expect)).await
    }
}

#[derive(Debug)]
struct LocalLog {
    name: String,
    keep: Keep,
    store: store::Handle,
}

#[async_trait]
impl Log for LocalLog {
    async fn append(&self, key: &str, at_ms: u64, value: Bytes) -> Result<(), BusError> {
        subject::check_key(key)?;
        check_size(&value)?;
        let (log, key, keep) = (self.name.clone(), key.to_owned(), self.keep);
        self.store.run(move |store| store.append(&log, &key, at_ms, &value, keep)).await
    }

    async fn read(
        &self,
        key: &str,
        span: RangeInclusive<u64>,
        after: Option<u64>,
        most_bytes: usize,
    ) -> Result<Vec<Chunk>, BusError> {
        subject::check_key(key)?;
        let (log, key) = (self.name.clone(), key.to_owned());
        self.store.run(move |store| store.read(&log, &key, span, after, most_bytes)).await
    }
}
