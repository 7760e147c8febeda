//! What goes wrong around a service, and who else changes it.

use super::scalars::{ago, span, text};
use crate::{
    Timestamp,
    event::{Outcome, Phase},
    text::{
        Findings, Kind, Node, Value,
        grammar::{Map, names},
        values::{boolean, whole, word},
    },
};

static PHASE: Map = Map::of_names(
    "`phase`",
    r#"{ "changing": "docker compose up", "ago": "3s" }"#,
    &names(["changing", "stopped", "ago"]),
);
static OUTCOME: Map = Map::of_names(
    "`outcome`",
    r#"{ "failed": "no such image", "retry_in": "30s" }"#,
    &names(["reached", "failed", "retry_in"]),
);

/// Whether the service stands still: a word, or who changes it since when.
pub(super) fn phase(node: &Node, now: Timestamp, findings: &mut Findings) -> Option<Phase> {
    if matches!(node.value, Value::Text(_)) {
        let changing = Phase::Changing { since: now, why: "somebody changes it".to_owned() };
        let words = [(0, Phase::Settled), (1, changing), (2, Phase::Stopped { since: now })];
        let place = word(node, "`phase`", &[("settled", 0), ("changing", 1), ("stopped", 2)], findings)?;
        return words.into_iter().find(|(number, _)| *number == place).map(|(_, phase)| phase);
    }
    let fields = node.fields(&PHASE, findings)?;
    let since = fields.given("ago").and_then(|node| ago(node, "`ago`", now, findings)).unwrap_or(now);
    match (fields.given("changing"), fields.given("stopped")) {
        (Some(node), None) => Some(Phase::Changing { since, why: text(node, "`changing`", findings)? }),
        (None, Some(node)) => {
            Some(if boolean(node, "`stopped`", findings)? { Phase::Stopped { since } } else { Phase::Settled })
        }
        (None, None) => {
            fields.missing("`changing` or `stopped`", &["changing", "stopped"], findings);
            None
        }
        (Some(_), Some(node)) => {
            findings.add(Kind::Conflict, node.place, "`changing` and `stopped` are both given", "keep one of them");
            None
        }
    }
}

/// Why the service cannot be scaled.
pub(super) fn refusals(node: &Node, findings: &mut Findings) -> Vec<String> {
    let items = node.items("`refusals`", r#"["it publishes a fixed port"]"#, findings).unwrap_or_default();
    items.iter().filter_map(|item| text(item, "a refusal", findings)).collect()
}

/// How carrying out the newest target went.
pub(super) fn outcome(node: &Node, now: Timestamp, findings: &mut Findings) -> Option<Outcome> {
    let fields = node.fields(&OUTCOME, findings)?;
    match (fields.given("reached"), fields.given("failed")) {
        (Some(node), None) => Some(Outcome::Reached { replicas: whole(node, "`reached`", &(0..=u32::MAX), findings)? }),
        (None, Some(node)) => {
            let retry_in = fields.given("retry_in").and_then(|node| span(node, "`retry_in`", findings));
            Some(Outcome::Failed {
                why: text(node, "`failed`", findings)?,
                retry_at: retry_in.map(|span| now.plus(span)),
            })
        }
        (None, None) => {
            fields.missing("`reached` or `failed`", &["reached", "failed"], findings);
            None
        }
        (Some(_), Some(node)) => {
            findings.add(Kind::Conflict, node.place, "`reached` and `failed` are both given", "keep one of them");
            None
        }
    }
}
