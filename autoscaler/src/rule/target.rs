//! `target`: as many replicas as carry the demand.
//!
//! ```text
//! load   = demand / per_replica          demand: sum over replicas, or the service's own value
//!        = current · value / total       for `total`, where the service's own value shall be
//! grow   to ceil(load)                   if load > current · (1 + tolerance)
//! shrink to ceil(load + warming)         if load + warming < current · (1 − tolerance)
//! ```
//!
//! It works on demand, not on utilisation: the demand does not change when replicas are added, so that there is nothing
//! to overshoot while they start (Service Demand Law; Kubernetes multiplies the count by the utilisation ratio instead,
//! which is the same only while every replica is measured). A replica that starts or warms up is capacity; it carries
//! nothing when growing and its full share when shrinking (as Kubernetes' replica calculator does with missing samples).
//! While a replica that should have a sample has none, nothing is removed.

use crate::{
    evaluation::{Gap, Opinion, Origin, RuleReason, SignalReading},
    policy::{Goal, Target},
    quantity::Quantity,
    rule::{Situation, missing, whole},
};

pub(crate) fn recommend(rule: &Target, given: &Situation<'_>) -> (Opinion, RuleReason) {
    match given.readings.get(&rule.signal, rule.window) {
        Some(reading) => judge(rule, reading, given.current),
        None => missing(&rule.signal, Gap::Never),
    }
}

fn judge(rule: &Target, reading: &SignalReading, current: u32) -> (Opinion, RuleReason) {
    let present = f64::from(current);
    let load = match rule.goal {
        Goal::PerReplica(Quantity::Absolute { value, .. }) => reading.total.map(|total| total / value),
        Goal::PerReplica(Quantity::OfLimit(share)) => reading.shares.map(|shares| shares / share),
        Goal::PerReplica(Quantity::OfReservation(share)) => reading.of_reservations.map(|shares| shares / share),
        Goal::Total(goal) => reading.total.map(|total| total / goal.value() * present.max(1.0)),
    };
    let Some(load) = load.map(|load| load.max(0.0)) else {
        return missing(&reading.signal, reading.gap.clone().unwrap_or(Gap::NoLimit));
    };
    let warming = match reading.origin {
        Origin::Service => 0,
        Origin::Replicas => reading.warming.min(current),
    };
    let busy = load + f64::from(warming);
    let needed = whole(load);
    let needed_at_most = whole(busy);
    let (opinion, within_tolerance) = if needed > current {
        let beyond = load > present * (1.0 + rule.tolerance.up);
        (Opinion::Wants(if beyond { needed } else { current }), !beyond)
    } else if needed_at_most < current {
        match (busy < present * (1.0 - rule.tolerance.down), reading.absent) {
            (false, _) => (Opinion::Wants(current), true),
            (true, 0) => (Opinion::Wants(needed_at_most), false),
            (true, _) => (Opinion::Unknown, false),
        }
    } else {
        (Opinion::Wants(current), false)
    };
    let reason = RuleReason::Target {
        signal: reading.signal.clone(),
        goal: rule.goal,
        load,
        warming,
        absent: reading.absent,
        tolerance: rule.tolerance,
        within_tolerance,
    };
    (opinion, reason)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        policy::{Rule, Tolerance},
        quantity::{SignalName, Unit},
    };

    fn reading(shares: f64, warming: u32, absent: u32) -> SignalReading {
        SignalReading {
            signal: SignalName::new("cpu"),
            unit: Unit::Cores,
            window: Rule::WINDOW,
            total: Some(shares / 2.0),
            shares: Some(shares),
            of_reservations: None,
            kept: None,
            age: Some(Duration::ZERO),
            origin: Origin::Replicas,
            measured: 1,
            warming,
            absent,
            estimate: None,
            gap: None,
        }
    }

    fn wants(shares: f64, warming: u32, absent: u32, current: u32) -> Opinion {
        let rule = Target {
            signal: SignalName::new("cpu"),
            goal: Goal::PerReplica(Quantity::OfLimit(0.5)),
            window: Rule::WINDOW,
            tolerance: Tolerance::both(0.1),
        };
        judge(&rule, &reading(shares, warming, absent), current).0
    }

    #[test]
    fn demand_decides_and_not_utilisation() {
        use Opinion::{Unknown, Wants};
        for (name, shares, warming, absent, current, expected) in [
            ("load of exactly the present replicas holds", 1.5, 0, 0, 3, Wants(3)),
            ("more load grows to what carries it", 2.6, 0, 0, 3, Wants(6)),
            ("a little more is within tolerance", 1.6, 0, 0, 3, Wants(3)),
            ("less load shrinks to what carries it", 0.6, 0, 0, 4, Wants(2)),
            ("a little less needs as many", 1.4, 0, 0, 3, Wants(3)),
            ("starting replicas are capacity: no second step for the same load", 3.0, 4, 0, 6, Wants(6)),
            ("and carry nothing yet when growing", 4.0, 4, 0, 6, Wants(8)),
            ("but their full share when shrinking", 1.0, 4, 0, 6, Wants(6)),
            ("a replica without a sample keeps all of them", 0.5, 0, 1, 4, Unknown),
            ("but does not keep from growing", 3.0, 0, 1, 4, Wants(6)),
            ("no load needs none", 0.0, 0, 0, 4, Wants(0)),
        ] {
            assert_eq!(wants(shares, warming, absent, current), expected, "{name}");
        }
    }

    #[test]
    fn a_share_without_a_limit_is_unknown() {
        let rule = Target {
            signal: SignalName::new("cpu"),
            goal: Goal::PerReplica(Quantity::OfLimit(0.5)),
            window: Rule::WINDOW,
            tolerance: Tolerance::both(0.1),
        };
        let reading = SignalReading { shares: None, ..reading(1.0, 0, 0) };
        let (opinion, reason) = judge(&rule, &reading, 2);
        assert_eq!(opinion, Opinion::Unknown);
        assert_eq!(reason, RuleReason::Missing { signal: SignalName::new("cpu"), gap: Gap::NoLimit });
    }
}
