//! Golden pages: each state that a service, host or policy file can be in, as it is shown.

mod fixtures;

use bus::payload::{
    DecisionStatus, HostStatus, Mode, Outcome, OutcomeResult, PauseStatus, Phase, PolicySource, Refusal, ServiceStatus,
    SignalStatus, Status,
};

use fixtures::{NOW, cpu, decided, explained, fleet, outcome, replica, web, worker};

use super::{Look, changes, explain, status};

const PIPED: Look = Look { width: None, colour: false };
const TERMINAL: Look = Look { width: Some(120), colour: false };

#[test]
fn nobody_is_there_yet() {
    let status = Status { at_ms: NOW, since_ms: NOW - 3000, term: 1, ..Status::default() };
    insta::assert_snapshot!(page(&status));
}

#[test]
fn a_host_without_services() {
    insta::assert_snapshot!(page(&fleet(vec![])));
}

#[test]
fn a_host_without_docker() {
    let mut status = fleet(vec![]);
    status.hosts[0].engine = None;
    insta::assert_snapshot!(page(&status));
}

#[test]
fn no_policy_names_the_service() {
    let mut status = fleet(vec![ServiceStatus {
        policy: None,
        mode: None,
        min: None,
        max: None,
        target: None,
        decision: None,
        ..web()
    }]);
    status.policies.clear();
    insta::assert_snapshot!(page(&status));
}

#[test]
fn all_is_well() {
    insta::assert_snapshot!(page(&fleet(vec![web(), worker()])));
}

#[test]
fn observe_mode_says_what_it_would_do() {
    let decision = decided(2, 3, "would scale 2 → 3: cpu 1.62 cores over 30s is work for 2.7 replicas at 60 % each");
    let service = ServiceStatus {
        mode: Some(Mode::Observe),
        target: Some(3),
        running: 2,
        ready: 2,
        decision: Some(decision),
        ..web()
    };
    insta::assert_snapshot!(page(&fleet(vec![service])));
}

#[test]
fn a_pause_shows_also_while_there_is_nothing_to_hold_back() {
    for (up, down, until_ms, mode, policy) in [
        (true, true, None, "paused", "acts; paused: nothing is changed until the policy is edited"),
        (true, false, Some(NOW + 90_000), "paused up", "acts; paused: nothing is added for 1m 30s more"),
        (false, true, None, "paused down", "acts; paused: nothing is removed until the policy is edited"),
    ] {
        let service = ServiceStatus { paused: Some(PauseStatus { up, down, until_ms }), ..web() };
        let explained = explain(&service, NOW, PIPED);
        assert!(explained.contains(&format!("policies/shop.yaml, {policy}\n")), "{explained}");
        let listed = status(&fleet(vec![service]), PIPED);
        assert!(listed.contains(&format!("3/3 of 1..5  {mode}  ")), "{listed}");
    }
}

#[test]
fn signals_are_missing_or_cover_a_part() {
    let signals = vec![
        SignalStatus { note: Some("1 of 3 replicas has no sample".into()), ..cpu() },
        SignalStatus {
            signal: "latency.p95".into(),
            window_ms: 60_000,
            note: Some("the newest sample is 45s old".into()),
            ..SignalStatus::default()
        },
        SignalStatus { signal: "requests".into(), ..SignalStatus::default() },
    ];
    let decision = decided(
        3,
        3,
        "hold at 3: blind: latency.p95 is missing: the newest sample is 45s old; nothing is removed without that",
    );
    insta::assert_snapshot!(page(&fleet(vec![ServiceStatus { signals, decision: Some(decision), ..web() }])));
}

#[test]
fn refused_with_every_cause_and_cure() {
    let refusals = vec![
        Refusal {
            code: "fixed-host-port".into(),
            cause: "port 8080 of the host is published by one replica, and a second one cannot have it".into(),
            cure: "publish a range (`8080-8089:80`), or put a proxy in front".into(),
        },
        Refusal {
            code: "container-name".into(),
            cause: "`container_name: web` is set, and no two containers share a name".into(),
            cure: "remove `container_name` from the Compose file".into(),
        },
    ];
    insta::assert_snapshot!(page(&fleet(vec![ServiceStatus { refusals, ..web() }])));
}

