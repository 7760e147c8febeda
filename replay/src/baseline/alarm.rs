//! What AWS' two ways of scaling have in common: `CloudWatch`'s datapoints of one minute, and cooldowns.

use std::{collections::VecDeque, time::Duration};

use autoscaler::Timestamp;

/// What a datapoint is the mean of.
pub(super) const PERIOD: Duration = Duration::from_mins(1);

/// The newest datapoints of one minute, as many as the longest alarm goes by.
#[derive(Clone, Debug)]
pub(super) struct Datapoints {
    newest: VecDeque<Option<f64>>,
    most: usize,
}

impl Datapoints {
    pub(super) fn new(most: usize) -> Self {
        Self { newest: VecDeque::new(), most }
    }

    pub(super) fn add(&mut self, value: Option<f64>) {
        self.newest.push_back(value);
        if self.newest.len() > self.most {
            self.newest.pop_front();
        }
    }

    /// Whether all of the newest `count` are there and breach. One that is missing is no breach.
    pub(super) fn all(&self, count: usize, breaches: impl Fn(f64) -> bool) -> bool {
        let newest = self.newest.iter().rev().take(count);
        self.newest.len() >= count && newest.into_iter().all(|value| value.is_some_and(&breaches))
    }
}

/// Cooldowns as Application Auto Scaling keeps them: in one after a scale-out, what is being added counts as there, and
/// only more than that is added; a scale-in waits for both, and a scale-out ends the one after a scale-in.
#[derive(Clone, Debug, Default)]
pub(super) struct Cooldowns {
    /// Since when, and how many there were before.
    out: Option<(Timestamp, u32)>,
    down: Option<Timestamp>,
}

impl Cooldowns {
    /// How many replicas a scale-out starts from.
    pub(super) fn capacity(&self, now: Timestamp, cooldown: Duration, ready: u32, current: u32) -> u32 {
        let before = self.out.filter(|(since, _)| now.since(*since) < cooldown).map(|(_, before)| before);
        before.unwrap_or(current).min(ready.max(1)).min(current)
    }

    /// Whether a scale-in has to wait.
    pub(super) fn hold_down(&self, now: Timestamp, cooldown: Duration) -> bool {
        let within = |since: Timestamp| now.since(since) < cooldown;
        self.out.is_some_and(|(since, _)| within(since)) || self.down.is_some_and(within)
    }

    pub(super) fn scaled_out(&mut self, now: Timestamp, from: u32) {
        *self = Self { out: Some((now, from)), down: None };
    }

    pub(super) fn scaled_in(&mut self, now: Timestamp) {
        self.down = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datapoint_that_is_missing_is_no_breach() {
        let mut points = Datapoints::new(3);
        for (value, breached) in [
            (Some(0.9), false),
            (Some(0.9), false),
            (Some(0.9), true),
            (Some(0.9), true),
            (None, false),
            (Some(0.9), false),
            (Some(0.9), false),
            (Some(0.9), true),
            (Some(0.1), false),
        ] {
            points.add(value);
            assert_eq!(points.all(3, |value| value > 0.75), breached, "{points:?}");
        }
    }
}
