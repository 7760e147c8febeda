//! As in the seasons before.

use super::{Past, steps, whole};
use crate::Season;

/// The seasons that are looked back on.
const SEASONS: [i64; 5] = [1, 2, 3, 4, 5];
/// The level of now is the mean of at least so many steps.
const LEVEL_STEPS: i64 = 3;

/// As one season ago.
pub(super) fn ago(past: &Past<'_>, season: &Season, step: i64, lead: i64) -> Option<f64> {
    let at = season.ago(past, step + lead, 1)?;
    past.history.at(at).filter(|_| at <= step)
}

/// The median of the last seasons at that time, each moved to the level of now: half by what is more or less now, half in
/// proportion, for a season may come on top of the level or be a share of it.
pub(super) fn median(past: &Past<'_>, season: &Season, step: i64, lead: i64) -> Option<f64> {
    /// What is in proportion is so at most.
    const MOST_RATIO: f64 = 4.0;
    let window = LEVEL_STEPS.max(lead.min(12));
    let level = past.history.mean(step, window)?;
    let mut seen = [0.0; SEASONS.len()];
    let mut count = 0;
    for seasons in SEASONS {
        let Some(then) = season.ago(past, step + lead, seasons).filter(|then| *then <= step) else { continue };
        let (Some(value), Some(before)) = (past.history.at(then), past.history.mean(then - lead, window)) else {
            continue;
        };
        let ratio = if before > 0.0 { (level / before).clamp(1.0 / MOST_RATIO, MOST_RATIO) } else { 1.0 };
        seen[count] = 0.5 * (value + level - before) + 0.5 * value * ratio;
        count += 1;
    }
    let seen = &mut seen[..count];
    seen.sort_by(f64::total_cmp);
    let middle = count / 2;
    match count {
        0 => None,
        _ if count % 2 == 1 => Some(seen[middle]),
        _ => Some(f64::midpoint(seen[middle - 1], seen[middle])),
    }
}

impl Season {
    /// The step that was so many seasons before another, by the wall clock where the season is of days: over a change of
    /// clocks, eight in the morning stays eight in the morning. `None` where that was a day unlike others, or the other is.
    pub(super) fn ago(&self, past: &Past<'_>, step: i64, seasons: i64) -> Option<i64> {
        let clock = &past.clock;
        let width = i64::try_from(clock.step).ok()?.max(1);
        let then = step - whole(steps(seasons) * self.steps);
        if !self.is_of_days(clock.step) {
            return Some(then);
        }
        if clock.is_unusual(step) || clock.is_unusual(then) {
            return None;
        }
        let shift = clock.calendar.offset_ms(clock.begins(step)?) - clock.calendar.offset_ms(clock.begins(then)?);
        Some(then + (shift / width))
    }
}
