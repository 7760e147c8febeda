#![expect(clippy::float_cmp, reason = "hand-computed sums of whole numbers are exact")]

use std::time::Duration;

use autoscaler::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::{
    scenario::{LatencyObjective, Objective, Play, Replicas, Service, Signals},
    simulation::Latency,
};

const START: u64 = 1_000_000;

/// Seconds, supply, demand.
type Span = (u64, u32, u32);

fn scenario() -> Scenario {
    let service = Service { host: String::new(), project: "shop".to_owned(), service: "web".to_owned() };
    Scenario {
        name: String::new(),
        about: String::new(),
        from: String::new(),
        service,
        begins: Timestamp::from_millis(START),
        lasts: Duration::from_mins(10),
        every: Duration::from_secs(1),
        seed: 1,
        replicas: Replicas { start: 1, min: 1, max: 10 },
        policy: None,
        objective: Objective {
            latency: Some(LatencyObjective { quantile: 0.95, below: 0.25 }),
            idle_per_missing: 10.0,
        },
        play: Play::Signals(Signals::Values(Vec::new())),
        faults: Vec::new(),
        expect: Vec::new(),
    }
}

fn measure(spans: &[Span]) -> Measures {
    let mut meter = Meter::new(&scenario());
    let mut from = Timestamp::from_millis(START);
    for &(seconds, ready, needed) in spans {
        let to = from.plus(Duration::from_secs(seconds));
        meter.segment(&Segment { from, to, target: ready, ready, needed, ..Segment::default() });
        from = to;
    }
    meter.measures()
}

/// Measures spans of a minute, each with what the requests were like.
fn felt(minutes: &[Segment]) -> Users {
    let mut meter = Meter::new(&scenario());
    let mut from = Timestamp::from_millis(START);
    for minute in minutes {
        let to = from.plus(Duration::from_mins(1));
        meter.segment(&Segment { from, to, ..minute.clone() });
        from = to;
    }
    meter.measures().users
}

fn changed(steps: &[(u64, u32, u32)]) -> Cost {
    let mut meter = Meter::new(&scenario());
    for &(seconds, from, to) in steps {
        let at = Timestamp::from_millis(START + seconds * 1000);
        meter.cost.change(&Change { at, from, to, why: String::new() });
    }
    meter.measures().cost
}

#[test]
fn elasticity_is_what_is_computed_by_hand() {
    // 4 min with half of what is needed, 4 min with twice as much, 2 min right.
    let measures = measure(&[(240, 2, 4), (240, 4, 2), (120, 2, 2)]);
    let Elasticity { theta_u, theta_o, a_o, accuracy_u, accuracy_o, tau_u, tau_o, jitter, .. } = measures.elasticity;
    assert_eq!((theta_u, theta_o, a_o), (20.0, 40.0, 20.0));
    assert_eq!((accuracy_u, accuracy_o), (0.8, 0.8));
    assert_eq!((tau_u, tau_o), (40.0, 40.0));
    // Supply moved by 2 and 2, demand by 2, in ten minutes.
    assert_eq!(jitter, 0.2);
    assert_eq!(measures.cost.replica_hours, (240.0 * 2.0 + 240.0 * 4.0 + 120.0 * 2.0) / 3600.0);
    assert_eq!(measures.cost.missing_hours, 480.0 / 3600.0);
    assert_eq!(measures.cost.total, (1680.0 + 10.0 * 480.0) / 3600.0);
    assert_eq!((measures.cost.mean_replicas, measures.cost.most_replicas), (2.8, 4));
}

#[test]
fn cpu_is_told_in_all_and_for_each_second_in_which_a_replica_serves() {
    let mut meter = Meter::new(&scenario());
    let mut from = Timestamp::from_millis(START);
    // Those that start use CPU, too, but nobody has it measured, and they serve nobody.
    for (seconds, ready, starting, busy_cores) in [(600, 2, 2, 1.0), (1200, 4, 0, 2.0)] {
        let to = from.plus(Duration::from_secs(seconds));
        meter.segment(&Segment { from, to, ready, starting, busy_cores, ..Segment::default() });
        from = to;
    }
    let cost = meter.measures().cost;
    assert_eq!((cost.core_hours, cost.mean_cores), (3000.0 / 3600.0, 3000.0 / 1800.0));
    assert_eq!(cost.cores_per_replica, Some(3000.0 / 6000.0));
    assert_eq!(measure(&[(60, 0, 1)]).cost.cores_per_replica, None);
}

