//! Moments as whole milliseconds since the epoch.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Now, by this machine's clock.
pub(crate) fn now_ms() -> u64 {
    millis(SystemTime::now())
}

/// Whether `at_ms` is less than `limit_ms` ago. What is that far ahead is over as well: the clock has been set back since,
/// and nobody shall wait until it has caught up.
pub(crate) fn is_recent(at_ms: u64, now_ms: u64, limit_ms: u64) -> bool {
    now_ms.abs_diff(at_ms) < limit_ms
}

/// An RFC 3339 time as Docker writes it; `None` for anything else, and for Docker's "never" (the year 1).
pub(crate) fn parse_ms(text: &str) -> Option<u64> {
    // Docker writes UTC as `Z`, and some fields with an offset, which only comes from engines set to another zone.
    let (local, offset_s) = match text.char_indices().rev().find(|(_, c)| matches!(c, '+' | '-' | 'Z'))? {
        (at, 'Z') => (&text[..at], 0),
        (at, sign) if at > 18 => {
            let (hours, minutes) = text[at + 1..].split_once(':')?;
            let seconds = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
            (&text[..at], if sign == '-' { -seconds } else { seconds })
        }
        _ => return None,
    };
    let time = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    let utc = i64::try_from(millis(time)).ok()? - offset_s * 1000;
    u64::try_from(utc).ok().filter(|&ms| ms > 0)
}

/// A moment as a person reads it, to the second, in UTC.
pub(crate) fn readable(at_ms: u64) -> String {
    // The year 9999 is the last that can be written.
    let time = UNIX_EPOCH + Duration::from_millis(at_ms.min(253_402_300_799_000));
    humantime::format_rfc3339_seconds(time).to_string()
}

fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_times_are_read() {
        assert_eq!(parse_ms("2026-11-21T09:15:20.616624813Z"), Some(1_795_252_520_616));
        assert_eq!(parse_ms("2026-11-21T10:15:20.616624813+01:00"), Some(1_795_252_520_616));
        assert_eq!(readable(1_795_252_520_616), "2026-11-21T09:15:20Z");
    }

    #[test]
    fn what_lies_ahead_of_a_clock_that_was_set_back_is_over() {
        for (at_ms, recent) in [(1_000, true), (901, true), (900, false), (1_099, true), (1_100, false), (9_000, false)]
        {
            assert_eq!(is_recent(at_ms, 1_000, 100), recent, "{at_ms}");
        }
    }

    #[test]
    fn never_and_nonsense_are_none() {
        for text in ["0001-01-01T00:00:00Z", "", "yesterday", "2026-11-21", "Z", "é-é"] {
            assert_eq!(parse_ms(text), None, "{text}");
        }
    }
}
