//! A scenario's text, with every error at once.
//!
//! ```text
//! text → nodes with places → defaults filled in from the grammar → Scenario
//!                          ↘ files beside it (series, policy)    ↗ warnings
//! ```

mod columns;
mod draw;
mod events;
mod load;
mod rows;
mod service;
mod units;

pub(super) use self::{draw::GAPS, events::EXPECTED, load::MEASURES, service::BALANCES, units::Unit};

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use autoscaler::{
    Policy, Timestamp, policy_file,
    text::{
        Fields, Findings, Kind, Layer, Node, Place, TextError, TextErrors, Texts, Value, complete,
        grammar::Shape,
        quote,
        values::{moment, number, percentage},
        yaml,
    },
};

use super::{
    BEGINS, LatencyObjective, Objective, Play, Replicas, Scenario, Service,
    grammar::{OBJECTIVE, REPLICAS, SCENARIO},
};

/// The longest text of a scenario that is read, in bytes.
pub const LONGEST_TEXT: usize = 4 * 1024 * 1024;
/// The longest series file that is read, in bytes.
pub const LONGEST_SERIES: usize = 256 * 1024 * 1024;

/// What stands beside a scenario.
pub trait Files {
    /// The text of the file that a scenario calls so, relative to its own; the error says why there is none.
    fn text(&self, file: &str) -> Result<String, String>;
}

impl<F: Fn(&str) -> Result<String, String>> Files for F {
    fn text(&self, file: &str) -> Result<String, String> {
        self(file)
    }
}

/// What a text says.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The scenario.
    pub scenario: Scenario,
    /// The policy that it is judged with, if it names one: of its file the one for its service.
    pub policy: Option<Policy>,
    /// What is allowed and yet hardly meant, by place.
    pub warnings: Vec<TextError>,
}

/// Reads a scenario and the files that it names; `origin` is its own file, for errors and for its name.
///
/// All errors come at once, by place; only where the text is not YAML does reading end at the first. Places in files
/// beside the scenario are told by these files' names, as seen from where `origin` is seen from.
pub fn read(origin: &str, text: &str, files: &dyn Files) -> Result<Read, TextErrors> {
    let mut findings = Findings::new(Texts::new(["default"]));
    let mut context = Context::new(origin, files);
    let mut policy = None;
    let scenario = document(origin, text, &mut findings).and_then(|node| {
        let fields = node.fields(&SCENARIO, &mut findings)?;
        let scenario = scenario(origin, &fields, &mut context, &mut findings);
        policy = fields.get("policy").and_then(|node| judge(node, scenario.as_ref(), &mut context, &mut findings));
        scenario
    });
    let no_errors = findings.no_errors() && context.errors.is_empty();
    let mut found = findings.sorted();
    found.extend(context.errors);
    match scenario {
        Some(scenario) if no_errors => Ok(Read { scenario, policy, warnings: found }),
        _ => Err(TextErrors(found)),
    }
}

/// The only document of a text, with what it leaves out.
fn document(origin: &str, text: &str, findings: &mut Findings) -> Option<Node> {
    let too_long = text.len() > LONGEST_TEXT;
    let source = findings.texts.add(origin, if too_long { "" } else { text }, Layer::File);
    if too_long {
        let message = format!("the scenario is longer than {LONGEST_TEXT} bytes (4 MiB)");
        findings.whole_file(source, Kind::TooMuch, message, "put series into a CSV file beside it: `csv: { file: … }`");
        return None;
    }
    let mut documents = yaml::read(source, text, "a scenario", findings).into_iter();
    let first = documents.next();
    if let Some(second) = documents.next() {
        let message = "this is a second scenario; a file has one";
        findings.add(Kind::TooMuch, second.place, message, "put each into a file of its own");
    }
    let Some(mut node) = first else {
        if findings.no_errors() {
            let help = "a scenario begins with `scenario: 1`; docs/scenario.md has the grammar";
            findings.whole_file(source, Kind::Missing, "there is no scenario in the file", help);
        }
        return None;
    };
    complete(&mut node, &Shape::Map(&SCENARIO), 0);
    Some(node)
}

/// What reading needs to know and has found beside the text itself.
struct Context<'f> {
    files: &'f dyn Files,
    /// Where the scenario is, as a beginning of paths.
    folder: String,
    begins: Timestamp,
    lasts: Duration,
    /// By name, with the number by which places name it; `None` where there is none.
    texts: BTreeMap<String, Option<(u32, Arc<str>)>>,
    /// What others found wrong with their files.
    errors: Vec<TextError>,
}

impl<'f> Context<'f> {
    fn new(origin: &str, files: &'f dyn Files) -> Self {
        let folder = origin.rfind(['/', '\\']).map_or("", |end| &origin[..=end]).to_owned();
        let lasts = super::grammar::LONGEST;
        Self { files, folder, begins: BEGINS, lasts, texts: BTreeMap::new(), errors: Vec::new() }
    }

