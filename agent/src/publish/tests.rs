use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use bus::{
    Bucket, Delivery, Keep, Log, Subscription, Transport,
    payload::{Phase, ReplicaSample, ServiceName, decode},
};
use bytes::Bytes;

use super::*;
use crate::model::Service;

fn measured(at_ms: u64) -> Measured {
    Measured { at_ms, ..Measured::default() }
}

#[test]
fn a_full_outbox_drops_the_oldest_and_counts_it() {
    let mut outbox = Outbox::new(3);
    for at_ms in 1..=5 {
        outbox.push(measured(at_ms));
    }
    let mut sent = Vec::new();
    while let Some(samples) = outbox.first("h", "a") {
        sent.push((samples.sequence, samples.at_ms, samples.lost));
        outbox.sent();
    }
    assert_eq!(sent, [(1, 3, 2), (2, 4, 2), (3, 5, 2)], "numbers have no gap as sent");
}

#[test]
fn what_was_not_sent_keeps_its_number() {
    let mut outbox = Outbox::new(3);
    outbox.push(measured(1));
    assert_eq!(outbox.first("h", "a").map(|samples| samples.sequence), Some(1));
    assert_eq!(outbox.first("h", "a").map(|samples| samples.sequence), Some(1));
}

#[tokio::test(start_paused = true)]
async fn samples_wait_while_the_link_is_down_and_come_in_order_when_it_is_up() {
    let mut stage = Stage::new(3).await;
    stage.measure(1).await;
    assert_eq!(stage.next_sample().await, (1, 1, 0));
    stage.bus.set(Link::Down);
    for at_ms in 2..=6 {
        stage.measure(at_ms).await;
    }
    stage.taken().await;
    stage.bus.set(Link::Up);
    let sent = [stage.next_sample().await, stage.next_sample().await, stage.next_sample().await];
    assert_eq!(sent, [(2, 4, 2), (3, 5, 2), (4, 6, 2)]);
    stage.measure(7).await;
    assert_eq!(stage.next_sample().await, (5, 7, 2));
}

