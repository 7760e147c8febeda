//! A watch that never stalls: with each new connection it is dropped and opened anew, and tells again what is there.

use std::{collections::HashSet, time::Duration};

use async_nats::{
    Client,
    jetstream::{
        self,
        consumer::{Consumer, DeliverPolicy, ReplayPolicy, push},
    },
};
use futures_util::StreamExt;

use super::bucket::{NatsBucket, is_removal};
use crate::{
    changes::Teller,
    transport::{BusError, Change, Entry},
};

/// How long to wait before opening again what could not be opened; grows by itself up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A change, and how many of those that were there when the watch was opened are still to come.
pub(super) struct Told {
    pub(super) change: Change,
    pub(super) pending: u64,
}

/// Tells what happens under `prefix` until nobody reads any more or the bus ends.
pub(super) async fn run(bucket: NatsBucket, prefix: String, teller: Teller) {
    let stop = bucket.inner.stop.clone();
    let mut connected = bucket.inner.connected.clone();
    let mut known = HashSet::new();
    let mut pause = FIRST_PAUSE;
    loop {
        let times = connected.borrow_and_update().times;
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            () = teller.reader_left() => return,
            () = changed_since(&mut connected, times) => Ended::Reconnected,
            ended = follow(&bucket, &prefix, &teller, &mut known) => ended,
        };
        match ended {
            Ended::Reconnected => pause = FIRST_PAUSE,
            Ended::Interrupted(why) => {
                tracing::debug!(why, "a watch starts anew");
                bucket.forget().await;
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = teller.reader_left() => return,
                    _ = connected.changed() => {}
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

enum Ended {
    Reconnected,
    Interrupted(String),
}

async fn changed_since(connected: &mut tokio::sync::watch::Receiver<super::link::Connected>, times: u64) {
    // An end of the link's follower is an end of the bus, which `stop` tells of.
    if connected.wait_for(|now| now.times != times).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Tells what is there, then [`Change::Current`], then what changes, until that breaks off.
async fn follow(bucket: &NatsBucket, prefix: &str, teller: &Teller, known: &mut HashSet<String>) -> Ended {
    match try_follow(bucket, prefix, teller, known).await {
        Ok(()) => Ended::Interrupted("the watch ended".into()),
        Err(why) => Ended::Interrupted(why),
    }
}

async fn try_follow(
    bucket: &NatsBucket,
    prefix: &str,
    teller: &Teller,
    known: &mut HashSet<String>,
) -> Result<(), String> {
    let stream = bucket.stream().await.map_err(|error: BusError| error.to_string())?;
    let filter = bucket.subject(&format!("{}>", &prefix[..prefix.rfind('.').map_or(0, |dot| dot + 1)]));
    let consumer: Consumer<push::OrderedConfig> = stream
        .create_consumer(snapshot(&bucket.inner.client, filter, false))
        .await
        .map_err(|error| super::chain(&error))?;
    let mut catching_up = consumer.cached_info().num_pending > 0;
    let mut messages = consumer.messages().await.map_err(|error| super::chain(&error))?;
    let mut seen = HashSet::new();
    if !catching_up {
        current(teller, known, &mut seen);
    }
    while let Some(message) = messages.next().await {
        let message = message.map_err(|error| super::chain(&error))?;
        let told = read(&message, &bucket.subject(""))?;
        tell(told.change, prefix, teller, if catching_up { &mut seen } else { known }, catching_up);
        if catching_up && told.pending == 0 {
            catching_up = false;
            current(teller, known, &mut seen);
        }
    }
    Ok(())
}

fn tell(change: Change, prefix: &str, teller: &Teller, keys: &mut HashSet<String>, catching_up: bool) {
    match &change {
        Change::Put { key, .. } if key.starts_with(prefix) => drop(keys.insert(key.clone())),
        // While catching up, what is gone is told by its absence.
        Change::Deleted { key } if keys.remove(key) && !catching_up => {}
        _ => return,
    }
    teller.tell(change);
}

/// What was known and is no longer there is gone, whether or not a mark of its removal is left.
fn current(teller: &Teller, known: &mut HashSet<String>, seen: &mut HashSet<String>) {
    let now = std::mem::take(seen);
    for key in known.drain() {
        if !now.contains(&key) {
            teller.tell(Change::Deleted { key });
        }
    }
    *known = now;
    teller.tell(Change::Current);
}

/// A consumer that gives the newest of each key, and then what changes.
pub(super) fn snapshot(client: &Client, filter: String, without_values: bool) -> push::OrderedConfig {
    push::OrderedConfig {
        deliver_subject: client.new_inbox(),
        description: Some("a watch of Ballast".into()),
        filter_subject: filter,
        headers_only: without_values,
        replay_policy: ReplayPolicy::Instant,
        deliver_policy: DeliverPolicy::LastPerSubject,
        ..push::OrderedConfig::default()
    }
}

/// What a message of the bucket says; `subject_prefix` is what stands before the key.
pub(super) fn read(message: &jetstream::Message, subject_prefix: &str) -> Result<Told, String> {
    let info = message.info().map_err(|error| error.to_string())?;
    let key = message.subject.strip_prefix(subject_prefix).ok_or("a message of another bucket")?.to_owned();
    let removed = message.headers.as_ref().is_some_and(is_removal);
    let change = if removed {
        Change::Deleted { key }
    } else {
        Change::Put { key, entry: Entry { value: message.payload.clone(), revision: info.stream_sequence } }
    };
    Ok(Told { change, pending: info.pending })
}
