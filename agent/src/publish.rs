//! Between the meters and the bus: keeps samples while the bus is away, and tells what runs.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bus::{
    Bus, BusError, Link,
    payload::{Inventory, Samples, ServiceInventory, VERSION, encode},
    subject::Subjects,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};

use crate::{measure::Measured, model::Host};

/// Samples kept while the bus is away: five minutes at one a second, which is as far back as guards look.
pub const KEPT: usize = 300;
/// The inventory is sent this often even when nothing changed, because a reader may have missed the change.
pub const INVENTORY_EVERY: Duration = Duration::from_secs(5);
/// What could not be sent is tried again after this.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// After the link came back, samples wait this much longer: whoever hears them lost the link as well, tries again about
/// once a second, and would miss all that is sent before.
const OTHERS_RECONNECT: Duration = Duration::from_millis(1500);
/// A send that takes longer is given up. It may still arrive, so its number is not given to another payload.
const SEND_LIMIT: Duration = Duration::from_secs(2);

/// Who publishes, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The bus.
    pub bus: Bus,
    /// The fleet's subjects.
    pub subjects: Subjects,
    /// This host.
    pub host: String,
    /// Differs with each start of the agent.
    pub agent: String,
    /// Samples kept while the bus is away, usually [`KEPT`].
    pub kept: usize,
}

/// Publishes samples, and the model whenever it changed, until both have ended.
pub async fn run(options: Options, mut samples: mpsc::Receiver<Measured>, mut model: watch::Receiver<Arc<Host>>) {
    let mut link = options.bus.link();
    let mut publisher = Publisher::new(options);
    let mut retry = interval(RETRY_AFTER);
    retry.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut samples_open, mut model_open, mut link_open) = (true, true, true);
    let (mut was_up, mut quiet_until) = (true, Instant::now());
    model.mark_changed();
    while samples_open || model_open {
        tokio::select! {
            measured = samples.recv(), if samples_open => match measured {
                Some(measured) => publisher.outbox.push(measured),
                None => samples_open = false,
            },
            changed = model.changed(), if model_open => {
                model_open = changed.is_ok();
                publisher.inventory.set(&model.borrow_and_update());
            }
            changed = link.changed(), if link_open => link_open = changed.is_ok(),
            _ = retry.tick() => {}
            () = sleep_until(quiet_until), if quiet_until > Instant::now() => {}
        }
        while let Ok(measured) = samples.try_recv() {
            publisher.outbox.push(measured);
        }
        let up = *link.borrow_and_update() == Link::Up;
        if up && !was_up {
            quiet_until = Instant::now() + OTHERS_RECONNECT;
        }
        was_up = up;
        if up && publisher.send_inventory().await && Instant::now() >= quiet_until {
            publisher.send_samples().await;
        }
    }
}

struct Publisher {
    options: Options,
    outbox: Outbox,
    inventory: InventoryDue,
}

impl Publisher {
    fn new(options: Options) -> Self {
        Self { outbox: Outbox::new(options.kept), inventory: InventoryDue::default(), options }
    }

    /// Sends the inventory if it is due. `false` when it could not be sent.
    async fn send_inventory(&mut self) -> bool {
        let Options { subjects, host, agent, .. } = &self.options;
        let Some(payload) = self.inventory.due(host, agent, Instant::now()) else { return true };
        match self.send(&subjects.inventory(host), encode(&payload)).await {
            Sent::Yes | Sent::Perhaps => self.inventory.sent(Instant::now()),
            Sent::Never => self.inventory.given_up(Instant::now()),
            Sent::No => return false,
        }
        true
    }

    /// Sends the samples in their order, until one cannot be sent.
    async fn send_samples(&mut self) {
        let Options { subjects, host, agent, .. } = &self.options;
        while let Some(payload) = self.outbox.first(host, agent) {
            match self.send(&subjects.samples(host), encode(&payload)).await {
                Sent::Yes => self.outbox.sent(),
                Sent::Perhaps => {
                    self.outbox.sent();
                    return;
                }
                Sent::Never => self.outbox.drop_first(),
                Sent::No => return,
            }
        }
    }

