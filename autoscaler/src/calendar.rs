//! Schedules: when one is active, by the clock on the wall of a time zone.
//!
//! A calendar is a rule for windows: some days of the local calendar have one or more *starts*, and every start has an end.
//! It is active while any of its windows is; windows that overlap or touch are one.
//!
//! | calendar | starts | ends |
//! |---|---|---|
//! | `cron` with `for` | whenever the cron expression matches | so much elapsed time later |
//! | `daily` with `days` | on those days of the week, at the first time of day | at the second one, on the next day if it is not later |
//! | `on` with `between` | on that date, at the first time of day | the same |
//!
//! `except` leaves out all windows that *start* on the local dates that it names. A window takes in its start, not its end.
//!
//! When the clocks change:
//! - A start or end that falls into the hour that is left out is at the first moment after it.
//! - Of a time of day that comes twice, a window starts at the first and ends at the last.
//! - A cron expression with one minute and one hour keeps to this as well: it fires once a day. One with several, such as
//!   `*/15 * * * *`, goes by the clock: it does not fire in the hour that is left out, and in the repeated hour it fires twice.
//!
//! Time zones come with the program (the IANA database as of the build); nothing is read from the host.

mod cron;
mod parts;
mod search;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_by_the_minute;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use cron::Cron;
pub use jiff::civil::Date;
pub use parts::{Dates, Hours, Weekdays, Zone, parse_date};

/// The longest that a cron's window can last.
pub const LONGEST_WINDOW: Duration = Duration::from_hours(366 * 24);
/// The most entries of `except`.
pub const MOST_EXCEPTIONS: usize = 1000;

/// When a schedule is active. It serialises as its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Settings", try_from = "Settings")]
pub struct Calendar {
    when: When,
    zone: Zone,
    except: Vec<Dates>,
}

#[derive(Clone, Debug, PartialEq)]
enum When {
    Cron { cron: Box<Cron>, lasts: Duration },
    Daily { hours: Hours, days: Weekdays },
    Once { on: Date, hours: Hours },
}

/// Whether a calendar is active at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Until when it is active, as [`Window::until`]; none if it is not active.
    pub active_until: Option<Timestamp>,
}

/// What holds from a moment on. It can be kept and used instead of asking again, as long as `until` is not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Whether the calendar is active.
    pub active: bool,
    /// The first moment at which that may be otherwise. None if the calendar never becomes active again, as far as the
    /// next 40 years tell.
    pub until: Option<Timestamp>,
    /// `until` is only the moment to ask again, not an end: as far as was looked, the calendar stays active without a
    /// pause, as one that hardly ever pauses does.
    #[serde(default)]
    pub open_ended: bool,
}

impl Window {
    /// Whether this still tells the state at `now`, being not older than that.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Calendar {
    /// Active for so much elapsed time from each moment that `cron` names: five fields (minute, hour, day of month, month, day
    /// of week) with names, `*/5`, `L`, `W` and `#`, or `@daily` and the like. `lasts` is above zero and at most
    /// [`LONGEST_WINDOW`].
    ///
    /// # Errors
    /// If the expression is not understood, matches no day of any year, or if there are too many exceptions.
    pub fn cron(cron: &str, lasts: Duration, zone: Zone, except: Vec<Dates>) -> Result<Self, CalendarError> {
        let cron = Box::new(Cron::parse(cron)?);
        if lasts.as_millis() == 0 || lasts > LONGEST_WINDOW {
            let message = format!("`for` is {}, but it is above 0 and at most 366 days", spoken(lasts));
            return Err(CalendarError::new(message, "write how long the schedule is active, for example `10h`"));
        }
        // whole milliseconds: what the settings' text keeps
        let lasts = Duration::from_millis(crate::time::millis(lasts));
        Self::new(When::Cron { cron, lasts }, zone, except)
    }

    /// Active at these hours, beginning on these days.
    ///
    /// # Errors
    /// If there are too many exceptions.
    pub fn daily(hours: Hours, days: Weekdays, zone: Zone, except: Vec<Dates>) -> Result<Self, CalendarError> {
        Self::new(When::Daily { hours, days }, zone, except)
    }

    /// Active once, at these hours, beginning on this date.
    ///
    /// # Errors
    /// If the only date is among the exceptions, or if there are too many of them.
    pub fn on(on: Date, hours: Hours, zone: Zone, except: Vec<Dates>) -> Result<Self, CalendarError> {
        if except.iter().any(|dates| dates.contains(on)) {
            let message = format!("{on} is the only date of this schedule, and `except` leaves it out");
            return Err(CalendarError::new(message, "leave out `except`"));
        }
        Self::new(When::Once { on, hours }, zone, except)
    }

