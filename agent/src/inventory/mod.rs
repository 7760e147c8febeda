//! Keeps what runs on the host, as a [`Host`] that everybody can watch. Events are hints; the list is the truth.

mod counts;
pub(crate) mod labels;
mod ledger;
mod notes;
mod own_id;
pub(crate) mod phase;
pub(crate) mod read;

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
    sync::Arc,
    time::Duration,
};

use bus::payload::{Phase, ServiceName};
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    act::{asleep, preflight},
    docker::{Engine, EngineError, Event},
    instant::{self, now_ms},
    model::{EngineInfo, ExitCause, Host, Replica, Service},
};
pub use ledger::{InProgress, Ledger, Work};
pub use notes::{Busy, Notes};
use phase::History;

/// The engine is asked for everything this often, whatever its events say.
const FULL_LISTING: Duration = Duration::from_secs(30);
/// Events come in bursts; one look covers a burst.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// While a project changes, its phase is computed anew this often, to see when it has been quiet for long enough.
const PHASE_ROUND: Duration = Duration::from_millis(250);
/// Waits between attempts to reach an engine that is away.
const RECONNECT: std::ops::Range<Duration> = Duration::from_millis(100)..Duration::from_secs(2);
/// Containers inspected at a time.
const AT_ONCE: usize = 8;
/// Changes wait here while a listing is under way.
const EVENTS_WAITING: usize = 4096;

/// How to keep the inventory.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A project that somebody else changed is left alone until it has been quiet for so long.
    pub quiet: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { quiet: Duration::from_secs(10) }
    }
}

/// The inventory, for everybody who needs it.
#[derive(Clone, Debug)]
pub struct Inventory {
    host: watch::Receiver<Arc<Host>>,
    ledger: Ledger,
    notes: Notes,
    refresh: mpsc::Sender<oneshot::Sender<()>>,
}

impl Inventory {
    /// Starts to keep the inventory of `engine`, until `shutdown`.
    pub fn start(engine: Engine, settings: Settings, shutdown: CancellationToken) -> Self {
        let (host_sender, host) = watch::channel(Arc::new(Host::default()));
        let (refresh, requests) = mpsc::channel(64);
        let (ledger, notes) = (Ledger::default(), Notes::default());
        let keeper = Keeper {
            engine,
            settings,
            ledger: ledger.clone(),
            notes: notes.clone(),
            host: host_sender,
            requests,
            own_id: own_id::own_container_id(),
            containers: BTreeMap::new(),
            services: BTreeMap::new(),
            overlay_networks: BTreeSet::new(),
            history: History::default(),
            info: None,
            error: None,
            last_event_ms: None,
            dirty: BTreeSet::new(),
            hung: BTreeSet::new(),
            marks_read: BTreeMap::new(),
            macs: BTreeMap::new(),
            wait: RECONNECT.start,
        };
        tokio::spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = keeper.run() => {}
            }
        });
        Self { host, ledger, notes, refresh }
    }

    /// What runs, and each change of it. Before the first listing, [`Host::at_ms`] is 0.
    pub fn host(&self) -> watch::Receiver<Arc<Host>> {
        self.host.clone()
    }

    /// Where to say what is about to be done to containers.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Where to say what was found out about replicas.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Lists anew, and gives what there is then. With the engine away it gives what was last known.
    pub async fn refreshed(&self) -> Arc<Host> {
        let (done, wait) = oneshot::channel();
        if self.refresh.send(done).await.is_ok() {
            // An error is the keeper's end, and then nothing newer will come.
            drop(wait.await);
        }
        self.host.borrow().clone()
    }
}

/// The one task that reads events and lists containers.
struct Keeper {
    engine: Engine,
    settings: Settings,
    ledger: Ledger,
    notes: Notes,
    host: watch::Sender<Arc<Host>>,
    requests: mpsc::Receiver<oneshot::Sender<()>>,
    own_id: Option<String>,
    containers: BTreeMap<String, Arc<Value>>,
    services: BTreeMap<ServiceName, Vec<Replica>>,
    overlay_networks: BTreeSet<String>,
    history: History,
    info: Option<EngineInfo>,
    error: Option<String>,
    last_event_ms: Option<u64>,
    dirty: BTreeSet<String>,
    /// Containers whose inspection hung; each is asked for again after an event of it and with the next full listing.
    hung: BTreeSet<String>,
    /// When each ended that ended before it was watched, and was looked at for Ballast's mark.
    marks_read: BTreeMap<String, u64>,
    /// The MAC address that somebody asked for, or null: it stays for as long as its container.
    macs: BTreeMap<String, Value>,
    wait: Duration,
}

