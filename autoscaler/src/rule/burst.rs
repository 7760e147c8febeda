//! `burst`: a long window for the steady state and a short one for bursts, as Knative's pod autoscaler (KPA).
//!
//! ```text
//! ready  = max(1, serving)                  load = demand / per_replica, over each window
//! lowest = floor(ready / down_by)           highest = ceil(ready · up_by)
//! steady = clamp(ceil(load over window), lowest, highest)            burst likewise over panic_window
//!
//! ceil(load over panic_window) / ready ≥ panic_at    → it panics: from now on, or still
//! not so for longer than window                      → it does not any more
//!
//! replicas = steady                         while it does not panic
//!          = the most that steady or burst was since it began to       while it panics: never fewer
//! ```
//!
//! What differs: Knative looks every two seconds, this at every sample. It starts in panic, so that a restart removes
//! nothing before the long window is full; here the panic outlives a restart, and the present count is the first
//! recommendation that `down.stabilize` looks back to. There, what serves is all that it goes by; here a panic never goes
//! below the count that there shall be, even if replicas of it are still starting. Scaling to zero is not this rule's but
//! that of `replicas`. With a replica that should have a sample and has none, nothing is removed.

use serde::{Deserialize, Serialize};

use crate::{
    evaluation::{Gap, Opinion, RuleReason, SignalReading},
    policy::Burst,
    quantity::Quantity,
    rule::{RuleState, Situation, missing, whole},
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

/// What both windows say.
#[derive(Clone, Copy, Debug)]
struct Loads {
    steady: f64,
    burst: f64,
    absent: u32,
}

pub(crate) fn recommend(rule: &Burst, state: &RuleState, given: &Situation<'_>) -> (Opinion, RuleReason) {
    let loads = match loads(rule, given) {
        Ok(loads) => loads,
        Err(gap) => return missing(&rule.signal, gap),
    };
    let panic = panic(state).after(rule, loads, given);
    let wanted = match panic.since {
        Some(_) => panic.most.max(given.current),
        None => clamp(rule, loads.steady, given),
    };
    let blind = loads.absent > 0 && wanted < given.current;
    let opinion = if blind { Opinion::Unknown } else { Opinion::Wants(wanted) };
    let Loads { steady, burst, absent } = loads;
    let clamped = (panic.since.is_none() && wanted != whole(steady)).then_some(wanted);
    let reason = RuleReason::Burst {
        signal: rule.signal.clone(),
        per_replica: rule.per_replica,
        steady,
        burst,
        window: rule.window,
        panic_window: rule.panic_window,
        ready: ready(given),
        panic_at: rule.panic_at,
        until: panic.since.map(|since| since.plus(rule.window)),
        most: panic.most.max(if panic.since.is_some() { given.current } else { 0 }),
        clamped,
        absent,
    };
    (opinion, reason)
}

pub(crate) fn update(rule: &Burst, state: &mut RuleState, given: &Situation<'_>) {
    // Without a value nothing changes.
    if let Ok(loads) = loads(rule, given) {
        *state = RuleState::Burst(panic(state).after(rule, loads, given));
    }
}

impl Panic {
    /// Takes in what both windows say now. Doing that twice at one moment changes nothing.
    fn after(mut self, rule: &Burst, loads: Loads, given: &Situation<'_>) -> Self {
        let over = f64::from(whole(loads.burst)) / f64::from(ready(given)) >= rule.panic_at;
        if over {
            self.since = Some(given.now);
        } else if self.since.is_some_and(|since| since.plus(rule.window) < given.now) {
            self = Self::default();
        }
        if self.since.is_some() {
            self.most = self.most.max(clamp(rule, loads.steady, given)).max(clamp(rule, loads.burst, given));
        }
        self
    }
}

fn panic(state: &RuleState) -> Panic {
    match state {
        RuleState::Burst(panic) => *panic,
        _ => Panic::default(),
    }
}

fn loads(rule: &Burst, given: &Situation<'_>) -> Result<Loads, Gap> {
    let load = |window| {
        let reading: &SignalReading = given.readings.get(&rule.signal, window).ok_or(Gap::Never)?;
        let load = match rule.per_replica {
            Quantity::Absolute { value, .. } => reading.total.map(|total| total / value),
            Quantity::OfLimit(share) => reading.shares.map(|shares| shares / share),
            Quantity::OfReservation(share) => reading.of_reservations.map(|shares| shares / share),
        };
        let load = load.ok_or_else(|| reading.gap.clone().unwrap_or(Gap::NoLimit))?;
        Ok((load.max(0.0), reading.absent))
    };
    let ((steady, absent), (burst, _)) = (load(rule.window)?, load(rule.panic_window)?);
    Ok(Loads { steady, burst, absent })
}

fn ready(given: &Situation<'_>) -> u32 {
    given.observed.ready.max(1)
}

/// Whole replicas for a load, within what may change at once.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
fn clamp(rule: &Burst, load: f64, given: &Situation<'_>) -> u32 {
    let ready = f64::from(ready(given));
    let (lowest, highest) = ((ready / rule.down_by).floor() as u32, (ready * rule.up_by).ceil() as u32);
    whole(load).max(lowest).min(highest)
}
