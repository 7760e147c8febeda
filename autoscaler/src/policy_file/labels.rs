//! Container labels as a layer: the simple case without a file.

use std::collections::BTreeMap;

use super::variables::{self, put};
use crate::text::{Entry, Findings, Kind, Layer, Node, Place, Value, nearest, quote, values::percentage};

/// A service with this label is under a policy, also without a file.
pub(super) const MAX: &str = "ballast.max";

const PREFIX: &str = "ballast.";

/// Labels that are none of a policy.
const OTHERS: [&str; 3] = ["managed", "protect", "protected"];

/// Labels with a name of their own, and the setting that each is. Every other one is named by the path of its setting.
const SHORT: [(&str, &[&str]); 4] = [
    ("min", &["replicas", "min"]),
    ("max", &["replicas", "max"]),
    ("idle", &["replicas", "idle"]),
    ("mode", &["mode"]),
];

/// Labels that are a rule each, with the rule that each is.
const RULES: [(&str, MakeRules); 3] = [("cpu", cpu), ("memory", memory), ("queue", queue)];

type MakeRules = fn(&Label<'_>, &mut Findings) -> Vec<Node>;

struct Label<'l> {
    value: &'l str,
    place: Place,
}

/// What the labels say, if they say anything. A label that nobody knows is a warning, as it may be somebody else's.
pub(super) fn layer(labels: &BTreeMap<String, String>, findings: &mut Findings) -> Option<Node> {
    let mut layer: Option<Node> = None;
    let mut rules = Vec::new();
    let mut rules_place = None;
    for (name, value) in labels {
        let Some(short) = name.strip_prefix(PREFIX) else { continue };
        if OTHERS.contains(&short) {
            continue;
        }
        let source = findings.texts.add(format!("label {name}"), value.as_str(), Layer::Label);
        let place = Place { source, line: 1, column: 1, start: 0, end: value.len() };
        if let Some((_, make)) = RULES.iter().find(|(known, _)| *known == short) {
            rules.extend(make(&Label { value, place }, findings));
            rules_place.get_or_insert(place);
            if let Some((stream, consumer)) = queue_parts(value).filter(|_| short == QUEUE) {
                for (key, name) in [("stream", stream), ("consumer", consumer)] {
                    let path = ["signals", QUEUE, "jetstream", key].map(str::to_owned);
                    let value = Node { place, value: Value::Text(name.to_owned()) };
                    put(layer.get_or_insert_with(|| empty(place)), &path, value);
                }
            }
            continue;
        }
        let path: Option<Vec<String>> = match SHORT.iter().find(|(known, _)| *known == short) {
            Some((_, path)) => Some(path.iter().map(|&part| part.to_owned()).collect()),
            None => variables::path(&short.split('.').map(str::to_owned).collect::<Vec<_>>()),
        };
        let Some(path) = path else {
            unknown(name, short, place, findings);
            continue;
        };
        if let Some(value) = variables::value(source, value, findings) {
            put(layer.get_or_insert_with(|| empty(place)), &path, value);
        }
    }
    if let Some(place) = rules_place {
        let layer = layer.get_or_insert_with(|| empty(place));
        put(layer, &["rules".to_owned()], Node { place, value: Value::List(rules) });
    }
    layer
}

fn empty(place: Place) -> Node {
    Node { place, value: Value::Map(Vec::new()) }
}

fn unknown(name: &str, short: &str, place: Place, findings: &mut Findings) {
    let known = SHORT.iter().map(|(name, _)| *name).chain(RULES.iter().map(|(name, _)| *name));
    let help = match nearest(short, known) {
        Some(known) => format!("did you mean `{PREFIX}{known}`?"),
        None => "leave it out, or name a setting by its path, such as `ballast.guards.down.cooldown`".to_owned(),
    };
    findings.add(Kind::UnknownLabel, place, format!("the label {} means nothing", quote(name)), help);
}

/// `70%`: a target.
fn cpu(label: &Label<'_>, _: &mut Findings) -> Vec<Node> {
    vec![label.rule("target", &[("signal", "cpu"), ("per_replica", label.value)])]
}

/// `80%`: one more above it for a minute, one fewer below half of it for ten.
fn memory(label: &Label<'_>, _: &mut Findings) -> Vec<Node> {
    let half = percentage(label.value).map(|share| format!("{}%", (share * 5e7).round() / 1e6));
    let up = [("signal", "memory"), ("above", label.value), ("for", "1m"), ("add", "1")];
    let down = half.as_deref().map(|half| [("signal", "memory"), ("below", half), ("for", "10m"), ("remove", "1")]);
    let mut rules = vec![label.rule("threshold", &up)];
    rules.extend(down.map(|down| label.rule("threshold", &down)));
    rules
}

/// `JOBS/workers 20`: so many jobs of that JetStream consumer for each replica.
fn queue(label: &Label<'_>, findings: &mut Findings) -> Vec<Node> {
    if queue_parts(label.value).is_some() {
        let per_replica = label.value.rsplit_once(' ').map_or("", |(_, number)| number);
        return vec![label.rule("queue", &[("signal", QUEUE), ("per_replica", per_replica)])];
    }
    let message = format!("{} is no queue; allowed: `stream/consumer number`", quote(label.value));
    findings.add(Kind::BadValue, label.place, message, "such as `JOBS/workers 20`: 20 jobs for each replica");
    Vec::new()
}

/// The signal that the label `ballast.queue` defines.
const QUEUE: &str = "queue";

/// Stream and consumer.
fn queue_parts(text: &str) -> Option<(&str, &str)> {
    let (name, number) = text.trim().rsplit_once(' ')?;
    let (stream, consumer) = name.trim().split_once('/')?;
    (!number.is_empty()).then_some((stream, consumer))
}

impl Label<'_> {
    fn rule(&self, kind: &str, settings: &[(&str, &str)]) -> Node {
        let entry = |key: &str, value| Entry {
            key: key.to_owned(),
            key_place: self.place,
            value: Node { place: self.place, value },
        };
        let settings = settings.iter().map(|(key, value)| entry(key, Value::Text((*value).to_owned()))).collect();
        Node { place: self.place, value: Value::Map(vec![entry(kind, Value::Map(settings))]) }
    }
}
