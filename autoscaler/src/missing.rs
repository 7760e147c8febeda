//! What a signal that is missing for too long asks for, as the policy says: see [`Missing`](crate::policy::Missing).
//! By duration, not by count.

use std::collections::BTreeMap;

use crate::{
    evaluation::{Gap, Opinion, RuleReason, SignalReading, Wakeup, WakeupReason},
    memory::Memory,
    policy::{Fallback, Policy},
    quantity::SignalName,
    rule::Situation,
    time::Timestamp,
};

/// The opinion of a rule that cannot tell, once its signal has been missing for long enough.
pub(crate) fn fall_back(opinion: Opinion, reason: &RuleReason, given: &Situation<'_>) -> Opinion {
    let (Opinion::Unknown, RuleReason::Missing { signal, .. }) = (opinion, reason) else { return opinion };
    let missing = given.policy.guards.missing.of(signal);
    let since = given.memory.missing_since.get(signal).copied().unwrap_or(given.now);
    if given.now < since.plus(missing.after) {
        return opinion;
    }
    match missing.then {
        Fallback::AtLeast(replicas) if replicas > given.current => Opinion::Wants(replicas),
        Fallback::Max if given.policy.limits.max > given.current => Opinion::Wants(given.policy.limits.max),
        Fallback::Hold | Fallback::AtLeast(_) | Fallback::Max => Opinion::Unknown,
    }
}

/// Since when each signal is missing.
pub(crate) fn since(
    signals: &[SignalReading],
    before: &BTreeMap<SignalName, Timestamp>,
    now: Timestamp,
) -> BTreeMap<SignalName, Timestamp> {
    let missing = |reading: &&SignalReading| {
        reading.total.is_none() && !matches!(reading.gap, Some(Gap::Idle | Gap::WarmingUp) | None)
    };
    let since = |reading: &SignalReading| match reading.age {
        Some(age) => now.minus(age),
        None => before.get(&reading.signal).copied().unwrap_or(now),
    };
    signals.iter().filter(missing).map(|reading| (reading.signal.clone(), since(reading))).collect()
}

/// When fallbacks begin.
pub(crate) fn wakeups(policy: &Policy, memory: &Memory) -> impl Iterator<Item = Wakeup> {
    memory.missing_since.iter().filter_map(|(signal, since)| {
        let missing = policy.guards.missing.of(signal);
        let begins = missing.then != Fallback::Hold;
        begins.then(|| Wakeup { at: since.plus(missing.after), because: WakeupReason::Fallback(signal.clone()) })
    })
}
