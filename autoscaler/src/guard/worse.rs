//! Worse (circuit breaker): a step up after which a signal got worse is followed by no other for a while. More replicas
//! can be the cause: of a database whose connections run out, or of retries that meet cold caches.
//!
//! ```text
//! worse: { signal: errors, by: 50%, within: 2m }
//!
//! errors      2/s       2/s → 4/s
//! count       5 → 10    10            held at 10          rules go on
//!             │ step    │ its replicas serve,             │
//!             0:00      0:30  4 > 2 · (1 + 50 %)          2:30
//! ```
//!
//! The level before is that at the step. Of steps within `within` of the first of them, or whose replicas do not serve yet, it
//! is that at the first: what creeps up by 40 % with each step has got worse by more than half. Only a step
//! with a known level before is watched, only once one of its replicas serves, and only a known level is worse.

use serde::{Deserialize, Serialize};

use crate::{
    Evaluation,
    evaluation::{Guard, GuardEffect, SignalReading},
    guard::{Circumstances, effect, level},
    policy::{Direction, Policy, Rule, Worse},
    quantity::SignalName,
    rule::Situation,
    time::Timestamp,
};

/// A step up whose effect is watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    signal: SignalName,
    /// When the step was made.
    at: Timestamp,
    /// The level before it, or before the first of several steps.
    before: f64,
    /// When that was.
    #[serde(default)]
    began: Timestamp,
    /// When it was found to be worse, and how high it was.
    worse: Option<(Timestamp, f64)>,
}

impl Watch {
    /// Until when it is of interest.
    fn until(&self, rule: &Worse) -> Timestamp {
        self.worse.map_or(self.at, |(at, _)| at).plus(rule.within)
    }

    fn concerns(&self, rule: &Worse, now: Timestamp) -> bool {
        self.signal == rule.signal && now < self.until(rule)
    }
}

/// Begins to watch a step up that was made.
pub(super) fn stepped(watch: &mut Option<Watch>, policy: &Policy, evaluation: &Evaluation) {
    let Some(rule) = &policy.guards.worse else { return *watch = None };
    if evaluation.verdict.direction() != Some(Direction::Up) {
        return;
    }
    let reads = |reading: &&SignalReading| reading.signal == rule.signal && reading.window == Rule::WINDOW;
    let reading = evaluation.signals.iter().find(reads);
    let level = reading.and_then(|reading| level(reading, None));
    let still = watch.take().filter(|watch| watch.concerns(rule, evaluation.at));
    let under_way = evaluation.current.is_some_and(|current| evaluation.observed.ready < current);
    *watch = match still {
        Some(tripped) if tripped.worse.is_some() => Some(tripped),
        Some(earlier) if under_way || evaluation.at < earlier.began.plus(rule.within) => {
            Some(Watch { at: evaluation.at, ..earlier })
        }
        _ => level.map(|before| {
            let at = evaluation.at;
            Watch { signal: rule.signal.clone(), at, before, began: at, worse: None }
        }),
    };
}

/// Looks whether it got worse.
pub(super) fn update(watch: &mut Option<Watch>, given: &Situation<'_>) {
    let Some(rule) = &given.policy.guards.worse else { return *watch = None };
    let Some(watched) = watch.as_mut().filter(|watch| watch.concerns(rule, given.now)) else { return *watch = None };
    let serves = |since: Timestamp| since >= watched.at;
    let any_serves = given.observation.replicas.iter().filter_map(|replica| replica.ready_since).any(serves);
    let level = given.readings.get(&rule.signal, Rule::WINDOW).and_then(|reading| level(reading, None));
    if let (None, true, Some(level)) = (watched.worse, any_serves, level)
        && level > watched.before * (1.0 + rule.by)
    {
        watched.worse = Some((given.now, level));
    }
}

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let rule = given.guards().worse.as_ref()?;
    let watch = given.situation.memory.guards.watch.as_ref().filter(|watch| watch.concerns(rule, given.now()))?;
    let (_, then) = watch.worse?;
    if given.direction(wanted) != Some(Direction::Up) {
        return None;
    }
    let reading = given.situation.readings.get(&rule.signal, Rule::WINDOW);
    let now = reading.and_then(|reading| level(reading, None)).unwrap_or(then);
    let guard = Guard::Worse { signal: rule.signal.clone(), before: watch.before, now };
    effect(guard, wanted, given.current(), Some(watch.until(rule)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::scene::{Scene, at, secs, service_value};

    /// The step was made at 60 s and its errors were 2; the clock says 100 s.
    fn scene(level: Option<f64>, serves_since: Option<u64>) -> Scene {
        let mut scene = Scene::new(4);
        scene.policy.guards.worse = Some(Worse { signal: SignalName::new("errors"), by: 0.5, within: secs(60) });
        scene.readings = vec![service_value("errors", level)];
        scene.list(4);
        scene.observation.replicas[3].ready_since = serves_since.map(at);
        let mut watch =
            Some(Watch { signal: SignalName::new("errors"), at: at(60), before: 2.0, began: at(60), worse: None });
        update(&mut watch, &scene.situation());
        scene.memory.guards.watch = watch;
        scene
    }

    #[test]
    fn nothing_is_added_after_a_step_that_made_it_worse() {
        for (name, level, serves_since, to) in [
            ("worse by more than half, and its replicas serve", Some(3.1), Some(80), 4),
            ("by half is not more than half", Some(3.0), Some(80), 6),
            ("its replicas do not serve yet", Some(9.0), None, 6),
            ("those that serve were there before", Some(9.0), Some(50), 6),
            ("missing is not worse", None, Some(80), 6),
        ] {
            let scene = scene(level, serves_since);
            assert_eq!(scene.left(apply, 6), to, "{name}");
            assert_eq!(scene.left(apply, 2), 2, "{name}: and it never keeps from removing");
        }
    }

    #[test]
    fn it_holds_for_so_long_after_it_was_found() {
        let mut scene = scene(Some(4.0), Some(80));
        assert_eq!(scene.apply(apply, 6).and_then(|effect| effect.until), Some(at(160)));
        for (second, to) in [(159, 4), (160, 6)] {
            scene.now = at(second);
            assert_eq!(scene.left(apply, 6), to, "{second} s");
        }
    }

    #[test]
    fn another_signal_in_the_policy_is_watched_from_the_next_step_on() {
        let mut scene = scene(Some(4.0), Some(80));
        scene.policy.guards.worse = Some(Worse { signal: SignalName::new("latency"), by: 0.5, within: secs(60) });
        assert_eq!(scene.left(apply, 6), 6);
    }
}
