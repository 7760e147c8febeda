//! What survives a restart.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::*;

/// The buckets, as these effects leave them, read by the next controller.
fn stored(effects: &[Effect]) -> Stored {
    let mut memory: BTreeMap<String, Bytes> = BTreeMap::new();
    let mut forecasts = BTreeMap::new();
    let mut decisions = BTreeMap::new();
    let mut targets = BTreeMap::new();
    for effect in effects {
        match effect {
            Effect::Memory(key, Some(saved)) => drop(memory.insert(key.in_bucket(), payload::encode(saved))),
            Effect::Forecasts(key, Some(saved)) => drop(forecasts.insert(key.in_bucket(), payload::encode(saved))),
            Effect::Forecasts(key, None) => drop(forecasts.remove(&key.in_bucket())),
            Effect::Decisions(key, Some(saved)) => drop(decisions.insert(key.in_bucket(), payload::encode(saved))),
            Effect::Target(key, Some(target)) => drop(targets.insert(key.in_bucket(), payload::encode(target))),
            _ => {}
        }
    }
    Stored::read(&memory, &forecasts, &decisions, &targets, &BTreeMap::new())
}

#[test]
fn killed_between_memory_and_target_the_newer_of_both_holds() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    let first = story.list(0, "a", 2);
    let second = story.measure(1, "a", 2, 0.95);
    let position = |wanted: fn(&Effect) -> bool| second.iter().position(wanted);
    let (memory, target) =
        (position(|it| matches!(it, Effect::Memory(..))), position(|it| matches!(it, Effect::Target(..))));
    assert!(memory < target && memory.is_some(), "memory is to be written first: {second:?}");
    for lost in [memory, target] {
        let mut written = first.clone();
        written.extend(second.iter().enumerate().filter(|(at, _)| Some(*at) != lost).map(|(_, it)| it.clone()));
        let mut story = Story::restarted(&[("web.yaml", WEB)], 2, stored(&written), 20);
        assert_eq!(targets(&story.list(20, "a", 2)), [("a", 4, 3)]);
    }
}

#[test]
fn killed_mid_cooldown_nothing_is_removed_earlier_and_nothing_added_twice() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    let mut written = story.list(0, "a", 2);
    written.extend(story.measure(1, "a", 2, 0.95));
    drop(story);

    let mut story = Story::restarted(&[("web.yaml", WEB)], 2, stored(&written), 20);
    assert_eq!(targets(&story.list(20, "a", 2)), [("a", 4, 3)], "the same target, with the new term's number");
    assert_eq!(targets(&story.measure(21, "a", 2, 0.95)), [], "four carry that load already");
    story.list(22, "a", 4);
    let mut first_removal = None;
    for second in 23..120 {
        let effects = story.measure(second, "a", 4, 0.01);
        first_removal = first_removal.or(targets(&effects).iter().any(|target| target.1 < 4).then_some(second));
    }
    assert_eq!(first_removal, Some(61), "a minute after the step up at second 1, restart or not");
    let history = story.fleet.answer(Asked::Explain, &asking("web"), at(120)).services[0].history.clone();
    assert!(history.iter().any(|decision| decision.verdict == "up" && decision.at_ms == at(1).as_millis()));
}

#[test]
fn memory_is_written_at_once_when_scaled_and_every_few_seconds_otherwise() {
    let writes = |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::Memory(..))).count();
    let mut story = Story::new(&[("web.yaml", WEB)]);
    assert_eq!(writes(&story.list(0, "a", 2)), 1);
    assert_eq!(writes(&story.measure(1, "a", 2, 0.45)), 0);
    assert_eq!(writes(&story.measure(2, "a", 2, 0.95)), 1);
    assert_eq!(writes(&story.measure(3, "a", 2, 0.95)), 0);
    assert_eq!(writes(&story.settle(7)), 1);
    story.measure(8, "a", 2, 0.95);
    assert_eq!(writes(&story.fleet.finish(at(8))), 1);
}

