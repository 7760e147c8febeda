//! What wants how many replicas. One file per kind of rule, each with its formula and where that comes from.

pub mod target;
pub mod threshold;

use crate::{
    evaluation::{Gap, Opinion, RuleReason, SignalReading},
    policy::{Direction, Policy, Read, Rule, SignalSource},
    quantity::{Quantity, SignalName, Unit},
};

/// What the values that `rule` reads are measured in.
pub(crate) fn unit(policy: &Policy, rule: &Rule) -> Unit {
    let given = match rule {
        Rule::Threshold(rule) => rule.bound,
        Rule::Target(rule) => rule.per_replica,
    };
    let source = policy.signals.get(rule.signal());
    match (rule.signal().as_str(), given, source) {
        (SignalName::CPU, ..) => Unit::Cores,
        (SignalName::MEMORY, ..) => Unit::Bytes,
        (_, Quantity::Absolute { unit, .. }, _) if unit != Unit::Number => unit,
        (_, _, Some(SignalSource::Prometheus { read: Read::Rate, .. })) => Unit::PerSecond,
        (_, _, Some(SignalSource::Prometheus { read: Read::Quantile(_), metric, .. }))
            if metric.ends_with("_seconds") =>
        {
            Unit::Seconds
        }
        _ => Unit::Number,
    }
}

/// That the signal is missing, and why. Replicas that are too new to say anything are waited for;
/// where it is known that there is no value, the rule does not apply.
fn missing(reading: &SignalReading, gap: Gap) -> (Opinion, RuleReason) {
    let opinion = match gap {
        Gap::WarmingUp => Opinion::Waits(Direction::Up),
        Gap::Idle => Opinion::Abstains,
        _ => Opinion::Unknown,
    };
    (opinion, RuleReason::Missing { signal: reading.signal.clone(), gap })
}
