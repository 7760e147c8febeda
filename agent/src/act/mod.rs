//! Brings the services under a policy to their targets, and keeps them there.
//!
//! ```text
//! bus → desk (what is wanted) ─┐
//!                              ├→ plan (the next step) → hands (carry it out) → inventory ↺
//! inventory → preflight ───────┘
//! ```

pub(crate) mod asleep;
mod busy;
pub mod clone;
pub mod desk;
mod files;
mod hands;
mod journey;
pub mod plan;
pub mod preflight;
mod reconcile;
mod victims;

use std::collections::BTreeMap;

use bus::{
    Bus, BusError, Change,
    payload::{self, Assignment, Outcome, Probe, ServiceName},
    subject::{ASSIGNMENTS, Subjects, TARGETS, host_prefix, parse_service_key},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{docker::Engine, instant::now_ms, inventory::Inventory};
use desk::Wishes;
use hands::Hands;
use journey::Journey;
pub use plan::Patience;
use reconcile::Reconciler;

/// Outcomes that wait to be published; beyond that, those who have them wait.
const OUTCOMES_WAITING: usize = 256;

/// The services of one host, each with a task of its own.
#[derive(Debug)]
pub struct Actor {
    host: String,
    hands: Hands,
    inventory: Inventory,
    outcomes: mpsc::Sender<Outcome>,
    patience: Patience,
    shutdown: CancellationToken,
    tasks: TaskTracker,
    services: BTreeMap<ServiceName, watch::Sender<Wishes>>,
}

impl Actor {
    /// An actor on `engine` that reports to `outcomes`. It does nothing before it is told what is wanted.
    pub fn new(
        engine: Engine,
        host: &str,
        inventory: Inventory,
        patience: Patience,
        outcomes: mpsc::Sender<Outcome>,
        shutdown: CancellationToken,
    ) -> Self {
        let hands = Hands::new(engine, inventory.ledger().clone());
        let tasks = TaskTracker::new();
        Self { host: host.to_owned(), hands, inventory, outcomes, patience, shutdown, tasks, services: BTreeMap::new() }
    }

    /// Changes what is wanted of a service.
    pub fn tell(&mut self, name: &ServiceName, change: impl FnOnce(&mut Wishes)) {
        let wishes = self.services.entry(name.clone()).or_insert_with(|| {
            let (sender, wishes) = watch::channel(Wishes::default());
            let reconciler = Reconciler {
                host: self.host.clone(),
                name: name.clone(),
                hands: self.hands.clone(),
                inventory: self.inventory.clone(),
                wishes,
                outcomes: self.outcomes.clone(),
                patience: self.patience.clone(),
                memory: plan::Memory::default(),
                journey: Journey::default(),
                leaving: BTreeMap::new(),
                departures: JoinSet::new(),
            };
            let asking = busy::watch(name.clone(), sender.subscribe(), self.inventory.clone(), self.shutdown.clone());
            self.tasks.spawn(asking);
            self.tasks.spawn(reconciler.run(self.shutdown.clone()));
            sender
        });
        wishes.send_modify(change);
    }

    /// Waits until every service has finished the step that it is at. Call it after the shutdown.
    pub async fn finished(self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Where the controller's orders for a host come from, and where outcomes go.
#[derive(Clone, Debug)]
pub struct Orders<'a> {
    /// The host's name in the fleet.
    pub host: &'a str,
    /// The bus.
    pub bus: Bus,
    /// The fleet's subjects.
    pub subjects: &'a Subjects,
    /// Where the meters hear what the policies ask to be measured in applications.
    pub probes: &'a watch::Sender<Vec<(ServiceName, Vec<Probe>)>>,
}

/// Carries out what the controller puts into the buckets for the host, and publishes each outcome, until `shutdown`;
/// a step that has begun is finished then.
///
/// # Errors
/// When the bus cannot be used, or ends before that.
pub async fn run(
    engine: Engine,
    orders: Orders<'_>,
    inventory: Inventory,
    patience: Patience,
    shutdown: CancellationToken,
) -> Result<(), BusError> {
    let Orders { host, bus, subjects, probes } = orders;
    // When the bus fails in between, the services' tasks end as well: whoever comes next has its own.
    let shutdown = shutdown.child_token();
    let _ends_with_this = shutdown.clone().drop_guard();
    let prefix = host_prefix(host);
    let mut assignments = bus.bucket(ASSIGNMENTS).await?.watch(&prefix).await?;
    let mut targets = bus.bucket(TARGETS).await?.watch(&prefix).await?;
    let (outcomes, mut reports) = mpsc::channel(OUTCOMES_WAITING);
    let mut actor = Actor::new(engine, host, inventory, patience, outcomes, shutdown.clone());
    let subject = subjects.outcome(host);
    let mut assigned = Assigned::default();
    // Until the first "that is all", targets were there before the agent came.
    let mut first_read = true;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            change = assignments.recv() => match change {
                Some(change) => {
                    assigned.take(&mut actor, change);
                    assigned.publish(probes);
                }
                None => return Err(ended(ASSIGNMENTS)),
            },
            change = targets.recv() => match change {
                Some(Change::Current) => first_read = false,
                Some(change) => take_target(&mut actor, change, first_read),
                None => return Err(ended(TARGETS)),
            },
            Some(outcome) = reports.recv() => {
                // A level, as targets are: the inventory says the same, so one that is lost does no harm.
                if let Err(error) = bus.publish(&subject, payload::encode(&outcome)).await {
                    tracing::debug!(%error, "an outcome is not published");
                }
            }
        }
    }
    reports.close();
    actor.finished().await;
    Ok(())
}

