//! When it is worth another look although nothing happens.

use std::time::Duration;

use super::Autoscaler;
use crate::{
    Evaluation, Timestamp, Wakeup,
    evaluation::{Guard, GuardEffect, RuleReason, ThresholdState, WakeupReason},
    guard, missing,
    policy::{Rate, RuleKind},
    rule::{
        schedule::{self, Windows},
        threshold,
    },
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
            if let Some((rate, until)) = self.held_by_kill_budget(effect, evaluation) {
                soonest.offer(until, || WakeupReason::Released(Guard::KillBudget(rate)));
            }
        }
        for recommendation in &evaluation.recommendations {
            let rule = recommendation.rule;
            match recommendation.reason {
                RuleReason::Threshold { state: ThresholdState::Pending { until, .. }, .. } => {
                    soonest.offer(until, || WakeupReason::Breach { rule });
                }
                RuleReason::Threshold { state: ThresholdState::Settling { .. }, .. } => {
                    if let Some(until) = self.settles_until(rule) {
                        soonest.offer(until, || WakeupReason::Breach { rule });
                    }
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

    /// The kill budget, and when it allows more, where a guard that comes after it goes down only as far as that allows.
    fn held_by_kill_budget(&self, effect: &GuardEffect, evaluation: &Evaluation) -> Option<(Rate, Timestamp)> {
        let goal = match effect.guard {
            Guard::CrashLoop { back_to, .. } => back_to?,
            Guard::Manual { asked } => asked.min(evaluation.limits.max).min(self.observation.most.unwrap_or(u32::MAX)),
            _ => return None,
        };
        let rate = self.policy.guards.kill_budget.filter(|_| goal < effect.to)?;
        Some((rate, guard::kill_budget::until(rate, &self.memory.steps, evaluation.at)?))
    }

    /// When a threshold waits no longer for the effect of the last step.
    fn settles_until(&self, rule: usize) -> Option<Timestamp> {
        match &self.policy.rules.get(rule)?.kind {
            RuleKind::Threshold(rule) => threshold::waits_until(rule, &self.memory),
            _ => None,
        }
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
