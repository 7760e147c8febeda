//! What survives a restart.

mod rules;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    guard::{GuardState, History},
    policy::{Direction, Policy},
    quantity::SignalName,
    rule::{RuleState, forecast::ForecastState},
    time::Timestamp,
};

pub use rules::{Forecasts, Learned};
pub(crate) use rules::{Identity, Rules, all};

/// Steps kept; beyond that the oldest is forgotten, as if it were longer ago.
const MOST_STEPS: usize = 256;

/// What must survive a restart: what guards and rules remember.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Evaluations recorded.
    pub(crate) evaluations: u64,
    /// How many replicas there shall be, once that was decided.
    pub(crate) target: Option<u32>,
    /// What was wanted when.
    pub(crate) history: History,
    /// What was done when.
    pub(crate) steps: Steps,
    /// What rules remember.
    pub(crate) rules: Rules,
    /// Since when signals are missing that a rule or guard reads.
    pub(crate) missing_since: BTreeMap<SignalName, Timestamp>,
    /// The count that the operator set by hand last.
    pub(crate) manual: Option<Manual>,
    /// What single guards remember.
    pub(crate) guards: GuardState,
}

/// A count that the operator set by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manual {
    /// When.
    pub at: Timestamp,
    /// To this.
    pub replicas: u32,
}

impl Memory {
    /// How many replicas there shall be, once that was decided.
    pub fn target(&self) -> Option<u32> {
        self.target
    }

    /// The count that the operator set by hand last.
    pub fn manual(&self) -> Option<Manual> {
        self.manual
    }

    /// What forecast rules remember, each with the rule's place in the policy, from 0.
    pub fn forecasts(&self) -> impl Iterator<Item = (usize, &ForecastState)> {
        self.rules.iter().enumerate().filter_map(|(place, state)| match state {
            RuleState::Forecast(state) => Some((place, state.as_ref())),
            _ => None,
        })
    }

    /// Puts a newer decision of how many replicas there shall be in the place of the one remembered.
    pub fn set_target(&mut self, replicas: u32) {
        self.target = Some(replicas);
    }

    /// Why what single rules remembered could not be read, one sentence each: they begin afresh.
    pub fn unreadable(&self) -> &[String] {
        self.rules.unreadable()
    }

    /// What forecasts learned, which is large; [`put_forecasts`](Self::put_forecasts) puts it back. `None` where there are none.
    pub fn forecasts_to_keep(&self) -> Option<Learned<'_>> {
        Learned::of(&self.rules)
    }

    /// Everything but what forecasts learned.
    #[must_use]
    pub fn without_forecasts(&self) -> Self {
        Self {
            evaluations: self.evaluations,
            target: self.target,
            history: self.history.clone(),
            steps: self.steps.clone(),
            rules: self.rules.without_forecasts(),
            missing_since: self.missing_since.clone(),
            manual: self.manual,
            guards: self.guards.clone(),
        }
    }

    /// For who keeps the policy as well, beside it.
    pub(crate) fn beside_its_policy(self) -> Self {
        Self { rules: self.rules.beside_their_policy(), ..self }
    }

    /// Puts back what forecasts learned, for [`Autoscaler::restore`](crate::Autoscaler::restore) to find whose it is.
    pub fn put_forecasts(&mut self, forecasts: Forecasts) {
        self.rules.add(forecasts.0);
    }

    /// Remembers that `wanted` replicas were recommended `at` a moment. Moments must not go back.
    pub fn add_recommendation(&mut self, wanted: u32, at: Timestamp, policy: &Policy) {
        self.history.push(wanted, at, policy.guards.longest_stabilization());
    }

    /// Remembers that the count went `from` one `to` another `at` a moment. Moments must not go back.
    pub fn add_step(&mut self, at: Timestamp, from: u32, to: u32, policy: &Policy) {
        self.push_step(ScaleStep { at, from, to, running: None }, policy);
    }

    pub(crate) fn push_step(&mut self, step: ScaleStep, policy: &Policy) {
        self.steps.push(step, longest_look_back(policy));
    }
}

/// One change of the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleStep {
    /// When.
    pub at: Timestamp,
    /// Before.
    pub from: u32,
    /// After.
    pub to: u32,
    /// How many ran then; absent: as many as there were to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<u32>,
}

impl ScaleStep {
    /// More or fewer.
    pub fn direction(self) -> Direction {
        if self.to > self.from { Direction::Up } else { Direction::Down }
    }

    /// How many were removed: of replicas that did not run none was.
    pub(crate) fn removed(self) -> u32 {
        self.running.map_or(self.from, |running| running.min(self.from)).saturating_sub(self.to)
    }
}

/// Changes of the count, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Steps(VecDeque<ScaleStep>);

impl Steps {
    /// Adds the newest step, and forgets what nobody looks back to: the last step of each direction always stays.
    pub(crate) fn push(&mut self, step: ScaleStep, longest: Duration) {
        self.0.push_back(step);
        while let Some(oldest) = self.0.front() {
            let direction = oldest.direction();
            let last_of_its_kind = self.0.iter().skip(1).all(|other| other.direction() != direction);
            let needed = step.at.since(oldest.at) <= longest;
            if last_of_its_kind || (needed && self.0.len() <= MOST_STEPS) {
                break;
            }
            self.0.pop_front();
        }
    }

    /// The newest step that way.
    pub(crate) fn last(&self, direction: Direction) -> Option<ScaleStep> {
        self.0.iter().rev().find(|step| step.direction() == direction).copied()
    }

    /// All steps.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = ScaleStep> {
        self.0.iter().rev().copied()
    }

    /// The steps of the last `span`, newest first. One that is exactly so old is none of them.
    pub(crate) fn within(&self, span: Duration, now: Timestamp) -> impl Iterator<Item = ScaleStep> {
        self.newest_first().take_while(move |step| now.since(step.at) < span)
    }

    /// The count when the last `span` began: `current` without the steps since.
    pub(crate) fn start_of(&self, span: Duration, current: u32, now: Timestamp) -> i64 {
        self.within(span, now).fold(current.into(), |count, step| count + i64::from(step.from) - i64::from(step.to))
    }
}

/// The longest span that any guard looks back on steps.
fn longest_look_back(policy: &Policy) -> Duration {
    let guards = &policy.guards;
    let rates = guards.up.at_most.iter().chain(&guards.down.at_most).chain(&guards.kill_budget);
    let rates = rates.map(|rate| rate.per);
    let others = [guards.up.cooldown, guards.down.cooldown, guards.worse.as_ref().map_or(Duration::ZERO, |w| w.within)];
    rates.chain(others).max().unwrap_or_default()
}
