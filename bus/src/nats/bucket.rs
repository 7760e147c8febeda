//! A bucket: a JetStream stream in the layout that NATS tools know as a key-value bucket.
//!
//! Written on streams and not on the client's own key-value calls: these need a server of 2.10 or newer to make a
//! bucket, and tell too little of a write whose acknowledgement got lost.

use std::{sync::Arc, time::Duration};

use async_nats::{
    HeaderMap,
    header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MARKER_REASON},
    jetstream::{
        ErrorCode,
        consumer::push,
        context::PublishErrorKind,
        message::StreamMessage,
        stream::{self, LastRawMessageErrorKind, Stream},
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::{
    sync::{Mutex, mpsc},
    time::timeout,
};

use super::{CALL_LIMIT, Inner, watch};
use crate::{
    subject,
    transport::{Bucket, BusError, Change, Entry, check_size},
};

/// Marks a key that was removed.
const OPERATION: &str = "KV-Operation";
/// Tells this write from any other, so that it can be recognised when its acknowledgement got lost.
const WRITE: &str = "Ballast-Write";
/// The longest that listing keys may take.
const LIST_LIMIT: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(super) struct NatsBucket {
    pub(super) inner: Arc<Inner>,
    /// `ballast-<fleet>-<bucket>`.
    name: String,
    stream: Arc<Mutex<Option<Stream>>>,
}

/// What a read found: the value, or the mark of one that was removed.
struct Found {
    message: StreamMessage,
    removed: bool,
}

/// How a write ended, if not well.
enum NotWritten {
    Conflict,
    NoStream,
    NoAcknowledgement,
    Failed(BusError),
}

impl NatsBucket {
    pub(super) fn new(inner: Arc<Inner>, name: &str) -> Self {
        let name = format!("ballast-{}-{}", escape(&inner.fleet), escape(name));
        Self { inner, name, stream: Arc::default() }
    }

    pub(super) fn subject(&self, key: &str) -> String {
        format!("$KV.{}.{key}", self.name)
    }

    /// The stream, made where there is none.
    pub(super) async fn stream(&self) -> Result<Stream, BusError> {
        self.inner.require_link()?;
        let mut cached = self.stream.lock().await;
        if let Some(stream) = cached.as_ref() {
            return Ok(stream.clone());
        }
        let config = self.config(&format!("KV_{}", self.name));
        let what = format!("the bucket {}", self.name);
        let made = self.inner.get_or_make_stream(config, &what);
        let stream = self.inner.within_limit(made).await??;
        *cached = Some(stream.clone());
        Ok(stream)
    }

    /// Forgets the stream: the server has lost it.
    pub(super) async fn forget(&self) {
        *self.stream.lock().await = None;
    }

    fn config(&self, name: &str) -> stream::Config {
        stream::Config {
            name: name.to_owned(),
            description: Some("a bucket of Ballast".into()),
            subjects: vec![self.subject(">")],
            max_messages_per_subject: 1,
            max_bytes: -1,
            storage: stream::StorageType::File,
            discard: stream::DiscardPolicy::New,
            num_replicas: self.inner.bucket_replicas,
            allow_rollup: true,
            deny_delete: true,
            allow_direct: true,
            ..stream::Config::default()
        }
    }

    /// Reads from the stream's leader, never from a copy that may lag behind.
    async fn find(&self, key: &str) -> Result<Option<Found>, BusError> {
        subject::check_key(key)?;
        let stream = self.stream().await?;
        let subject = self.subject(key);
        match self.inner.within_limit(stream.get_last_raw_message_by_subject(&subject)).await? {
            Ok(message) => Ok(Some(Found { removed: is_removal(&message.headers), message })),
            Err(error) => match error.kind() {
                LastRawMessageErrorKind::NoMessageFound => Ok(None),
                LastRawMessageErrorKind::JetStream(answer) if answer.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                    self.forget().await;
                    Ok(None)
                }
                _ => Err(self.inner.failure(&error)),
            },
        }
    }

    /// Writes; `expected` is the revision that must be the newest of the key.
    async fn write(
        &self,
        key: &str,
        value: Bytes,
        expected: Option<u64>,
        operation: Option<&str>,
    ) -> Result<u64, BusError> {
        subject::check_key(key)?;
        check_size(&value)?;
        let mark = self.inner.client.new_inbox();
        let mut headers = HeaderMap::new();
        headers.insert(WRITE, mark.as_str());
        if let Some(operation) = operation {
            headers.insert(OPERATION, operation);
        }
        if let Some(revision) = expected {
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, revision.to_string().as_str());
        }
        let mut result = self.try_write(key, &headers, value.clone()).await;
        if matches!(result, Err(NotWritten::NoStream)) {
            // Nobody received it, so writing again cannot write twice.
            self.forget().await;
            result = self.try_write(key, &headers, value).await;
        }
        match result {
            Ok(revision) => Ok(revision),
            Err(NotWritten::Conflict) => Err(BusError::Conflict(key.to_owned())),
            Err(NotWritten::NoStream) => Err(BusError::Other(format!("the bucket {} is gone", self.name))),
            Err(NotWritten::NoAcknowledgement) => self.look_again(key, &mark).await,
            Err(NotWritten::Failed(error)) => Err(error),
        }
    }

    async fn try_write(&self, key: &str, headers: &HeaderMap, value: Bytes) -> Result<u64, NotWritten> {
        self.stream().await.map_err(NotWritten::Failed)?;
        let write = async {
            let sent = self.inner.jetstream.publish_with_headers(self.subject(key), headers.clone(), value).await?;
            sent.await
        };
        let acknowledged = timeout(CALL_LIMIT, write).await.map_err(|_| NotWritten::NoAcknowledgement)?;
        acknowledged.map(|acknowledged| acknowledged.sequence).map_err(|error| match error.kind() {
            PublishErrorKind::WrongLastSequence => NotWritten::Conflict,
            PublishErrorKind::StreamNotFound => NotWritten::NoStream,
            PublishErrorKind::TimedOut => NotWritten::NoAcknowledgement,
            _ => NotWritten::Failed(self.inner.failure(&error)),
        })
    }

    /// After a write without acknowledgement: whether the newest value is the one written.
    async fn look_again(&self, key: &str, mark: &str) -> Result<u64, BusError> {
        let found = self.find(key).await.ok().flatten();
        let ours = found.filter(|found| found.message.headers.get(WRITE).is_some_and(|found| found.as_str() == mark));
        ours.map(|found| found.message.sequence).ok_or(BusError::TimedOut(CALL_LIMIT))
    }

    async fn list(&self) -> Result<Vec<String>, BusError> {
        let stream = self.stream().await?;
        let consumer = stream.create_consumer(watch::snapshot(&self.inner.client, self.subject(">"), true)).await;
        let consumer: async_nats::jetstream::consumer::Consumer<push::OrderedConfig> =
            consumer.map_err(|error| self.inner.failure(&error))?;
        let mut keys = Vec::new();
        let mut pending = consumer.cached_info().num_pending;
        let mut messages = consumer.messages().await.map_err(|error| self.inner.failure(&error))?;
        while pending > 0 {
            let Some(message) = messages.next().await else { break };
            let message = message.map_err(|error| self.inner.failure(&error))?;
            let told = watch::read(&message, &self.subject("")).map_err(BusError::Other)?;
            pending = told.pending;
            if let Change::Put { key, .. } = told.change {
                keys.push(key);
            }
        }
        Ok(keys)
    }
}

