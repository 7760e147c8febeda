//! The start: everything that has to be there before the first decision.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bus::{
    Bucket, Bus, BusError, Change, Link,
    subject::{ASSIGNMENTS, CONTROLLERS, DECISIONS, FORECASTS, MEMORY, Subjects, TARGETS},
};
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::inbox::Inbox;
use crate::{
    Config, ControllerError,
    clock::Clock,
    fleet::Stored,
    outbox::Buckets,
    policies::PolicyFiles,
    term::{self, TakeError},
};

/// Between attempts.
const PAUSE: Duration = Duration::from_secs(1);
/// How long reading one bucket may take.
const READ_LIMIT: Duration = Duration::from_secs(10);

/// Everything that has to be there before the first decision.
pub(crate) struct Opened {
    pub(crate) subjects: Subjects,
    pub(crate) inbox: Inbox,
    pub(crate) buckets: Buckets,
    pub(crate) controllers: Arc<dyn Bucket>,
    pub(crate) term: u64,
    pub(crate) files: PolicyFiles,
    pub(crate) stored: Stored,
}

/// Reads the policies, and waits for the bus until it can be used. `None` when `shutdown` came first.
pub(crate) async fn open(
    config: &Config,
    bus: &Bus,
    clock: &mut Clock,
    shutdown: &CancellationToken,
) -> Result<Option<Opened>, ControllerError> {
    let mut files = PolicyFiles::new(config.policies.clone())
        .with_variables(config.variables.clone())
        .may_be_missing(config.policies_may_be_missing);
    files.look();
    let subjects = Subjects::new(&config.fleet);
    let mut files = Some(files);
    let mut told = false;
    loop {
        let attempt = tokio::select! {
            () = shutdown.cancelled() => return Ok(None),
            attempt = try_open(bus, &subjects, clock) => attempt,
        };
        match attempt {
            Ok((inbox, buckets, controllers, term, stored)) => {
                let files = files.take().unwrap_or_else(|| PolicyFiles::new(Vec::new()));
                return Ok(Some(Opened { subjects, inbox, buckets, controllers, term, files, stored }));
            }
            Err(error @ (TakeError::Unreadable(_) | TakeError::Bus(BusError::Setup(_)))) => return Err(error.into()),
            Err(TakeError::Bus(error)) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(%error, "the bus cannot be used yet: the controller waits for it");
                }
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return Ok(None),
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

type Parts = (Inbox, Buckets, Arc<dyn Bucket>, u64, Stored);

async fn try_open(bus: &Bus, subjects: &Subjects, clock: &mut Clock) -> Result<Parts, TakeError> {
    if *bus.link().borrow() == Link::Down {
        return Err(BusError::Down.into());
    }
    let buckets = Buckets {
        targets: bus.bucket(TARGETS).await?,
        assignments: bus.bucket(ASSIGNMENTS).await?,
        memory: bus.bucket(MEMORY).await?,
        decisions: bus.bucket(DECISIONS).await?,
        forecasts: bus.bucket(FORECASTS).await?,
    };
    let controllers = bus.bucket(CONTROLLERS).await?;
    let inbox = Inbox::open(bus, subjects).await?;
    // The term first: from then on the controller before this one stores nothing more.
    let term = term::take(&*controllers, clock.now()).await?;
    let stored = Stored::read(
        &read_all(&*buckets.memory).await?,
        &read_all(&*buckets.forecasts).await?,
        &read_all(&*buckets.decisions).await?,
        &read_all(&*buckets.targets).await?,
        &read_all(&*buckets.assignments).await?,
    );
    Ok((inbox, buckets, controllers, term, stored))
}

/// Everything in a bucket.
async fn read_all(bucket: &dyn Bucket) -> Result<BTreeMap<String, Bytes>, BusError> {
    let mut found = BTreeMap::new();
    let reading = async {
        let mut changes = bucket.watch("").await?;
        while let Some(change) = changes.recv().await {
            match change {
                Change::Put { key, entry } => drop(found.insert(key, entry.value)),
                Change::Deleted { key } => drop(found.remove(&key)),
                Change::Current => return Ok(()),
            }
        }
        Err(BusError::Down)
    };
    tokio::time::timeout(READ_LIMIT, reading).await.unwrap_or(Err(BusError::TimedOut(READ_LIMIT)))?;
    Ok(found)
}