#[test]
fn memory_that_cannot_be_read_is_started_afresh() {
    let memory = BTreeMap::from([(key("a").in_bucket(), Bytes::from_static(b"{\"v\":1,\"at\":\"yesterday\"}"))]);
    let stored = Stored::read(&memory, &BTreeMap::new(), &BTreeMap::new(), &BTreeMap::new(), &BTreeMap::new());
    let mut story = Story::restarted(&[("web.yaml", WEB)], 2, stored, 20);
    assert_eq!(targets(&story.list(20, "a", 3)), [("a", 3, 1)]);
}

#[test]
fn memory_of_the_future_is_not_trusted() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(4000, "a", 2);
    let written = story.measure(4001, "a", 2, 0.95);
    let mut story = Story::restarted(&[("web.yaml", WEB)], 2, stored(&written), 20);
    assert_eq!(targets(&story.list(20, "a", 3)), [("a", 3, 1)]);
}

#[test]
fn memory_of_a_service_that_its_host_no_longer_has_is_removed() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    let written = story.list(0, "a", 2);
    let mut story = Story::restarted(&[("web.yaml", WEB)], 2, stored(&written), 20);
    assert_eq!(story.list_as(20, "a", Vec::new()), Effect::forget(&key("a")));
}

#[test]
fn history_is_bounded() {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    for round in 0..200 {
        let second = round * 200;
        story.list(second, "a", 2);
        story.measure(second + 1, "a", 2, if round % 2 == 0 { 0.95 } else { 0.01 });
    }
    let status = story.fleet.answer(Asked::Status, &asking("web"), at(40_000));
    assert_eq!(status.services[0].history.len(), 100);
}

/// [`WEB`] by a forecast.
const AHEAD: &str = "
service: shop/web
replicas: { min: 1, max: 10 }
rules:
  - forecast: { signal: cpu, per_replica: 0.5 cores, horizon: 10s }
guards: { base: none }
";

/// How many forecasts were compared with what came, as it is explained.
fn told(story: &Story, second: u64) -> String {
    story.fleet.answer(Asked::Explain, &asking("web"), at(second)).services[0].history[0].rules.join("; ")
}

#[test]
fn what_forecasts_learned_is_written_apart_at_most_once_a_minute_and_at_the_end() {
    let writes = |effects: &[Effect]| effects.iter().filter(|it| matches!(it, Effect::Forecasts(_, Some(_)))).count();
    let mut story = Story::new(&[("web.yaml", AHEAD)]);
    let mut written = story.list(0, "a", 2);
    for second in 1..=180 {
        written.extend(story.measure(second, "a", 2, 0.4));
    }
    assert_eq!(writes(&written), 4, "at the start, and after each minute");
    let sizes = written.iter().filter_map(|effect| match effect {
        Effect::Memory(_, Some(saved)) => Some(payload::encode(saved).len()),
        _ => None,
    });
    assert!(sizes.max().is_some_and(|most| most < 4096), "what is written often is small");
    assert_eq!(writes(&story.measure(181, "a", 2, 0.4)), 0);
    assert_eq!(writes(&story.fleet.finish(at(182))), 1);
}

#[test]
fn killed_a_controller_loses_a_minute_of_what_forecasts_learned_and_ended_nothing() {
    for (name, ends) in [("killed", false), ("ended", true)] {
        let mut story = Story::new(&[("web.yaml", AHEAD)]);
        let mut written = story.list(0, "a", 2);
        for second in 1..=170 {
            written.extend(story.measure(second, "a", 2, 0.4));
        }
        if ends {
            written.extend(story.fleet.finish(at(170)));
        }
        let mut story = Story::restarted(&[("web.yaml", AHEAD)], 2, stored(&written), 171);
        story.list(171, "a", 2);
        story.measure(172, "a", 2, 0.4);
        let told = told(&story, 172);
        assert!(!told.contains("there is no forecast yet"), "{name}: {told}");
    }
}

#[test]
fn a_policy_that_no_longer_forecasts_leaves_nothing_of_it() {
    let mut story = Story::new(&[("web.yaml", AHEAD)]);
    story.list(0, "a", 2);
    story.measure(1, "a", 2, 0.4);
    let mut effects = story.hear(2, Input::Policies(policies(&[("web.yaml", WEB)])));
    effects.extend(story.measure(3, "a", 2, 0.4));
    assert!(effects.contains(&Effect::Forecasts(key("a"), None)), "{effects:?}");
}
