//! One expectation, followed through a run.

use std::sync::Arc;

use autoscaler::{Timestamp, time::spoken};

use super::{Decision, Verdict, amount, since, words};
use crate::{
    Scenario,
    measures::Turns,
    scenario::{Expectation, Expected},
    simulation::{Change, Segment},
};

/// One expectation, and what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    expectation: Expectation,
    /// The span in which it is looked at.
    from: Timestamp,
    to: Timestamp,
    idle_per_missing: f64,
    /// The cost of the clairvoyant plan, in replica-hours.
    plan: Option<f64>,
    turns: Turns,
    /// Of levels.
    lowest: Option<f64>,
    highest: Option<f64>,
    /// Of what is counted, and of shares.
    sum: f64,
    of: f64,
    broken: Option<Broken>,
}

#[derive(Clone, Debug)]
struct Broken {
    at: Timestamp,
    decision: Option<Arc<Decision>>,
}

const MILLIS_PER_HOUR: f64 = 3_600_000.0;

impl Judged {
    pub(super) fn new(expectation: Expectation, scenario: &Scenario, plan: Option<f64>) -> Self {
        let to = expectation.until.map_or(scenario.ends(), |until| scenario.begins.plus(until).min(scenario.ends()));
        Self {
            from: scenario.begins.plus(expectation.after),
            to,
            expectation,
            idle_per_missing: scenario.objective.idle_per_missing,
            plan,
            turns: Turns::default(),
            lowest: None,
            highest: None,
            sum: 0.0,
            of: 0.0,
            broken: None,
        }
    }

    pub(super) fn change(&mut self, change: &Change, decision: Option<&Arc<Decision>>) {
        let turns_back = self.turns.turns_back(change);
        let counts = match self.expectation.what {
            Expected::Changes => true,
            Expected::Reversals => turns_back,
            _ => false,
        };
        if counts && change.at >= self.from && change.at < self.to {
            self.sum += 1.0;
            self.check_sum(change.at, decision);
        }
    }

    pub(super) fn segment(&mut self, segment: &Segment, decision: Option<&Arc<Decision>>) {
        let (from, to) = (segment.from.max(self.from), segment.to.min(self.to));
        if from >= to {
            return;
        }
        let millis = (to.as_millis() - from.as_millis()) as f64;
        let share = millis / (segment.to.as_millis() - segment.from.as_millis()) as f64;
        let held = f64::from(segment.ready + segment.starting + segment.stopping) * millis;
        let missing = f64::from(segment.needed.saturating_sub(segment.ready)) * millis;
        match self.expectation.what {
            Expected::Replicas => self.level(from, [f64::from(segment.target); 2], decision),
            Expected::Ready => self.level(from, [f64::from(segment.ready); 2], decision),
            Expected::Waiting => {
                let by = segment.queue_to - segment.queue_from;
                let at = |moment: Timestamp| {
                    let passed = (moment.as_millis() - segment.from.as_millis()) as f64;
                    segment.queue_from + by * passed / (segment.to.as_millis() - segment.from.as_millis()) as f64
                };
                self.level(from, [at(from), at(to)], decision);
            }
            Expected::Changes | Expected::Reversals => {}
            Expected::Late => self.share(from, (segment.slow + segment.lost) * share, ended(segment) * share, decision),
            Expected::Lost => self.share(from, segment.lost * share, ended(segment) * share, decision),
            Expected::Short => self.share(from, if missing > 0.0 { millis } else { 0.0 }, millis, decision),
            Expected::ReplicaHours => {
                self.sum += held / MILLIS_PER_HOUR;
                self.check_sum(from, decision);
            }
            Expected::Cost => {
                if let Some(plan) = self.plan.filter(|plan| *plan > 0.0) {
                    self.sum += (held + self.idle_per_missing * missing) / MILLIS_PER_HOUR / plan;
                    self.check_sum(from, decision);
                }
            }
        }
    }

