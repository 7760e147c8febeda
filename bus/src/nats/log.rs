//! A log: a JetStream stream with a bound on its age and size, of which the oldest messages go first.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::RangeInclusive,
    sync::Arc,
    time::Duration,
};

use async_nats::{
    HeaderMap,
    header::NATS_MESSAGE_ID,
    jetstream::{
        ErrorCode,
        context::PublishErrorKind,
        stream::{self, RawMessageErrorKind, Stream},
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Mutex;

use super::{Inner, bucket::escape};
use crate::{
    subject::{self, Subjects},
    transport::{BusError, Chunk, Keep, Log, check_size},
};

/// When a chunk was, in milliseconds since the epoch.
const AT: &str = "Ballast-At";
/// For so long a server knows a message again that is sent twice.
const RECOGNISED_FOR: Duration = Duration::from_mins(2);
/// The shortest age that a server takes.
const SHORTEST_AGE: Duration = Duration::from_millis(100);

#[derive(Clone, Debug)]
pub(super) struct NatsLog {
    inner: Arc<Inner>,
    /// `ballast-<fleet>-<log>`.
    name: String,
    log: String,
    keep: Keep,
    stream: Arc<Mutex<Option<Stream>>>,
}

impl NatsLog {
    pub(super) fn new(inner: Arc<Inner>, log: &str, keep: Keep) -> Self {
        let name = format!("ballast-{}-{}", escape(&inner.fleet), escape(log));
        Self { inner, name, log: log.to_owned(), keep, stream: Arc::default() }
    }

    fn subject(&self, key: &str) -> String {
        Subjects::new(&self.inner.fleet).log(&self.log, key)
    }

    /// The stream, made where there is none, and told how much to keep.
    async fn stream(&self) -> Result<Stream, BusError> {
        self.inner.require_link()?;
        let mut cached = self.stream.lock().await;
        if let Some(stream) = cached.as_ref() {
            return Ok(stream.clone());
        }
        let what = format!("the log {}", self.name);
        let made = self.inner.get_or_make_stream(self.config(), &what);
        let stream = self.inner.within_limit(made).await??;
        self.hold_to_limits(&stream).await?;
        *cached = Some(stream.clone());
        Ok(stream)
    }

    /// Has a stream that was made earlier keep as much as is wanted now. What else somebody set stays.
    async fn hold_to_limits(&self, stream: &Stream) -> Result<(), BusError> {
        let (wanted, found) = (self.config(), &stream.cached_info().config);
        if (found.max_age, found.max_bytes) == (wanted.max_age, wanted.max_bytes) {
            return Ok(());
        }
        let changed = stream::Config {
            max_age: wanted.max_age,
            max_bytes: wanted.max_bytes,
            duplicate_window: wanted.duplicate_window,
            ..found.clone()
        };
        let update = self.inner.within_limit(self.inner.jetstream.update_stream(changed)).await?;
        update.map(drop).map_err(|error| self.inner.failure(&error))
    }

    fn config(&self) -> stream::Config {
        let max_age = self.keep.age.max(SHORTEST_AGE);
        stream::Config {
            name: self.name.clone(),
            description: Some("a log of Ballast".into()),
            subjects: vec![self.subject(">")],
            max_age,
            max_bytes: i64::try_from(self.keep.bytes).unwrap_or(i64::MAX),
            storage: stream::StorageType::File,
            discard: stream::DiscardPolicy::Old,
            num_replicas: self.inner.bucket_replicas,
            duplicate_window: RECOGNISED_FOR.min(max_age),
            ..stream::Config::default()
        }
    }

    async fn forget(&self) {
        *self.stream.lock().await = None;
    }

    async fn try_append(&self, key: &str, headers: HeaderMap, value: Bytes) -> Result<(), NotAppended> {
        self.stream().await.map_err(NotAppended::Failed)?;
        let write = async {
            let sent = self.inner.jetstream.publish_with_headers(self.subject(key), headers, value).await?;
            sent.await
        };
        let acknowledged = self.inner.within_limit(write).await.map_err(NotAppended::Failed)?;
        acknowledged.map(drop).map_err(|error| match error.kind() {
            PublishErrorKind::StreamNotFound => NotAppended::NoStream,
            _ => NotAppended::Failed(self.inner.failure(&error)),
        })
    }

    /// The first chunk of a key at this place or behind it. From the leader, so that what was added is found.
    async fn next(&self, stream: &Stream, key: &str, place: u64) -> Result<Option<Chunk>, BusError> {
        let next = stream.raw_message_builder().sequence(place).next_by_subject(self.subject(key));
        match self.inner.within_limit(next.send()).await? {
            Ok(message) => {
                let at_ms = message.headers.get(AT).and_then(|at| at.as_str().parse().ok()).unwrap_or_default();
                Ok(Some(Chunk { place: message.sequence, at_ms, value: message.payload }))
            }
            Err(error) => match error.kind() {
                RawMessageErrorKind::NoMessageFound => Ok(None),
                RawMessageErrorKind::JetStream(answer) if answer.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                    self.forget().await;
                    Ok(None)
                }
                _ => Err(self.inner.failure(&error)),
            },
        }
    }

    /// The place from which on a key's chunks are not before this time, found by halving.
    async fn first_since(&self, stream: &Stream, key: &str, from_ms: u64) -> Result<u64, BusError> {
        let info = self.inner.within_limit(stream.get_info()).await?;
        let state = info.map_err(|error| self.inner.failure(&error))?.state;
        let (mut low, mut high) = (state.first_sequence, state.last_sequence.saturating_add(1));
        while low < high {
            let middle = low + (high - low) / 2;
            match self.next(stream, key, middle).await? {
                Some(chunk) if chunk.at_ms < from_ms => low = chunk.place + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }
}

/// Why a chunk was not added.
enum NotAppended {
    NoStream,
    Failed(BusError),
}

#[async_trait]
impl Log for NatsLog {
    async fn append(&self, key: &str, at_ms: u64, value: Bytes) -> Result<(), BusError> {
        subject::check_key(key)?;
        check_size(&value)?;
        let mut headers = HeaderMap::new();
        headers.insert(AT, at_ms.to_string().as_str());
        // Who adds it again because the acknowledgement got lost adds it once.
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        headers.insert(NATS_MESSAGE_ID, format!("{key}.{at_ms}.{:x}", hasher.finish()).as_str());
        let mut result = self.try_append(key, headers.clone(), value.clone()).await;
        if matches!(result, Err(NotAppended::NoStream)) {
            self.forget().await;
            result = self.try_append(key, headers, value).await;
        }
        match result {
            Ok(()) => Ok(()),
            Err(NotAppended::NoStream) => Err(BusError::Other(format!("the log {} is gone", self.name))),
            Err(NotAppended::Failed(error)) => Err(error),
        }
    }

    async fn read(
        &self,
        key: &str,
        span: RangeInclusive<u64>,
        after: Option<u64>,
        most_bytes: usize,
    ) -> Result<Vec<Chunk>, BusError> {
        subject::check_key(key)?;
        let stream = self.stream().await?;
        let mut place = match after {
            Some(after) => after.saturating_add(1),
            None => self.first_since(&stream, key, *span.start()).await?,
        };
        let (mut chunks, mut bytes) = (Vec::new(), 0_usize);
        while let Some(chunk) = self.next(&stream, key, place).await? {
            place = chunk.place + 1;
            bytes = bytes.saturating_add(chunk.value.len());
            if chunk.at_ms > *span.end() || (bytes > most_bytes && !chunks.is_empty()) {
                break;
            }
            if span.contains(&chunk.at_ms) {
                chunks.push(chunk);
            }
        }
        Ok(chunks)
    }
}
