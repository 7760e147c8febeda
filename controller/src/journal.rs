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

#[cfg(test)]
mod tests {
    use autoscaler::{
        Policy,
        event::{HostCapacity, Observation, Reading, Replica, ReplicaId, Sample, Subject},
        policy_file,
        quantity::SignalName,
    };

    use super::*;

    const POLICY: &str = "
service: shop/web
replicas: { min: 2, max: 20 }
signals:
  requests: published
  latency.p95: published
rules:
  - target: { signal: cpu, per_replica: 70% }
  - threshold: { signal: latency.p95, above: 250ms, for: 30s, add: 50% }
";

    /// Whole microseconds of CPU in about a second, and pages, as an agent measures them.
    struct Noise(u64);

    impl Noise {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from(u32::try_from(self.0 >> 40).unwrap_or(0)) / f64::from(1 << 24)
        }

        fn cpu(&mut self) -> f64 {
            (200_000.0 + (400_000.0 * self.next()).round()) / (1_000_000.0 + (2000.0 * self.next()).round())
        }

        fn memory(&mut self) -> f64 {
            4096.0 * (20_000.0 + (200.0 * self.next()).round())
        }
    }

    /// Bytes stored of so many replicas in ten minutes, measured and listed each second.
    fn stored(replicas: u32) -> usize {
        let policy: Policy = policy_file::parse("test", POLICY).expect("a policy").policies.remove(0);
        let (mut autoscaler, mut journal, mut noise) = (Autoscaler::new(policy), Journal::new(), Noise(7));
        let ids: Vec<ReplicaId> = (0..replicas)
            .map(|n| ReplicaId::new(format!("{:064x}", u128::from(n + 1) * 0x1234_5678_9abc_def1_2345)))
            .collect();
        let mut bytes = 0;
        for second in 0..600 {
            let now = Timestamp::from_millis(1_800_000_000_000 + second * 1000 + 3);
            let mut tell = |event| {
                let event = journal.tell(&autoscaler, event, now);
                autoscaler.handle_event(event, now);
                let evaluation = autoscaler.evaluate(now);
                autoscaler.record(&evaluation);
                journal.record(&evaluation, second == 0);
            };
            // What the host has left is measured as often, and told with the listing.
            let started = Some(Timestamp::from_millis(1_700_000_000_000));
            let replica =
                |id: &ReplicaId| Replica { id: id.clone(), started, ready_since: started, ..Replica::default() };
            let host = HostCapacity { cores: Some(8.0), busy_cores: Some(noise.cpu()), ..HostCapacity::default() };
            tell(Event::Observed(Observation {
                replicas: ids.iter().map(replica).collect(),
                host,
                ..Observation::default()
            }));
            let at = now.minus(Duration::from_millis(2));
            let mut samples = Vec::new();
            for id in &ids {
                for (signal, value) in [("cpu", noise.cpu()), ("memory", noise.memory())] {
                    let (signal, of) = (SignalName::new(signal), Subject::Replica(id.clone()));
                    samples.push(Sample { signal, of, at, reading: Reading::Value(value) });
                }
            }
            tell(Event::Samples(samples));
            if journal.wants_snapshot(now) {
                journal.begin(&autoscaler, now);
            }
            bytes += journal.take_if_due(now).map_or(0, |chunk| chunk.pack(1).len());
        }
        bytes + journal.take().map_or(0, |chunk| chunk.pack(1).len())
    }

    #[test]
    fn an_hour_takes_so_much() {
        for (replicas, most) in [(1, 400_000), (10, 2_000_000)] {
            let an_hour = stored(replicas) * 6;
            assert!(an_hour < most, "{replicas} replicas: {an_hour} bytes an hour");
        }
    }
}
