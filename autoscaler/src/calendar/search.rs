//! When a calendar's windows are: the last one that has begun, and the next one.
//!
//! Windows begin and end in the same order (each start has the same span of wall or elapsed time behind it), so that of all
//! windows that have begun, the last one ends last. All of the search goes from day to day of the local calendar, within
//! bounds.

use jiff::{
    Timestamp as Instant, ToSpan,
    civil::{Date, DateTime},
    tz::{AmbiguousOffset, TimeZone},
};

use super::{Calendar, Hours, When, Window, parts::DAY};
use crate::{Timestamp, time::millis};

/// How far ahead a start is looked for. Nothing that repeats at all pauses longer: a leap day on a given day of the week
/// comes every 28 years, and 40 where a century has no leap year.
const YEARS_AHEAD: i16 = 41;
/// How many windows that run into each other are followed to their common end.
const MOST_MERGED: usize = 100;

const MINUTE: i64 = 60_000;

pub(super) fn window_at(calendar: &Calendar, now: Timestamp) -> Window {
    // beyond the year 9999 there is no calendar
    let Some(at) = i64::try_from(now.as_millis()).ok().filter(|at| instant(*at).is_some()) else {
        return Window { active: false, until: None, open_ended: false };
    };
    let timestamp = |at: i64| u64::try_from(at).ok().map(Timestamp::from_millis);
    let ending_after = |at: i64| calendar.latest(at).map(|span| span.end).filter(|end| *end > at);
    let Some(mut end) = ending_after(at) else {
        let until = calendar.next(at).and_then(|span| timestamp(span.start));
        return Window { active: false, until, open_ended: false };
    };
    for _ in 0..MOST_MERGED {
        let Some(later) = ending_after(end) else {
            return Window { active: true, until: timestamp(end), open_ended: false };
        };
        end = later;
    }
    Window { active: true, until: timestamp(end), open_ended: true }
}

/// A window, in milliseconds since the epoch: from `start` to just before `end`.
#[derive(Clone, Copy)]
struct Span {
    start: i64,
    end: i64,
}

/// Which of the two moments that a repeated time of day has.
#[derive(Clone, Copy)]
enum Repeated {
    First,
    Last,
}

impl Calendar {
    /// The last window that has begun at `at`, unless it is certainly over.
    fn latest(&self, at: i64) -> Option<Span> {
        let reach = match &self.when {
            When::Cron { lasts, .. } => i64::try_from(millis(*lasts)).unwrap_or(i64::MAX),
            // the clocks may go back in between, in some zones over midnight
            When::Daily { .. } | When::Once { .. } => 2 * MINUTE * i64::from(DAY),
        };
        let earliest = self.date(at.saturating_sub(reach))?.yesterday().ok()?;
        // clocks that go back over midnight, which is then ambiguous, have shown the next date already
        let mut date = self.date(at)?;
        if !self.is_plain(date) {
            date = date.tomorrow().ok()?;
        }
        if let When::Once { on, .. } = self.when {
            date = (earliest..=date).contains(&on).then_some(on)?;
        }
        while date >= earliest {
            if self.on_day(date)
                && let Some(start) = self.last_start(date, at)
            {
                // only where the clocks change over midnight can the day before have begun later
                let before = date.yesterday().ok().filter(|before| !self.is_plain(date) && self.on_day(*before));
                let before = before.and_then(|before| Some((self.last_start(before, at)?, before)));
                let (start, date) = before.filter(|(other, _)| *other > start).unwrap_or((start, date));
                return self.span(date, start);
            }
            date = date.yesterday().ok()?;
        }
        None
    }

    /// The first window that begins after `after`.
    fn next(&self, after: i64) -> Option<Span> {
        let today = self.date(after)?;
        let mut date = if self.is_plain(today) { today } else { today.yesterday().ok()? };
        let last = match self.when {
            When::Once { on, .. } if on < date => return None,
            When::Once { on, .. } => {
                date = on;
                on
            }
            _ => today.checked_add(YEARS_AHEAD.years()).unwrap_or(Date::MAX),
        };
        while date <= last {
            if let Some(span) = self.first_span(date, after) {
                let tomorrow = date.tomorrow().ok().filter(|_| !self.is_plain(date));
                let other = tomorrow.and_then(|tomorrow| self.first_span(tomorrow, after));
                return Some(other.filter(|other| other.start < span.start).unwrap_or(span));
            }
            date = self.next_candidate(date)?;
        }
        None
    }

