//! A policy.

use super::{
    grammar,
    guards::{self, ReadGuards},
    rules::{self, ReadRule, Scope},
    signals::{self, ReadSignals},
};
use crate::{
    policy::{
        Arithmetic, Combine, Group, HpaSettings, Limits, Member, Mode, Pause, Policy, Quorum, RuleKind, Selector,
        SignalSource,
    },
    quantity::SignalName,
    text::{Findings, Kind, Node, Place, Value, quote, values::word},
    time::Timestamp,
};

/// A policy, and where its parts stand.
#[derive(Clone, Debug)]
pub(super) struct ReadPolicy {
    /// Which services it is for, and where each is named.
    pub(super) services: Vec<(Selector, Place)>,
    pub(super) mode: Mode,
    pub(super) pause: Option<Pause>,
    pub(super) limits: Limits,
    pub(super) limits_place: Place,
    pub(super) arithmetic: Arithmetic,
    pub(super) signals: ReadSignals,
    pub(super) rules: Vec<ReadRule>,
    pub(super) combine: Group,
    pub(super) guards: ReadGuards,
}

impl ReadPolicy {
    /// The most replicas that `max` or a schedule's `max` allows.
    pub(super) fn most_allowed(&self) -> u32 {
        let scheduled = self.rules.iter().filter_map(|read| match &read.rule.kind {
            RuleKind::Schedule(rule) => rule.replicas.max,
            _ => None,
        });
        scheduled.fold(self.limits.max, u32::max)
    }

    /// One policy for each service.
    pub(super) fn into_policies(self) -> impl Iterator<Item = Policy> {
        let Self { services, mode, pause, limits, arithmetic, signals, rules, combine, guards, .. } = self;
        let rules: Vec<_> = rules.into_iter().map(|read| read.rule).collect();
        services.into_iter().map(move |(services, _)| Policy {
            services,
            mode,
            pause,
            limits,
            arithmetic,
            signals: signals.sources.clone(),
            rules: rules.clone(),
            combine: combine.clone(),
            guards: guards.guards.clone(),
        })
    }
}

/// Reads a complete tree.
pub(super) fn read(node: &Node, services: Vec<(Selector, Place)>, findings: &mut Findings) -> Option<ReadPolicy> {
    let fields = node.fields(&grammar::policy::POLICY, findings)?;
    let replicas = fields.required("replicas", findings);
    let limits = replicas.and_then(|node| limits(node, findings));
    let mode = fields.get("mode").and_then(|node| mode(node, findings));
    let arithmetic = match fields.get("compat") {
        Some(node) => compat(node, findings),
        None => Some(Arithmetic::Demand),
    };
    let signals = fields.get("signals").map(|node| signals::read(node, findings)).unwrap_or_default();
    let guards = fields.get("guards");
    let mut unheard = Findings::new(findings.texts.clone());
    let tolerance = guards::tolerance(guards?, &mut unheard);
    findings.take(unheard);
    let scope = Scope { signals: &signals, tolerance };
    let rules = fields.required("rules", findings).map(|node| rules::read(node, &scope, findings));
    let how = fields.get("combine").and_then(|node| combine(node, findings));
    let guards = guards::read(guards?, &signals, findings);
    if let (Some(limits), Some((rules, _)), Some(replicas)) = (limits, &rules, replicas) {
        check_wakes(limits, rules, &signals, replicas, findings);
    }
    let (rules, members): (Vec<ReadRule>, Vec<Member>) = rules?;
    check_ratios(&services, &rules, findings);
    let (mode, pause) = mode?;
    Some(ReadPolicy {
        services,
        mode,
        pause,
        limits: limits?,
        limits_place: replicas?.place,
        arithmetic: arithmetic?,
        signals,
        rules,
        combine: Group { how: how?, members },
        guards: guards?,
    })
}

fn limits(node: &Node, findings: &mut Findings) -> Option<Limits> {
    let fields = node.fields(&grammar::policy::REPLICAS, findings)?;
    fields.required("min", findings);
    fields.required("max", findings);
    let (min, max) = (fields.whole("min", findings), fields.whole("max", findings));
    let idle = fields.get("idle").map(|_| fields.whole("idle", findings));
    let (min, max) = (min?, max?);
    if min > max {
        let message = format!("`min` is {min}, more than `max`, which is {max}");
        findings.add(Kind::Conflict, fields.entry("min")?.value.place, message, "swap them, or raise `max`");
        return None;
    }
    let idle = idle.map_or(Some(None), |idle| idle.map(Some))?;
    if let Some(idle) = idle.filter(|idle| *idle >= min) {
        let message = format!("`idle` is {idle}, not below `min`, which is {min}");
        findings.add(Kind::Conflict, fields.entry("idle")?.value.place, message, "lower it, or leave it out");
        return None;
    }
    Some(Limits { min, max, idle })
}

/// That somebody can tell a service without replicas that there is something to do.
fn check_wakes(limits: Limits, rules: &[ReadRule], signals: &ReadSignals, place: &Node, findings: &mut Findings) {
    if limits.while_idle() > 0 || rules.iter().any(|read| !read.rule.observe && can_wake(&read.rule.kind, signals)) {
        return;
    }
    let message = "a service without replicas would stay so: no rule reads anything but what its own replicas tell";
    let help = "write `min: 1`, or a rule on a queue, a `published` signal or a schedule";
    findings.add(Kind::Conflict, place.place, message, help);
}

