//! `ratio`: one service follows another.
//!
//! ```text
//! replicas = ceil(count of the other / for_each) · replicas
//! ```
//!
//! With `order: together` the count is what there shall be of the other (its newest target). With `order: first` this
//! service grows before the other one, which waits for it: it is what the other one wants, before it was held back, and no
//! fewer than there shall be of it, so that this service shrinks after it. While the other service is not known, nothing is
//! removed.

use crate::{
    evaluation::{Opinion, RuleReason},
    policy::{Order, Ratio},
    rule::Situation,
};

pub(crate) fn recommend(rule: &Ratio, given: &Situation<'_>) -> (Opinion, RuleReason) {
    let count = given.peers.get(&rule.of).map(|peer| match rule.order {
        Order::Together => peer.target,
        Order::First => peer.wants.max(peer.target),
    });
    let wanted = count.map(|count| count.div_ceil(rule.for_each.max(1)).saturating_mul(rule.replicas));
    let opinion = wanted.map_or(Opinion::Unknown, Opinion::Wants);
    let Ratio { of, for_each, replicas, order } = rule.clone();
    (opinion, RuleReason::Ratio { of, count, for_each, replicas, order })
}