    /// The text of the file that `node` names; that there is none is said at every place that names it.
    fn text(&mut self, node: &Node, what: &str, findings: &mut Findings) -> Option<(u32, Arc<str>)> {
        let file = node.text(what, "web.csv", findings)?;
        if let Some(Some(known)) = self.texts.get(file) {
            return Some(known.clone());
        }
        let read = self.files.text(file).and_then(|text| match text.len() {
            0..=LONGEST_SERIES => Ok(text),
            _ => Err(format!("it is longer than {LONGEST_SERIES} bytes (256 MiB)")),
        });
        let known = match read {
            Ok(text) => {
                let text: Arc<str> = text.into();
                Some((findings.texts.add(format!("{}{file}", self.folder), &*text, Layer::File), text))
            }
            Err(why) => {
                let message = format!("the file {} cannot be read: {why}", quote(file));
                let help = "paths are relative to the scenario's own file";
                findings.add(Kind::Missing, node.place, message, help);
                None
            }
        };
        self.texts.insert(file.to_owned(), known.clone());
        known
    }
}

fn scenario(origin: &str, fields: &Fields<'_>, context: &mut Context<'_>, findings: &mut Findings) -> Option<Scenario> {
    let version = fields.required("scenario", findings).and_then(|_| fields.whole("scenario", findings));
    let mut words = |key| fields.get(key).map_or(Some(String::new()), |node| words(node, key, findings));
    let (about, from) = (words("about"), words("from"));
    let service = fields.required("service", findings).and_then(|node| name_of_service(node, findings));
    let begins = fields.get("begins").and_then(|node| moment(node, "`begins`", findings));
    let lasts = fields.required("lasts", findings).and_then(|_| fields.duration("lasts", findings));
    (context.begins, context.lasts) = (begins.unwrap_or(context.begins), lasts.unwrap_or(context.lasts));
    let every = fields.duration("every", findings);
    if every.zip(lasts).is_some_and(|(every, lasts)| every > lasts) {
        let place = place_of(fields, "every");
        findings.add(Kind::Conflict, place, "`every` is longer than the scenario `lasts`", "write `1s`");
    }
    let seed = fields.get("seed").and_then(|node| seed(node, findings));
    let replicas = fields.required("replicas", findings).and_then(|node| replicas(node, findings));
    let objective = fields.get("objective").and_then(|node| objective(node, findings));
    let play = fields.one_of("load", findings).and_then(|entry| match entry.key.as_str() {
        "load" => load::load(&entry.value, context, findings).map(|load| Play::Load(Box::new(load))),
        _ => load::signals(&entry.value, context, findings).map(Play::Signals),
    });
    let faults = fields.get("faults").map_or(Some(Vec::new()), |node| events::faults(node, context.lasts, findings));
    let open = fields.get("load").is_none() && fields.get("signals").is_some();
    let judged = events::Judged {
        lasts: context.lasts,
        open_loop: open,
        latency: objective.is_none_or(|objective| objective.latency.is_some()),
    };
    let expect = fields.get("expect").map_or(Some(Vec::new()), |node| events::expect(node, &judged, findings));
    let policy = fields.get("policy").map_or(Some(None), |node| words_of_file(node, findings).map(Some));
    version?;
    Some(Scenario {
        name: name(origin),
        about: about?,
        from: from?,
        service: service?,
        begins: begins?,
        lasts: lasts?,
        every: every?,
        seed: seed?,
        replicas: replicas?,
        policy: policy?,
        objective: objective?,
        play: play?,
        faults: faults?,
        expect: expect?,
    })
}

/// A scenario's name: its file's, without the ending.
fn name(origin: &str) -> String {
    let file = origin.rsplit(['/', '\\']).next().unwrap_or(origin);
    let name = file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml")).unwrap_or(file);
    name.strip_suffix(".scenario").unwrap_or(name).to_owned()
}

fn words(node: &Node, key: &str, findings: &mut Findings) -> Option<String> {
    node.text(&format!("`{key}`"), "A flash crowd", findings).map(|text| text.trim_end().to_owned())
}

fn words_of_file(node: &Node, findings: &mut Findings) -> Option<String> {
    node.text("`policy`", "web.policy.yaml", findings).map(ToOwned::to_owned)
}

fn seed(node: &Node, findings: &mut Findings) -> Option<u64> {
    let text = node.text("`seed`", "7", findings)?;
    let seed = text.parse().ok().filter(|_| !text.starts_with('+'));
    if seed.is_none() {
        let message = format!("`seed` is {}; allowed: a whole number from 0 to {}", quote(text), u64::MAX);
        findings.add(Kind::BadValue, node.place, message, "such as `7`");
    }
    seed
}

fn name_of_service(node: &Node, findings: &mut Findings) -> Option<Service> {
    let text = node.text("`service`", "shop/web", findings)?;
    if let Some(service) = Service::parse(text) {
        return Some(service);
    }
    let message = format!("`service` is {}; allowed: `project/service` or `host/project/service`", quote(text));
    findings.add(Kind::BadValue, node.place, message, "one service, without patterns: `shop/web`");
    None
}

