//! `guards`: what holds or bends what the rules want.

use std::time::Duration;

use super::{
    finding::Findings,
    node::{Node, Place},
    values::{duration, word},
};
use crate::policy::{DirectionGuards, Guards};

const LONGEST_COOLDOWN: Duration = Duration::from_hours(24);
/// The core keeps every recommendation of so long.
const LONGEST_STABILIZATION: Duration = Duration::from_hours(1);
const LONGEST_WARM_UP: Duration = Duration::from_hours(1);
const LONGEST_STALE_AFTER: Duration = Duration::from_mins(10);

/// Guards, and where `down.stabilize` is given.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadGuards {
    pub(super) guards: Guards,
    pub(super) down_stabilize: Option<Place>,
}

/// What is not given, or has an error, is as by default.
pub(super) fn read(node: &Node, findings: &mut Findings<'_>) -> ReadGuards {
    let mut read = ReadGuards::default();
    let keys = ["up", "down", "missing", "warm_up", "stale_after"];
    let Some(fields) = node.fields("`guards`", "{ down: { cooldown: 5m } }", &keys, findings) else { return read };
    let guards = &mut read.guards;
    if let Some(node) = fields.get("up") {
        direction(node, "`guards.up`", &mut guards.up, findings);
    }
    if let Some(node) = fields.get("down") {
        read.down_stabilize = direction(node, "`guards.down`", &mut guards.down, findings);
    }
    if let Some(node) = fields.get("missing") {
        word(node, "`missing`", &[("hold", ())], findings);
    }
    if let Some(node) = fields.get("warm_up") {
        let read = duration(node, "`warm_up`", &(Duration::ZERO..=LONGEST_WARM_UP), findings);
        guards.warm_up = read.unwrap_or(guards.warm_up);
    }
    if let Some(node) = fields.get("stale_after") {
        let read = duration(node, "`stale_after`", &(Duration::from_secs(1)..=LONGEST_STALE_AFTER), findings);
        guards.stale_after = read.unwrap_or(guards.stale_after);
    }
    read
}

/// Reads the guards of one direction into `guards`; returns where `stabilize` is given.
fn direction(node: &Node, what: &str, guards: &mut DirectionGuards, findings: &mut Findings<'_>) -> Option<Place> {
    let fields = node.fields(what, "{ cooldown: 5m, stabilize: 5m }", &["cooldown", "stabilize"], findings)?;
    if let Some(node) = fields.get("cooldown") {
        let read = duration(node, "`cooldown`", &(Duration::ZERO..=LONGEST_COOLDOWN), findings);
        guards.cooldown = read.unwrap_or(guards.cooldown);
    }
    let node = fields.get("stabilize")?;
    let read = duration(node, "`stabilize`", &(Duration::ZERO..=LONGEST_STABILIZATION), findings);
    guards.stabilize = read.unwrap_or(guards.stabilize);
    Some(node.place)
}
