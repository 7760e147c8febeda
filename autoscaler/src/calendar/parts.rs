//! What calendars are made of: hours of the day, days of the week, dates, time zones.

use std::{fmt, str::FromStr, time::Duration};

use jiff::{
    civil::{Date, Weekday},
    tz::{TimeZone, TimeZoneDatabase},
};
use serde::{Deserialize, Serialize};

use super::CalendarError;
use crate::{text::nearest, time::Timestamp};

/// Minutes of a day without a change of clocks.
pub(super) const DAY: u16 = 24 * 60;

/// From one time of day to another, `22:00-06:00`; over midnight if the second is not later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Minutes after midnight.
    pub(super) from: u16,
    /// The same; 1440 is the end of the day.
    pub(super) to: u16,
}

impl Hours {
    /// Whether the end is on the day after the start, as the local calendar counts.
    pub fn over_midnight(self) -> bool {
        self.to < self.from
    }

    pub(super) fn setting(self) -> String {
        format!("{}-{}", Clock(self.from), Clock(self.to))
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}–{}", Clock(self.from), Clock(self.to))
    }
}

impl FromStr for Hours {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<Self, CalendarError> {
        let help = "write two times of day such as `22:00-06:00`";
        let Some((from, to)) = text.split_once(['-', '–']) else {
            return Err(CalendarError::new(format!("{} is no span of hours", quote(text)), help));
        };
        let (from, to) = (time_of_day(from.trim())?, time_of_day(to.trim())?);
        if from == DAY {
            return Err(CalendarError::new(
                "a day's window cannot begin at 24:00",
                "write `00:00`, with the day after",
            ));
        }
        if from == to {
            let message = format!("{} begins and ends at the same time of day", quote(text));
            return Err(CalendarError::new(message, "write `00:00-24:00` for the whole day"));
        }
        Ok(Self { from, to })
    }
}

/// Minutes after midnight.
fn time_of_day(text: &str) -> Result<u16, CalendarError> {
    let digits = |part: &str, most: usize| {
        let fits = (1..=most).contains(&part.len()) && part.bytes().all(|digit| digit.is_ascii_digit());
        fits.then(|| part.parse::<u16>().ok()).flatten()
    };
    let parts = text.split_once(':').filter(|(_, minute)| minute.len() == 2);
    match parts.and_then(|(hour, minute)| Some((digits(hour, 2)?, digits(minute, 2)?))) {
        Some((24, 0)) => Ok(DAY),
        Some((hour @ 0..=23, minute @ 0..=59)) => Ok(hour * 60 + minute),
        _ => Err(CalendarError::new(
            format!("{} is no time of day", quote(text)),
            "write hours and minutes from `00:00` to `24:00`, such as `08:30`",
        )),
    }
}

struct Clock(u16);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// Some days of the week, at least one: `mon-fri`, `sat,sun`, `fri-mon`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weekdays(u8);

const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Weekdays {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);

    /// Those of either.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn contains(self, day: Weekday) -> bool {
        self.has(usize::from(day.to_monday_zero_offset().unsigned_abs()))
    }

    pub(super) fn setting(self) -> String {
        self.runs("-")
    }

    fn has(self, place: usize) -> bool {
        self.0 >> (place % 7) & 1 == 1
    }

    /// Runs of three and more days as a range.
    fn runs(self, to: &str) -> String {
        let mut runs = Vec::new();
        let mut place = 0;
        while place < 7 {
            let length = (place..7).take_while(|place| self.has(*place)).count();
            match length {
                0 => {}
                1 | 2 => runs.extend(WEEK[place..place + length].iter().map(ToString::to_string)),
                _ => runs.push(format!("{}{to}{}", WEEK[place], WEEK[place + length - 1])),
            }
            place += length.max(1);
        }
        runs.join(",")
    }
}

impl fmt::Display for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.runs("–"))
    }
}

impl FromStr for Weekdays {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<Self, CalendarError> {
        let mut days = 0;
        for part in text.split(',') {
            let (from, to) = part.split_once(['-', '–']).unwrap_or((part, part));
            let (from, to) = (weekday(from.trim())?, weekday(to.trim())?);
            let last = if to < from { to + 7 } else { to };
            days |= (from..=last).fold(0, |days, place| days | 1 << (place % 7));
        }
        Ok(Self(days))
    }
}

fn weekday(text: &str) -> Result<usize, CalendarError> {
    WEEK.iter().position(|name| name.eq_ignore_ascii_case(text)).ok_or_else(|| {
        let named = |day: &&str| text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(day));
        let near = WEEK.into_iter().find(named).or_else(|| nearest(text, WEEK));
        let help = match near {
            Some(near) => format!("write `{near}`"),
            None => "write days such as `mon-fri` or `sat,sun`".to_owned(),
        };
        CalendarError::new(format!("{} is no day of the week", quote(text)), help)
    })
}

