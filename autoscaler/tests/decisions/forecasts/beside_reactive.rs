//! A forecast beside the reactive answer: the same while nothing is known, no worse where nothing can be.

use autoscaler::{
    evaluation::{Opinion, Outlook},
    explain,
};
use forecast::Gate;
use proptest::prelude::*;

use super::{GIVEN, World, reason, wave, whole};

#[test]
fn before_there_is_a_forecast_it_is_the_reactive_answer() {
    for (name, loads, expected) in [
        ("more comes", [150.0, 250.0, 450.0, 750.0], [2, 3, 5, 8]),
        ("the same", [301.0, 301.0, 301.0, 301.0], [4, 4, 4, 4]),
        ("none", [0.0, 0.0, 0.0, 0.0], [0, 0, 0, 0]),
    ] {
        let mut world = World::new(GIVEN, 10, 3);
        for (load, expected) in loads.into_iter().zip(expected) {
            let evaluation = world.requests(load);
            assert_eq!(evaluation.recommendations[0].opinion, Opinion::Wants(expected), "{name}");
            assert!(matches!(reason(&evaluation).outlook, Outlook::Learning { .. }), "{name}");
        }
    }
}

#[test]
fn where_nothing_can_be_foreseen_it_is_no_worse_than_the_reactive_answer() {
    use drawn::Kind;
    let kinds = [Kind::Bimodal, Kind::Walk, Kind::SeasonEnds, Kind::TrendBreaks, Kind::ClockChanges];
    for (kind, seed) in kinds.into_iter().flat_map(|kind| [1, 2].map(|seed| (kind, seed))) {
        let loads: Vec<f64> = drawn::draw(kind, 2400, seed).into_iter().map(|value| 10.0 * value).collect();
        // A start takes as long as a step: what is started after one serves after the next.
        let mut world = World::new("signal: requests, per_replica: 100/s, horizon: 20s", 10, 10);
        world.start = world.pace;
        // The reactive answer, and the same with each replica held for as long as a start takes.
        let (mut forecast, mut reactive, mut held) = (Bill::default(), Bill::default(), Bill::default());
        let (mut before, mut now) = (10, 10);
        let (mut held_before, mut held_now) = (10, 10);
        for load in loads {
            forecast.add(world.replicas(), world.serving(), load);
            reactive.add(now, now.min(before), load);
            held.add(held_now, held_now.min(held_before), load);
            (before, now) = (now, whole(load / 100.0));
            (held_before, held_now) = (held_now, now.max(before));
            world.requests(load);
        }
        let told = format!("{kind:?} {seed}: {forecast:?} beside {reactive:?} and {held:?}");
        assert!(forecast.cost <= 1.02 * reactive.cost.min(held.cost), "{told}");
        assert!(forecast.short <= reactive.short.min(held.short), "{told}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn unproven_it_never_goes_below_the_reactive_answer(
        loads in proptest::collection::vec(0.0..3000.0_f64, 1..150),
        rule in prop_oneof![Just(GIVEN), Just("signal: requests, per_replica: 100/s, misses: 20%, horizon: 40s")],
    ) {
        let mut world = World::new(rule, 10, 3);
        for load in loads {
            let evaluation = world.requests(load);
            let reason = reason(&evaluation);
            let proven = matches!(&reason.outlook, Outlook::Known { by, .. } if by.gate == Gate::Proven);
            if let Opinion::Wants(wanted) = evaluation.recommendations[0].opinion {
                prop_assert!(proven || wanted >= reason.reactive, "{wanted}: {reason:?}");
            }
        }
    }
}

#[test]
fn in_a_burst_it_may_only_raise_the_count() {
    let mut world = World::new(GIVEN, 10, 3);
    for step in 0..600 {
        world.requests(wave(step, 60));
    }
    let mut burst = None;
    let mut load = wave(599, 60);
    for step in 600..660 {
        // Half a minute as it was, and then a third more.
        load *= if step % 3 == 0 { 1.33 } else { 1.0 };
        let evaluation = world.requests(load);
        let reason = reason(&evaluation);
        if let (Outlook::Known { by, .. }, Opinion::Wants(wanted)) =
            (&reason.outlook, evaluation.recommendations[0].opinion)
            && by.burst
        {
            assert!(wanted >= reason.reactive, "{wanted}: {reason:?}");
            burst = Some(explain::rules(&evaluation).remove(0));
        }
    }
    let told = burst.expect("there was a burst");
    assert!(told.contains("more are missed than chance explains"), "{told}");
}

/// What a load cost: replicas that there were, and ten for each one that was missing; and how many steps were short.
#[derive(Clone, Copy, Debug, Default)]
struct Bill {
    cost: f64,
    short: u32,
}

impl Bill {
    fn add(&mut self, there: u32, serving: u32, load: f64) {
        let missing = whole(load / 100.0).saturating_sub(serving);
        self.cost += f64::from(there) + 10.0 * f64::from(missing);
        self.short += u32::from(missing > 0);
    }
}

#[expect(dead_code, reason = "forecasts' own tests draw more")]
#[path = "../../../../forecast/tests/drawn/mod.rs"]
mod drawn;
