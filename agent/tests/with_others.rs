//! Ballast beside people, Compose and controllers that change things at the same time.
#![cfg(feature = "needs-docker")]

mod common;

use agent::inventory::wait_until;
use bus::payload::{Mode, OutcomeResult, Phase};
use common::{Fleet, LIMIT, now_ms, ready};

const WEB: &str = "services: { web: { image: IMAGE, command: sleep 600, stop_grace_period: 0s } }";

#[tokio::test(flavor = "multi_thread")]
async fn compose_up_resets_the_count_and_it_is_brought_back_with_a_reason() {
    let mut fleet = Fleet::start("reset", WEB).await;
    fleet.assign("web", 1, 9).await;
    fleet.scale("web", 4).await;
    fleet.project.compose(&["up", "-d", "--timeout", "0"]);
    assert_eq!(fleet.project.running("web").len(), 1, "that is what compose up does");
    let OutcomeResult::Reached { to: 4, reasserted: Some(why), .. } = fleet.outcome().await else {
        panic!("it is brought back")
    };
    assert!(why.contains("from 4 to 1") && why.contains("compose"), "{why}");
    assert_eq!(fleet.project.running("web").len(), 4);

    // After a recreation the survivor need not be number 1, and the new configuration is the one to copy.
    fleet.project.write("compose.yaml", &WEB.replace("IMAGE", &fleet.host.busybox()).replace("sleep 600", "sleep 601"));
    fleet.project.compose(&["up", "-d", "--timeout", "0"]);
    let OutcomeResult::Reached { to: 4, .. } = fleet.outcome().await else { panic!("it is brought back") };
    for id in fleet.project.running("web") {
        let replica = fleet.engine.inspect(&id).await.expect("inspect");
        assert_eq!(replica["Config"]["Cmd"][1], "601", "all have the new configuration");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_stopped_stays_stopped() {
    let mut fleet = Fleet::start("stopped", WEB).await;
    let name = fleet.service("web");
    fleet.assign("web", 1, 9).await;
    fleet.scale("web", 3).await;
    let two = format!("{}-web-2", fleet.project.name());
    fleet.host.docker(&["stop", &two]);
    let OutcomeResult::Failed { cause, cure, .. } = fleet.outcome().await else { panic!("two serve, not three") };
    assert!(cause.contains("web-2") && cause.contains("stopped") && cure.contains("docker start"), "{cause}; {cure}");
    assert_eq!(fleet.project.running("web").len(), 2, "neither started nor replaced");

    fleet.project.compose(&["stop", "web"]);
    let mut host = fleet.inventory.host();
    let stopped = |host: &agent::model::Host| matches!(host.services[&name].phase, Phase::Stopped { .. });
    wait_until(&mut host, LIMIT, stopped).await.expect("it is stopped");
    fleet.aim("web", 5);
    // A round of the inventory later nothing has moved.
    fleet.inventory.refreshed().await;
    fleet.inventory.refreshed().await;
    assert_eq!(fleet.project.running("web").len(), 0);
    assert_eq!(fleet.project.all("web").len(), 3);

    // Who starts it again finds it back under its policy.
    fleet.project.compose(&["start", "web"]);
    let OutcomeResult::Reached { to: 5, .. } = fleet.outcome().await else { panic!("it goes on") };
}

#[tokio::test(flavor = "multi_thread")]
async fn compose_down_in_the_middle_of_a_scale_up_leaves_nothing_and_nothing_comes_back() {
    let mut fleet = Fleet::start("down", WEB).await;
    let name = fleet.service("web");
    fleet.assign("web", 1, 30).await;
    fleet.scale("web", 2).await;
    fleet.aim("web", 30);
    let mut host = fleet.inventory.host();
    wait_until(&mut host, LIMIT, |host| host.services[&name].replicas.len() > 4).await.expect("it grows");
    fleet.project.compose(&["down", "--timeout", "0"]);
    wait_until(&mut host, LIMIT, |host| !host.services.contains_key(&name)).await.expect("it is gone");
    fleet.project.compose(&["down", "--timeout", "0"]);
    fleet.inventory.refreshed().await;
    assert_eq!(fleet.remains(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_target_wins_in_the_middle_of_a_scale_up() {
    let mut fleet = Fleet::start("newest", WEB).await;
    let name = fleet.service("web");
    fleet.assign("web", 1, 30).await;
    fleet.aim("web", 30);
    let mut host = fleet.inventory.host();
    wait_until(&mut host, LIMIT, |host| host.services[&name].replicas.len() > 3).await.expect("it grows");
    fleet.scale("web", 2).await;
    assert_eq!(fleet.project.all("web").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_grace_period_holds_up_neither_other_removals_nor_a_scale_up() {
    let mut fleet = Fleet::start("grace", &WEB.replace("0s", "4s")).await;
    fleet.assign("web", 1, 9).await;
    fleet.scale("web", 4).await;
    let begun = std::time::Instant::now();
    fleet.aim("web", 1);
    fleet.scale("web", 2).await;
    assert!(begun.elapsed().as_secs() < 8, "three grace periods of 4 s, one beside the other: {:?}", begun.elapsed());
    assert_eq!(fleet.project.all("web").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_assigned_to_act_is_touched_and_never_beyond_its_limits() {
    let mut fleet = Fleet::start("limits", WEB).await;
    let name = fleet.service("web");
    fleet.aim("web", 3);
    fleet.inventory.refreshed().await;
    assert_eq!(fleet.project.all("web").len(), 1, "no assignment");
    fleet.assign("web", 2, 3).await;
    let OutcomeResult::Reached { to: 3, .. } = fleet.outcome().await else { panic!("reached") };
    fleet.aim("web", 9);
    let OutcomeResult::Reached { to: 3, .. } = fleet.outcome().await else { panic!("no more than max") };
    fleet.aim("web", 0);
    let OutcomeResult::Reached { to: 2, .. } = fleet.outcome().await else { panic!("no fewer than min") };
    fleet.actor.tell(&name, |wishes| {
        if let Some(assignment) = &mut wishes.assignment {
            assignment.mode = Mode::Observe;
        }
    });
    fleet.aim("web", 3);
    fleet.inventory.refreshed().await;
    assert_eq!(fleet.project.all("web").len(), 2, "observe touches nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_of_a_former_controller_and_expired_ones_are_reported_and_not_followed() {
    let mut fleet = Fleet::start("stale", WEB).await;
    fleet.assign("web", 1, 9).await;
    fleet.send("web", 2, (7, 3), 60_000);
    let OutcomeResult::Reached { to: 2, .. } = fleet.outcome().await else { panic!("reached") };
    fleet.send("web", 5, (6, 99), 60_000);
    let OutcomeResult::Stale { cause } = fleet.outcome().await else { panic!("an older term") };
    assert!(cause.contains("term 6") && cause.contains("term 7"), "{cause}");
    fleet.send("web", 5, (7, 4), 0);
    let OutcomeResult::Stale { cause } = fleet.outcome().await else { panic!("expired at once") };
    assert!(cause.contains("no longer confirmed"), "{cause}");
    assert_eq!(fleet.project.all("web").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_whose_name_something_else_has_is_passed_over() {
    let mut fleet = Fleet::start("taken", WEB).await;
    let taken = format!("{}-web-2", fleet.project.name());
    fleet.host.docker(&["create", "--name", &taken, &fleet.host.busybox(), "true"]);
    fleet.assign("web", 1, 9).await;
    fleet.scale("web", 2).await;
    assert_eq!(fleet.project.numbers("web"), [1, 3]);
    fleet.host.docker(&["rm", "--force", &taken]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compose_that_scales_at_the_same_time_ends_without_doubles() {
    let mut fleet = Fleet::start("race", WEB).await;
    fleet.assign("web", 1, 9).await;
    fleet.aim("web", 6);
    // It may lose the race for a name, as any second Compose would.
    let _ = fleet.project.try_compose(&["up", "-d", "--scale", "web=6", "--timeout", "0"]);
    loop {
        if let OutcomeResult::Reached { to: 6, .. } = fleet.outcome().await
            && fleet.project.running("web").len() == 6
        {
            break;
        }
    }
    let mut numbers = fleet.project.numbers("web");
    numbers.dedup();
    assert_eq!(numbers.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn leftovers_of_a_killed_agent_are_removed_and_nothing_is_doubled() {
    let mut fleet = Fleet::start("leftover", WEB).await;
    fleet.assign("web", 1, 9).await;
    // What an agent leaves behind when it is killed between create and start.
    let sibling = fleet.inspect("web", 1).await;
    let mut body = sibling["Config"].clone();
    body["Labels"]["com.docker.compose.container-number"] = "2".into();
    body["Labels"]["ballast.managed"] = "true".into();
    body["HostConfig"] = sibling["HostConfig"].clone();
    body.as_object_mut().expect("a body").remove("Hostname");
    let leftover =
        fleet.engine.create(&format!("{}-web-2", fleet.project.name()), None, &body).await.expect("a leftover");
    fleet.scale("web", 3).await;
    assert!(fleet.engine.inspect(&leftover).await.expect_err("it is gone").is_not_found());
    assert_eq!((fleet.project.all("web").len(), fleet.project.running("web").len()), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_restarts_in_the_middle_of_a_scale_up_finishes_it_and_doubles_nothing() {
    let mut fleet = Fleet::start("agentdies", WEB).await;
    let name = fleet.service("web");
    fleet.assign("web", 1, 30).await;
    fleet.aim("web", 10);
    let mut host = fleet.inventory.host();
    wait_until(&mut host, LIMIT, |host| host.services[&name].replicas.len() > 3).await.expect("it grows");
    fleet.restart_agent();
    fleet.assign("web", 1, 30).await;
    fleet.scale("web", 10).await;
    let mut numbers = fleet.project.numbers("web");
    numbers.dedup();
    assert_eq!((numbers.len(), fleet.project.all("web").len()), (10, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_crashes_is_tried_three_times_and_reported_with_its_last_words() {
    let compose = "services: { web: { image: IMAGE, volumes: ['state:/state'], stop_grace_period: 0s, \
                   command: \"sh -c 'mkdir /state/one 2>/dev/null || { echo no room for two; exit 7; }; sleep 600'\" } }\n\
                   volumes: { state: {} }";
    let mut fleet = Fleet::start("crashes", compose).await;
    fleet.assign("web", 1, 9).await;
    fleet.aim("web", 2);
    let outcome = fleet.outcome().await;
    let OutcomeResult::Failed { reached: 1, cause, retry_ms, .. } = outcome else { panic!("{outcome:?}") };
    assert!(cause.contains("exit code 7") && cause.contains("no room for two"), "{cause}");
    assert!(retry_ms > Some(now_ms()), "it is tried again, but not soon");
    assert_eq!(fleet.project.all("web").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_never_gets_healthy_is_removed_and_reported() {
    let compose = "services: { web: { image: IMAGE, command: sleep 600, stop_grace_period: 0s, healthcheck: { \
                   test: [CMD-SHELL, 'hostname | grep -q \"$$(cat /state/good)\" || { echo not me; exit 1; }'], \
                   interval: 200ms, retries: 2 }, volumes: ['./state:/state'] } }";
    let mut fleet = Fleet::prepare("unhealthy", compose).await;
    std::fs::create_dir(fleet.project.dir().join("state")).expect("a folder");
    fleet.project.write("state/good", "");
    fleet.project.compose(&["up", "-d"]);
    fleet.assign("web", 1, 9).await;
    let name = fleet.service("web");
    let mut host = fleet.inventory.host();
    wait_until(&mut host, LIMIT, |host| ready(host, &name) == 1).await.expect("the first is healthy");
    let first = fleet.inspect("web", 1).await;
    fleet.project.write("state/good", &first["Id"].as_str().expect("an ID")[..12]);
    fleet.aim("web", 2);
    let OutcomeResult::Failed { reached: 1, cause, .. } = fleet.outcome().await else { panic!("it never is") };
    assert!(cause.contains("health check") && cause.contains("not me"), "{cause}");
    assert_eq!(fleet.project.all("web").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_another_container_hangs_on_is_never_removed() {
    let compose = "services: { web: { image: IMAGE, command: sleep 600, stop_grace_period: 0s, scale: 3 }, side: { image: \
                   IMAGE, command: sleep 600, stop_grace_period: 0s, network_mode: 'service:web' } }";
    let mut fleet = Fleet::start("hangs", compose).await;
    let hung_on = fleet.inspect("side", 1).await["HostConfig"]["NetworkMode"].clone();
    fleet.assign("web", 1, 9).await;
    fleet.scale("web", 1).await;
    let kept = fleet.project.running("web");
    assert_eq!(hung_on, format!("container:{}", kept[0]));
    fleet.assign("side", 1, 9).await;
    fleet.aim("side", 2);
    let OutcomeResult::Refused { refusals } = fleet.outcome().await else { panic!("it shares a namespace") };
    assert_eq!(refusals[0].code, "shared-namespace");
}
