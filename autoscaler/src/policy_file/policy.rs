//! A policy.

use super::{
    finding::{Findings, Kind, quote},
    grammar,
    guards::{self, ReadGuards},
    node::{Node, Place, Value},
    rules::{self, ReadRule},
    signals::{self, ReadSignals},
    values::word,
};
use crate::policy::{Arithmetic, Group, Limits, Mode, Policy, Selector};

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

/// Reads a complete tree.
pub(super) fn read(node: &Node, services: Vec<(Selector, Place)>, findings: &mut Findings) -> Option<ReadPolicy> {
    let fields = node.fields(&grammar::policy::POLICY, findings)?;
    let replicas = fields.required("replicas", findings);
    let limits = replicas.and_then(|node| limits(node, findings));
    let modes = [("act", Mode::Act), ("observe", Mode::Observe)];
    let mode = fields.get("mode").and_then(|node| word(node, "`mode`", &modes, findings));
    let signals = fields.get("signals").map(|node| signals::read(node, findings)).unwrap_or_default();
    let rules = fields.required("rules", findings).map(|node| rules::read(node, &signals, findings));
    let guards = fields.get("guards").and_then(|node| guards::read(node, findings));
    Some(ReadPolicy {
        services,
        mode: mode?,
        limits: limits?,
        limits_place: replicas?.place,
        signals,
        rules: rules?,
        guards: guards?,
    })
}

fn limits(node: &Node, findings: &mut Findings) -> Option<Limits> {
    let fields = node.fields(&grammar::policy::REPLICAS, findings)?;
    let (min, max) = (fields.required("min", findings), fields.required("max", findings));
    let read_min = min.and_then(|node| {
        if matches!(&node.value, Value::Text(text) if text == "0") {
            let message = "`min` is `0`, and scaling to zero is not possible yet: nothing would wake the service up";
            findings.add(Kind::BadValue, node.place, message, "`1` is the least");
            return None;
        }
        fields.whole("min", findings)
    });
    let read_max = max.and_then(|_| fields.whole("max", findings));
    let (min, max) = (read_min?, read_max?);
    if min > max {
        let message = format!("`min` is {min}, more than `max`, which is {max}");
        findings.add(Kind::Conflict, fields.entry("min")?.value.place, message, "swap them, or raise `max`");
        return None;
    }
    Some(Limits::new(min, max))
}

/// The services that a policy is for: one or a list.
pub(super) fn services(node: &Node, key: &str, findings: &mut Findings) -> Vec<(Selector, Place)> {
    match &node.value {
        Value::List(items) if items.is_empty() => {
            findings.add(Kind::Missing, node.place, format!("{key} names no service"), "such as `shop/web`");
            Vec::new()
        }
        Value::List(items) => items.iter().filter_map(|item| selector(item, key, findings)).collect(),
        _ => selector(node, key, findings).into_iter().collect(),
    }
}

fn selector(node: &Node, key: &str, findings: &mut Findings) -> Option<(Selector, Place)> {
    let text = node.text(key, "shop/web", findings)?;
    let parts: Vec<&str> = text.split('/').collect();
    let selector = match parts.as_slice() {
        [project, service] => Selector { host: None, project: (*project).to_owned(), service: (*service).to_owned() },
        [host, project, service] => {
            Selector { host: Some((*host).to_owned()), project: (*project).to_owned(), service: (*service).to_owned() }
        }
        _ => {
            let message = format!("{key} is {}; allowed: `project/service` or `host/project/service`", quote(text));
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
    findings.add(Kind::BadValue, node.place, format!("{key} is {}, {why}", quote(text)), help);
    None
}