#[test]
fn no_demand_counts_as_one_replica() {
    let elasticity = measure(&[(60, 3, 0)]).elasticity;
    assert_eq!((elasticity.theta_o, elasticity.a_o, elasticity.theta_u), (300.0, 100.0, 0.0));
}

#[test]
fn instability_tells_by_the_minute_which_way_supply_and_demand_went() {
    let cases: [(&str, &[Span], f64, f64, f64); 6] = [
        ("both rise in the same minute", &[(50, 1, 1), (5, 1, 2), (65, 2, 2)], 0.0, 0.0, 0.0),
        ("supply a minute late", &[(50, 1, 1), (60, 1, 2), (70, 2, 2)], 200.0 / 3.0, 100.0 / 3.0, 100.0 / 3.0),
        ("supply rises alone", &[(30, 1, 1), (30, 2, 1), (60, 2, 1)], 50.0, 50.0, 0.0),
        ("supply falls alone", &[(30, 2, 1), (90, 1, 1)], 50.0, 0.0, 50.0),
        ("opposite ways count once", &[(30, 2, 1), (30, 1, 2)], 100.0, 0.0, 100.0),
        ("what is back within the minute has not moved", &[(10, 1, 1), (10, 2, 1), (40, 1, 1)], 0.0, 0.0, 0.0),
    ];
    for (name, spans, instability, k, k_prime) in cases {
        let found = measure(spans).elasticity;
        assert_eq!((found.instability, found.k, found.k_prime), (instability, k, k_prime), "{name}");
    }
}

#[test]
fn the_speedup_is_clipped_where_nothing_is_wrong() {
    let unscaled = measure(&[(300, 2, 4), (300, 2, 1)]).elasticity;
    let perfect = measure(&[(300, 4, 4), (300, 1, 1)]).elasticity;
    assert_eq!(unscaled.speedup(&unscaled), 1.0);
    let by_hand = (25.0_f64 / 0.01 * 50.0 / 0.01 * 50.0 / 0.01 * 50.0 / 0.01).powf(0.25);
    assert!((perfect.speedup(&unscaled) / by_hand - 1.0).abs() < 1e-12);
}

#[test]
fn the_deviation_is_the_fifth_root_of_fifth_powers() {
    let found = measure(&[(60, 2, 4), (60, 2, 4)]).elasticity;
    assert_eq!((found.theta_u, found.tau_u), (50.0, 100.0));
    assert!((found.deviation - (50.0_f64.powi(5) + 100.0_f64.powi(5)).powf(0.2)).abs() < 1e-9);
}

#[test]
fn users_are_asked_by_request_and_by_minute() {
    let minute = |served: f64, slow: f64, lost: f64, shift: f64| Segment {
        offered: served + lost,
        served,
        slow,
        tolerating: slow,
        lost,
        latency: Latency { shift, tail: 0.0, scale: 0.0 },
        in_flight: 4.0,
        ..Segment::default()
    };
    let quiet = Segment::default();
    let users = felt(&[
        minute(100.0, 5.0, 0.0, 0.1),   // just allowed
        minute(100.0, 100.0, 0.0, 0.5), // all too slow
        minute(90.0, 0.0, 10.0, 0.1),   // a tenth lost
        quiet,                          // nobody came
    ]);
    assert_eq!(users.late, Some(115.0 / 300.0));
    assert!((users.compliance_gap.unwrap_or(0.0) - (115.0 / 300.0 - 0.05)).abs() < 1e-12, "{users:?}");
    assert_eq!(users.dropped, Some(10.0 / 300.0));
    assert_eq!(users.bad_minutes, Some(0.5));
    assert_eq!(users.apdex, Some((185.0 + 105.0 / 2.0) / 300.0));
    assert!((users.excess.unwrap_or(0.0) - 0.25).abs() < 0.006, "{:?}", users.excess);
    assert!((users.latency_p99.unwrap_or(0.0) / 0.5 - 1.0).abs() < 0.0101);
    assert_eq!(users.backlog_mean, 3.0);
}

