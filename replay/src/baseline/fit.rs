//! Least squares of low degree.
//!
//! Own code and not `linregress`: one fit of 60 points takes that 43 µs, since it names columns and computes the statistics
//! of the fit, and a week of decisions a minute apart has ten thousand of them. Orthogonal polynomials (Forsythe, "Generation
//! and use of orthogonal polynomials for data-fitting", J. SIAM 5(2), 1957) need no matrix and do not mind that times are large.

const MOST: usize = 2;

/// The value at `x` of the polynomial of `degree` (at most 2) that is nearest to the points; of a lower degree where there are
/// too few of them. `None` without points.
pub(super) fn extrapolate(points: &[(f64, f64)], degree: usize, x: f64) -> Option<f64> {
    let terms = degree.min(MOST) + 1;
    let mut recurrence = [(0.0, 0.0); MOST + 1];
    let (mut norm_before, mut value) = (1.0, None);
    for term in 0..terms.min(points.len()) {
        // Each polynomial is made of the two before it, so that it is orthogonal to all before it.
        let (mut norm, mut product, mut shift) = (0.0, 0.0, 0.0);
        for &(at, y) in points {
            let here = basis(&recurrence[..term], at);
            norm += here * here;
            product += y * here;
            shift += at * here * here;
        }
        if norm <= f64::EPSILON * norm_before {
            break;
        }
        value = Some(value.unwrap_or(0.0) + product / norm * basis(&recurrence[..term], x));
        recurrence[term] = (shift / norm, if term == 0 { 0.0 } else { norm / norm_before });
        norm_before = norm;
    }
    value.filter(|value| value.is_finite())
}

/// The polynomial that follows those that gave `recurrence`: `p(k+1) = (x - shift(k)) p(k) - ratio(k) p(k-1)`.
fn basis(recurrence: &[(f64, f64)], x: f64) -> f64 {
    recurrence.iter().fold((0.0, 1.0), |(before, here), (shift, ratio)| (here, (x - shift) * here - ratio * before)).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, expected: f64) -> bool {
        found.is_some_and(|found| (found - expected).abs() < 1e-6 * expected.abs().max(1.0))
    }

    #[test]
    fn what_is_a_polynomial_is_found_even_at_large_times() {
        let begin = 1.767e9;
        let points: Vec<(f64, f64)> =
            (0..72).map(|k| f64::from(k) * 60.0).map(|t| (begin + t, 3.0 + 0.01 * t - 0.00002 * t * t)).collect();
        let t = 72.0 * 60.0;
        assert!(near(extrapolate(&points, 2, begin + t), 3.0 + 0.01 * t - 0.00002 * t * t));
        let line: Vec<(f64, f64)> = points.iter().map(|(at, _)| (*at, 5.0 + 0.25 * (at - begin))).collect();
        assert!(near(extrapolate(&line, 1, begin + t), 5.0 + 0.25 * t));
        assert!(near(extrapolate(&line, 2, begin + t), 5.0 + 0.25 * t));
    }

    #[test]
    fn anscombe_s_quartet_has_the_published_line() {
        // Anscombe, "Graphs in statistical analysis", 1973, first set: y = 3.0001 + 0.5001 x.
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
        let points: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
        for (at, expected) in [(0.0, 3.000_090_91), (20.0, 3.000_090_91 + 20.0 * 0.500_090_91)] {
            assert!(near(extrapolate(&points, 1, at), expected), "{:?}", extrapolate(&points, 1, at));
        }
    }

    #[test]
    fn it_agrees_with_linregress() {
        let points: Vec<(f64, f64)> =
            (0..60).map(f64::from).map(|k: f64| (k, 5.0 + 0.3 * k + 2.0 * (k * 1.7).sin() - 0.01 * k * k)).collect();
        for degree in 1..=2u8 {
            let column = |power: i32| points.iter().map(|(x, _)| x.powi(power)).collect::<Vec<_>>();
            let data = linregress::RegressionDataBuilder::new()
                .build_from([("y", points.iter().map(|(_, y)| *y).collect()), ("x", column(1)), ("xx", column(2))])
                .expect("the columns are of one length");
            let formula = if degree == 1 { "y ~ x" } else { "y ~ x + xx" };
            let fit = linregress::FormulaRegressionBuilder::new().data(&data).formula(formula).fit().expect("it fits");
            let theirs: f64 =
                fit.parameters().iter().zip(0..).map(|(value, power): (&f64, i32)| value * 70f64.powi(power)).sum();
            assert!(near(extrapolate(&points, usize::from(degree), 70.0), theirs), "degree {degree}: {theirs}");
        }
    }

    #[test]
    fn too_few_points_give_less_and_none_give_nothing() {
        assert_eq!(extrapolate(&[], 2, 5.0), None);
        assert_eq!(extrapolate(&[(1.0, 7.0)], 2, 5.0), Some(7.0));
        assert_eq!(extrapolate(&[(1.0, 7.0), (1.0, 9.0)], 2, 5.0), Some(8.0), "all at one time");
        assert!(near(extrapolate(&[(1.0, 7.0), (2.0, 9.0)], 2, 5.0), 15.0));
    }
}
