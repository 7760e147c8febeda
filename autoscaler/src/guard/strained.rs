//! latency or errors are above normal.

use crate::{evaluation::GuardEffect, guard::Circumstances};

pub(super) fn apply(_wanted: u32, _given: &Circumstances<'_>) -> Option<GuardEffect> {
    None
}
