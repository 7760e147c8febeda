//! Numbers with their units.

use std::{ops::RangeInclusive, time::Duration};

use autoscaler::text::{
    Fields, Findings, Kind, Node, Value, Written, bytes, millicores_help, quote, size_help,
    values::{as_duration, decimal, duration, number, share},
};

use super::super::{LoadKind, Spans, grammar::LONGEST};

/// The most of anything.
const MOST: f64 = 1e12;
/// The most observed spans of one thing.
const MOST_SPANS: usize = 10_000;

/// What a quantity over time is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenario) enum Unit {
    /// So many of these per second.
    PerSecond(&'static str),
    /// Busy cores.
    Cores,
    /// Users at the same time.
    Users,
    /// Whatever the signal is measured in.
    Signal,
}

impl Unit {
    pub(in crate::scenario) fn of(kind: LoadKind) -> Self {
        match kind {
            LoadKind::Requests => Self::PerSecond("requests"),
            LoadKind::Jobs => Self::PerSecond("jobs"),
            LoadKind::Sessions { .. } => Self::PerSecond("sessions"),
            LoadKind::Cores => Self::Cores,
            LoadKind::Users { .. } => Self::Users,
        }
    }

    fn fitting(self) -> &'static str {
        match self {
            Self::PerSecond(_) => "so many per second such as `40/s`",
            Self::Cores => "cores such as `2.5`",
            Self::Users => "a number such as `200`",
            Self::Signal => "a number, with a unit at will, such as `0.7`, `70%`, `250ms`, `400MiB`, `40/s`",
        }
    }

    fn name(self) -> String {
        match self {
            Self::PerSecond(what) => format!("{what} per second"),
            Self::Cores => "cores".to_owned(),
            Self::Users => "a number of users".to_owned(),
            Self::Signal => "a number".to_owned(),
        }
    }
}

/// An amount of what is drawn; below zero only where it says by how much something changes.
pub(super) fn amount(node: &Node, what: &str, unit: Unit, may_fall: bool, findings: &mut Findings) -> Option<f64> {
    let text = node.text(what, unit.fitting().split('`').nth(1).unwrap_or_default(), findings)?;
    let written = Written::of(text);
    let value = match (unit, written) {
        (Unit::PerSecond(_), Some(Written::PerSecond(value)))
        | (Unit::Cores, Some(Written::Number(value) | Written::Cores(value)))
        | (Unit::Users, Some(Written::Number(value))) => Some(value),
        (Unit::Signal, Some(written)) => written.value(),
        _ => None,
    };
    let Some(value) = value else {
        let message = format!("{what} is {}, and must be {}", quote(text), unit.name());
        findings.add(Kind::BadUnit, node.place, message, unit_help(text, unit, written));
        return None;
    };
    let least = if may_fall || unit == Unit::Signal { -MOST } else { 0.0 };
    if (least..=MOST).contains(&value) {
        return Some(value);
    }
    let (bound, help) =
        if value < least { ("never below 0", "`0` is the least") } else { ("at most 10^12", "write less") };
    findings.add(Kind::BadValue, node.place, format!("{what} is {}, and {bound}", quote(text)), help);
    None
}

fn unit_help(text: &str, unit: Unit, written: Option<Written>) -> String {
    let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let per = |ends: &[&str]| ends.iter().any(|end| text.trim_end().ends_with(end)).then(|| decimal(number)).flatten();
    let of_span = |value: f64, span: &str| format!("per second it is `{}/s`, from {number} {span}", round(value));
    match unit {
        Unit::PerSecond(_) if matches!(written, Some(Written::Number(_))) => format!("write `{text}/s`"),
        Unit::PerSecond(_) => match (per(&["/m", "/min", "/minute"]), per(&["/h", "/hour"]), per(&["rps", "rpm"])) {
            (Some(value), ..) => of_span(value / 60.0, "a minute"),
            (_, Some(value), _) => of_span(value / 3600.0, "an hour"),
            (.., Some(value)) if text.ends_with("rps") => format!("write `{value}/s`"),
            (.., Some(value)) => of_span(value / 60.0, "a minute"),
            _ => format!("write {}", unit.fitting()),
        },
        Unit::Cores => millicores_help(text).unwrap_or_else(|| format!("write {}", unit.fitting())),
        Unit::Users | Unit::Signal => size_help(text).unwrap_or_else(|| format!("write {}", unit.fitting())),
    }
}

fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// Seconds, above zero; as fine as a nanosecond.
pub(super) fn seconds(node: &Node, what: &str, findings: &mut Findings) -> Option<f64> {
    let text = node.text(what, "20ms", findings)?;
    let longest = Duration::from_hours(24);
    let (message, help) = match as_duration(text) {
        Some(span) if span > Duration::ZERO && span <= longest => return Some(span.as_secs_f64()),
        Some(_) => (format!("{what} is {}; allowed: above 0s, at most 1day", quote(text)), "such as `20ms`".to_owned()),
        None => {
            let help = match decimal(text) {
                Some(number) if number > 0.0 => format!("write `{text}ms` or `{text}s`"),
                _ => "such as `20ms`".to_owned(),
            };
            (format!("{what} must be a duration with its unit, not {}", quote(text)), help)
        }
    };
    findings.add(Kind::BadValue, node.place, message, help);
    None
}

/// Cores, at least 0.
pub(super) fn cores(node: &Node, what: &str, findings: &mut Findings) -> Option<f64> {
    amount(node, what, Unit::Cores, false, findings)
}

/// Bytes.
pub(super) fn size(node: &Node, what: &str, findings: &mut Findings) -> Option<f64> {
    let text = node.text(what, "256MiB", findings)?;
    let size = bytes(text).filter(|size| (0.0..=1e18).contains(size));
    if size.is_none() {
        let message = format!("{what} is {}; allowed: a size with its unit", quote(text));
        findings.add(
            Kind::BadUnit,
            node.place,
            message,
            size_help(text).unwrap_or_else(|| "such as `256MiB`".to_owned()),
        );
    }
    size
}

/// One observed span, or several.
pub(super) fn spans(node: &Node, what: &str, findings: &mut Findings) -> Option<Spans> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if items.is_empty() || items.len() > MOST_SPANS {
        let message = format!("{what} has {} durations; allowed: 1 to {MOST_SPANS}", items.len());
        findings.add(Kind::BadValue, node.place, message, "such as `[400ms, 600ms]`");
        return None;
    }
    let read: Vec<_> = items.iter().map(|item| duration(item, what, &(Duration::ZERO..=LONGEST), findings)).collect();
    read.into_iter().collect::<Option<Vec<_>>>().map(Spans)
}

/// The share of `key`, within `allowed`; the grammar gives it where nobody does.
pub(super) fn share_of(
    fields: &Fields<'_>,
    key: &str,
    allowed: RangeInclusive<f64>,
    findings: &mut Findings,
) -> Option<f64> {
    share(fields.get(key)?, &format!("`{key}`"), allowed, findings)
}

/// The number of `key`, within `allowed`; the grammar gives it where nobody does.
pub(super) fn number_of(
    fields: &Fields<'_>,
    key: &str,
    allowed: RangeInclusive<f64>,
    findings: &mut Findings,
) -> Option<f64> {
    number(fields.get(key)?, &format!("`{key}`"), allowed, findings)
}

/// What `read` makes of `key`: `Some(None)` where it is not given, `None` where it has an error.
#[expect(clippy::option_option, reason = "the outer one is an error, the inner one is nothing given")]
pub(super) fn may<T>(
    fields: &Fields<'_>,
    key: &str,
    findings: &mut Findings,
    read: impl FnOnce(&Node, &str, &mut Findings) -> Option<T>,
) -> Option<Option<T>> {
    match fields.get(key) {
        None => Some(None),
        Some(node) => read(node, &format!("`{key}`"), findings).map(Some),
    }
}

/// What `read` makes of `key`, which must be there.
pub(super) fn must<T>(
    fields: &Fields<'_>,
    key: &str,
    findings: &mut Findings,
    read: impl FnOnce(&Node, &str, &mut Findings) -> Option<T>,
) -> Option<T> {
    let node = fields.required(key, findings)?;
    read(node, &format!("`{key}`"), findings)
}

/// The duration of `key`, which must be there.
pub(super) fn must_span(fields: &Fields<'_>, key: &str, findings: &mut Findings) -> Option<Duration> {
    fields.required(key, findings)?;
    fields.duration(key, findings)
}

/// The duration of `key`, which may be left out.
#[expect(clippy::option_option, reason = "the outer one is an error, the inner one is nothing given")]
pub(super) fn may_span(fields: &Fields<'_>, key: &str, findings: &mut Findings) -> Option<Option<Duration>> {
    if fields.get(key).is_none() { Some(None) } else { fields.duration(key, findings).map(Some) }
}
