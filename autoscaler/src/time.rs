//! Time as the core knows it: an argument, in whole milliseconds.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// A moment: whole milliseconds since the Unix epoch. The core never reads a clock; whoever drives it says what time it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment so many milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is before.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Whether it is after `earlier`. The epoch is as long ago as can be said, so that every moment is after it.
    pub(crate) fn is_after(self, earlier: Self) -> bool {
        self > earlier || earlier == Self(0)
    }

    /// So much later; what has been so since the epoch has been so for longer than anybody can say, so that it stays.
    pub(crate) fn when_old(self, age: Duration) -> Self {
        if self == Self(0) { self } else { self.plus(age) }
    }

    /// So much later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// So much earlier, but not before the epoch.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }
}

impl fmt::Display for Timestamp {
    /// As `HH:MM:SS` in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1000 % 86_400;
        write!(f, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}

/// Whole milliseconds of `span`, at most `u64::MAX`.
pub(crate) fn millis(span: Duration) -> u64 {
    span.as_secs().saturating_mul(1000).saturating_add(span.subsec_millis().into())
}

/// A span as people write it, to the second above ten seconds: `350ms`, `1.5s`, `2m 5s`, `1h`.
pub fn spoken(span: Duration) -> String {
    let span = match millis(span) {
        0 => return "0s".to_owned(),
        all @ 1..1000 => return format!("{all}ms"),
        all @ 1000..10_000 if all % 1000 != 0 => return format!("{:.1}s", span.as_secs_f64()),
        all => Duration::from_secs(all.saturating_add(500) / 1000),
    };
    humantime::format_duration(span).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_spoken_as_people_write_them() {
        for (millis, expected) in
            [(0, "0s"), (350, "350ms"), (1000, "1s"), (1500, "1.5s"), (61_400, "1m 1s"), (3_600_000, "1h")]
        {
            assert_eq!(spoken(Duration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn a_moment_prints_as_time_of_day() {
        assert_eq!(Timestamp::from_millis(86_400_000 + 3_723_456).to_string(), "01:02:03");
    }
}
