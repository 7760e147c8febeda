mod forecasts;

use autoscaler::{
    event::{Observation, Reading, Replica, ReplicaId, Sample, Subject},
    policy_file,
    quantity::SignalName,
};

use super::*;

const POLICY: &str = "
service: shop/web
replicas: { min: 1, max: 9 }
signals: { jobs: published, latency: published }
rules:
  - target: { signal: jobs, per_replica: 10 }
  - threshold: { signal: latency, above: 300ms, for: 5s, add: 1 }
guards: { up: { cooldown: 3s }, down: { cooldown: 20s, stabilize: 20s }, kill_budget: 100% per 10s }
";

fn policy(text: &str) -> Policy {
    policy_file::parse("policy", text).expect("a policy").policies.remove(0)
}

fn second(second: u64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + 1000 * second)
}

/// What a controller writes of three minutes in which load comes and goes: it looks a moment after each sample, and
/// when the moment came that it had named itself.
fn recorded() -> Vec<Entry> {
    let policy = policy(POLICY);
    let mut autoscaler = Autoscaler::new(policy.clone());
    let mut entries = vec![Entry { at: second(0), what: What::Began(Box::new(autoscaler.snapshot())) }];
    let tell = |autoscaler: &mut Autoscaler, entries: &mut Vec<Entry>, event: Event, at: Timestamp| {
        autoscaler.handle_event(event.clone(), at);
        entries.push(Entry { at, what: What::Event(event) });
    };
    let look = |autoscaler: &mut Autoscaler, entries: &mut Vec<Entry>, at: Timestamp| {
        let evaluation = autoscaler.evaluate(at);
        autoscaler.record(&evaluation);
        entries.push(Entry { at, what: What::Looked { number: evaluation.number } });
        if let Verdict::Scale { .. } = evaluation.verdict {
            let sentence = explain::sentence(&evaluation);
            let decided = Decided { number: evaluation.number, verdict: evaluation.verdict, sentence };
            entries.push(Entry { at, what: What::Decided(decided) });
        }
        evaluation
    };
    for now in 0..180 {
        let listed = autoscaler.memory().target().unwrap_or(1);
        let replicas = (0..listed).map(|number| Replica {
            id: ReplicaId::new(format!("{number:064}")),
            ready_since: Some(second(0)),
            ..Replica::default()
        });
        let observation = Observation { replicas: replicas.collect(), ..Observation::default() };
        tell(&mut autoscaler, &mut entries, Event::Observed(observation), second(now));
        let jobs = if (30..90).contains(&now) { 55.0 } else { 8.0 };
        let latency = if (100..120).contains(&now) { 0.5 } else { 0.1 };
        let sample = |signal: &str, value| Sample {
            signal: SignalName::new(signal),
            of: Subject::Service,
            at: second(now),
            reading: Reading::Value(value),
        };
        tell(
            &mut autoscaler,
            &mut entries,
            Event::Samples(vec![sample("jobs", jobs), sample("latency", latency)]),
            second(now),
        );
        let evaluation = look(&mut autoscaler, &mut entries, second(now));
        if let Some(wakeup) =
            evaluation.next.filter(|wakeup| wakeup.at.plus(Duration::from_millis(7)) < second(now + 1))
        {
            look(&mut autoscaler, &mut entries, wakeup.at.plus(Duration::from_millis(7)));
        }
    }
    entries
}

#[test]
fn the_recorded_policy_decides_the_same_with_the_same_reasons() {
    let played = play(&recorded(), None, |_| {});
    assert!(played.is_the_same(), "{:#?}", played.differences);
    assert!(played.steps.len() >= 4, "{:#?}", played.steps);
    assert!(played.is_whole());
    assert_eq!(played.compared, played.steps.len() as u64, "what was no news is looked at, and not compared in full");
    assert!(played.looks >= 180);
}

#[test]
fn a_recording_that_says_something_else_is_a_difference_with_both_sides() {
    let mut entries = recorded();
    let changed = entries.iter_mut().find_map(|entry| match &mut entry.what {
        What::Decided(decided) => Some(decided),
        _ => None,
    });
    changed.expect("a decision").sentence = "scale 1 → 6: because".to_owned();
    let played = play(&entries, None, |_| {});
    assert_eq!(played.differences.len(), 1);
    let difference = &played.differences[0];
    assert_eq!(difference.recorded.as_ref().map(|decided| decided.sentence.as_str()), Some("scale 1 → 6: because"));
    assert_ne!(difference.replayed.sentence, "scale 1 → 6: because");
    assert!(!played.is_the_same());
}

#[test]
fn a_decision_that_the_recording_lacks_is_a_difference() {
    let mut entries = recorded();
    let place = entries.iter().position(|entry| matches!(entry.what, What::Decided(_))).expect("a decision");
    entries.remove(place);
    let played = play(&entries, None, |_| {});
    assert_eq!(played.differences.len(), 1);
    assert_eq!(played.differences[0].recorded, None);
}

#[test]
fn another_policy_is_told_the_same_and_decides_for_itself() {
    let slow = policy(&POLICY.replace("per_replica: 10", "per_replica: 30"));
    let mut looks = 0;
    let played = play(&recorded(), Some(&slow), |_| looks += 1);
    assert_eq!(looks, played.looks);
    assert!(!played.differences.is_empty());
    let most = played.steps.iter().filter_map(|step| step.decided.verdict.replicas()).max();
    // two for the jobs, and one more when answers get slow
    assert_eq!(most, Some(3), "{:#?}", played.steps);
}

#[test]
fn after_entries_were_lost_it_goes_on_where_everything_is_known_again() {
    let mut entries = recorded();
    let whole = play(&entries, None, |_| {});
    let middle = entries.len() / 2;
    let at = entries[middle].at;
    entries.splice(middle..middle + 6, [Entry { at, what: What::Lost { entries: 6 } }]);
    let played = play(&entries, None, |_| {});
    assert_eq!(played.lost, 6);
    assert!(played.skipped > 0 && played.looks < whole.looks);
    assert!(whole.is_whole() && !played.is_whole());
    assert!(played.is_the_same(), "{:#?}", played.differences);
}

#[test]
fn signals_by_value_are_played_and_replicas_follow_at_once() {
    let text = "\
scenario: 1
service: shop/web
lasts: 3m
replicas: { start: 1, min: 1, max: 9 }
signals:
  values:
    jobs: { draw: [{ level: 8 }, { step: { at: 30s, by: 47, for: 1m } }] }
    latency: { draw: [{ level: 0.1 }] }
";
    let files = |_: &str| Err("there is none".to_owned());
    let read = crate::scenario::read("web.yaml", text, &files).unwrap_or_else(|errors| panic!("{errors}"));
    let played = play_values(&read.scenario, &policy(POLICY), |_| {});
    let counts: Vec<u32> = played.steps.iter().filter_map(|step| step.decided.verdict.replicas()).collect();
    // 55 jobs are within a tenth of what five carry
    assert_eq!(counts.iter().copied().max(), Some(5), "{:#?}", played.steps);
    assert_eq!(counts.last(), Some(&1), "{:#?}", played.steps);
    assert!(played.looks >= 180);
}
