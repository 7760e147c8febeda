//! The middle of values, which a few outliers do not move.

/// The middle of values; not a number where there are none.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// The median distance from the median.
pub(crate) fn spread(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let middle = median(values.clone());
    median(values.map(|value| (value - middle).abs()))
}
