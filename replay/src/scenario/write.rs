//! A scenario as text that reads to the same scenario.

mod parts;
mod units;

pub(crate) use units::quoted;

use std::fmt::Write as _;

use autoscaler::text::values::moment_text;

use self::{
    parts::source,
    units::{amount, cores, number, percent, seconds, size, span, spans},
};
use super::{
    Arrivals, BEGINS, Balance, Expectation, Expected, Fault, Load, LoadKind, Measure, Memory, Objective, Play,
    Scenario, ServiceModel, Signals, Start, WarmUp, What,
    read::{BALANCES, EXPECTED, MEASURES, Unit},
};

/// The scenario as text; what it has as by default is left out. Spans are rounded to the millisecond, times of work to the
/// nanosecond: what was [read](super::read()) comes back as it was.
///
/// The files that it names are not written; [`series_csv`] is the text of one.
pub fn write(scenario: &Scenario) -> String {
    let mut text = format!("scenario: {}\n", super::VERSION);
    for (key, words) in [("about", &scenario.about), ("from", &scenario.from)] {
        write_words(&mut text, key, words);
    }
    let _ = writeln!(text, "service: {}", scenario.service);
    if scenario.begins != BEGINS {
        let _ = writeln!(text, "begins: {}", moment_text(scenario.begins));
    }
    let _ = writeln!(text, "lasts: {}\nevery: {}", span(scenario.lasts), span(scenario.every));
    let _ = writeln!(text, "seed: {}", scenario.seed);
    let super::Replicas { start, min, max } = scenario.replicas;
    let _ = writeln!(text, "replicas: {{ start: {start}, min: {min}, max: {max} }}");
    if let Some(policy) = &scenario.policy {
        let _ = writeln!(text, "policy: {}", quoted(policy));
    }
    write_objective(&mut text, &scenario.objective);
    match &scenario.play {
        Play::Load(load) => write_load(&mut text, load),
        Play::Signals(signals) => write_signals(&mut text, signals),
    }
    write_list(&mut text, "faults", scenario.faults.iter().map(fault));
    write_list(&mut text, "expect", scenario.expect.iter().map(expectation));
    text
}

/// The text of a CSV file: a column of seconds since the scenario began, and one for each series. Moments that a series does
/// not have, and its gaps, are empty cells, so that series of the same moments belong into one file.
pub fn series_csv(columns: &[(&str, &super::Series)]) -> String {
    let mut moments: Vec<_> = columns.iter().flat_map(|(_, series)| series.at.iter().copied()).collect();
    moments.sort_unstable();
    moments.dedup();
    let mut text = String::from("time");
    for (name, _) in columns {
        let _ = write!(text, ",{}", cell(name));
    }
    text.push('\n');
    let mut next = vec![0; columns.len()];
    for at in moments {
        let _ = write!(text, "{}", number(at.as_secs_f64()));
        for ((_, series), next) in columns.iter().zip(&mut next) {
            text.push(',');
            if series.at.get(*next) == Some(&at) {
                if let Some(value) = series.values.get(*next).copied().flatten() {
                    text.push_str(&number(value));
                }
                *next += 1;
            }
        }
        text.push('\n');
    }
    text
}

/// As it is, or in quotes where it would be several.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// Several lines as a block, one line as it is.
fn write_words(text: &mut String, key: &str, words: &str) {
    if words.is_empty() {
        return;
    }
    let strange = |c: char| c.is_control() && c != '\n';
    let block = words.contains('\n') && !words.contains(strange) && !words.starts_with([' ', '\n']);
    if !block {
        let _ = writeln!(text, "{key}: {}", quoted(words));
        return;
    }
    let _ = writeln!(text, "{key}: |");
    for line in words.split('\n') {
        let _ = if line.is_empty() { writeln!(text) } else { writeln!(text, "  {line}") };
    }
}

fn write_objective(text: &mut String, objective: &Objective) {
    let mut items = Vec::new();
    if let Some(latency) = objective.latency {
        items.push(format!("latency: {{ {}: {} }}", quantile(latency.quantile), seconds(latency.below)));
    }
    items.push(format!("idle_per_missing: {}", number(objective.idle_per_missing)));
    let _ = writeln!(text, "objective: {}", map(&items));
}