    /// The first window of a day that begins after `after`.
    fn first_span(&self, date: Date, after: i64) -> Option<Span> {
        let start = self.on_day(date).then(|| self.first_start(date, after)).flatten()?;
        // hours that the change of clocks leaves out altogether make no window
        self.span(date, start).filter(|span| span.end > span.start)
    }

    /// The day after `date`, or a later one if nothing is before that.
    fn next_candidate(&self, date: Date) -> Option<Date> {
        let left_out = self.except.iter().filter(|dates| dates.contains(date)).map(|dates| dates.last).max();
        let next = left_out.unwrap_or(date).tomorrow().ok()?;
        match &self.when {
            When::Cron { cron, .. } if !cron.in_month(next.month()) => next.last_of_month().tomorrow().ok(),
            _ => Some(next),
        }
    }

    /// Whether windows begin on this day.
    fn on_day(&self, date: Date) -> bool {
        let meant = match &self.when {
            When::Cron { cron, .. } => cron.on_day(date),
            When::Daily { days, .. } => days.contains(date.weekday()),
            When::Once { on, .. } => *on == date,
        };
        meant && !self.except.iter().any(|dates| dates.contains(date))
    }

    fn last_start(&self, date: Date, at: i64) -> Option<i64> {
        if let Some(minute) = self.only_start() {
            return self.begin(date, minute).filter(|start| *start <= at);
        }
        let When::Cron { cron, .. } = &self.when else { return None };
        match self.plain_day(date) {
            Some(midnight) => {
                let minute = u16::try_from(((at - midnight).div_euclid(MINUTE)).min(i64::from(DAY) - 1)).ok()?;
                cron.last_minute(minute).map(|minute| midnight + i64::from(minute) * MINUTE)
            }
            None => self.starts(date).filter(|start| *start <= at).max(),
        }
    }

    fn first_start(&self, date: Date, after: i64) -> Option<i64> {
        if let Some(minute) = self.only_start() {
            return self.begin(date, minute).filter(|start| *start > after);
        }
        let When::Cron { cron, .. } = &self.when else { return None };
        match self.plain_day(date) {
            Some(midnight) => {
                let minute = ((after - midnight).div_euclid(MINUTE) + 1).max(0);
                let minute = u16::try_from(minute).ok().filter(|minute| *minute < DAY)?;
                cron.first_minute(minute).map(|minute| midnight + i64::from(minute) * MINUTE)
            }
            None => self.starts(date).filter(|start| *start > after).min(),
        }
    }

    /// The minute of the day at which it begins, if there is only one.
    fn only_start(&self) -> Option<u16> {
        match &self.when {
            When::Cron { cron, .. } => cron.once_a_day(),
            When::Daily { hours, .. } | When::Once { hours, .. } => Some(hours.from),
        }
    }

    /// All starts of a day with a change of clocks, of a cron expression that goes by the clock.
    fn starts(&self, date: Date) -> impl Iterator<Item = i64> {
        let minutes = std::iter::successors(Some(0), |minute| Some(minute + 1)).take_while(|minute| *minute < DAY);
        let matching = minutes.filter(|minute| match &self.when {
            When::Cron { cron, .. } => cron.first_minute(*minute) == Some(*minute),
            _ => false,
        });
        matching.flat_map(move |minute| self.both_moments(date, minute)).flatten()
    }

    /// When the window of a day begins; none if the zone left out the whole day, as Samoa did with 2011-12-30.
    fn begin(&self, date: Date, minute: u16) -> Option<i64> {
        let begin = self.moment(date, minute, Repeated::First)?;
        let midnight = |date| self.moment(date, 0, Repeated::First);
        let exists = self.date(begin)? == date || midnight(date)? < midnight(date.tomorrow().ok()?)?;
        exists.then_some(begin)
    }

