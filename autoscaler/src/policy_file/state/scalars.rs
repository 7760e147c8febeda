//! Single values.

use std::time::Duration;

use crate::{
    Timestamp,
    text::{
        Fields, Findings, Kind, Node, Written, quote,
        values::{as_duration, decimal, whole},
    },
};

/// Longer ago than this is nothing.
const LONGEST_AGO: Duration = Duration::from_hours(24 * 366 * 100);

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

/// The count of `key`, if it is given.
pub(super) fn count(fields: &Fields<'_>, key: &str, findings: &mut Findings) -> Option<u32> {
    whole(fields.given(key)?, &format!("`{key}`"), &(0..=u32::MAX), findings)
}

/// A finite number, with a unit at will: `0.5`, `70%`, `400MiB`, `250ms`, `120/s`.
pub(super) fn number(node: &Node, what: &str, findings: &mut Findings) -> Option<f64> {
    let text = node.text(what, "0.5", findings)?;
    let number = Written::of(&digits(text)).and_then(Written::value);
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

/// A text that says something.
pub(super) fn text(node: &Node, what: &str, findings: &mut Findings) -> Option<String> {
    node.text(what, "…", findings).map(ToOwned::to_owned)
}

/// JSON may write `1e+9` for `1e9`.
fn digits(text: &str) -> String {
    text.replacen("e+", "e", 1).replacen("E+", "e", 1)
}
