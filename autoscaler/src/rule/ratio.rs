//! `ratio`: one service follows another.

use crate::{
    evaluation::{Opinion, RuleReason},
    policy::Ratio,
    rule::Situation,
};

pub(crate) fn recommend(_rule: &Ratio, _given: &Situation<'_>) -> (Opinion, RuleReason) {
    (Opinion::Abstains, RuleReason::Unsaid)
}
