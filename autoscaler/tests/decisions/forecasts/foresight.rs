//! What a forecast foresees, how far it looks, by which clock and calendar, and how often it may be wrong.

use autoscaler::{evaluation::Outlook, explain, time::Timestamp};

use super::{GIVEN, MONDAY, World, busy, noise, reason, wave, whole};
use crate::driver::seconds;

#[test]
fn on_a_periodic_load_it_grows_before_the_load_comes_and_says_why() {
    let (mut ahead, mut late) = (0, 0);
    let mut world = World::new(GIVEN, 10, 3);
    let mut told = String::new();
    for step in 0..1200 {
        let supply = world.serving();
        let evaluation = world.requests(wave(step, 60));
        if step >= 900 {
            let needed = whole(wave(step, 60) / 100.0);
            let reactive = whole(wave(step.saturating_sub(1), 60) / 100.0);
            ahead += u32::from(supply < needed);
            late += u32::from(reactive < needed);
        }
        if step % 60 == 5 {
            told = explain::rules(&evaluation).remove(0);
        }
    }
    assert!(ahead * 10 <= late, "short {ahead} times, a reactive answer {late} times");
    assert_eq!(on_the_page(&told), told, "docs/policy.md is old: run this test with UPDATE_GENERATED=1");
}

/// What docs/policy.md shows as the sentence of a forecast.
#[expect(clippy::disallowed_methods, reason = "the core reads no files, its tests may")]
fn on_the_page(told: &str) -> String {
    let path = format!("{}/../docs/policy.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(&path).expect("the page");
    let begin = "<!-- sentence -->\n";
    let from = page.find(begin).expect("it shows the sentence") + begin.len();
    let until = from + page[from..].find("<!-- /sentence -->").expect("which ends");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        let shown = format!("\n```text\n{told}\n```\n\n");
        std::fs::write(&path, format!("{}{shown}{}", &page[..from], &page[until..])).expect("it is written");
        return told.to_owned();
    }
    page[from..until].trim().trim_start_matches("```text\n").trim_end_matches("\n```").to_owned()
}

#[test]
fn the_horizon_is_what_nine_of_ten_starts_took_or_as_given() {
    for (name, rule, starts, horizon) in [
        ("nothing was seen", "signal: requests, per_replica: 100/s", vec![], 30 + 10),
        ("one start", "signal: requests, per_replica: 100/s", vec![7], 7 + 10),
        ("ten starts", "signal: requests, per_replica: 100/s", vec![5, 5, 5, 5, 5, 5, 5, 5, 9, 60], 9 + 10),
        ("given", "signal: requests, per_replica: 100/s, horizon: 45s", vec![5, 5, 5], 45),
    ] {
        // Nobody acts; replicas come by other hands.
        let other = "  observe: true\n- target: { signal: waiting, per_replica: 1000 }";
        let mut world = World::beside(rule, other, 10, 1);
        for _ in 0..4 {
            world.requests(50.0);
        }
        for start in starts {
            world.start = seconds(start);
            world.make(Some(world.now));
            for _ in 0..7 {
                world.requests(50.0);
            }
        }
        let evaluation = world.requests(50.0);
        let reason = reason(&evaluation);
        assert_eq!(reason.horizon, seconds(horizon), "{name}: {reason:?}");
    }
}

#[test]
fn a_replica_that_nobody_saw_start_teaches_nothing() {
    let hours = |hours: u64| seconds(3600 * hours);
    let now = MONDAY;
    for (name, started, ready) in [
        ("it served for hours, of which only the newest checks of its health are known", now.minus(hours(6)), now),
        ("its health is not checked", now, now),
    ] {
        let mut world = World::new("signal: requests, per_replica: 100/s", 10, 1);
        for replica in &mut world.replicas {
            (replica.started, replica.ready_since) = (Some(started), Some(ready));
        }
        for _ in 0..4 {
            world.requests(50.0);
        }
        let reason = reason(&world.requests(50.0)).clone();
        assert_eq!((reason.horizon, reason.starts), (seconds(30 + 10), Some(0)), "{name}");
    }
    // One that was seen to start, and is unhealthy for a moment hours later.
    let mut world = World::beside(
        "signal: requests, per_replica: 100/s",
        "  observe: true\n- target: { signal: waiting, per_replica: 1000 }",
        10,
        1,
    );
    world.start = seconds(7);
    world.make(Some(world.now));
    world.observe();
    for minute in 0..120 {
        for _ in 0..6 {
            world.requests(50.0);
        }
        if minute == 60 {
            let healthy_again = world.now.plus(seconds(5));
            world.replicas[1].ready_since = Some(healthy_again);
            world.observe();
        }
    }
    let reason = reason(&world.requests(50.0)).clone();
    assert_eq!((reason.horizon, reason.starts), (seconds(7 + 10), Some(1)), "{reason:?}");
}

