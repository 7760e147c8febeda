//! `signals`: where signals beyond the built-in ones come from.

use std::{collections::BTreeMap, ops::Range};

use super::{grammar, quantity::Measure, rules};
use crate::{
    formula::{Formula, Unknown},
    policy::{Read, SignalSource},
    quantity::SignalName,
    text::{Entry, Fields, Findings, Kind, Node, Place, Value, nearest, quote, values::percentage},
};

/// How many signals a policy may define.
const MOST_SIGNALS: usize = 50;
const LONGEST_NAME: usize = 64;
const EXAMPLE: &str = "requests: { prometheus: http_requests_total, read: rate }";

/// The signals of a policy, also those whose definition has an error.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadSignals {
    pub(super) sources: BTreeMap<SignalName, SignalSource>,
    /// Where each is defined.
    pub(super) places: BTreeMap<SignalName, Place>,
}

impl ReadSignals {
    /// What a signal is measured in, `None` if nobody defines it. One whose definition has an error may be anything.
    pub(super) fn measure(&self, name: &SignalName) -> Option<Measure> {
        match name.as_str() {
            SignalName::CPU => return Some(Measure::Cpu),
            SignalName::MEMORY => return Some(Measure::Memory),
            SignalName::HOST_CPU | SignalName::HOST_MEMORY | SignalName::HOST_DISK => return Some(Measure::Host),
            _ => {}
        }
        self.places.get(name)?;
        Some(self.sources.get(name).map_or(Measure::Published, measure))
    }

    /// Says which names of a formula nobody defines. Without `of_formulas` it cannot read other formulas.
    pub(super) fn check_names(&self, formula: &Formula, node: &Node, of_formulas: bool, findings: &mut Findings) {
        let text = formula.text();
        for name in formula.signals() {
            let at = text.find(name.as_str()).map_or(0..text.len(), |at| at..at + name.as_str().len());
            let place = within(node, text, at, findings);
            let Some(measure) = self.measure(name) else {
                rules::unknown_signal(name.as_str(), place, self, findings);
                continue;
            };
            if measure == Measure::Formula && !of_formulas {
                let message = format!("a formula reads measured signals, and {} is a formula", quote(name.as_str()));
                findings.add(Kind::Conflict, place, message, "write it out in place of its name");
            }
        }
    }

    /// Every name that a rule can read.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        SignalName::BUILT_IN.into_iter().chain(self.places.keys().map(SignalName::as_str))
    }
}

fn measure(source: &SignalSource) -> Measure {
    match source {
        SignalSource::Prometheus { read: Read::Rate, .. } => Measure::Rate,
        SignalSource::Prometheus { metric, .. } if metric.ends_with("_seconds") => Measure::Seconds,
        SignalSource::Prometheus { metric, .. } if metric.ends_with("_bytes") => Measure::Bytes,
        SignalSource::Prometheus { .. } => Measure::Plain,
        SignalSource::Jetstream { .. } => Measure::Messages,
        SignalSource::Published => Measure::Published,
        SignalSource::Formula(_) => Measure::Formula,
    }
}

/// A formula, checked for itself.
pub(super) fn expression(node: &Node, what: &str, findings: &mut Findings) -> Option<Formula> {
    let text = node.text(what, "ceil(queue.jobs / 20)", findings)?;
    match Formula::parse(text) {
        Ok(formula) => check_value(formula, node, what, findings),
        Err(error) => {
            let place = within(node, text, error.at.clone(), findings);
            let help =
                error.help.clone().unwrap_or_else(|| "docs/policy.md has the operators and functions".to_owned());
            findings.add(Kind::BadValue, place, format!("{what} is no formula: {error}"), help);
            None
        }
    }
}

/// A formula without signals, unless it has no value however many replicas there are.
fn check_value(formula: Formula, node: &Node, what: &str, findings: &mut Findings) -> Option<Formula> {
    let values = without_signals(&formula);
    if values.iter().any(Result::is_ok) {
        return Some(formula);
    }
    let Some(Err(unknown)) = values.first() else { return Some(formula) };
    let message = format!("{what} never has a value: {unknown}");
    findings.add(Kind::BadValue, node.place, message, "write a formula that can be computed");
    None
}

