//! What is believed, what is ignored, and what is answered.

use bus::payload::{Outcome, OutcomeResult, PublishedValue, SignalSample};

use super::*;

#[test]
fn no_host_speaks_for_another() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    let forged = samples(1, "a", 99, 2, 3.0);
    assert_eq!(targets(&story.hear(1, message(Kind::Samples, "b", &forged))), []);
    assert_eq!(story.status(1).hosts.len(), 1);
}

#[test]
fn what_is_no_payload_is_ignored() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    for payload in ["", "null", "[]", "{\"v\":99}", "{\"v\":1,\"host\":7}"] {
        for kind in [Kind::Samples, Kind::Inventory, Kind::Outcome, Kind::Signal] {
            let subject = Subjects::new("test").samples("a");
            let input = Input::Message { kind, subject, payload: payload.to_owned().into() };
            assert_eq!(targets(&story.hear(1, input)), []);
        }
    }
    assert_eq!(story.fleet.complaints.len(), 1, "told once per subject");
}

#[test]
fn a_late_inventory_does_not_bring_back_what_is_gone() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    story.sent -= 1;
    story.list(1, "a", 5);
    assert_eq!(story.status(1).services[0].running, 2);
}

#[test]
fn gaps_and_what_the_agent_dropped_are_counted_per_host() {
    let mut story = Story::new(&[]);
    for (sequence, lost) in [(1, 0), (2, 0), (5, 4)] {
        let mut payload = samples(sequence, "a", sequence, 1, 0.1);
        payload.lost = lost;
        story.hear(sequence, message(Kind::Samples, "a", &payload));
    }
    assert_eq!(story.status(6).hosts[0].lost_payloads, 2 + 4);
}

#[test]
fn two_agents_of_one_name_are_noticed_and_nothing_is_changed_meanwhile() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    let sent_by = |agent: &str, second: u64, cpu_cores: f64| {
        let payload = Samples { agent: agent.to_owned(), ..samples(second, "a", second * 1000, 2, cpu_cores) };
        message(Kind::Samples, "a", &payload)
    };
    story.hear(1, sent_by("second", 1, 0.45));
    assert!(!story.status(1).hosts[0].lost, "an agent was started again");
    for second in 2..40 {
        let agent = if second % 2 == 0 { "first" } else { "second" };
        assert!(targets(&story.hear(second, sent_by(agent, second, 0.95))).iter().all(|target| target.1 == 2));
        let host = story.status(second).hosts[0].clone();
        let warned =
            host.warnings.iter().any(|it| it.starts_with("two agents call themselves a; give one another --host"));
        assert!(host.lost && warned, "{host:?}");
    }
    for second in 40..75 {
        story.hear(second, sent_by("second", second, 0.95));
    }
    let status = story.status(75);
    assert!(!status.hosts[0].lost && status.hosts[0].warnings.is_empty(), "one of them has left: {:?}", status.hosts);
    assert_eq!(status.services[0].target, Some(4));
}

#[test]
fn a_clock_that_differs_is_told_and_does_no_harm() {
    const HOUR: u64 = 3_600_000;
    let mut story = Story::new(&[("web.yaml", WEB)]);
    let mut service = web("a", 2);
    service.replicas.iter_mut().for_each(|replica| replica.ready_ms = Some(BEGIN - HOUR - 600_000));
    let inventory = Inventory {
        v: 1,
        host: "a".to_owned(),
        agent: "first".to_owned(),
        sequence: 1,
        at_ms: BEGIN - HOUR,
        engine: Some("28.5".to_owned()),
        engine_error: None,
        services: vec![service],
    };
    story.hear(0, message(Kind::Inventory, "a", &inventory));
    let mut payload = samples(1, "a", 9, 2, 0.95);
    payload.at_ms -= HOUR;
    let effects = story.hear(1, message(Kind::Samples, "a", &payload));
    assert_eq!(targets(&effects), [("a", 4, 2)]);
    assert!(story.status(1).hosts[0].warnings[0].starts_with("its clock is 3600.0 s behind"));
}

const QUEUE: &str = "
service: shop/web
replicas: { min: 1, max: 10 }
mode: act
signals:
  jobs: published
rules:
  - target: { signal: jobs, per_replica: 10 }
guards:
  warm_up: 0s
";

