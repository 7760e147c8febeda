//! What became of what the bound promised: that the demand exceeds it in no more than a share of the steps.

use std::collections::VecDeque;

use autoscaler::{
    Timestamp,
    evaluation::{Evaluation, Outlook, RuleReason},
};
use serde::Serialize;

use crate::{
    scaler::Scaler,
    simulation::{Segment, Watch},
};

/// What is computed in another order than where the bound is from is above it only beyond this share of it.
const EXACT: f64 = 1e-9;

/// How the bound of the policy's first forecast rule was kept: of each step, the bound that was said as far ahead as the rule
/// looks, as it was said then.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bound {
    /// So many steps have come of which a bound had been said.
    pub steps: u64,
    /// The share of them in which the demand was above it, 0 to 1.
    pub above: f64,
    /// The share that was allowed.
    pub allowed: f64,
}

/// Hears what is said and what comes.
pub(super) struct Promises {
    /// Steps that begin before this are not counted.
    from: Timestamp,
    /// When the newest outlook was made, in milliseconds since the epoch.
    newest: Option<u64>,
    /// What was said of steps that have not come yet, or not wholly, oldest first.
    said: VecDeque<Said>,
    steps: u64,
    above: u64,
    allowed: f64,
}

/// What was said of one step, and what came of it so far.
struct Said {
    /// Its ends, in milliseconds since the epoch.
    step: (u64, u64),
    /// Requests per second.
    bound: f64,
    /// Requests.
    came: f64,
}

impl Promises {
    /// About the time from then on.
    pub(super) fn new(from: Timestamp) -> Self {
        Self { from, newest: None, said: VecDeque::new(), steps: 0, above: 0, allowed: f64::NAN }
    }

    /// What became of them; `None` where none was made of a step that came.
    pub(super) fn kept(&self) -> Option<Bound> {
        (self.steps > 0).then(|| Bound {
            steps: self.steps,
            above: self.above as f64 / self.steps as f64,
            allowed: self.allowed,
        })
    }

    fn hear(&mut self, evaluation: &Evaluation) {
        let mut reasons = evaluation.recommendations.iter().map(|recommendation| &recommendation.reason);
        let Some(reason) = reasons.find_map(|reason| match reason {
            RuleReason::Forecast(reason) => Some(reason),
            _ => None,
        }) else {
            return;
        };
        let Outlook::Known { by, .. } = &reason.outlook else { return };
        if self.newest == Some(by.made_at) {
            return;
        }
        self.newest = Some(by.made_at);
        self.allowed = 1.0 - reason.knob.quantile();
        let end = by.made_at + by.step * u64::try_from(by.lead).unwrap_or(1);
        if end - by.step >= self.from.as_millis() {
            self.said.push_back(Said { step: (end - by.step, end), bound: by.ahead, came: 0.0 });
        }
    }

    fn passed(&mut self, segment: &Segment) {
        let (from, to) = (segment.from.as_millis(), segment.to.as_millis());
        let length = (to - from) as f64;
        for said in &mut self.said {
            let within = to.min(said.step.1).saturating_sub(from.max(said.step.0));
            said.came += segment.offered * within as f64 / length;
        }
        while self.said.front().is_some_and(|said| said.step.1 <= to) {
            let Some(said) = self.said.pop_front() else { return };
            let seconds = (said.step.1 - said.step.0) as f64 / 1000.0;
            self.steps += 1;
            self.above += u64::from(said.came / seconds > said.bound * (1.0 + EXACT));
        }
    }
}

impl Watch for Promises {
    fn segment(&mut self, segment: &Segment) {
        self.passed(segment);
    }

    fn look(&mut self, _now: Timestamp, scaler: &dyn Scaler) {
        if let Some(evaluation) = scaler.evaluation() {
            self.hear(evaluation);
        }
    }
}
