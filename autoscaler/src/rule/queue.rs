//! `queue`: a backlog worked off.

use crate::{
    evaluation::{Opinion, RuleReason},
    policy::Queue,
    rule::Situation,
};

pub(crate) fn recommend(_rule: &Queue, _given: &Situation<'_>) -> (Opinion, RuleReason) {
    (Opinion::Abstains, RuleReason::Unsaid)
}