/// What the policies ask to be measured, as far as it has been read.
#[derive(Debug, Default)]
struct Assigned {
    probes: BTreeMap<ServiceName, Vec<Probe>>,
    /// Before everything is read, what the meters were told by an earlier reading is more than what is known.
    complete: bool,
}

impl Assigned {
    fn take(&mut self, actor: &mut Actor, change: Change) {
        let Some((key, assignment)) = self.read(change) else { return };
        let Some(name) = service_name(&key) else { return };
        let Some(assignment) = assignment else {
            self.probes.remove(&name);
            actor.tell(&name, |wishes| wishes.assignment = None);
            return;
        };
        let (probes, term) = (assignment.probes.clone(), assignment.term);
        let mut newest = true;
        actor.tell(&name, |wishes| newest = wishes.assign(assignment));
        if newest {
            self.probes.insert(name, probes);
        } else {
            tracing::warn!(key, term, "an assignment comes from a controller that is no longer in charge: refused");
        }
    }

    /// The key and what it holds now; `None` for a change that is about no key.
    fn read(&mut self, change: Change) -> Option<(String, Option<Assignment>)> {
        match change {
            Change::Current => {
                self.complete = true;
                None
            }
            Change::Deleted { key } => Some((key, None)),
            Change::Put { key, entry } => match payload::decode(&entry.value) {
                Ok(assignment) => Some((key, Some(assignment))),
                // What cannot be read is no permission, neither to scale nor to measure.
                Err(error) => {
                    tracing::warn!(%error, key, "an assignment cannot be read; the service is left alone");
                    Some((key, None))
                }
            },
        }
    }

    fn publish(&self, meters: &watch::Sender<Vec<(ServiceName, Vec<Probe>)>>) {
        if !self.complete {
            return;
        }
        let probes: Vec<_> = self.probes.iter().map(|(name, probes)| (name.clone(), probes.clone())).collect();
        meters.send_if_modified(|before| {
            let differs = *before != probes;
            *before = probes;
            differs
        });
    }
}

fn take_target(actor: &mut Actor, change: Change, first_read: bool) {
    match change {
        Change::Current => {}
        Change::Deleted { key } => {
            if let Some(name) = service_name(&key) {
                actor.tell(&name, |wishes| wishes.order = None);
            }
        }
        Change::Put { key, entry } => match (service_name(&key), payload::decode(&entry.value)) {
            (Some(name), Ok(target)) => actor.tell(&name, |wishes| wishes.receive(target, first_read, now_ms())),
            (_, Err(error)) => tracing::warn!(%error, key, "a target cannot be read; the one before it holds"),
            (None, _) => {}
        },
    }
}

fn service_name(key: &str) -> Option<ServiceName> {
    let (_, project, service) = parse_service_key(key)?;
    Some(ServiceName { project, service })
}

fn ended(bucket: &str) -> BusError {
    BusError::Other(format!("the watch of the bucket {bucket} ended"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_that_cannot_be_read_is_no_permission_and_nothing_is_told_before_all_is_read() {
        let meters = watch::Sender::new(Vec::new());
        let name = ServiceName { project: "shop".into(), service: "web".into() };
        let mut assigned = Assigned::default();
        assigned.probes.insert(name.clone(), Vec::new());
        assigned.publish(&meters);
        assert!(meters.borrow().is_empty());
        assert!(assigned.read(Change::Current).is_none());
        assigned.publish(&meters);
        assert_eq!(*meters.borrow(), [(name, Vec::new())]);
        let entry = bus::Entry { value: b"{\"v\":99}".as_slice().into(), revision: 1 };
        let change = Change::Put { key: "host.shop.web".into(), entry };
        assert_eq!(assigned.read(change), Some(("host.shop.web".into(), None)));
    }
}