#[test]
fn somebody_else_changes_it_or_stopped_it() {
    let changing = Phase::Changing { since_ms: NOW - 4000, why: "shop-web-1 was recreated".into() };
    let stopped = Phase::Stopped { since_ms: NOW - 7_200_000 };
    let status = fleet(vec![
        ServiceStatus { phase: changing, running: 2, ready: 1, ..web() },
        ServiceStatus { phase: stopped, running: 0, ready: 0, ..worker() },
        ServiceStatus { phase: Phase::Unknown, service: "newer".into(), ..web() },
    ]);
    insta::assert_snapshot!(page(&status));
}

#[test]
fn a_target_failed_or_was_ignored_or_brought_back() {
    let failed = OutcomeResult::Failed {
        from: 3,
        reached: 3,
        cause: "shop-web-4 exited with 1 within 2s".into(),
        cure: "see `docker logs` of a replica; Ballast removed the one that failed".into(),
        retry_ms: Some(NOW + 30_000),
    };
    let given_up = OutcomeResult::Failed {
        from: 3,
        reached: 3,
        cause: "no such image".into(),
        cure: "pull it".into(),
        retry_ms: None,
    };
    let stale = OutcomeResult::Stale { cause: "term 3 is older than term 4".into() };
    let reasserted = OutcomeResult::Reached {
        from: 1,
        to: 3,
        took_ms: 900,
        reasserted: Some("`docker compose up` had set it to 1".into()),
    };
    let services = [("a", failed), ("b", given_up), ("c", stale), ("d", reasserted)].map(|(name, result)| {
        ServiceStatus { service: name.into(), target: Some(4), outcome: Some(outcome(result)), ..web() }
    });
    insta::assert_snapshot!(page(&fleet(services.into())));
}

#[test]
fn a_lost_host_and_lost_payloads() {
    let mut status = fleet(vec![web(), ServiceStatus { host: "beta".into(), ..worker() }]);
    status.hosts.push(HostStatus { host: "beta".into(), heard_ms: NOW - 95_000, lost: true, ..HostStatus::default() });
    status.hosts.push(HostStatus {
        host: "gamma".into(),
        heard_ms: NOW - 300,
        lost_payloads: 12,
        ..HostStatus::default()
    });
    insta::assert_snapshot!(page(&status));
}

#[test]
fn a_broken_policy_file_comes_first() {
    let mut status = fleet(vec![web()]);
    status.policies.push(PolicySource {
        origin: "policies/worker.yaml".into(),
        policies: 2,
        error: Some("policies/worker.yaml:2:21: `max` is 20x; a whole number of at least 1 is allowed\n2 | replicas: { max: 20x }\n  |                  ^^^".into()),
        ..PolicySource::default()
    });
    status.policies.push(PolicySource {
        origin: "policies/new.yaml".into(),
        policies: 0,
        error: Some("policies/new.yaml:1:1: the file is empty".into()),
        ..PolicySource::default()
    });
    insta::assert_snapshot!(page(&status));
}

#[test]
fn what_is_doubtful_is_said() {
    let mut status = fleet(vec![web()]);
    status.warnings = vec!["another controller was in charge 12s ago".into()];
    status.policies[0].warnings = vec!["warning: policies/shop.yaml:2:11: `min` and `max` are both 3\n2 | x".into()];
    status.hosts[0].warnings = vec!["its clock is 40s ahead of this one".into()];
    status.hosts[0].engine = None;
    insta::assert_snapshot!(page(&status));
}

