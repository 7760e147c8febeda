//! One evaluation of a formula, and one look at a schedule's clock.

use std::hint::black_box;

use autoscaler::{formula::Formula, quantity::SignalName};
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

criterion_group!(benches, formulas);
criterion_main!(benches);
