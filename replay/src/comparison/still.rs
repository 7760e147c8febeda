//! Nobody scales: what the elastic speedup compares with.

use autoscaler::{Event, Timestamp};

use crate::scaler::{Scaler, Seen};

/// Leaves the count as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Still;

impl Scaler for Still {
    fn name(&self) -> String {
        "not scaled".to_owned()
    }

    fn decide(&mut self, _seen: &Seen, _told: &mut Vec<Event>, _now: Timestamp) -> Option<u32> {
        None
    }

    fn why(&self) -> String {
        "nobody scales".to_owned()
    }
}
