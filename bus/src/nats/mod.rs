//! The transport between hosts: NATS, servers 2.9 to 2.15, with buckets and logs in JetStream.
//!
//! What the client library cannot promise: it hands a message to the server some microseconds after
//! [`publish`](crate::Transport::publish) returns. One handed over in the moment in which the link breaks may be lost,
//! or arrive after the reconnect; a link that hangs without breaking is noticed after at most 15 s. Therefore every
//! payload says when it was true, and a [`Target`](crate::payload::Target) says how long it holds.

mod bucket;
mod link;
mod log;
mod options;
mod queues;
mod stream;
mod watch;

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::{self, context::ContextBuilder};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::{
    sync::watch as latest,
    time::{error::Elapsed, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use options::{NatsOptions, User, redact};
pub(crate) use queues::Queues;

use crate::{
    queue::{self, Feed},
    subject,
    transport::{Bucket, BusError, Keep, Link, Log, Message, Reply, Subscription, Transport, check_size},
};

/// The longest that a call to JetStream may take.
const CALL_LIMIT: Duration = Duration::from_secs(2);
/// How long a message may wait for its turn within the client.
const HAND_OVER_LIMIT: Duration = Duration::from_secs(1);
/// How long to wait for the server to say that it knows a new subscription.
const SUBSCRIBED_LIMIT: Duration = Duration::from_millis(500);

/// The NATS transport. Its subscriptions end when it and all of its buckets and watches have been dropped.
#[derive(Debug)]
pub struct NatsBus {
    inner: Arc<Inner>,
}

/// What buckets and watches share with the bus.
#[derive(Debug)]
struct Inner {
    client: async_nats::Client,
    jetstream: jetstream::Context,
    connected: latest::Receiver<link::Connected>,
    link: latest::Receiver<Link>,
    fleet: String,
    bucket_replicas: usize,
    queues: Queues,
    stop: CancellationToken,
    _stop_when_dropped: DropGuard,
}

impl NatsBus {
    /// Connects. A server that is down is no error: it is tried again in the background, and until it is there the
    /// [link](Transport::link) is down.
    ///
    /// # Errors
    /// [`BusError::Setup`] when waiting would not help: a file that cannot be read, an address that is none,
    /// credentials that the server refuses, a certificate that cannot be trusted.
    pub async fn connect(options: NatsOptions) -> Result<Arc<Self>, BusError> {
        let stop = CancellationToken::new();
        let (client, events) = options.connect().await?;
        let (connected, link) = link::follow(client.clone(), events, stop.clone());
        let jetstream = ContextBuilder::new().timeout(CALL_LIMIT).ack_timeout(CALL_LIMIT).build(client.clone());
        Ok(Arc::new(Self {
            inner: Arc::new(Inner {
                client,
                jetstream,
                connected,
                link,
                fleet: options.fleet,
                bucket_replicas: options.bucket_replicas.max(1),
                queues: Queues::default(),
                _stop_when_dropped: stop.clone().drop_guard(),
                stop,
            }),
        }))
    }
}

#[async_trait]
impl Transport for NatsBus {
    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), BusError> {
        subject::check_subject(subject)?;
        check_size(&payload)?;
        self.inner.require_link()?;
        let published = timeout(HAND_OVER_LIMIT, self.inner.client.publish(subject.to_owned(), payload)).await;
        published.map_err(|_: Elapsed| BusError::Down)?.map_err(|error| BusError::Other(chain(&error)))
    }

    async fn subscribe(&self, pattern: &str, capacity: usize) -> Result<Subscription, BusError> {
        subject::check_pattern(pattern)?;
        let asked = timeout(HAND_OVER_LIMIT, self.inner.client.subscribe(pattern.to_owned())).await;
        let subscriber = asked.map_err(|_: Elapsed| BusError::Down)?.map_err(|error| BusError::Other(chain(&error)))?;
        let (feed, subscription) = queue::queue(capacity);
        tokio::spawn(pump(self.inner.client.clone(), subscriber, feed, self.inner.stop.clone()));
        self.inner.server_has_heard().await;
        Ok(subscription)
    }

    async fn request(&self, subject: &str, payload: Bytes, limit: Duration) -> Result<Bytes, BusError> {
        use async_nats::client::RequestErrorKind as Kind;
        subject::check_subject(subject)?;
        check_size(&payload)?;
        self.inner.require_link()?;
        let request = async_nats::Request::new().payload(payload).timeout(None);
        let answer = timeout(limit, self.inner.client.send_request(subject.to_owned(), request)).await;
        match answer {
            Ok(Ok(message)) => Ok(message.payload),
            Err(Elapsed { .. }) => Err(BusError::TimedOut(limit)),
            Ok(Err(error)) => Err(match error.kind() {
                Kind::NoResponders => BusError::NobodyAnswers(subject.to_owned()),
                Kind::TimedOut => BusError::TimedOut(limit),
                _ => self.inner.failure(&error),
            }),
        }
    }

    async fn bucket(&self, name: &str) -> Result<Arc<dyn Bucket>, BusError> {
        subject::check_key(name)?;
        Ok(Arc::new(bucket::NatsBucket::new(Arc::clone(&self.inner), name)))
    }

    async fn log(&self, name: &str, keep: Keep) -> Result<Arc<dyn Log>, BusError> {
        subject::check_key(name)?;
        Ok(Arc::new(log::NatsLog::new(Arc::clone(&self.inner), name, keep)))
    }

    fn link(&self) -> latest::Receiver<Link> {
        self.inner.link.clone()
    }

    async fn queue_length(&self, server: Option<&str>, stream: &str, consumer: &str) -> Result<u64, BusError> {
        match server {
            Some(server) => self.inner.queues.length(server, stream, consumer).await,
            None => queues::length(&self.inner.client, &self.inner.jetstream, stream, consumer).await,
        }
    }
}

impl Inner {
    fn require_link(&self) -> Result<(), BusError> {
        require_link(&self.client)
    }

    fn failure(&self, error: &(dyn std::error::Error + 'static)) -> BusError {
        failure(&self.client, error)
    }

    /// Waits until the server has worked through what was sent so far: it answers in order, and at once where
    /// nobody listens. Best effort, since a later answer only means that the first messages may be missed.
    async fn server_has_heard(&self) {
        if self.require_link().is_ok() {
            let ask = self.client.request(self.client.new_inbox(), Bytes::new());
            drop(timeout(SUBSCRIBED_LIMIT, ask).await);
        }
    }
}

/// Moves messages into the reader's queue without delay: what the client itself has to drop, it does not count.
async fn pump(client: async_nats::Client, mut subscriber: async_nats::Subscriber, feed: Feed, stop: CancellationToken) {
    loop {
        let received = tokio::select! {
            () = stop.cancelled() => break,
            () = feed.reader_left() => break,
            received = subscriber.next() => received,
        };
        let Some(message) = received else { break };
        let reply = message.reply.map(|to| answer(client.clone(), to));
        let message = Message { subject: message.subject.to_string(), payload: message.payload, reply };
        if !feed.push(message) {
            break;
        }
    }
}

fn answer(client: async_nats::Client, to: async_nats::Subject) -> Reply {
    let runtime = tokio::runtime::Handle::current();
    Reply(Box::new(move |payload| {
        runtime.spawn(async move {
            if require_link(&client).is_err() {
                return;
            }
            if let Err(error) = client.publish(to, payload).await {
                tracing::warn!(error = chain(&error), "cannot send an answer");
            }
        });
    }))
}

fn require_link(client: &async_nats::Client) -> Result<(), BusError> {
    match client.connection_state() {
        async_nats::connection::State::Connected => Ok(()),
        _ => Err(BusError::Down),
    }
}

/// What to say of a call that failed: that the link is down, if it is, since that explains the rest.
fn failure(client: &async_nats::Client, error: &(dyn std::error::Error + 'static)) -> BusError {
    match require_link(client) {
        Ok(()) => BusError::Other(chain(error)),
        Err(down) => down,
    }
}

/// The error and its causes in one line, each said once.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}
