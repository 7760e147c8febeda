use std::{f64::consts::TAU, time::Duration};

use autoscaler::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::scenario::{
    Arrivals, BEGINS, Balance, Demand, Gaps, Host, Load, LoadKind, Objective, Queue, Replicas, Series, Service,
    ServiceModel, Shared, Signals, Start,
};

const HOUR: u64 = 3600;

#[test]
fn what_jumps_does_so_at_its_moment_and_nowhere_else() {
    let s = Duration::from_secs;
    let ms = Duration::from_millis;
    for (name, part, expected) in [
        ("level", Part::Level(4.0), vec![(0, 4.0)]),
        ("step to the end", Part::Step { at: ms(1500), by: 3.0, lasts: None }, vec![(0, 0.0), (1500, 3.0)]),
        (
            "step that ends",
            Part::Step { at: s(2), by: 3.0, lasts: Some(s(5)) },
            vec![(0, 0.0), (2000, 3.0), (7000, 0.0)],
        ),
        ("step at the beginning", Part::Step { at: s(0), by: 3.0, lasts: None }, vec![(0, 3.0)]),
        ("step of no length", Part::Step { at: s(2), by: 3.0, lasts: Some(s(0)) }, vec![(0, 0.0)]),
        ("step after the end", Part::Step { at: s(20), by: 3.0, lasts: None }, vec![(0, 0.0)]),
        (
            "on and off",
            Part::OnOff { level: 2.0, on: ms(2500), off: ms(1500) },
            vec![(0, 2.0), (2500, 0.0), (4000, 2.0), (6500, 0.0), (8000, 2.0)],
        ),
        ("always on", Part::OnOff { level: 2.0, on: s(3), off: s(0) }, vec![(0, 2.0)]),
        ("ramp without length", Part::Ramp { from: s(3), over: s(0), by: 2.0 }, vec![(0, 0.0), (3000, 2.0)]),
        ("flash that ends at once", Part::Flash { at: s(3), rise: s(0), by: 2.0, fade: s(0) }, vec![(0, 0.0)]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|(at, value)| (ms(at), Some(value))).collect();
        assert_eq!(walked(vec![part], 10), expected, "{name}");
    }
}

type Form = Box<dyn Fn(f64) -> f64>;

#[test]
fn what_changes_all_the_time_has_the_value_of_the_middle_of_each_piece() {
    let s = Duration::from_secs;
    let phase = s(90);
    let (from, over) = (Duration::from_millis(100_500), s(60));
    let ramp = move |t: f64| 12.0 * ((t - 100.5) / 60.0).clamp(0.0, 1.0);
    let flash = move |t: f64| match t {
        ..200.0 => 0.0,
        ..230.0 => 90.0 * (t - 200.0) / 30.0,
        _ => 90.0 * (-(t - 230.0) / 120.0).exp(),
    };
    let cases: [(&str, Part, Form); 4] = [
        (
            "sine",
            Part::Sine { amplitude: 5.0, period: s(600), phase },
            Box::new(|t| (5.0 * (TAU * (t + 90.0) / 600.0).sin()).max(0.0)),
        ),
        ("ramp", Part::Ramp { from, over, by: 12.0 }, Box::new(ramp)),
        ("flash", Part::Flash { at: s(200), rise: s(30), by: 90.0, fade: s(120) }, Box::new(flash)),
        ("sawtooth", Part::Sawtooth { amplitude: 7.0, period: s(70) }, Box::new(|t| 7.0 * (t % 70.0) / 70.0)),
    ];
    for (name, part, form) in cases {
        let pieces = pieces(&[part], HOUR);
        assert!(pieces.len() > 50, "{name}");
        for (from, until, value) in pieces.into_iter().filter(|(.., value)| *value > 0.0) {
            // Neighbours that are equal are one: the two sides of a sine's top, for one.
            let middle = f64::midpoint(from, until.min(from.floor() + 1.0));
            assert!((value - form(middle)).abs() < 1e-9, "{name} at {middle}: {value}, not {}", form(middle));
        }
    }
}

