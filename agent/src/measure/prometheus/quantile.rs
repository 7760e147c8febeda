//! Quantiles of histograms with given bucket bounds.

/// How many values were at most each bound. Bounds ascend, counts never fall, the last bound is infinite.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Histogram {
    buckets: Vec<(f64, f64)>,
}

impl Histogram {
    /// From bounds and cumulative counts in any order. A count below that of a smaller bound, as a scrape in the middle
    /// of an update shows, is raised to it (as in Prometheus, `ensureMonotonicAndIgnoreSmallDeltas`).
    pub(super) fn new(mut buckets: Vec<(f64, f64)>) -> Result<Self, String> {
        buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        if buckets.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
            return Err("its histogram has no bucket with le=\"+Inf\"".to_owned());
        }
        let mut highest: f64 = 0.0;
        for (_, count) in &mut buckets {
            highest = highest.max(*count);
            *count = highest;
        }
        Ok(Self { buckets })
    }

    /// All values of several histograms. Where one has no bucket with a bound of another, its values are taken to be spread
    /// evenly over its own bucket there, which is what a quantile assumes as well; those beyond its last finite
    /// bound are taken to be beyond every finite bound, so that differing bounds never make a service look faster.
    pub(super) fn sum(histograms: &[&Self]) -> Self {
        let mut bounds: Vec<f64> =
            histograms.iter().flat_map(|histogram| histogram.buckets.iter().map(|(bound, _)| *bound)).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        let count = |bound: f64| histograms.iter().map(|histogram| histogram.at_most(bound)).sum();
        Self { buckets: bounds.into_iter().map(|bound| (bound, count(bound))).collect() }
    }

    fn at_most(&self, bound: f64) -> f64 {
        let above = self.buckets.partition_point(|(own, _)| *own < bound);
        let Some((upper, count)) = self.buckets.get(above).copied() else { return 0.0 };
        if upper <= bound {
            return count;
        }
        let (lower, below) = self.lower_edge(above);
        if upper == f64::INFINITY || bound <= lower {
            return below;
        }
        below + (count - below) * (bound - lower) / (upper - lower)
    }

    /// Where the bucket begins, and the count below it. The first one begins at zero, unless it ends at or below zero.
    fn lower_edge(&self, index: usize) -> (f64, f64) {
        match index.checked_sub(1) {
            Some(before) => self.buckets[before],
            None => (self.buckets[0].0.min(0.0), 0.0),
        }
    }
}