#[test]
fn a_narrow_terminal_wraps_and_loses_nothing() {
    let narrow = Look { width: Some(70), colour: false };
    let text = status(&fleet(vec![web(), ServiceStatus { project: "店舗".into(), ..worker() }]), narrow);
    insta::assert_snapshot!(text);
}

#[test]
fn colours_say_what_needs_somebody() {
    let mut answer = fleet(vec![web(), ServiceStatus { ready: 0, ..worker() }]);
    answer.hosts[0].lost = true;
    insta::assert_snapshot!(status(&answer, Look { width: Some(120), colour: true }).replace('\x1b', "ESC"));
}

#[test]
fn explain_tells_everything() {
    insta::assert_snapshot!(explain(&explained(), NOW, PIPED));
}

#[test]
fn explain_a_service_without_policy_or_decision() {
    let bare = ServiceStatus {
        host: "alpha".into(),
        project: "shop".into(),
        service: "db".into(),
        running: 1,
        ready: 1,
        replicas: vec![replica(1)],
        ..ServiceStatus::default()
    };
    insta::assert_snapshot!(explain(&bare, NOW, PIPED));
}

#[test]
fn the_first_look_of_a_watch_tells_how_it_stands() {
    insta::assert_snapshot!(changes(None, &fleet(vec![web(), worker()])).join("\n"));
}

#[test]
fn a_watch_tells_each_change_once() {
    let before = fleet(vec![web(), worker(), ServiceStatus { service: "leaves".into(), ..web() }]);
    let mut after = fleet(vec![web(), worker(), ServiceStatus { service: "joins".into(), ..web() }]);
    after.at_ms = NOW + 5000;
    let up = |evaluation, at_ms, from, to| DecisionStatus {
        evaluation,
        at_ms,
        sentence: format!("scale {from} → {to}: cpu is work for more"),
        ..decided(from, to, "")
    };
    let web = &mut after.services[0];
    web.history = vec![up(45, NOW + 3000, 4, 5), up(43, NOW + 1000, 3, 4)];
    web.decision = Some(DecisionStatus { evaluation: 46, at_ms: NOW + 4000, ..decided(5, 5, "hold at 5: enough") });
    web.outcome = Some(Outcome {
        at_ms: NOW + 4500,
        ..outcome(OutcomeResult::Reached { from: 3, to: 5, took_ms: 1300, reasserted: None })
    });
    web.ready = 5;
    let worker = &mut after.services[1];
    worker.phase = Phase::Changing { since_ms: NOW + 2000, why: "shop-worker-1\nwas recreated".into() };
    worker.refusals = vec![Refusal {
        code: "host-network".into(),
        cause: "it uses the host's network".into(),
        cure: "use a bridge".into(),
    }];
    after.policies[0].error = Some("policies/shop.yaml:1:1: the file is empty".into());
    after.hosts[0].lost = true;
    after.hosts[0].lost_payloads = 2;
    insta::assert_snapshot!(changes(Some(&before), &after).join("\n"));
    assert_eq!(changes(Some(&after), &after), Vec::<String>::new(), "nothing changed");
}

#[test]
fn a_watch_in_observe_mode_does_not_repeat_what_each_evaluation_would_do() {
    let at = |evaluation, to| {
        let decision = DecisionStatus {
            evaluation,
            at_ms: NOW + evaluation * 1000,
            ..decided(2, to, &format!("would scale 2 → {to}: cpu is work for more"))
        };
        fleet(vec![ServiceStatus { mode: Some(Mode::Observe), decision: Some(decision), ..web() }])
    };
    assert_eq!(changes(Some(&at(1, 3)), &at(2, 3)), Vec::<String>::new());
    assert_eq!(changes(Some(&at(2, 3)), &at(3, 4)), ["00:00:03Z  shop/web  would scale 2 → 4: cpu is work for more"]);
}

/// Both on a terminal and piped, because both are read.
fn page(answer: &Status) -> String {
    format!("{}\n===== piped =====\n{}", status(answer, TERMINAL), status(answer, PIPED))
}