#[tokio::test(start_paused = true)]
async fn a_send_that_fails_on_a_link_that_is_up_is_tried_again() {
    let mut stage = Stage::new(3).await;
    stage.bus.refuses.store(true, Ordering::Relaxed);
    stage.measure(1).await;
    stage.taken().await;
    stage.bus.refuses.store(false, Ordering::Relaxed);
    assert_eq!(stage.next_sample().await, (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_sample_too_large_for_the_bus_is_dropped_and_stands_in_nobodys_way() {
    let mut stage = Stage::new(3).await;
    let replica = ReplicaSample { id: "x".repeat(2 * 1024 * 1024), ..ReplicaSample::default() };
    stage.samples.send(Measured { at_ms: 1, replicas: vec![replica], ..Measured::default() }).await.expect("it runs");
    stage.measure(2).await;
    assert_eq!(stage.next_sample().await, (1, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn the_inventory_comes_at_once_when_it_changed_and_else_every_five_seconds() {
    let mut stage = Stage::new(3).await;
    let start = Instant::now();
    stage.host(10, "web");
    assert_eq!(stage.next_inventory().await, (1, 10, "web".into()));
    assert_eq!(start.elapsed().as_secs(), 0);
    stage.host(11, "web");
    assert_eq!(stage.next_inventory().await, (2, 11, "web".into()), "listed again, with nothing new");
    assert_eq!(start.elapsed().as_secs(), 5);
    stage.host(12, "worker");
    assert_eq!(stage.next_inventory().await, (3, 12, "worker".into()));
    assert_eq!(start.elapsed().as_secs(), 5, "at once");
}

#[tokio::test(start_paused = true)]
async fn only_the_newest_inventory_is_sent_after_the_link_was_down() {
    let mut stage = Stage::new(3).await;
    stage.bus.set(Link::Down);
    stage.host(1, "web");
    stage.taken().await;
    stage.host(2, "worker");
    stage.taken().await;
    stage.bus.set(Link::Up);
    assert_eq!(stage.next_inventory().await, (1, 2, "worker".into()));
}

#[test]
fn before_the_first_listing_there_is_no_inventory() {
    let mut due = InventoryDue::default();
    due.set(&Host::default());
    assert_eq!(due.due("h", "a", Instant::now()), None, "not known is not the same as: nothing runs");
    due.set(&Host { engine_error: Some("no answer".into()), ..Host::default() });
    assert_eq!(due.due("h", "a", Instant::now()).and_then(|told| told.engine_error), Some("no answer".into()));
}

/// A publisher on an in-process bus whose link a test cuts, and somebody who listens.
struct Stage {
    bus: Arc<Cuttable>,
    samples: mpsc::Sender<Measured>,
    model: watch::Sender<Arc<Host>>,
    heard_samples: Subscription,
    heard_inventory: Subscription,
}

impl Stage {
    async fn new(kept: usize) -> Self {
        let local: Bus = bus::local::LocalBus::in_memory().expect("a bus");
        let bus =
            Arc::new(Cuttable { inner: local, link: watch::Sender::new(Link::Up), refuses: AtomicBool::new(false) });
        let subjects = Subjects::new("test");
        let heard_samples = bus.subscribe(&subjects.samples("h"), 100).await.expect("a subscription");
        let heard_inventory = bus.subscribe(&subjects.inventory("h"), 100).await.expect("a subscription");
        let (samples, measured) = mpsc::channel(16);
        let (model, hosts) = watch::channel(Arc::default());
        let options = Options { bus: bus.clone(), subjects, host: "h".into(), agent: "a".into(), kept };
        tokio::spawn(run(options, measured, hosts));
        Self { bus, samples, model, heard_samples, heard_inventory }
    }

    async fn measure(&self, at_ms: u64) {
        self.samples.send(measured(at_ms)).await.expect("the publisher runs");
    }

    fn host(&self, at_ms: u64, service: &str) {
        let name = ServiceName { project: "shop".into(), service: service.into() };
        let service = Service { phase: Phase::Settled, ..Service::default() };
        self.model.send_replace(Arc::new(Host { at_ms, services: [(name, service)].into(), ..Host::default() }));
    }

    /// Until the publisher has taken all that it was given. Time stands still but for this.
    async fn taken(&self) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(self.samples.capacity(), self.samples.max_capacity());
    }

    /// Sequence, time, and how many were lost.
    async fn next_sample(&mut self) -> (u64, u64, u64) {
        let samples: Samples = decode(&next(&mut self.heard_samples).await).expect("samples");
        (samples.sequence, samples.at_ms, samples.lost)
    }

    /// Sequence, time, and the only service.
    async fn next_inventory(&mut self) -> (u64, u64, String) {
        let inventory: Inventory = decode(&next(&mut self.heard_inventory).await).expect("an inventory");
        (inventory.sequence, inventory.at_ms, inventory.services[0].service.clone())
    }
}

async fn next(heard: &mut Subscription) -> Bytes {
    match timeout(Duration::from_secs(30), heard.next()).await {
        Ok(Some(Delivery::Message(message))) => message.payload,
        other => panic!("not a message: {other:?}"),
    }
}

/// The in-process bus, with a link that a test can cut.
struct Cuttable {
    inner: Bus,
    link: watch::Sender<Link>,
    refuses: AtomicBool,
}

impl Cuttable {
    fn set(&self, link: Link) {
        self.link.send_replace(link);
    }
}

impl fmt::Debug for Cuttable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cuttable")
    }
}

#[async_trait]
impl Transport for Cuttable {
    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), BusError> {
        if *self.link.borrow() == Link::Down || self.refuses.load(Ordering::Relaxed) {
            return Err(BusError::Down);
        }
        self.inner.publish(subject, payload).await
    }

    async fn subscribe(&self, pattern: &str, capacity: usize) -> Result<Subscription, BusError> {
        self.inner.subscribe(pattern, capacity).await
    }

    async fn request(&self, subject: &str, payload: Bytes, limit: Duration) -> Result<Bytes, BusError> {
        self.inner.request(subject, payload, limit).await
    }

    async fn bucket(&self, name: &str) -> Result<Arc<dyn Bucket>, BusError> {
        self.inner.bucket(name).await
    }

    async fn log(&self, name: &str, keep: Keep) -> Result<Arc<dyn Log>, BusError> {
        self.inner.log(name, keep).await
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.link.subscribe()
    }

    async fn queue_length(&self, server: Option<&str>, stream: &str, consumer: &str) -> Result<u64, BusError> {
        self.inner.queue_length(server, stream, consumer).await
    }
}
