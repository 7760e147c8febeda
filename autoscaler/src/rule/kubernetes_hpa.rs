//! `target` as Kubernetes' horizontal pod autoscaler counts.

use crate::{
    evaluation::{Opinion, RuleReason},
    policy::{HpaSettings, Target},
    rule::Situation,
};

pub(crate) fn recommend(_rule: &Target, _settings: HpaSettings, _given: &Situation<'_>) -> (Opinion, RuleReason) {
    (Opinion::Abstains, RuleReason::Unsaid)
}
