//! What goes wrong, and what is expected.

use std::time::Duration;

use autoscaler::{
    text::{
        Fields, Findings, Kind, Node,
        values::{number, share, word},
    },
    time::spoken,
};

use super::{
    super::{
        Expectation, Expected, Fault, What,
        grammar::events::{COST, COUNT, EXPECT, FAULT, PART_OF},
    },
    place_of,
    units::{may, may_span, must, must_span, seconds},
};

/// The most faults, and the most expectations.
const MOST: usize = 1000;

/// Keys that say more about a fault, and the one that they belong to.
const MORE: [(&str, &str); 5] =
    [("by", "samples"), ("signals", "samples"), ("takes", "deploy"), ("cpu", "deploy"), ("count", "replicas")];
/// Faults that last: `for` must be there.
const LASTING: [&str; 5] = ["host", "agent", "samples", "starts", "neighbour"];
/// Faults that are over at once: `for` must not be there.
const AT_ONCE: [&str; 3] = ["compose_up", "deploy", "replicas"];

pub(in crate::scenario) const EXPECTED: [(&str, Expected); 10] = [
    ("replicas", Expected::Replicas),
    ("ready", Expected::Ready),
    ("changes", Expected::Changes),
    ("reversals", Expected::Reversals),
    ("late", Expected::Late),
    ("lost", Expected::Lost),
    ("short", Expected::Short),
    ("waiting", Expected::Waiting),
    ("replica_hours", Expected::ReplicaHours),
    ("cost", Expected::Cost),
];

/// The faults by time.
pub(super) fn faults(node: &Node, lasts: Duration, findings: &mut Findings) -> Option<Vec<Fault>> {
    let items = few(node, "`faults`", "[{ at: 10m, for: 2m, host: lost }]", findings)?;
    let read: Vec<_> = items.iter().map(|item| fault(item, lasts, findings)).collect();
    let mut faults = read.into_iter().collect::<Option<Vec<_>>>()?;
    faults.sort_by_key(|fault| fault.at);
    Some(faults)
}

fn few<'n>(node: &'n Node, what: &str, example: &str, findings: &mut Findings) -> Option<&'n [Node]> {
    let items = node.items(what, example, findings)?;
    if items.len() <= MOST {
        return Some(items);
    }
    findings.add(
        Kind::TooMuch,
        node.place,
        format!("{what} has {} items; at most {MOST} are allowed", items.len()),
        "",
    );
    None
}

fn fault(node: &Node, lasts: Duration, findings: &mut Findings) -> Option<Fault> {
    let fields = node.fields(&FAULT, findings)?;
    let at = must_span(&fields, "at", findings);
    let in_time = at.is_none_or(|at| before_the_end(&fields, "at", at, lasts, findings));
    let key = fields.one_of("host", findings)?.key.as_str();
    for (more, of) in MORE {
        // The grammar fills in nothing here: what is there was written.
        if let Some(entry) = fields.entry(more).filter(|_| of != key) {
            let message = format!("`{more}` does nothing beside `{key}`; it belongs to `{of}`");
            findings.add(Kind::Conflict, entry.key_place, message, "leave it out");
        }
    }
    match fields.entry("for") {
        None if LASTING.contains(&key) => fields.missing("`for`", &["for"], findings),
        Some(entry) if AT_ONCE.contains(&key) => {
            let message = format!("`for` does nothing beside `{key}`, which is over at once");
            findings.add(Kind::Conflict, entry.key_place, message, "leave it out");
        }
        _ => {}
    }
    let span = may_span(&fields, "for", findings);
    let what = what(key, &fields, findings);
    in_time.then_some(())?;
    Some(Fault { at: at?, lasts: span?.unwrap_or_default(), what: what? })
}

fn what(key: &str, fields: &Fields<'_>, findings: &mut Findings) -> Option<What> {
    let mut only = |name: &str, means: What| {
        let node = fields.get(key)?;
        word(node, &format!("`{key}`"), &[(name, ())], findings).map(|()| means)
    };
    match key {
        "host" => only("lost", What::HostLost),
        "agent" => only("silent", What::AgentSilent),
        "controller" => only("restarted", What::ControllerRestarted),
        "starts" => only("fail", What::StartsFail),
        "samples" => samples(fields, findings),
        "compose_up" => fields.whole("compose_up", findings).map(|replicas| What::ComposeUp { replicas }),
        "deploy" => {
            only("rolling", What::StartsFail)?;
            let (takes, cpu) = (may(fields, "takes", findings, seconds), may(fields, "cpu", findings, seconds));
            Some(What::Deploy { takes: takes?, cpu: cpu? })
        }
        "neighbour" => must(fields, key, findings, |node, what, findings| share(node, what, 0.0..=0.99, findings))
            .map(|share| What::Neighbour { share }),
        _ => {
            only("die", What::StartsFail)?;
            let count = if fields.get("count").is_some() { fields.whole("count", findings) } else { Some(1) };
            Some(What::ReplicasDie { count: count? })
        }
    }
}