/// The values of a formula that reads no signal, for several counts of replicas; none if it reads one.
pub(super) fn without_signals(formula: &Formula) -> Vec<Result<f64, Unknown>> {
    const COUNTS: [(u32, u32); 7] = [(2, 1), (0, 0), (1, 1), (2, 2), (3, 3), (10, 7), (100, 100)];
    let counts = COUNTS.iter().filter(|_| formula.signals().next().is_none());
    counts.map(|(replicas, ready)| formula.evaluate(|_| None, *replicas, *ready)).collect()
}

/// The place of a part of a text, as far as it can be told: a text with escapes is one place.
fn within(node: &Node, text: &str, part: Range<usize>, findings: &Findings) -> Place {
    let Place { source, line, column, start, end } = node.place;
    let quotes = end.saturating_sub(start).saturating_sub(text.len());
    let verbatim = findings
        .texts
        .get(source)
        .and_then(|known| known.content.get(start + quotes / 2..))
        .is_some_and(|rest| rest.starts_with(text));
    if !verbatim || !matches!(quotes, 0 | 2) || text.contains('\n') {
        return node.place;
    }
    let before = text.get(..part.start).map_or(0, |before| before.chars().count());
    let from = start + quotes / 2;
    Place {
        source,
        line,
        column: column + quotes / 2 + before,
        start: from + part.start,
        end: from + part.end.max(part.start),
    }
}

pub(super) fn read(node: &Node, findings: &mut Findings) -> ReadSignals {
    let mut signals = ReadSignals::default();
    let Value::Map(entries) = &node.value else {
        let message = format!("`signals` must be a map of names to sources, not {}", node.found());
        findings.add(Kind::WrongShape, node.place, message, format!("such as `{EXAMPLE}`"));
        return signals;
    };
    if let Some(entry) = entries.get(MOST_SIGNALS) {
        let message = format!("this is one signal too many: at most {MOST_SIGNALS} can be defined");
        findings.add(Kind::TooMuch, entry.key_place, message, "leave out those that no rule reads");
    }
    for entry in entries.iter().take(MOST_SIGNALS) {
        let name = SignalName::new(entry.key.as_str());
        check_name(entry, findings);
        if let Some(source) = source(&entry.value, findings) {
            signals.sources.insert(name.clone(), source);
        }
        if !SignalName::BUILT_IN.contains(&name.as_str()) {
            signals.places.insert(name, entry.key_place);
        }
    }
    for entry in entries.iter().take(MOST_SIGNALS) {
        if let Some(SignalSource::Formula(formula)) = signals.sources.get(&SignalName::new(entry.key.as_str())) {
            let node = match &entry.value.value {
                Value::Map(inner) => inner.first().map_or(&entry.value, |inner| &inner.value),
                _ => &entry.value,
            };
            signals.check_names(formula, node, false, findings);
        }
    }
    signals
}

fn check_name(entry: &Entry, findings: &mut Findings) {
    let name = &entry.key;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if SignalName::BUILT_IN.contains(&name.as_str()) {
        let message = format!("the signal {} is built in and cannot be defined", quote(name));
        findings.add(Kind::Conflict, entry.key_place, message, "leave it out, or give it another name");
    } else if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(allowed) {
        let message = format!(
            "the signal name {} is not allowed; allowed: 1 to {LONGEST_NAME} letters, digits, `_`, `-` and `.`",
            quote(name)
        );
        findings.add(Kind::BadValue, entry.key_place, message, "rename it, here and in the rules that read it");
    }
}

type ReadSource = fn(&Node, &mut Findings) -> Option<SignalSource>;

/// Every source that is a map, by its first key.
const SOURCES: [(&str, ReadSource); 3] = [("prometheus", prometheus), ("jetstream", jetstream), ("formula", formula)];

fn formula(node: &Node, findings: &mut Findings) -> Option<SignalSource> {
    let fields = node.fields(&grammar::signals::FORMULA, findings)?;
    expression(fields.get("formula")?, "`formula`", findings).map(SignalSource::Formula)
}

