//! The model of a service.

use autoscaler::text::{Findings, Kind, Node, values::word};

use super::{
    super::{
        Balance, LoadKind, Memory, Queue, ServiceModel, Shared, Start, WarmUp,
        grammar::service::{MEMORY, QUEUE, SERVICE, SHARED, START, WARM_UP},
    },
    place_of,
    units::{Unit, amount, cores, may, may_span, must, must_span, number_of, seconds, share_of, size, spans},
};

pub(in crate::scenario) const BALANCES: [(&str, Balance); 5] = [
    ("round_robin", Balance::RoundRobin),
    ("least_connections", Balance::LeastConnections),
    ("two_choices", Balance::TwoChoices),
    ("random", Balance::Random),
    ("central", Balance::Central),
];

pub(super) fn service(node: &Node, kind: LoadKind, findings: &mut Findings) -> Option<ServiceModel> {
    let fields = node.fields(&SERVICE, findings)?;
    let takes = must(&fields, "takes", findings, seconds);
    let spread = number_of(&fields, "spread", 0.0..=1e4, findings);
    let at_once = fields.whole("at_once", findings);
    let cpu = may(&fields, "cpu", findings, seconds);
    let idle_cpu = must(&fields, "idle_cpu", findings, cores);
    let cpu_limit = may(&fields, "cpu_limit", findings, above_zero_cores);
    let memory = may(&fields, "memory", findings, |node, _, findings| memory(node, findings));
    let start = must(&fields, "start", findings, |node, _, findings| start(node, findings));
    let stop = fields.duration("stop", findings);
    let balance = may(&fields, "balance", findings, |node, what, findings| word(node, what, &BALANCES, findings));
    if kind == LoadKind::Jobs && matches!(balance, Some(Some(given)) if given != Balance::Central) {
        let message = "`jobs` wait in one queue that all replicas take from, which is `balance: central`";
        let help = "leave `balance` out, or say `requests` instead of `jobs`";
        findings.add(Kind::Conflict, place_of(&fields, "balance"), message, help);
    }
    let queue = must(&fields, "queue", findings, |node, _, findings| queue(node, findings));
    let shared = must(&fields, "shared", findings, |node, _, findings| shared(node, findings));
    let usual = if kind == LoadKind::Jobs { Balance::Central } else { Balance::RoundRobin };
    let takes = takes?;
    Some(ServiceModel {
        takes,
        spread: spread?,
        at_once: at_once?,
        cpu: cpu?.unwrap_or(takes),
        idle_cpu: idle_cpu?,
        cpu_limit: cpu_limit?,
        memory: memory?,
        start: start?,
        stop: stop?,
        balance: balance?.unwrap_or(usual),
        queue: queue?,
        shared: shared?,
    })
}

/// Cores, above 0.
pub(super) fn above_zero_cores(node: &Node, what: &str, findings: &mut Findings) -> Option<f64> {
    let cores = cores(node, what, findings)?;
    if cores > 0.0 {
        return Some(cores);
    }
    findings.add(Kind::BadValue, node.place, format!("{what} is `0`, and must be above 0"), "such as `0.5`");
    None
}

fn memory(node: &Node, findings: &mut Findings) -> Option<Memory> {
    let fields = node.fields(&MEMORY, findings)?;
    let idle = must(&fields, "idle", findings, size);
    let per_request = must(&fields, "per_request", findings, size);
    let limit = may(&fields, "limit", findings, size);
    let memory = Memory { idle: idle?, per_request: per_request?, limit: limit? };
    if memory.limit.is_some_and(|limit| limit <= memory.idle) {
        let message = "`limit` is not above `idle`, so that no replica could run";
        findings.add(Kind::Conflict, place_of(&fields, "limit"), message, "raise `limit`");
        return None;
    }
    Some(memory)
}

fn start(node: &Node, findings: &mut Findings) -> Option<Start> {
    let fields = node.fields(&START, findings)?;
    let image = must(&fields, "image", findings, spans);
    let boot = must(&fields, "boot", findings, spans);
    let ready = must(&fields, "ready", findings, spans);
    let cpu = must(&fields, "cpu", findings, cores);
    let warm_up = may(&fields, "warm_up", findings, |node, _, findings| warm_up(node, findings));
    let fails = share_of(&fields, "fails", 0.0..=1.0, findings);
    let gives_up = fields.duration("gives_up", findings);
    Some(Start {
        image: image?,
        boot: boot?,
        ready: ready?,
        cpu: cpu?,
        warm_up: warm_up?,
        fails: fails?,
        gives_up: gives_up?,
    })
}

fn warm_up(node: &Node, findings: &mut Findings) -> Option<WarmUp> {
    let fields = node.fields(&WARM_UP, findings)?;
    let from = fields.required("from", findings).and_then(|_| share_of(&fields, "from", 0.0001..=1.0, findings));
    let over = must_span(&fields, "over", findings);
    Some(WarmUp { from: from?, over: over? })
}

fn queue(node: &Node, findings: &mut Findings) -> Option<Queue> {
    let fields = node.fields(&QUEUE, findings)?;
    let most = if fields.get("most").is_none() { Some(None) } else { fields.whole("most", findings).map(Some) };
    let patience = may_span(&fields, "patience", findings);
    Some(Queue { most: most?, patience: patience? })
}

fn shared(node: &Node, findings: &mut Findings) -> Option<Shared> {
    let fields = node.fields(&SHARED, findings)?;
    let contention = share_of(&fields, "contention", 0.0..=1.0, findings);
    let crosstalk = share_of(&fields, "crosstalk", 0.0..=1.0, findings);
    let most = may(&fields, "most", findings, |node, what, findings| {
        amount(node, what, Unit::PerSecond("requests"), false, findings)
    });
    Some(Shared { contention: contention?, crosstalk: crosstalk?, most: most? })
}