    fn span(&self, date: Date, start: i64) -> Option<Span> {
        let end = match &self.when {
            When::Cron { lasts, .. } => start.checked_add_unsigned(millis(*lasts))?,
            When::Daily { hours, .. } | When::Once { hours, .. } => self.end(date, *hours)?,
        };
        Some(Span { start, end })
    }

    fn end(&self, date: Date, hours: Hours) -> Option<i64> {
        let tomorrow = || date.tomorrow().ok();
        match hours.to {
            DAY => self.moment(tomorrow()?, 0, Repeated::Last),
            to if hours.over_midnight() => self.moment(tomorrow()?, to, Repeated::Last),
            to => self.moment(date, to, Repeated::Last),
        }
    }

    /// When the clocks show this; the first moment after it if they do not.
    fn moment(&self, date: Date, minute: u16, repeated: Repeated) -> Option<i64> {
        let ambiguous = self.tz().to_ambiguous_timestamp(wall(date, minute)?);
        let found = match (ambiguous.offset(), repeated) {
            (AmbiguousOffset::Gap { .. }, _) => {
                // read with the offset after the gap it is before it, so that the next change is the gap
                let before = ambiguous.earlier().ok()?;
                self.tz().following(before).next()?.timestamp()
            }
            (_, Repeated::First) => ambiguous.earlier().ok()?,
            // Where the repeated times begin with this one, what comes before it is shown once, and nothing has to wait.
            (AmbiguousOffset::Fold { .. }, Repeated::Last) if !self.is_repeated_before(date, minute) => {
                ambiguous.earlier().ok()?
            }
            (_, Repeated::Last) => ambiguous.later().ok()?,
        };
        Some(found.as_millisecond())
    }

    /// Whether the clocks show the moment before this time twice.
    fn is_repeated_before(&self, date: Date, minute: u16) -> bool {
        let before = wall(date, minute).and_then(|wall| wall.checked_sub(jiff::Span::new().nanoseconds(1)).ok());
        before.is_some_and(|before| {
            matches!(self.tz().to_ambiguous_timestamp(before).offset(), AmbiguousOffset::Fold { .. })
        })
    }

    /// Every moment at which the clocks show this: none, one or two.
    fn both_moments(&self, date: Date, minute: u16) -> [Option<i64>; 2] {
        let ambiguous = wall(date, minute).map(|wall| self.tz().to_ambiguous_timestamp(wall));
        let Some(ambiguous) = ambiguous else { return [None; 2] };
        let first = ambiguous.earlier().ok().map(Instant::as_millisecond);
        match ambiguous.offset() {
            AmbiguousOffset::Gap { .. } => [None; 2],
            AmbiguousOffset::Unambiguous { .. } => [first, None],
            AmbiguousOffset::Fold { .. } => [first, ambiguous.later().ok().map(Instant::as_millisecond)],
        }
    }

    fn is_plain(&self, date: Date) -> bool {
        self.plain_day(date).is_some()
    }

    /// When a day begins on which the clocks do not change.
    fn plain_day(&self, date: Date) -> Option<i64> {
        let midnight = |date: Date| {
            let ambiguous = self.tz().to_ambiguous_timestamp(wall(date, 0)?);
            match ambiguous.offset() {
                AmbiguousOffset::Unambiguous { .. } => Some(ambiguous.earlier().ok()?.as_millisecond()),
                _ => None,
            }
        };
        let (begin, end) = (midnight(date)?, midnight(date.tomorrow().ok()?)?);
        (end - begin == MINUTE * i64::from(DAY)).then_some(begin)
    }

    /// The date on the wall.
    fn date(&self, at: i64) -> Option<Date> {
        Some(self.tz().to_datetime(instant(at)?).date())
    }

    fn tz(&self) -> &TimeZone {
        &self.zone.0
    }
}

fn instant(at: i64) -> Option<Instant> {
    Instant::from_millisecond(at).ok()
}

fn wall(date: Date, minute: u16) -> Option<DateTime> {
    let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
    DateTime::new(date.year(), date.month(), date.day(), hour, minute, 0, 0).ok()
}
