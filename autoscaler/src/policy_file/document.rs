//! A document of a file: a policy, several, or what holds for several unless they say otherwise.

use std::collections::BTreeMap;

use super::{
    MOST_POLICIES,
    grammar::{self, Base},
    layers,
    policy::{self, ReadPolicy},
};
use crate::{
    policy::Selector,
    text::{Entry, Findings, Kind, Node, Place, Severity, Value, complete, grammar::Shape},
};

/// A policy or a `defaults:` block, as it stands in its file.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// Which services it is for, and where each is named.
    pub(super) services: Vec<(Selector, Place)>,
    pub(super) kind: DocumentKind,
    /// Without `defaults`.
    pub(super) node: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentKind {
    Policy,
    Defaults,
}

/// The policies and blocks of defaults of one document of YAML.
pub(super) fn of(node: Node, findings: &mut Findings) -> Vec<Document> {
    let has = |key: &str| matches!(&node.value, Value::Map(entries) if entries.iter().any(|entry| entry.key == key));
    if has("policies") {
        several(&node, findings)
    } else if has("defaults") {
        defaults(node, findings).into_iter().collect()
    } else {
        policy(node, findings).into_iter().collect()
    }
}

fn several(node: &Node, findings: &mut Findings) -> Vec<Document> {
    let Some(fields) = node.fields(&grammar::policy::SEVERAL, findings) else { return Vec::new() };
    let Some(list) = fields.get("policies") else { return Vec::new() };
    match &list.value {
        Value::List(items) if !items.is_empty() => {
            items.iter().filter_map(|item| policy(item.clone(), findings)).collect()
        }
        _ => {
            let message = format!("`policies` must be a list of policies, not {}", list.found());
            findings.add(Kind::WrongShape, list.place, message, "begin each policy with `- service: project/service`");
            Vec::new()
        }
    }
}

fn policy(node: Node, findings: &mut Findings) -> Option<Document> {
    let fields = node.fields(&grammar::policy::POLICY, findings)?;
    let services = fields.required("service", findings);
    let services = services.map(|node| policy::services(node, "`service`", findings)).unwrap_or_default();
    Some(Document { services, kind: DocumentKind::Policy, node })
}

fn defaults(node: Node, findings: &mut Findings) -> Option<Document> {
    let fields = node.fields(&grammar::policy::DEFAULTS, findings)?;
    let services = policy::services(fields.get("defaults")?, "`defaults`", findings);
    let Node { place, value: Value::Map(entries) } = node else { return None };
    let known = |entry: &Entry| entry.key != "defaults" && grammar::policy::DEFAULTS.key(&entry.key).is_some();
    let value = Value::Map(entries.into_iter().filter(known).collect());
    Some(Document { services, kind: DocumentKind::Defaults, node: Node { place, value } })
}

impl Document {
    /// What a layer without a selector says.
    pub(super) fn of_layer(node: Node) -> Self {
        Self { services: Vec::new(), kind: DocumentKind::Defaults, node }
    }

    /// Whether it is for every service that `selector` names.
    pub(super) fn is_for_all_of(&self, selector: &Selector) -> bool {
        let host = selector.host.as_deref().unwrap_or("*");
        self.services.iter().any(|(services, _)| services.matches(host, &selector.project, &selector.service))
    }
}

/// The layers merged, low to high, and completed.
pub(super) fn stack(layers: impl IntoIterator<Item = Node>) -> Option<Node> {
    let layers = layers.into_iter().map(spelt_out);
    let mut node = layers.reduce(|low, high| layers::merge(low, high, &POLICY))?;
    let base = base(&node);
    complete(&mut node, &POLICY, base as usize);
    Some(node)
}

static POLICY: Shape = Shape::Map(&grammar::policy::POLICY);

/// `guards: none` as `guards: { base: none }`, so that it can be merged.
fn spelt_out(mut node: Node) -> Node {
    let Value::Map(entries) = &mut node.value else { return node };
    for entry in entries.iter_mut().filter(|entry| entry.key == "guards") {
        if let Value::Text(_) = entry.value.value {
            let (place, key_place) = (entry.value.place, entry.key_place);
            let value = std::mem::replace(&mut entry.value.value, Value::Nothing);
            let base = Entry { key: "base".to_owned(), key_place, value: Node { place, value } };
            entry.value.value = Value::Map(vec![base]);
        }
    }
    node
}

