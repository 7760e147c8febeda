//! What a forecast asks for beside what is to come, and when nobody listens to it.

use std::f64::consts::TAU;

use autoscaler::{evaluation::Opinion, explain};

use super::{GIVEN, World, reason, wave, whole};
use crate::driver::seconds;

#[test]
fn what_was_wanted_stays_for_as_long_as_a_start_takes_and_not_longer() {
    let mut world = World::new("signal: requests, per_replica: 100/s", 5, 3);
    world.start = seconds(30);
    // Until a start was seen, 30 s are assumed.
    world.requests(900.0);
    let mut wanted = Vec::new();
    for _ in 0..7 {
        let evaluation = world.requests(200.0);
        wanted.push(match evaluation.recommendations[0].opinion {
            Opinion::Wants(wanted) => wanted,
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(wanted[..5], [9, 9, 9, 9, 9], "for 30 s");
    assert!(wanted[6] < 9, "and no longer: {wanted:?}");
}

#[test]
fn what_waits_brings_more_replicas_until_it_is_gone() {
    let rule = "signal: requests, per_replica: 100/s, backlog: { signal: waiting, within: 30s }";
    for (waiting, boost) in [(0.0, 0), (1.0, 1), (3000.0, 1), (3001.0, 2), (30_000.0, 10)] {
        let mut world = World::new(rule, 10, 3);
        let evaluation = world.step(&[("requests", 250.0), ("waiting", waiting)]);
        assert_eq!(evaluation.recommendations[0].opinion, Opinion::Wants(3 + boost), "{waiting} wait");
        assert_eq!(reason(&evaluation).backlog, Some((waiting, boost)));
    }
    let mut world = World::new(rule, 10, 3);
    let evaluation = world.requests(250.0);
    assert_eq!(evaluation.recommendations[0].opinion, Opinion::Wants(3), "an unknown backlog is none");
}

#[test]
fn what_a_replica_carries_is_learned_and_refused_with_progress_before() {
    let mut world = World::new("signal: requests, per_replica: { cpu: 70% }", 10, 4);
    world.work = (0.005, 0.02);
    let mut refused = String::new();
    for step in 0..100 {
        let evaluation = world.requests(300.0 + 200.0 * (TAU * f64::from(step) / 24.0).sin());
        if step == 12 {
            refused = explain::rules(&evaluation).remove(0);
            assert_eq!(evaluation.recommendations[0].opinion, Opinion::Unknown);
        }
    }
    let evaluation = world.requests(500.0);
    let reason = reason(&evaluation);
    assert!((reason.per_replica - 136.0).abs() < 5.0, "(0.7 − 0.02) / 0.005 = 136, not {}", reason.per_replica);
    assert_eq!(reason.reactive, 4);
    insta::assert_snapshot!(format!("{refused}\n\n{}", explain::rules(&evaluation).remove(0)));
}

#[test]
fn on_trial_it_does_not_act_before_it_was_cheaper() {
    let rule = format!("{GIVEN}, on_trial: 30m");
    let mut world =
        World::beside(&rule, "- target: { signal: requests, per_replica: 100/s, tolerance: 0%, window: 1s }", 10, 3);
    let mut passed = None;
    let mut told = String::new();
    for step in 0..1000 {
        let evaluation = world.requests(wave(step, 60));
        let on_trial = reason(&evaluation).trial.is_some();
        assert_eq!(evaluation.recommendations[0].observes, on_trial);
        if on_trial {
            assert_eq!(evaluation.verdict.replicas(), Some(whole(wave(step, 60) / 100.0).max(1)), "the other rule's");
            told = explain::rules(&evaluation).remove(0);
        } else {
            passed = passed.or(Some(step));
        }
    }
    let passed = passed.expect("it was cheaper in the end");
    assert!(passed > 180, "30 min are 180 steps: {passed}");
    assert!(told.contains("it is on trial"), "{told}");
}

#[test]
fn what_only_observes_never_acts() {
    let other = "  observe: true\n- target: { signal: requests, per_replica: 100/s, tolerance: 0%, window: 1s }";
    let mut world = World::beside(GIVEN, other, 10, 3);
    for step in 0..300 {
        let evaluation = world.requests(wave(step, 60));
        assert_eq!(evaluation.verdict.replicas(), Some(whole(wave(step, 60) / 100.0).max(1)), "the other rule's");
    }
}
