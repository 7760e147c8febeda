//! One evaluation of a formula, and one look at a schedule's clock.

use std::{hint::black_box, time::Duration};

use autoscaler::{
    Timestamp,
    calendar::{Calendar, Weekdays, Zone},
    formula::Formula,
    quantity::SignalName,
};
use criterion::{Criterion, criterion_group, criterion_main};

fn formulas(criterion: &mut Criterion) {
    let signals = ["a", "b", "c", "d", "e"];
    let lookup =
        |name: &SignalName| signals.iter().position(|known| *known == name.as_str()).map(|place| place as f64 + 1.0);
    for (name, text) in [
        ("formula of 10 terms", "max(a / 0.7, (b ?? 0) / 20) + c * 2 - (d > 3 ? e : 1) % 7 + replicas"),
        ("formula of 2 terms", "a / 0.7"),
        ("formula without a value", "a / 0.7 + gone"),
    ] {
        let formula = Formula::parse(text).expect("a formula");
        criterion.bench_function(name, |bencher| bencher.iter(|| black_box(&formula).evaluate(lookup, 4, 3)));
    }
}

fn calendars(criterion: &mut Criterion) {
    let zone: Zone = "Europe/Oslo".parse().expect("a zone");
    let hours = Duration::from_hours;
    let cron = |text, lasts| Calendar::cron(text, lasts, zone.clone(), Vec::new()).expect("a calendar");
    let nights = Calendar::daily("22:00-06:00".parse().expect("hours"), Weekdays::ALL, zone.clone(), Vec::new());
    let noon = Timestamp::from_millis(1_795_258_800_000);
    let change = Timestamp::from_millis(1_792_886_400_000);
    for (name, calendar, now) in [
        ("calendar daily", nights.expect("a calendar"), noon),
        ("calendar cron on weekdays", cron("0 8 * * mon-fri", hours(10)), noon),
        ("calendar cron on leap days", cron("0 8 29 2 *", hours(10)), noon),
        ("calendar cron that never pauses", cron("* * * * *", hours(1)), noon),
        ("calendar cron by the minute as the clocks change", cron("*/7 * * * *", hours(1) / 12), change),
    ] {
        criterion.bench_function(name, |bencher| bencher.iter(|| black_box(&calendar).window_at(now)));
    }
    let never = vec!["2026-01-01..2199-12-31".parse().expect("dates")];
    let never = Calendar::cron("0 8 * * *", hours(1), zone.clone(), never).expect("a calendar");
    criterion.bench_function("calendar without a window", |bencher| bencher.iter(|| black_box(&never).window_at(noon)));
    criterion.bench_function("calendar read", |bencher| bencher.iter(|| cron(black_box("0 8 * * mon-fri"), hours(1))));
}

criterion_group!(benches, formulas, calendars);
criterion_main!(benches);