    fn new(when: When, zone: Zone, except: Vec<Dates>) -> Result<Self, CalendarError> {
        if except.len() > MOST_EXCEPTIONS {
            let message = format!("`except` has more than {MOST_EXCEPTIONS} entries");
            return Err(CalendarError::new(message, "write ranges such as `2026-12-24..2027-01-01`"));
        }
        Ok(Self { when, zone, except })
    }

    /// Whether the calendar is active at `now`, and until when that cannot change. The work is bounded whatever the
    /// calendar is.
    pub fn window_at(&self, now: Timestamp) -> Window {
        search::window_at(self, now)
    }

    /// Whether the calendar is active at `now`.
    pub fn at(&self, now: Timestamp) -> State {
        let window = self.window_at(now);
        State { active_until: window.until.filter(|_| window.active) }
    }

    /// The next start or end after `now`, as [`Window::until`].
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        self.window_at(now).until
    }

    /// Its time zone.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// When no window starts, as it was given.
    pub fn except(&self) -> &[Dates] {
        &self.except
    }
}

impl fmt::Display for Calendar {
    /// In words: `daily 22:00–06:00 mon–fri, Europe/Oslo`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.when {
            When::Cron { cron, lasts } => write!(f, "cron {} for {}", cron.text(), spoken(*lasts))?,
            When::Daily { hours, days } if *days == Weekdays::ALL => write!(f, "daily {hours}")?,
            When::Daily { hours, days } => write!(f, "daily {hours} {days}")?,
            When::Once { on, hours } => write!(f, "on {on} {hours}")?,
        }
        write!(f, ", {}", self.zone)?;
        for (place, dates) in self.except.iter().enumerate() {
            write!(f, "{} {dates}", if place == 0 { ", except" } else { "," })?;
        }
        Ok(())
    }
}

fn spoken(span: Duration) -> String {
    humantime::format_duration(span).to_string()
}

/// Why something is no calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CalendarError {
    /// What is wrong, as a sentence without its full stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl CalendarError {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

/// A calendar as a policy's `schedule` writes it.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    lasts: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    daily: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    between: Option<String>,
    timezone: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    except: Vec<String>,
}

impl From<Calendar> for Settings {
    fn from(calendar: Calendar) -> Self {
        let settings = Self {
            timezone: Some(calendar.zone.to_string()),
            except: calendar.except.iter().map(|dates| dates.setting()).collect(),
            ..Self::default()
        };
        match calendar.when {
            When::Cron { cron, lasts } => {
                Self { cron: Some(cron.text().to_owned()), lasts: Some(spoken(lasts)), ..settings }
            }
            When::Daily { hours, days } => {
                Self { daily: Some(hours.setting()), days: Some(days.setting()), ..settings }
            }
            When::Once { on, hours } => Self { on: Some(on.to_string()), between: Some(hours.setting()), ..settings },
        }
    }
}

impl TryFrom<Settings> for Calendar {
    type Error = CalendarError;

    fn try_from(settings: Settings) -> Result<Self, CalendarError> {
        let Settings { cron, lasts, daily, days, on, between, timezone, except } = settings;
        let zone = timezone.map_or(Ok(Zone::UTC), |zone| zone.parse())?;
        let except = except.iter().map(|dates| dates.parse()).collect::<Result<Vec<_>, _>>()?;
        match (cron, lasts, daily, days, on, between) {
            (Some(cron), Some(lasts), None, None, None, None) => {
                let lasts = humantime::parse_duration(&lasts).map_err(|error| {
                    CalendarError::new(format!("`for` is no duration: {error}"), "write `10h`, for example")
                })?;
                Self::cron(&cron, lasts, zone, except)
            }
            (None, None, Some(hours), days, None, None) => {
                let days = days.map_or(Ok(Weekdays::ALL), |days| days.parse())?;
                Self::daily(hours.parse()?, days, zone, except)
            }
            (None, None, None, None, Some(on), Some(hours)) => Self::on(parse_date(&on)?, hours.parse()?, zone, except),
            _ => {
                let message = "a calendar has `cron` and `for`, or `daily` and perhaps `days`, or `on` and `between`";
                Err(CalendarError::new(message, "write one of the three"))
            }
        }
    }
}
