//! Moments as others write them, in milliseconds since the epoch.

use super::{ImportError, Notes, Options};

/// How moments are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// Seconds since the epoch, with decimals.
    Seconds,
    /// Milliseconds since the epoch.
    Millis,
    /// Microseconds since the epoch.
    Micros,
    /// Nanoseconds since the epoch.
    Nanos,
    /// `2026-11-21T10:00:00+02:00`; a space may stand for the `T`, and the zone may be missing where an option gives it.
    Rfc3339,
    /// `%Y %m %d %H %M %S %f %b %z`, `%T` and `%F`, and anything else as it is.
    Pattern(String),
}

/// An offset from UTC in seconds: 7200 is two hours east.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(pub i32);

/// Moments from 1970 to 9999, so that a wrong unit is found.
const LATEST: i64 = 253_402_300_799_999;

impl Zone {
    /// Reads `UTC`, `Z`, `+02:00`, `-0530`.
    pub fn parse(text: &str) -> Option<Self> {
        if ["utc", "z", "gmt"].contains(&text.to_ascii_lowercase().as_str()) {
            return Some(Self(0));
        }
        let (sign, digits) = match text.split_at_checked(1)? {
            ("+", digits) => (1, digits),
            ("-" | "\u{2212}", digits) => (-1, digits),
            _ => return None,
        };
        let digits = digits.replace(':', "");
        if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
        (hours < 24 && minutes < 60).then_some(Self(sign * (hours * 3600 + minutes * 60)))
    }
}

impl TimeFormat {
    /// Reads `s`, `ms`, `us`, `ns`, `rfc3339` or a pattern with `%`.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "s" => Self::Seconds,
            "ms" => Self::Millis,
            "us" => Self::Micros,
            "ns" => Self::Nanos,
            "rfc3339" => Self::Rfc3339,
            pattern if pattern.contains('%') => Self::Pattern(pattern.to_owned()),
            _ => return None,
        })
    }
}

/// What a text says, or what is missing to know that.
#[derive(Debug)]
pub(super) enum Failed {
    /// It is no moment of this form.
    Form,
    /// It does not say its zone.
    NoZone,
    /// It is before 1970 or after 9999.
    OutOfRange,
    /// A bare number, of which nobody said the unit.
    NoUnit,
}

/// Reads a moment; without a format it has to be RFC 3339, which cannot be anything else.
pub(super) fn parse(text: &str, format: Option<&TimeFormat>, zone: Option<Zone>) -> Result<i64, Failed> {
    let text = text.trim();
    let number = || text.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or(Failed::Form);
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and is looked at below")]
    let at = match format {
        Some(TimeFormat::Seconds) => (number()? * 1000.0).round() as i64,
        Some(TimeFormat::Millis) => number()?.round() as i64,
        Some(TimeFormat::Micros) => (number()? / 1e3).round() as i64,
        Some(TimeFormat::Nanos) => (number()? / 1e6).round() as i64,
        Some(TimeFormat::Pattern(pattern)) => pattern_moment(text, pattern, zone)?,
        None if text.parse::<f64>().is_ok() => return Err(Failed::NoUnit),
        Some(TimeFormat::Rfc3339) | None => rfc3339(text, zone)?,
    };
    if (0..=LATEST).contains(&at) { Ok(at) } else { Err(Failed::OutOfRange) }
}

/// What to say of a moment that could not be read.
pub(super) fn error(failed: &Failed, text: &str, line: u64, options: &Options, notes: &Notes) -> ImportError {
    let allowed = "--time-format s|ms|us|ns|rfc3339|a pattern such as '%d/%b/%Y %H:%M:%S'";
    let text: String = text.chars().take(60).collect();
    match failed {
        Failed::Form => notes.error_at(
            line,
            format!("`{text}` is no moment{}", if options.time_format.is_some() { " of that format" } else { "" }),
            allowed,
            "name the column with --time and its format with --time-format",
        ),
        Failed::NoUnit => notes.error_at(
            line,
            format!("`{text}` may be seconds or milliseconds"),
            allowed,
            "say which with --time-format",
        ),
        Failed::NoZone => notes.error_at(
            line,
            format!("`{text}` does not say its time zone"),
            "--zone UTC, or an offset such as --zone +02:00",
            "say with --zone where its clock was",
        ),
        Failed::OutOfRange => notes.error_at(
            line,
            format!("`{text}` would be before 1970 or after 9999"),
            allowed,
            "the unit is another one: say which with --time-format",
        ),
    }
}

