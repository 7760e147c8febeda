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

#[tokio::test(flavor = "multi_thread")]
async fn logs_exec_top_and_restart_of_compose_reach_every_replica() {
    let mut fleet = Fleet::start(
        "commands",
        "services: { web: { image: IMAGE, command: \"sh -c 'echo it is me; sleep 600'\", stop_grace_period: 0s } }",
    )
    .await;
    fleet.assign("web", 1, 9).await;
    fleet.scale("web", 3).await;
    let ids = fleet.project.running("web");
    let logs = fleet.project.compose(&["logs", "web"]);
    for number in 1..=3 {
        assert!(logs.contains(&format!("web-{number}  | it is me")), "{logs}");
        let index = number.to_string();
        let host_name = fleet.project.compose(&["exec", "-T", "--index", &index, "web", "hostname"]);
        assert!(ids.iter().any(|id| id.starts_with(host_name.trim())), "{host_name}");
    }
    assert_eq!(fleet.project.compose(&["top", "web"]).matches("sleep 600").count(), 3, "one of each");
    fleet.project.compose(&["restart", "--timeout", "0", "web"]);
    assert_eq!(fleet.project.running("web"), ids);
    // A restart is somebody's change, and afterwards everything goes on.
    fleet.scale("web", 4).await;
    fleet.project.compose(&["kill", "web"]);
    fleet.project.compose(&["rm", "--force", "web"]);
    assert_eq!(fleet.project.all("web").len(), 0, "and nothing comes back");
}
