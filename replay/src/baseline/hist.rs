//! Hist: Urgaonkar and others.

use std::{collections::VecDeque, time::Duration};

use super::look::{Every, Look, Rule, needed, percent};
use crate::scaler::{Bounds, Scaler};

const HOUR_MILLIS: u64 = 3_600_000;
/// Past hours whose error is added.
const HOURS: usize = 3;
/// Of so many looks, more than so many below the load call for a repair.
const LOOKS: usize = 10;
const UNDER: usize = 5;
const SPARE: u32 = 2;
/// Most replicas that a histogram tells apart.
const MOST: usize = 10_000;

/// Hist: what an hour of the day has needed so far, by a histogram each; its high percentile, and the mean of what the last
/// hours needed beyond theirs. Where more than half of the last ten looks found too few, two more than the load needs.
///
/// Source: Urgaonkar, Shenoy, Chandra, Goyal, Wood, "Agile dynamic provisioning of multi-tier internet applications", ACM TAAS
/// 3(1), 2008 (first ICAC 2005), in the form of the comparison of ICPE 2017 (see React).
///
/// Corrected: that form adds the error with the wrong sign (what was too much), and every hour's look of today counts among the
/// history, which is kept, since otherwise there would be nothing on the first day. Ours: a repair holds until the hour ends,
/// since the next look would take it back; hours are those of UTC.
pub(super) fn hist(percentile: f64, bounds: Bounds, step: Duration) -> Box<dyn Scaler> {
    let most = usize::try_from(bounds.max).unwrap_or(MOST).min(MOST);
    Box::new(Every::new(step, bounds, Hist { percentile, most, state: State::default(), said: Said::default() }))
}

/// Replicas run up to this share of what they carry.
const UTILISATION: f64 = super::UTILISATION;

struct Hist {
    percentile: f64,
    most: usize,
    state: State,
    said: Said,
}

#[derive(Default)]
struct State {
    /// For each hour of the day, how often it needed so many.
    histograms: [Vec<u32>; 24],
    /// The hour since the epoch, what was foreseen for it, and the most that it needed.
    hour: Option<Hour>,
    /// What the hours before needed beyond what was foreseen.
    errors: VecDeque<u32>,
    /// Whether there were too few at the looks before.
    under: VecDeque<bool>,
}

#[derive(Clone, Copy)]
struct Hour {
    number: u64,
    foreseen: u32,
    most: u32,
    repaired: u32,
}

#[derive(Default)]
struct Said {
    hour: u64,
    usual: u32,
    error: u32,
    load: u32,
    repaired: bool,
}

impl Rule for Hist {
    fn name(&self) -> String {
        format!("Hist, {} of the hour's history", percent(self.percentile))
    }

    fn look(&mut self, look: &Look) -> Option<u32> {
        let load = needed(look.load(UTILISATION)?);
        let number = look.now.as_millis() / HOUR_MILLIS;
        let histogram = &mut self.state.histograms[usize::try_from(number % 24).unwrap_or_default()];
        record(histogram, load, self.most);
        let usual = percentile(histogram, self.percentile);
        let hour = self.state.enter(number, usual);
        hour.most = hour.most.max(load);
        let mut hour = *hour;
        let error = self.state.error();
        if self.state.repairs(load > look.current) {
            hour.repaired = load.saturating_add(SPARE);
            self.state.hour = Some(hour);
        }
        let wanted = usual.saturating_add(error);
        self.said = Said { hour: number % 24, usual, error, load, repaired: hour.repaired > wanted };
        Some(wanted.max(hour.repaired))
    }

    fn why(&self) -> String {
        let Said { hour, usual, error, load, repaired } = &self.said;
        let share = percent(self.percentile);
        let base =
            format!("the hour from {hour}:00 needs {usual} in {share} of its looks, {error} more by the hours before");
        if *repaired { format!("{base}; now {load} were needed again and again, {SPARE} more than that") } else { base }
    }

    fn restart(&mut self) {
        self.state = State::default();
    }
}

