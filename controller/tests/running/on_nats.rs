//! The same on a real NATS server: what only that can show.

use std::time::{Duration, Instant};

use bus::{
    Link,
    nats::{NatsBus, NatsOptions},
    payload::Target,
};
use tempfile::TempDir;
use testbed::NatsServer;

use super::{
    Result,
    common::{Fleet, POLICY, inventory, samples},
};

async fn fleet(server: &NatsServer) -> Result<Fleet> {
    let folder = TempDir::new()?;
    std::fs::write(folder.path().join("shop.yaml"), POLICY)?;
    let options = NatsOptions { fleet: "test".to_owned(), ..NatsOptions::new(server.url()) };
    Fleet::start_on(NatsBus::connect(options).await?, folder).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_nats_loses_neither_target_nor_memory() -> Result {
    let mut server = NatsServer::start();
    let fleet = fleet(&server).await?;
    fleet.publish(&inventory("a", 1, 2)).await?;
    let before: Target = fleet.value("targets", "a.shop.web").await?;
    fleet.publish(&samples("a", 1, 2, 0.95)).await?;
    let grown: Target = fleet.value_where("targets", "a.shop.web", |target: &Target| target.replicas == 4).await?;

    server.kill();
    let mut link = fleet.bus.link();
    tokio::time::timeout(Duration::from_secs(10), link.wait_for(|link| *link == Link::Down)).await??;
    server.restart();
    let back = Instant::now();
    let newer = |target: &Target| target.issued_ms > grown.issued_ms;
    let anew: Target = fleet.value_where("targets", "a.shop.web", newer).await?;
    assert_eq!((anew.replicas, anew.term, anew.sequence), (4, before.term, grown.sequence));
    assert!(back.elapsed() < Duration::from_secs(10), "{:?}", back.elapsed());

    fleet.publish(&inventory("a", 2, 4)).await?;
    fleet.publish(&samples("a", 2, 4, 3.0)).await?;
    let after: Target = fleet.value_where("targets", "a.shop.web", |target: &Target| target.replicas > 4).await?;
    assert!(after.sequence > grown.sequence);
    let status = fleet.ask("status", None).await?;
    assert!(status.warnings.is_empty(), "it is still in charge: {:?}", status.warnings);
    fleet.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_outlives_the_controller_and_replays() -> Result {
    let server = NatsServer::start();
    let options = NatsOptions { fleet: "test".to_owned(), ..NatsOptions::new(server.url()) };
    super::history::outlives(NatsBus::connect(options).await?).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_started_before_nats_waits_for_it() -> Result {
    let mut server = NatsServer::start();
    server.kill();
    let options = NatsOptions { fleet: "test".to_owned(), ..NatsOptions::new(server.url()) };
    let bus = NatsBus::connect(options).await?;
    let folder = TempDir::new()?;
    std::fs::write(folder.path().join("shop.yaml"), POLICY)?;
    let (fleet, ()) = tokio::join!(Fleet::start_on(bus, folder), async { server.restart() });
    let fleet = fleet?;
    fleet.publish(&inventory("a", 1, 2)).await?;
    let target: Target = fleet.value("targets", "a.shop.web").await?;
    assert_eq!(target.replicas, 2);
    fleet.stop().await
}
