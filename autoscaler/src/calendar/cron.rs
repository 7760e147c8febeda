//! Cron expressions: croner reads and matches them, here they get their messages and a quick look at the minutes of a day.

use croner::{Cron as Pattern, JobType, Weekday, parser::CronParser};
use jiff::civil::Date;

use super::{CalendarError, parts::quote};
use crate::text::nearest;

/// The longest expression that is read, in bytes.
const LONGEST_TEXT: usize = 200;
/// In so many years every date has been on every day of the week, leap days included (the Gregorian calendar's weekdays
/// repeat after 28 years within a century).
const ALL_WEEKDAYS: std::ops::Range<i16> = 2000..2028;

/// A cron expression of five fields.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cron {
    text: String,
    pattern: Pattern,
    /// Bit by bit, those that match.
    hours: u32,
    minutes: u64,
}

impl Cron {
    pub(super) fn parse(text: &str) -> Result<Self, CalendarError> {
        let spelled = spelled_out(text)?;
        let parser = CronParser::new();
        let fields: Vec<&str> = spelled.split_whitespace().collect();
        let Ok(fields) = <[&str; 5]>::try_from(fields) else { return Err(wrong_count(text)) };
        for (place, field) in FIELDS.iter().enumerate() {
            field.check(fields[place])?;
            let mut alone = ["*"; 5];
            alone[place] = fields[place];
            parser.parse(&alone.join(" ")).map_err(|_| field.error(fields[place]))?;
        }
        let unknown = |_| CalendarError::new(format!("the cron expression {} is not understood", quote(text)), EXAMPLE);
        let pattern = parser.parse(&fields.join(" ")).map_err(unknown)?;
        let hours = (0..24).filter(|hour| pattern.pattern.hour_match(*hour).unwrap_or(false));
        let minutes = (0..60).filter(|minute| pattern.pattern.minute_match(*minute).unwrap_or(false));
        let cron = Self {
            text: text.trim().to_owned(),
            hours: hours.fold(0, |bits, hour| bits | 1 << hour),
            minutes: minutes.fold(0, |bits, minute| bits | 1 << minute),
            pattern,
        };
        if cron.hours == 0 || cron.minutes == 0 || !cron.ever() {
            let message = format!("the cron expression {} matches no day of any year", quote(text));
            return Err(CalendarError::new(
                message,
                "30 February, for example, does not exist; `L` is a month's last day",
            ));
        }
        Ok(cron)
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn in_month(&self, month: i8) -> bool {
        self.pattern.pattern.month_match(u32::from(month.unsigned_abs())).unwrap_or(false)
    }

    pub(super) fn on_day(&self, date: Date) -> bool {
        let weekday = Weekday::from_days_from_sunday(u32::from(date.weekday().to_sunday_zero_offset().unsigned_abs()));
        let (month, day) = (u32::from(date.month().unsigned_abs()), u32::from(date.day().unsigned_abs()));
        self.in_month(date.month())
            && self.pattern.pattern.day_match(date.year().into(), month, day, weekday).unwrap_or(false)
    }

    /// The one minute of the day, if it fires once a day whatever the clocks do.
    pub(super) fn once_a_day(&self) -> Option<u16> {
        (self.pattern.determine_job_type() == JobType::FixedTime).then(|| self.first_minute(0)).flatten()
    }

    /// The first minute of the day that matches and is not before `minute`.
    pub(super) fn first_minute(&self, minute: u16) -> Option<u16> {
        let (hour, rest) = (minute / 60, minute % 60);
        let first = |minutes: u64| u16::try_from(minutes.trailing_zeros()).ok().filter(|first| *first < 60);
        let this = first(self.minutes & u64::MAX << rest).filter(|_| hour < 24 && self.hours >> hour & 1 == 1);
        this.map(|first| hour * 60 + first).or_else(|| {
            let later = if hour < 23 { self.hours & u32::MAX << (hour + 1) } else { 0 };
            let hour = u16::try_from(later.trailing_zeros()).ok().filter(|hour| *hour < 24)?;
            Some(hour * 60 + first(self.minutes)?)
        })
    }

    /// The last minute of the day that matches and is not after `minute`.
    pub(super) fn last_minute(&self, minute: u16) -> Option<u16> {
        let (hour, rest) = (minute / 60, minute % 60);
        let last = |minutes: u64| minutes.checked_ilog2().and_then(|last| u16::try_from(last).ok());
        let this = last(self.minutes & ((2 << rest) - 1)).filter(|_| hour < 24 && self.hours >> hour & 1 == 1);
        this.map(|last| hour * 60 + last).or_else(|| {
            let earlier = if hour < 24 { self.hours & ((1 << hour) - 1) } else { self.hours };
            let hour = u16::try_from(earlier.checked_ilog2()?).ok()?;
            Some(hour * 60 + last(self.minutes)?)
        })
    }

    /// Whether any day matches.
    fn ever(&self) -> bool {
        let months = (1..=12).filter(|month| self.in_month(*month));
        let months = ALL_WEEKDAYS.flat_map(|year| months.clone().map(move |month| (year, month)));
        let mut days =
            months.flat_map(|(year, month)| (1..=31).filter_map(move |day| Date::new(year, month, day).ok()));
        days.any(|date| self.on_day(date))
    }
}

const EXAMPLE: &str =
    "write minute, hour, day of month, month and day of week, such as `0 8 * * mon-fri` for weekdays at 08:00";

/// The words for common expressions.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

fn spelled_out(text: &str) -> Result<&str, CalendarError> {
    let text = text.trim();
    if text.len() > LONGEST_TEXT {
        return Err(CalendarError::new(format!("the cron expression is longer than {LONGEST_TEXT} bytes"), EXAMPLE));
    }
    if !text.starts_with('@') {
        return Ok(text);
    }
    let names = NICKNAMES.iter().map(|(name, _)| *name);
    let known = NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    known.map(|(_, spelled)| *spelled).ok_or_else(|| {
        let help = match nearest(text, names.clone()) {
            Some(near) => format!("write `{near}`"),
            None => format!("write five fields, or one of {}", names.collect::<Vec<_>>().join(", ")),
        };
        CalendarError::new(format!("{} is no word for a cron expression", quote(text)), help)
    })
}

fn wrong_count(text: &str) -> CalendarError {
    let fields = text.split_whitespace().count();
    let message = format!("the cron expression {} has {fields} fields, but it takes 5", quote(text));
    match fields {
        0 => CalendarError::new("the cron expression is empty", EXAMPLE),
        6 => {
            let rest = text.split_whitespace().skip(1).collect::<Vec<_>>().join(" ");
            CalendarError::new(message, format!("there are no seconds; without its first field it is {}", quote(&rest)))
        }
        _ => CalendarError::new(message, EXAMPLE),
    }
}

struct Field {
    name: &'static str,
    /// What can be in it, for a sentence.
    range: &'static str,
    example: &'static str,
    /// The words that it knows.
    words: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", range: "0 to 59", example: "`0`, `*/15`, `0,30`", words: &[] },
    Field { name: "hour", range: "0 to 23", example: "`8`, `8-17`, `*/2`", words: &[] },
    Field {
        name: "day of month",
        range: "1 to 31, or `L` for the last",
        example: "`1`, `1,15`, `L`, `15W`",
        words: &["l", "w", "lw"],
    },
    Field {
        name: "month",
        range: "1 to 12 or jan to dec",
        example: "`12`, `nov-dec`, `*/3`",
        words: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field {
        name: "day of week",
        range: "0 to 7 or sun to sat (0 and 7 are Sunday)",
        example: "`mon-fri`, `sat,sun`, `fri#L`, `mon#1`",
        words: &[
            "sun", "mon", "tue", "wed", "thu", "fri", "sat", "l", "sunl", "monl", "tuel", "wedl", "thul", "fril",
            "satl",
        ],
    },
];

impl Field {
    /// What croner would take for something else: words of other fields, and nothing between commas.
    fn check(&self, written: &str) -> Result<(), CalendarError> {
        let words = written.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty());
        for word in words {
            if !self.words.iter().any(|known| known.eq_ignore_ascii_case(word)) {
                let named = self.words.iter().copied().filter(|known| known.len() == 3);
                let start = word.get(..3).filter(|start| named.clone().any(|known| known.eq_ignore_ascii_case(start)));
                let near = start.map(str::to_lowercase).or_else(|| nearest(word, named).map(str::to_owned));
                let error = self.error(written);
                return Err(match near {
                    Some(near) => CalendarError { help: format!("write `{near}` for `{word}`"), ..error },
                    None => error,
                });
            }
        }
        if written.split(',').any(str::is_empty) { Err(self.error(written)) } else { Ok(()) }
    }

    fn error(&self, written: &str) -> CalendarError {
        let Self { name, range, example, .. } = self;
        let message = format!("the {name} of a cron expression cannot be {}: it is {range}", quote(written));
        let backwards = written.contains('-') && !self.words.is_empty() && *name != "day of month";
        let help = if written.contains('/') {
            "a step is above 0 and goes over a range: write `*/15` or `10-40/10`, for example".to_owned()
        } else if backwards {
            format!("write {example}; a range goes upwards, so `fri-mon` is `fri,sat,sun,mon`")
        } else {
            format!("write {example}, for example")
        };
        CalendarError::new(message, help)
    }
}
