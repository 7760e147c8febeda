//! The term: which controller is in charge. Each start takes the next one, and agents refuse an older one.

use std::{sync::Arc, time::Duration};

use autoscaler::Timestamp;
use bus::{Bucket, BusError, Change, payload};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::ControllerError;

/// The key in bucket [`CONTROLLERS`](bus::subject::CONTROLLERS).
const KEY: &str = "term";
/// Attempts to take a term before something must be wrong: each failed one means that another controller took it.
const ATTEMPTS: usize = 100;
/// Before a watch that ended is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// Between attempts to read the term while nothing may be written.
const CONFIRM_PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, Serialize, Deserialize)]
struct Term {
    v: u16,
    #[serde(rename = "term")]
    number: u64,
    since_ms: u64,
}

/// Takes the next term: at least the time in seconds, so that a bus that lost its buckets brings no term back that
/// agents have seen and left behind them.
pub(crate) async fn take(bucket: &dyn Bucket, now: Timestamp) -> Result<u64, TakeError> {
    for _ in 0..ATTEMPTS {
        let found = bucket.get(KEY).await?;
        let newest = match &found {
            Some(entry) => read(&entry.value)?,
            None => 0,
        };
        let term = newest.saturating_add(1).max(now.as_millis() / 1000);
        let value = payload::encode(&Term { v: payload::VERSION, number: term, since_ms: now.as_millis() });
        let written = match found {
            Some(entry) => bucket.update(KEY, value, entry.revision).await,
            None => bucket.create(KEY, value).await,
        };
        match written {
            Ok(_) => return Ok(term),
            Err(BusError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(TakeError::Bus(BusError::Other(format!("{ATTEMPTS} times another controller took the term first"))))
}

/// Why a term could not be taken.
#[derive(Debug)]
pub(crate) enum TakeError {
    /// The bus.
    Bus(BusError),
    /// What is there is no term.
    Unreadable(String),
}

impl From<BusError> for TakeError {
    fn from(error: BusError) -> Self {
        Self::Bus(error)
    }
}

impl From<TakeError> for ControllerError {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Bus(error) => Self::Bus(error),
            TakeError::Unreadable(found) => Self::Term { found },
        }
    }
}

fn read(value: &[u8]) -> Result<u64, TakeError> {
    let unreadable = |_| TakeError::Unreadable(String::from_utf8_lossy(value).chars().take(100).collect());
    payload::decode::<Term>(value).map(|term| term.number).map_err(unreadable)
}

/// Tells each term that shows up, until `shutdown`. Where the bucket has lost what was in it, `own` is written again.
pub(crate) async fn watch(bucket: Arc<dyn Bucket>, own: u64, seen: mpsc::Sender<u64>, shutdown: CancellationToken) {
    let follow = async {
        loop {
            match bucket.watch(KEY).await {
                Ok(changes) => {
                    if follow(&*bucket, own, changes, &seen).await.is_err() {
                        return;
                    }
                }
                Err(error) => tracing::debug!(%error, "the term cannot be watched: it is tried again"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = follow => {}
    }
}

/// The highest term that there is, read now; tried until it can be read. Where the bucket has lost what was in it,
/// `own` is written again.
pub(crate) async fn confirm(bucket: Arc<dyn Bucket>, own: u64) -> u64 {
    let mut told = false;
    loop {
        match bucket.get(KEY).await {
            Ok(None) => restore(&*bucket, own).await,
            Ok(Some(entry)) => {
                if let Ok(term) = read(&entry.value) {
                    return term.max(own);
                }
                if !std::mem::replace(&mut told, true) {
                    tracing::error!(
                        "key `term` in bucket `controllers` is no term: nothing is written until it is one"
                    );
                }
            }
            Err(error) => tracing::debug!(%error, "the term cannot be read: it is tried again"),
        }
        tokio::time::sleep(CONFIRM_PAUSE).await;
    }
}

async fn follow(
    bucket: &dyn Bucket,
    own: u64,
    mut changes: mpsc::Receiver<Change>,
    seen: &mpsc::Sender<u64>,
) -> Result<(), mpsc::error::SendError<u64>> {
    let mut highest = own;
    while let Some(change) = changes.recv().await {
        match change {
            Change::Put { key, entry } if key == KEY => {
                if let Ok(term) = read(&entry.value) {
                    highest = highest.max(term);
                    seen.send(term).await?;
                }
            }
            // What is told as current may leave out a key that was lost while the link was down.
            Change::Deleted { .. } | Change::Current if highest == own => restore(bucket, own).await,
            Change::Put { .. } | Change::Deleted { .. } | Change::Current => {}
        }
    }
    Ok(())
}

/// Writes `own` where a bucket that was lost holds nothing; if another controller is quicker, its term counts.
async fn restore(bucket: &dyn Bucket, own: u64) {
    let value = payload::encode(&Term { v: payload::VERSION, number: own, since_ms: 0 });
    match bucket.get(KEY).await {
        Ok(None) => match bucket.create(KEY, value).await {
            Ok(_) => tracing::warn!(term = own, "the bus had lost the controller's term: it is written again"),
            Err(error) => tracing::warn!(%error, "the controller's term is lost and cannot be written again"),
        },
        Ok(Some(_)) => {}
        Err(error) => tracing::debug!(%error, "the controller's term cannot be looked up"),
    }
}

#[cfg(test)]
mod tests {
    use bus::{Bus, local::LocalBus};

    use super::*;

    #[tokio::test]
    async fn what_another_controller_took_meanwhile_is_read_and_what_was_lost_is_written_again() -> Result<(), BusError>
    {
        let bus: Bus = LocalBus::in_memory()?;
        let bucket = bus.bucket("controllers").await?;
        let own = take(&*bucket, Timestamp::from_millis(7000))
            .await
            .map_err(|error| BusError::Other(format!("{error:?}")))?;
        assert_eq!(confirm(Arc::clone(&bucket), own).await, own);
        bucket.delete(KEY).await?;
        assert_eq!(confirm(Arc::clone(&bucket), own).await, own);
        assert!(take(&*bucket, Timestamp::from_millis(0)).await.is_ok_and(|next| next == own + 1));
        assert_eq!(confirm(bucket, own).await, own + 1);
        Ok(())
    }
}