/// That no service follows itself.
fn check_ratios(services: &[(Selector, Place)], rules: &[ReadRule], findings: &mut Findings) {
    for read in rules {
        let RuleKind::Ratio(rule) = &read.rule.kind else { continue };
        let (project, service) =
            rule.of.split_once('/').map_or((None, rule.of.as_str()), |(project, service)| (Some(project), service));
        let is_itself = |(selector, _): &&(Selector, Place)| {
            selector.service == service && project.is_none_or(|project| selector.project == project)
        };
        if let Some((selector, _)) = services.iter().find(is_itself) {
            let message =
                format!("`of` names {} itself: its count cannot follow from itself", quote(&selector.to_string()));
            findings.add(Kind::Conflict, read.bound, message, "name another service");
        }
    }
}

fn can_wake(kind: &RuleKind, signals: &ReadSignals) -> bool {
    let own = |name: &SignalName| match signals.sources.get(name) {
        Some(SignalSource::Jetstream { .. } | SignalSource::Published) => true,
        Some(SignalSource::Formula(formula)) => formula.signals().any(|name| {
            matches!(signals.sources.get(name), Some(SignalSource::Jetstream { .. } | SignalSource::Published))
        }),
        Some(SignalSource::Prometheus { .. }) | None => false,
    };
    match kind {
        RuleKind::Schedule(_) | RuleKind::Ratio(_) => true,
        RuleKind::Formula(rule) => rule.replicas.signals().any(own),
        RuleKind::Target(rule) => own(&rule.signal),
        RuleKind::Threshold(rule) => own(&rule.signal),
        RuleKind::Queue(rule) => own(&rule.signal),
        RuleKind::Burst(rule) => own(&rule.signal),
        RuleKind::Forecast(rule) => own(&rule.signal),
    }
}

fn mode(node: &Node, findings: &mut Findings) -> Option<(Mode, Option<Pause>)> {
    let pause = |up, down| Some(Pause { up, down, until: None });
    if !matches!(node.value, Value::Map(_)) {
        let words = [
            ("act", (Mode::Act, None)),
            ("observe", (Mode::Observe, None)),
            ("paused", (Mode::Act, pause(true, true))),
            ("paused up", (Mode::Act, pause(true, false))),
            ("paused down", (Mode::Act, pause(false, true))),
        ];
        return word(node, "`mode`", &words, findings);
    }
    let fields = node.fields(&grammar::policy::PAUSE, findings)?;
    let ways = [("both", (true, true)), ("up", (true, false)), ("down", (false, true))];
    let way = fields.required("paused", findings).and_then(|node| word(node, "`paused`", &ways, findings));
    let until = fields.get("until").map(|node| moment(node, findings));
    let (up, down) = way?;
    Some((Mode::Act, Some(Pause { up, down, until: until.map_or(Some(None), |until| until.map(Some))? })))
}

/// A moment with its offset, as RFC 3339 writes it.
fn moment(node: &Node, findings: &mut Findings) -> Option<Timestamp> {
    let text = node.text("`until`", "2026-12-24T18:00:00+01:00", findings)?;
    if let Some(moment) = as_moment(text) {
        return Some(moment);
    }
    let message = format!("`until` is {}; allowed: date, time and offset from UTC", quote(text));
    findings.add(Kind::BadValue, node.place, message, "such as `2026-12-24T18:00:00+01:00` or `2026-12-24T17:00:00Z`");
    None
}

fn as_moment(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(moment.as_millisecond()).ok().map(Timestamp::from_millis)
}

fn combine(node: &Node, findings: &mut Findings) -> Option<Combine> {
    if !matches!(node.value, Value::Map(_)) {
        let words = [("largest", Combine::LARGEST), ("all", Combine::ALL), ("first", Combine::First)];
        return word(node, "`combine`", &words, findings);
    }
    let fields = node.fields(&grammar::policy::AGREE, findings)?;
    let quorums = [("any", Quorum::Any), ("all", Quorum::All)];
    let [up, down] = ["up", "down"].map(|key| word(fields.get(key)?, &format!("`combine.{key}`"), &quorums, findings));
    Some(Combine::Agree { up: up?, down: down? })
}

fn compat(node: &Node, findings: &mut Findings) -> Option<Arithmetic> {
    if !matches!(node.value, Value::Map(_)) {
        let words = [("kubernetes-hpa", Arithmetic::KubernetesHpa(HpaSettings::default()))];
        return word(node, "`compat`", &words, findings);
    }
    let fields = node.fields(&grammar::policy::COMPAT_WITH, findings)?;
    let fields = fields.required("kubernetes-hpa", findings)?.fields(&grammar::policy::HPA, findings)?;
    let [cpu_initialization_period, initial_readiness_delay, sample_window] =
        ["cpu_initialization_period", "initial_readiness_delay", "sample_window"]
            .map(|key| fields.duration(key, findings));
    Some(Arithmetic::KubernetesHpa(HpaSettings {
        cpu_initialization_period: cpu_initialization_period?,
        initial_readiness_delay: initial_readiness_delay?,
        sample_window: sample_window?,
    }))
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
