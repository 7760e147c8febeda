//! The one place that reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use autoscaler::Timestamp;
use tokio::time::Instant;

/// The wall clock, but one that never goes back, which the decisions rely on.
///
/// When the wall clock is set back, this goes on at the pace of the monotonic clock instead of standing still until
/// the wall clock has caught up: cooldowns and wake-ups still end.
#[derive(Debug)]
pub(crate) struct Clock {
    last: Timestamp,
    read: Instant,
}

impl Clock {
    /// One that starts at the wall clock's time.
    pub(crate) fn start() -> Self {
        Self { last: wall(), read: Instant::now() }
    }

    /// Now.
    pub(crate) fn now(&mut self) -> Timestamp {
        self.advance(wall(), Instant::now())
    }

    fn advance(&mut self, wall: Timestamp, monotonic: Instant) -> Timestamp {
        let at_least = self.last.plus(monotonic.saturating_duration_since(self.read));
        if wall >= at_least || at_least > self.last {
            self.read = monotonic;
        }
        self.last = wall.max(at_least);
        self.last
    }
}

fn wall() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_wall_clock_set_back_neither_goes_back_nor_stands_still() {
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let at = Timestamp::from_millis;
        let mut clock = Clock { last: at(100_000), read: start };
        for (wall, elapsed, expected) in [
            (100_500, 500, 100_500),
            (40_000, 600, 100_600),
            (40_400, 1_000, 101_000),
            (200_000, 1_100, 200_000),
            (200_001, 1_101, 200_001),
        ] {
            assert_eq!(clock.advance(at(wall), after(elapsed)), at(expected), "wall {wall}");
        }
    }

    #[test]
    fn reads_less_than_a_millisecond_apart_lose_no_time() {
        let start = Instant::now();
        let mut clock = Clock { last: Timestamp::from_millis(1_000), read: start };
        for half in 1..=20 {
            clock.advance(Timestamp::from_millis(0), start + Duration::from_micros(500 * half));
        }
        assert_eq!(clock.last, Timestamp::from_millis(1_010));
    }
}