#[test]
fn a_day_has_its_peak_and_a_week_its_weekend_by_wall_clock() {
    let daily = Part::Daily { peak: 100.0, night: 0.2, at: Duration::from_secs(15 * HOUR), weekend: 0.4 };
    // Monday at 08:00.
    let mut scenario = scenario(7 * 24 * HOUR);
    scenario.begins = BEGINS.plus(Duration::from_secs(8 * HOUR));
    let values: Vec<_> = walk(&[daily], &scenario).collect();
    let at = |hours: u64| {
        let after = values.partition_point(|(at, _)| *at <= Duration::from_secs(hours * HOUR));
        values[after - 1].1.expect("a value")
    };
    for (name, hours, expected) in [
        ("Monday 15:00", 7, 100.0),
        ("Tuesday 03:00", 19, 20.0),
        ("Tuesday 09:00", 25, 60.0),
        ("Friday 15:00", 4 * 24 + 7, 100.0),
        ("Saturday 15:00", 5 * 24 + 7, 40.0),
        ("Sunday 03:00", 5 * 24 + 19, 8.0),
        ("Sunday 23:00", 6 * 24 + 15, 40.0 * (0.2 + 0.8 * 0.25)),
    ] {
        assert!((at(hours) - expected).abs() < 0.01, "{name}: {}", at(hours));
    }
    // Saturday begins 4 days and 16 hours later, and is less at once.
    let saturday = Duration::from_secs(4 * 24 * HOUR + 16 * HOUR);
    let edge = values.iter().position(|(at, _)| *at == saturday).expect("a value");
    assert!(values[edge].1.expect("a value") < 0.5 * values[edge - 1].1.expect("a value"));
}

#[test]
fn bursts_have_the_mean_and_the_burstiness_of_their_stays() {
    let (between, within) = (300.0, 20.0);
    let part = Part::Bursts {
        low: 10.0,
        high: 200.0,
        every: Duration::from_secs_f64(between),
        lasts: Duration::from_secs_f64(within),
    };
    let days = 2000;
    let length = (days * 24 * HOUR) as f64;
    let (mut mean, mut square, mut bursts, mut inside) = (0.0, 0.0, 0.0, 0.0);
    for (from, until, value) in pieces(&[part], days * 24 * HOUR) {
        mean += value * (until - from) / length;
        square += value * value * (until - from) / length;
        if value > 100.0 {
            bursts += 1.0;
            inside += until - from;
        }
    }
    let share = within / (between + within);
    let expected = 10.0 + 190.0 * share;
    let variance = 190.0 * 190.0 * share * (1.0 - share);
    let near = |value: f64, expected: f64| (value / expected - 1.0).abs() < 0.01;
    assert!(near(mean, expected), "mean {mean}, not {expected}");
    assert!(near(square - mean * mean, variance), "variance {}, not {variance}", square - mean * mean);
    assert!(near(bursts, length / (between + within)), "{bursts} bursts");
    assert!(near(inside / bursts, within), "bursts of {}", inside / bursts);
}

#[test]
fn noise_multiplies_what_comes_before_it_and_nothing_else() {
    let noise = Part::Noise { spread: 0.1, every: Duration::from_secs(10) };
    let scattered: Vec<f64> =
        pieces(&[Part::Level(50.0), noise.clone()], 1_000_000).iter().map(|piece| piece.2).collect();
    let mean = scattered.iter().sum::<f64>() / scattered.len() as f64;
    let deviation = (scattered.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / scattered.len() as f64).sqrt();
    assert_eq!(scattered.len(), 100_000);
    assert!((mean - 50.0).abs() < 0.1 && (deviation - 5.0).abs() < 0.05, "{mean} ± {deviation}");

    let after = walked(vec![noise.clone(), Part::Level(50.0)], 100);
    assert_eq!(after, [(Duration::ZERO, Some(50.0))]);
    let shifted: Vec<f64> =
        pieces(&[Part::Level(50.0), noise, Part::Level(7.0)], 1_000_000).iter().map(|piece| piece.2).collect();
    assert!(shifted.iter().zip(&scattered).all(|(shifted, scattered)| (shifted - scattered - 7.0).abs() < 1e-9));
}

