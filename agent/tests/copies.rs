//! What a copy of a sibling must and must not share with it: the traps of making one from what the engine shows.
#![cfg(feature = "needs-docker")]

mod common;

use bus::payload::OutcomeResult;
use common::Fleet;
use serde_json::{Value, json};

const RICH: &str = r#"
services:
  web:
    image: IMAGE
    command: ["sh", "-c", "echo app > /written-by-app; sleep 600"]
    stop_grace_period: 0s
    mem_limit: 32m
    cpus: 0.5
    volumes: ["/data", "named:/named"]
    networks: { front: { aliases: [shop] }, back: {} }
    ports: ["18000-18009:80"]
    secrets: [token, from-environment]
    configs:
      - { source: inline, target: /etc/deep/app.conf }
      - { source: inline, target: /etc/image.conf }
      - { source: file, target: /etc/file.conf }
    healthcheck: { test: ["CMD", "true"], interval: 1s }
networks: { front: {}, back: {} }
volumes: { named: {} }
secrets: { token: { file: ./token }, from-environment: { environment: PATH } }
configs: { inline: { content: "said inline" }, file: { file: ./config } }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_rich_service_is_what_compose_would_have_made() {
    let mut fleet = Fleet::prepare("rich", RICH).await;
    fleet.project.write("token", "secret from a file");
    fleet.project.write("config", "config from a file");
    fleet.project.compose(&["up", "-d"]);
    fleet.assign("web", 1, 9).await;
    fleet.scale("web", 3).await;
    let (first, second) = (fleet.inspect("web", 1).await, fleet.inspect("web", 2).await);

    same_settings_and_labels(&first, &second);
    volumes_are_shared_only_if_they_are_named(&first, &second);
    names_in_networks(&fleet, &second);
    files_are_copied(&fleet);
    assert_eq!(second["Config"]["Hostname"], second["Id"].as_str().expect("an ID")[..12], "its own host name");
    let port = |replica: &Value| replica["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"].clone();
    assert_ne!(port(&first), port(&second), "the next port of the range");

    let ids = fleet.project.running("web");
    assert_eq!(ids.len(), 3, "compose ps lists them");
    fleet.project.compose(&["up", "-d", "--scale", "web=3"]);
    assert_eq!(fleet.project.running("web"), ids, "compose up recreates none");
    assert_eq!(
        fleet.project.compose(&["exec", "-T", "--index", "2", "web", "cat", "/etc/file.conf"]),
        "config from a file"
    );

    fleet.scale("web", 1).await;
    let volume = anonymous_volume(&second);
    assert!(fleet.engine.volume(&volume).await.expect_err("it is gone").is_not_found(), "none is left behind");
    fleet.scale("web", 2).await;
    fleet.project.compose(&["down", "--volumes", "--timeout", "0"]);
    assert_eq!(fleet.remains(), "");
}

fn same_settings_and_labels(first: &Value, second: &Value) {
    let without_number = |replica: &Value| {
        let mut config = replica["Config"].clone();
        config["Labels"]["com.docker.compose.container-number"] = Value::Null;
        config["Labels"]["ballast.managed"] = Value::Null;
        config["Hostname"] = Value::Null;
        config
    };
    assert_eq!(without_number(first), without_number(second));
    assert_eq!(second["Config"]["Labels"]["com.docker.compose.container-number"], "2");
    assert_eq!(second["Config"]["Labels"]["ballast.managed"], "true");
    assert_eq!(first["HostConfig"], second["HostConfig"]);
}

fn volumes_are_shared_only_if_they_are_named(first: &Value, second: &Value) {
    let volume = |replica: &Value, at: &str| {
        let mounts = replica["Mounts"].as_array().expect("mounts").clone();
        mounts.into_iter().find(|mount| mount["Destination"] == at).expect(at)["Name"].clone()
    };
    assert_eq!(volume(first, "/named"), volume(second, "/named"));
    assert_ne!(volume(first, "/data"), volume(second, "/data"));
}

