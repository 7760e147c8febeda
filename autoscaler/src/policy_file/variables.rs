//! Environment variables of the controller as the highest layer, and settings named by their path.
//!
//! `BALLAST_POLICY__<PATH>` is for every service, `BALLAST_POLICY__<PROJECT>__<SERVICE>__<PATH>` for one. In a path `__`
//! stands for the point; letters are case-blind, and `-` and `.` in names are written `_`.

use std::collections::BTreeMap;

use super::{document, grammar};
use crate::text::{Entry, Findings, Kind, Layer, Node, Place, Value, grammar::Shape, nearest, quote, yaml};

const PREFIX: &str = "BALLAST_POLICY__";

/// What one variable says.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    /// Project and service as variables write them; absent: every service.
    scope: Option<(String, String)>,
    /// As a policy that says nothing else.
    node: Node,
}

/// The variables that are a policy's, in the order of their names.
pub(super) fn read(variables: &BTreeMap<String, String>, findings: &mut Findings) -> Vec<Variable> {
    let mut read = Vec::new();
    for (name, text) in variables {
        let Some(rest) = name.get(..PREFIX.len()).filter(|start| start.eq_ignore_ascii_case(PREFIX)) else { continue };
        let parts: Vec<String> = name[rest.len()..].split("__").map(str::to_lowercase).collect();
        let source = findings.texts.add(name.as_str(), text.as_str(), Layer::Environment);
        let place = Place { source, line: 1, column: 1, start: 0, end: text.len() };
        let (scope, path) = match path(&parts) {
            Some(path) => (None, Some(path)),
            None => match parts.as_slice() {
                [project, service, rest @ ..] => (Some((project.clone(), service.clone())), path(rest)),
                _ => (None, None),
            },
        };
        let Some(path) = path else {
            unknown(name, &parts, place, findings);
            continue;
        };
        let Some(value) = value(source, text, findings) else { continue };
        let mut node = Node { place, value: Value::Map(Vec::new()) };
        put(&mut node, &path, value);
        let mut alone = Findings::new(findings.texts.clone());
        document::check_alone(&document::Document::of_layer(node.clone()), &mut alone);
        let fine = alone.no_errors();
        findings.take(alone);
        if fine {
            read.push(Variable { scope, node });
        }
    }
    read
}

fn unknown(name: &str, parts: &[String], place: Place, findings: &mut Findings) {
    // As a setting of every service, and of one; the one of which more is known is meant.
    let ways = [Some(parts), parts.get(2..)].into_iter().flatten();
    let near = ways.filter_map(nearest_key).reduce(|one, other| if other.0 > one.0 { other } else { one });
    let help = match near {
        Some((_, known)) => format!("did you mean `{}`?", known.to_uppercase()),
        None => "such as `BALLAST_POLICY__REPLICAS__MAX` or `BALLAST_POLICY__SHOP__WEB__MODE`".to_owned(),
    };
    findings.add(Kind::Unknown, place, format!("the variable {} names no setting", quote(name)), help);
}

/// How many of `parts` are known, and the key that the next one is nearest to.
fn nearest_key(parts: &[String]) -> Option<(usize, &'static str)> {
    let mut shape = &TOP;
    for (known, part) in parts.iter().enumerate() {
        let map = shape.map(&|key| *part == *key)?;
        match map.key(part).filter(|key| key.name != "defaults") {
            Some(key) => shape = &key.shape,
            None => return Some((known, nearest(part, map.names().filter(|name| *name != "defaults"))?)),
        }
    }
    None
}

static TOP: Shape = Shape::Map(&grammar::policy::DEFAULTS);

/// Those for a service, low to high: first those for every service.
pub(super) fn layers(variables: &[Variable], project: &str, service: &str) -> Vec<Node> {
    let name = |text: &str| text.to_lowercase().replace(['-', '.'], "_");
    let scope = Some((name(project), name(service)));
    let all = variables.iter().filter(|variable| variable.scope.is_none());
    let own = variables.iter().filter(|variable| variable.scope == scope);
    all.chain(own).map(|variable| variable.node.clone()).collect()
}

/// The keys that `parts` name, from the top of a policy; `None` if there is no such setting. What follows the place of a
/// name that the user chooses is that name.
pub(super) fn path(parts: &[String]) -> Option<Vec<String>> {
    let mut path = Vec::new();
    let mut shape = &TOP;
    let mut rest = parts;
    while let [part, after @ ..] = rest {
        if shape.named().is_some() {
            path.push(rest.join("."));
            return Some(path);
        }
        let key = shape.map(&|key| *part == *key)?.key(part).filter(|key| key.name != "defaults")?;
        path.push(key.name.to_owned());
        shape = &key.shape;
        rest = after;
    }
    (!path.is_empty()).then_some(path)
}

/// A value that stands alone: YAML where it begins with a bracket, brace or quote, the text itself otherwise.
pub(super) fn value(source: u32, text: &str, findings: &mut Findings) -> Option<Node> {
    let place = Place { source, line: 1, column: 1, start: 0, end: text.len() };
    if text.trim_start().starts_with(['{', '[', '"', '\'']) {
        return yaml::read(source, text, "a policy", findings).into_iter().next();
    }
    Some(Node { place, value: Value::Text(text.trim().to_owned()) })
}

/// Puts `value` where `path` leads, making maps on the way.
pub(super) fn put(node: &mut Node, path: &[String], value: Node) {
    let [key, rest @ ..] = path else {
        *node = value;
        return;
    };
    let place = value.place;
    if !matches!(node.value, Value::Map(_)) {
        node.value = Value::Map(Vec::new());
    }
    let Value::Map(entries) = &mut node.value else { return };
    let at = entries.iter().position(|entry| entry.key == *key).unwrap_or_else(|| {
        let value = Node { place, value: Value::Map(Vec::new()) };
        entries.push(Entry { key: key.clone(), key_place: place, value });
        entries.len() - 1
    });
    put(&mut entries[at].value, rest, value);
}
