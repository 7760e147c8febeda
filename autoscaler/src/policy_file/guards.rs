//! `guards`: what holds or bends what the rules want.

mod missing;

use super::{
    grammar::{
        guards as maps,
        policy::{LARGEST_SHARE, MOST_REPLICAS},
    },
    quantity::{self, Bounds, Measure},
    rules::{signal, signal_of, threshold_step},
    signals::ReadSignals,
};
use crate::{
    policy::{
        Bound, Budget, BusyEndpoint, CrashLoop, DirectionGuards, Guards, Headroom, Rate, Removal, Select, StepSize,
        Strain, StrainLevel, Tolerance, Victim, Worse,
    },
    text::{
        Fields, Findings, Kind, Node, Place, Value,
        grammar::Map,
        quote,
        values::{boolean, duration, number, percentage, share, word},
    },
};

/// Guards, and where what warnings are about is given.
#[derive(Clone, Debug)]
pub(super) struct ReadGuards {
    pub(super) guards: Guards,
    pub(super) places: GuardPlaces,
    /// Of each of its budgets.
    pub(super) budget_places: Vec<Place>,
}

/// Where guards are given; built in where they are not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GuardPlaces {
    pub(super) up_cooldown: Place,
    pub(super) down_stabilize: Place,
    pub(super) up_at_most: Place,
    pub(super) down_at_most: Place,
    pub(super) up_select: Place,
    pub(super) down_select: Place,
}

/// `tolerance` of either way, for the targets that do not say.
pub(super) fn tolerance(node: &Node, findings: &mut Findings) -> Tolerance {
    let Value::Map(entries) = &node.value else { return Tolerance::both(0.1) };
    let [up, down] = ["up", "down"].map(|key| {
        let direction = &entries.iter().find(|entry| entry.key == key)?.value;
        let Value::Map(entries) = &direction.value else { return None };
        let node = &entries.iter().find(|entry| entry.key == "tolerance")?.value;
        share(node, "`tolerance`", 0.0..=10.0, findings)
    });
    Tolerance { up: up.unwrap_or(0.1), down: down.unwrap_or(0.1) }
}

/// `None` if something that must be there is not or has an error.
pub(super) fn read(node: &Node, signals: &ReadSignals, findings: &mut Findings) -> Option<ReadGuards> {
    let fields = node.fields(&maps::GUARDS, findings)?;
    if let Some(node) = fields.get("base") {
        let bases = [("default", ()), ("none", ()), ("kubernetes-hpa", ())];
        word(node, "`base`", &bases, findings);
    }
    let up = direction(&fields, "up", &maps::UP, findings);
    let down = direction(&fields, "down", &maps::DOWN, findings);
    let inner = fields.get("down").and_then(|node| node.fields(&maps::DOWN, findings));
    let removal = inner.as_ref().and_then(|fields| removal(fields, findings));
    let unless = inner.as_ref().and_then(|fields| unless(fields.get("unless"), signals, findings));
    let undone =
        fields.get("undone").and_then(|node| word(node, "`undone`", &[("hold", true), ("allow", false)], findings));
    let missing = fields.get("missing").and_then(|node| missing::read(node, signals, findings));
    let warm_up = fields.duration("warm_up", findings);
    let stale_after = fields.duration("stale_after", findings);
    let implausible = or_off(&fields, "implausible", |node| share(node, "`implausible`", 0.01..=1.0, findings));
    let crash_loop = or_off(&fields, "crash_loop", |node| crash_loop(node, findings));
    let kill_budget = or_off(&fields, "kill_budget", |node| rate(node, "`kill_budget`", findings));
    let headroom = or_off(&fields, "headroom", |node| headroom(node, findings)).map(Option::unwrap_or_default);
    let budgets = budgets(fields.get("budgets"), findings);
    let worse = or_off(&fields, "worse", |node| worse(node, signals, findings));
    let manual = fields.duration("manual", findings);
    let (budgets, budget_places) = budgets?;
    let places = GuardPlaces {
        up_cooldown: up.as_ref()?.1.cooldown,
        down_stabilize: down.as_ref()?.1.stabilize,
        up_at_most: up.as_ref()?.1.at_most,
        down_at_most: down.as_ref()?.1.at_most,
        up_select: up.as_ref()?.1.select,
        down_select: down.as_ref()?.1.select,
    };
    let guards = Guards {
        up: up?.0,
        down: down?.0,
        undone: undone?,
        unless: unless?,
        worse: worse?,
        missing: missing?,
        warm_up: warm_up?,
        stale_after: stale_after?,
        implausible: implausible?,
        crash_loop: crash_loop?,
        kill_budget: kill_budget?,
        headroom: headroom?,
        budgets,
        manual: manual?,
        removal: removal?,
    };
    Some(ReadGuards { guards, places, budget_places })
}

