//! Stores chunks, one after the other, in a task of its own.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bus::{BusError, Log};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

use super::{Chunk, reader::LARGEST_PACKED};
use crate::fleet::ServiceKey;

/// Commands that wait for the task.
const COMMANDS: usize = 4096;
/// The most that waits for the bus: hours of a hundred services.
const MOST_WAITING: usize = 32 * 1024 * 1024;
/// After a write that failed, nothing more is tried for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// Hands chunks to the task that stores them.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    commands: mpsc::Sender<Command>,
}

#[derive(Debug)]
enum Command {
    Keep(ServiceKey, Chunk),
    /// Answers when all that was handed over before is stored.
    Flush(oneshot::Sender<()>),
}

impl Keeper {
    /// Starts the task; it ends with the last handle.
    pub(crate) fn start(log: Arc<dyn Log>, term: u64) -> Self {
        Self::start_within(log, term, MOST_WAITING)
    }

    /// As [`start`](Self::start), with at most so many bytes that wait.
    fn start_within(log: Arc<dyn Log>, term: u64, most_waiting: usize) -> Self {
        let (commands, work) = mpsc::channel(COMMANDS);
        let task = Task {
            log,
            term,
            work,
            waiting: VecDeque::new(),
            bytes: 0,
            most_waiting,
            under_way: None,
            paused_until: None,
            flushes: Vec::new(),
            failing: false,
            lost: 0,
        };
        tokio::spawn(task.run());
        Self { commands }
    }

    /// Has a chunk stored. Never waits: where the task does not keep up, the chunk is dropped.
    pub(crate) fn keep(&self, key: ServiceKey, chunk: Chunk) {
        if let Err(error) = self.commands.try_send(Command::Keep(key, chunk))
            && let mpsc::error::TrySendError::Full(Command::Keep(key, chunk)) = error
        {
            tracing::warn!(service = %key, entries = chunk.entries, "history comes faster than it can be packed: some is lost");
        }
    }

    /// Waits until all that was handed over is stored, at most for `limit`; says whether it is.
    pub(crate) async fn flush(&self, limit: Duration) -> bool {
        let (done, stored) = oneshot::channel();
        let flushed = async { self.commands.send(Command::Flush(done)).await.is_ok() && stored.await.is_ok() };
        timeout(limit, flushed).await.unwrap_or(false)
    }
}

/// A chunk as it is stored.
#[derive(Clone, Debug)]
struct Packed {
    key: String,
    at_ms: u64,
    entries: u64,
    bytes: Bytes,
}

struct Task {
    log: Arc<dyn Log>,
    term: u64,
    work: mpsc::Receiver<Command>,
    /// What is to be stored; the first is being stored where something is under way.
    waiting: VecDeque<Packed>,
    bytes: usize,
    most_waiting: usize,
    under_way: Option<BoxFuture<'static, Result<(), BusError>>>,
    paused_until: Option<Instant>,
    /// Who waits until so many more are stored.
    flushes: Vec<(usize, oneshot::Sender<()>)>,
    failing: bool,
    /// Entries dropped since it began to fail.
    lost: u64,
}

impl Task {
    async fn run(mut self) {
        loop {
            self.begin();
            tokio::select! {
                command = self.work.recv() => match command {
                    Some(Command::Keep(key, chunk)) => self.add(&key, &chunk),
                    Some(Command::Flush(done)) => self.flushes.push((self.waiting.len(), done)),
                    None => return,
                },
                result = under_way(&mut self.under_way) => self.finish(result),
                () = until(self.paused_until), if self.paused_until.is_some() => self.paused_until = None,
            }
        }
    }

    fn add(&mut self, key: &ServiceKey, chunk: &Chunk) {
        let bytes = chunk.pack(self.term);
        if bytes.len() > LARGEST_PACKED {
            let (size, entries) = (bytes.len(), chunk.entries);
            tracing::error!(service = %key, size, entries, "a part of its history is too large to be stored: it is lost");
            return;
        }
        self.bytes += bytes.len();
        let (at_ms, entries) = (chunk.until.as_millis(), chunk.entries);
        self.waiting.push_back(Packed { key: key.in_bucket(), at_ms, entries, bytes });
        while self.bytes > self.most_waiting {
            // Not the one that is being stored: that may have happened already.
            let oldest = usize::from(self.under_way.is_some());
            let Some(dropped) = self.waiting.remove(oldest) else { break };
            if self.lost == 0 {
                tracing::warn!("more history waits for the bus than fits into memory: the oldest is lost");
            }
            self.bytes -= dropped.bytes.len();
            self.lost += dropped.entries;
            self.stored();
        }
    }

