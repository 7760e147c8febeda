//! From what is heard to a target.

use super::*;

#[test]
fn a_service_under_a_policy_gets_an_assignment_and_its_present_count_as_target() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    let effects = story.list(0, "a", 2);
    assert!(
        matches!(&effects[0], Effect::Assignment(key, Some(assignment)) if key.host == "a" && assignment.max == 10),
        "{effects:?}"
    );
    assert_eq!(targets(&effects), [("a", 2, 1)]);
}

#[test]
fn load_scales_up_at_once_and_the_reason_travels_with_the_target() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    let effects = story.measure(1, "a", 2, 0.95);
    assert_eq!(targets(&effects), [("a", 4, 2)]);
    let reasons: Vec<&str> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Target(_, Some(target)) => Some(target.reason.as_str()),
            _ => None,
        })
        .collect();
    assert!(reasons[0].starts_with("scale 2 → 4"), "{reasons:?}");
}

#[test]
fn two_services_on_two_hosts_are_decided_apart() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    story.list(0, "b", 3);
    assert_eq!(targets(&story.measure(1, "a", 2, 0.95)), [("a", 4, 2)]);
    assert_eq!(targets(&story.measure(1, "b", 3, 0.45)), [], "its demand is what it carries");
}

#[test]
fn what_arrived_together_is_decided_once() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    for sequence in 10..20 {
        story.fleet.hear(message(Kind::Samples, "a", &samples(1, "a", sequence, 2, 0.95)), at(1));
    }
    assert_eq!(targets(&story.settle(1)), [("a", 4, 2)]);
}

#[test]
fn a_target_is_confirmed_four_times_as_often_as_it_has_to_be_and_keeps_its_number() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    let first = story.list(0, "a", 2);
    assert_eq!(targets(&first), [("a", 2, 1)]);
    assert_eq!(targets(&story.settle(14)), []);
    let confirmed = story.settle(15);
    assert_eq!(targets(&confirmed), [("a", 2, 1)]);
    assert!(
        confirmed
            .iter()
            .any(|effect| matches!(effect, Effect::Target(_, Some(target)) if target.issued_ms == at(15).as_millis()))
    );
}

#[test]
fn the_next_moment_is_always_to_come() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    story.measure(1, "a", 2, 0.95);
    story.list_as(2, "a", Vec::new());
    let mut now = at(2);
    for _ in 0..200 {
        let Some(next) = story.fleet.next_moment() else { return };
        assert!(next > now, "{next:?} is not after {now:?}");
        now = next;
        story.fleet.settle(now);
    }
    panic!("a fleet that hears nothing comes to rest, and this one does not: {:?}", story.fleet.next_moment());
}

#[test]
fn what_only_observes_publishes_no_target_and_takes_back_an_old_one() {
    let observing = WEB.replace("mode: act", "mode: observe");
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    let effects = story.hear(1, Input::Policies(policies(&[("web.yaml", &observing)])));
    assert_eq!(targets(&effects), [("a", 0, 0)]);
    for second in 2..6 {
        assert_eq!(targets(&story.measure(second, "a", 2, 0.95)), []);
    }
    let status = story.fleet.answer(Asked::Status, &asking("web"), at(6));
    let would = status.services[0].history.iter().filter(|decision| decision.verdict == "up").count();
    assert_eq!(would, 1, "what it would do is one line, however often it looks: {:?}", status.services[0].history);
}

#[test]
fn a_host_that_falls_silent_is_lost_and_its_services_hold() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    story.measure(1, "a", 2, 0.95);
    assert_eq!(
        story.fleet.services[&key("a")].governed.as_ref().and_then(|it| it.target.as_ref()).map(|it| it.replicas),
        Some(4)
    );
    for second in 2..200 {
        for (_, replicas, _) in targets(&story.settle(second)) {
            assert_eq!(replicas, 4);
        }
    }
    let status = story.status(200);
    assert!(status.hosts[0].lost);
    assert!(
        status.services[0].decision.as_ref().is_some_and(|decision| decision.sentence.contains("not been heard")),
        "{:?}",
        status.services[0].decision
    );
    story.list(201, "a", 4);
    assert!(!story.status(201).hosts[0].lost);
}

#[test]
fn when_the_link_is_back_everything_is_published_anew() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    let effects = story.hear(5, Input::Reconnected);
    assert_eq!(targets(&effects), [("a", 2, 1)]);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Assignment(_, Some(_)))));
}

#[test]
fn a_controller_with_an_older_term_steps_back_and_writes_nothing_more() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    story.hear(1, Input::Term(1));
    assert_eq!(targets(&story.measure(2, "a", 2, 0.95)), [("a", 4, 2)], "its own term is no reason");
    assert_eq!(story.hear(3, Input::Term(2)), []);
    assert_eq!(story.measure(4, "a", 2, 3.0), []);
    assert_eq!(story.settle(60), []);
    assert_eq!(story.fleet.finish(at(61)), []);
    assert!(story.status(61).warnings[0].contains("term 2"), "{:?}", story.status(61).warnings);
}