/// One date or a range of them, both ends included: `2026-12-25`, `2026-12-24..2027-01-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Dates {
    pub(super) first: Date,
    pub(super) last: Date,
}

impl Dates {
    /// Whether `date` is one of them.
    pub fn contains(self, date: Date) -> bool {
        (self.first..=self.last).contains(&date)
    }

    pub(super) fn setting(self) -> String {
        if self.first == self.last { self.first.to_string() } else { format!("{}..{}", self.first, self.last) }
    }
}

impl fmt::Display for Dates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.setting())
    }
}

impl FromStr for Dates {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<Self, CalendarError> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let dates = Self { first: parse_date(first.trim())?, last: parse_date(last.trim())? };
        if dates.last < dates.first {
            let message = format!("{} ends before it begins", quote(text));
            return Err(CalendarError::new(message, format!("write `{}..{}`", dates.last, dates.first)));
        }
        Ok(dates)
    }
}

/// Reads a date as `2026-11-27`.
///
/// # Errors
/// If it is written otherwise, or if there is no such day.
pub fn parse_date(text: &str) -> Result<Date, CalendarError> {
    let shape =
        |(place, letter): (usize, u8)| if place == 4 || place == 7 { letter == b'-' } else { letter.is_ascii_digit() };
    if text.len() != 10 || !text.bytes().enumerate().all(shape) {
        let help = "write year, month and day, such as `2026-11-27`";
        return Err(CalendarError::new(format!("{} is no date", quote(text)), help));
    }
    text.parse().map_err(|_| {
        CalendarError::new(
            format!("there is no day {text}"),
            "months are 01 to 12, and days go as far as the month does",
        )
    })
}

/// A time zone of the IANA database, such as `Europe/Oslo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Zone(pub(super) TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// What its clock is ahead of UTC, in milliseconds.
    pub fn offset_ms(&self, at: Timestamp) -> i64 {
        let millis = i64::try_from(at.as_millis()).ok();
        let moment = millis.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
        moment.map_or(0, |moment| i64::from(self.0.to_offset(moment).seconds()) * 1000)
    }

    /// The date there.
    pub fn date(&self, at: Timestamp) -> Option<Date> {
        let moment = jiff::Timestamp::from_millisecond(i64::try_from(at.as_millis()).ok()?).ok()?;
        Some(self.0.to_datetime(moment).date())
    }

    /// A moment by the clock on the wall: `06:00`, and with its date if it is a day or more after `now`.
    pub fn spoken(&self, at: Timestamp, now: Timestamp) -> String {
        let millis = i64::try_from(at.as_millis()).ok();
        let Some(moment) = millis.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok()) else {
            return "the end of time".to_owned();
        };
        let far = at.since(now) >= Duration::from_hours(24);
        moment.to_zoned(self.0.clone()).strftime(if far { "%Y-%m-%d %H:%M" } else { "%H:%M" }).to_string()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl FromStr for Zone {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<Self, CalendarError> {
        // the bundled one by name: the global one may read files
        let database = TimeZoneDatabase::bundled();
        let zone = database.get(text).ok().filter(|zone| zone.iana_name().is_some());
        zone.map(Self).ok_or_else(|| {
            let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
            let place = |name: &&str| name.rsplit('/').next().is_some_and(|place| place.eq_ignore_ascii_case(text));
            let known = names.iter().map(String::as_str).find(place);
            let help = match known.or_else(|| nearest(text, names.iter().map(String::as_str))) {
                Some(near) => format!("write `{near}`"),
                None => "write a name of the IANA database, such as `Europe/Oslo` or `UTC`".to_owned(),
            };
            CalendarError::new(format!("{} is no time zone", quote(text)), help)
        })
    }
}

/// A text of somebody else's, short enough for a sentence.
pub(super) fn quote(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", text[..end].escape_debug()),
        None => format!("`{}`", text.escape_debug()),
    }
}

/// In JSON it is its text: what `Display` writes and `FromStr` reads.
macro_rules! is_its_text_in_json {
    ($($part:ty),+) => {$(
        impl From<$part> for String {
            fn from(value: $part) -> Self {
                value.to_string()
            }
        }

        impl TryFrom<String> for $part {
            type Error = CalendarError;

            fn try_from(text: String) -> Result<Self, CalendarError> {
                text.parse()
            }
        }
    )+};
}

is_its_text_in_json!(Dates, Zone);
