//! What a forecast has to know of the wall clock.

/// What the wall clock and the calendar say of a moment, in milliseconds since the epoch.
pub trait Calendar {
    /// What the wall clock is ahead of UTC, in milliseconds.
    fn offset_ms(&self, at_ms: u64) -> i64;

    /// Whether it belongs to a day that is unlike others: what comes then says nothing of other days, nor they of it.
    fn is_unusual(&self, at_ms: u64) -> bool;
}

/// The wall clock is UTC, and all days are alike.
#[derive(Clone, Copy, Debug, Default)]
pub struct Utc;

impl Calendar for Utc {
    fn offset_ms(&self, _: u64) -> i64 {
        0
    }

    fn is_unusual(&self, _: u64) -> bool {
        false
    }
}
