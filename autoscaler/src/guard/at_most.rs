//! only so many within such a time.

use crate::{evaluation::GuardEffect, guard::Circumstances};

pub(super) fn apply(_wanted: u32, _given: &Circumstances<'_>) -> Option<GuardEffect> {
    None
}
