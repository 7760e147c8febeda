//! The clairvoyant plan of a week: by the minute with fifty replicas, and by the second with as many.

use std::{hint::black_box, time::Duration};

use autoscaler::Timestamp;
use criterion::{Criterion, criterion_group, criterion_main};
use replay::{
    plan::{Plan, Prices},
    scaler::Bounds,
    simulation::DemandStep,
};

/// A day's shape with jitter, between 1 and 50 replicas.
fn week(step: Duration) -> Vec<DemandStep> {
    let steps = 7 * 86_400_000 / u64::try_from(step.as_millis()).unwrap_or(1);
    let begins = Timestamp::from_millis(1_767_571_200_000);
    let mut from = begins;
    let mut jitter = 1_u64;
    let steps = (0..steps).map(|_| {
        jitter = jitter.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let day = from.since(begins).as_secs_f64() / 86_400.0 * std::f64::consts::TAU;
        let needed = 22.0 - 18.0 * day.cos() + (jitter >> 33) as f64 / (1_u64 << 31) as f64 * 10.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 50")]
        let step = DemandStep { from, to: from.plus(step), needed: needed.clamp(1.0, 50.0) as u32 };
        from = step.to;
        step
    });
    steps.collect()
}

fn plans(criterion: &mut Criterion) {
    let prices = Prices { start: Duration::from_secs(90), stop: Duration::from_secs(10), idle_per_missing: 10.0 };
    let bounds = Bounds { min: 1, max: 50 };
    for (name, step) in [("week by the minute", 60), ("week by the second", 1)] {
        let demand = week(Duration::from_secs(step));
        let mut group = criterion.benchmark_group("plan");
        group.sample_size(10).bench_function(name, |bencher| {
            bencher.iter(|| Plan::of(black_box(&demand).iter().copied(), 5, bounds, prices).cost());
        });
    }
}

criterion_group!(benches, plans);
criterion_main!(benches);
