//! What survives a restart.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::*;

/// The buckets, as these effects leave them, read by the next controller.
pub(super) fn stored(effects: &[Effect]) -> Stored {
    damaged(effects, |_| {})
}

/// The same, with something done to what forecasts learned.
fn damaged(effects: &[Effect], damage: impl FnOnce(&mut BTreeMap<String, Bytes>)) -> Stored {
    let mut memory: BTreeMap<String, Bytes> = BTreeMap::new();
    let mut forecasts = BTreeMap::new();
    let mut decisions = BTreeMap::new();
    let mut targets = BTreeMap::new();
    for effect in effects {
        match effect {
            Effect::Memory(key, Some(saved)) => drop(memory.insert(key.in_bucket(), payload::encode(saved))),
            Effect::Forecasts(key, Some(saved)) => drop(forecasts.insert(key.in_bucket(), saved.clone())),
            Effect::Forecasts(key, None) => drop(forecasts.remove(&key.in_bucket())),
            Effect::Decisions(key, Some(saved)) => drop(decisions.insert(key.in_bucket(), payload::encode(saved))),
            Effect::Target(key, Some(target)) => drop(targets.insert(key.in_bucket(), payload::encode(target))),
            _ => {}
        }
    }
    damage(&mut forecasts);
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
    assert_eq!(writes(&written), 3, "after each minute");
    let sizes = written.iter().filter_map(|effect| match effect {
        Effect::Memory(_, Some(saved)) => Some(payload::encode(saved).len()),
        _ => None,
    });
    assert!(sizes.max().is_some_and(|most| most < 4096), "what is written often is small");
    assert_eq!(writes(&story.measure(195, "a", 2, 0.4)), 0);
    assert_eq!(writes(&story.fleet.finish(at(196))), 1);
    assert_eq!(writes(&story.settle(300)) + writes(&story.fleet.finish(at(301))), 0, "nothing was learned since");
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
fn of_many_services_what_forecasts_learned_is_written_one_after_the_other() {
    let hosts: Vec<String> = (10..40).map(|number| format!("host-{number}")).collect();
    let mut story = Story::new(&[("web.yaml", AHEAD)]);
    for host in &hosts {
        story.list(0, host, 2);
    }
    let mut written: BTreeMap<ServiceKey, Vec<u64>> = BTreeMap::new();
    for second in 1..=200 {
        for host in &hosts {
            story.sent += 1;
            let samples = samples(second, host, story.sent, 2, 0.4);
            story.fleet.hear(message(Kind::Samples, host, &samples), at(second));
        }
        let mut at_once = 0;
        for effect in story.settle(second) {
            if let Effect::Forecasts(key, Some(_)) = effect {
                written.entry(key).or_default().push(second);
                at_once += 1;
            }
        }
        assert!(at_once <= 8, "{at_once} at once");
    }
    assert_eq!(written.len(), hosts.len(), "each has its turn");
    for (key, seconds) in written {
        assert!(seconds.len() >= 3 && seconds.windows(2).all(|two| two[1] - two[0] >= 60), "{key}: {seconds:?}");
    }
}

/// What is done to something that was stored.
type Damage = fn(&mut serde_json::Value);

/// Two forecasts, of what replicas use.
const TWO: &str = "
service: shop/web
replicas: { min: 1, max: 10 }
rules:
  - forecast: { signal: memory, per_replica: 1GiB, horizon: 10s }
  - forecast: { signal: cpu, per_replica: 0.5 cores, horizon: 10s }
guards: { base: none }
";

/// What a controller leaves that has run for a while with hosts "a" and "b", and is killed.
fn left(policy: &str) -> Vec<Effect> {
    let mut story = Story::new(&[("web.yaml", policy)]);
    let mut written = [story.list(0, "a", 2), story.list(0, "b", 2)].concat();
    for second in 1..=170 {
        written.extend(story.measure(second, "a", 2, 0.4));
        written.extend(story.measure(second, "b", 2, 0.4));
    }
    written
}

#[test]
fn what_one_forecast_learned_and_cannot_be_read_is_told_once_and_lost_for_that_rule_alone() {
    let written = left(TWO);
    let entry = |bytes: &Bytes| serde_json::from_slice::<serde_json::Value>(bytes).expect("JSON");
    let ways: [(&str, Damage, [bool; 2]); 4] = [
        ("nothing", |_| {}, [true, true]),
        (
            "a value is cut out",
            |entry| {
                let forecaster = entry["forecasts"][1]["state"]["forecast"]["forecaster"].as_object_mut();
                forecaster.expect("a forecaster").remove("history").expect("it was there");
            },
            [true, false],
        ),
        ("another kind of rule", |entry| entry["forecasts"][0]["of"]["rule"]["kind"] = "oracle".into(), [false, true]),
        ("another build's", |entry| *entry = serde_json::json!({ "v": 2, "learned": [] }), [false, false]),
    ];
    for (name, damage, expected) in ways {
        let stored = damaged(&written, |forecasts| {
            let bytes = forecasts.get_mut(&key("a").in_bucket()).expect("it was written");
            let mut value = entry(bytes);
            damage(&mut value);
            *bytes = payload::encode(&value);
        });
        let told: Vec<_> = stored.unreadable.values().flatten().map(|error| error.service.to_string()).collect();
        assert_eq!(told, vec!["a/shop/web"; usize::from(name != "nothing")], "{name}: {:?}", stored.unreadable);
        let mut story = Story::restarted(&[("web.yaml", TWO)], 2, stored, 171);
        for (host, expected) in [("a", expected), ("b", [true, true])] {
            story.list(171, host, 2);
            assert_eq!(knows(&story, host), expected, "{name}: {host}");
        }
    }
}

/// Which forecasts of a service know something.
fn knows(story: &Story, host: &str) -> Vec<bool> {
    let governed = story.fleet.services.get(&key(host)).and_then(|service| service.governed.as_deref());
    let memory = governed.expect("it is governed").autoscaler.memory();
    memory.forecasts().map(|(_, state)| state.forecaster().history().newest().is_some()).collect()
}

#[test]
fn what_the_memory_of_a_service_lacks_is_no_loss_of_what_its_forecasts_learned() {
    let written: Vec<_> = left(TWO).into_iter().filter(|effect| matches!(effect, Effect::Forecasts(..))).collect();
    let mut story = Story::restarted(&[("web.yaml", TWO)], 2, stored(&written), 171);
    story.list(171, "a", 2);
    assert_eq!(knows(&story, "a"), [true, true]);
}

#[test]
fn what_forecasts_learned_that_the_policy_no_longer_has_is_removed() {
    let written = left(TWO);
    let has = |effects: &[Effect], rules: usize| {
        effects.iter().any(|effect| match effect {
            Effect::Forecasts(service, Some(saved)) => {
                let saved: serde_json::Value = serde_json::from_slice(saved).expect("JSON");
                *service == key("a") && saved["forecasts"].as_array().map(Vec::len) == Some(rules)
            }
            Effect::Forecasts(service, None) => *service == key("a") && rules == 0,
            _ => false,
        })
    };
    assert!(has(&written, 2));
    for (name, policy, rules) in [("all of them", WEB, 0), ("one of two", AHEAD, 1)] {
        let mut story = Story::restarted(&[("web.yaml", policy)], 2, stored(&written), 171);
        let mut effects = story.list(171, "a", 2);
        effects.extend(story.settle(231));
        assert!(has(&effects, rules), "{name}, while nobody ran: {effects:?}");
        let mut story = Story::restarted(&[("web.yaml", TWO)], 2, stored(&written), 171);
        story.list(171, "a", 2);
        let mut effects = story.hear(172, Input::Policies(policies(&[("web.yaml", policy)])));
        effects.extend(story.settle(231));
        assert!(has(&effects, rules), "{name}, while somebody did: {effects:?}");
    }
}

#[test]
fn a_policy_that_no_longer_forecasts_leaves_nothing_of_it() {
    let mut story = Story::new(&[("web.yaml", AHEAD)]);
    story.list(0, "a", 2);
    for second in 1..=70 {
        story.measure(second, "a", 2, 0.4);
    }
    let mut effects = story.hear(71, Input::Policies(policies(&[("web.yaml", WEB)])));
    effects.extend(story.measure(72, "a", 2, 0.4));
    assert!(effects.contains(&Effect::Forecasts(key("a"), None)), "{effects:?}");
}