/// What `read` makes of the value of `key`, unless it is `off`.
#[expect(clippy::option_option, reason = "the outer one is an error, the inner one is `off`")]
fn or_off<T>(fields: &Fields<'_>, key: &str, read: impl FnOnce(&Node) -> Option<T>) -> Option<Option<T>> {
    let node = fields.get(key)?;
    if matches!(&node.value, Value::Text(text) if text == "off") { Some(None) } else { read(node).map(Some) }
}

struct DirectionPlaces {
    cooldown: Place,
    stabilize: Place,
    at_most: Place,
    select: Place,
}

/// The guards of one direction, and where they are given.
fn direction(
    fields: &Fields<'_>,
    key: &str,
    map: &'static Map,
    findings: &mut Findings,
) -> Option<(DirectionGuards, DirectionPlaces)> {
    let fields = fields.get(key)?.fields(map, findings)?;
    let cooldown = fields.duration("cooldown", findings);
    let stabilize = fields.duration("stabilize", findings);
    let at_most =
        fields.get("at_most").and_then(|node| each(node, findings, |node, findings| rate(node, "`at_most`", findings)));
    let words = [("widest", Select::Widest), ("narrowest", Select::Narrowest)];
    let select = fields.get("select").and_then(|node| word(node, "`select`", &words, findings));
    let step = match fields.entry("step") {
        Some(entry) => threshold_step(entry, findings).map(Some),
        None => Some(None),
    };
    let place = |key: &str| fields.get(key).map(|node| node.place).unwrap_or_default();
    let places = DirectionPlaces {
        cooldown: place("cooldown"),
        stabilize: place("stabilize"),
        at_most: place("at_most"),
        select: place("select"),
    };
    let guards =
        DirectionGuards { cooldown: cooldown?, stabilize: stabilize?, at_most: at_most?, select: select?, step: step? };
    Some((guards, places))
}

/// What `read` makes of every item of a list, or of one value; `None` if any has an error.
fn each<T>(
    node: &Node,
    findings: &mut Findings,
    mut read: impl FnMut(&Node, &mut Findings) -> Option<T>,
) -> Option<Vec<T>> {
    match &node.value {
        Value::List(items) => {
            let read: Vec<Option<T>> = items.iter().map(|item| read(item, findings)).collect();
            read.into_iter().collect()
        }
        _ => read(node, findings).map(|one| vec![one]),
    }
}

/// `4 per 15s` or `100% per 15s`.
fn rate(node: &Node, what: &str, findings: &mut Findings) -> Option<Rate> {
    use std::time::Duration;
    let text = node.text(what, "4 per 15s", findings)?;
    let parts = text.split_once(" per ").map(|(size, per)| (size.trim(), per.trim()));
    let size = parts.and_then(|(size, _)| match percentage(size) {
        Some(share) => Some(StepSize::Share(share)).filter(|_| share > 0.0 && share <= LARGEST_SHARE),
        None => size.parse().ok().filter(|count| (1..=MOST_REPLICAS).contains(count)).map(StepSize::Count),
    });
    if let (Some(size), Some((_, per))) = (size, parts) {
        let node = Node { place: node.place, value: Value::Text(per.to_owned()) };
        let allowed = Duration::from_secs(1)..=Duration::from_hours(1);
        return duration(&node, &format!("the period of {what}"), &allowed, findings).map(|per| Rate { size, per });
    }
    let message = format!(
        "{what} is {}; allowed: a number of replicas from 1 on, or a percentage above 0%, `per` a duration",
        quote(text)
    );
    findings.add(Kind::BadValue, node.place, message, "such as `4 per 15s` or `100% per 1m`");
    None
}

fn removal(fields: &Fields<'_>, findings: &mut Findings) -> Option<Removal> {
    let drain = fields.get("drain").map(|_| fields.duration("drain", findings));
    let victims = fields.get("victims").and_then(|node| each(node, findings, victim));
    let busy = fields.get("busy").map(|node| busy(node, findings));
    Some(Removal {
        drain: drain.map_or(Some(None), |drain| drain.map(Some))?,
        victims: victims?,
        busy: busy.map_or(Some(None), |busy| busy.map(Some))?,
    })
}

fn victim(node: &Node, findings: &mut Findings) -> Option<Victim> {
    const VICTIMS: [(&str, Victim); 4] = [
        ("obsolete", Victim::Obsolete),
        ("unhealthy", Victim::Unhealthy),
        ("idle", Victim::Idle),
        ("newest", Victim::Newest),
    ];
    // By its letters it is near to `obsolete`, which is another thing.
    if matches!(&node.value, Value::Text(text) if text == "oldest") {
        let message = "`victims` is `oldest`; allowed: `obsolete`, `unhealthy`, `idle`, `newest`";
        findings.add(Kind::BadValue, node.place, message, "age is no order here; `newest` goes by the highest number");
        return None;
    }
    word(node, "`victims`", &VICTIMS, findings)
}