#[test]
fn parts_add_up_whatever_pieces_each_of_them_has() {
    // Noise multiplies, and a sine alone would be cut off at zero.
    let parts: Vec<_> = samples()
        .into_iter()
        .map(|part| if matches!(part, Part::Noise { .. } | Part::Sine { .. }) { Part::Level(0.0) } else { part })
        .collect();
    let scenario = scenario(2 * HOUR);
    // A part keeps its random numbers in its place only.
    let alone = |kept: usize| -> Vec<_> {
        let of = |place: usize| if place == kept { parts[place].clone() } else { Part::Level(0.0) };
        walk(&(0..parts.len()).map(of).collect::<Vec<_>>(), &scenario).collect()
    };
    let alone: Vec<_> = (0..parts.len()).map(alone).collect();
    for (at, value) in walk(&parts, &scenario) {
        let holds = |walk: &Vec<(Duration, Option<f64>)>| walk[walk.partition_point(|(from, _)| *from <= at) - 1].1;
        let expected: f64 = alone.iter().map(|walk| holds(walk).expect("a value")).sum();
        assert!((value.expect("a value") - expected).abs() < 1e-9, "{at:?}: {value:?}, not {expected}");
    }
}

#[test]
fn one_more_part_changes_nothing_that_is_drawn_for_those_before_it() {
    let bursts = Part::Bursts { low: 10.0, high: 200.0, every: Duration::from_mins(1), lasts: Duration::from_secs(20) };
    let noise = Part::Noise { spread: 0.3, every: Duration::from_secs(1) };
    let alone = walked(vec![bursts.clone()], HOUR);
    let beside: Vec<_> = walked(vec![bursts, Part::Level(0.0), noise], HOUR).iter().map(|(at, _)| *at).collect();
    assert!(alone.len() > 20);
    assert!(alone.iter().all(|(at, _)| beside.contains(at)));
}

#[test]
fn a_seed_gives_the_same_values_and_another_one_others() {
    let mut scenario = scenario(HOUR);
    let once: Vec<_> = walk(&samples(), &scenario).collect();
    assert_eq!(once, walk(&samples(), &scenario).collect::<Vec<_>>());
    scenario.seed += 1;
    assert_ne!(once, walk(&samples(), &scenario).collect::<Vec<_>>());
}

#[test]
fn gaps_are_what_the_scenario_says_they_are() {
    let rows = [(0, Some(10.0)), (2, None), (3, None), (6, Some(20.0)), (8, Some(20.0)), (9, None)];
    for (name, gaps, expected) in [
        ("kept", Gaps::Keep, vec![(0, Some(10.0)), (2, None), (6, Some(20.0)), (9, None)]),
        ("zero", Gaps::Zero, vec![(0, Some(10.0)), (2, Some(0.0)), (6, Some(20.0)), (9, Some(0.0))]),
        ("held", Gaps::Hold, vec![(0, Some(10.0)), (6, Some(20.0))]),
        (
            "a straight line",
            Gaps::Linear,
            vec![
                (0, Some(10.0)),
                (2, Some(11.25)),
                (3, Some(13.75)),
                (4, Some(16.25)),
                (5, Some(18.75)),
                (6, Some(20.0)),
            ],
        ),
    ] {
        assert_eq!(from_file(&rows, gaps), expected, "{name}");
    }
}