fn names_in_networks(fleet: &Fleet, second: &Value) {
    let project = fleet.project.name();
    let name = format!("{project}-web-2");
    let names = |network: &str| {
        let aliases = second["NetworkSettings"]["Networks"][format!("{project}_{network}")]["Aliases"].clone();
        let mut aliases: Vec<String> = serde_json::from_value(aliases).expect("aliases");
        aliases.sort();
        aliases
    };
    assert_eq!(names("front"), [name.as_str(), "shop", "web"]);
    assert_eq!(names("back"), [name.as_str(), "web"]);
    let macs =
        |replica: &Value| replica["NetworkSettings"]["Networks"][format!("{project}_back")]["MacAddress"].clone();
    assert!(macs(second).is_string());
    // Both under one name: DNS gives all of them.
    let printed = fleet.host.docker(&["exec", &name, "nslookup", "web", "127.0.0.11"]);
    assert!(printed.matches("Address").count() >= 3, "{printed}");
}

fn files_are_copied(fleet: &Fleet) {
    let read = |number: u32, path: &str| {
        fleet.host.docker(&["exec", &format!("{}-web-{number}", fleet.project.name()), "cat", path])
    };
    for number in [2, 3] {
        assert_eq!(read(number, "/run/secrets/token"), "secret from a file");
        assert_eq!(read(number, "/etc/file.conf"), "config from a file");
        assert_eq!(read(number, "/etc/deep/app.conf"), "said inline", "inline content is in no mount");
        assert_eq!(read(number, "/etc/image.conf"), "said inline", "it replaces a file of the image");
        assert_eq!(read(number, "/run/secrets/from-environment"), read(1, "/run/secrets/from-environment"));
    }
    let mode = |number: u32| {
        let name = format!("{}-web-{number}", fleet.project.name());
        fleet.host.docker(&["exec", &name, "stat", "-c", "%a %u %g", "/etc/deep/app.conf"])
    };
    assert_eq!(mode(2), mode(1));
}

