//! Compose takes what Ballast made for its own.
#![cfg(feature = "needs-docker")]

mod common;

use common::Fleet;

#[tokio::test(flavor = "multi_thread")]
async fn after_2_to_6_to_3_compose_lists_exactly_those_and_recreates_nothing() {
    let mut fleet = Fleet::start(
        "agrees",
        "services: { web: { image: IMAGE, command: sleep 600, stop_grace_period: 0s, scale: 2 } }",
    )
    .await;
    fleet.assign("web", 1, 9).await;
    fleet.scale("web", 6).await;
    assert_eq!(fleet.project.running("web").len(), 6);
    fleet.scale("web", 3).await;
    let three = fleet.project.running("web");
    assert_eq!(three.len(), 3);

    fleet.project.compose(&["up", "-d", "--no-recreate", "--scale", "web=3"]);
    assert_eq!(fleet.project.running("web"), three, "up --no-recreate keeps them");
    fleet.project.compose(&["up", "-d", "--scale", "web=3"]);
    assert_eq!(fleet.project.running("web"), three, "up keeps them");

    fleet.project.compose(&["down", "--timeout", "0"]);
    assert_eq!(fleet.remains(), "");
}