#[test]
fn without_requests_or_an_objective_nothing_is_claimed() {
    let users = felt(&[Segment::default()]);
    assert_eq!((users.late, users.dropped, users.apdex, users.latency_p50), (None, None, None, None));
    let mut lax = scenario();
    lax.objective.latency = None;
    let users = Meter::new(&lax).measures().users;
    assert_eq!((users.bad_minutes, users.excess, users.apdex, users.compliance_gap), (None, None, None, None));
}

#[test]
fn an_episode_lasts_until_what_has_piled_up_is_worked_off() {
    let mut episodes = recovery::Episodes::new(Some(2));
    let spans = [
        (10, 2, 2, 3.0, 3.0),   // steady
        (10, 2, 4, 3.0, 103.0), // short
        (10, 4, 4, 103.0, 3.0), // enough, but still working off
        (10, 4, 4, 3.0, 3.0),   // over
        (30, 1, 2, 3.0, 3.0),   // short again, to the end
    ];
    let mut from = Timestamp::from_millis(START);
    for (seconds, ready, needed, queue_from, queue_to) in spans {
        let to = from.plus(Duration::from_secs(seconds));
        let in_flight = f64::midpoint(queue_from, queue_to);
        episodes.add(&Segment { from, to, ready, needed, queue_from, queue_to, in_flight, ..Segment::default() });
        from = to;
    }
    let recovery = episodes.recovery();
    assert_eq!((recovery.episodes, recovery.longest), (2, Some(30.0)));
    assert!((recovery.median.unwrap_or(0.0) / 20.0 - 1.0).abs() < 0.0101, "{recovery:?}");
    assert_eq!(recovery.backlog, 530.0 + 530.0 + 90.0);
}

#[test]
fn changes_are_counted_with_their_replicas_and_turns() {
    let cost = changed(&[(0, 1, 4), (300, 4, 3), (400, 3, 3), (900, 3, 5), (1501, 5, 1)]);
    assert_eq!((cost.changes, cost.started, cost.stopped, cost.reversals), (4, 5, 5, 2));
}

proptest! {
    #[test]
    fn supply_that_is_demand_has_nothing_wrong(spans in prop::collection::vec((1..200_u64, 0..20_u32), 1..50)) {
        let spans: Vec<_> = spans.into_iter().map(|(seconds, count)| (seconds, count, count)).collect();
        prop_assert_eq!(measure(&spans).elasticity, Elasticity::default());
    }

    #[test]
    fn cutting_spans_changes_nothing(spans in prop::collection::vec((2..200_u64, 0..20_u32, 0..20_u32), 1..30)) {
        let halves = spans.iter().flat_map(|&(seconds, ready, needed)| {
            [(seconds / 2, ready, needed), (seconds - seconds / 2, ready, needed)]
        });
        let (whole, cut) = (measure(&spans), measure(&halves.collect::<Vec<_>>()));
        prop_assert_eq!(&whole.cost, &cut.cost);
        prop_assert!((whole.elasticity.theta_u - cut.elasticity.theta_u).abs() < 1e-9);
        prop_assert!((whole.elasticity.a_o - cut.elasticity.a_o).abs() < 1e-9);
        prop_assert_eq!(whole.elasticity.instability, cut.elasticity.instability);
        prop_assert_eq!(whole.elasticity.jitter, cut.elasticity.jitter);
    }

    #[test]
    fn measures_hold_together(spans in prop::collection::vec((1..200_u64, 0..20_u32, 0..20_u32), 1..50)) {
        let Measures { elasticity, cost, lasts, .. } = measure(&spans);
        prop_assert!(elasticity.tau_u + elasticity.tau_o <= 100.0 + 1e-9);
        prop_assert!((elasticity.k + elasticity.k_prime - elasticity.instability).abs() < 1e-9);
        prop_assert!(elasticity.a_o <= 100.0 && elasticity.theta_u <= 100.0 + 1e-9);
        prop_assert!((elasticity.accuracy_u * lasts / 3600.0 - cost.missing_hours).abs() < 1e-9);
        prop_assert!((cost.total - cost.replica_hours - 10.0 * cost.missing_hours).abs() < 1e-9);
    }
}