fn write_load(text: &mut String, load: &Load) {
    text.push_str("load:\n");
    let unit = Unit::of(load.kind);
    let key = match load.kind {
        LoadKind::Requests => "requests",
        LoadKind::Jobs => "jobs",
        LoadKind::Cores => "cores",
        LoadKind::Users { .. } => "users",
        LoadKind::Sessions { .. } => "sessions",
    };
    source(text, "  ", key, &load.demand.source, unit);
    if let LoadKind::Users { think } | LoadKind::Sessions { think, .. } = load.kind {
        let _ = writeln!(text, "  think: {}", span(think));
    }
    if let LoadKind::Sessions { requests, .. } = load.kind {
        let _ = writeln!(text, "  per_session: {}", number(requests));
    }
    if load.arrivals == Arrivals::Poisson {
        text.push_str("  arrivals: poisson\n");
    }
    if load.retries != 0.0 {
        let _ = writeln!(text, "  retries: {}", percent(load.retries));
    }
    write_service(text, &load.service, load.kind);
    let others = Some(load.host.others).filter(|others| *others != 0.0);
    let host =
        [("cores", load.host.cores.map(cores)), ("memory", load.host.memory.map(size)), ("others", others.map(cores))];
    let host: Vec<_> = host.into_iter().filter_map(|(key, value)| Some(format!("{key}: {}", value?))).collect();
    if !host.is_empty() {
        let _ = writeln!(text, "  host: {}", map(&host));
    }
    if load.emits != Load::usual_signals() {
        let emits: Vec<_> =
            load.emits.iter().map(|(name, measure)| format!("{}: {}", quoted(name), of_measure(*measure))).collect();
        let _ = writeln!(text, "  emits: {}", map(&emits));
    }
}

fn write_service(text: &mut String, service: &ServiceModel, kind: LoadKind) {
    text.push_str("  service:\n");
    let mut line = |key: &str, value: String| {
        let _ = writeln!(text, "    {key}: {value}");
    };
    line("takes", seconds(service.takes));
    line("spread", number(service.spread));
    line("at_once", service.at_once.to_string());
    line("cpu", seconds(service.cpu));
    if service.idle_cpu != 0.0 {
        line("idle_cpu", cores(service.idle_cpu));
    }
    if let Some(limit) = service.cpu_limit {
        line("cpu_limit", cores(limit));
    }
    if let Some(Memory { idle, per_request, limit }) = service.memory {
        let mut items = vec![format!("idle: {}", size(idle)), format!("per_request: {}", size(per_request))];
        items.extend(limit.map(|limit| format!("limit: {}", size(limit))));
        line("memory", map(&items));
    }
    line("start", start(&service.start));
    line("stop", span(service.stop));
    if !(kind == LoadKind::Jobs && service.balance == Balance::Central) {
        let name = BALANCES.iter().find(|(_, balance)| *balance == service.balance).map_or("", |(name, _)| *name);
        line("balance", name.to_owned());
    }
    let queue = [
        service.queue.most.map(|most| format!("most: {most}")),
        service.queue.patience.map(|patience| format!("patience: {}", span(patience))),
    ];
    let queue: Vec<_> = queue.into_iter().flatten().collect();
    if !queue.is_empty() {
        line("queue", map(&queue));
    }
    let shared = service.shared;
    if shared != super::Shared::default() {
        let mut items = vec![
            format!("contention: {}", percent(shared.contention)),
            format!("crosstalk: {}", percent(shared.crosstalk)),
        ];
        items.extend(shared.most.map(|most| format!("most: {}", amount(most, Unit::PerSecond("requests")))));
        line("shared", map(&items));
    }
}

