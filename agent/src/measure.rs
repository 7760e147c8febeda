//! Measures the host, its replicas, and what policies ask of the applications.
//!
//! ```text
//! /proc, sysinfo ──────→ host ─────┐
//! cgroup files ────────→ cgroup ───┤
//!   or engine's stats ─→ stats ────┼─→ Measured, once a second ─→ publish
//! replicas' endpoints ─→ prometheus┤
//! NATS JetStream ──────→ probes ───┘
//! ```
//!
//! The first two are read on the tick. The others run beside it: whatever hangs there delays nothing, and what it
//! finds comes with the next tick, with its own time.

pub mod cgroup;
pub mod host;
mod probes;
pub mod prometheus;
pub mod rate;
pub mod replicas;
pub mod stats;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod text;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bus::{
    Bus,
    payload::{HostSample, Probe, ReplicaSample, ServiceName, SignalSample},
};
use tokio::{
    sync::{mpsc, watch},
    task,
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::{inventory::Notes, model::Host};
use cgroup::Roots;
use host::HostMeter;
use probes::Probes;
use rate::Reading;
use replicas::ReplicaMeter;
use stats::{StatsRounds, StatsSource};
pub use text::FileBuffer;

/// The first sample comes this soon: as late as rates of CPU need, early enough to be out within half a second.
const FIRST_AFTER: Duration = Duration::from_millis(250);
/// Values of probes that wait for the next tick. More than this many probes fit no host.
const SIGNALS_WAITING: usize = 4096;

/// How to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Time between samples.
    pub interval: Duration,
    /// Where the host's `/proc` and `/sys` are.
    pub roots: Roots,
}

impl Default for Options {
    fn default() -> Self {
        Self { interval: Duration::from_secs(1), roots: Roots::default() }
    }
}

/// What measuring needs to know, and whom to ask.
pub struct Inputs {
    /// What runs here.
    pub model: watch::Receiver<Arc<Host>>,
    /// What the policies ask to be measured in applications.
    pub probes: watch::Receiver<Vec<(ServiceName, Vec<Probe>)>>,
    /// Knows the length of queues.
    pub bus: Bus,
    /// Knows what cgroups do not tell.
    pub stats: Arc<dyn StatsSource>,
    /// Where to say how much CPU each replica uses.
    pub notes: Notes,
}

/// All that was measured at one moment: [`Samples`](bus::payload::Samples) without its envelope.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// When.
    pub at_ms: u64,
    /// The host.
    pub host_sample: Option<HostSample>,
    /// Its replicas.
    pub replicas: Vec<ReplicaSample>,
    /// What probes found since the time before.
    pub signals: Vec<SignalSample>,
}

/// Measures until nobody takes the samples any more, or nobody keeps the model any more.
pub async fn run(options: Options, inputs: Inputs, samples: mpsc::Sender<Measured>) {
    let Inputs { mut model, probes: mut assigned, bus, stats, notes } = inputs;
    let (found, mut signals) = mpsc::channel(SIGNALS_WAITING);
    let mut probes = Probes::new(options.interval, model.clone(), bus, found);
    probes.assign(&assigned.borrow_and_update().clone());
    let mut stats = StatsRounds::new(stats);
    let mut meters = Meters::new(&options.roots);
    let mut assigned_open = true;

    let first_model = Arc::clone(&model.borrow_and_update());
    meters = meters.on_its_thread(move |meters| meters.notice(&first_model, true)).await;
    stats.start(meters.replicas.need_stats());
    let mut ticks = interval_at(Instant::now() + FIRST_AFTER.min(options.interval), options.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                let host = Arc::clone(&model.borrow());
                let from_stats = stats.collect().await;
                meters = meters.on_its_thread(move |meters| meters.measure(&host, &from_stats)).await;
                stats.start(meters.replicas.need_stats());
                let mut measured = std::mem::take(&mut meters.measured);
                measured.signals = std::iter::from_fn(|| signals.try_recv().ok()).collect();
                notes.measured(&measured.replicas);
                if samples.send(measured).await.is_err() {
                    return;
                }
            }
            changed = model.changed() => {
                if changed.is_err() {
                    return;
                }
                let host = Arc::clone(&model.borrow_and_update());
                meters = meters.on_its_thread(move |meters| meters.notice(&host, false)).await;
            }
            changed = assigned.changed(), if assigned_open => {
                assigned_open = changed.is_ok();
                probes.assign(&assigned.borrow_and_update().clone());
            }
        }
    }
}

/// What reads files. A file of a busy kernel can take its time, so it is done on a thread that may wait.
struct Meters {
    roots: Roots,
    host: HostMeter,
    replicas: ReplicaMeter,
    buffer: FileBuffer,
    measured: Measured,
}

impl Meters {
    fn new(roots: &Roots) -> Self {
        Self {
            host: HostMeter::new(roots.clone()),
            replicas: ReplicaMeter::new(roots.clone()),
            buffer: FileBuffer::default(),
            measured: Measured::default(),
            roots: roots.clone(),
        }
    }

    async fn on_its_thread(mut self, work: impl FnOnce(&mut Self) + Send + 'static) -> Self {
        let roots = self.roots.clone();
        let done = task::spawn_blocking(move || {
            work(&mut self);
            self
        });
        done.await.unwrap_or_else(|error| {
            tracing::error!(%error, "measuring failed; it starts anew");
            Self::new(&roots)
        })
    }

    fn notice(&mut self, host: &Host, with_host: bool) {
        if with_host {
            self.host.measure(&mut self.buffer, self.replicas.elapsed());
        }
        self.replicas.notice(host, &mut self.buffer);
    }

    fn measure(&mut self, host: &Host, stats: &BTreeMap<String, Reading>) {
        let at_ms = now_ms();
        let host_sample = self.host.measure(&mut self.buffer, self.replicas.elapsed());
        let replicas = self.replicas.measure(host, stats, &mut self.buffer);
        self.measured = Measured { at_ms, host_sample, replicas, signals: Vec::new() };
    }
}

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
