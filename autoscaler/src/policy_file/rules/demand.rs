//! Rules that divide a demand by what one replica carries.

use super::{Read, Scope, activate, carried, signal, signal_of};
use crate::{
    policy::{Burst, Goal, JobTime, Queue, QueueGoal, RuleKind, Target, Tolerance},
    policy_file::{grammar::rules, quantity::Measure},
    text::{
        Fields, Findings, Kind, Node, Value, quote,
        values::{as_duration, duration, factor, number, share},
    },
};

pub(super) fn target(node: &Node, scope: &Scope<'_>, findings: &mut Findings) -> Option<Read> {
    let fields = node.fields(&rules::TARGET, findings)?;
    let (signal, measure) = signal(&fields, scope.signals, findings);
    let given = (signal.as_ref(), measure);
    // Both are read even where only one is allowed, so that no error waits for another to be cured.
    let [per_replica, total] =
        ["per_replica", "total"].map(|key| carried(fields.get(key)?, &format!("`{key}`"), given, findings));
    let goal = fields.one_of("total", findings);
    let window = fields.duration("window", findings);
    let tolerance = tolerance(&fields, scope.tolerance, findings);
    let activate = activate(&fields, given, findings);
    let ((value, bound, numbers), goal): (_, fn(_) -> Goal) = match goal?.key.as_str() {
        "total" => (total?, Goal::Total),
        _ => (per_replica?, Goal::PerReplica),
    };
    let rule = Target { signal: signal?, goal: goal(value), window: window?, tolerance: tolerance? };
    Some(Read { activate: activate?, numbers, ..Read::new(RuleKind::Target(rule), bound) })
}

fn tolerance(fields: &Fields<'_>, default: Tolerance, findings: &mut Findings) -> Option<Tolerance> {
    const MOST: f64 = 10.0;
    let Some(node) = fields.get("tolerance") else { return Some(default) };
    if !matches!(node.value, Value::Map(_)) {
        return share(node, "`tolerance`", 0.0..=MOST, findings).map(Tolerance::both);
    }
    let fields = node.fields(&rules::TOLERANCE, findings)?;
    let [up, down] = [("up", default.up), ("down", default.down)].map(|(key, default)| match fields.get(key) {
        Some(node) => share(node, &format!("`tolerance.{key}`"), 0.0..=MOST, findings),
        None => Some(default),
    });
    Some(Tolerance { up: up?, down: down? })
}

pub(super) fn queue(node: &Node, scope: &Scope<'_>, findings: &mut Findings) -> Option<Read> {
    let fields = node.fields(&rules::QUEUE, findings)?;
    let (name, measure) = signal(&fields, scope.signals, findings);
    if !matches!(measure, Measure::Messages | Measure::Plain | Measure::Formula | Measure::Published | Measure::Unknown)
    {
        let place = fields.get("signal")?.place;
        let message = format!("a queue is counted in jobs, and this signal is measured in {}", measure.name());
        findings.add(Kind::BadUnit, place, message, "use `target` for it, or name a signal that counts what waits");
    }
    let per_replica = fields.get("per_replica").and_then(|node| {
        let jobs = number(node, "`per_replica`", f64::MIN_POSITIVE..=1e9, findings)?;
        Some((jobs, node.place))
    });
    let drain = fields.get("drain_in").and_then(|node| Some((drain(&fields, scope, findings)?, node.place)));
    let goal = fields.one_of("drain_in", findings);
    if fields.get("drain_in").is_none() {
        for key in ["job_takes", "arrivals", "at_once"] {
            let Some(entry) = fields.entry(key).filter(|entry| !entry.key_place.is_built_in()) else { continue };
            let message = format!("`{key}` goes with `drain_in`");
            findings.add(Kind::Conflict, entry.key_place, message, "write `drain_in: 5m` instead of `per_replica`");
        }
    }
    let window = fields.duration("window", findings);
    let activate = activate(&fields, (name.as_ref(), measure), findings);
    let (goal, bound) = match goal?.key.as_str() {
        "drain_in" => drain?,
        _ => per_replica.map(|(jobs, place)| (QueueGoal::PerReplica(jobs), place))?,
    };
    let rule = Queue { signal: name?, goal, window: window? };
    Some(Read { activate: activate?, ..Read::new(RuleKind::Queue(rule), bound) })
}

