//! A document: one policy, or several under `policies`.

use super::{
    finding::{Findings, Kind, quote},
    guards::{self, ReadGuards},
    node::{Node, Place, Value},
    rules::{self, ReadRule},
    signals::{self, ReadSignals},
    values::{whole, word},
};
use crate::policy::{Arithmetic, Group, Limits, Mode, Policy, Selector};

/// The most replicas that a policy can ask for.
const MOST_REPLICAS: u32 = 1000;
const EXAMPLE: &str = "{ service: shop/web, replicas: { min: 1, max: 10 }, rules: [ … ] }";

/// A policy, and where its parts stand.
#[derive(Clone, Debug)]
pub(super) struct ReadPolicy {
    /// Which services it is for, and where each is named.
    pub(super) services: Vec<(Selector, Place)>,
    pub(super) mode: Mode,
    pub(super) limits: Limits,
    pub(super) limits_place: Place,
    pub(super) signals: ReadSignals,
    pub(super) rules: Vec<ReadRule>,
    pub(super) guards: ReadGuards,
}

impl ReadPolicy {
    /// One policy for each service.
    pub(super) fn into_policies(self) -> impl Iterator<Item = Policy> {
        let Self { services, mode, limits, signals, rules, guards, .. } = self;
        let rules: Vec<_> = rules.into_iter().map(|read| read.rule).collect();
        services.into_iter().map(move |(services, _)| Policy {
            services,
            mode,
            pause: None,
            limits,
            arithmetic: Arithmetic::Demand,
            signals: signals.sources.clone(),
            combine: Group::largest(rules.len()),
            rules: rules.clone(),
            guards: guards.guards.clone(),
        })
    }
}

/// Reads the policies of one document into `read`.
pub(super) fn read_document(node: &Node, findings: &mut Findings<'_>, read: &mut Vec<ReadPolicy>) {
    let several = matches!(&node.value, Value::Map(entries) if entries.iter().any(|entry| entry.key == "policies"));
    if !several {
        read.extend(policy(node, findings));
        return;
    }
    let example = "policies: [ … ]";
    let Some(fields) = node.fields("a file of several policies", example, &["policies"], findings) else { return };
    let Some(list) = fields.get("policies") else { return };
    match &list.value {
        Value::List(items) if !items.is_empty() => read.extend(items.iter().filter_map(|item| policy(item, findings))),
        _ => {
            let message = format!("`policies` must be a list of policies, not {}", list.found());
            findings.add(Kind::WrongShape, list.place, message, "begin each policy with `- service: project/service`");
        }
    }
}

fn policy(node: &Node, findings: &mut Findings<'_>) -> Option<ReadPolicy> {
    let keys = ["service", "replicas", "mode", "signals", "rules", "guards"];
    let fields = node.fields("the policy", EXAMPLE, &keys, findings)?;
    let services = fields.required("service", findings).map(|node| services(node, findings)).unwrap_or_default();
    let replicas = fields.required("replicas", findings);
    let limits = replicas.and_then(|node| limits(node, findings));
    let mode = match fields.get("mode") {
        Some(node) => word(node, "`mode`", &[("act", Mode::Act), ("observe", Mode::Observe)], findings),
        None => Some(Mode::default()),
    };
    let signals = fields.get("signals").map(|node| signals::read(node, findings)).unwrap_or_default();
    let rules = fields.required("rules", findings).map(|node| rules::read(node, &signals, findings));
    let guards = fields.get("guards").map(|node| guards::read(node, findings)).unwrap_or_default();
    Some(ReadPolicy {
        services,
        mode: mode?,
        limits: limits?,
        limits_place: replicas?.place,
        signals,
        rules: rules?,
        guards,
    })
}

fn limits(node: &Node, findings: &mut Findings<'_>) -> Option<Limits> {
    let fields = node.fields("`replicas`", "{ min: 1, max: 10 }", &["min", "max"], findings)?;
    let (min, max) = (fields.required("min", findings), fields.required("max", findings));
    let read_min = min.and_then(|node| {
        if matches!(&node.value, Value::Text(text) if text == "0") {
            let message = "`min` is `0`, and scaling to zero is not possible yet: nothing would wake the service up";
            findings.add(Kind::BadValue, node.place, message, "`1` is the least");
            return None;
        }
        whole(node, "`min`", &(1..=MOST_REPLICAS), findings)
    });
    let read_max = max.and_then(|node| whole(node, "`max`", &(1..=MOST_REPLICAS), findings));
    let (min, max) = (read_min?, read_max?);
    if min > max {
        let message = format!("`min` is {min}, more than `max`, which is {max}");
        findings.add(Kind::Conflict, fields.entry("min")?.value.place, message, "swap them, or raise `max`");
        return None;
    }
    Some(Limits::new(min, max))
}

/// The services that a policy is for: one or a list.
fn services(node: &Node, findings: &mut Findings<'_>) -> Vec<(Selector, Place)> {
    match &node.value {
        Value::List(items) if items.is_empty() => {
            findings.add(Kind::Missing, node.place, "`service` names no service", "such as `shop/web`");
            Vec::new()
        }
        Value::List(items) => items.iter().filter_map(|item| selector(item, findings)).collect(),
        _ => selector(node, findings).into_iter().collect(),
    }
}

fn selector(node: &Node, findings: &mut Findings<'_>) -> Option<(Selector, Place)> {
    let text = node.text("`service`", "shop/web", findings)?;
    let parts: Vec<&str> = text.split('/').collect();
    let selector = match parts.as_slice() {
        [project, service] => Selector { host: None, project: (*project).to_owned(), service: (*service).to_owned() },
        [host, project, service] => {
            Selector { host: Some((*host).to_owned()), project: (*project).to_owned(), service: (*service).to_owned() }
        }
        _ => {
            let message = format!("`service` is {}; allowed: `project/service` or `host/project/service`", quote(text));
            let help = match parts.as_slice() {
                [service] if !service.is_empty() => {
                    format!("write its project, too: `shop/{service}`, or `\"*/{service}\"`")
                }
                _ => "such as `shop/web`".to_owned(),
            };
            findings.add(Kind::BadValue, node.place, message, help);
            return None;
        }
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.*".contains(c);
    let (why, help) = if parts.iter().any(|part| part.is_empty()) {
        ("which has an empty part".to_owned(), "such as `shop/web`".to_owned())
    } else if let Some(part) = parts.iter().find(|part| !part.chars().all(allowed)) {
        let help = "host, project and service are letters, digits, `_`, `-` and `.`; `*` stands for any run of them";
        (format!("and {} cannot be part of it", quote(part)), help.to_owned())
    } else if selector.project.contains(|c: char| c.is_ascii_uppercase()) {
        let project = selector.project.to_lowercase();
        let meant = Selector { project, ..selector };
        ("and Compose projects have no capital letters".to_owned(), format!("did you mean `{meant}`?"))
    } else {
        return Some((selector, node.place));
    };
    findings.add(Kind::BadValue, node.place, format!("`service` is {}, {why}", quote(text)), help);
    None
}
