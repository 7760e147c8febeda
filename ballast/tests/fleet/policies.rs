//! Policies of a fleet that runs: edited, broken, paused, given by labels, and asked about; and an operator who has the say.

use std::time::{Duration, Instant, SystemTime};

use bus::payload::{DecisionStatus, ServiceStatus};
use testbed::{DockerHost, Project, wait_for};

use crate::harness::{Fleet, Watch, idle_service, policy};

const SOON: Duration = Duration::from_secs(20);
const QUICK: &str = "down: { cooldown: 0s, stabilize: 1s }";

/// A project of its own on host 2 with one service that does nothing, and a fleet with this policy beside it.
fn beside(name: &str, policy: &str) -> (Project, Fleet) {
    let host = DockerHost::get(2);
    let project = Project::new(&host, name, &idle_service(&host.busybox(), ""));
    project.compose(&["up", "--detach"]);
    (project, Fleet::start(name, &[host], policy))
}

fn says(status: &ServiceStatus, what: &str) -> bool {
    status.decision.as_ref().is_some_and(|decision| said(decision).contains(what))
}

/// All sentences of a decision.
fn said(decision: &DecisionStatus) -> String {
    format!("{}\n{}", decision.sentence, decision.guards.join("\n"))
}

#[test]
fn an_edit_is_in_force_at_once_and_a_broken_one_leaves_the_last_good_one_in_force() {
    let name = "edit";
    let good = |max| policy("edit/web", 1, max, QUICK);
    let (_project, fleet) = beside(name, &good(6));
    fleet.load(name, "web", 60.0);
    fleet.wait_ready(name, "web", 6, SOON);

    // It is known in less than a second; how much less is printed, because a machine under load proves nothing.
    let mut longest = Duration::ZERO;
    for max in [5, 4, 5, 4, 3] {
        let text = good(max);
        let edited = Instant::now();
        fleet.write_policy(&text);
        fleet.wait("the edit to be in force", name, "web", SOON, |status| status.max == Some(max));
        longest = longest.max(edited.elapsed());
    }
    println!("from the write to a status that says so, at most of five edits: {longest:?}");
    fleet.wait_ready(name, "web", 3, SOON);

    fleet.write_policy(&good(3).replace("max: 3", "max: many"));
    let broken = wait_for("the error to be shown", SOON, || {
        let shown = fleet.ask(&["status"]);
        shown.contains("BROKEN POLICY FILE").then_some(shown)
    });
    let excerpt = "| replicas: { min: 1, max: many }";
    for part in ["policy.yaml:2:26: ", "many", excerpt, "its last good version"] {
        assert!(broken.contains(part), "{part}: {broken}");
    }
    let log = fleet.controller_log();
    assert!(log.contains("policy.yaml:2:26: ") && log.contains(excerpt), "{log}");
    assert_eq!(fleet.service(name, "web").expect("the service").max, Some(3));
    fleet.load(name, "web", 10.0);
    fleet.wait_ready(name, "web", 1, SOON);

    fleet.write_policy(&good(2));
    fleet.wait("the mended file to be in force", name, "web", SOON, |status| status.max == Some(2));
    assert!(!fleet.ask(&["status"]).contains("BROKEN"), "and nothing is broken any more");
}

#[test]
fn a_pause_by_an_edit_stops_changes_until_its_moment() {
    let name = "pause";
    let acts = policy("pause/web", 1, 6, QUICK);
    let (project, fleet) = beside(name, &acts);
    fleet.load(name, "web", 20.0);
    fleet.wait_ready(name, "web", 2, SOON);
    let before = project.running("web");

    let until = SystemTime::now() + Duration::from_secs(8);
    let moment = humantime::format_rfc3339_seconds(until);
    fleet.write_policy(&format!("{acts}mode: {{ paused: both, until: {moment} }}\n"));
    fleet.wait("the pause to be in force", name, "web", SOON, |status| status.paused.is_some());
    fleet.load(name, "web", 50.0);
    let held = fleet.wait("the pause to hold it", name, "web", SOON, |status| says(status, "the policy is paused for"));
    assert_eq!(held.target, Some(2));
    assert_eq!(project.running("web"), before, "nothing is changed meanwhile");
    fleet.wait_ready(name, "web", 5, SOON);
    assert!(SystemTime::now() + Duration::from_secs(1) >= until, "it ended by itself and not earlier");
}

