//! Single values that have no unit of a signal: durations, counts, percentages, names.

use std::{
    ops::{Range, RangeInclusive},
    time::Duration,
};

use super::{Findings, Kind, Node, listed, nearest, quote};
use crate::{Timestamp, time::spoken};

/// What is taken for Unix time in seconds, of 1973 to 5138: as milliseconds all of these are in the first three years.
const UNIX_SECONDS: Range<u64> = 100_000_000..100_000_000_000;
/// The last moment of the year 9999.
const LAST: u64 = 253_402_300_799_999;

/// A duration, whole milliseconds, within `allowed`.
pub fn duration(
    node: &Node,
    what: &str,
    allowed: &RangeInclusive<Duration>,
    findings: &mut Findings,
) -> Option<Duration> {
    let text = node.text(what, "30s", findings)?;
    let range = format!("{} to {}", spoken(*allowed.start()), spoken(*allowed.end()));
    let (message, help) = match as_duration(text) {
        Some(duration) if !duration.subsec_nanos().is_multiple_of(1_000_000) => {
            (format!("{what} is {}, finer than a millisecond", quote(text)), "round it".to_owned())
        }
        Some(duration) if allowed.contains(&duration) => return Some(duration),
        Some(_) => (format!("{what} is {}; allowed: {range}", quote(text)), format!("write a duration from {range}")),
        None => (format!("{what} must be a duration with its unit, not {}", quote(text)), duration_help(text)),
    };
    findings.add(Kind::BadValue, node.place, message, help);
    None
}

/// A duration as humantime reads it; a number without a unit is none, not even 0.
pub fn as_duration(text: &str) -> Option<Duration> {
    if !text.contains(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    humantime::parse_duration(text).ok()
}

fn duration_help(text: &str) -> String {
    match decimal(text) {
        Some(number) if number >= 0.0 => format!("write `{text}s`, `{text}m` or `{text}h`"),
        _ => "write a number and `ms`, `s`, `m`, `h` or `d`, such as `30s` or `1h 30m`".to_owned(),
    }
}

/// A whole number within `allowed`.
pub fn whole(node: &Node, what: &str, allowed: &RangeInclusive<u32>, findings: &mut Findings) -> Option<u32> {
    let text = node.text(what, &allowed.end().to_string(), findings)?;
    if let Some(number) = text.parse().ok().filter(|number| allowed.contains(number)) {
        return Some(number);
    }
    let (least, most) = (allowed.start(), allowed.end());
    let message = format!("{what} is {}; allowed: a whole number from {least} to {most}", quote(text));
    findings.add(Kind::BadValue, node.place, message, nearest_bound(text, allowed));
    None
}

fn nearest_bound(text: &str, allowed: &RangeInclusive<u32>) -> String {
    match decimal(text) {
        Some(number) if number > f64::from(*allowed.end()) => format!("`{}` is the most", allowed.end()),
        Some(number) if number < f64::from(*allowed.start()) => format!("`{}` is the least", allowed.start()),
        _ => "write digits only".to_owned(),
    }
}

/// A percentage as a share: `70%` is 0.7. Shifts the point instead of dividing, so that it is the nearest number.
pub fn percentage(text: &str) -> Option<f64> {
    let number = text.strip_suffix('%')?.trim_end();
    decimal(number)?;
    if number.contains(['e', 'E']) { None } else { format!("{number}e-2").parse().ok() }
}

/// A finite number in digits, with a point and an exponent at will; no `inf` and no `nan`.
pub fn decimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-'));
    let number: f64 = if plain { text.parse().ok()? } else { return None };
    number.is_finite().then_some(number)
}

/// A percentage as a share within `allowed`.
pub fn share(node: &Node, what: &str, allowed: RangeInclusive<f64>, findings: &mut Findings) -> Option<f64> {
    let text = node.text(what, "10%", findings)?;
    if let Some(share) = percentage(text).filter(|share| allowed.contains(share)) {
        return Some(share);
    }
    let percent = |share: f64| format!("{}%", (share * 1e6).round() / 1e4);
    let (least, most) = (percent(*allowed.start()), percent(*allowed.end()));
    let message = format!("{what} is {}; allowed: a percentage from {least} to {most}", quote(text));
    let help = match decimal(text) {
        Some(number) if number > 0.0 && number < 1.0 => format!("write `{}`", percent(number)),
        Some(number) if allowed.contains(&(number / 100.0)) => format!("write `{number}%`"),
        _ => "such as `10%`".to_owned(),
    };
    findings.add(Kind::BadValue, node.place, message, help);
    None
}

/// A plain number within `allowed`.
pub fn number(node: &Node, what: &str, allowed: RangeInclusive<f64>, findings: &mut Findings) -> Option<f64> {
    let text = node.text(what, "20", findings)?;
    if let Some(number) = decimal(text).filter(|number| allowed.contains(number)) {
        return Some(number);
    }
    let above = *allowed.start() > 0.0 && *allowed.start() <= f64::MIN_POSITIVE;
    let least = if above { "above 0".to_owned() } else { allowed.start().to_string() };
    let message = format!("{what} is {}; allowed: a number from {least} to {}", quote(text), allowed.end());
    findings.add(Kind::BadValue, node.place, message, "such as `20`");
    None
}

