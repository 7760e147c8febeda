use autoscaler::Event;

use super::*;
use crate::{
    scaler::Seen,
    scenario::{Objective, Play, Replicas, Service, Signals},
};

const START: u64 = 1_767_571_200_000;

/// Somebody who says why.
struct Stub;

impl Scaler for Stub {
    fn name(&self) -> String {
        "stub".to_owned()
    }

    fn decide(&mut self, _seen: &Seen, _told: &mut Vec<Event>, _now: Timestamp) -> Option<u32> {
        None
    }

    fn why(&self) -> String {
        "felt like it".to_owned()
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(START + seconds * 1000)
}

fn expectation(what: Expected, least: Option<f64>, most: Option<f64>) -> Expectation {
    Expectation { what, least, most, after: Duration::ZERO, until: None }
}

fn scenario(expect: Vec<Expectation>) -> Scenario {
    Scenario {
        name: String::new(),
        about: String::new(),
        from: String::new(),
        service: Service { host: String::new(), project: "shop".to_owned(), service: "web".to_owned() },
        begins: at(0),
        lasts: Duration::from_mins(10),
        every: Duration::from_secs(1),
        seed: 1,
        replicas: Replicas { start: 1, min: 1, max: 10 },
        policy: None,
        objective: Objective { latency: None, idle_per_missing: 10.0 },
        play: Play::Signals(Signals::Values(Vec::new())),
        faults: Vec::new(),
        expect,
    }
}

/// Ten minutes: 2 replicas; from 100 s 5; from 300 s 3; from 400 s 6, of which some are missing until 450 s.
fn run(judge: &mut Judge) {
    let spans = [(0, 100, 2, 2, 2), (100, 300, 5, 5, 4), (300, 400, 3, 3, 3), (400, 450, 6, 3, 6), (450, 600, 6, 6, 6)];
    let mut before = 2;
    for (from, to, target, ready, needed) in spans {
        if target != before {
            let change = Change { at: at(from), from: before, to: target, why: Stub.why() };
            judge.change(&change, &Stub);
            before = target;
        }
        let seconds = f64::from(u32::try_from(to - from).expect("short"));
        let short = ready < needed;
        judge.segment(&Segment {
            from: at(from),
            to: at(to),
            target,
            ready,
            needed,
            starting: target - ready,
            served: 10.0 * seconds,
            slow: if short { 10.0 * seconds } else { 0.0 },
            queue_from: if short { 0.0 } else { 5.0 },
            queue_to: if short { 100.0 } else { 5.0 },
            ..Segment::default()
        });
    }
}

fn judge(expectation: Expectation) -> Verdict {
    let mut judge = Judge::new(&scenario(vec![expectation]), Some(0.5));
    run(&mut judge);
    judge.verdicts().remove(0)
}

#[test]
fn each_expectation_is_met_at_its_bound_and_broken_beyond_it() {
    let cases = [
        (Expected::Replicas, None, Some(6.0), Some(5.9), 6.0, Some(400)),
        (Expected::Replicas, Some(2.0), None, Some(2.1), 2.0, Some(0)),
        (Expected::Ready, None, Some(6.0), Some(5.0), 6.0, Some(450)),
        (Expected::Changes, None, Some(3.0), Some(2.0), 3.0, Some(400)),
        (Expected::Changes, Some(3.0), None, Some(4.0), 3.0, Some(600)),
        (Expected::Reversals, None, Some(2.0), Some(1.0), 2.0, Some(400)),
        (Expected::Late, None, Some(500.0 / 6000.0), Some(0.08), 500.0 / 6000.0, Some(400)),
        (Expected::Lost, None, Some(0.0), None, 0.0, None),
        (Expected::Short, None, Some(50.0 / 600.0), Some(0.08), 50.0 / 600.0, Some(400)),
        (Expected::Waiting, None, Some(100.0), Some(99.0), 100.0, Some(400)),
        (Expected::ReplicaHours, None, Some(2700.0 / 3600.0), Some(0.7), 2700.0 / 3600.0, Some(450)),
        (Expected::Cost, None, Some(8.0 / 3.0 * 0.875), Some(2.0), 4200.0 / 3600.0 / 0.5, Some(450)),
    ];
    for (what, least, most, beyond, value, broken) in cases {
        let met = judge(expectation(what, least, most));
        assert!(met.met && met.broken_at.is_none() && met.decision.is_none(), "{met:?}");
        assert!((met.value.unwrap_or(-1.0) - value).abs() < 1e-9, "{met:?}");
        let Some(beyond) = beyond else { continue };
        let verdict = judge(match least {
            Some(_) => expectation(what, Some(beyond), None),
            None => expectation(what, None, Some(beyond)),
        });
        assert!(!verdict.met, "{verdict:?}");
        assert_eq!(verdict.broken_at, broken.map(at), "{verdict:?}");
    }
}

#[test]
fn only_what_is_within_its_span_counts() {
    let within = |what, most, after, until| {
        let span = Duration::from_secs;
        judge(Expectation { after: span(after), until: Some(span(until)), ..expectation(what, None, Some(most)) })
    };
    assert!(within(Expected::Replicas, 5.0, 0, 400).met);
    assert!(within(Expected::Changes, 1.0, 101, 400).met);
    assert_eq!(within(Expected::Reversals, 0.0, 200, 400).value, Some(1.0));
    // Waiting grows evenly from 400 s to 450 s.
    assert_eq!(within(Expected::Waiting, 50.0, 400, 425).value, Some(50.0));
    assert!((within(Expected::Late, 0.1, 425, 475).value.unwrap_or(0.0) - 0.5).abs() < 1e-9);
    assert_eq!(within(Expected::Late, 0.1, 700, 800).found, "there were no requests");
}

#[test]
fn the_verdict_names_the_decision_that_broke_it() {
    let verdict =
        judge(Expectation { after: Duration::from_mins(1), ..expectation(Expected::Changes, None, Some(1.0)) });
    let decision = verdict.decision.clone().expect("a decision");
    assert_eq!((decision.at, decision.from, decision.to, decision.why.as_str()), (at(300), 5, 3, "felt like it"));
    let judgement = verdict.judgement();
    assert_eq!(judgement.expected, "changes: at most 1 after 1m");
    assert_eq!(judgement.found, "3; broken after 5m by the change 5 → 3: felt like it");
}

#[test]
fn a_share_is_broken_from_when_on_it_stays_so() {
    let mut judge = Judge::new(&scenario(vec![expectation(Expected::Short, None, Some(0.5))]), None);
    let spans = [(0, 10, 1), (10, 100, 2), (100, 400, 1), (400, 600, 1)];
    for (from, to, ready) in spans {
        judge.segment(&Segment { from: at(from), to: at(to), ready, needed: 2, ..Segment::default() });
    }
    let verdict = judge.verdicts().remove(0);
    assert_eq!((verdict.met, verdict.broken_at), (false, Some(at(100))));
    assert_eq!(verdict.found, "85 %");
}

#[test]
fn a_cost_without_a_plan_is_not_taken_for_met() {
    let verdicts = Judge::new(&scenario(vec![expectation(Expected::Cost, None, Some(1.3))]), None).verdicts();
    assert_eq!((verdicts[0].met, verdicts[0].found.as_str()), (false, "there is no plan to compare with"));
    assert_eq!(verdicts[0].expected, "cost: at most 130 %");
}