/// Compose carries a predecessor's anonymous volume over by name; a plain copy would share it.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_recreation_by_compose_an_anonymous_volume_is_not_shared() {
    let compose = "services: { web: { image: IMAGE, command: sleep 600, stop_grace_period: 0s, volumes: [/data], \
                   scale: 2 } }";
    let mut fleet = Fleet::start("recreated", compose).await;
    fleet.project.compose(&["up", "-d", "--force-recreate", "--scale", "web=1", "--timeout", "0"]);
    fleet.assign("web", 1, 9).await;
    fleet.scale("web", 3).await;
    let ids = fleet.project.running("web");
    let mut volumes = Vec::new();
    for id in &ids {
        let replica = fleet.engine.inspect(id).await.expect("inspect");
        volumes.push(replica["Mounts"][0]["Name"].as_str().expect("a volume").to_owned());
        assert_eq!(
            replica["Config"]["Labels"]["com.docker.compose.replace"].is_string(),
            replica["Config"]["Labels"]["ballast.managed"].is_null()
        );
    }
    volumes.sort();
    volumes.dedup();
    assert_eq!((ids.len(), volumes.len()), (3, 3), "each has a volume of its own");
    fleet.project.compose(&["up", "-d", "--scale", "web=3"]);
    assert_eq!(fleet.project.running("web"), ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn entry_points_stay_what_they_are() {
    let host = testbed::DockerHost::get(1);
    let image = host.import("ballast-test/entrypoint:1", &["ENTRYPOINT [\"sleep\"]", "VOLUME /data"]);
    let compose = format!(
        "services: {{ inherited: {{ image: '{image}', command: ['600'], stop_grace_period: 0s }}, \
         cleared: {{ image: '{image}', entrypoint: [], command: [sleep, '600'], stop_grace_period: 0s }}, \
         own: {{ image: '{image}', entrypoint: [sh, -c], command: ['sleep 600'], stop_grace_period: 0s }} }}"
    );
    let mut fleet = Fleet::start("entry", &compose).await;
    for service in ["inherited", "cleared", "own"] {
        fleet.assign(service, 1, 9).await;
        fleet.scale(service, 2).await;
        let (first, second) = (fleet.inspect(service, 1).await, fleet.inspect(service, 2).await);
        assert_eq!(first["Config"]["Entrypoint"], second["Config"]["Entrypoint"], "{service}");
        assert_eq!(first["Config"]["Cmd"], second["Config"]["Cmd"], "{service}");
        assert_ne!(first["Mounts"][0]["Name"], second["Mounts"][0]["Name"], "{service}: the image's own VOLUME");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_moved_is_not_followed() {
    let host = testbed::DockerHost::get(1);
    let image = format!("ballast-test/moving:{}", std::process::id());
    host.import(&image, &["ENV GENERATION=1"]);
    let compose = format!("services: {{ web: {{ image: '{image}', command: sleep 600, stop_grace_period: 0s }} }}");
    let mut fleet = Fleet::start("moved", &compose).await;
    fleet.assign("web", 1, 9).await;
    host.import_anew(&image, &["ENV GENERATION=2"]);
    fleet.scale("web", 2).await;
    let (first, second) = (fleet.inspect("web", 1).await, fleet.inspect("web", 2).await);
    assert_eq!(first["Image"], second["Image"], "the sibling's image, not the tag's");
    fleet.project.compose(&["up", "-d", "--scale", "web=2", "--timeout", "0"]);
    for number in [1, 2] {
        let replica = fleet.inspect("web", number).await;
        assert!(replica["Config"]["Env"].as_array().expect("env").contains(&json!("GENERATION=2")), "all move at once");
    }
    fleet.project.compose(&["down", "--timeout", "0"]);
    host.docker(&["rmi", "--force", &image]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_of_two_ports_carries_two_replicas_and_leaves_nothing_half_made() {
    let compose = "services: { web: { image: IMAGE, command: sleep 600, stop_grace_period: 0s, ports: ['18020-18021:80'] }, \
                   other: { image: IMAGE, command: sleep 600, stop_grace_period: 0s, ports: ['18030-18032:80'], depends_on: [squatter] }, \
                   squatter: { image: IMAGE, command: sleep 600, stop_grace_period: 0s, ports: ['18032:81'] } }";
    let mut fleet = Fleet::start("range", compose).await;
    fleet.assign("web", 1, 9).await;
    fleet.aim("web", 4);
    let OutcomeResult::Failed { reached: 2, cause, cure, .. } = fleet.outcome().await else { panic!("it cannot fit") };
    assert!(cause.contains("2 ports") && cure.contains("widen"), "{cause}; {cure}");
    assert_eq!(fleet.project.all("web").len(), 2);

    // The third port is somebody else's, which only shows when the replica starts.
    fleet.assign("other", 1, 9).await;
    fleet.aim("other", 3);
    let OutcomeResult::Failed { reached: 2, cause, cure, retry_ms, .. } = fleet.outcome().await else {
        panic!("it cannot fit")
    };
    assert!(cause.contains("allocated") || cause.contains("in use"), "{cause}");
    assert!(cure.contains("port") && retry_ms.is_some(), "{cure}");
    assert_eq!(fleet.project.all("other").len(), 2, "nothing is left in `created`");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_with_underscores_stay_names_with_underscores() {
    let compose = "services: { web: { image: IMAGE, command: sleep 600, stop_grace_period: 0s } }";
    let mut fleet = Fleet::prepare("oldnames", compose).await;
    fleet.project.compose(&["--compatibility", "up", "-d"]);
    fleet.assign("web", 1, 9).await;
    fleet.scale("web", 2).await;
    let name = format!("{}_web_2", fleet.project.name());
    assert!(fleet.engine.inspect(&name).await.is_ok(), "{name}");
}

fn anonymous_volume(replica: &Value) -> String {
    let mounts = replica["Mounts"].as_array().expect("mounts").iter();
    let names = mounts.filter(|mount| mount["Destination"] == "/data").filter_map(|mount| mount["Name"].as_str());
    names.map(str::to_owned).next().expect("a volume")
}