fn samples(fields: &Fields<'_>, findings: &mut Findings) -> Option<What> {
    let late = word(fields.get("samples")?, "`samples`", &[("late", true), ("missing", false)], findings)?;
    let in_vain = if late { "signals" } else { "by" };
    if let Some(entry) = fields.entry(in_vain) {
        let (said, other) = if late { ("late", "missing") } else { ("missing", "late") };
        let message = format!("`{in_vain}` does nothing beside `samples: {said}`; it belongs to `samples: {other}`");
        findings.add(Kind::Conflict, entry.key_place, message, "leave it out");
    }
    if late {
        return must_span(fields, "by", findings).map(|by| What::SamplesLate { by });
    }
    let Some(node) = fields.get("signals") else { return Some(What::SamplesMissing { signals: Vec::new() }) };
    let items = node.items("`signals`", "[cpu]", findings)?;
    let signals: Vec<_> =
        items.iter().map(|item| item.text("a signal", "cpu", findings).map(ToOwned::to_owned)).collect();
    Some(What::SamplesMissing { signals: signals.into_iter().collect::<Option<Vec<_>>>()? })
}

/// Whether a moment is before the end of the scenario, with a finding where it is not.
pub(super) fn before_the_end(
    fields: &Fields<'_>,
    key: &str,
    at: Duration,
    lasts: Duration,
    findings: &mut Findings,
) -> bool {
    if at >= lasts {
        let message = format!("`{key}` is {}, and the scenario ends at {}", spoken(at), spoken(lasts));
        let place = fields.get(key).map_or(fields.place, |node| node.place);
        findings.add(Kind::Conflict, place, message, "move it before the end, or let the scenario last longer");
    }
    at < lasts
}

/// What expectations are held against.
pub(super) struct Judged {
    pub(super) lasts: Duration,
    /// Nothing is served, so that nothing can be late.
    pub(super) open_loop: bool,
    /// There is an objective.
    pub(super) latency: bool,
}

pub(super) fn expect(node: &Node, judged: &Judged, findings: &mut Findings) -> Option<Vec<Expectation>> {
    let items = few(node, "`expect`", "[{ changes: { most: 12 } }]", findings)?;
    let read: Vec<_> = items.iter().map(|item| expectation(item, judged, findings)).collect();
    read.into_iter().collect()
}

fn expectation(node: &Node, judged: &Judged, findings: &mut Findings) -> Option<Expectation> {
    let fields = node.fields(&EXPECT, findings)?;
    let entry = fields.one_of("replicas", findings)?;
    let what = EXPECTED.iter().find(|(name, _)| *name == entry.key).map(|(_, what)| *what)?;
    let is_share = matches!(what, Expected::Late | Expected::Lost | Expected::Short | Expected::Cost);
    let needs_load = is_share || matches!(what, Expected::Ready | Expected::Waiting);
    if judged.open_loop && needs_load {
        let message = format!("`{}` cannot be judged where signals are played back: nothing is served", entry.key);
        findings.add(Kind::Conflict, entry.key_place, message, "expect `replicas`, `changes` or `reversals`");
    }
    if what == Expected::Late && !judged.latency {
        let message = "`late` cannot be judged without an objective";
        let help = "say what is late, `objective: { latency: { p95: 250ms } }`, or expect `lost`";
        findings.add(Kind::Conflict, entry.key_place, message, help);
    }
    let map = match what {
        Expected::Cost => &COST,
        _ if is_share => &PART_OF,
        _ => &COUNT,
    };
    let fields = entry.value.fields(map, findings)?;
    let bound = |node: &Node, what: &str, findings: &mut Findings| {
        let most = if matches!(map.what, "a bound on the cost") { 1000.0 } else { 1.0 };
        if is_share { share(node, what, 0.0..=most, findings) } else { number(node, what, 0.0..=1e12, findings) }
    };
    let (least, most) = (may(&fields, "least", findings, bound), may(&fields, "most", findings, bound));
    if fields.get("least").or(fields.get("most")).is_none() {
        fields.missing("`least` or `most`", &["least", "most"], findings);
    }
    let after = if what == Expected::Cost { Some(Duration::ZERO) } else { fields.duration("after", findings) };
    let until = may_span(&fields, "until", findings);
    let expectation = Expectation { what, least: least?, most: most?, after: after?, until: until? };
    can_be_judged(&expectation, &fields, judged.lasts, findings).then_some(expectation)
}

fn can_be_judged(it: &Expectation, fields: &Fields<'_>, lasts: Duration, findings: &mut Findings) -> bool {
    let (after, end) = (spoken(it.after), spoken(lasts));
    let conflict = if it.after >= lasts {
        Some(("after", format!("`after` is {after}, and the scenario ends at {end}: this can never be judged")))
    } else if let Some(until) = it.until.filter(|until| *until <= it.after) {
        Some((
            "until",
            format!("`until` is {}, which is not behind `after` {after}: this can never be judged", spoken(until)),
        ))
    } else if let Some(until) = it.until.filter(|until| *until > lasts) {
        Some(("until", format!("`until` is {}, and the scenario ends at {end}", spoken(until))))
    } else if it.least.zip(it.most).is_some_and(|(least, most)| least > most) {
        Some(("most", "`most` is below `least`: this can never be met".to_owned()))
    } else {
        None
    };
    let Some((key, message)) = conflict else { return true };
    findings.add(Kind::Conflict, place_of(fields, key), message, "look at the two numbers again");
    false
}
