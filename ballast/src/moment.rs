//! Moments as people name them on the command line.

use std::{
    str::FromStr as _,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A moment, absolute or relative to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Milliseconds since the epoch.
    At(u64),
    /// So long ago.
    Ago(Duration),
    /// The last time that it was this time of day in UTC, in milliseconds since midnight.
    TimeOfDay(u64),
}

const DAY: u64 = 86_400_000;

/// Reads `14:05`, `14:05:30`, `2026-11-21T14:05:00Z` or `10m`.
pub(crate) fn parse(text: &str) -> Result<Moment, String> {
    if let Some(time) = time_of_day(text) {
        return Ok(Moment::TimeOfDay(time));
    }
    if let Ok(span) = humantime::parse_duration(text) {
        return Ok(Moment::Ago(span));
    }
    let at = humantime::Timestamp::from_str(text).map(SystemTime::from);
    match at.ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()) {
        Some(since) => Ok(Moment::At(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))),
        None => {
            Err("write a time of day in UTC such as 14:05, a moment such as 2026-11-21T14:05:00Z, or how long ago \
                     such as 10m"
                .to_owned())
        }
    }
}

impl Moment {
    /// In milliseconds since the epoch, at a time that is `now_ms`.
    pub(crate) fn millis(self, now_ms: u64) -> u64 {
        match self {
            Self::At(at) => at,
            Self::Ago(span) => now_ms.saturating_sub(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
            Self::TimeOfDay(time) => {
                let today = now_ms - now_ms % DAY + time;
                if today <= now_ms { today } else { today.saturating_sub(DAY) }
            }
        }
    }
}

/// Milliseconds since the epoch, by this machine's clock.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds since midnight.
fn time_of_day(text: &str) -> Option<u64> {
    let parts: Vec<u64> = text
        .strip_suffix('Z')
        .unwrap_or(text)
        .split(':')
        .map(|part| part.parse().ok().filter(|_| (1..=2).contains(&part.len())))
        .collect::<Option<_>>()?;
    let (hour, minute, second) = match parts[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    (hour < 24 && minute < 60 && second < 60).then_some(((hour * 60 + minute) * 60 + second) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now = 1_800_000_000_000; // 2027-01-15T08:00:00Z
        for (text, expected) in [
            ("07:30", Some(now - 30 * 60_000)),
            ("07:30:30Z", Some(now - 30 * 60_000 + 30_000)),
            ("08:30", Some(now + 30 * 60_000 - DAY)),
            ("10m", Some(now - 600_000)),
            ("2027-01-15T07:59:59Z", Some(now - 1000)),
            ("25:00", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(parse(text).ok().map(|moment| moment.millis(now)), expected, "{text}");
        }
    }
}