#[test]
fn labels_alone_put_a_service_under_a_policy_and_a_file_overrules_them() {
    let name = "labels";
    let host = DockerHost::get(2);
    let labels = "    labels: { ballast.min: '2', ballast.max: '4', ballast.cpu: 70% }\n    cpus: 0.5\n";
    let project = Project::new(&host, name, &idle_service(&host.busybox(), labels));
    project.compose(&["up", "--detach"]);
    let fleet = Fleet::start(name, std::slice::from_ref(&host), "");
    let status = fleet.wait_ready(name, "web", 2, SOON);
    assert_eq!((status.min, status.max, status.policy.as_deref()), (Some(2), Some(4), Some("its labels")));
    assert!(status.signals.iter().any(|signal| signal.signal == "cpu"), "{:?}", status.signals);
    let shown = fleet.ask(&["policy", "show", "labels/web"]);
    assert!(has_line(&shown, &["replicas.max", "4", "label ballast.max"]), "{shown}");

    fleet.write_policy("service: labels/web\nreplicas: { min: 3 }\n");
    fleet.wait_ready(name, "web", 3, SOON);
    let shown = fleet.ask(&["policy", "show", "labels/web"]);
    for line in [
        ["replicas.min", "3", "policy.yaml:2:18"],
        ["replicas.max", "4", "label ballast.max"],
        ["per_replica", "70%", "label ballast.cpu"],
        ["guards.kill_budget", "50% per 1m", "default"],
    ] {
        assert!(has_line(&shown, &line), "{line:?}: {shown}");
    }
}

#[test]
fn a_count_set_by_hand_is_respected_and_a_plain_up_is_brought_back() {
    let name = "byhand";
    let guards = |manual: &str| policy("byhand/web", 1, 6, &format!("{QUICK}\n  manual: {manual}"));
    let (project, fleet) = beside(name, &guards("10m"));
    fleet.load(name, "web", 30.0);
    fleet.wait_ready(name, "web", 3, SOON);
    let watch = Watch::start(&DockerHost::get(2), name, "web", 1..=6);

    project.compose(&["up", "--detach", "--scale", "web=5"]);
    let chosen = project.running("web");
    let held = fleet.wait("its wish to be known", name, "web", SOON * 2, |status| {
        says(status, "somebody set it to 5 by hand, which is respected for")
    });
    assert_eq!((held.target, held.ready), (Some(5), 5));
    assert_eq!(project.running("web"), chosen, "what the rules want is not carried out");

    // Less respect ends it, and the rules have the say again.
    fleet.write_policy(&guards("1s"));
    fleet.wait_ready(name, "web", 3, SOON);

    project.compose(&["up", "--detach"]);
    assert_eq!(project.running("web").len(), 1, "Compose resets the count to its file's");
    fleet.wait_ready(name, "web", 3, SOON * 2);
    watch.expect_within_limits();
}

#[test]
fn a_fleet_that_runs_answers_what_is_in_force_what_was_decided_and_what_would_be() {
    let name = "asked";
    let (project, fleet) = beside(name, &policy("asked/web", 1, 8, QUICK));
    fleet.load(name, "web", 30.0);
    fleet.wait_ready(name, "web", 3, SOON);
    let decided = fleet.service(name, "web").expect("the service").history;
    let first = decided.into_iter().find(|decision| decision.to > decision.from).expect("it grew");
    assert_eq!((first.from, first.to), (1, 3));
    fleet.load(name, "web", 50.0);
    fleet.wait_ready(name, "web", 5, SOON);

    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(first.at_ms);
    let then = fleet.ask(&["explain", "asked/web", "--at", &humantime::format_rfc3339_millis(at).to_string()]);
    assert!(then.contains(&first.sentence), "{then}");
    assert!(!fleet.ask(&["explain", "asked/web"]).contains(&format!("decision   {}", first.sentence)));

    let before = project.running("web");
    let supposed = fleet.ask(&["whatif", "asked/web", "--set", "load=70", "--replicas", "4"]);
    assert!(supposed.contains("scale up 4 → 7"), "{supposed}");
    let missing = fleet.ask(&["whatif", "asked/web", "--set", "load=missing"]);
    assert!(missing.contains("hold at 5: blind"), "{missing}");
    assert_eq!(project.running("web"), before, "it changes nothing");
    assert_eq!(fleet.service(name, "web").expect("the service").target, Some(5));
}

fn has_line(text: &str, parts: &[&str]) -> bool {
    text.lines().any(|line| parts.iter().all(|part| line.contains(part)))
}