    fn begin(&mut self) {
        if self.under_way.is_none()
            && self.paused_until.is_none()
            && let Some(first) = self.waiting.front().cloned()
        {
            let log = Arc::clone(&self.log);
            self.under_way = Some(Box::pin(async move { log.append(&first.key, first.at_ms, first.bytes).await }));
        }
        if self.waiting.is_empty() {
            self.stored();
        }
    }

    fn finish(&mut self, result: Result<(), BusError>) {
        self.under_way = None;
        if let Err(error) = result {
            if !std::mem::replace(&mut self.failing, true) {
                tracing::warn!(%error, "history cannot be stored: it waits in memory");
            }
            self.paused_until = Some(Instant::now() + PAUSE);
            return;
        }
        if std::mem::take(&mut self.failing) {
            tracing::info!(lost = std::mem::take(&mut self.lost), "history is stored again");
        }
        if let Some(first) = self.waiting.pop_front() {
            self.bytes -= first.bytes.len();
        }
        self.stored();
    }

    /// One less waits.
    fn stored(&mut self) {
        for (left, _) in &mut self.flushes {
            *left = left.saturating_sub(1);
        }
        let waiting = std::mem::take(&mut self.flushes).into_iter();
        let still = waiting.filter_map(|(left, done)| {
            if left > 0 {
                return Some((left, done));
            }
            // Who no longer waits is no error.
            done.send(()).ok();
            None
        });
        self.flushes = still.collect();
    }
}

async fn under_way(writing: &mut Option<BoxFuture<'static, Result<(), BusError>>>) -> Result<(), BusError> {
    match writing {
        Some(writing) => writing.await,
        None => std::future::pending().await,
    }
}

async fn until(moment: Option<Instant>) {
    if let Some(moment) = moment {
        sleep_until(moment).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        ops::RangeInclusive,
        sync::{
            Mutex,
            atomic::{AtomicBool, Ordering},
        },
    };

    use async_trait::async_trait;
    use autoscaler::Timestamp;

    use super::*;

    /// Fails as long as it is told to.
    #[derive(Debug, Default)]
    struct Failing {
        fails: AtomicBool,
        kept: Mutex<Vec<u64>>,
    }

    #[async_trait]
    impl Log for Failing {
        async fn append(&self, _: &str, at_ms: u64, _: Bytes) -> Result<(), BusError> {
            if self.fails.load(Ordering::Relaxed) {
                return Err(BusError::Down);
            }
            self.kept.lock().expect("no panic while held").push(at_ms);
            Ok(())
        }

        async fn read(
            &self,
            _: &str,
            _: RangeInclusive<u64>,
            _: Option<u64>,
            _: usize,
        ) -> Result<Vec<bus::Chunk>, BusError> {
            Ok(Vec::new())
        }
    }

    fn key() -> ServiceKey {
        ServiceKey { host: "a".to_owned(), project: "shop".to_owned(), service: "web".to_owned() }
    }

    fn chunk(until: u64, text: String) -> Chunk {
        let at = Timestamp::from_millis(until);
        Chunk { from: at, until: at, began: None, before: until, entries: 1, text }
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_stored_waits_and_comes_in_its_order() {
        let log = Arc::new(Failing::default());
        log.fails.store(true, Ordering::Relaxed);
        let keeper = Keeper::start(log.clone(), 1);
        for number in 0..3 {
            keeper.keep(key(), chunk(number, "x".to_owned()));
        }
        assert!(!keeper.flush(Duration::from_secs(5)).await, "nothing can be stored");
        log.fails.store(false, Ordering::Relaxed);
        assert!(keeper.flush(Duration::from_secs(5)).await);
        assert_eq!(*log.kept.lock().expect("no panic while held"), [0, 1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn of_too_much_that_waits_the_oldest_is_dropped() {
        let log = Arc::new(Failing::default());
        log.fails.store(true, Ordering::Relaxed);
        let keeper = Keeper::start_within(log.clone(), 1, 100_000);
        let mut noise = 1_u64;
        let mut incompressible = || {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from_u32(0x20 + u32::try_from(noise >> 58).unwrap_or(0)).unwrap_or(' ')
        };
        let text: String = (0..2000).map(|_| incompressible()).collect();
        for number in 0..80 {
            keeper.keep(key(), chunk(number, text.clone()));
            keeper.flush(Duration::from_millis(1)).await;
        }
        log.fails.store(false, Ordering::Relaxed);
        assert!(keeper.flush(Duration::from_secs(5)).await);
        let kept = log.kept.lock().expect("no panic while held").clone();
        assert!(kept.len() > 40 && kept.len() < 79, "{}", kept.len());
        assert_eq!(kept.last(), Some(&79), "the newest is there");
        assert!(kept.is_sorted());
    }
}