#[test]
fn a_file_holds_before_its_first_row_and_after_its_last() {
    for (name, rows, expected) in [
        ("late first row", vec![(3, Some(5.0)), (6, Some(6.0))], vec![(0, Some(5.0)), (6, Some(6.0))]),
        ("gap first", vec![(0, None), (6, Some(6.0))], vec![(0, Some(6.0))]),
        ("nothing but a gap", vec![(0, None)], vec![(0, None)]),
        ("no rows", vec![], vec![(0, None)]),
        ("rows after the end", vec![(0, Some(1.0)), (12, Some(6.0))], vec![(0, Some(1.0))]),
        ("below zero", vec![(0, Some(-1.0)), (2, Some(1.0))], vec![(0, Some(0.0)), (2, Some(1.0))]),
    ] {
        assert_eq!(from_file(&rows, Gaps::Hold), expected, "{name}");
    }
}

#[test]
fn recorded_signals_may_be_below_zero() {
    let mut scenario = scenario(10);
    scenario.play = Play::Signals(Signals::Values(vec![]));
    let source = columns(&[(0, Some(-1.0))], Gaps::Keep);
    assert_eq!(source.walk(&scenario).collect::<Vec<_>>(), [(Duration::ZERO, Some(-1.0))]);
}

proptest! {
    #[test]
    fn moments_ascend_from_zero_and_values_are_never_below_it(
        parts in proptest::collection::vec(any_part(), 0..6),
        every in 5_u64..20_000,
        seed: u64,
        begins in 0_u64..4_000_000_000_000,
    ) {
        let mut scenario = scenario(60);
        scenario.every = Duration::from_millis(every);
        scenario.begins = Timestamp::from_millis(begins);
        scenario.seed = seed;
        let mut last: Option<(Duration, Option<f64>)> = None;
        for (at, value) in walk(&parts, &scenario) {
            let number = value.expect("what is drawn has no gaps");
            prop_assert!(number >= 0.0 && number.is_finite(), "{number}");
            match last {
                None => prop_assert_eq!(at, Duration::ZERO),
                Some(last) => prop_assert!(last.0 < at && last.1 != value),
            }
            prop_assert!(at < scenario.lasts);
            last = Some((at, value));
        }
        prop_assert!(last.is_some());
    }

    #[test]
    fn any_series_is_walked_to_its_end(
        rows in proptest::collection::btree_map(0_u64..20, proptest::option::of(-5.0..5.0), 0..12),
        gaps in prop::sample::select(vec![Gaps::Refuse, Gaps::Hold, Gaps::Zero, Gaps::Linear, Gaps::Keep]),
    ) {
        let walked = from_file(&rows.into_iter().collect::<Vec<_>>(), gaps);
        prop_assert_eq!(walked[0].0, 0);
        prop_assert!(walked.len() <= 10);
    }
}

fn any_part() -> impl Strategy<Value = Part> {
    let amount = -1e6_f64..1e6;
    let span = || (0_u64..100_000).prop_map(Duration::from_millis);
    (0..10_u8, amount, span(), span(), span(), 0.0_f64..2.0).prop_map(|(kind, amount, a, b, c, share)| match kind {
        0 => Part::Level(amount),
        1 => Part::Sine { amplitude: amount, period: a, phase: b },
        2 => Part::Step { at: a, by: amount, lasts: (share > 1.0).then_some(b) },
        3 => Part::Ramp { from: a, over: b, by: amount },
        4 => Part::Flash { at: a, rise: b, by: amount, fade: c },
        5 => Part::Daily { peak: amount, night: share, at: a, weekend: share },
        6 => Part::Bursts { low: 0.0, high: amount, every: a, lasts: b },
        7 => Part::Sawtooth { amplitude: amount, period: a },
        8 => Part::OnOff { level: amount, on: a, off: b },
        _ => Part::Noise { spread: share, every: a },
    })
}