fn drain(fields: &Fields<'_>, scope: &Scope<'_>, findings: &mut Findings) -> Option<QueueGoal> {
    let within = fields.duration("drain_in", findings);
    let job_takes = fields.required("job_takes", findings).and_then(|node| job_time(node, scope, findings));
    let arrivals = match fields.get("arrivals") {
        None => Some(None),
        Some(node) => {
            let (name, measure) = signal_of(node, "`arrivals`", scope.signals, findings);
            if !matches!(measure, Measure::Rate | Measure::Published | Measure::Formula | Measure::Unknown) {
                let message = format!("`arrivals` must be a rate, and this signal is measured in {}", measure.name());
                findings.add(Kind::BadUnit, node.place, message, "name a signal with `read: rate`");
            }
            name.map(Some)
        }
    };
    let at_once = fields.whole("at_once", findings);
    Some(QueueGoal::Drain { within: within?, job_takes: job_takes?, arrivals: arrivals?, at_once: at_once? })
}

fn job_time(node: &Node, scope: &Scope<'_>, findings: &mut Findings) -> Option<JobTime> {
    use std::time::Duration;
    let text = node.text("`job_takes`", "2s", findings)?;
    if as_duration(text).is_some() || text.starts_with(|c: char| c.is_ascii_digit()) {
        let range = Duration::from_millis(1)..=Duration::from_hours(24);
        return duration(node, "`job_takes`", &range, findings).map(JobTime::Fixed);
    }
    let (name, measure) = signal_of(node, "`job_takes`", scope.signals, findings);
    if !matches!(measure, Measure::Seconds | Measure::Published | Measure::Formula | Measure::Unknown) {
        let message = format!("{} is measured in {}, not in seconds", quote(text), measure.name());
        findings.add(Kind::BadUnit, node.place, message, "write a duration such as `2s`, or name a signal in seconds");
    }
    name.map(JobTime::Measured)
}

pub(super) fn burst(node: &Node, scope: &Scope<'_>, findings: &mut Findings) -> Option<Read> {
    let fields = node.fields(&rules::BURST, findings)?;
    let (signal, measure) = signal(&fields, scope.signals, findings);
    let given = (signal.as_ref(), measure);
    let carried =
        fields.required("per_replica", findings).and_then(|node| carried(node, "`per_replica`", given, findings));
    let window = fields.duration("window", findings);
    let panic_window = fields.duration("panic_window", findings);
    let panic_at = fields.get("panic_at").and_then(|node| share(node, "`panic_at`", 1.1..=10.0, findings));
    let [up_by, down_by] =
        ["up_by", "down_by"].map(|key| fields.get(key).and_then(|node| factor(node, &format!("`{key}`"), findings)));
    let activate = activate(&fields, given, findings);
    let (window, panic_window) = (window?, panic_window?);
    if panic_window >= window {
        let place = fields.get("panic_window")?.place;
        let place = if place.is_built_in() { fields.get("window")?.place } else { place };
        let message = "`panic_window` is not shorter than `window`";
        findings.add(Kind::Conflict, place, message, "a tenth of `window` is usual");
    }
    let (per_replica, bound, numbers) = carried?;
    let rule = Burst {
        signal: signal?,
        per_replica,
        window,
        panic_window,
        panic_at: panic_at?,
        up_by: up_by?,
        down_by: down_by?,
    };
    Some(Read { activate: activate?, numbers, ..Read::new(RuleKind::Burst(rule), bound) })
}
