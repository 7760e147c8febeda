//! Faults: replicas stay within limits, nothing is orphaned or doubled, nothing is removed for want of data, and the
//! fleet is back at its target within ten seconds of the cure.

use std::time::Duration;

use bus::payload::OutcomeResult;
use testbed::{DockerHost, Project, wait_for};

use crate::harness::{BACK, Fleet, Watch, idle_service, policy};

/// What three replicas take that become healthy one after the other.
const SLOW_START: Duration = Duration::from_secs(10);
const SOON: Duration = Duration::from_secs(20);

/// A project of its own on host 1, with the policy's fleet beside it, at three replicas, and watched from then on.
fn at_three(name: &str, guards: &str, more: &str) -> (Project, Fleet, Watch) {
    let host = DockerHost::get(1);
    let project = Project::new(&host, name, &idle_service(&host.busybox(), more));
    project.compose(&["up", "--detach"]);
    let fleet = Fleet::start(name, std::slice::from_ref(&host), &policy(&format!("{name}/web"), 1, 6, guards));
    fleet.load(name, "web", 30.0);
    fleet.wait_ready(name, "web", 3, SOON);
    let watch = Watch::start(&host, name, "web", 1..=6);
    (project, fleet, watch)
}

const QUICK: &str = "down: { cooldown: 0s, stabilize: 2s }";

#[test]
fn nats_restarted_loses_nothing_and_removes_nothing() {
    let (project, mut fleet, watch) = at_three("fault-nats", QUICK, "");
    let before = project.running("web");
    fleet.nats.kill();
    wait_for("nobody to answer", SOON, || fleet.status().is_none().then_some(()));
    assert_eq!(project.running("web"), before, "nothing is removed while the bus is away");
    fleet.nats.restart();
    fleet.load("fault-nats", "web", 50.0);
    fleet.wait_ready("fault-nats", "web", 5, BACK);
    let after = project.running("web");
    assert!(before.iter().all(|id| after.contains(id)), "the replicas from before are still there");
    watch.expect_within_limits();
}

#[test]
fn a_controller_killed_mid_cooldown_remembers_the_cooldown() {
    let (project, mut fleet, watch) = at_three("fault-cooldown", "down: { cooldown: 25s, stabilize: 0s }", "");
    let grown = std::time::Instant::now();
    fleet.load("fault-cooldown", "web", 10.0);
    fleet.wait("the cooldown to be named", "fault-cooldown", "web", SOON, |status| {
        status.decision.as_ref().is_some_and(|decision| decision.sentence.contains("down.cooldown"))
    });
    fleet.kill_controller();
    fleet.start_controller();
    let status = fleet.wait("the same cooldown to be named again", "fault-cooldown", "web", SOON, |status| {
        status.decision.as_ref().is_some_and(|decision| decision.sentence.contains("down.cooldown"))
    });
    assert_eq!(status.target, Some(3));
    assert_eq!(project.running("web").len(), 3);
    fleet.wait_ready("fault-cooldown", "web", 1, Duration::from_secs(40));
    assert!(grown.elapsed() >= Duration::from_secs(20), "it came after {:?}", grown.elapsed());
    watch.expect_within_limits();
}

#[test]
fn an_agent_killed_mid_scale_up_leaves_nothing_doubled_or_orphaned() {
    let healthy_late = "    healthcheck: { test: [CMD, test, -e, /bin], interval: 1s, start_period: 3s }\n";
    let (project, mut fleet, watch) = at_three("fault-agent", QUICK, healthy_late);
    fleet.load("fault-agent", "web", 60.0);
    wait_for("the scale-up to begin", SOON, || (project.all("web").len() > 3).then_some(()));
    fleet.kill_agent(0);
    fleet.start_agent(0);
    fleet.wait_ready("fault-agent", "web", 6, BACK + SLOW_START);
    assert_eq!(project.all("web").len(), 6, "no container is left over");
    assert_eq!(project.numbers("web"), [1, 2, 3, 4, 5, 6]);
    watch.expect_within_limits();
}

#[test]
fn docker_restarted_brings_the_fleet_back_to_its_target() {
    let host = DockerHost::get(3);
    let project = Project::new(&host, "fault-engine", &idle_service(&host.busybox(), ""));
    project.compose(&["up", "--detach"]);
    let policy = policy("fault-engine/web", 1, 6, QUICK);
    let fleet = Fleet::start("fault-engine", std::slice::from_ref(&host), &policy);
    fleet.load("fault-engine", "web", 30.0);
    fleet.wait_ready("fault-engine", "web", 3, SOON);
    host.stop_engine();
    wait_for("the engine's absence to be reported", SOON, || {
        let status = fleet.status()?;
        status.hosts.iter().any(|host| host.engine.is_none()).then_some(())
    });
    host.start_engine();
    fleet.wait_ready("fault-engine", "web", 3, BACK);
    assert_eq!(project.all("web").len(), 3);
}