fn start(start: &Start) -> String {
    let mut items = vec![
        format!("image: {}", spans(&start.image)),
        format!("boot: {}", spans(&start.boot)),
        format!("ready: {}", spans(&start.ready)),
        format!("cpu: {}", cores(start.cpu)),
    ];
    if let Some(WarmUp { from, over }) = start.warm_up {
        items.push(format!("warm_up: {{ from: {}, over: {} }}", percent(from), span(over)));
    }
    items.push(format!("fails: {}", percent(start.fails)));
    items.push(format!("gives_up: {}", span(start.gives_up)));
    map(&items)
}

fn write_signals(text: &mut String, signals: &Signals) {
    text.push_str("signals:\n");
    match signals {
        Signals::Journal { file, .. } => {
            let _ = writeln!(text, "  journal: {}", quoted(file));
        }
        Signals::Values(values) => {
            text.push_str("  values:\n");
            for (name, values) in values {
                source(text, "    ", &quoted(name), values, Unit::Signal);
            }
        }
    }
}

fn fault(fault: &Fault) -> String {
    let mut items = vec![format!("at: {}", span(fault.at))];
    let at_once = matches!(fault.what, What::ComposeUp { .. } | What::Deploy { .. } | What::ReplicasDie { .. });
    if !at_once {
        items.push(format!("for: {}", span(fault.lasts)));
    }
    match &fault.what {
        What::HostLost => items.push("host: lost".to_owned()),
        What::AgentSilent => items.push("agent: silent".to_owned()),
        What::SamplesLate { by } => items.extend(["samples: late".to_owned(), format!("by: {}", span(*by))]),
        What::SamplesMissing { signals } => {
            items.push("samples: missing".to_owned());
            if !signals.is_empty() {
                let names: Vec<_> = signals.iter().map(|name| quoted(name)).collect();
                items.push(format!("signals: [{}]", names.join(", ")));
            }
        }
        What::ControllerRestarted => items.push("controller: restarted".to_owned()),
        What::StartsFail => items.push("starts: fail".to_owned()),
        What::ComposeUp { replicas } => items.push(format!("compose_up: {replicas}")),
        What::Deploy { takes, cpu } => {
            items.push("deploy: rolling".to_owned());
            items.extend(takes.map(|takes| format!("takes: {}", seconds(takes))));
            items.extend(cpu.map(|cpu| format!("cpu: {}", seconds(cpu))));
        }
        What::Neighbour { share } => items.push(format!("neighbour: {}", percent(*share))),
        What::ReplicasDie { count } => items.extend(["replicas: die".to_owned(), format!("count: {count}")]),
    }
    map(&items)
}

fn expectation(expectation: &Expectation) -> String {
    let Expectation { what, least, most, after, until } = expectation;
    let name = EXPECTED.iter().find(|(_, known)| known == what).map_or("", |(name, _)| *name);
    let is_share = matches!(what, Expected::Late | Expected::Lost | Expected::Short | Expected::Cost);
    let bound = |bound: f64| if is_share { percent(bound) } else { number(bound) };
    let mut items = Vec::new();
    items.extend(least.map(|least| format!("least: {}", bound(least))));
    items.extend(most.map(|most| format!("most: {}", bound(most))));
    if !after.is_zero() {
        items.push(format!("after: {}", span(*after)));
    }
    items.extend(until.map(|until| format!("until: {}", span(until))));
    format!("{{ {name}: {} }}", map(&items))
}

fn write_list(text: &mut String, key: &str, items: impl ExactSizeIterator<Item = String>) {
    if items.len() > 0 {
        let _ = writeln!(text, "{key}:");
    }
    for item in items {
        let _ = writeln!(text, "  - {item}");
    }
}

/// On one line.
fn map(items: &[String]) -> String {
    if items.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", items.join(", ")) }
}

fn of_measure(measure: Measure) -> String {
    match MEASURES.iter().find(|(_, known)| *known == measure) {
        Some((name, _)) => (*name).to_owned(),
        None if let Measure::Latency(share) = measure => format!("latency.{}", quantile(share)),
        None => "requests".to_owned(),
    }
}

/// 0.95 is `p95`.
fn quantile(share: f64) -> String {
    format!("p{}", percent(share).trim_end_matches('%'))
}