fn source(node: &Node, findings: &mut Findings) -> Option<SignalSource> {
    let entries = match &node.value {
        Value::Text(text) if text == "published" => return Some(SignalSource::Published),
        Value::Map(entries) => entries.as_slice(),
        _ => &[],
    };
    let has = |key: &str| entries.iter().any(|entry| entry.key == key);
    let given: Vec<_> = SOURCES.iter().filter(|(name, _)| has(name)).collect();
    match given.as_slice() {
        [(_, read)] => read(node, findings),
        [] => {
            no_source(node, entries, findings);
            None
        }
        [(one, _), (other, _), ..] => {
            let message = format!("a signal has one source, and this has `{one}` and `{other}`");
            findings.add(Kind::Conflict, node.place, message, "define two signals");
            None
        }
    }
}

fn no_source(node: &Node, entries: &[Entry], findings: &mut Findings) {
    let message = format!(
        "a signal comes from `prometheus`, `jetstream` or a `formula`, or is `published`, and this is {}",
        if entries.is_empty() { node.found() } else { "none of these".to_owned() }
    );
    let written = match &node.value {
        Value::Text(text) => text,
        _ => entries.first().map_or("", |entry| entry.key.as_str()),
    };
    let help = match nearest(written, ["prometheus", "jetstream", "formula", "published"]) {
        Some("published") => "write `published`, without braces".to_owned(),
        Some(name) if entries.is_empty() => format!("write `{{ {name}: … }}`"),
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("such as `{EXAMPLE}`"),
    };
    findings.add(Kind::Missing, entries.first().map_or(node.place, |entry| entry.key_place), message, help);
}

fn prometheus(node: &Node, findings: &mut Findings) -> Option<SignalSource> {
    let fields = node.fields(&grammar::signals::PROMETHEUS, findings)?;
    let metric = fields.get("prometheus").and_then(|node| metric(node, findings));
    let read = fields.required("read", findings).and_then(|node| how_to_read(node, metric.as_deref(), findings));
    let port = fields.whole("port", findings).and_then(|port| u16::try_from(port).ok());
    let path = fields.get("path").and_then(|node| path(node, findings));
    let labels = or_default(&fields, "labels", BTreeMap::new(), |node| labels(node, findings));
    Some(SignalSource::Prometheus { metric: metric?, port, path: path?, labels: labels?, read: read? })
}

/// The value of `key`, or `default` if it is not given.
fn or_default<T>(fields: &Fields<'_>, key: &str, default: T, read: impl FnOnce(&Node) -> Option<T>) -> Option<T> {
    fields.get(key).map_or(Some(default), read)
}

fn metric(node: &Node, findings: &mut Findings) -> Option<String> {
    let text = node.text("`prometheus`", "http_requests_total", findings)?;
    if is_prometheus_name(text, ":") {
        return Some(text.to_owned());
    }
    let message = format!("{} is no name of a Prometheus metric", quote(text));
    let help = match text.split_once('{') {
        Some(_) => "give labels apart: `labels: { code: \"200\" }`",
        None => "write letters, digits, `_` and `:`, no digit first",
    };
    findings.add(Kind::BadValue, node.place, message, help);
    None
}

