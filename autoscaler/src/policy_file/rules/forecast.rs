//! `forecast`: the demand that is to come.

use std::time::Duration;

use super::{
    Read, Scope, activate, carried,
    others::{except, parsed},
    signal,
};
use crate::{
    calendar::{MOST_EXCEPTIONS, Zone},
    policy::{Backlog, Capacity, Forecast, Knob, RuleKind},
    policy_file::{grammar::rules, quantity::Measure},
    quantity::SignalName,
    text::{
        Fields, Findings, Kind, Node, Place, Value,
        values::{duration, number, share},
    },
};

/// Seasons that are expected, at most.
const MOST_SEASONS: usize = 3;

pub(super) fn read(node: &Node, scope: &Scope<'_>, findings: &mut Findings) -> Option<Read> {
    let fields = node.fields(&rules::FORECAST, findings)?;
    let (signal, measure) = signal(&fields, scope.signals, findings);
    let given = (signal.as_ref(), measure);
    let capacity = fields.required("per_replica", findings).and_then(|node| capacity(node, given, findings));
    let knob = knob(&fields, findings);
    let horizon = horizon(&fields, findings);
    let backlog = backlog(&fields, measure, scope, findings);
    let zone: Option<Zone> = parsed(fields.get("timezone"), "`timezone`", "Europe/Oslo", findings);
    let except = except(fields.get("except"), findings);
    if let (Some(node), true) = (fields.get("except"), except.as_ref().is_some_and(|days| days.len() > MOST_EXCEPTIONS))
    {
        let message = format!("`except` has more than {MOST_EXCEPTIONS} entries");
        findings.add(Kind::BadValue, node.place, message, "write ranges such as `2026-12-24..2027-01-01`");
    }
    let seasons = seasons(fields.get("seasons"), findings);
    let on_trial = fields.get("on_trial").map(|_| fields.duration("on_trial", findings));
    let window = fields.duration("window", findings);
    let activate = activate(&fields, given, findings);
    let (capacity, bound, numbers) = capacity?;
    let rule = Forecast {
        signal: signal?,
        capacity,
        knob: knob?,
        horizon: horizon?,
        window: window?,
        backlog: backlog?,
        zone: zone?,
        except: except?,
        seasons: seasons?,
        on_trial: on_trial.map_or(Some(None), |span| span.map(Some))?,
    };
    Some(Read { activate: activate?, numbers, ..Read::new(RuleKind::Forecast(rule), bound) })
}

/// What one replica carries, where that stands, and whether it is a number without a unit.
fn capacity(
    node: &Node,
    (signal, measure): (Option<&SignalName>, Measure),
    findings: &mut Findings,
) -> Option<(Capacity, Place, bool)> {
    if !matches!(node.value, Value::Map(_)) {
        let (quantity, place, bare) = carried(node, "`per_replica`", (signal, measure), findings)?;
        return Some((Capacity::Given(quantity), place, bare));
    }
    let fields = node.fields(&rules::LEARNED, findings)?;
    let cpu = fields.required("cpu", findings);
    let share = cpu.and_then(|node| share(node, "`per_replica.cpu`", 0.01..=1.0, findings));
    let of_replica = signal.filter(|name| SignalName::OF_REPLICAS.contains(&name.as_str()));
    if let Some(name) = of_replica {
        let message =
            format!("what a replica carries is learned from the CPU that it takes, and the signal is `{name}`");
        let help = if name.as_str() == SignalName::CPU {
            "write `per_replica: 70%`"
        } else {
            "name a rate such as `requests`"
        };
        findings.add(Kind::Conflict, node.place, message, help);
        return None;
    }
    Some((Capacity::Learned(share?), node.place, false))
}

/// After how long the demand is known to come again.
fn seasons(node: Option<&Node>, findings: &mut Findings) -> Option<Vec<Duration>> {
    let Some(node) = node else { return Some(Vec::new()) };
    let one = |node: &Node, findings: &mut Findings| duration(node, "`seasons`", &rules::SEASON_RANGE, findings);
    let Value::List(items) = &node.value else { return Some(vec![one(node, findings)?]) };
    if items.len() > MOST_SEASONS {
        let message = format!("`seasons` has {} entries, and at most {MOST_SEASONS} are told by", items.len());
        findings.add(Kind::BadValue, node.place, message, "name a day or a week; others are found");
    }
    let all: Vec<Option<Duration>> = items.iter().map(|item| one(item, findings)).collect();
    all.into_iter().collect()
}

fn knob(fields: &Fields<'_>, findings: &mut Findings) -> Option<Knob> {
    let idle = fields.get("idle_per_missing").map(|node| number(node, "`idle_per_missing`", 0.01..=1000.0, findings));
    let misses = fields.get("misses").map(|node| share(node, "`misses`", 0.001..=0.999, findings));
    fields.one_of("misses", findings);
    match (misses, idle) {
        (Some(misses), _) => misses.map(Knob::Misses),
        (None, idle) => idle?.map(Knob::IdlePerMissing),
    }
}

#[expect(clippy::option_option, reason = "the outer one is an error, the inner one is `auto`")]
fn horizon(fields: &Fields<'_>, findings: &mut Findings) -> Option<Option<Duration>> {
    let node = fields.get("horizon")?;
    if matches!(&node.value, Value::Text(text) if text == "auto") {
        return Some(None);
    }
    duration(node, "`horizon`", &(Duration::from_secs(1)..=Duration::from_hours(24)), findings).map(Some)
}

/// What waits is worked off by replicas that carry so much a second.
#[expect(clippy::option_option, reason = "the outer one is an error, the inner one is none")]
fn backlog(
    fields: &Fields<'_>,
    demand: Measure,
    scope: &Scope<'_>,
    findings: &mut Findings,
) -> Option<Option<Backlog>> {
    let Some(entry) = fields.entry("backlog").filter(|entry| !entry.key_place.is_built_in()) else { return Some(None) };
    let inner = entry.value.fields(&rules::BACKLOG, findings)?;
    if !matches!(demand, Measure::Rate | Measure::Plain | Measure::Published | Measure::Formula | Measure::Unknown) {
        let message = format!("`backlog` goes with a rate, and the rule's signal is measured in {}", demand.name());
        findings.add(Kind::BadUnit, entry.key_place, message, "leave it out, or forecast a signal with `read: rate`");
    }
    let (signal, measure) = signal(&inner, scope.signals, findings);
    let counts = matches!(
        measure,
        Measure::Messages | Measure::Plain | Measure::Formula | Measure::Published | Measure::Unknown
    );
    if let (false, Some(node)) = (counts, inner.get("signal")) {
        let message = format!("a backlog is counted, and this signal is measured in {}", measure.name());
        findings.add(Kind::BadUnit, node.place, message, "name a signal that counts what waits");
    }
    inner.required("within", findings);
    let within = inner.duration("within", findings);
    Some(Some(Backlog { signal: signal?, within: within? }))
}
