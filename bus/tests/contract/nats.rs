use std::time::{Duration, Instant};

use async_nats::jetstream;
use bus::{
    Bus, BusError, Link, Transport,
    local::LocalBus,
    nats::{NatsBus, NatsOptions},
};
use bytes::Bytes;
use futures_util::StreamExt;
use testbed::NatsServer;

use crate::{PATIENCE, Place, bytes, hear, soon, told, told_at_last};

/// A real server. Each who opens it has a connection of its own.
pub(crate) struct Server(NatsServer);

impl Server {
    pub(crate) fn start() -> Self {
        Self(NatsServer::start())
    }
}

impl Place for Server {
    async fn open(&self) -> Bus {
        NatsBus::connect(NatsOptions::new(self.0.url())).await.expect("connect")
    }

    async fn interrupt(&mut self, bus: Bus) -> Bus {
        self.0.kill();
        link_is(&bus, Link::Down).await;
        self.0.restart();
        link_is(&bus, Link::Up).await;
        bus
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_tells_the_newest_value_within_3_s_of_a_restart() {
    let mut server = Server::start();
    let (bus, other) = (server.open().await, server.open().await);
    let bucket = bus.bucket("b").await.expect("bucket");
    bucket.put("k", bytes("before")).await.expect("put");
    let mut changes = bucket.watch("").await.expect("watch");
    assert_eq!([told(&mut changes).await, told(&mut changes).await], ["k=before", "current"]);
    let other = server.interrupt(other).await;
    let up = Instant::now();
    other.bucket("b").await.expect("bucket").put("k", bytes("after")).await.expect("put");
    told_at_last(&mut changes, "k=after").await;
    assert!(up.elapsed() < Duration::from_secs(3), "{:?}", up.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_the_server_lost_is_made_again_and_its_keys_are_told_as_gone() {
    let mut server = Server::start();
    let bus = server.open().await;
    let bucket = bus.bucket("b").await.expect("bucket");
    bucket.put("k", bytes("1")).await.expect("put");
    let mut changes = bucket.watch("").await.expect("watch");
    assert_eq!([told(&mut changes).await, told(&mut changes).await], ["k=1", "current"]);
    server.0.kill();
    std::fs::remove_dir_all(server.0.dir().join("data")).expect("the server's data");
    let bus = server.interrupt(bus).await;
    assert_eq!([told(&mut changes).await, told(&mut changes).await], ["-k", "current"]);
    assert_eq!(bucket.get("k").await.expect("get"), None);
    bucket.create("k", bytes("2")).await.expect("create");
    assert_eq!(told(&mut changes).await, "k=2");
    drop(bus);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_holds_across_a_restart() {
    let mut server = Server::start();
    let (bus, other) = (server.open().await, server.open().await);
    let mut subscription = bus.subscribe("s.>", 10).await.expect("subscribe");
    let other = server.interrupt(other).await;
    link_is(&bus, Link::Up).await;
    let again = bus.subscribe("settled", 1).await;
    drop(again);
    other.publish("s.a", bytes("after")).await.expect("publish");
    assert_eq!(hear(&mut subscription).await, "s.a after");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_away_everything_fails_at_once_and_nothing_arrives_later() {
    let mut server = Server::start();
    let bus = server.open().await;
    let bucket = bus.bucket("b").await.expect("bucket");
    let revision = bucket.put("k", bytes("before")).await.expect("put");
    let mut subscription = bus.subscribe("s", 10).await.expect("subscribe");
    server.0.kill();
    link_is(&bus, Link::Down).await;
    let start = Instant::now();
    assert!(matches!(bus.publish("s", bytes("lost")).await, Err(BusError::Down)));
    assert!(matches!(bus.request("s", bytes("lost"), PATIENCE).await, Err(BusError::Down)));
    assert!(matches!(bucket.put("k", bytes("lost")).await, Err(BusError::Down)));
    assert!(matches!(bucket.create("new", bytes("lost")).await, Err(BusError::Down)));
    assert!(matches!(bucket.update("k", bytes("lost"), revision).await, Err(BusError::Down)));
    assert!(matches!(bucket.delete("k").await, Err(BusError::Down)));
    assert!(matches!(bucket.get("k").await, Err(BusError::Down)));
    assert!(matches!(bucket.keys("").await, Err(BusError::Down)));
    assert!(matches!(bus.queue_length(None, "s", "c").await, Err(BusError::Down)));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    server.0.restart();
    link_is(&bus, Link::Up).await;
    bus.publish("s", bytes("kept")).await.expect("publish");
    assert_eq!(hear(&mut subscription).await, "s kept");
    assert_eq!(bucket.get("k").await.expect("get").expect("a value").value, bytes("before"));
    assert_eq!(bucket.keys("").await.expect("keys"), ["k"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_later_is_no_error() {
    let mut server = NatsServer::start();
    server.kill();
    let bus = NatsBus::connect(NatsOptions::new(server.url())).await.expect("the server is only away");
    assert_eq!(*bus.link().borrow(), Link::Down);
    let mut subscription = bus.subscribe("s", 1).await.expect("subscribe");
    let bucket = bus.bucket("b").await.expect("bucket");
    let mut changes = bucket.watch("").await.expect("watch");
    server.restart();
    let bus: Bus = bus;
    link_is(&bus, Link::Up).await;
    assert_eq!(told(&mut changes).await, "current");
    drop(bus.subscribe("settled", 1).await.expect("subscribe"));
    bus.publish("s", bytes("hello")).await.expect("publish");
    assert_eq!(hear(&mut subscription).await, "s hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_s_length_is_what_waits_and_what_is_not_acknowledged() {
    let server = Server::start();
    let (nats, local) = (server.open().await, LocalBus::in_memory().expect("open"));
    let client = async_nats::connect(server.0.url()).await.expect("connect");
    let jetstream = async_nats::jetstream::new(client);
    let config = jetstream::stream::Config {
        name: "JOBS".into(),
        subjects: vec!["jobs.>".into()],
        ..jetstream::stream::Config::default()
    };
    let stream = jetstream.create_stream(config).await.expect("a stream");
    let config = jetstream::consumer::pull::Config {
        durable_name: Some("worker".into()),
        ..jetstream::consumer::pull::Config::default()
    };
    let consumer = stream.create_consumer(config).await.expect("a consumer");
    for _ in 0..5 {
        jetstream.publish("jobs.a", Bytes::new()).await.expect("publish").await.expect("acknowledged");
    }
    let mut taken = consumer.fetch().max_messages(3).messages().await.expect("messages");
    let mut in_hand = Vec::new();
    for _ in 0..3 {
        in_hand.push(taken.next().await.expect("a message").expect("a message"));
    }
    in_hand.pop().expect("three").double_ack().await.expect("acknowledge");
    let url = server.0.url();
    for (bus, from) in [(&nats, None), (&nats, Some(url.as_str())), (&(local as Bus), Some(url.as_str()))] {
        for _ in 0..2 {
            assert_eq!(bus.queue_length(from, "JOBS", "worker").await.expect("a length"), 2 + 2);
        }
        let error = bus.queue_length(from, "JOBS", "nobody").await.expect_err("no such consumer").to_string();
        assert!(error.contains("the stream JOBS has no consumer nobody"), "{error}");
        let error = bus.queue_length(from, "NONE", "worker").await.expect_err("no such stream").to_string();
        assert!(error.contains("there is no stream NONE"), "{error}");
    }
    let away = nats.queue_length(Some("nats://127.0.0.1:1"), "JOBS", "worker").await;
    assert!(matches!(away, Err(BusError::Down)), "{away:?}");
}

/// Waits until the bus says so of its link.
pub(crate) async fn link_is(bus: &Bus, wanted: Link) {
    let mut link = bus.link();
    soon("the link to change", link.wait_for(|link| *link == wanted)).await.expect("the bus lives");
}
