//! A forecaster with steps as long as it takes to look far ahead, and what it would have said.

use std::{num::NonZero, thread, time::Duration};

use forecast::{Calendar, Forecaster, Rehearsal};

use super::whole_millis;
use crate::parallel;

/// Lengths of a step that people count in, in milliseconds.
const LENGTHS: [u64; 18] = [
    1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
    3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000,
];

/// A forecaster with steps of one length.
pub(super) struct Steps {
    pub(super) step: u64,
    pub(super) forecaster: Forecaster,
}

impl Steps {
    pub(super) fn of(forecaster: &Forecaster, step: u64, calendar: &dyn Calendar) -> Self {
        if step <= forecaster.step() {
            return Self { step: forecaster.step(), forecaster: forecaster.clone() };
        }
        Self { step, forecaster: forecaster.with_steps_of(step, calendar) }
    }

    /// So many steps from now to then.
    pub(super) fn to(&self, horizon: Duration) -> i64 {
        i64::try_from(whole_millis(horizon).div_ceil(self.step)).unwrap_or(1).max(1)
    }

    /// For one lead, and for each of the next steps.
    pub(super) fn rehearse(&self, lead: i64, count: i64, calendar: &(dyn Calendar + Sync)) -> Vec<Rehearsal> {
        let leads: Vec<i64> = std::iter::once(lead).chain(1..=count).collect();
        let jobs = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        let all = parallel::map(&leads, jobs, &|_, _| {}, |lead| self.forecaster.rehearse(*lead, calendar));
        all.into_iter().flatten().collect()
    }
}

/// The shortest length of a step that is at least so long, and not shorter than the forecaster's own.
pub(super) fn step_for(least: u64, own: u64) -> u64 {
    LENGTHS.into_iter().find(|length| *length >= least.max(own)).unwrap_or(own)
}