fn busy(node: &Node, findings: &mut Findings) -> Option<BusyEndpoint> {
    let fields = node.fields(&maps::BUSY, findings)?;
    let port = fields.get("port").map(|_| fields.whole("port", findings).and_then(|port| u16::try_from(port).ok()));
    let path = super::signals::path(fields.get("path")?, findings);
    Some(BusyEndpoint { port: port.map_or(Some(None), |port| port.map(Some))?, path: path? })
}

fn unless(node: Option<&Node>, signals: &ReadSignals, findings: &mut Findings) -> Option<Vec<Strain>> {
    let Some(node) = node else { return Some(Vec::new()) };
    each(node, findings, |node, findings| {
        let fields = node.fields(&maps::STRAIN, findings)?;
        let (signal, measure) = signal(&fields, signals, findings);
        let name = signal.as_ref().map_or("", |name| name.as_str());
        let above =
            fields.get("above").map(|node| quantity::read(node, "`above`", name, measure, Bounds::Any, findings));
        let normal = fields.get("above_normal").map(|node| share(node, "`above_normal`", 0.01..=100.0, findings));
        let level = match fields.one_of("above", findings)?.key.as_str() {
            "above" => StrainLevel::Above(Bound { value: above??, inclusive: false }),
            _ => StrainLevel::AboveNormal(normal??),
        };
        Some(Strain { signal: signal?, level })
    })
}

fn crash_loop(node: &Node, findings: &mut Findings) -> Option<CrashLoop> {
    let fields = node.fields(&maps::CRASH_LOOP, findings)?;
    let restarts = fields.whole("restarts", findings);
    let within = fields.duration("within", findings);
    let roll_back = fields.get("roll_back").and_then(|node| boolean(node, "`roll_back`", findings));
    Some(CrashLoop { restarts: restarts?, within: within?, roll_back: roll_back? })
}

fn headroom(node: &Node, findings: &mut Findings) -> Option<Headroom> {
    let fields = node.fields(&maps::HEADROOM, findings)?;
    let cpu = fields.get("cpu").and_then(|node| quantity::reserve(node, "`headroom.cpu`", false, findings));
    let memory = fields.get("memory").and_then(|node| quantity::reserve(node, "`headroom.memory`", true, findings));
    Some(Headroom { cpu: cpu?, memory: memory? })
}

fn budgets(node: Option<&Node>, findings: &mut Findings) -> Option<(Vec<Budget>, Vec<Place>)> {
    let Some(node) = node else { return Some((Vec::new(), Vec::new())) };
    let Value::List(items) = &node.value else {
        let message = format!("`budgets` must be a list, not {}", node.found());
        findings.add(Kind::WrongShape, node.place, message, format!("such as `[{}]`", maps::BUDGET.example));
        return None;
    };
    let budgets: Vec<Option<Budget>> = items.iter().map(|item| budget(item, findings)).collect();
    Some((budgets.into_iter().collect::<Option<_>>()?, items.iter().map(|item| item.place).collect()))
}

fn budget(node: &Node, findings: &mut Findings) -> Option<Budget> {
    let fields = node.fields(&maps::BUDGET, findings)?;
    let name = fields.required("name", findings).and_then(|node| node.text("`name`", "db connections", findings));
    let total = fields.required("total", findings).and_then(|node| number(node, "`total`", 0.0..=1e12, findings));
    let reserve = fields.get("reserve").and_then(|node| number(node, "`reserve`", 0.0..=1e12, findings));
    let per_replica = fields.required("per_replica", findings);
    let per_replica = per_replica.and_then(|node| number(node, "`per_replica`", f64::MIN_POSITIVE..=1e12, findings));
    if let (Some(all), Some(kept)) = (total, reserve)
        && kept >= all
    {
        let given = fields.get("reserve").filter(|node| !node.place.is_built_in()).or(fields.get("total"));
        let message = format!("`reserve` is {kept} and `total` is {all}: nothing is left for replicas");
        findings.add(Kind::Conflict, given.map_or(fields.place, |node| node.place), message, "write a larger `total`");
    }
    Some(Budget { name: name?.to_owned(), total: total?, reserve: reserve?, per_replica: per_replica? })
}

fn worse(node: &Node, signals: &ReadSignals, findings: &mut Findings) -> Option<Worse> {
    let fields = node.fields(&maps::WORSE, findings)?;
    let (signal, _) = fields
        .required("signal", findings)
        .map_or((None, Measure::Unknown), |node| signal_of(node, "`signal`", signals, findings));
    let by = fields.get("by").and_then(|node| share(node, "`by`", 0.01..=100.0, findings));
    let within = fields.duration("within", findings);
    Some(Worse { signal: signal?, by: by?, within: within? })
}
