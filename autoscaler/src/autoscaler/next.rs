//! When it is worth another look although nothing happens.

use std::time::Duration;

use super::Autoscaler;
use crate::{
    Evaluation, Timestamp, Wakeup,
    evaluation::{RuleReason, ThresholdState, WakeupReason},
    missing,
    rule::schedule::{self, Windows},
};

impl Autoscaler {
    /// The first moment at which time alone can change the verdict or its reasons.
    pub(super) fn next(&self, evaluation: &Evaluation, windows: &Windows) -> Option<Wakeup> {
        let guards = &self.policy.guards;
        let mut soonest = Soonest { after: evaluation.at, wakeup: None };
        for effect in &evaluation.effects {
            if let Some(until) = effect.until {
                soonest.offer(until, || WakeupReason::Released(effect.guard.clone()));
            }
        }
        for recommendation in &evaluation.recommendations {
            let rule = recommendation.rule;
            match recommendation.reason {
                RuleReason::Threshold { state: ThresholdState::Pending { until, .. }, .. } => {
                    soonest.offer(until, || WakeupReason::Breach { rule });
                }
                RuleReason::Burst { until: Some(until), .. } => {
                    soonest.offer(until.plus(Duration::from_millis(1)), || WakeupReason::Calm { rule });
                }
                _ => {}
            }
        }
        for since in self.observation.replicas.iter().filter_map(|replica| replica.ready_since) {
            soonest.offer(since.plus(guards.warm_up), || WakeupReason::WarmedUp);
        }
        for (at, signal) in missing::stale(&evaluation.signals, guards, evaluation.at) {
            soonest.offer(at, || WakeupReason::Stale(signal.clone()));
        }
        for (at, signal) in missing::fallbacks(&self.policy, &self.memory) {
            soonest.offer(at, || WakeupReason::Fallback(signal.clone()));
        }
        for (at, rule) in schedule::changes(windows) {
            soonest.offer(at, || WakeupReason::Schedule { rule });
        }
        soonest.wakeup
    }
}

/// The first of the moments after one; of those at the same time the one that was offered first.
struct Soonest {
    after: Timestamp,
    wakeup: Option<Wakeup>,
}

impl Soonest {
    fn offer(&mut self, at: Timestamp, because: impl FnOnce() -> WakeupReason) {
        if at > self.after && self.wakeup.as_ref().is_none_or(|wakeup| at < wakeup.at) {
            self.wakeup = Some(Wakeup { at, because: because() });
        }
    }
}
