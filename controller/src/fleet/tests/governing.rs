//! Which policy is in force.

use super::*;

#[test]
fn a_service_without_a_policy_is_measured_and_left_alone() {
    let mut story = Story::new(&[]);
    assert_eq!(story.list(0, "a", 2), []);
    assert_eq!(story.measure(1, "a", 2, 0.25), []);
    let status = story.status(3);
    let signals: Vec<_> =
        status.services[0].signals.iter().map(|it| (it.signal.as_str(), it.text.as_deref(), it.age_ms)).collect();
    assert_eq!(signals, [("cpu", Some("0.5 cores"), Some(2000)), ("memory", Some("128 MiB"), Some(2000))]);
    assert_eq!((status.services[0].running, status.services[0].policy.as_deref()), (2, None));
}

#[test]
fn an_edit_keeps_what_the_guards_remember() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    story.measure(1, "a", 2, 0.95);
    story.list(2, "a", 4);
    let edited = WEB.replace("max: 10", "max: 12");
    let effects = story.hear(3, Input::Policies(policies(&[("web.yaml", &edited)])));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Assignment(_, Some(it)) if it.max == 12)));
    let mut first_removal = None;
    for second in 4..120 {
        let effects = story.measure(second, "a", 4, 0.01);
        first_removal = first_removal.or(targets(&effects).iter().any(|target| target.1 < 4).then_some(second));
    }
    assert_eq!(first_removal, Some(61), "a minute after the step up at second 1, edit or not");
}

#[test]
fn an_edit_of_another_file_changes_nothing() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    let other = WEB.replace("shop/web", "shop/other");
    assert_eq!(story.hear(1, Input::Policies(policies(&[("other.yaml", &other), ("web.yaml", WEB)]))), []);
}

#[test]
fn when_no_policy_names_it_any_more_everything_about_it_is_removed() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    assert_eq!(story.hear(1, Input::Policies(policies(&[]))), Effect::forget(&key("a")));
    assert_eq!(story.measure(2, "a", 2, 0.95), []);
}

#[test]
fn of_two_policies_for_a_service_the_first_is_in_force_and_both_places_are_named() {
    let any = WEB.replace("shop/web", "shop/*").replace("max: 10", "max: 3");
    let mut story = Story::new(&[("a.yaml", WEB), ("b.yaml", &any)]);
    story.list(0, "a", 2);
    let status = story.status(1);
    assert_eq!(status.services[0].max, Some(10));
    assert_eq!(
        status.services[0].warnings,
        ["b.yaml (shop/*) names it as well and is not in force, because a.yaml (shop/web) comes first"]
    );
    assert_eq!(status.policies[0].warnings, [""; 0]);
    assert_eq!(
        status.policies[1].warnings,
        ["a/shop/web: b.yaml (shop/*) is not in force, because a.yaml (shop/web) comes first"]
    );
}

#[test]
fn what_earlier_controllers_left_goes_once_no_policy_names_it() {
    let stored = || Stored { services: [key("a"), key("b")].into(), ..Stored::default() };
    let only_a = WEB.replace("shop/web", "a/shop/web");
    let mut story = Story::restarted(&[("web.yaml", &only_a)], 2, stored(), 0);
    assert_eq!(story.settle(0), [], "its labels may put it under a policy");
    assert_eq!(story.list(1, "b", 2), Effect::forget(&key("b")));

    let unread = PolicySet { complete: false, ..policies(&[("web.yaml", &only_a)]) };
    let mut story = Story::restarted(&[], 2, stored(), 0);
    story.fleet.replace_policies(unread, at(0));
    assert_eq!(story.list(1, "b", 2), [], "a file that cannot be read may name it");
}

#[test]
fn a_service_that_went_down_is_kept_for_ten_seconds_and_then_forgotten() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    story.measure(1, "a", 2, 0.95);
    assert_eq!(targets(&story.list_as(10, "a", Vec::new())), []);
    assert_eq!(targets(&story.list_as(19, "a", Vec::new())), [], "not confirmed either");
    assert_eq!(story.list_as(20, "a", Vec::new()), Effect::forget(&key("a")));
    assert!(story.status(21).services.is_empty());
}

#[test]
fn a_service_first_seen_while_compose_starts_or_stops_it_gets_its_target_once_it_stands_still() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    let phase = |phase, replicas| vec![ServiceInventory { phase, ..web("a", replicas) }];
    let since_ms = BEGIN;
    let changing = || payload::Phase::Changing { since_ms, why: "compose".to_owned() };
    assert_eq!(targets(&story.list_as(0, "a", phase(payload::Phase::Stopped { since_ms }, 0))), []);
    assert_eq!(targets(&story.list_as(1, "a", phase(changing(), 1))), []);
    assert_eq!(targets(&story.list_as(2, "a", phase(changing(), 4))), []);
    assert!(story.status(2).services[0].decision.is_some(), "what holds it is told");
    assert_eq!(targets(&story.list(12, "a", 5)), [("a", 5, 1)]);
    assert_eq!(targets(&story.list_as(30, "a", phase(changing(), 2))), [("a", 5, 1)], "from then on it is held");
}

#[test]
fn a_service_that_compose_recreates_goes_on_where_it_was() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    story.measure(1, "a", 2, 0.95);
    story.list_as(10, "a", Vec::new());
    assert_eq!(targets(&story.list(30, "a", 2)), [("a", 4, 2)]);
}

#[test]
fn labels_put_a_service_under_a_policy_and_a_file_overrules_them() {
    let labelled = |max: &str| {
        let labels = [("ballast.max", max), ("ballast.min", "3"), ("ballast.cpu", "70%")];
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        vec![ServiceInventory { labels, ..web("a", 2) }]
    };
    let mut story = Story::new(&[]);
    assert_eq!(targets(&story.list_as(0, "a", labelled("5"))), [("a", 3, 1)], "min of the labels");
    let status = story.status(1);
    assert_eq!(status.services[0].policy.as_deref(), Some("its labels"));
    story.fleet.replace_policies(policies(&[("web.yaml", WEB)]), at(2));
    let status = story.status(3);
    assert_eq!((status.services[0].min, status.services[0].max), (Some(1), Some(10)), "the file wins");
    story.fleet.replace_policies(policies(&[]), at(4));
    story.list_as(5, "a", labelled("many"));
    let status = story.status(6);
    assert_eq!(status.services[0].max, Some(5), "the last good ones stay in force");
    let error = status.services[0].policy_error.clone().unwrap_or_default();
    assert!(error.contains("label ballast.max") && error.contains("many"), "{error}");
}
