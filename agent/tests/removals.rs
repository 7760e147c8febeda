//! Who goes, how, and who stays; to zero and back.
#![cfg(feature = "needs-docker")]

mod common;

use std::{process::Command, time::Instant};

use agent::inventory::wait_until;
use bus::payload::{BusyProbe, OutcomeResult, Phase, ReplicaSample, Victim};
use common::{Fleet, LIMIT};

const WEB: &str = "services: { web: { image: IMAGE, command: sleep 600, stop_grace_period: 0s } }";

#[tokio::test(flavor = "multi_thread")]
async fn the_idlest_goes_first_and_whoever_has_the_label_stays() {
    let labelled = WEB.replace("stop_grace", "labels: { ballast.protect: 'true' }, stop_grace");
    let mut fleet = Fleet::start("idle", WEB).await;
    fleet.assign("web", 1, 9).await;
    fleet.scale("web", 4).await;
    fleet.reassign("web", |assignment| assignment.victims = vec![Victim::Obsolete, Victim::Unhealthy, Victim::Idle]);
    let mut sleeps = [0.9, 0.1, 0.5, 0.7].into_iter().zip(1..);
    let samples: Vec<ReplicaSample> = futures_util::future::join_all(sleeps.by_ref().map(async |(cores, number)| {
        let id = fleet.inspect("web", number).await["Id"].as_str().expect("an ID").to_owned();
        ReplicaSample { id, cpu_cores: Some(cores), ..ReplicaSample::default() }
    }))
    .await;
    fleet.inventory.notes().measured(&samples);
    fleet.scale("web", 2).await;
    assert_eq!(fleet.project.numbers("web"), [1, 4]);

    // Compose makes both anew, protected.
    fleet.project.write("compose.yaml", &labelled.replace("IMAGE", &fleet.host.busybox()));
    fleet.project.compose(&["up", "-d", "--scale", "web=2", "--timeout", "0"]);
    let name = fleet.service("web");
    let mut host = fleet.inventory.host();
    let protected = |host: &agent::model::Host| {
        host.services.get(&name).is_some_and(|service| {
            service.phase == Phase::Settled
                && service.replicas.len() == 2
                && service.replicas.iter().all(|replica| replica.summary.protected.is_some())
        })
    };
    wait_until(&mut host, LIMIT, protected).await.expect("both are protected");
    fleet.aim("web", 1);
    let OutcomeResult::Failed { reached: 2, cause, cure, retry_ms: Some(_), .. } = fleet.outcome().await else {
        panic!("neither may go")
    };
    assert!(cause.starts_with("2 of them are protected") && cause.contains("ballast.protect"), "{cause}");
    assert!(cure.contains("ballast.protect"), "{cure}");
    assert_eq!(fleet.project.all("web").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_says_that_it_is_busy_stays_until_it_is_not() {
    // Its endpoint can be reached only inside the host's network.
    if std::env::var_os("BALLAST_TEST_INSIDE").is_none() {
        let mut inside: Command = testbed::DockerHost::get(1).command(std::env::current_exe().expect("this test"));
        let name = "a_replica_that_says_that_it_is_busy_stays_until_it_is_not";
        inside.args(["--exact", name, "--nocapture"]).env("BALLAST_TEST_INSIDE", "1");
        let run = tokio::task::spawn_blocking(move || inside.status().expect("it runs"));
        assert!(run.await.expect("no panic").success());
        return;
    }
    let compose = "services: { web: { image: IMAGE, stop_grace_period: 0s, expose: [8080], \
                   command: \"sh -c 'mkdir /www; echo free > /www/busy; httpd -f -p 8080 -h /www'\" } }";
    let mut fleet = Fleet::start("busy", compose).await;
    fleet.assign("web", 1, 9).await;
    fleet.scale("web", 3).await;
    let say = |fleet: &Fleet, number: u32, what: &str| {
        let name = format!("{}-web-{number}", fleet.project.name());
        fleet.host.docker(&["exec", &name, "sh", "-c", &format!("echo {what} > /www/busy")]);
    };
    say(&fleet, 2, "busy: one upload");
    fleet.reassign("web", |assignment| assignment.busy = Some(BusyProbe { port: None, path: "/busy".into() }));
    let name = fleet.service("web");
    let mut host = fleet.inventory.host();
    let protected = |host: &agent::model::Host| -> Vec<u32> {
        let replicas = host.services[&name].replicas.iter();
        replicas.filter(|replica| replica.summary.protected.is_some()).map(|replica| replica.summary.number).collect()
    };
    wait_until(&mut host, LIMIT, |host| protected(host) == [2]).await.expect("the inventory says so");
    // Which the plan does not rely on: it asks anew.
    say(&fleet, 3, "busy");
    fleet.aim("web", 1);
    let OutcomeResult::Failed { reached: 2, cause, .. } = fleet.outcome().await else { panic!("two are busy") };
    assert!(cause.contains("web-2 (it is busy, says its /busy)") && cause.contains("web-3"), "{cause}");
    assert_eq!(fleet.project.numbers("web"), [2, 3]);
    say(&fleet, 2, "free");
    let OutcomeResult::Reached { to: 1, .. } = fleet.outcome().await else { panic!("it is tried again by itself") };
    assert_eq!(fleet.project.numbers("web"), [3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_stands_in_for_the_grace_period_longer_or_shorter() {
    let service = |name: &str, trap: &str, grace: &str| {
        let script = format!("trap \\\"{trap}\\\" TERM; while true; do sleep 0.1; done");
        format!("{name}: {{ image: IMAGE, stop_grace_period: {grace}, command: \"sh -c '{script}'\" }}")
    };
    let compose = format!("services: {{ {}, {} }}", service("slow", "sleep 2; exit", "0s"), service("deaf", "", "60s"));
    let mut fleet = Fleet::start("drain", &compose).await;
    for (service, drain_ms, takes) in [("slow", 20_000, 2..20), ("deaf", 500, 0..20)] {
        fleet.assign(service, 1, 9).await;
        fleet.reassign(service, |assignment| assignment.drain_ms = Some(drain_ms));
        fleet.scale(service, 2).await;
        let begun = Instant::now();
        fleet.scale(service, 1).await;
        assert!(takes.contains(&begun.elapsed().as_secs()), "{service}: {:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn to_zero_and_back_with_compose_agreeing() {
    let mut fleet = Fleet::start("zero", &WEB.replace("sleep 600", "sleep 600, restart: always")).await;
    fleet.assign("web", 0, 9).await;
    fleet.scale("web", 3).await;
    fleet.scale("web", 0).await;
    let shown = |fleet: &Fleet, all: &[&str]| {
        let arguments = [&["ps", "--format", "{{.Name}} {{.State}}"], all].concat();
        fleet.project.compose(&arguments).trim().replace(fleet.project.name(), "P")
    };
    assert_eq!((shown(&fleet, &[]), shown(&fleet, &["-a"])), (String::new(), "P-web-1 exited".into()));
    let asleep = fleet.project.all("web");

    // Nobody takes it for stopped by somebody else, also not an agent that was not there.
    let name = fleet.service("web");
    for _ in 0..2 {
        let host = fleet.inventory.refreshed().await;
        let service = &host.services[&name];
        assert_eq!((&service.phase, service.replicas[0].summary.exited_unexpectedly), (&Phase::Settled, false));
        fleet.restart_agent();
        fleet.assign("web", 0, 9).await;
    }
    fleet.scale("web", 3).await;
    assert!(fleet.project.running("web").contains(&asleep[0]), "the one that was kept is woken");
    assert_eq!(shown(&fleet, &[]), "P-web-1 running\nP-web-2 running\nP-web-3 running");

    // Whoever brings it up while it sleeps is noticed, and then it sleeps again.
    fleet.scale("web", 0).await;
    fleet.project.compose(&["up", "-d"]);
    assert_eq!(shown(&fleet, &[]), "P-web-1 running", "compose up starts it");
    let OutcomeResult::Reached { to: 0, reasserted: Some(why), .. } = fleet.outcome().await else {
        panic!("it goes back to sleep")
    };
    assert!(why.contains("from 0 to 1"), "{why}");
    fleet.project.compose(&["down", "--timeout", "0"]);
    assert_eq!(fleet.remains(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_an_operator_chose_stands_and_a_reset_does_not() {
    let mut fleet = Fleet::start("manual", WEB).await;
    fleet.assign("web", 1, 4).await;
    fleet.scale("web", 3).await;
    fleet.reassign("web", |assignment| assignment.manual_ms = 600_000);
    let name = fleet.service("web");
    let chosen = |host: &agent::model::Host| {
        let count = host.services.get(&name).and_then(|service| service.count_by_others.clone());
        count.map(|count| (count.before, count.replicas, count.reset))
    };
    let mut host = fleet.inventory.host();
    fleet.project.compose(&["up", "-d", "--scale", "web=5", "--timeout", "0"]);
    wait_until(&mut host, LIMIT, |host| chosen(host) == Some((3, 5, false))).await.expect("it is noticed");
    // Two rounds of the inventory later it stands, though the old target is confirmed and max is 4.
    fleet.send("web", 3, (1, 1), 60_000);
    fleet.inventory.refreshed().await;
    fleet.inventory.refreshed().await;
    assert_eq!(fleet.project.running("web").len(), 5);
    // A newer target that agrees changes nothing, also beyond max; another one ends it.
    fleet.scale("web", 5).await;
    fleet.scale("web", 4).await;
    assert_eq!(fleet.project.running("web").len(), 4);

    fleet.project.compose(&["up", "-d", "--timeout", "0"]);
    let OutcomeResult::Reached { to: 4, reasserted: Some(why), .. } = fleet.outcome().await else {
        panic!("a plain up is brought back")
    };
    assert!(why.contains("from 4 to 1"), "{why}");
    assert_eq!(chosen(fleet.inventory.refreshed().await.as_ref()), Some((4, 1, true)));

    // What has stood for long enough is brought back as well.
    fleet.reassign("web", |assignment| assignment.manual_ms = 4_000);
    fleet.project.compose(&["up", "-d", "--scale", "web=2", "--timeout", "0"]);
    let begun = Instant::now();
    let OutcomeResult::Reached { to: 4, reasserted: Some(why), .. } = fleet.outcome().await else {
        panic!("it is brought back in the end")
    };
    assert!(begun.elapsed().as_secs() >= 3, "{:?}", begun.elapsed());
    assert!(why.contains("from 4 to 2"), "{why}");
}
