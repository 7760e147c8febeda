//! Reads a service's history back, in pages that fit into an answer.

use std::{sync::Arc, time::Duration};

use autoscaler::Timestamp;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bus::{
    BusError, Log,
    payload::{self, History},
};

use super::{Keeper, LONGEST_CHUNK, LONGEST_REACH, chunk};
use crate::fleet::ServiceKey;

/// The largest chunk: with a third more, as text, it fits into an answer.
pub(crate) const LARGEST_PACKED: usize = 640 * 1024;
/// How far apart the last entry of a chunk and its storing may be, with all that may come in between.
const SLACK: Duration = LONGEST_CHUNK.saturating_mul(6);
/// How long an answer waits for what happened just now to be stored.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// Reads the log of what happened.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) keeper: Keeper,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) key: ServiceKey,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    /// The place behind which the page begins; `None`: the first one.
    pub(crate) after: Option<u64>,
}

impl Reader {
    /// One page.
    pub(crate) async fn read(&self, wanted: &Wanted) -> History {
        let mut history = History { v: payload::VERSION, service: Some(wanted.key.to_string()), ..History::default() };
        if wanted.after.is_none() {
            self.keeper.flush(FLUSH_LIMIT).await;
        }
        match self.page(wanted).await {
            Ok((chunks, next)) => {
                history.chunks = chunks.iter().map(|chunk| STANDARD.encode(chunk)).collect();
                history.next = next;
            }
            Err(error) => history.error = Some(format!("the history cannot be read: {error}")),
        }
        history
    }

    /// The chunks of a page, and the place behind which the next one begins, where there is one.
    async fn page(&self, wanted: &Wanted) -> Result<(Vec<bytes::Bytes>, Option<u64>), BusError> {
        let key = wanted.key.in_bucket();
        let from = match wanted.after {
            Some(_) => 0,
            None => self.start(&key, wanted.from).await?.as_millis(),
        };
        let span = from..=wanted.until.plus(SLACK).as_millis();
        let found = self.log.read(&key, span, wanted.after, LARGEST_PACKED).await?;
        let next = found.last().map(|chunk| chunk.place);
        let begins_in_time = |packed: &[u8]| chunk::open(packed).map_or(true, |(head, _)| head.from <= wanted.until);
        let chunks = found.into_iter().map(|chunk| chunk.value).filter(|packed| begins_in_time(packed));
        Ok((chunks.collect(), next))
    }

    /// The time of the chunk with the last snapshot that is not after `from`; `from` itself where there is none.
    async fn start(&self, key: &str, from: Timestamp) -> Result<Timestamp, BusError> {
        for back in [LONGEST_REACH + SLACK, LONGEST_REACH * 12, Duration::MAX] {
            let (mut after, mut start, mut earlier) = (None, None, false);
            loop {
                let span = from.minus(back).as_millis()..=from.plus(SLACK).as_millis();
                let page = self.log.read(key, span, after, LARGEST_PACKED).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.place);
                for (head, _) in page.iter().filter_map(|chunk| chunk::open(&chunk.value).ok()) {
                    earlier |= head.from <= from;
                    if head.began.is_some_and(|began| began <= from) {
                        start = Some(head.until);
                    }
                }
            }
            match start {
                Some(start) => return Ok(start),
                // Nothing happened for longer than snapshots are apart: there is none before.
                None if !earlier => break,
                None => {}
            }
        }
        Ok(from)
    }
}
