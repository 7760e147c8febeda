//! Numbers with their units, so that they read to the same numbers.

use std::time::Duration;

use autoscaler::text::yaml;

use super::super::{Spans, read::Unit};

pub(super) fn number(value: f64) -> String {
    // Neither `inf` nor an exponent can be read everywhere.
    if value.is_finite() { format!("{value}") } else { "0".to_owned() }
}

pub(super) fn amount(value: f64, unit: Unit) -> String {
    match unit {
        Unit::PerSecond(_) => format!("{}/s", number(value)),
        _ => number(value),
    }
}

pub(super) fn cores(value: f64) -> String {
    number(value)
}

/// 0.125 is `12.5%`: the point is shifted in the text, so that it reads to the same number.
pub(super) fn percent(share: f64) -> String {
    let text = number(share);
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let digits = format!("{part:0<2}");
    let (shifted, rest) = digits.split_at(2);
    let whole = format!("{whole}{shifted}");
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    if rest.is_empty() { format!("{whole}%") } else { format!("{whole}.{rest}%") }
}

/// In the largest unit of which it is a whole number.
pub(super) fn size(bytes: f64) -> String {
    for (name, factor) in [("GiB", 1_073_741_824.0), ("MiB", 1_048_576.0), ("KiB", 1024.0)] {
        if bytes >= factor && (bytes / factor).fract() == 0.0 {
            return format!("{}{name}", bytes / factor);
        }
    }
    format!("{}B", number(bytes))
}

/// Rounded to the millisecond: `1h 30m`, `250ms`.
pub(super) fn span(span: Duration) -> String {
    let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    written(Duration::from_millis(micros.saturating_add(500) / 1000))
}

/// Rounded to the nanosecond: `20ms`, `1ms 500us`.
pub(super) fn seconds(seconds: f64) -> String {
    written(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

fn written(span: Duration) -> String {
    let seconds = span.as_secs();
    let nanos = span.subsec_nanos();
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (u64::from(nanos / 1_000_000), "ms"),
        (u64::from(nanos / 1000 % 1000), "us"),
        (u64::from(nanos % 1000), "ns"),
    ];
    let parts: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

pub(super) fn spans(spans: &Spans) -> String {
    match spans.0.as_slice() {
        [] => "0s".to_owned(),
        [only] => span(*only),
        several => format!("[{}]", several.iter().map(|each| span(*each)).collect::<Vec<_>>().join(", ")),
    }
}

/// As it is where YAML takes that for the same text, otherwise in double quotes.
pub(crate) fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || "./_".contains(c))
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/ ".contains(c))
        && !text.ends_with(' ')
        && !matches!(text, "null" | "Null" | "NULL");
    if plain {
        return text.to_owned();
    }
    yaml::double_quoted(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_written_so_that_it_reads_to_itself() {
        for (share, expected) in [
            (0.0, "0%"),
            (0.1, "10%"),
            (1.0, "100%"),
            (0.125, "12.5%"),
            (0.0005, "0.05%"),
            (1.3, "130%"),
            (12.0, "1200%"),
        ] {
            assert_eq!(percent(share), expected);
        }
    }

    #[test]
    fn spans_are_written_as_people_do() {
        for (millis, expected) in
            [(0, "0s"), (20, "20ms"), (5_400_000, "1h 30m"), (86_400_000, "1d"), (1500, "1s 500ms")]
        {
            assert_eq!(span(Duration::from_millis(millis)), expected);
        }
        assert_eq!(seconds(0.0015), "1ms 500us");
    }
}
