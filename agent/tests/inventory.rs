//! The engine client and the inventory against a real engine.
#![cfg(feature = "needs-docker")]

mod common;

use agent::{docker::Engine, inventory::wait_until, model::Host};
use bus::payload::Phase;
use common::{Fleet, LIMIT, ready};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_says_what_it_is() {
    let host = testbed::DockerHost::get(1);
    let info = Engine::connect(host.socket()).await.expect("connect").info().await.expect("info");
    assert!(!info.version.is_empty() && !info.architecture.is_empty(), "{info:?}");
    assert!(["cgroupfs", "systemd"].contains(&info.cgroup_driver.as_str()), "{info:?}");
    assert!(info.started_ms.is_some(), "{info:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_away_is_said_to_be_away() {
    let error = Engine::connect("unix:///nowhere/docker.sock").await.expect_err("nobody is there").to_string();
    assert!(error.contains("unix:///nowhere/docker.sock") && error.contains("is it running"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_carries_the_engines_own_words() {
    let host = testbed::DockerHost::get(1);
    let engine = Engine::new(host.socket()).expect("an address");
    let error = engine.inspect("ballast-no-such-container").await.expect_err("there is none");
    assert!(error.is_not_found() && error.to_string().contains("No such container"), "{error}");
    let error = engine.start("ballast-no-such-container").await.expect_err("there is none");
    assert!(error.is_not_found(), "{error}");
    assert!(engine.remove("ballast-no-such-container").await.is_ok(), "what is gone is removed");
}

/// The raw client keeps what a typed model would drop.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_created_from_an_inspection_inspects_the_same() {
    let fleet = Fleet::start(
        "rawclient",
        "services: { web: { image: IMAGE, command: sleep 600, stop_grace_period: 0s, mem_limit: 32m, cpus: 0.5, \
         pids_limit: 50, annotations: { a.b: c }, sysctls: { net.core.somaxconn: 512 }, \
         ulimits: { nofile: { soft: 1000, hard: 2000 } }, tmpfs: [/scratch], cap_add: [NET_ADMIN], \
         extra_hosts: [\"other:10.0.0.9\"], security_opt: [\"no-new-privileges:true\"] } }",
    )
    .await;
    let first = fleet.engine.inspect(&fleet.project.running("web")[0]).await.expect("inspect");
    let mut body = first["Config"].clone();
    body["HostConfig"] = first["HostConfig"].clone();
    let name = format!("{}-copy", fleet.project.name());
    let id = fleet.engine.create(&name, None, &body).await.expect("create");
    let second = fleet.engine.inspect(&id).await;
    fleet.engine.remove(&id).await.expect("remove");
    let second = second.expect("inspect");
    assert_eq!(second["Config"], first["Config"]);
    assert_eq!(second["HostConfig"], first["HostConfig"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inventory_follows_what_compose_does() {
    let fleet = Fleet::start(
        "inventory",
        "services: { web: { image: IMAGE, command: sleep 600, stop_grace_period: 0s, scale: 2, \
         mem_limit: 32m, mem_reservation: 16m, cpus: 0.5, expose: [8080], labels: { ballast.min: \"2\" } }, \
         job: { image: IMAGE, command: \"true\" } }",
    )
    .await;
    let name = fleet.service("web");
    let mut host = fleet.inventory.host();
    let seen = wait_until(&mut host, LIMIT, |host| ready(host, &name) == 2).await.expect("both run");
    let service = &seen.services[&name];
    let replica = &service.replicas[0];
    assert_eq!((replica.summary.number, service.replicas[1].summary.number), (1, 2));
    assert_eq!((replica.summary.cpu_limit_cores, replica.summary.memory_limit_bytes), (Some(0.5), Some(32 << 20)));
    assert_eq!(replica.summary.memory_reservation_bytes, Some(16 << 20));
    assert_eq!((replica.summary.last_exit_ms, replica.summary.exit_code), (None, None), "it never ended");
    assert_eq!((replica.exposed_tcp.as_slice(), replica.addresses.len()), ([8080].as_slice(), 1));
    assert_eq!(service.labels.get("ballast.min").map(String::as_str), Some("2"));
    assert!(!replica.summary.managed && !replica.summary.obsolete && replica.pid.is_some());
    assert_eq!(replica.inspect["Config"]["Labels"]["com.docker.compose.oneoff"], json!("False"));

    fleet.project.compose(&["run", "--rm", "web", "true"]);
    assert_eq!(fleet.inventory.refreshed().await.services[&name].replicas.len(), 2, "a one-off is no replica");

    fleet.project.compose(&["up", "-d", "--scale", "web=3"]);
    let changing = |host: &Host| matches!(host.services[&name].phase, Phase::Changing { .. });
    let seen = wait_until(&mut host, LIMIT, |host| ready(host, &name) == 3).await.expect("the third");
    assert!(changing(&seen), "{:?}", seen.services[&name].phase);
    wait_until(&mut host, LIMIT, |host| !changing(host)).await.expect("it settles");

    fleet.project.compose(&["stop", "web"]);
    let stopped = |host: &Host| matches!(host.services[&name].phase, Phase::Stopped { .. });
    wait_until(&mut host, LIMIT, stopped).await.expect("it is stopped");
    fleet.project.compose(&["down", "--timeout", "0"]);
    wait_until(&mut host, LIMIT, |host| !host.services.contains_key(&name)).await.expect("it is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_is_not_somebody_changing_the_project() {
    let fleet = Fleet::start(
        "crash",
        "services: { web: { image: IMAGE, command: \"sh -c 'while [ ! -f /tmp/die ]; do sleep 0.1; done; exit 3'\", \
         stop_grace_period: 0s, scale: 2 } }",
    )
    .await;
    let name = fleet.service("web");
    let mut host = fleet.inventory.host();
    wait_until(&mut host, LIMIT, |host| ready(host, &name) == 2).await.expect("both run");
    wait_until(&mut host, LIMIT, |host| host.services[&name].phase == Phase::Settled).await.expect("it settles");
    fleet.host.docker(&["exec", &format!("{}-web-2", fleet.project.name()), "touch", "/tmp/die"]);
    let seen = wait_until(&mut host, LIMIT, |host| ready(host, &name) == 1).await.expect("one has crashed");
    assert_eq!(seen.services[&name].phase, Phase::Settled);
    assert_eq!(seen.services[&name].replicas[1].exit, Some(agent::model::ExitCause::Itself));
    let crashed = |host: &Host| host.services[&name].replicas[1].summary.unexpected_exits == 1;
    let seen = wait_until(&mut host, LIMIT, crashed).await.expect("it is counted");
    let summary = &seen.services[&name].replicas[1].summary;
    assert!(summary.exited_unexpectedly && summary.exit_code == Some(3) && summary.last_exit_ms.is_some());
}