/// A factor above 1, `2x` or `2`.
pub fn factor(node: &Node, what: &str, findings: &mut Findings) -> Option<f64> {
    let text = node.text(what, "2x", findings)?;
    let number = decimal(text.strip_suffix('x').unwrap_or(text).trim_end());
    if let Some(number) = number.filter(|number| *number > 1.0 && *number <= 1e6) {
        return Some(number);
    }
    findings.add(
        Kind::BadValue,
        node.place,
        format!("{what} is {}; allowed: a factor above 1", quote(text)),
        "such as `2x`",
    );
    None
}

/// A moment by the calendar (RFC 3339), of the years 1970 to 9999.
pub fn as_moment(text: &str) -> Option<Timestamp> {
    let millis = u64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()).ok()?;
    (millis <= LAST).then_some(Timestamp::from_millis(millis))
}

/// A moment as [`as_moment`] reads it: `2026-11-21T12:00:00Z`.
pub fn moment_text(at: Timestamp) -> String {
    let millis = i64::try_from(at.as_millis().min(LAST)).unwrap_or_default();
    jiff::Timestamp::from_millisecond(millis).map(|at| at.to_string()).unwrap_or_default()
}

/// A moment: by the calendar (RFC 3339), or in milliseconds since the epoch.
pub fn moment(node: &Node, what: &str, findings: &mut Findings) -> Option<Timestamp> {
    let text = node.text(what, "2026-11-21T12:00:00Z", findings)?;
    if let Some(seconds) = text.parse::<u64>().ok().filter(|number| UNIX_SECONDS.contains(number)) {
        let message = format!("{what} is `{seconds}`, which looks like seconds since 1970, and is to be milliseconds");
        findings.add(Kind::BadValue, node.place, message, format!("write it in milliseconds: `{seconds}000`"));
        return None;
    }
    let by_number = || text.parse().ok().filter(|millis| *millis <= LAST).map(Timestamp::from_millis);
    if let Some(at) = by_number().or_else(|| as_moment(text)) {
        return Some(at);
    }
    let message = format!("{what} is {}; allowed: a moment of the years 1970 to 9999", quote(text));
    let help = "write `2026-11-21T12:00:00Z`, `2026-11-21T13:00:00+01:00`, or milliseconds since 1970";
    findings.add(Kind::BadValue, node.place, message, help);
    None
}

/// `true` or `false`.
pub fn boolean(node: &Node, what: &str, findings: &mut Findings) -> Option<bool> {
    word(node, what, &[("true", true), ("false", false)], findings)
}

/// One of the given words.
pub fn word<T: Copy>(node: &Node, what: &str, words: &[(&str, T)], findings: &mut Findings) -> Option<T> {
    let names = || words.iter().map(|(name, _)| *name);
    let text = node.text(what, words.first()?.0, findings)?;
    if let Some((_, meant)) = words.iter().find(|(name, _)| *name == text) {
        return Some(*meant);
    }
    let message = format!("{what} is {}; allowed: {}", quote(text), listed(names()));
    let help = match did_you_mean(text, names()) {
        help if help.is_empty() => format!("write `{}`", words.first()?.0),
        help => help,
    };
    findings.add(Kind::BadValue, node.place, message, help);
    None
}

/// "did you mean …?", or nothing.
pub fn did_you_mean<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(written, known).map(|name| format!("did you mean `{name}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_the_nearest_number() {
        for (text, expected) in [
            ("70%", Some(0.7)),
            ("70 %", Some(0.7)),
            ("99.9%", Some(0.999)),
            ("0.1%", Some(0.001)),
            ("-5%", Some(-0.05)),
            ("70", None),
            ("%", None),
            ("inf%", None),
            ("1e2%", None),
        ] {
            assert_eq!(percentage(text), expected, "{text}");
        }
    }

    #[test]
    fn a_duration_has_a_unit() {
        for (text, expected) in [
            ("30s", Some(30_000)),
            ("0s", Some(0)),
            ("1.5h", Some(5_400_000)),
            ("1h 30m", Some(5_400_000)),
            ("250ms", Some(250)),
            ("0", None),
            ("30", None),
            ("-5s", None),
            ("PT5M", None),
            ("", None),
            ("99999999999999999999999y", None),
        ] {
            assert_eq!(as_duration(text), expected.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn a_number_is_in_digits() {
        for (text, expected) in [
            ("20", Some(20.0)),
            ("0.5", Some(0.5)),
            ("-1", Some(-1.0)),
            ("1e6", Some(1e6)),
            ("nan", None),
            ("inf", None),
            ("1e999", None),
            ("+1", None),
            ("1_000", None),
            ("", None),
            ("--1", None),
        ] {
            assert_eq!(decimal(text), expected, "{text}");
        }
    }
}
