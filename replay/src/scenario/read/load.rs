//! What is played: the closed loop and the open loop.

use std::time::Duration;

use autoscaler::text::{
    Entry, Fields, Findings, Kind, Node, listed, nearest, quote,
    values::{share, word},
};

use super::{
    super::{
        Arrivals, Demand, Host, Load, LoadKind, Measure, Signals, Source,
        grammar::load::{HOST, LOAD, SIGNALS},
    },
    Context, draw, quantile,
    service::{self, above_zero_cores},
    units::{self, Unit, may, must, size},
};

/// The most signals that can be played back or emitted.
const MOST_SIGNALS: usize = 50;

/// What a signal can measure, but for quantiles.
pub(in crate::scenario) const MEASURES: [(&str, Measure); 8] = [
    ("requests", Measure::Requests),
    ("served", Measure::Served),
    ("errors", Measure::Errors),
    ("error_share", Measure::ErrorShare),
    ("waiting", Measure::Waiting),
    ("in_flight", Measure::InFlight),
    ("latency.mean", Measure::LatencyMean),
    ("utilisation", Measure::Utilisation),
];

pub(super) fn load(node: &Node, context: &mut Context<'_>, findings: &mut Findings) -> Option<Load> {
    let fields = node.fields(&LOAD, findings)?;
    let demand = fields.one_of("requests", findings);
    let kind = demand.and_then(|entry| kind(&entry.key, &fields, findings));
    let unit = kind.map(Unit::of);
    let source = demand.zip(unit).and_then(|(entry, unit)| draw::source(entry, unit, context, findings));
    let arrivals = must(&fields, "arrivals", findings, |node, what, findings| {
        word(node, what, &[("even", Arrivals::Even), ("poisson", Arrivals::Poisson)], findings)
    });
    let retries = must(&fields, "retries", findings, |node, what, findings| share(node, what, 0.0..=0.99, findings));
    let service = must(&fields, "service", findings, |node, _, findings| {
        service::service(node, kind.unwrap_or(LoadKind::Requests), findings)
    });
    let host = must(&fields, "host", findings, |node, _, findings| host(node, findings));
    let emits = fields.get("emits").map_or_else(|| Some(Load::usual_signals()), |node| emits(node, findings));
    Some(Load {
        demand: Demand { source: source? },
        kind: kind?,
        arrivals: arrivals?,
        retries: retries?,
        service: service?,
        host: host?,
        emits: emits?,
    })
}

/// What demand is measured in; says which of `think` and `per_session` are missing or in vain.
fn kind(key: &str, fields: &Fields<'_>, findings: &mut Findings) -> Option<LoadKind> {
    let (thinks, in_sessions) = (matches!(key, "users" | "sessions"), key == "sessions");
    for (name, wanted, whose) in
        [("think", thinks, "`users` and `sessions`"), ("per_session", in_sessions, "`sessions`")]
    {
        match fields.entry(name) {
            Some(entry) if !wanted => {
                let message = format!("`{name}` does nothing beside `{key}`; it is for {whose}");
                findings.add(Kind::Conflict, entry.key_place, message, "leave it out");
            }
            None if wanted => fields.missing(&format!("`{name}`, which `{key}` need,"), &[name], findings),
            _ => {}
        }
    }
    let think = if thinks { fields.duration("think", findings) } else { Some(Duration::ZERO) };
    Some(match key {
        "requests" => LoadKind::Requests,
        "jobs" => LoadKind::Jobs,
        "cores" => LoadKind::Cores,
        "users" => LoadKind::Users { think: think? },
        _ => {
            let requests = super::units::number_of(fields, "per_session", 1.0..=1e6, findings);
            LoadKind::Sessions { think: think?, requests: requests? }
        }
    })
}

fn host(node: &Node, findings: &mut Findings) -> Option<Host> {
    let fields = node.fields(&HOST, findings)?;
    let cores = may(&fields, "cores", findings, above_zero_cores);
    let memory = may(&fields, "memory", findings, size);
    let others = must(&fields, "others", findings, units::cores);
    let (cores, memory, others) = (cores?, memory?, others?);
    if cores.is_some_and(|cores| others >= cores) {
        let message = "`others` leaves nothing of the host's cores";
        findings.add(Kind::Conflict, node.place, message, "give fewer than `cores`");
        return None;
    }
    Some(Host { cores, memory, others })
}

fn emits(node: &Node, findings: &mut Findings) -> Option<Vec<(String, Measure)>> {
    let entries = node.entries("`emits`", "{ rps: requests }", findings);
    check_count(entries.len(), node, "`emits`", findings);
    let read: Vec<_> = entries.iter().map(|entry| Some((name(entry, findings)?, measure(entry, findings)?))).collect();
    read.into_iter().collect()
}

/// The name of a signal that is the scenario's own.
fn name(entry: &Entry, findings: &mut Findings) -> Option<String> {
    let name = &entry.key;
    let right = (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if !right {
        let help = "a name is up to 64 letters, digits, `_`, `-` and `.`";
        findings.add(Kind::BadValue, entry.key_place, format!("{} is no name of a signal", quote(name)), help);
    }
    right.then(|| name.clone())
}

fn measure(entry: &Entry, findings: &mut Findings) -> Option<Measure> {
    if matches!(entry.key.as_str(), "cpu" | "memory") || entry.key.starts_with("host.") {
        let message = format!("the signal {} is measured by itself", quote(&entry.key));
        findings.add(Kind::Conflict, entry.key_place, message, "give yours another name");
        return None;
    }
    let text = entry.value.text(&quote(&entry.key), "requests", findings)?;
    let known = MEASURES.iter().find(|(name, _)| *name == text).map(|(_, measure)| *measure);
    let measure = known.or_else(|| text.strip_prefix("latency.").and_then(quantile).map(Measure::Latency));
    if measure.is_none() {
        let names = || MEASURES.iter().map(|(name, _)| *name).chain(["latency.p50", "latency.p95", "latency.p99"]);
        let message = format!("{} is nothing that can be measured; allowed: {}", quote(text), listed(names()));
        let help =
            nearest(text, names()).map_or("such as `requests`".to_owned(), |name| format!("did you mean `{name}`?"));
        findings.add(Kind::Unknown, entry.value.place, message, help);
    }
    measure
}

fn check_count(count: usize, node: &Node, what: &str, findings: &mut Findings) {
    if count > MOST_SIGNALS {
        let message = format!("{what} has {count} signals; at most {MOST_SIGNALS} are allowed");
        findings.add(Kind::TooMuch, node.place, message, "leave some out");
    }
}

pub(super) fn signals(node: &Node, context: &mut Context<'_>, findings: &mut Findings) -> Option<Signals> {
    let fields = node.fields(&SIGNALS, findings)?;
    let given = fields.one_of("journal", findings)?;
    if given.key == "journal" {
        let (_, text) = context.text(&given.value, "`journal`", findings)?;
        let file = given.value.text("`journal`", "web.journal", findings)?.to_owned();
        return Some(Signals::Journal { file, text });
    }
    let entries = given.value.entries("`values`", "{ cpu: 0.7 }", findings);
    check_count(entries.len(), &given.value, "`values`", findings);
    if entries.is_empty() {
        findings.add(Kind::Missing, given.value.place, "no signal is given", "such as `values: { cpu: 0.7 }`");
    }
    let mut all: Vec<Option<(String, Source)>> = Vec::new();
    for entry in entries {
        let name = name(entry, findings);
        all.push(name.zip(draw::source(entry, Unit::Signal, context, findings)));
    }
    all.into_iter().collect::<Option<Vec<_>>>().map(Signals::Values)
}