/// One of each.
fn samples() -> Vec<Part> {
    let s = Duration::from_secs;
    vec![
        Part::Level(40.0),
        Part::Sine { amplitude: 10.0, period: s(900), phase: s(0) },
        Part::Step { at: s(601), by: 100.0, lasts: Some(s(300)) },
        Part::Ramp { from: s(700), over: s(333), by: 200.0 },
        Part::Flash { at: s(1200), rise: s(30), by: 400.0, fade: s(300) },
        Part::Daily { peak: 100.0, night: 0.2, at: s(15 * HOUR), weekend: 0.4 },
        Part::Bursts { low: 0.0, high: 200.0, every: s(300), lasts: s(20) },
        Part::Sawtooth { amplitude: 50.0, period: Duration::from_millis(61_700) },
        Part::OnOff { level: 100.0, on: s(100), off: s(33) },
        Part::Noise { spread: 0.1, every: s(10) },
    ]
}

fn walk<'a>(parts: &[Part], scenario: &Scenario) -> Walk<'a> {
    let source = Source::Drawn(parts.to_vec());
    let Walk { way: Way::Drawn(lanes), at, ends, last, least } = source.walk(scenario) else { unreachable!() };
    Walk { way: Way::Drawn(lanes), at, ends, last, least }
}

fn walked(parts: Vec<Part>, lasts: u64) -> Vec<(Duration, Option<f64>)> {
    Source::Drawn(parts).walk(&scenario(lasts)).collect()
}

/// From, until and value of all pieces, in seconds.
fn pieces(parts: &[Part], lasts: u64) -> Vec<(f64, f64, f64)> {
    let values = walked(parts.to_vec(), lasts);
    let ends = values.iter().skip(1).map(|(at, _)| at.as_secs_f64()).chain([lasts as f64]);
    let pieces = values.iter().zip(ends);
    pieces.map(|((from, value), until)| (from.as_secs_f64(), until, value.expect("a value"))).collect()
}

/// In whole seconds, of ten that are walked.
fn from_file(rows: &[(u64, Option<f64>)], gaps: Gaps) -> Vec<(u64, Option<f64>)> {
    columns(rows, gaps).walk(&scenario(10)).map(|(at, value)| (at.as_secs(), value)).collect()
}

fn columns(rows: &[(u64, Option<f64>)], gaps: Gaps) -> Source {
    let series = Series {
        at: rows.iter().map(|(at, _)| Duration::from_secs(*at)).collect(),
        values: rows.iter().map(|(_, value)| *value).collect(),
    };
    let (file, time, value) = ("x.csv".to_owned(), "t".to_owned(), "v".to_owned());
    Source::File(Columns { file, time, value, gaps, scale: 1.0, series })
}

fn scenario(lasts: u64) -> Scenario {
    Scenario {
        name: "test".to_owned(),
        about: String::new(),
        from: "drawn".to_owned(),
        service: Service { host: String::new(), project: "shop".to_owned(), service: "web".to_owned() },
        begins: BEGINS,
        lasts: Duration::from_secs(lasts),
        every: Duration::from_secs(1),
        seed: 7,
        replicas: Replicas { start: 1, min: 1, max: 10 },
        policy: None,
        objective: Objective::default(),
        play: Play::Load(Box::new(load())),
        faults: vec![],
        expect: vec![],
    }
}

fn load() -> Load {
    Load {
        demand: Demand { source: Source::Drawn(vec![]) },
        kind: LoadKind::Requests,
        arrivals: Arrivals::Even,
        retries: 0.0,
        service: ServiceModel {
            takes: 0.02,
            spread: 1.0,
            at_once: 1,
            cpu: 0.02,
            idle_cpu: 0.0,
            cpu_limit: None,
            memory: None,
            start: Start::default(),
            stop: Duration::ZERO,
            balance: Balance::RoundRobin,
            queue: Queue::default(),
            shared: Shared::default(),
        },
        host: Host::default(),
        emits: vec![],
    }
}
