//! A straight line through points, by least squares, beside a robust one.

use linregress::{FormulaRegressionBuilder, RegressionDataBuilder};

/// `y = intercept + slope x`.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// By least squares.
    pub slope: f64,
    /// By least squares.
    pub intercept: f64,
    /// Half the width of the interval of 95 % confidence of the slope.
    pub slope_within: f64,
    /// Half the width of the interval of 95 % confidence of the intercept.
    pub intercept_within: f64,
    /// The share of the variance that it explains, 0 to 1.
    pub r_squared: f64,
    /// Theil and Sen: the median of the slopes between all pairs of points, which a few outliers do not move.
    pub median_slope: f64,
    /// `y` less what the line says, in the order of the points.
    pub residuals: Vec<f64>,
}

/// Why there is no line.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// There are too few points, or all have the same `x`.
    #[error("{0} points with {1} different loads are too few")]
    TooFew(usize, usize),
    /// The points leave nothing to be solved.
    #[error("least squares found no line: {0}")]
    NoSolution(String),
}

/// Points that the median of slopes looks at, at most, which are 250,000 pairs; of more, evenly spread ones are taken.
const MOST_POINTS: usize = 700;

impl Line {
    /// The line through finite points, of which at least three have to differ in `x`.
    pub fn through(points: &[(f64, f64)]) -> Result<Self, LineError> {
        let mut loads: Vec<f64> = points.iter().map(|(x, _)| *x).collect();
        loads.sort_by(f64::total_cmp);
        loads.dedup();
        if loads.len() < 3 {
            return Err(LineError::TooFew(points.len(), loads.len()));
        }
        let columns =
            vec![("x", points.iter().map(|(x, _)| *x).collect()), ("y", points.iter().map(|(_, y)| *y).collect())];
        let data = RegressionDataBuilder::new().build_from(columns).map_err(no_solution)?;
        let model = FormulaRegressionBuilder::new().data(&data).formula("y ~ x").fit().map_err(no_solution)?;
        let (&[intercept, slope], &[intercept_error, slope_error]) = (model.parameters(), model.se()) else {
            return Err(LineError::NoSolution("it has not two parameters".to_owned()));
        };
        let t = students_t(points.len() - 2);
        let r_squared = model.rsquared();
        Ok(Self {
            slope,
            intercept,
            slope_within: t * slope_error,
            intercept_within: t * intercept_error,
            r_squared: if r_squared.is_finite() { r_squared.clamp(0.0, 1.0) } else { 0.0 },
            median_slope: median_slope(points),
            residuals: points.iter().map(|(x, y)| y - intercept - slope * x).collect(),
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn no_solution(error: linregress::Error) -> LineError {
    LineError::NoSolution(error.to_string())
}

/// The quantile 0.975 of Student's distribution, by the expansion of Abramowitz and Stegun 26.7.5.
fn students_t(degrees: usize) -> f64 {
    const Z: f64 = 1.959_963_984_540_054;
    let v = degrees as f64;
    let (z3, z5) = (Z.powi(3), Z.powi(5));
    Z + (z3 + Z) / (4.0 * v) + (5.0 * z5 + 16.0 * z3 + 3.0 * Z) / (96.0 * v * v)
}

fn median_slope(points: &[(f64, f64)]) -> f64 {
    let stride = points.len().div_ceil(MOST_POINTS);
    let chosen: Vec<(f64, f64)> = points.iter().copied().step_by(stride).collect();
    let pairs = chosen.iter().enumerate().flat_map(|(place, one)| {
        chosen[place + 1..].iter().filter(move |other| (other.0 - one.0).abs() > 0.0).map(move |other| (one, other))
    });
    let mut slopes: Vec<f64> = pairs.map(|(one, other)| (other.1 - one.1) / (other.0 - one.0)).collect();
    slopes.sort_by(f64::total_cmp);
    match slopes.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => slopes[n / 2],
        n => f64::midpoint(slopes[n / 2 - 1], slopes[n / 2]),
    }
}
