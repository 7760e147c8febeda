use super::*;

/// A service whose requests cost 12 ms of CPU beside 0.05 cores, one row a second, with two replicas.
fn rows(count: u32, load: impl Fn(f64) -> f64) -> Vec<Row> {
    (0..count)
        .map(|second| {
            let requests = load(f64::from(second));
            // a disturbance that repeats, so that nothing is drawn
            let noise = (f64::from(second) * 1.7).sin() * 0.004;
            Row {
                at: Duration::from_secs(u64::from(second)),
                span: Duration::from_secs(1),
                ready: 2,
                requests: Some(requests),
                cores: Some(2.0 * 0.05 + 0.012 * requests + noise),
                limit: Some(1.0),
                errors: Some(0.0),
                latency: Some(0.015 + requests * 1e-5),
                ..Row::default()
            }
        })
        .collect()
}

fn daily(second: f64) -> f64 {
    60.0 + 40.0 * (second / 30.0).sin()
}

#[test]
fn the_cost_of_a_request_and_of_doing_nothing_are_found_again() {
    let fit = fit(&rows(300, daily));
    let line = &fit.cost.as_ref().expect("a line").line;
    assert!((line.slope - 0.012).abs() < 1e-4, "{line:?}");
    assert!((line.intercept - 0.05).abs() < 3e-3, "{line:?}");
    assert!((line.median_slope - 0.012).abs() < 2e-4, "{line:?}");
    assert!(line.r_squared > 0.99 && line.slope_within < 2e-4, "{line:?}");
    assert!(fit.warnings.is_empty(), "{:?}", fit.warnings);
}

#[test]
fn a_request_takes_what_it_takes_where_there_is_next_to_no_other() {
    let takes = fit(&rows(300, daily)).takes.expect("measured");
    assert!((takes - 0.0152).abs() < 2e-4, "{takes}");
}

#[test]
fn what_is_saturated_is_no_point_of_the_line_and_is_said_to_be_censored() {
    let mut rows = rows(300, daily);
    for row in &mut rows[100..120] {
        row.cores = Some(1.98);
        row.requests = Some(100.0);
    }
    rows[200].errors = Some(3.0);
    let fit = fit(&rows);
    let seconds = |from, to| (Duration::from_secs(from), Duration::from_secs(to));
    assert_eq!(fit.censored, [seconds(100, 120), seconds(200, 201)]);
    assert_eq!(fit.cost.expect("a line").points.len(), 279);
    assert!(fit.warnings.iter().any(|warning| warning.contains("21s")), "{:?}", fit.warnings);
}

#[test]
fn where_the_recording_cannot_say_what_a_request_costs_it_says_why() {
    let cases: [(&str, Vec<Row>, &str); 5] = [
        ("too short", rows(20, daily), "20 of 20 spans"),
        ("always the same load", rows(300, |_| 50.0), "twice as much"),
        (
            "no requests measured",
            rows(50, daily).into_iter().map(|row| Row { requests: None, ..row }).collect(),
            "requests were not",
        ),
        (
            "no CPU measured",
            rows(50, daily).into_iter().map(|row| Row { cores: None, ..row }).collect(),
            "CPU were not",
        ),
        (
            "the load of somebody else",
            rows(300, daily)
                .into_iter()
                .map(|row| Row { cores: row.requests.map(|requests| 1.4 - requests * 0.01), ..row })
                .collect(),
            "did not cost more",
        ),
    ];
    for (name, rows, said) in cases {
        let fit = fit(&rows);
        assert!(fit.cost.is_none(), "{name}");
        assert!(fit.warnings.iter().any(|warning| warning.contains(said)), "{name}: {:?}", fit.warnings);
    }
}

#[test]
fn a_line_that_explains_little_or_that_few_points_pull_is_doubted() {
    let mut noisy = rows(300, daily);
    for row in &mut noisy {
        let extra = (row.at.as_secs_f64() * 2.3).sin() * 0.5 + 0.5;
        row.cores = row.cores.map(|cores| cores + extra);
        row.limit = None;
    }
    let warnings = fit(&noisy).warnings;
    assert!(warnings.iter().any(|warning| warning.contains("R²")), "{warnings:?}");

    let mut pulled = rows(300, daily);
    for row in pulled.iter_mut().filter(|row| row.requests > Some(98.0)) {
        row.cores = row.cores.map(|cores| cores + 6.0);
        row.limit = None;
    }
    let warnings = fit(&pulled).warnings;
    assert!(warnings.iter().any(|warning| warning.contains("median of slopes")), "{warnings:?}");
}
