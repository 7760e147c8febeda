//! The whole way of an agent: from the buckets of a bus to containers, and back as an outcome.
#![cfg(feature = "needs-docker")]

mod common;

use std::sync::Arc;

use agent::act::{self, plan::Patience};
use bus::{
    Bus, Delivery,
    local::LocalBus,
    payload::{Assignment, Mode, Outcome, OutcomeResult, Target, Victim, decode, encode},
    subject::{ASSIGNMENTS, Subjects, TARGETS, service_key},
};
use common::{Fleet, LIMIT, now_ms};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const WEB: &str = "services: { web: { image: IMAGE, command: sleep 600, stop_grace_period: 0s } }";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_controller_puts_into_the_buckets_is_carried_out_and_reported() {
    let fleet = Fleet::start("bus", WEB).await;
    let bus: Bus = LocalBus::in_memory().expect("a bus");
    let subjects = Subjects::new("test");
    let mut outcomes = bus.subscribe(&subjects.every("outcome"), 100).await.expect("subscribe");
    let key = service_key("host.one", fleet.project.name(), "web");
    let assignment = Assignment {
        v: 1,
        project: fleet.project.name().into(),
        service: "web".into(),
        mode: Mode::Act,
        min: 1,
        max: 5,
        term: 1,
        probes: Vec::new(),
        victims: Victim::usual(),
        drain_ms: None,
        busy: None,
        manual_ms: 0,
    };
    let target = Target {
        v: 1,
        project: fleet.project.name().into(),
        service: "web".into(),
        replicas: 3,
        term: 1,
        sequence: 1,
        issued_ms: now_ms(),
        valid_for_ms: 60_000,
        evaluation: 1,
        reason: "the test wants it".into(),
    };
    // The target is there before the agent is.
    let targets = bus.bucket(TARGETS).await.expect("a bucket");
    targets.put(&key, encode(&target)).await.expect("put");

    let shutdown = CancellationToken::new();
    let running = tokio::spawn({
        let (engine, inventory) = (fleet.engine.clone(), fleet.inventory.clone());
        let (bus, subjects, shutdown) = (Arc::clone(&bus), subjects.clone(), shutdown.clone());
        async move {
            let probes = &watch::Sender::new(Vec::new());
            let orders = act::Orders { host: "host.one", bus, subjects: &subjects, probes };
            act::run(engine, orders, inventory, Patience::default(), shutdown).await
        }
    });
    let assignments = bus.bucket(ASSIGNMENTS).await.expect("a bucket");
    // Another host's service of the same name is not ours.
    let other = service_key("host.two", fleet.project.name(), "web");
    assignments.put(&other, encode(&Assignment { max: 1, ..assignment.clone() })).await.expect("put");
    assignments.put(&key, encode(&assignment)).await.expect("put");

    let outcome: Outcome = match tokio::time::timeout(LIMIT, outcomes.next()).await.expect("in time") {
        Some(Delivery::Message(message)) => decode(&message.payload).expect("an outcome"),
        other => panic!("{other:?}"),
    };
    assert!(matches!(outcome.result, OutcomeResult::Reached { from: 1, to: 3, .. }), "{outcome:?}");
    assert_eq!((outcome.host.as_str(), outcome.term, outcome.sequence), ("host.one", 1, 1));
    assert_eq!(fleet.project.running("web").len(), 3);
    shutdown.cancel();
    running.await.expect("no panic").expect("no error");
}