impl Service {
    /// `project/service` or `host/project/service`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let right = |part: &&str| {
            let known = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            !part.is_empty() && part.len() <= 255 && part.chars().all(known)
        };
        match parts.as_slice() {
            _ if !parts.iter().all(right) => None,
            [project, service] => Some(Self::of("", project, service)),
            [host, project, service] => Some(Self::of(host, project, service)),
            _ => None,
        }
    }

    fn of(host: &str, project: &str, service: &str) -> Self {
        Self { host: host.to_owned(), project: project.to_owned(), service: service.to_owned() }
    }
}

fn replicas(node: &Node, findings: &mut Findings) -> Option<Replicas> {
    let fields = node.fields(&REPLICAS, findings)?;
    let min = fields.whole("min", findings);
    let max = fields.required("max", findings).and_then(|_| fields.whole("max", findings));
    let start = match fields.get("start") {
        Some(_) => fields.whole("start", findings),
        None => min,
    };
    let replicas = Replicas { start: start?, min: min?, max: max? };
    let Replicas { start, min, max } = replicas;
    let conflict = if min > max {
        Some(("min", format!("`min` is {min}, and `max` is {max}")))
    } else if start < min || start > max {
        Some(("start", format!("`start` is {start}, which is not from `min` {min} to `max` {max}")))
    } else {
        None
    };
    if let Some((key, message)) = conflict {
        let place = fields.get(key).or(fields.get("max")).map_or(node.place, |node| node.place);
        findings.add(Kind::Conflict, place, message, "`min` is at most `start`, and `start` at most `max`");
        return None;
    }
    Some(replicas)
}

fn objective(node: &Node, findings: &mut Findings) -> Option<Objective> {
    let fields = node.fields(&OBJECTIVE, findings)?;
    let idle = fields.get("idle_per_missing");
    let idle = idle.and_then(|node| number(node, "`idle_per_missing`", f64::MIN_POSITIVE..=1e6, findings));
    let latency = match fields.get("latency") {
        None => Some(None),
        Some(node) => latency(node, findings).map(Some),
    };
    Some(Objective { latency: latency?, idle_per_missing: idle? })
}

fn latency(node: &Node, findings: &mut Findings) -> Option<LatencyObjective> {
    let example = "{ p95: 250ms }";
    let Value::Map(entries) = &node.value else {
        node.wrong_shape("`latency`", "a map of one quantile", example, findings);
        return None;
    };
    let [entry] = entries.as_slice() else {
        let message = format!("`latency` has {} quantiles; it is one", entries.len());
        findings.add(Kind::WrongShape, node.place, message, format!("such as `{example}`"));
        return None;
    };
    let quantile = quantile(&entry.key);
    if quantile.is_none() {
        let message = format!("{} is no quantile", quote(&entry.key));
        findings.add(Kind::Unknown, entry.key_place, message, "write `p50`, `p95` or `p99`, for example");
    }
    let below = units::seconds(&entry.value, &format!("`{}`", entry.key), findings);
    Some(LatencyObjective { quantile: quantile?, below: below? })
}

/// The share that `p95` means; above 0 and below 1.
fn quantile(text: &str) -> Option<f64> {
    let percent = text.strip_prefix('p').filter(|digits| digits.starts_with(|c: char| c.is_ascii_digit()))?;
    percentage(&format!("{percent}%")).filter(|share| *share > 0.0 && *share < 1.0)
}

/// The policy for the scenario's service, in the file that `node` names.
fn judge(
    node: &Node,
    scenario: Option<&Scenario>,
    context: &mut Context<'_>,
    findings: &mut Findings,
) -> Option<Policy> {
    let (_, text) = context.text(node, "`policy`", findings)?;
    let file = node.text("`policy`", "web.policy.yaml", findings)?;
    let origin = format!("{}{file}", context.folder);
    let policies = match policy_file::parse(&origin, &text) {
        Ok(read) => read.policies,
        Err(errors) => {
            context.errors.extend(errors.0);
            return None;
        }
    };
    let service = &scenario?.service;
    let names = |policy: &&Policy| {
        let host =
            if service.host.is_empty() { policy.services.host.as_deref().unwrap_or_default() } else { &service.host };
        policy.services.matches(host, &service.project, &service.service)
    };
    let found = policies.iter().find(names).cloned();
    if found.is_none() {
        let of: Vec<String> = policies.iter().take(5).map(|policy| format!("`{}`", policy.services)).collect();
        let message = format!("{} has no policy for the service `{service}`, but for {}", quote(file), of.join(", "));
        let help = "name the service of the scenario in it, or say another `service:` here";
        findings.add(Kind::Conflict, node.place, message, help);
    }
    found
}

/// Where something stands, if it was written; else where the whole is.
fn place_of(fields: &Fields<'_>, key: &str) -> Place {
    fields.entry(key).map_or(fields.place, |entry| entry.key_place)
}
