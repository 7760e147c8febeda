//! `forecast`: the demand that is to come.

use crate::{
    evaluation::{Opinion, RuleReason},
    policy::Forecast,
    rule::Situation,
};

pub(crate) fn recommend(_rule: &Forecast, _given: &Situation<'_>) -> (Opinion, RuleReason) {
    (Opinion::Abstains, RuleReason::Unsaid)
}
