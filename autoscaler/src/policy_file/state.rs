//! States as people write them: JSON, or YAML, to [`State`], strictly, with every error at once.
//!
//! JSON is YAML, so that the reader of policies does it. `docs/state.md` is the grammar.

mod faults;
mod lines;
mod memory;
mod replicas;
mod samples;
mod scalars;

use std::{collections::BTreeMap, time::Duration};

use self::scalars::{amount, count, span, text};
use crate::{
    Timestamp,
    event::{HostCapacity, Peer, Reading},
    quantity::SignalName,
    state::{LONGEST_TEXT, MOST_REPLICAS, MOST_STATES, Measured, State},
    text::{
        Fields, Findings, Kind, Layer, Node, TextErrors, Value,
        grammar::{Map, names},
        values::{boolean, moment, whole},
    },
};

/// When a state is that does not say so: the first second of 2026.
const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
/// How long after the one before a state is that does not say so: what Kubernetes' autoscaler takes for a round.
const AFTER: Duration = Duration::from_secs(15);
/// How far apart samples are that do not say so.
const EVERY: Duration = Duration::from_secs(1);

static STATE: Map = Map::of_names(
    "the state",
    r#"{ "replicas": 3, "samples": { "cpu": 0.5 } }"#,
    &names([
        "v",
        "now",
        "after",
        "fresh",
        "service",
        "target",
        "replicas",
        "samples",
        "started_ago",
        "ready_ago",
        "cpu_limit",
        "cpu_reservation",
        "memory_limit",
        "memory_reservation",
        "every",
        "signals",
        "host",
        "phase",
        "refusals",
        "most",
        "host_lost",
        "recommendations",
        "scale_events",
        "manual",
        "rules",
        "evaluations",
        "outcome",
        "peers",
        "budgets",
    ]),
);
static HOST: Map = Map::of_names(
    "`host`",
    r#"{ "cores": 8, "cpu_busy": 5.5, "memory": "16GiB", "memory_available": "2GiB", "disk_used": "80%" }"#,
    &names(["cores", "memory", "cpu_busy", "memory_available", "disk_used"]),
);
static PEER: Map = Map::of_names(
    "a peer",
    r#"{ "target": 10, "wants": 12, "ready": 9, "carries": 100 }"#,
    &names(["target", "wants", "ready", "carries"]),
);

/// Reads every state in `text`; `origin` names it in errors.
pub(crate) fn read(origin: &str, text: &str) -> Result<Vec<State>, TextErrors> {
    let mut findings = Findings::new(super::source::texts());
    let too_long = text.len() > LONGEST_TEXT;
    let source = findings.texts.add(origin, if too_long { "" } else { text }, Layer::File);
    let mut nodes = Vec::new();
    if too_long {
        let message = format!("the state is longer than {LONGEST_TEXT} bytes (16 MiB)");
        findings.whole_file(source, Kind::TooMuch, message, "split it into several files");
    } else {
        nodes = lines::read(source, text, &mut findings);
        if nodes.is_empty() && findings.no_errors() {
            let help = "such as `{ \"replicas\": 3, \"samples\": { \"cpu\": 0.5 } }`; docs/state.md has the grammar";
            findings.whole_file(source, Kind::Missing, "there is no state in the text", help);
        }
    }
    let states = all(&nodes, &mut findings);
    if findings.no_errors() { Ok(states) } else { Err(TextErrors(findings.sorted())) }
}

/// The states of all documents, each of which is one or a list of such.
fn all(nodes: &[Node], findings: &mut Findings) -> Vec<State> {
    let mut states: Vec<State> = Vec::new();
    let each = nodes.iter().flat_map(|node| match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    });
    for (number, node) in each.enumerate() {
        if number == MOST_STATES {
            let message = format!("this is one state too many: at most {MOST_STATES} can be in one text");
            findings.add(Kind::TooMuch, node.place, message, "split it into several files");
            break;
        }
        // One that is wrong must not make what follows wrong as well.
        let state = state(node, states.last(), findings).unwrap_or_else(|| states.last().cloned().unwrap_or_default());
        states.push(state);
    }
    if let (Some(empty), true) = (nodes.first(), states.is_empty()) {
        findings.add(Kind::Missing, empty.place, "the list has no state", "such as `[{ \"replicas\": 3 }]`");
    }
    states
}

fn state(node: &Node, before: Option<&State>, findings: &mut Findings) -> Option<State> {
    let fields = node.fields(&STATE, findings)?;
    version(&fields, findings);
    let fresh = fields.given("fresh").and_then(|node| boolean(node, "`fresh`", findings)).unwrap_or(before.is_none());
    let before = before.filter(|_| !fresh);
    let now = now(&fields, before, findings);
    let every = fields.given("every").and_then(|node| span(node, "`every`", findings)).unwrap_or(EVERY);
    let given = Given { now, every };
    let each = replicas::each(&fields, given, findings);
    let mut state = State {
        now,
        fresh,
        service: fields.given("service").and_then(|node| text(node, "`service`", findings)),
        target: count(&fields, "target", findings),
        replicas: replicas::listed(&fields, &each, given, findings),
        each,
        signals: fields.given("signals").map(|node| samples::signals(node, given, findings)).unwrap_or_default(),
        phase: fields.given("phase").and_then(|node| faults::phase(node, now, findings)).unwrap_or_default(),
        refusals: fields.given("refusals").map(|node| faults::refusals(node, findings)).unwrap_or_default(),
        most: count(&fields, "most", findings),
        host: HostCapacity::default(),
        host_lost: fields.given("host_lost").and_then(|node| boolean(node, "`host_lost`", findings)).unwrap_or(false),
        outcome: fields.given("outcome").and_then(|node| faults::outcome(node, now, findings)),
        peers: fields.given("peers").map(|node| peers(node, findings)).unwrap_or_default(),
        budgets: fields.given("budgets").map(|node| budgets(node, findings)).unwrap_or_default(),
        remembered: crate::state::Remembered::default(),
    };
    if let Some(node) = fields.given("host") {
        host(node, &mut state, findings);
    }
    let listed = state.replicas.as_ref().map(|replicas| replicas.iter().filter(|each| each.replica.counts()).count());
    let replicas = state.target.or(listed.map(crate::signal::count));
    state.remembered = memory::remembered(&fields, replicas, given, findings);
    if let Some(node) = fields.given("signals") {
        samples::missing_since(node, now, &mut state.remembered.missing_since, findings);
    }
    if before.is_none() && fields.given("replicas").is_none() && state.target.is_none() {
        fields.missing("`replicas`", &["replicas", "target"], findings);
    }
    Some(state)
}