    async fn send(&self, subject: &str, payload: bytes::Bytes) -> Sent {
        match timeout(SEND_LIMIT, self.options.bus.publish(subject, payload)).await {
            Ok(Ok(())) => Sent::Yes,
            Ok(Err(BusError::TimedOut(_))) | Err(_) => Sent::Perhaps,
            Ok(Err(error @ BusError::TooLarge { .. })) => {
                tracing::error!(%subject, %error, "not sent, dropped");
                Sent::Never
            }
            Ok(Err(error)) => {
                tracing::debug!(%subject, %error, "not sent, kept");
                Sent::No
            }
        }
    }
}

enum Sent {
    Yes,
    No,
    /// The time limit passed: it may arrive or not.
    Perhaps,
    /// It can never be sent, and must not stand in the way of what comes after it.
    Never,
}

/// Samples that wait, oldest first. Full, it drops the oldest and counts.
#[derive(Debug)]
struct Outbox {
    waiting: VecDeque<Measured>,
    capacity: usize,
    lost: u64,
    sent: u64,
}

impl Outbox {
    fn new(capacity: usize) -> Self {
        Self { waiting: VecDeque::new(), capacity: capacity.max(1), lost: 0, sent: 0 }
    }

    fn push(&mut self, measured: Measured) {
        if self.waiting.len() >= self.capacity {
            self.drop_first();
        }
        self.waiting.push_back(measured);
    }

    fn drop_first(&mut self) {
        self.lost += u64::from(self.waiting.pop_front().is_some());
    }

    /// The oldest that waits, with the number that it has if it is sent now.
    fn first(&self, host: &str, agent: &str) -> Option<Samples> {
        let measured = self.waiting.front()?.clone();
        Some(Samples {
            v: VERSION,
            host: host.to_owned(),
            agent: agent.to_owned(),
            sequence: self.sent + 1,
            at_ms: measured.at_ms,
            lost: self.lost,
            host_sample: measured.host_sample,
            replicas: measured.replicas,
            signals: measured.signals,
        })
    }

    fn sent(&mut self) {
        self.waiting.pop_front();
        self.sent += 1;
    }
}

/// The newest inventory, and whether it has to be sent: only the newest one matters, so that none waits in line.
#[derive(Debug, Default)]
struct InventoryDue {
    newest: Option<Told>,
    at_ms: u64,
    last: Option<(Told, Instant)>,
    sent: u64,
}

/// What makes one inventory differ from another.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    engine: Option<String>,
    engine_error: Option<String>,
    services: Vec<ServiceInventory>,
}

impl InventoryDue {
    fn set(&mut self, host: &Host) {
        self.at_ms = host.at_ms;
        // Before the first listing nothing is known, which is not the same as: nothing runs.
        if host.at_ms > 0 || host.engine_error.is_some() {
            self.newest = Some(told(host));
        }
    }

    fn due(&self, host: &str, agent: &str, now: Instant) -> Option<Inventory> {
        let newest = self.newest.as_ref()?;
        let known = |(told, at): &(Told, Instant)| told == newest && now.duration_since(*at) < INVENTORY_EVERY;
        if self.last.as_ref().is_some_and(known) {
            return None;
        }
        let Told { engine, engine_error, services } = newest.clone();
        Some(Inventory {
            v: VERSION,
            host: host.to_owned(),
            agent: agent.to_owned(),
            sequence: self.sent + 1,
            at_ms: self.at_ms,
            engine,
            engine_error,
            services,
        })
    }

    fn sent(&mut self, now: Instant) {
        self.given_up(now);
        self.sent += 1;
    }

    /// It is tried again when it changed or is due, and not before.
    fn given_up(&mut self, now: Instant) {
        self.last = self.newest.clone().map(|told| (told, now));
    }
}

fn told(host: &Host) -> Told {
    let services = host.services.iter().map(|(name, service)| ServiceInventory {
        project: name.project.clone(),
        service: name.service.clone(),
        replicas: service.replicas.iter().map(|replica| replica.summary.clone()).collect(),
        phase: service.phase.clone(),
        refusals: service.refusals.clone(),
        most: service.most,
        warnings: service.warnings.clone(),
        labels: service.labels.clone(),
        count_by_others: service.count_by_others.clone(),
    });
    Told {
        engine: host.engine.as_ref().map(|engine| engine.version.clone()),
        engine_error: host.engine_error.clone(),
        services: services.collect(),
    }
}

#[cfg(test)]
mod tests;
