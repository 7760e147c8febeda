//! What becomes of what a forecast learned: over restarts, gaps and edits.

use autoscaler::evaluation::{Opinion, Outlook};
use proptest::prelude::*;

use super::{GIVEN, World, bound, noise, reason};
use crate::driver::seconds;

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_changes_no_later_verdict(
        loads in proptest::collection::vec(0.0..3000.0_f64, 2..120),
        at in 0.0..1.0_f64,
        rule in prop_oneof![
            Just(GIVEN),
            Just("signal: requests, per_replica: { cpu: 70% }, misses: 5%"),
            Just("signal: requests, per_replica: 100/s, on_trial: 3m, timezone: Europe/Oslo"),
        ],
    ) {
        let (mut one, mut other) = (World::new(rule, 10, 3), World::new(rule, 10, 3));
        let restarted = count(at * f64::from(u32::try_from(loads.len()).unwrap_or(0)));
        for (place, load) in loads.into_iter().enumerate() {
            if place == restarted {
                other.restart();
            }
            prop_assert_eq!(one.requests(load), other.requests(load), "sample {}", place);
        }
    }
}

#[test]
fn after_a_gap_or_when_samples_are_late_there_is_no_forecast() {
    let learned = || {
        let mut world = World::new(GIVEN, 10, 3);
        for step in 0..100 {
            world.requests(300.0 + 50.0 * noise(step));
        }
        world
    };
    let mut world = learned();
    assert!(matches!(reason(&world.requests(310.0)).outlook, Outlook::Known { .. }));

    world.now = world.now.plus(seconds(50));
    let late = world.evaluate();
    assert!(matches!(reason(&late).outlook, Outlook::Late { age } if age == seconds(50)), "{late:?}");
    assert_eq!(late.recommendations[0].opinion, Opinion::Wants(4), "the reactive answer");

    world.now = world.now.plus(seconds(600));
    let silent = world.evaluate();
    assert_eq!(silent.recommendations[0].opinion, Opinion::Unknown);
    assert_eq!(silent.verdict.replicas(), Some(world.replicas()), "without a sample nothing changes");

    let back = world.requests(150.0);
    assert!(matches!(back.recommendations[0].opinion, Opinion::Wants(2..)), "{back:?}");
}

#[test]
fn an_edit_of_the_knob_keeps_what_was_learned() {
    let mut world = World::new(GIVEN, 10, 3);
    for step in 0..200 {
        world.requests(300.0 + 100.0 * noise(step));
    }
    let before = bound(&world.requests(300.0));
    world.edit(&format!("{GIVEN}, misses: 1%"));
    let after = bound(&world.requests(300.0));
    assert!(after > before, "the bound at 99 %, {after}, is above that at 90.9 %, {before}");
    world.edit("signal: waiting, per_replica: 100/s");
    let evaluation = world.step(&[("requests", 300.0), ("waiting", 300.0)]);
    assert!(matches!(reason(&evaluation).outlook, Outlook::Learning { .. }), "another signal is learned anew");
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
fn count(value: f64) -> usize {
    value as usize
}
