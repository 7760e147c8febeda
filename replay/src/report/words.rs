//! Numbers as people read them.

use std::time::Duration;

use autoscaler::time::spoken;

/// To three digits, with `k`, `M` or `G` for thousands: `0.25`, `12.3`, `1.2k`.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    for (unit, sign) in [(1e9, "G"), (1e6, "M"), (1e4, "k")] {
        if size >= unit {
            let unit = if unit > 2e4 { unit } else { 1e3 };
            return format!("{}{sign}", digits(value / unit));
        }
    }
    digits(value)
}

/// To three digits, without zeros at the end.
pub(super) fn digits(value: f64) -> String {
    if !value.is_finite() {
        return "∞".to_owned();
    }
    let behind = match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        size if size >= 0.000_5 => 3,
        _ => return if value == 0.0 { "0".to_owned() } else { format!("{value:.1e}") },
    };
    let text = format!("{value:.behind$}");
    if behind == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

/// A share as per cent: `0.3 %`.
pub(super) fn percent(share: f64) -> String {
    let per_cent = share * 100.0;
    match per_cent.abs() {
        size if size > 0.0 && size < 0.01 => "< 0.01 %".to_owned(),
        size if size >= 9.95 => format!("{per_cent:.1} %").replace(".0 %", " %"),
        _ => {
            let text = format!("{per_cent:.2}");
            let text = text.trim_end_matches('0').trim_end_matches('.');
            format!("{text} %")
        }
    }
}

/// Seconds as a response time: `250 ms`, `1.5 s`, `2m`.
pub(super) fn response_time(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 0.9995 => format!("{} ms", digits(seconds * 1000.0)),
        seconds if seconds < 119.5 => format!("{} s", digits(seconds)),
        seconds => span(Duration::try_from_secs_f64(seconds.round()).unwrap_or(Duration::MAX)),
    }
}

/// A span: `2m 5s`, `14 days`.
pub(super) fn span(span: Duration) -> String {
    spoken(span).replace("day", " day")
}

/// How often: `once`, `14 times`.
pub(super) fn times(number: f64) -> String {
    let written = self::number(number);
    if written == "1" { "once".to_owned() } else { format!("{written} times") }
}

/// A quantile as in signals: `p95`, `p99.9`.
pub(super) fn quantile(quantile: f64) -> String {
    format!("p{}", digits(quantile * 100.0))
}

/// `1 change`, `2 changes`.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (0.25, "0.25"),
            (12.34, "12.3"),
            (999.6, "1000"),
            (12_345.0, "12.3k"),
            (2.5e6, "2.5M"),
            (100.0, "100"),
        ] {
            assert_eq!(number(value), expected);
        }
        for (share, expected) in
            [(0.0, "0 %"), (0.00301, "0.3 %"), (0.12, "12 %"), (1.0, "100 %"), (0.000_01, "< 0.01 %")]
        {
            assert_eq!(percent(share), expected);
        }
        for (seconds, expected) in
            [(0.25, "250 ms"), (0.0205, "20.5 ms"), (1.5, "1.5 s"), (200.0, "3m 20s"), (1_209_600.0, "14 days")]
        {
            assert_eq!(response_time(seconds), expected);
        }
    }
}