/// Half hours of days that are busy from 8 to 18 by the clock in Oslo, from ten days before a change of clocks.
#[test]
fn a_daily_load_keeps_to_the_clock_on_the_wall_when_the_clocks_change() {
    // 2026-03-19 and 2026-10-15, midnight UTC; the clocks change on 03-29 and 10-25.
    for (name, start, before, after) in [("March", 1_773_878_400_000, 1, 2), ("October", 1_792_022_400_000, 2, 1)] {
        for (zone, keeps) in [("Europe/Oslo", true), ("UTC", false)] {
            let rule = format!("signal: requests, per_replica: 100/s, horizon: 30m, timezone: {zone}");
            let mut world = World::new(&rule, 1800, 3);
            world.now = Timestamp::from_millis(start);
            let mut expected = Vec::new();
            for half_hour in 0..48 * 13 {
                let changed = half_hour >= 48 * 10 + 2;
                let offset = if changed { after } else { before };
                let evaluation = world.requests(busy(half_hour + 2 * offset));
                if half_hour >= 48 * 10 + 4 {
                    let Outlook::Known { by, .. } = &reason(&evaluation).outlook else {
                        panic!("{name} {half_hour}: {:?}", reason(&evaluation).outlook)
                    };
                    expected.push((by.middle, busy(half_hour + 1 + 2 * offset)));
                }
            }
            let wrong = expected.iter().filter(|(said, came)| (said - came).abs() > 300.0).count();
            assert_eq!(wrong == 0, keeps, "{name}, {zone}: {wrong} of {}", expected.len());
        }
    }
}

#[test]
fn an_exceptional_day_is_forecast_without_the_others_and_they_without_it() {
    let run = |rule: &str| {
        let mut world = World::new(rule, 1800, 3);
        let mut wrong = [0, 0];
        for half_hour in 0..48 * 14 {
            let closed = |half_hour: u64| (48 * 12..48 * 13).contains(&half_hour);
            let load = |half_hour| if closed(half_hour) { 100.0 } else { busy(half_hour) };
            let evaluation = world.requests(load(half_hour));
            if half_hour >= 48 * 12
                && let Outlook::Known { by, .. } = &reason(&evaluation).outlook
            {
                let day = usize::from(!closed(half_hour + 1));
                wrong[day] += u32::from((by.middle - load(half_hour + 1)).abs() > 300.0);
            }
        }
        wrong
    };
    let rule = "signal: requests, per_replica: 100/s, horizon: 30m";
    let (unaware, aware) = (run(rule), run(&format!("{rule}, except: 2026-11-28")));
    assert!(aware[0] < unaware[0], "on the day itself: {aware:?}, unaware {unaware:?}");
    assert!(aware[1] <= unaware[1], "on the day after: {aware:?}, unaware {unaware:?}");
}

#[test]
fn of_a_budget_of_misses_so_much_is_used() {
    let stationary: fn(u64) -> f64 = |step| 1000.0 + 100.0 * noise(step);
    let periodic: fn(u64) -> f64 = |step| wave(step, 48) * 2.0 + 100.0 * noise(step);
    for (name, load) in [("stationary", stationary), ("periodic", periodic)] {
        let mut world = World::new("signal: requests, per_replica: 10/s, misses: 5%, horizon: 10s", 10, 100);
        let (mut short, mut of) = (0.0, 0.0);
        for step in 0..3000 {
            let supply = world.serving();
            world.requests(load(step));
            if step >= 500 {
                short += f64::from(u8::from(supply < whole(load(step) / 10.0)));
                of += 1.0;
            }
        }
        let share: f64 = short / of;
        assert!((share - 0.05).abs() <= 0.01, "{name}: {share}");
    }
}