/// Where guards that nobody gives come from.
fn base(node: &Node) -> Base {
    let given = child(node, "guards").and_then(|guards| child(guards, "base"));
    let hpa = || child(node, "compat").map_or(Base::Default, |_| Base::KubernetesHpa);
    match given.map(|node| &node.value) {
        Some(Value::Text(text)) if text == "none" => Base::None,
        Some(Value::Text(text)) if text == "kubernetes-hpa" => Base::KubernetesHpa,
        Some(_) => Base::Default,
        None => hpa(),
    }
}

/// The value of `key`, if this is a map that has it.
pub(super) fn child<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
}

/// The defaults below a policy, and the services of it that have these.
type Group<'d> = (Vec<&'d Node>, Vec<(Selector, Place)>);

/// Every policy of `documents`, each with the blocks of defaults that are for all of its services.
pub(super) fn read_all(documents: &[Document], findings: &mut Findings) -> Vec<ReadPolicy> {
    check_services(documents, findings);
    let defaults = || documents.iter().filter(|document| document.kind == DocumentKind::Defaults);
    for block in defaults() {
        check_alone(block, findings);
    }
    let mut read = Vec::new();
    for document in documents.iter().filter(|document| document.kind == DocumentKind::Policy) {
        // Services with the same defaults are read together, in the order in which they are first named.
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (selector, place) in &document.services {
            let below = defaults().filter(|block| block.is_for_all_of(selector)).map(|block| &block.node);
            let below: Vec<&Node> = below.collect();
            let same = |group: &&mut Group<'_>| {
                group.0.len() == below.len()
                    && group.0.iter().zip(&below).all(|(one, other)| std::ptr::eq(*one, *other))
            };
            match groups.iter_mut().find(same) {
                Some((_, services)) => services.push((selector.clone(), *place)),
                None => groups.push((below, vec![(selector.clone(), *place)])),
            }
        }
        if groups.is_empty() {
            groups.push((Vec::new(), Vec::new()));
        }
        for (below, services) in groups {
            let layers = below.into_iter().chain([&document.node]).cloned();
            read.extend(stack(layers).and_then(|node| policy::read(&node, services, findings)));
        }
    }
    read
}

/// Reads what may lack anything.
pub(super) fn check_alone(document: &Document, findings: &mut Findings) {
    let mut alone = Findings::new(findings.texts.clone());
    let services = if document.kind == DocumentKind::Policy { document.services.clone() } else { Vec::new() };
    if let Some(node) = stack([document.node.clone()]) {
        policy::read(&node, services, &mut alone);
    }
    // A policy that it is merged with may define the signal and give what is missing at the top.
    let place = document.node.place;
    alone.retain_at(|at, finding| match finding.kind {
        Kind::Missing => at != place && !is_replicas(document, at),
        // Another layer may give the rule that wakes the service.
        Kind::Conflict => !is_replicas(document, at),
        Kind::UnknownSignal => false,
        // What is hardly meant shows only where all layers are known.
        kind => kind.severity() == Severity::Error,
    });
    findings.take(alone);
}

fn is_replicas(document: &Document, place: Place) -> bool {
    let Value::Map(entries) = &document.node.value else { return false };
    entries.iter().any(|entry| entry.key == "replicas" && entry.value.place == place)
}

/// That no service is named twice, and that there are not too many.
fn check_services(documents: &[Document], findings: &mut Findings) {
    let mut seen = BTreeMap::new();
    let mut count = 0;
    let policies = documents.iter().filter(|document| document.kind == DocumentKind::Policy);
    for (selector, place) in policies.flat_map(|document| &document.services) {
        count += 1;
        if count == MOST_POLICIES + 1 {
            findings.add(
                Kind::TooMuch,
                *place,
                format!("this is one policy too many: at most {MOST_POLICIES} can be in one file"),
                "split it into several files, or name the services by a pattern such as `shop/*`",
            );
        }
        if let Some(first) = seen.insert(selector.to_string(), *place) {
            findings.add(
                Kind::Conflict,
                *place,
                format!("`{selector}` has a policy already, at {first}"),
                "put all rules for it into one policy",
            );
        }
    }
}
