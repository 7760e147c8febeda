//! Single values.

use std::time::Duration;

use super::super::{
    finding::{Findings, Kind, quote},
    node::Node,
    quantity,
    values::{as_duration, decimal, word},
};
use crate::Timestamp;

/// Longer ago than this is nothing.
const LONGEST_AGO: Duration = Duration::from_hours(24 * 366 * 100);
/// What is taken for Unix time in seconds, of 1973 to 5138: as milliseconds all of these are in the first three years.
const UNIX_SECONDS: std::ops::Range<u64> = 100_000_000..100_000_000_000;
/// The last moment of the year 9999.
const LAST: u64 = 253_402_300_799_999;

/// A span: `30s`, `5m`, or a number of seconds.
pub(super) fn span(node: &Node, what: &str, findings: &mut Findings) -> Option<Duration> {
    let text = node.text(what, "30s", findings)?;
    let seconds = || decimal(&digits(text)).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    if let Some(span) = as_duration(text).or_else(seconds).filter(|span| *span <= LONGEST_AGO) {
        // Whole milliseconds, which is as fine as time is here.
        return Some(Duration::from_millis(crate::time::millis(span + Duration::from_micros(500))));
    }
    let message = format!("{what} is {}; allowed: a span such as `30s`, or a number of seconds", quote(text));
    findings.add(Kind::BadValue, node.place, message, "write `30s`, `5m`, `1h`, or `30`");
    None
}

/// The moment so long before `now`.
pub(super) fn ago(node: &Node, what: &str, now: Timestamp, findings: &mut Findings) -> Option<Timestamp> {
    span(node, what, findings).map(|span| now.minus(span))
}

/// A moment: by the calendar (RFC 3339), or in milliseconds since the epoch.
pub(super) fn moment(node: &Node, what: &str, findings: &mut Findings) -> Option<Timestamp> {
    let text = node.text(what, "2026-11-21T12:00:00Z", findings)?;
    if let Some(seconds) = text.parse::<u64>().ok().filter(|number| UNIX_SECONDS.contains(number)) {
        let message = format!("{what} is `{seconds}`, which looks like seconds since 1970, and is to be milliseconds");
        findings.add(Kind::BadValue, node.place, message, format!("write it in milliseconds: `{seconds}000`"));
        return None;
    }
    let by_calendar = || text.parse::<jiff::Timestamp>().ok().and_then(|at| u64::try_from(at.as_millisecond()).ok());
    if let Some(millis) = text.parse().ok().or_else(by_calendar).filter(|millis| *millis <= LAST) {
        return Some(Timestamp::from_millis(millis));
    }
    let message = format!("{what} is {}; allowed: a moment of the years 1970 to 9999", quote(text));
    let help = "write `2026-11-21T12:00:00Z`, `2026-11-21T13:00:00+01:00`, or milliseconds since 1970";
    findings.add(Kind::BadValue, node.place, message, help);
    None
}

/// A whole number from `least` to `most`.
pub(super) fn count(node: &Node, what: &str, least: u32, most: u32, findings: &mut Findings) -> Option<u32> {
    super::super::values::whole(node, what, &(least..=most), findings)
}

/// A finite number, with a unit at will: `0.5`, `70%`, `400MiB`, `250ms`, `120/s`.
pub(super) fn number(node: &Node, what: &str, findings: &mut Findings) -> Option<f64> {
    let text = node.text(what, "0.5", findings)?;
    let number = quantity::plain(&digits(text));
    if number.is_none() {
        let message = format!("{what} is {}; allowed: a finite number, with a unit at will", quote(text));
        findings.add(Kind::BadValue, node.place, message, "write `0.5`, `70%`, `400MiB`, `250ms` or `120/s`");
    }
    number
}

/// A number of at least 0.
pub(super) fn amount(node: &Node, what: &str, findings: &mut Findings) -> Option<f64> {
    let number = number(node, what, findings)?;
    if number >= 0.0 {
        return Some(number);
    }
    findings.add(Kind::BadValue, node.place, format!("{what} is `{number}`, and is never below 0"), "`0` is the least");
    None
}

/// `true` or `false`.
pub(super) fn flag(node: &Node, what: &str, findings: &mut Findings) -> Option<bool> {
    word(node, what, &[("true", true), ("false", false)], findings)
}

/// A text that says something.
pub(super) fn text(node: &Node, what: &str, findings: &mut Findings) -> Option<String> {
    node.text(what, "…", findings).map(ToOwned::to_owned)
}

/// JSON may write `1e+9` for `1e9`.
fn digits(text: &str) -> String {
    text.replacen("e+", "e", 1).replacen("E+", "e", 1)
}
