//! The agent as a whole: its parts, wired and kept going.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bus::{
    Bus, BusError, Link,
    payload::{Probe, ServiceName},
    subject::Subjects,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    act,
    docker::{Engine, EngineError},
    instant::now_ms,
    inventory::{self, Inventory},
    measure::{self, cgroup::Roots},
    publish,
};

/// Samples between the meters and the bus; the buffer for when the bus is away comes behind it.
const SAMPLES_WAITING: usize = 16;
/// After the bus failed in the middle of something, it is tried again after this.
const BUS_RETRY: Duration = Duration::from_millis(500);

/// What an agent has to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// The fleet that it belongs to.
    pub fleet: String,
    /// The name that its host has in the fleet.
    pub host: String,
    /// The engine's address, `unix:///…` or `tcp://…`.
    pub engine: String,
    /// Time between samples.
    pub interval: Duration,
    /// The host's `/proc`.
    pub proc_root: PathBuf,
    /// The host's `/sys`.
    pub sys_root: PathBuf,
    /// A replica that does not serve within this time has failed.
    pub ready_timeout: Duration,
    /// A project that somebody else changed is left alone until it has been quiet for so long.
    pub quiet: Duration,
}

impl Config {
    /// The usual, for this host in this fleet.
    pub fn new(fleet: &str, host: &str, engine: &str) -> Self {
        Self {
            fleet: fleet.to_owned(),
            host: host.to_owned(),
            engine: engine.to_owned(),
            interval: measure::Options::default().interval,
            proc_root: Roots::default().proc,
            sys_root: Roots::default().sys,
            ready_timeout: act::Patience::default().ready,
            quiet: inventory::Settings::default().quiet,
        }
    }
}

/// Why an agent could not start.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The engine's address cannot be used. An engine that only does not answer is waited for.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// One of its parts ended, which none does before the end.
    #[error("{0} ended unexpectedly; start the agent again, and please report this with its log")]
    Ended(&'static str),
}

/// Measures the host, publishes, and carries out targets, until `shutdown`.
pub async fn run(config: Config, bus: Bus, shutdown: CancellationToken) -> Result<(), AgentError> {
    let engine = Engine::new(&config.engine)?;
    let subjects = Subjects::new(&config.fleet);
    let settings = inventory::Settings { quiet: config.quiet };
    let inventory = Inventory::start(engine.clone(), settings, shutdown.clone());
    let (samples_in, samples_out) = mpsc::channel(SAMPLES_WAITING);
    let (probes_in, probes_out) = watch::channel(Vec::new());

    let mut parts = JoinSet::new();
    let publishing = publish::Options {
        bus: Arc::clone(&bus),
        subjects: subjects.clone(),
        host: config.host.clone(),
        agent: format!("{:x}-{:x}", now_ms(), std::process::id()),
        kept: publish::KEPT,
    };
    parts.spawn(named("publishing", publish::run(publishing, samples_out, inventory.host())));
    let measuring = measure::Options {
        interval: config.interval,
        roots: Roots { proc: config.proc_root.clone(), sys: config.sys_root.clone() },
    };
    let inputs = measure::Inputs {
        model: inventory.host(),
        probes: probes_out,
        bus: Arc::clone(&bus),
        stats: Arc::new(engine.clone()),
        notes: inventory.notes().clone(),
    };
    parts.spawn(named("measuring", measure::run(measuring, inputs, samples_in)));
    let patience = act::Patience { ready: config.ready_timeout, ..act::Patience::default() };
    let acting = keep_acting(engine, config.host, inventory, bus, (subjects, probes_in), patience, shutdown.clone());
    let mut acting = tokio::spawn(acting);

    let ended = tokio::select! {
        () = shutdown.cancelled() => None,
        Some(part) = parts.join_next() => Some(part.unwrap_or("a part")),
        _ = &mut acting => None,
    };
    if let (Some(part), false) = (ended, shutdown.is_cancelled()) {
        return Err(AgentError::Ended(part));
    }
    // What is in the middle of a step finishes it; whoever waits for us has a limit of his own.
    if !acting.is_finished() {
        drop(acting.await);
    }
    Ok(())
}

async fn named(name: &'static str, part: impl Future<Output = ()>) -> &'static str {
    part.await;
    name
}

/// What the meters are told to measure in applications.
type Probes = watch::Sender<Vec<(ServiceName, Vec<Probe>)>>;

/// Carries out targets, and starts anew when the bus failed in between: the buckets hold the newest state.
async fn keep_acting(
    engine: Engine,
    host: String,
    inventory: Inventory,
    bus: Bus,
    (subjects, probes): (Subjects, Probes),
    patience: act::Patience,
    shutdown: CancellationToken,
) {
    while !shutdown.is_cancelled() {
        let orders = act::Orders { host: &host, bus: Arc::clone(&bus), subjects: &subjects, probes: &probes };
        match act::run(engine.clone(), orders, inventory.clone(), patience.clone(), shutdown.clone()).await {
            Ok(()) => return,
            Err(error) => wait_for_bus(&error, &bus).await,
        }
    }
}

/// Waits until the link is up, and a little in any case.
async fn wait_for_bus(error: &BusError, bus: &Bus) {
    tracing::debug!(%error, "targets and assignments cannot be read just now");
    let mut link = bus.link();
    drop(link.wait_for(|link| *link == Link::Up).await);
    tokio::time::sleep(BUS_RETRY).await;
}