fn rfc3339(text: &str, zone: Option<Zone>) -> Result<i64, Failed> {
    let (date, rest) = text.split_at_checked(10).ok_or(Failed::Form)?;
    let rest = rest.strip_prefix(['T', 't', ' ']).ok_or(Failed::Form)?;
    let (clock, offset) = match rest.find(['Z', 'z', '+', '-', ' ']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let pattern = if clock.contains('.') { "%F %T.%f" } else { "%F %T" };
    let offset = offset.trim();
    let zone = if offset.is_empty() { zone } else { Some(Zone::parse(offset).ok_or(Failed::Form)?) };
    pattern_moment(&format!("{date} {clock}"), pattern, zone)
}

/// Parts of a moment on the way.
#[derive(Default)]
struct Parts {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    millis: i64,
    zone: Option<Zone>,
}

fn pattern_moment(text: &str, pattern: &str, zone: Option<Zone>) -> Result<i64, Failed> {
    let mut parts = Parts { zone, ..Parts::default() };
    let pattern = pattern.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S");
    let mut rest = text;
    let mut pattern = pattern.chars();
    while let Some(next) = pattern.next() {
        if next != '%' {
            rest = rest.strip_prefix(next).ok_or(Failed::Form)?;
            continue;
        }
        rest = parts.take(pattern.next().ok_or(Failed::Form)?, rest).ok_or(Failed::Form)?;
    }
    if !rest.is_empty() {
        return Err(Failed::Form);
    }
    parts.moment()
}

impl Parts {
    fn take<'t>(&mut self, what: char, text: &'t str) -> Option<&'t str> {
        const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
        let (slot, most) = match what {
            'Y' => (&mut self.year, 4),
            'm' => (&mut self.month, 2),
            'd' => (&mut self.day, 2),
            'H' => (&mut self.hour, 2),
            'M' => (&mut self.minute, 2),
            'S' => (&mut self.second, 2),
            'f' => {
                let length = text.bytes().take_while(u8::is_ascii_digit).count();
                let (digits, rest) = text.split_at(length);
                let padded = format!("{digits:0<3}");
                self.millis = padded.get(..3)?.parse().ok()?;
                return (length > 0).then_some(rest);
            }
            'b' => {
                let (name, rest) = text.split_at_checked(3)?;
                let at = MONTHS.iter().position(|month| name.eq_ignore_ascii_case(month))?;
                self.month = i64::try_from(at).ok()? + 1;
                return Some(rest);
            }
            'z' => {
                let length = text.find(char::is_whitespace).unwrap_or(text.len());
                self.zone = Some(Zone::parse(text.get(..length)?)?);
                return text.get(length..);
            }
            _ => return None,
        };
        let length = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
        *slot = text.get(..length)?.parse().ok()?;
        text.get(length..)
    }

    fn moment(&self) -> Result<i64, Failed> {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let days = match self.month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return Err(Failed::Form),
        };
        // 60 is a leap second.
        let fits = (1..=days).contains(&self.day) && self.hour < 24 && self.minute < 60 && self.second <= 60;
        if !fits {
            return Err(Failed::Form);
        }
        let zone = self.zone.ok_or(Failed::NoZone)?;
        let seconds = days_from_civil(self.year, self.month, self.day) * 86_400
            + self.hour * 3600
            + self.minute * 60
            + self.second
            - i64::from(zone.0);
        Ok(seconds * 1000 + self.millis)
    }
}

/// Days since the epoch of a date in the Gregorian calendar, counted in years that begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_each_of_their_forms() {
        let at = 1_763_719_200_123; // 2025-11-21T10:00:00.123Z
        let clf = TimeFormat::Pattern("%d/%b/%Y:%H:%M:%S %z".to_owned());
        for (text, format, zone, expected) in [
            ("1763719200.123", Some(TimeFormat::Seconds), None, at),
            ("1763719200123", Some(TimeFormat::Millis), None, at),
            ("1763719200123456789", Some(TimeFormat::Nanos), None, at),
            ("2025-11-21T10:00:00.123Z", None, None, at),
            ("2025-11-21T12:00:00.123456+02:00", None, None, at),
            ("2025-11-21 04:30:00.123", None, Some(Zone(-19_800)), at),
            ("21/Nov/2025:12:00:00 +0200", Some(clf), None, at - 123),
            ("2024-02-29T00:00:00Z", None, None, 1_709_164_800_000),
        ] {
            assert_eq!(parse(text, format.as_ref(), zone).expect(text), expected, "{text}");
        }
    }

    #[test]
    fn what_a_moment_does_not_say_is_asked_for() {
        for (text, expected) in [
            ("1763719200", "NoUnit"),
            ("2025-11-21T10:00:00", "NoZone"),
            ("2025-02-29T10:00:00Z", "Form"),
            ("tomorrow", "Form"),
            ("1969-12-31T23:00:00Z", "OutOfRange"),
        ] {
            assert_eq!(format!("{:?}", parse(text, None, None).expect_err(text)), expected, "{text}");
        }
    }
}
