//! What is listed: a count, or replica by replica.

use super::{
    Given, samples,
    scalars::{ago, amount, text},
};
use crate::{
    Timestamp,
    event::{Replica, ReplicaId, ReplicaState},
    state::{LONG, Listed, MOST_REPLICAS},
    text::{
        Fields, Findings, Kind, Place, Value,
        grammar::{Map, names},
        values::{boolean, whole, word},
    },
};
use std::collections::BTreeMap;

const STATES: [(&str, ReplicaState); 4] = [
    ("running", ReplicaState::Running),
    ("pending", ReplicaState::Pending),
    ("failed", ReplicaState::Failed),
    ("removing", ReplicaState::Removing),
];

static REPLICA: Map = Map::of_names(
    "a replica",
    r#"{ "id": "web-1", "ready": true, "started_ago": "5m", "samples": { "cpu": 0.5 } }"#,
    &names([
        "id",
        "count",
        "state",
        "ready",
        "started_ago",
        "ready_ago",
        "unready_ago",
        "cpu_limit",
        "cpu_reservation",
        "memory_limit",
        "memory_reservation",
        "protected",
        "restarts",
        "samples",
    ]),
);

/// What every replica is that does not say otherwise.
pub(super) fn each(fields: &Fields<'_>, given: Given, findings: &mut Findings) -> Listed {
    let mut each = one(fields, &Listed::default(), given, findings);
    if fields.given("started_ago").is_none() && fields.given("ready_ago").is_none() {
        // Whom it is said of decides.
        (each.replica.started, each.replica.ready_since) = (None, None);
    }
    each
}

/// The replicas, if they are given.
pub(super) fn listed(fields: &Fields<'_>, each: &Listed, given: Given, findings: &mut Findings) -> Option<Vec<Listed>> {
    let node = fields.given("replicas")?;
    if matches!(node.value, Value::Text(_)) {
        let count = whole(node, "`replicas`", &(0..=MOST_REPLICAS), findings)?;
        return Some((1..=count).map(|number| each.numbered(number).serving_since(given.now.minus(LONG))).collect());
    }
    let items = node.items("`replicas`", "3", findings)?;
    let mut all: Vec<Listed> = Vec::new();
    let mut places: BTreeMap<ReplicaId, Place> = BTreeMap::new();
    for item in items {
        let Some(fields) = item.fields(&REPLICA, findings) else { continue };
        let replica = one(&fields, each, given, findings);
        let id = fields.given("id").and_then(|node| text(node, "`id`", findings));
        let alike =
            fields.given("count").and_then(|node| whole(node, "`count`", &(0..=MOST_REPLICAS), findings)).unwrap_or(1);
        if all.len() + usize::try_from(alike).unwrap_or(usize::MAX)
            > usize::try_from(MOST_REPLICAS).unwrap_or(usize::MAX)
        {
            let message = format!("these are too many replicas: at most {MOST_REPLICAS} can be listed");
            findings.add(Kind::TooMuch, item.place, message, "list fewer");
            return None;
        }
        for number in 1..=alike {
            let mut replica = replica.numbered(crate::signal::count(all.len()) + 1);
            replica.replica.id = match &id {
                Some(id) if alike == 1 => ReplicaId::new(id),
                Some(id) => ReplicaId::new(format!("{id}-{number}")),
                None => replica.replica.id,
            };
            if let Some(first) = places.insert(replica.replica.id.clone(), item.place) {
                let message =
                    format!("the replica `{}` is listed twice; first at {first}", replica.replica.id.as_str());
                findings.add(Kind::Conflict, item.place, message, "give each its own `id`");
            }
            all.push(replica);
        }
    }
    Some(all)
}

/// A replica as `fields` say, and where they say nothing as `each`.
fn one(fields: &Fields<'_>, each: &Listed, given: Given, findings: &mut Findings) -> Listed {
    let default = &each.replica;
    let mut size = |key: &str, otherwise: Option<f64>| {
        fields.given(key).and_then(|node| amount(node, &format!("`{key}`"), findings)).or(otherwise)
    };
    let mut replica = Replica {
        cpu_limit_cores: size("cpu_limit", default.cpu_limit_cores),
        cpu_reservation_cores: size("cpu_reservation", default.cpu_reservation_cores),
        memory_limit_bytes: size("memory_limit", default.memory_limit_bytes),
        memory_reservation_bytes: size("memory_reservation", default.memory_reservation_bytes),
        ..Replica::default()
    };
    replica.state = fields.given("state").and_then(|node| word(node, "`state`", &STATES, findings)).unwrap_or_default();
    replica.protected = fields.given("protected").and_then(|node| text(node, "`protected`", findings));
    let restarts = fields.given("restarts").and_then(|node| whole(node, "`restarts`", &(0..=u32::MAX), findings));
    replica.restarts = restarts.map(u64::from).unwrap_or_default();
    since(&mut replica, fields, default, given.now, findings);
    Listed { replica, samples: merged(fields, each, given, findings) }
}

/// When it started, and since when it serves or does not.
fn since(replica: &mut Replica, fields: &Fields<'_>, default: &Replica, now: Timestamp, findings: &mut Findings) {
    let mut before = |key: &str| fields.given(key).and_then(|node| ago(node, &format!("`{key}`"), now, findings));
    let (started, ready, unready) = (before("started_ago"), before("ready_ago"), before("unready_ago"));
    let runs = replica.state == ReplicaState::Running;
    let serves = match fields.given("ready").map(|node| (node, boolean(node, "`ready`", findings))) {
        None => runs && unready.is_none(),
        Some((node, serves)) => {
            let serves = serves.unwrap_or(runs);
            let message = match (serves, runs) {
                (true, false) => "`ready` is `true` of a replica that does not run",
                (true, true) if unready.is_some() => "`ready` is `true`, and `unready_ago` says since when it is not",
                (false, _) if ready.is_some() => "`ready` is `false`, and `ready_ago` says since when it is",
                _ => "",
            };
            if !message.is_empty() {
                findings.add(Kind::Conflict, node.place, message, "keep one of them");
            }
            serves
        }
    };
    let of_each = default.started.or(ready).unwrap_or_else(|| now.minus(LONG));
    replica.started = started.or_else(|| runs.then_some(of_each));
    if serves {
        replica.ready_since = ready.or(default.ready_since.filter(|_| started.is_none())).or(replica.started);
    } else {
        replica.unready_since = unready.or(replica.started);
    }
}

/// Its own samples, and those that every replica has of signals of which it says nothing.
fn merged(fields: &Fields<'_>, each: &Listed, given: Given, findings: &mut Findings) -> Vec<crate::state::Measured> {
    let Some(node) = fields.given("samples") else { return each.samples.clone() };
    let own = samples::signals(node, given, findings);
    let Value::Map(entries) = &node.value else { return own };
    let says = |name: &str| entries.iter().any(|entry| entry.key == name);
    let mut all: Vec<_> = each.samples.iter().filter(|sample| !says(sample.signal.as_str())).cloned().collect();
    all.extend(own);
    all.sort_by(|one, other| one.signal.cmp(&other.signal));
    all
}
