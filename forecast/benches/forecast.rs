//! What one more step costs, at the age at which the history is full.

#[expect(dead_code, reason = "tests draw other kinds")]
#[path = "../tests/drawn/mod.rs"]
mod drawn;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use drawn::{Kind, STEP, draw};
use forecast::{Forecaster, Utc};

/// Steps before.
const BEFORE: u32 = 12_000;
/// Steps that are measured: two looks for seasons are among them, as often as they come.
const MEASURED: u32 = 1_024;

fn hear(forecaster: &mut Forecaster, values: &[f64], from: u32) {
    for (place, value) in (u64::from(from) + 1..).zip(values) {
        forecaster.observe(place * STEP, *value, 2 * STEP, &Utc);
    }
}

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a step");
    group.sample_size(10).throughput(Throughput::Elements(u64::from(MEASURED)));
    for kind in [Kind::Stationary, Kind::DailyAndWeekly] {
        let values = draw(kind, BEFORE + MEASURED, 1);
        let (before, measured) = values.split_at(BEFORE as usize);
        let mut forecaster = Forecaster::new(10.0 / 11.0);
        hear(&mut forecaster, before, 0);
        group.bench_function(format!("{kind:?}"), |bencher| {
            bencher.iter_batched_ref(
                || forecaster.clone(),
                |forecaster| hear(forecaster, measured, BEFORE),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