impl State {
    /// The hour's account, after that of the hour before was closed.
    fn enter(&mut self, number: u64, usual: u32) -> &mut Hour {
        let fresh = Hour { number, foreseen: usual, most: 0, repaired: 0 };
        if let Some(before) = self.hour.filter(|before| before.number != number) {
            self.errors.push_back(before.most.saturating_sub(before.foreseen));
            if self.errors.len() > HOURS {
                self.errors.pop_front();
            }
            self.hour = Some(fresh);
        }
        self.hour.get_or_insert(fresh)
    }

    /// The mean of what the hours before needed beyond what was foreseen.
    fn error(&self) -> u32 {
        let hours = u32::try_from(self.errors.len()).unwrap_or(u32::MAX).max(1);
        self.errors.iter().sum::<u32>().div_ceil(hours)
    }

    /// Whether there were too few too often. Once, then it counts anew.
    fn repairs(&mut self, under: bool) -> bool {
        self.under.push_back(under);
        if self.under.len() > LOOKS {
            self.under.pop_front();
        }
        let repairs = self.under.iter().filter(|under| **under).count() > UNDER;
        if repairs {
            self.under.clear();
            self.errors.clear();
        }
        repairs
    }
}

/// Counts one more look that needed so many; what is beyond `most` is all the same.
fn record(histogram: &mut Vec<u32>, load: u32, most: usize) {
    let place = usize::try_from(load).unwrap_or(most).min(most);
    if histogram.len() <= place {
        histogram.resize(place + 1, 0);
    }
    histogram[place] = histogram[place].saturating_add(1);
}

/// The least count that is not below this share of what was recorded.
fn percentile(histogram: &[u32], share: f64) -> u32 {
    let all: f64 = histogram.iter().map(|looks| f64::from(*looks)).sum();
    let wanted = (all * share).min(all) - 1e-9;
    let mut below = 0.0;
    let place = histogram.iter().position(|looks| {
        below += f64::from(*looks);
        below >= wanted && *looks > 0
    });
    u32::try_from(place.unwrap_or_default()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::STEP;
    use crate::baseline::toy::Toy;

    #[test]
    fn a_percentile_is_of_what_was_recorded() {
        let mut histogram = Vec::new();
        for load in (1..=10).rev() {
            record(&mut histogram, load, 100);
        }
        for (share, expected) in [(0.5, 5), (0.9, 9), (0.95, 10), (1.0, 10), (0.05, 1)] {
            assert_eq!(percentile(&histogram, share), expected, "{share}");
        }
        record(&mut histogram, u32::MAX, 100);
        assert_eq!((histogram.len(), percentile(&histogram, 1.0)), (101, 100));
        assert_eq!(percentile(&[], 0.95), 0);
    }

    #[test]
    fn the_second_day_knows_the_busy_hour_before_it_is_busy() {
        let day = 86_400;
        // Busy from half past nine to ten.
        let rate = |second: u64| Some(if (34_200..36_000).contains(&(second % day)) { 79.0 } else { 15.0 });
        let counts = Toy::default().run(hist(0.95, Bounds { min: 1, max: 50 }, STEP).as_mut(), 2 * day, 2, rate);
        let at = |second: u64| counts[usize::try_from(second).unwrap_or_default()];
        assert_eq!(at(34_000), 2, "the first day does not");
        assert_eq!(at(35_900), 10, "but it learns within minutes");
        assert_eq!(at(day + 32_460), 10, "at nine of the second day");
        assert_eq!(at(day + 30_000), 2);
    }

    #[test]
    fn too_few_at_six_of_ten_looks_are_repaired_and_counted_anew() {
        let mut state = State { errors: [3].into(), ..State::default() };
        let looks = [true, true, false, true, true, false, false, true, false, true, true];
        let repaired: Vec<usize> = (0..looks.len()).filter(|look| state.repairs(looks[*look])).collect();
        assert_eq!((repaired, state.under.len(), state.error()), (vec![9], 1, 0));
    }

    #[test]
    fn what_the_hours_before_needed_beyond_their_history_is_added() {
        let mut state = State::default();
        for (number, usual, most) in [(0, 5, 8), (1, 5, 5), (2, 5, 4), (3, 5, 0)] {
            state.enter(number, usual).most = most;
        }
        assert_eq!(state.error(), 1, "(3 + 0 + 0) / 3");
    }
}
