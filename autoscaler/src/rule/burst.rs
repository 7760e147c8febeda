//! `burst`: a long window for the steady state and a short one for bursts.

use serde::{Deserialize, Serialize};

use crate::{
    evaluation::{Opinion, RuleReason},
    policy::Burst,
    rule::{RuleState, Situation},
    time::Timestamp,
};

/// What a burst rule remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panic {
    /// Since when it panics, or last had reason to.
    pub since: Option<Timestamp>,
    /// The most that was wanted in that time.
    pub most: u32,
}

pub(crate) fn recommend(_rule: &Burst, _state: &RuleState, _given: &Situation<'_>) -> (Opinion, RuleReason) {
    (Opinion::Abstains, RuleReason::Unsaid)
}

pub(crate) fn update(_rule: &Burst, state: &RuleState, _given: &Situation<'_>) -> RuleState {
    state.clone()
}
