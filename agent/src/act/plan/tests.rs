use std::sync::Arc;

use bus::payload::{Mode, Victim};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::ForeignChange;

const NOW_MS: u64 = 1_000_000;

/// A service, what is wanted of it, and what is remembered.
#[derive(Clone, Debug)]
struct Case {
    service: Service,
    assignment: Assignment,
    target: u32,
    memory: Memory,
}

impl Case {
    /// A service with these replicas, numbered from 1, and this target; min 1, max 9.
    fn new(states: &[&str], target: u32) -> Self {
        let replicas = states.iter().zip(1..).map(|(state, number)| replica(number, state)).collect();
        let assignment = Assignment {
            v: 1,
            project: "shop".into(),
            service: "web".into(),
            mode: Mode::Act,
            min: 1,
            max: 9,
            term: 1,
            probes: Vec::new(),
            victims: Victim::usual(),
            drain_ms: None,
            busy: None,
            manual_ms: 0,
        };
        let service = Service { replicas, ..Service::default() };
        Self { service, assignment, target, memory: Memory::default() }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn plan_at(&self, now_ms: u64) -> Plan {
        plan(&View {
            service: &self.service,
            assignment: &self.assignment,
            target: self.target,
            memory: &self.memory,
            patience: &Patience::default(),
            now_ms,
        })
    }

    /// The plan in a few words.
    fn says(&self) -> String {
        match self.plan_at(NOW_MS) {
            Plan::Do(Step::Create { sibling, number }) => format!("create {number} like {sibling}"),
            Plan::Do(Step::Start { id, crashed }) => format!("start {id}{}", if crashed { " again" } else { "" }),
            Plan::Do(Step::Remove { id }) => format!("remove {id}"),
            Plan::Do(Step::Stop { id }) => format!("stop {id}"),
            Plan::Do(Step::Discard { id, failed: None }) => format!("discard {id}"),
            Plan::Do(Step::Discard { id, failed: Some(_) }) => format!("discard {id} as failed"),
            Plan::Reached => "reached".into(),
            Plan::Wait(until_ms) => until_ms.map_or("wait".into(), |ms| format!("wait {} ms", ms - NOW_MS)),
            Plan::Refused(_) => "refused".into(),
            Plan::Stuck { failure, .. } => format!("stuck: {}", failure.cause),
        }
    }
}

/// `state`, then words that change it: `ours`, `obsolete`, `hung-on`, `temporary`, `protected`, `silent` (about whether it is
/// busy), `0.5` (cores used).
fn replica(number: u32, state: &str) -> Replica {
    let mut words = state.split(' ');
    let state = words.next().unwrap_or_default();
    let (docker, health, exit) = match state {
        "up" => ("running", None, None),
        "young" | "starting" => ("running", Some("starting").filter(|_| state == "starting"), None),
        "healthy" => ("running", Some("healthy"), None),
        "unhealthy" => ("running", Some("unhealthy"), None),
        "crashed" => ("exited", None, Some(ExitCause::Itself)),
        "held" => ("exited", None, Some(ExitCause::Person)),
        "ended" => ("exited", None, Some(ExitCause::Engine)),
        "asleep" => ("exited", None, Some(ExitCause::Asleep)),
        other => (other, None, None),
    };
    let mut replica = Replica { inspect: Arc::new(json!({ "State": { "ExitCode": 3 } })), ..Replica::default() };
    replica.summary.id = format!("#{number}");
    replica.summary.name = format!("web-{number}");
    replica.summary.number = number;
    replica.summary.state = docker.into();
    replica.summary.health = health.map(str::to_owned);
    replica.summary.started_ms = Some(if state == "young" { NOW_MS - 10 } else { NOW_MS - 50_000 });
    replica.summary.created_ms = NOW_MS - 60_000;
    replica.summary.restarts = if state == "restarting" { 5 } else { 0 };
    replica.finished_ms = exit.map(|_| NOW_MS - 20_000);
    replica.exit = exit;
    for word in words {
        match word {
            "ours" => replica.summary.managed = true,
            "obsolete" => replica.summary.obsolete = true,
            "hung-on" => replica.hung_on_by = Some("side".into()),
            "temporary" => replica.temporary = true,
            "protected" => replica.summary.protected = Some("it is busy".into()),
            "silent" => replica.may_be_busy = true,
            cores => replica.cpu_cores = Some(cores.parse().unwrap_or_else(|_| panic!("{cores}?"))),
        }
    }
    replica
}

#[test]
fn the_next_step() {
    for (states, target, says, why) in [
        (&["up", "up"][..], 2, "reached", "as wanted"),
        (&["up", "up"], 4, "create 3 like #1", "one more than the highest number, like the lowest"),
        (&["up", "up", "up"], 2, "remove #3", "the highest number"),
        (&["up obsolete", "up", "up"], 2, "remove #1", "obsolete first"),
        (&["up", "unhealthy", "up"], 2, "remove #2", "then what does not serve"),
        (&["up", "held", "up"], 2, "remove #2", "also what somebody stopped"),
        (&["up", "up", "up hung-on"], 2, "remove #2", "never what others hang on"),
        (
            &["up hung-on", "up hung-on"],
            1,
            "stuck: other containers hang on every replica",
            "nothing is left to remove",
        ),
        (&["up obsolete", "up"], 3, "create 3 like #2", "never like an obsolete one"),
        (&["up", "up temporary"], 3, "create 3 like #1", "never like one with a temporary name"),
        (&["crashed", "up"], 3, "start #1 again", "what is there comes before what is not"),
        (&["unhealthy", "healthy"], 3, "create 3 like #2", "like one that serves"),
        (&["up", "starting"], 2, "wait 70000 ms", "it may take as long as the patience is"),
        (&["up", "young"], 2, "wait 990 ms", "without a health check it has to run for a moment"),
        (&["up", "created ours"], 2, "discard #2", "a leftover is cleaned up"),
        (&["up", "dead ours"], 2, "discard #2", "so is what the engine could not remove"),
        (
            &["up", "created"],
            2,
            "stuck: web-2: somebody stopped it, so it stays as it is",
            "what Compose left is not ours",
        ),
        (&["up", "held"], 2, "stuck: web-2: somebody stopped it, so it stays as it is", "neither started nor replaced"),
        (&["up", "paused"], 2, "stuck: web-2: somebody stopped it, so it stays as it is", "paused is stopped"),
        (&["ended", "ended"], 2, "start #1", "the engine took it along"),
        (&["ended", "ended"], 1, "remove #2", "nothing is started only to be removed"),
        (&["up", "unhealthy"], 2, "stuck: web-2: its health check fails", "it served before: Docker's business"),
        (&["up", "restarting"], 2, "stuck: web-2: it ends again and again", "the same"),
        (&[], 2, "wait", "nothing is brought back from nothing"),
        (&["up"], 0, "reached", "one is kept, to copy"),
    ] {
        assert_eq!(Case::new(states, target).says(), says, "{why}");
    }
}

#[test]
fn who_goes_first() {
    use Victim::{Idle, Newest, Obsolete, Unhealthy, Unknown};
    let states = ["up 0.5", "healthy obsolete 0.9", "unhealthy 0.7", "up 0.1", "up"];
    for (victims, order, why) in [
        (&[Obsolete, Unhealthy, Newest][..], "2 3 5 4", "the usual"),
        (&[Obsolete, Unhealthy, Idle, Newest], "2 3 4 1", "what was not measured is not idle"),
        (&[Idle], "4 1 3 2", "the least CPU first"),
        (&[Unhealthy], "3 5 4 2", "then the highest number"),
        (&[Newest, Obsolete], "5 4 3 2", "the first word decides"),
        (&[Unknown, Idle], "4 1 3 2", "what this build does not know is passed over"),
        (&[], "5 4 3 2", "nothing said"),
    ] {
        assert_eq!(leaving(&states, victims), order, "{victims:?}: {why}");
    }
    for (states, order, why) in [
        (["up 0.104", "up 0.103", "up 0.102", "up 0.101", "up 0.1"], "5 4 3 2", "less than a hundredth is noise"),
        (["up 0.1 silent", "up 0.5", "up 0.4", "up 0.3", "up 0.2"], "5 4 3 2", "who did not tell goes last"),
        (["up", "up silent", "up silent", "up", "up"], "5 4 1 3", "of these the newest"),
        (["up 0.0 protected", "up", "up hung-on", "up protected", "up"], "5 2", "protected and hung-on ones stay"),
    ] {
        assert_eq!(leaving(&states, &[Idle]), order, "{states:?}: {why}");
    }
}

/// The numbers of the replicas in the order in which they go, down to one or to those that cannot.
fn leaving(states: &[&str], victims: &[Victim]) -> String {
    let mut case = Case::new(states, 1).with(|case| case.assignment.victims = victims.to_vec());
    let mut order = Vec::new();
    while let Plan::Do(Step::Remove { id }) = case.plan_at(NOW_MS) {
        case.service.replicas.retain(|replica| replica.summary.id != id);
        order.push(id.trim_start_matches('#').to_owned());
    }
    order.join(" ")
}

#[test]
fn protected_replicas_stay_and_are_named_and_it_is_tried_again() {
    let case = Case::new(&["up", "up protected", "up protected"], 1);
    assert_eq!(case.says(), "remove #1");
    let rest = Case::new(&["up protected", "up protected"], 1);
    let Plan::Stuck { failure, retry_ms } = rest.plan_at(NOW_MS) else { panic!("nothing may go") };
    assert_eq!(failure.cause, "2 of them are protected: web-1 (it is busy), web-2 (it is busy)");
    assert!(failure.cure.contains("ballast.protect"), "{}", failure.cure);
    assert_eq!(retry_ms, Some(NOW_MS + 4_000));
}

#[test]
fn to_zero_and_back() {
    for (states, target, says, why) in [
        (&["up", "up"][..], 0, "remove #2", "one is kept, to copy"),
        (&["up obsolete", "up"], 0, "remove #1", "of the newest configuration"),
        (&["unhealthy", "up"], 0, "remove #1", "one that works"),
        (&["up", "up protected"], 0, "remove #1", "who may not go is the one to keep"),
        (&["up"], 0, "stop #1", "it is stopped, not removed"),
        (&["starting"], 0, "stop #1", "ready or not"),
        (&["restarting"], 0, "stop #1", "or the engine starts it for ever"),
        (&["up protected"], 0, "stuck: 1 of them is protected: web-1 (it is busy)", "busy is busy"),
        (&["up hung-on"], 0, "stuck: other containers hang on every replica", "they would break"),
        (&["asleep"], 0, "reached", "nothing runs"),
        (&["crashed"], 0, "reached", "nothing runs either"),
        (&["ended"], 0, "reached", "nothing runs after the engine came back"),
        (&["asleep", "up"], 0, "remove #1", "a running one is as good to keep"),
        (&["paused"], 0, "stuck: web-1: somebody stopped it, so it stays as it is", "that is not ours"),
        (&["asleep"], 3, "start #1", "what sleeps is woken first"),
        (&["asleep", "up"], 3, "start #1", "also among others"),
        (&["up"], 3, "create 2 like #1", "then the rest is made"),
    ] {
        let case = Case::new(states, target).with(|case| case.assignment.min = 0);
        assert_eq!(case.says(), says, "{states:?} to {target}: {why}");
    }
    assert_eq!(Case::new(&["up"], 0).says(), "reached", "not below min");
}

#[test]
fn what_can_have_no_second_replica_can_sleep_and_wake() {
    let with = |state: &str, target, code: &str| {
        let refusal = Refusal { code: code.into(), cause: "y".into(), cure: "z".into() };
        Case::new(&[state], target).with(|case| {
            case.assignment.min = 0;
            case.service.refusals.push(refusal);
        })
    };
    assert_eq!(with("up", 0, "fixed-host-port").says(), "stop #1");
    assert_eq!(with("asleep", 1, "fixed-host-port").says(), "start #1");
    assert_eq!(with("asleep", 2, "fixed-host-port").says(), "refused");
    assert_eq!(with("up", 0, "ballast-itself").says(), "refused");
}

#[test]
fn a_fresh_replica_that_fails_is_removed_and_counted() {
    for (state, says) in [
        ("crashed ours", "discard #2 as failed"),
        ("unhealthy ours", "discard #2 as failed"),
        ("restarting ours", "discard #2 as failed"),
        ("starting ours", "wait 90000 ms"),
        ("up ours", "reached"),
    ] {
        let case = Case::new(&["up", state], 2).with(|case| {
            case.memory.fresh.insert("#2".into(), NOW_MS - 30_000);
        });
        assert_eq!(case.says(), says, "{state}");
    }
    let late = Case::new(&["up", "starting ours"], 2).with(|case| {
        case.memory.fresh.insert("#2".into(), NOW_MS - 120_000);
    });
    assert_eq!(late.says(), "discard #2 as failed", "it did not come to serve in time");
}

#[test]
fn a_health_check_that_needs_longer_gets_it() {
    let case = Case::new(&["up", "starting ours"], 2).with(|case| {
        case.memory.fresh.insert("#2".into(), NOW_MS - 120_000);
        let second = 1_000_000_000_u64;
        let check =
            json!({ "StartPeriod": 200 * second, "Interval": 10 * second, "Timeout": 5 * second, "Retries": 2 });
        case.service.replicas[1].inspect = Arc::new(json!({ "Config": { "Healthcheck": check } }));
    });
    assert_eq!(case.says(), "wait 110000 ms", "200 s + 2 × (10 s + 5 s) from when it was made");
}

#[test]
fn failures_wait_longer_each_time_up_to_a_limit() {
    for (failures, ago_ms, says) in [
        (1, 0, "wait 1000 ms"),
        (1, 1_000, "create 2 like #1"),
        (2, 1_000, "wait 1000 ms"),
        (3, 3_999, "stuck: it broke"),
        (3, 4_000, "create 2 like #1"),
    ] {
        let case = Case::new(&["up"], 2).with(|case| {
            case.memory.failures = failures;
            case.memory.failed =
                Some(Failure { at_ms: NOW_MS - ago_ms, cause: "it broke".into(), cure: "mend it".into() });
        });
        assert_eq!(case.says(), says, "{failures} failures, {ago_ms} ms ago");
    }
}

#[test]
fn a_crashed_replica_is_started_again_with_growing_waits_up_to_a_limit() {
    for (restarts, finished_ago_ms, says) in [
        (0, 500, "wait 500 ms"),
        (0, 1_000, "start #2 again"),
        (2, 3_999, "wait 1 ms"),
        (2, 4_000, "start #2 again"),
        (3, 3_999, "stuck: web-2: it ended by itself (exit code 3), also after 3 new starts"),
        (3, 4_000, "start #2 again"),
        (9, 3_999, "stuck: web-2: it ended by itself (exit code 3), also after 9 new starts"),
    ] {
        let case = Case::new(&["up", "crashed"], 2).with(|case| {
            case.memory.restarts.insert("#2".into(), restarts);
            case.service.replicas[1].finished_ms = Some(NOW_MS - finished_ago_ms);
        });
        assert_eq!(case.says(), says, "{restarts} restarts");
    }
}

#[test]
fn a_replica_that_crashes_for_good_does_not_keep_others_from_being_made() {
    let case = Case::new(&["up", "crashed"], 3).with(|case| {
        case.memory.restarts.insert("#2".into(), 3);
        case.service.replicas[1].finished_ms = Some(NOW_MS);
    });
    assert_eq!(case.says(), "create 3 like #1");
}

#[test]
fn nothing_happens_while_somebody_else_is_at_it() {
    let since_ms = NOW_MS;
    for phase in [Phase::Changing { since_ms, why: String::new() }, Phase::Stopped { since_ms }, Phase::Unknown] {
        for target in [1, 2, 9] {
            let case = Case::new(&["up", "crashed"], target).with(|case| case.service.phase = phase.clone());
            assert_eq!(case.says(), "wait", "{phase:?}");
        }
    }
}

#[test]
fn what_is_half_made_is_withdrawn_when_somebody_else_begins() {
    let case = Case::new(&["up", "up ours"], 3).with(|case| {
        case.service.phase = Phase::Changing { since_ms: NOW_MS, why: String::new() };
        case.service.replicas[1].summary.created_ms = NOW_MS;
        case.memory.fresh.insert("#2".into(), NOW_MS);
    });
    assert_eq!(case.says(), "discard #2");
    let earlier = case.clone().with(|case| case.service.replicas[1].summary.created_ms = NOW_MS - 1);
    assert_eq!(earlier.says(), "wait", "whoever is at it has listed it, and fails when it vanishes");
    let arrived = case.with(|case| case.memory.fresh.clear());
    assert_eq!(arrived.says(), "wait", "what serves is left to whoever is at it");
}

#[test]
fn what_is_left_of_a_project_that_was_taken_down_is_withdrawn() {
    let case = Case::new(&["up ours"], 3).with(|case| {
        case.service.foreign = Some(ForeignChange { all_removed: true, ..ForeignChange::default() });
    });
    assert_eq!(case.says(), "discard #1");
}

#[test]
fn a_service_that_cannot_be_scaled_is_left_alone() {
    let refused = |states: &[&str], target| {
        Case::new(states, target)
            .with(|case| {
                case.service.refusals.push(Refusal { code: "x".into(), cause: "y".into(), cure: "z".into() });
            })
            .says()
    };
    assert_eq!(refused(&["up"], 2), "refused");
    assert_eq!(refused(&["up"], 1), "reached", "as many as there are is no scaling");
    assert_eq!(refused(&["up", "created ours"], 2), "refused", "also what is ours");
}

#[test]
fn a_port_range_is_used_up_and_then_said_to_be() {
    let case = |states: &[&str]| Case::new(states, 4).with(|case| case.service.most = Some(2)).says();
    assert_eq!(case(&["up"]), "create 2 like #1");
    assert_eq!(case(&["up", "up"]), "stuck: 4 replicas are wanted, and the published port range has 2 ports");
}

#[test]
fn numbers_whose_names_are_taken_are_passed_over() {
    let case = Case::new(&["up"], 2).with(|case| case.memory.taken = BTreeSet::from([2, 3]));
    assert_eq!(case.says(), "create 4 like #1");
}

fn any_case() -> impl Strategy<Value = Case> {
    let state = prop::sample::select(vec![
        "up",
        "up ours",
        "up obsolete",
        "starting ours",
        "unhealthy",
        "crashed",
        "crashed ours",
        "held",
        "ended",
        "ended ours",
        "created",
        "created ours",
        "paused",
        "restarting ours",
        "up hung-on",
        "up protected",
        "up silent 0.5",
        "up 0.1",
        "asleep",
        "asleep ours",
    ]);
    (prop::collection::vec(state, 0..7), 0..12_u32, 0..4_u32, 0..6_u32).prop_map(|(states, target, min, more)| {
        Case::new(&states, target).with(|case| {
            case.assignment.min = min;
            case.assignment.max = min + more;
        })
    })
}

proptest! {
    /// Following the plan never leaves the limits, never ends with nothing, and comes to rest.
    #[test]
    fn the_plan_keeps_the_limits_and_comes_to_rest(mut case in any_case()) {
        let (min, max) = (case.assignment.min as usize, case.assignment.max.max(1) as usize);
        let protected = case.service.replicas.iter().filter(|r| r.summary.protected.is_some()).count();
        for _ in 0..60 {
            let before = case.service.replicas.len();
            match case.plan_at(NOW_MS) {
                Plan::Do(Step::Create { number, .. }) => {
                    prop_assert!(before < max, "above max");
                    prop_assert!(case.service.replicas.iter().all(|r| r.summary.number != number), "doubled");
                    case.service.replicas.push(replica(number, "up ours"));
                }
                Plan::Do(Step::Start { id, .. }) => {
                    let at = case.service.replicas.iter().position(|r| r.summary.id == id).expect("it is there");
                    let number = case.service.replicas[at].summary.number;
                    case.service.replicas[at] = replica(number, "up");
                }
                Plan::Do(Step::Remove { id }) => {
                    prop_assert!(before > min.max(1), "below min");
                    case.service.replicas.retain(|r| r.summary.id != id);
                }
                Plan::Do(Step::Stop { id }) => {
                    prop_assert!(case.target == 0 && min == 0 && before == 1, "only the last one falls asleep");
                    case.service.replicas = vec![replica(id[1..].parse().expect("a number"), "asleep")];
                }
                Plan::Do(Step::Discard { id, .. }) => {
                    let never_served = case.service.replicas.iter().any(|r| r.summary.id == id && r.summary.state == "created");
                    prop_assert!(never_served, "only leftovers are discarded");
                    case.service.replicas.retain(|r| r.summary.id != id);
                }
                _ => {
                    let now = case.service.replicas.iter().filter(|r| r.summary.protected.is_some()).count();
                    prop_assert_eq!(now, protected, "what is protected stays");
                    return Ok(());
                }
            }
        }
        prop_assert!(false, "it never comes to rest");
    }
}
