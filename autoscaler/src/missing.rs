//! What a signal that is missing for too long asks for, as the policy says: see [`Missing`](crate::policy::Missing).
//! By duration, not by count.
//!
//! ```text
//! newest value          stale_after      last_good           after                    from the newest value on
//! ├─────────────────────┼────────────────┼───────────────────┼─────────────────────
//! │ its value           │ the last good  │ missing: hold     │ missing: `then`
//! ```
//!
//! `then` never begins before the last good value has ended, and only ever adds.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    evaluation::{Gap, Opinion, RuleReason, SignalReading},
    memory::Memory,
    policy::{Fallback, Guards, Policy},
    quantity::SignalName,
    rule::{Situation, schedule},
    time::Timestamp,
};

/// How long a signal's newest value is good for: until it is stale, or for as long as the policy lets the last good one go
/// on.
pub(crate) fn good_for(guards: &Guards, signal: &SignalName) -> Duration {
    guards.stale_after.max(guards.missing.of(signal).last_good)
}

/// The opinion of a rule that cannot tell, once its signal has been missing for long enough.
pub(crate) fn fall_back(opinion: Opinion, reason: &RuleReason, given: &Situation<'_>) -> Opinion {
    let (Opinion::Unknown, RuleReason::Missing { signal, .. }) = (opinion, reason) else { return opinion };
    let missing = given.policy.guards.missing.of(signal);
    let newest = given.readings.0.iter().find(|reading| reading.signal == *signal).and_then(|reading| reading.age);
    let known = given.memory.missing_since.get(signal).copied();
    let since = newest.map(|age| given.now.minus(age)).or(known).unwrap_or(given.now);
    if given.now < since.plus(missing.after) {
        return opinion;
    }
    match missing.then {
        Fallback::AtLeast(replicas) if replicas > given.current => Opinion::Wants(replicas),
        Fallback::Max => Some(schedule::limits(given.policy, given.windows).max)
            .filter(|max| *max > given.current)
            .map_or(opinion, Opinion::Wants),
        Fallback::Hold | Fallback::AtLeast(_) => opinion,
    }
}

/// Takes in since when each signal is missing.
pub(crate) fn update(missing_since: &mut BTreeMap<SignalName, Timestamp>, signals: &[SignalReading], now: Timestamp) {
    let missing = |reading: &&SignalReading| {
        reading.total.is_none() && !matches!(reading.gap, Some(Gap::Idle | Gap::WarmingUp) | None)
    };
    if missing_since.is_empty() && !signals.iter().any(|reading| missing(&reading)) {
        return;
    }
    let since = |reading: &SignalReading| match reading.age {
        Some(age) => now.minus(age),
        None => missing_since.get(&reading.signal).copied().unwrap_or(now),
    };
    *missing_since = signals.iter().filter(missing).map(|reading| (reading.signal.clone(), since(reading))).collect();
}

/// When signals will be missing if no sample comes: their newest value is stale, and then even the last good one is too old.
pub(crate) fn stale<'a>(
    signals: &'a [SignalReading],
    guards: &'a Guards,
    now: Timestamp,
) -> impl Iterator<Item = (Timestamp, &'a SignalName)> {
    let newest = signals.iter().filter_map(move |reading| Some((now.minus(reading.age?), &reading.signal)));
    newest.flat_map(|(newest, signal)| {
        let spans = [guards.stale_after, good_for(guards, signal)];
        spans.map(|span| (newest.plus(span).plus(Duration::from_millis(1)), signal))
    })
}

/// When fallbacks begin.
pub(crate) fn fallbacks<'a>(
    policy: &'a Policy,
    memory: &'a Memory,
) -> impl Iterator<Item = (Timestamp, &'a SignalName)> {
    memory.missing_since.iter().filter_map(|(signal, since)| {
        let missing = policy.guards.missing.of(signal);
        (missing.then != Fallback::Hold).then(|| (since.plus(missing.after), signal))
    })
}
