//! `guards`: what holds or bends what the rules want.

use super::{
    fields::Fields,
    finding::Findings,
    grammar::{self, Map},
    node::{Node, Place},
    values::word,
};
use crate::policy::{DirectionGuards, Guards};

/// Guards, and where `down.stabilize` is given.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadGuards {
    pub(super) guards: Guards,
    pub(super) down_stabilize: Place,
}

/// `None` if something that must be there is not or has an error.
pub(super) fn read(node: &Node, findings: &mut Findings) -> Option<ReadGuards> {
    let fields = node.fields(&grammar::guards::GUARDS, findings)?;
    let up = direction(&fields, "up", &grammar::guards::UP, findings);
    let down = direction(&fields, "down", &grammar::guards::DOWN, findings);
    if let Some(node) = fields.get("missing") {
        word(node, "`missing`", &[("hold", ())], findings);
    }
    let warm_up = fields.duration("warm_up", findings);
    let stale_after = fields.duration("stale_after", findings);
    let ((up, _), (down, down_stabilize)) = (up?, down?);
    let guards = Guards { up, down, warm_up: warm_up?, stale_after: stale_after?, ..Guards::default() };
    Some(ReadGuards { guards, down_stabilize })
}

/// The guards of one direction, and where its `stabilize` is given.
fn direction(
    fields: &Fields<'_>,
    key: &str,
    map: &'static Map,
    findings: &mut Findings,
) -> Option<(DirectionGuards, Place)> {
    let fields = fields.get(key)?.fields(map, findings)?;
    let cooldown = fields.duration("cooldown", findings);
    let stabilize = fields.duration("stabilize", findings);
    let guards = DirectionGuards { cooldown: cooldown?, stabilize: stabilize?, ..DirectionGuards::default() };
    Some((guards, fields.get("stabilize")?.place))
}
