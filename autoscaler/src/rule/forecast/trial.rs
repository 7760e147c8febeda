//! Whether a forecast rule that is on trial has been better than the reactive answer.
//!
//! ```text
//! supply = the fewest that were wanted within the last steps to the horizon: what is added is late, what is removed is gone
//! cost   = Σ (supply + idle_per_missing · max(needed − supply, 0)) · hours of a step
//! ```

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{evaluation::Trial, time::Timestamp};

/// Both answers, and what they would have cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct OnTrial {
    /// It is judged then; nothing before the first step.
    until: Option<Timestamp>,
    passed: bool,
    forecast: Account,
    reactive: Account,
}

/// One answer's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Account {
    /// What was wanted at the newest steps, oldest first.
    wanted: VecDeque<u32>,
    /// In replica-hours.
    cost: f64,
}

/// A step that is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Replicas that its demand needed.
    pub(super) needed: u32,
    pub(super) length: Duration,
    /// Steps to the horizon.
    pub(super) lead: usize,
    pub(super) idle_per_missing: f64,
    /// What the forecast wants after it.
    pub(super) wanted: u32,
    /// What the reactive answer does.
    pub(super) reactive: u32,
}

impl OnTrial {
    /// Takes in a step. Whoever was cheaper after `span` has won; where that is the reactive answer, it begins anew.
    pub(super) fn add(&mut self, step: &Step, span: Duration, now: Timestamp) {
        if self.passed {
            return;
        }
        let until = *self.until.get_or_insert(now.plus(span));
        self.forecast.add(step, step.wanted);
        self.reactive.add(step, step.reactive);
        if now >= until {
            let passed = self.forecast.cost < self.reactive.cost;
            *self = Self { passed, ..Self::default() };
        }
    }

    /// How it stands; `None` once it was better.
    pub(super) fn standing(&self, now: Timestamp, span: Duration) -> Option<Trial> {
        (!self.passed).then(|| Trial {
            until: self.until.unwrap_or_else(|| now.plus(span)),
            cost: self.forecast.cost,
            reactive: self.reactive.cost,
        })
    }
}

impl Account {
    fn add(&mut self, step: &Step, wanted: u32) {
        if let Some(supply) = self.wanted.iter().min() {
            let missing = f64::from(step.needed.saturating_sub(*supply));
            let hours = step.length.as_secs_f64() / 3600.0;
            self.cost += (f64::from(*supply) + step.idle_per_missing * missing) * hours;
        }
        self.wanted.push_back(wanted);
        while self.wanted.len() > step.lead.max(1) {
            self.wanted.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_cheaper_over_the_whole_span_wins() {
        let at = |minute: u64| Timestamp::from_millis(minute * 60_000);
        let span = Duration::from_hours(1);
        // Every ten minutes one replica more is needed for a minute; the forecast has it ready, the other answer is late.
        let step = |minute: u64, idle_per_missing| Step {
            needed: if minute.is_multiple_of(10) { 3 } else { 2 },
            length: Duration::from_mins(1),
            lead: 1,
            idle_per_missing,
            wanted: if minute % 10 == 9 { 3 } else { 2 },
            reactive: if minute.is_multiple_of(10) { 3 } else { 2 },
        };
        for (name, idle_per_missing, passed) in [("a missing one costs much", 10.0, true), ("nothing", 0.0, false)] {
            let mut trial = OnTrial::default();
            for minute in 0..60 {
                trial.add(&step(minute, idle_per_missing), span, at(minute));
                let standing = trial.standing(at(minute), span).expect("it is on trial");
                assert_eq!(standing.until, at(60), "{name}");
            }
            trial.add(&step(60, idle_per_missing), span, at(60));
            assert_eq!(trial.standing(at(60), span).is_none(), passed, "{name}");
        }
    }
}