/// What values are read against.
#[derive(Clone, Copy)]
struct Given {
    now: Timestamp,
    every: Duration,
}

fn version(fields: &Fields<'_>, findings: &mut Findings) {
    let Some(node) = fields.given("v") else { return };
    let Some(version) = whole(node, "`v`", &(1..=u32::MAX), findings) else { return };
    if version != 1 {
        let message = format!("`v` is `{version}`, and only version 1 can be read");
        findings.add(Kind::BadValue, node.place, message, "write `1`, or leave it out");
    }
}

/// When the state is, not before the one before it.
fn now(fields: &Fields<'_>, before: Option<&State>, findings: &mut Findings) -> Timestamp {
    let by_default = before.map_or(NOW, |before| before.now.plus(AFTER));
    match (fields.given("now"), fields.given("after"), before) {
        (Some(_), Some(after), _) => {
            let message = "`now` and `after` are both given";
            findings.add(Kind::Conflict, after.place, message, "keep one of them");
            by_default
        }
        (Some(node), None, _) => {
            let now = moment(node, "`now`", findings).unwrap_or(by_default);
            match before.filter(|before| now < before.now) {
                None => now,
                Some(before) => {
                    let message = "`now` is before that of the state before this one";
                    findings.add(Kind::Conflict, node.place, message, "time goes on; or begin anew: `\"fresh\": true`");
                    before.now
                }
            }
        }
        (None, Some(node), Some(before)) => before.now.plus(span(node, "`after`", findings).unwrap_or(AFTER)),
        (None, Some(node), None) => {
            let message = "`after` is said of no state: there is none before this one";
            findings.add(Kind::Conflict, node.place, message, "write `now`");
            by_default
        }
        (None, None, _) => by_default,
    }
}

/// What the host has, and how busy it is as signals where those do not say so themselves.
fn host(node: &Node, state: &mut State, findings: &mut Findings) {
    let Some(fields) = node.fields(&HOST, findings) else { return };
    let mut read = |key: &str| fields.given(key).and_then(|node| amount(node, &format!("`{key}`"), findings));
    let disk_used = read("disk_used");
    let host = HostCapacity {
        cores: read("cores"),
        memory_bytes: read("memory"),
        busy_cores: read("cpu_busy"),
        available_bytes: read("memory_available"),
    };
    state.host = host;
    let share = |part: Option<f64>, of: Option<f64>| Some(part? / of.filter(|of| *of > 0.0)?);
    let memory = share(host.available_bytes, host.memory_bytes).map(|free| 1.0 - free);
    let shares = [
        (SignalName::HOST_CPU, share(host.busy_cores, host.cores)),
        (SignalName::HOST_MEMORY, memory),
        (SignalName::HOST_DISK, disk_used),
    ];
    for (name, share) in shares {
        let given = state.signals.iter().any(|measured| measured.signal.as_str() == name);
        if let Some(share) = share.filter(|_| !given) {
            let signal = SignalName::new(name);
            state.signals.push(Measured { signal, at: state.now, reading: Reading::Value(share) });
        }
    }
    state.signals.sort_by(|one, other| one.signal.cmp(&other.signal));
}

fn peers(node: &Node, findings: &mut Findings) -> BTreeMap<String, Peer> {
    node.entries("`peers`", r#"{ "api": 10 }"#, findings)
        .iter()
        .filter_map(|entry| {
            let peer = if let Value::Map(_) = &entry.value.value {
                let fields = entry.value.fields(&PEER, findings)?;
                let target = count(&fields, "target", findings);
                let mut read = |key| count(&fields, key, findings).or(target).unwrap_or_default();
                Peer {
                    target: target.unwrap_or_default(),
                    wants: read("wants"),
                    ready: read("ready"),
                    carries: count(&fields, "carries", findings),
                }
            } else {
                let replicas = whole(&entry.value, "a peer", &(0..=MOST_REPLICAS), findings)?;
                Peer { target: replicas, wants: replicas, ready: replicas, carries: None }
            };
            Some((entry.key.clone(), peer))
        })
        .collect()
}

fn budgets(node: &Node, findings: &mut Findings) -> BTreeMap<String, f64> {
    node.entries("`budgets`", r#"{ "db connections": 120 }"#, findings)
        .iter()
        .filter_map(|entry| Some((entry.key.clone(), amount(&entry.value, "what others take", findings)?)))
        .collect()
}