/// The value below which the share `q` of all values lies, by linear interpolation within its bucket. `None` without
/// values.
///
/// Formula: Prometheus' `histogram_quantile` (`promql/quantile.go`, `BucketQuantile`): with rank = q · count, in the
/// first bucket whose cumulative count reaches the rank, lower + (upper − lower) · (rank − below) / (in bucket).
/// In the infinite bucket it is the largest finite bound: a lower bound of the truth.
///
/// # Errors
/// When `q` is not between 0 and 1, or the only bucket is the infinite one.
pub(super) fn quantile(q: f64, histogram: &Histogram) -> Result<Option<f64>, String> {
    if !(0.0..=1.0).contains(&q) {
        return Err(format!("{q} is not a quantile: give one from 0 to 1"));
    }
    let Some(count) = histogram.buckets.last().map(|(_, count)| *count).filter(|count| *count > 0.0) else {
        return Ok(None);
    };
    let Some(finite) = histogram.buckets.len().checked_sub(1).filter(|finite| *finite > 0) else {
        return Err("its histogram has only the bucket with le=\"+Inf\"".to_owned());
    };
    let rank = q * count;
    let reached = histogram.buckets[..finite].iter().position(|(_, count)| *count > 0.0 && *count >= rank);
    let Some(index) = reached else { return Ok(Some(histogram.buckets[finite - 1].0)) };
    let (upper, count) = histogram.buckets[index];
    let (lower, below) = histogram.lower_edge(index);
    if index == 0 && upper <= 0.0 {
        return Ok(Some(upper));
    }
    Ok(Some(lower + (upper - lower) * (rank - below) / (count - below)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INF: f64 = f64::INFINITY;

    fn histogram(buckets: &[(f64, f64)]) -> Histogram {
        Histogram::new(buckets.to_vec()).expect("it has an infinite bucket")
    }

    /// What it shows, buckets, quantile and expected value.
    type Case<'a> = (&'a str, &'a [(f64, f64)], f64, f64);

    #[test]
    fn quantiles_are_those_of_prometheus() {
        // The bounds and counts of `testhistogram` in Prometheus' own tests (promql/promqltest/testdata/histograms.test).
        let positive = [(0.1, 5.0), (0.2, 7.0), (1.0, 11.0), (INF, 12.0)];
        let negative = [(-0.2, 1.0), (-0.1, 2.0), (0.3, 2.0), (INF, 3.0)];
        let cases: [Case<'_>; 9] = [
            ("the lowest", &positive, 0.0, 0.0),
            ("in the first bucket, from zero", &positive, 0.2, 0.048),
            ("in the second", &positive, 0.5, 0.15),
            ("in the third", &positive, 0.8, 0.72),
            ("in the infinite one: the last finite bound", &positive, 0.99, 1.0),
            ("a first bucket below zero has no width", &negative, 0.2, -0.2),
            ("in the second below zero", &negative, 0.5, -0.15),
            ("in the infinite one", &negative, 0.8, 0.3),
            ("an empty first bucket is passed over", &[(0.1, 0.0), (0.2, 4.0), (INF, 4.0)], 0.0, 0.1),
        ];
        for (name, buckets, q, expected) in cases {
            let value = quantile(q, &histogram(buckets)).expect("a quantile").expect("values");
            assert!((value - expected).abs() < 1e-12, "{name}: {value} instead of {expected}");
        }
    }

    #[test]
    fn no_values_no_quantile_and_no_bounds_an_error() {
        assert_eq!(quantile(0.5, &histogram(&[(1.0, 0.0), (INF, 0.0)])), Ok(None));
        assert!(quantile(0.5, &histogram(&[(INF, 3.0)])).is_err());
        assert!(quantile(1.5, &histogram(&[(1.0, 1.0), (INF, 3.0)])).is_err());
        assert!(quantile(f64::NAN, &histogram(&[(1.0, 1.0), (INF, 3.0)])).is_err());
        assert!(Histogram::new(vec![(1.0, 1.0)]).is_err());
        assert!(Histogram::new(vec![]).is_err());
    }

    #[test]
    fn equal_bounds_are_summed_exactly() {
        let one = histogram(&[(0.1, 5.0), (1.0, 9.0), (INF, 10.0)]);
        let two = histogram(&[(0.1, 1.0), (1.0, 1.0), (INF, 4.0)]);
        assert_eq!(Histogram::sum(&[&one, &two]), histogram(&[(0.1, 6.0), (1.0, 10.0), (INF, 14.0)]));
    }

    #[test]
    fn differing_bounds_are_interpolated_and_never_make_it_look_faster() {
        let coarse = histogram(&[(1.0, 10.0), (INF, 20.0)]);
        let fine = histogram(&[(0.5, 2.0), (1.0, 4.0), (2.0, 4.0), (INF, 4.0)]);
        let summed = Histogram::sum(&[&coarse, &fine]);
        assert_eq!(summed, histogram(&[(0.5, 7.0), (1.0, 14.0), (2.0, 14.0), (INF, 24.0)]));
    }

    proptest! {
        #[test]
        fn a_quantile_lies_within_the_bounds_and_grows_with_q(
            widths in proptest::collection::vec((0.001..10.0_f64, 0_u32..100), 1..12), q in 0.0..=1.0_f64, more in 0.0..=1.0_f64,
        ) {
            let (mut bound, mut count) = (0.0, 0.0);
            let mut buckets = Vec::new();
            for (width, values) in widths {
                bound += width;
                count += f64::from(values);
                buckets.push((bound, count));
            }
            buckets.push((INF, count));
            let histogram = histogram(&buckets);
            let (low, high) = (quantile(q.min(more), &histogram), quantile(q.max(more), &histogram));
            let (Ok(low), Ok(high)) = (low, high) else { panic!("not a quantile") };
            prop_assert_eq!(low.is_some(), count > 0.0);
            prop_assert!(low.is_none_or(|low| (0.0..=bound).contains(&low)));
            prop_assert!(low <= high);
        }
    }
}