fn is_prometheus_name(text: &str, also: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || also.contains(c);
    !text.is_empty()
        && text.len() <= 200
        && text.chars().all(allowed)
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

const READS: [(&str, Read); 4] = [("rate", Read::Rate), ("sum", Read::Sum), ("mean", Read::Mean), ("max", Read::Max)];

fn how_to_read(node: &Node, metric: Option<&str>, findings: &mut Findings) -> Option<Read> {
    let text = node.text("`read`", "rate", findings)?;
    if let Some((_, read)) = READS.iter().find(|(name, _)| *name == text) {
        return Some(*read);
    }
    let share = text.strip_prefix('p').and_then(|number| percentage(&format!("{number}%")));
    if let Some(share) = share {
        if share <= 0.0 || share >= 1.0 {
            let message = format!("the quantile {} is not between `p0` and `p100`", quote(text));
            findings.add(Kind::BadValue, node.place, message, "write `p50`, `p95`, `p99` or `p99.9`");
            return None;
        }
        if let Some(base) = metric.and_then(|metric| metric.strip_suffix("_bucket")) {
            let message = "a quantile reads a histogram by its name without `_bucket`";
            findings.add(Kind::BadValue, node.place, message, format!("write `prometheus: {base}`"));
            return None;
        }
        return Some(Read::Quantile(share));
    }
    let message =
        format!("`read` is {}; allowed: `rate`, `sum`, `mean`, `max`, or a quantile such as `p95`", quote(text));
    let help = match metric {
        Some(metric) if metric.ends_with("_total") => "a metric that ends with `_total` is a counter: `read: rate`",
        _ => "`rate` for counters, `sum`, `mean` or `max` for gauges, `p95` for histograms",
    };
    findings.add(Kind::BadValue, node.place, message, help);
    None
}

pub(super) fn path(node: &Node, findings: &mut Findings) -> Option<String> {
    let text = node.text("`path`", "/metrics", findings)?;
    let fine = text.starts_with('/') && text.len() <= 500 && text.chars().all(|c| c.is_ascii_graphic());
    if fine {
        return Some(text.to_owned());
    }
    let message =
        format!("`path` is {}; allowed: what follows host and port in a URL, from the first `/`", quote(text));
    findings.add(Kind::BadValue, node.place, message, "such as `/metrics`");
    None
}

fn labels(node: &Node, findings: &mut Findings) -> Option<BTreeMap<String, String>> {
    const MOST: usize = 20;
    let Value::Map(entries) = &node.value else {
        let message = format!("`labels` must be a map of names to values, not {}", node.found());
        findings.add(Kind::WrongShape, node.place, message, "such as `{ code: \"200\" }`");
        return None;
    };
    if entries.len() > MOST {
        let message = format!("there are {} labels; allowed: at most {MOST}", entries.len());
        findings.add(Kind::TooMuch, node.place, message, "leave out those that do not tell series apart");
        return None;
    }
    let mut labels = Some(BTreeMap::new());
    for Entry { key, key_place, value } in entries {
        let fine = is_prometheus_name(key, "");
        if !fine {
            let message = format!("{} is no name of a label", quote(key));
            findings.add(Kind::BadValue, *key_place, message, "write letters, digits and `_`, no digit first");
        }
        match (value.text("a label's value", "\"200\"", findings), fine) {
            (Some(value), true) => {
                if let Some(labels) = &mut labels {
                    labels.insert(key.clone(), value.to_owned());
                }
            }
            _ => labels = None,
        }
    }
    labels
}

fn jetstream(node: &Node, findings: &mut Findings) -> Option<SignalSource> {
    let outer = node.fields(&grammar::signals::JETSTREAM, findings)?;
    let fields = outer.get("jetstream")?.fields(&grammar::signals::CONSUMER, findings)?;
    let stream = fields.required("stream", findings).and_then(|node| jetstream_name(node, "`stream`", findings));
    let consumer = fields.required("consumer", findings).and_then(|node| jetstream_name(node, "`consumer`", findings));
    let server = or_default(&fields, "server", None, |node| server(node, findings).map(Some));
    Some(SignalSource::Jetstream { server: server?, stream: stream?, consumer: consumer? })
}

fn jetstream_name(node: &Node, what: &str, findings: &mut Findings) -> Option<String> {
    let text = node.text(what, "JOBS", findings)?;
    let refused = |c: char| c.is_whitespace() || c.is_control() || ".*>/\\".contains(c);
    if !text.is_empty() && text.len() <= 255 && !text.contains(refused) {
        return Some(text.to_owned());
    }
    let message = format!("{what} is {}, which NATS does not take for a name", quote(text));
    findings.add(Kind::BadValue, node.place, message, "a name has no space, `.`, `*`, `>`, `/` or `\\`");
    None
}

fn server(node: &Node, findings: &mut Findings) -> Option<String> {
    let text = node.text("`server`", "nats://queue:4222", findings)?;
    let rest = ["nats://", "tls://", "ws://", "wss://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let (message, help) = match rest {
        Some(rest) if rest.contains('@') => (
            "`server` holds credentials, and a policy is no place for secrets".to_owned(),
            "leave `server` out to use Ballast's own server and credentials",
        ),
        Some(rest) if !rest.is_empty() && rest.chars().all(|c| c.is_ascii_graphic()) => return Some(text.to_owned()),
        _ => (
            format!("`server` is {}, which is no address of a NATS server", quote(text)),
            "such as `nats://queue:4222`",
        ),
    };
    findings.add(Kind::BadValue, node.place, message, help);
    None
}