impl Keeper {
    async fn run(mut self) {
        loop {
            let Err(error) = self.follow().await;
            tracing::warn!(%error, "the engine is away; trying again");
            self.history.engine_gone(now_ms());
            self.info = None;
            self.error = Some(error.to_string());
            self.publish();
            let until = Instant::now() + self.wait;
            // Answering at once keeps those who wait from waiting for the engine.
            while let Ok(Some(done)) = tokio::time::timeout_at(until, self.requests.recv()).await {
                // Whoever asked may have stopped waiting.
                let _ = done.send(());
            }
            sleep_until(until).await;
            self.wait = (self.wait * 2).min(RECONNECT.end);
        }
    }

    /// Follows the engine until it goes away.
    async fn follow(&mut self) -> Result<std::convert::Infallible, EngineError> {
        let info = self.engine.info().await?;
        let mut events = self.subscribe()?;
        self.history.engine_back(now_ms(), info.started_ms);
        self.info = Some(info);
        self.list(true).await?;
        self.error = None;
        self.wait = RECONNECT.start;
        self.publish();
        let mut full = Instant::now() + FULL_LISTING;
        let mut debounced: Option<Instant> = None;
        loop {
            let changing = self.services_change().then(|| Instant::now() + PHASE_ROUND);
            let next = [Some(full), debounced, changing].into_iter().flatten().min().unwrap_or(full);
            tokio::select! {
                event = events.recv() => match event {
                    Some(Ok(event)) => {
                        self.hear(&event);
                        debounced.get_or_insert(Instant::now() + DEBOUNCE);
                    }
                    Some(Err(error)) => return Err(error),
                    None => return Err(crate::docker::EngineError::Away {
                        address: "its event stream".into(), why: "it ended".into(),
                    }),
                },
                Some(done) = self.requests.recv() => {
                    // What is known of already is part of this look.
                    while let Ok(Ok(event)) = events.try_recv() {
                        self.hear(&event);
                    }
                    // Whoever asks from now on may want to see what happens after this look has begun.
                    let asked: Vec<_> = iter::once(done).chain(iter::from_fn(|| self.requests.try_recv().ok())).collect();
                    self.list(false).await?;
                    debounced = None;
                    self.publish();
                    for done in asked {
                        // Whoever asked may have stopped waiting.
                        let _ = done.send(());
                    }
                }
                () = sleep_until(next) => {
                    let now = Instant::now();
                    if now >= full || debounced.is_some_and(|at| now >= at) {
                        self.list(now >= full).await?;
                        debounced = None;
                        full = if now >= full { now + FULL_LISTING } else { full };
                    }
                    self.publish();
                }
            }
        }
    }

    /// Reads events into a bounded queue, so that none is lost while a listing is under way.
    fn subscribe(&self) -> Result<mpsc::Receiver<Result<Event, EngineError>>, EngineError> {
        let since_ms = self.last_event_ms.unwrap_or_else(now_ms);
        let events = self.engine.events(Some(since_ms))?;
        let (sender, receiver) = mpsc::channel(EVENTS_WAITING);
        tokio::spawn(async move {
            let mut events: std::pin::Pin<Box<dyn Stream<Item = _> + Send>> = Box::pin(events);
            while let Some(event) = events.next().await {
                let failed = event.is_err();
                if sender.send(event).await.is_err() || failed {
                    break;
                }
            }
        });
        Ok(receiver)
    }

    fn hear(&mut self, event: &Event) {
        tracing::trace!(action = event.action, name = event.attribute("name"), "event");
        self.last_event_ms = self.last_event_ms.max(Some(event.at_ms));
        self.dirty.insert(event.id.clone());
        // By the clock of this machine nothing happens in the future.
        let event = Event { at_ms: event.at_ms.min(now_ms()), ..event.clone() };
        if self.ledger.caused(&event) {
            if event.action == "start" {
                self.history.started(&event.id);
            }
            return;
        }
        if self.history.record(&event, &self.services, self.settings.quiet) {
            // Those who are in the middle of something need to know now, not after the listing.
            self.publish();
        }
    }