    pub(super) fn verdict(&self, begins: Timestamp) -> Verdict {
        let Expectation { what, least, most, .. } = self.expectation;
        let expected = words(&self.expectation);
        let Some(value) = self.value() else {
            let found = match what {
                Expected::Cost => "there is no plan to compare with",
                Expected::Late | Expected::Lost => "there were no requests",
                _ => "the run did not come that far",
            };
            let found = found.to_owned();
            return Verdict {
                expected,
                met: false,
                value: None,
                found,
                broken_at: None,
                broken_after: None,
                decision: None,
            };
        };
        let met = !beyond(most, value) && !short_of(least, value);
        let broken = if met { None } else { self.broken.clone() };
        // What was too little is so only in the end.
        let broken = broken.or_else(|| (!met).then_some(Broken { at: self.to, decision: None }));
        Verdict {
            expected,
            met,
            value: Some(value),
            found: amount(what, value),
            broken_at: broken.as_ref().map(|broken| broken.at),
            broken_after: broken.as_ref().map(|broken| spoken(since(begins, broken.at))),
            decision: broken.and_then(|broken| broken.decision.map(Arc::unwrap_or_clone)),
        }
    }

    /// The value that decides.
    fn value(&self) -> Option<f64> {
        let Expectation { what, least, most, .. } = self.expectation;
        match what {
            Expected::Replicas | Expected::Ready | Expected::Waiting => {
                let (lowest, highest) = self.lowest.zip(self.highest)?;
                let lowest_decides = match (least, most) {
                    (Some(_), None) => true,
                    (Some(least), Some(most)) => least - lowest > highest - most,
                    (None, _) => false,
                };
                Some(if lowest_decides { lowest } else { highest })
            }
            Expected::Changes | Expected::Reversals | Expected::ReplicaHours => Some(self.sum),
            Expected::Late | Expected::Lost | Expected::Short => (self.of > 0.0).then(|| self.sum / self.of),
            Expected::Cost => self.plan.filter(|plan| *plan > 0.0).map(|_| self.sum),
        }
    }

    /// A level goes evenly from the first of these to the second.
    fn level(&mut self, at: Timestamp, ends: [f64; 2], decision: Option<&Arc<Decision>>) {
        for value in ends {
            self.lowest = Some(self.lowest.map_or(value, |lowest| lowest.min(value)));
            self.highest = Some(self.highest.map_or(value, |highest| highest.max(value)));
        }
        let Expectation { least, most, .. } = self.expectation;
        if self.broken.is_none() && ends.iter().any(|value| beyond(most, *value) || short_of(least, *value)) {
            self.broken = Some(Broken { at, decision: decision.cloned() });
        }
    }

    /// What is counted only grows.
    fn check_sum(&mut self, at: Timestamp, decision: Option<&Arc<Decision>>) {
        if self.broken.is_none() && beyond(self.expectation.most, self.sum) {
            self.broken = Some(Broken { at, decision: decision.cloned() });
        }
    }

    /// A share can become better again: it is broken from when on it stays so.
    fn share(&mut self, at: Timestamp, part: f64, of: f64, decision: Option<&Arc<Decision>>) {
        self.sum += part;
        self.of += of;
        let Expectation { least, most, .. } = self.expectation;
        let value = if self.of > 0.0 { self.sum / self.of } else { return };
        if !beyond(most, value) && !short_of(least, value) {
            self.broken = None;
        } else if self.broken.is_none() {
            self.broken = Some(Broken { at, decision: decision.cloned() });
        }
    }
}

fn ended(segment: &Segment) -> f64 {
    segment.served + segment.lost
}

/// What rounding makes of a bound that is just kept is kept.
fn beyond(most: Option<f64>, value: f64) -> bool {
    most.is_some_and(|most| value > most + 1e-9 * most.abs())
}

fn short_of(least: Option<f64>, value: f64) -> bool {
    least.is_some_and(|least| value < least - 1e-9 * least.abs())
}
