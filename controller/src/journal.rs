//! What happens to each governed service, kept so that it can be replayed: written entry by entry beside the decisions,
//! cut into chunks, packed and stored by a task of its own, read back in pages by whoever asks.
//!
//! ```text
//! Governed → Journal → Chunk → Keeper → log `history` → Reader → page → Assembly → text
//! ```
//!
//! The decisions never wait for it. While the bus is down, chunks wait in memory, and where they are too many the oldest
//! are dropped; whoever reads then finds `@lost`, and the replay goes on at the next `@began`.

mod assembly;
mod chunk;
mod keeper;
mod reader;

use std::time::Duration;

use autoscaler::{
    Autoscaler, Evaluation, Event, Timestamp, explain,
    journal::{Decided, Entry, What, append},
};

pub use assembly::{Assembly, AssemblyError};
pub(crate) use chunk::Chunk;
pub(crate) use keeper::Keeper;
pub(crate) use reader::{Reader, Wanted};

/// A chunk holds so long at most, so that little is lost with a controller that is killed.
const LONGEST_CHUNK: Duration = Duration::from_secs(10);
/// A chunk holds about so many bytes of text, which is a tenth of that packed.
const LARGEST_CHUNK: usize = 256 * 1024;
/// Snapshots are at least so far apart,
const SHORTEST_REACH: Duration = Duration::from_mins(1);
/// and so many times their own size, so that a service whose rules look back far does not consist of them,
const REACH_IN_SIZES: usize = 4;
/// but no further than this: what is asked for is widened to the one before it.
pub(crate) const LONGEST_REACH: Duration = Duration::from_mins(15);

/// Writes down what one autoscaler is told and when it decides.
#[derive(Debug)]
pub(crate) struct Journal {
    /// Of entries that are not in a chunk yet.
    text: String,
    /// When the first and the last of these happened.
    span: Option<(Timestamp, Timestamp)>,
    /// When the first snapshot among these was made.
    began: Option<Timestamp>,
    entries: u64,
    /// Entries in all chunks before.
    before: u64,
    newest_snapshot: Option<NewestSnapshot>,
}

/// The snapshot from which a replay of what happens now would start.
#[derive(Clone, Copy, Debug)]
struct NewestSnapshot {
    at: Timestamp,
    /// Its size.
    bytes: usize,
    /// What was written since.
    since: usize,
}

impl Journal {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self { text: String::new(), span: None, began: None, entries: 0, before: 0, newest_snapshot: None }
    }

    /// Writes down what is about to be told to `autoscaler`, and gives it back.
    pub(crate) fn tell(&mut self, autoscaler: &Autoscaler, event: Event, now: Timestamp) -> Event {
        if self.newest_snapshot.is_none() {
            self.write(&Entry { at: now, what: What::Restarted });
            self.begin(autoscaler, now);
        }
        let entry = Entry { at: now, what: What::Event(event) };
        self.write(&entry);
        match entry.what {
            What::Event(event) => event,
            _ => unreachable!("it was put there"),
        }
    }

    /// Writes down that an evaluation was recorded, and what came of it where that is news.
    pub(crate) fn record(&mut self, evaluation: &Evaluation, news: bool) {
        if self.newest_snapshot.is_none() {
            // Nothing was told yet, so that a replay begins with the first thing that is.
            return;
        }
        let (at, number) = (evaluation.at, evaluation.number);
        self.write(&Entry { at, what: What::Looked { number } });
        if news {
            let decided = Decided { number, verdict: evaluation.verdict, sentence: explain::sentence(evaluation) };
            self.write(&Entry { at, what: What::Decided(decided) });
        }
    }

    /// Whether another snapshot is due.
    pub(crate) fn wants_snapshot(&self, now: Timestamp) -> bool {
        self.newest_snapshot.is_some_and(|newest| {
            let (reach, enough) = (now.since(newest.at), newest.bytes.saturating_mul(REACH_IN_SIZES));
            newest.since > 0 && reach >= SHORTEST_REACH && (newest.since >= enough || reach >= LONGEST_REACH)
        })
    }

    /// Writes down everything that `autoscaler` knows, so that a replay can start here.
    pub(crate) fn begin(&mut self, autoscaler: &Autoscaler, now: Timestamp) {
        let before = self.text.len();
        self.write(&Entry { at: now, what: What::Began(Box::new(autoscaler.snapshot())) });
        self.newest_snapshot = Some(NewestSnapshot { at: now, bytes: self.text.len() - before, since: 0 });
        self.began.get_or_insert(now);
    }

    /// What was written since the last chunk, where that is long ago or much.
    pub(crate) fn take_if_due(&mut self, now: Timestamp) -> Option<Chunk> {
        let due = self.moment().is_some_and(|moment| moment <= now) || self.text.len() >= LARGEST_CHUNK;
        if due { self.take() } else { None }
    }

    /// What was written since the last chunk, where there is anything.
    pub(crate) fn take(&mut self) -> Option<Chunk> {
        let (from, until) = self.span.take()?;
        let chunk = Chunk {
            from,
            until,
            began: self.began.take(),
            before: self.before,
            entries: std::mem::take(&mut self.entries),
            text: std::mem::take(&mut self.text),
        };
        self.before += chunk.entries;
        Some(chunk)
    }

    /// When the next chunk is due.
    pub(crate) fn moment(&self) -> Option<Timestamp> {
        self.span.map(|(from, _)| from.plus(LONGEST_CHUNK))
    }

    fn write(&mut self, entry: &Entry) {
        let before = self.text.len();
        append(&mut self.text, entry);
        self.entries += 1;
        self.span = Some((self.span.map_or(entry.at, |(from, _)| from), entry.at));
        if let Some(newest) = &mut self.newest_snapshot {
            newest.since += self.text.len() - before;
        }
    }
}