    /// Lists all containers and inspects those that are new or may have changed; with `full`, every one of them.
    async fn list(&mut self, full: bool) -> Result<(), EngineError> {
        let listed = self.engine.list().await?;
        let dirty = std::mem::take(&mut self.dirty);
        let mut there = BTreeSet::new();
        let mut inspected = Vec::new();
        for summary in &listed {
            let Some(id) = summary["Id"].as_str() else { continue };
            there.insert(id.to_owned());
            let unchanged = self.containers.get(id).is_some_and(|known| known["State"]["Status"] == summary["State"]);
            if full || dirty.contains(id) || (!unchanged && !self.hung.contains(id)) {
                inspected.push(id.to_owned());
            }
        }
        let (engine, macs) = (&self.engine, &self.macs);
        let inspect = |id: String| async move { (inspect(engine, macs.get(&id), &id).await, id) };
        let mut answers = stream::iter(inspected).map(inspect).buffer_unordered(AT_ONCE);
        let mut news = Vec::new();
        while let Some((answer, id)) = answers.next().await {
            news.push((id, answer));
        }
        drop(answers);
        self.containers.retain(|id, _| there.contains(id));
        self.hung.retain(|id| there.contains(id));
        self.macs.retain(|id, _| there.contains(id));
        for (id, answer) in news {
            if let Ok(inspect) = &answer {
                self.macs.insert(id.clone(), inspect["Config"]["MacAddress"].clone());
            }
            take_in(&mut self.containers, &mut self.hung, id, answer)?;
        }
        if full {
            self.list_networks().await?;
        }
        let containers = self.containers.iter().map(|(id, inspect)| (id, inspect.as_ref()));
        self.history.listed(containers, now_ms());
        self.ledger.keep_asleep(&there);
        self.marks_read.retain(|id, _| there.contains(id));
        self.read_marks().await;
        let mut services = read::services(&self.containers);
        read::keep_readiness(&self.services, &mut services);
        self.services = services;
        Ok(())
    }

    /// Looks for the marks of those that Ballast put to sleep before this agent was started.
    async fn read_marks(&mut self) {
        for (id, inspect) in &self.containers {
            let finished = inspect["State"]["FinishedAt"].as_str().unwrap_or_default();
            let Some(finished_ms) = instant::parse_ms(finished) else { continue };
            let unwatched = finished_ms < self.history.watching_since_ms() && inspect["State"]["Status"] == "exited";
            let known = self.marks_read.get(id) == Some(&finished_ms) || self.ledger.is_asleep(id, Some(finished_ms));
            if !unwatched || known || read::service_of(inspect).is_none() {
                continue;
            }
            // An engine that does not tell now is asked again at the next listing.
            let Some(is_marked) = asleep::is_marked(&self.engine, id, finished).await else { return };
            self.marks_read.insert(id.clone(), finished_ms);
            if is_marked {
                self.ledger.fell_asleep(id, finished_ms);
            }
        }
    }

    async fn list_networks(&mut self) -> Result<(), EngineError> {
        let networks = self.engine.networks().await?;
        let overlay = networks.iter().filter(|network| network["Driver"] == "overlay");
        self.overlay_networks = overlay.filter_map(|network| network["Name"].as_str().map(str::to_owned)).collect();
        Ok(())
    }

    fn services_change(&self) -> bool {
        let host = self.host.borrow();
        host.services.values().any(|service| matches!(service.phase, Phase::Changing { .. }))
    }

    fn publish(&mut self) {
        let now_ms = now_ms();
        for (name, replicas) in &mut self.services {
            for replica in replicas {
                replica.exit = exit_cause(&self.ledger, &self.history, replica);
                let (has_crashed, times) = self.history.crashes(replica);
                replica.summary.exited_unexpectedly = has_crashed || replica.exit == Some(ExitCause::Itself);
                replica.summary.unexpected_exits = times;
                self.notes.complete(name, replica);
            }
        }
        self.history.settle(&self.services, now_ms, self.settings.quiet);
        let context = preflight::Context {
            own_id: self.own_id.as_deref(),
            containers: &self.containers,
            overlay_networks: &self.overlay_networks,
        };
        let services = self.services.iter().map(|(name, replicas)| {
            let findings = preflight::preflight(name, replicas, &context);
            let newest = replicas.iter().max_by_key(|replica| replica.summary.created_ms);
            let service = Service {
                phase: self.history.phase(name, replicas, now_ms, self.settings.quiet),
                foreign: self.history.foreign(name, replicas),
                count_by_others: self.history.count_by_others(name),
                labels: newest.map(|replica| ballast_labels(&replica.inspect)).unwrap_or_default(),
                refusals: findings.refusals,
                most: findings.most,
                warnings: findings.warnings,
                replicas: replicas.clone(),
            };
            (name.clone(), service)
        });
        let host = Host {
            at_ms: now_ms,
            engine: self.info.clone(),
            engine_error: self.error.clone(),
            services: services.collect(),
        };
        self.host.send_replace(Arc::new(host));
    }
}