#[test]
fn values_that_stop_coming_remove_nothing() {
    let (project, fleet, watch) = at_three("fault-silence", QUICK, "");
    let before = project.running("web");
    fleet.silence("fault-silence", "web");
    fleet.wait("it to be blind", "fault-silence", "web", SOON, |status| {
        status.decision.as_ref().is_some_and(|decision| decision.sentence.starts_with("hold at 3: blind"))
    });
    assert_eq!(project.running("web"), before);
    fleet.load("fault-silence", "web", 10.0);
    fleet.wait_ready("fault-silence", "web", 1, SOON);
    watch.expect_within_limits();
}

#[test]
fn an_endpoint_that_hangs_blinds_its_rule_and_removes_nothing() {
    let host = DockerHost::get(1);
    // It accepts connections and never answers.
    let hangs = "    command: [nc, -ll, -p, '8080', -e, sleep, '1000']\n    expose: ['8080']\n";
    let compose = format!("services:\n  web:\n    image: {}\n    init: true\n{hangs}", host.busybox());
    let project = Project::new(&host, "fault-hang", &compose);
    project.compose(&["up", "--detach", "--scale", "web=3"]);
    let policy = "service: fault-hang/web\nreplicas: { min: 1, max: 5 }\n\
                  signals:\n  requests: { prometheus: http_requests_total, read: rate }\n\
                  rules:\n  - target: { signal: requests, per_replica: 10 }\n  - target: { signal: cpu, per_replica: 50% }\n\
                  guards:\n  warm_up: 0s\n  down: { cooldown: 0s, stabilize: 0s }\n";
    let fleet = Fleet::start("fault-hang", &[host], policy);
    let status = fleet.wait("cpu to be measured beside the hanging endpoint", "fault-hang", "web", SOON, |status| {
        status.signals.iter().any(|signal| signal.signal == "cpu" && signal.text.is_some())
            && status.signals.iter().any(|signal| signal.signal == "requests" && signal.note.is_some())
    });
    let sentence = status.decision.expect("a decision").sentence;
    assert!(sentence.starts_with("hold at 3: blind: requests is missing"), "{sentence}");
    assert_eq!(project.running("web").len(), 3);
}

#[test]
fn a_service_that_crash_loops_is_cleaned_up_and_reported_and_the_others_are_left_alone() {
    let host = DockerHost::get(1);
    let gated = "    command: [sh, -c, 'test -e /gate/open && exec sleep 1000']\n    volumes: ['./gate:/gate:ro']\n";
    let compose = format!("services:\n  web:\n    image: {}\n    init: true\n{gated}", host.busybox());
    let project = Project::new(&host, "fault-crash", &compose);
    std::fs::create_dir(project.dir().join("gate")).expect("a folder");
    project.write("gate/open", "");
    project.compose(&["up", "--detach"]);
    let fleet = Fleet::start("fault-crash", &[host], &policy("fault-crash/web", 1, 6, QUICK));
    fleet.load("fault-crash", "web", 20.0);
    fleet.wait_ready("fault-crash", "web", 2, SOON);
    let before = project.running("web");

    std::fs::remove_file(project.dir().join("gate/open")).expect("close the gate");
    fleet.load("fault-crash", "web", 40.0);
    let status = fleet.wait("the failure to be reported", "fault-crash", "web", SOON, |status| {
        status.outcome.as_ref().is_some_and(|outcome| matches!(outcome.result, OutcomeResult::Failed { .. }))
    });
    let sentence = status.decision.expect("a decision").sentence;
    assert!(sentence.contains("failed"), "{sentence}");
    assert_eq!(project.running("web"), before, "those that served go on serving");

    project.write("gate/open", "");
    fleet.wait_ready("fault-crash", "web", 4, BACK);
    assert_eq!(project.all("web").len(), 4, "nothing is left of what failed");
}

#[test]
fn compose_up_in_between_is_waited_out_and_answered() {
    let (project, fleet, watch) = at_three("fault-up", QUICK, "");
    project.compose(&["up", "--detach"]);
    assert_eq!(project.running("web").len(), 1, "Compose resets the count to its file's");
    fleet.wait("the change to be noticed", "fault-up", "web", SOON, |status| {
        status.decision.as_ref().is_some_and(|decision| decision.sentence.contains("somebody else"))
    });
    fleet.wait_ready("fault-up", "web", 3, SOON + BACK);
    fleet.wait("the answer to be reported with its reason", "fault-up", "web", SOON, |status| {
        let result = status.outcome.as_ref().map(|outcome| &outcome.result);
        matches!(result, Some(OutcomeResult::Reached { reasserted: Some(_), .. }))
    });
    watch.expect_within_limits();
}
