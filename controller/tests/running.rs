//! The controller as it runs: on an in-process bus, with policy files on disk.

mod common;

use std::time::Duration;

use bus::payload::{Assignment, Mode, Status, Target};
use common::{Fleet, POLICY, inventory, samples};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn load_leads_to_a_target_within_milliseconds() -> Result {
    let fleet = Fleet::start(&[("shop.yaml", POLICY)]).await?;
    fleet.publish(&inventory("a", 1, 2)).await?;
    let assignment: Assignment = fleet.value("assignments", "a.shop.web").await?;
    assert_eq!((assignment.mode, assignment.min, assignment.max), (Mode::Act, 1, 10));
    let first: Target = fleet.value("targets", "a.shop.web").await?;
    assert_eq!((first.replicas, first.term, first.sequence, first.valid_for_ms), (2, 1, 1, 60_000));

    let published = std::time::Instant::now();
    fleet.publish(&samples("a", 1, 2, 0.95)).await?;
    let grown: Target = fleet.value_where("targets", "a.shop.web", |target: &Target| target.sequence == 2).await?;
    assert_eq!(grown.replicas, 4, "{}", grown.reason);
    assert!(published.elapsed() < Duration::from_millis(250), "{:?}", published.elapsed());

    let status: Status = fleet.ask("status", None).await?;
    assert_eq!(status.services.len(), 1);
    assert_eq!(status.services[0].target, Some(4));
    fleet.stop().await
}
