//! `formula`: a count by an expression; and signals that are expressions of others.
//!
//! ```text
//! replicas = ceil(value)                  `replicas` and `ready` in it: as many as there shall be, and as serve
//! ```
//!
//! Each signal in it is what its own rule would read: the sum over replicas, or the service's own value, over `window`. A
//! value that cannot be computed is unknown, and nothing is removed meanwhile; nor while a replica is without the sample that
//! it should have.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    evaluation::{Gap, Opinion, Origin, RuleReason, SignalReading},
    formula::{Formula, Unknown},
    policy::{Direction, FormulaRule, SignalSource},
    quantity::SignalName,
    rule::{Readings, Situation, whole},
};

pub(crate) fn recommend(rule: &FormulaRule, given: &Situation<'_>) -> (Opinion, RuleReason) {
    let readings = given.readings;
    let formula = &rule.replicas;
    let terms = terms(formula, rule.window, readings);
    let absent = terms.iter().map(|reading| reading.absent).max().unwrap_or(0);
    let known = terms.iter().filter_map(|reading| Some((reading.signal.clone(), reading.total?))).collect();
    let lookup = |signal: &SignalName| readings.get(signal, rule.window)?.total;
    let reason = |value, impossible| RuleReason::Formula {
        formula: formula.text().to_owned(),
        terms: known,
        value,
        impossible,
        absent,
    };
    match formula.evaluate(lookup, given.current, given.observed.ready) {
        Ok(value) => {
            let wanted = whole(value);
            let blind = absent > 0 && wanted < given.current;
            (if blind { Opinion::Unknown } else { Opinion::Wants(wanted) }, reason(Some(value), None))
        }
        Err(unknown) => match unknown.missing.first() {
            Some(signal) => {
                let gap = readings.get(signal, rule.window).and_then(|reading| reading.gap.clone());
                let warming = all_are(&unknown, rule.window, readings, &Gap::WarmingUp);
                let opinion = if warming { Opinion::Waits(Direction::Up) } else { Opinion::Unknown };
                let gap = gap.unwrap_or(Gap::Never);
                (opinion, RuleReason::Missing { signal: signal.clone(), gap })
            }
            None => (Opinion::Unknown, reason(None, Some(unknown.to_string()))),
        },
    }
}

/// Puts the values of signals that are formulas of others among the readings of these.
pub(crate) fn compute(
    sources: &BTreeMap<SignalName, SignalSource>,
    readings: &mut [SignalReading],
    replicas: u32,
    ready: u32,
) {
    for place in 0..readings.len() {
        if let Some(SignalSource::Formula(formula)) = sources.get(&readings[place].signal) {
            readings[place] = computed(formula, &readings[place], Readings(readings), replicas, ready);
        }
    }
}

fn computed(
    formula: &Formula,
    blank: &SignalReading,
    readings: Readings<'_>,
    replicas: u32,
    ready: u32,
) -> SignalReading {
    let window = blank.window;
    let terms = terms(formula, window, readings);
    let known = || terms.iter().filter(|reading| reading.total.is_some());
    let absent = known().map(|reading| reading.absent).max().unwrap_or(0);
    let of = replicas.max(absent);
    let partial = (absent > 0).then_some(Gap::SomeReplicas { missing: absent, of });
    let reading = SignalReading {
        total: None,
        shares: None,
        of_reservations: None,
        age: known().filter_map(|reading| reading.age).max(),
        kept: known().filter_map(|reading| reading.kept).max(),
        origin: Origin::Service,
        measured: of - absent,
        warming: 0,
        absent,
        estimate: None,
        gap: partial,
        ..blank.clone()
    };
    match formula.evaluate(|signal| readings.get(signal, window)?.total, replicas, ready) {
        Ok(value) => SignalReading { total: Some(value), ..reading },
        Err(unknown) => SignalReading {
            age: unknown.missing.iter().filter_map(|signal| readings.get(signal, window)?.age).max(),
            kept: None,
            gap: Some(gap(&unknown, window, readings)),
            ..reading
        },
    }
}

/// Why a formula's signal is missing: what its terms lack, where that is the same of all.
fn gap(unknown: &Unknown, window: Duration, readings: Readings<'_>) -> Gap {
    let same = [Gap::WarmingUp, Gap::Idle].into_iter().find(|gap| all_are(unknown, window, readings, gap));
    same.unwrap_or_else(|| {
        let first = unknown.missing.first();
        let why = first.and_then(|signal| readings.get(signal, window)?.gap.as_ref()).map(crate::explain::gap_sentence);
        Gap::Said(why.map_or_else(|| unknown.to_string(), |why| format!("{unknown} ({why})")))
    })
}

/// Whether all that a formula lacks is missing for this reason.
fn all_are(unknown: &Unknown, window: Duration, readings: Readings<'_>, gap: &Gap) -> bool {
    let is =
        |signal: &SignalName| readings.get(signal, window).is_some_and(|reading| reading.gap.as_ref() == Some(gap));
    unknown.impossible.is_empty() && unknown.missing.iter().all(is)
}

fn terms<'a>(formula: &Formula, window: Duration, readings: Readings<'a>) -> Vec<&'a SignalReading> {
    formula.signals().filter_map(|signal| readings.get(signal, window)).collect()
}