#[test]
fn what_an_application_publishes_scales_it() {
    let mut story = Story::new(&[("web.yaml", QUEUE)]);
    story.list(0, "a", 2);
    assert_eq!(targets(&story.hear(1, message(Kind::Signal, "jobs", &50.0))), [("a", 5, 2)]);
}

#[test]
fn what_a_replica_publishes_counts_for_the_host_that_has_it() {
    let mut story = Story::new(&[("web.yaml", QUEUE)]);
    story.list(0, "a", 1);
    story.list(0, "b", 1);
    let value = |replica: &str| PublishedValue { v: 1, value: 30.0, at_ms: None, replica: Some(replica.to_owned()) };
    assert_eq!(targets(&story.hear(1, message(Kind::Signal, "jobs", &value(&id("b", 1))))), [("b", 3, 2)]);
    assert_eq!(targets(&story.hear(2, message(Kind::Signal, "jobs", &value("b00")))), [], "too short to be sure");
}

#[test]
fn a_signal_that_no_rule_reads_is_not_kept() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    story.hear(1, message(Kind::Signal, "anything", &50.0));
    let mut payload = Samples { host_sample: None, ..samples(2, "a", 9000, 0, 0.0) };
    payload.signals.push(SignalSample {
        project: "shop".to_owned(),
        service: "web".to_owned(),
        signal: "something".to_owned(),
        at_ms: payload.at_ms,
        value: Some(1.0),
        replicas: None,
        error: None,
    });
    story.fleet.hear(message(Kind::Samples, "a", &payload), at(2));
    assert!(story.fleet.dirty.is_empty());
}

#[test]
fn only_the_outcome_of_the_newest_target_is_believed() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    story.measure(1, "a", 2, 0.95);
    let outcome = |sequence| Outcome {
        v: 1,
        host: "a".to_owned(),
        project: "shop".to_owned(),
        service: "web".to_owned(),
        term: 1,
        sequence,
        at_ms: at(2).as_millis(),
        result: OutcomeResult::Failed {
            from: 2,
            reached: 3,
            cause: "the image is gone".to_owned(),
            cure: "pull it".to_owned(),
            retry_ms: None,
        },
    };
    let sentence =
        |story: &Story| story.status(2).services[0].decision.clone().map(|it| it.sentence).unwrap_or_default();
    story.hear(2, message(Kind::Outcome, "a", &outcome(1)));
    assert!(!sentence(&story).contains("the image is gone"));
    story.hear(2, message(Kind::Outcome, "a", &outcome(2)));
    assert!(sentence(&story).contains("the image is gone: pull it"), "{}", sentence(&story));
}

#[test]
fn a_question_is_answered_with_candidates_where_it_is_not_clear() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    let ask = |story: &Story, text: &str| {
        let status = story.fleet.answer(Asked::Explain, &asking(text), at(2));
        (status.services.len(), status.error.unwrap_or_default())
    };
    assert_eq!(ask(&story, "web").1, "no service has been heard of yet: does an agent run?");
    story.list(0, "a", 2);
    assert_eq!(ask(&story, "web"), (1, String::new()));
    story.list(0, "b", 2);
    assert_eq!(ask(&story, "shop/web").1, "\"shop/web\" names more than one service: a/shop/web, b/shop/web");
    assert_eq!(ask(&story, "b/shop/web"), (1, String::new()));
    assert_eq!(ask(&story, "wbe").1, "no service is called \"wbe\"; there are a/shop/web, b/shop/web");
}

#[test]
fn an_answer_fits_into_a_message() {
    let mut story = Story::new(&[("any.yaml", &WEB.replace("shop/web", "shop/*"))]);
    let service = |number: u32| ServiceInventory { service: format!("web{number}"), ..web("a", 5) };
    story.list_as(0, "a", (0..2000).map(service).collect());
    let status = story.status(1);
    assert!(payload::encode(&status).len() <= 900_000);
    assert!(!status.services.is_empty() && !status.warnings.is_empty());
}

#[test]
fn a_status() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    story.measure(1, "a", 2, 0.45);
    story.measure(2, "a", 2, 0.95);
    let mut status = story.fleet.answer(Asked::Status, &asking("web"), at(3));
    status.services[0].replicas.truncate(1);
    insta::assert_json_snapshot!(status);
}