#[async_trait]
impl Bucket for NatsBucket {
    async fn get(&self, key: &str) -> Result<Option<Entry>, BusError> {
        let found = self.find(key).await?.filter(|found| !found.removed);
        Ok(found.map(|Found { message, .. }| Entry { value: message.payload, revision: message.sequence }))
    }

    async fn put(&self, key: &str, value: Bytes) -> Result<u64, BusError> {
        self.write(key, value, None, None).await
    }

    async fn create(&self, key: &str, value: Bytes) -> Result<u64, BusError> {
        match self.find(key).await? {
            None => self.write(key, value, Some(0), None).await,
            Some(found) if found.removed => self.write(key, value, Some(found.message.sequence), None).await,
            Some(_) => Err(BusError::Conflict(key.to_owned())),
        }
    }

    async fn update(&self, key: &str, value: Bytes, revision: u64) -> Result<u64, BusError> {
        // To the server, 0 means that there must be none: that is `create`.
        if revision == 0 {
            return Err(BusError::Conflict(key.to_owned()));
        }
        self.write(key, value, Some(revision), None).await
    }

    async fn delete(&self, key: &str) -> Result<(), BusError> {
        match self.find(key).await? {
            Some(found) if !found.removed => self.write(key, Bytes::new(), None, Some("DEL")).await.map(drop),
            _ => Ok(()),
        }
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, BusError> {
        let mut keys = timeout(LIST_LIMIT, self.list()).await.map_err(|_| BusError::TimedOut(LIST_LIMIT))??;
        keys.retain(|key| key.starts_with(prefix));
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    async fn watch(&self, prefix: &str) -> Result<mpsc::Receiver<Change>, BusError> {
        let (teller, changes) = crate::changes::changes();
        tokio::spawn(watch::run(self.clone(), prefix.to_owned(), teller));
        Ok(changes)
    }
}

/// Whether a message with these headers marks a key as removed.
pub(super) fn is_removal(headers: &HeaderMap) -> bool {
    headers.get(NATS_MARKER_REASON).is_some()
        || headers.get(OPERATION).is_some_and(|operation| ["DEL", "PURGE"].contains(&operation.as_str()))
}

/// Bucket names hold letters, digits and `-`, `_`. Every other byte becomes `_XX`, and `_` itself `_5F`.
pub(super) fn escape(name: &str) -> String {
    use std::fmt::Write;
    name.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => escaped.push(char::from(byte)),
            _ => drop(write!(escaped, "_{byte:02X}")),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_fleets_never_share_a_bucket_name() {
        let names = ["a", "a_b", "a.b", "a b", "a_5Fb", "ä"].map(super::escape);
        assert_eq!(names, ["a", "a_5Fb", "a_2Eb", "a_20b", "a_5F5Fb", "_C3_A4"]);
    }
}
