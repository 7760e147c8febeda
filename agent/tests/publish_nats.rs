//! Publishing over a real broker that goes away and comes back.
#![cfg(feature = "needs-nats")]

use std::{sync::Arc, time::Duration};

use agent::{
    measure::Measured,
    model::Host,
    publish::{self, KEPT, Options},
};
use bus::{
    Bus, Delivery, Link, Subscription, Transport as _,
    nats::{NatsBus, NatsOptions},
    payload::{Samples, decode},
    subject::Subjects,
};
use bytes::Bytes;
use testbed::NatsServer;
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

const LONG: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn samples_taken_while_the_broker_was_away_come_in_order_without_a_gap() {
    let mut server = NatsServer::start();
    let agent = connect(&server).await;
    let controller = connect(&server).await;
    let subjects = Subjects::new("test");
    let mut heard = controller.subscribe(&subjects.samples("h"), 1000).await.expect("a subscription");
    // The server reads one connection in its order: when it says that nobody answers, the subscription is known.
    let nobody = controller.request("nobody", Bytes::new(), LONG).await;
    assert!(nobody.is_err());
    let (samples, measured) = mpsc::channel(16);
    let (_model, hosts) = watch::channel(Arc::new(Host::default()));
    let bus: Bus = agent.clone();
    let options = Options { bus, subjects, host: "h".into(), agent: "a".into(), kept: KEPT };
    tokio::spawn(publish::run(options, measured, hosts));
    let measure = async |at_ms| samples.send(Measured { at_ms, ..Measured::default() }).await.expect("it runs");

    measure(1).await;
    assert_eq!(next(&mut heard).await, (1, 1));
    server.kill();
    wait_for(&agent, Link::Down).await;
    for at_ms in 2..=20 {
        measure(at_ms).await;
    }
    server.restart();
    for expected in 2..=20 {
        assert_eq!(next(&mut heard).await, (expected, expected));
    }
}

async fn connect(server: &NatsServer) -> Arc<NatsBus> {
    let options = NatsOptions { servers: vec![server.url()], fleet: "test".into(), ..NatsOptions::default() };
    NatsBus::connect(options).await.expect("the server runs")
}

async fn wait_for(bus: &NatsBus, wanted: Link) {
    let mut link = bus.link();
    timeout(LONG, link.wait_for(|link| *link == wanted)).await.expect("in time").expect("the bus lives");
}

/// Sequence and time of the next samples.
async fn next(heard: &mut Subscription) -> (u64, u64) {
    match timeout(LONG, heard.next()).await {
        Ok(Some(Delivery::Message(message))) => {
            let samples: Samples = decode(&message.payload).expect("samples");
            (samples.sequence, samples.at_ms)
        }
        other => panic!("no samples: {other:?}"),
    }
}