/// What Ballast itself stops has neither crashed nor done its work.
fn exit_cause(ledger: &Ledger, history: &History, replica: &Replica) -> Option<ExitCause> {
    if replica.summary.state != "exited" {
        return history.exit_cause(replica);
    }
    if ledger.is_asleep(&replica.summary.id, replica.finished_ms) {
        return Some(ExitCause::Asleep);
    }
    if ledger.is_unmaking(&replica.summary.name) {
        return Some(ExitCause::Ballast);
    }
    history.exit_cause(replica)
}

/// All that the engine says of a container, with the MAC address that somebody asked for, if it has been `known` before.
async fn inspect(engine: &Engine, known: Option<&Value>, id: &str) -> Result<Value, EngineError> {
    let mut inspect = engine.inspect(id).await?;
    if read::service_of(&inspect).is_none() || !inspect["Config"]["MacAddress"].is_null() {
        return Ok(inspect);
    }
    let mac = match known {
        Some(mac) => mac.clone(),
        // An engine that no longer speaks the older version tells nobody.
        None => engine.asked_mac(id).await.ok().flatten().map_or(Value::Null, Value::String),
    };
    if !mac.is_null() {
        inspect["Config"]["MacAddress"] = mac;
    }
    Ok(inspect)
}

/// Takes in what the engine answered when asked for one container. Only an engine that is away is everybody's trouble.
fn take_in(
    containers: &mut BTreeMap<String, Arc<Value>>,
    hung: &mut BTreeSet<String>,
    id: String,
    answer: Result<Value, EngineError>,
) -> Result<(), EngineError> {
    hung.remove(&id);
    match answer {
        Ok(inspect) => drop(containers.insert(id, Arc::new(inspect))),
        Err(error @ EngineError::Away { .. }) => return Err(error),
        // What was known of it stays until the engine tells more.
        Err(error @ EngineError::TimedOut { .. }) => {
            tracing::warn!(%error, id, "not inspected; what was known of it stays");
            hung.insert(id);
        }
        // It went away between the list and the question, or it is on its way.
        Err(error) => {
            tracing::debug!(%error, id, "not inspected");
            containers.remove(&id);
        }
    }
    Ok(())
}

fn ballast_labels(inspect: &Value) -> BTreeMap<String, String> {
    let all = inspect["Config"]["Labels"].as_object().into_iter().flatten();
    let own = all.filter(|(name, _)| name.starts_with("ballast.") && *name != labels::MANAGED);
    own.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// Waits until `host` satisfies `condition`, at most `limit`; gives the host that did.
pub async fn wait_until(
    host: &mut watch::Receiver<Arc<Host>>,
    limit: Duration,
    mut condition: impl FnMut(&Host) -> bool,
) -> Option<Arc<Host>> {
    timeout(limit, host.wait_for(|host| condition(host))).await.ok()?.ok().map(|host| host.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_container_whose_inspection_hangs_costs_nobody_anything() -> Result<(), EngineError> {
        let timed_out = || EngineError::TimedOut {
            address: "unix:///x".into(),
            call: "GET /containers/a/json".into(),
            limit: Duration::from_secs(30),
        };
        let known = |version: u32| Arc::new(json!({ "version": version }));
        let mut containers = BTreeMap::from([("a".to_owned(), known(1)), ("b".to_owned(), known(1))]);
        let mut hung = BTreeSet::new();
        take_in(&mut containers, &mut hung, "a".into(), Err(timed_out()))?;
        take_in(&mut containers, &mut hung, "b".into(), Ok(json!({ "version": 2 })))?;
        assert_eq!(containers, BTreeMap::from([("a".to_owned(), known(1)), ("b".to_owned(), known(2))]));
        assert!(hung.contains("a"));
        take_in(&mut containers, &mut hung, "a".into(), Ok(json!({ "version": 3 })))?;
        assert!(hung.is_empty() && containers["a"] == known(3));
        let away = EngineError::Away { address: "unix:///x".into(), why: "refused".into() };
        assert!(take_in(&mut containers, &mut hung, "a".into(), Err(away)).is_err());
        Ok(())
    }
}
