//! Rules that go by the clock, by another service, or by an expression.

use std::time::Duration;

use super::{Read, Scope, activate};
use crate::{
    calendar::{Calendar, CalendarError, Dates, Weekdays, Zone, parse_date},
    formula::Formula,
    policy::{FormulaRule, Order, Ratio, RuleKind, Schedule, Scheduled},
    policy_file::{
        grammar::{policy::MOST_REPLICAS, rules},
        quantity::Measure,
        signals::{expression, without_signals},
    },
    text::{
        Fields, Findings, Kind, Node, Value, quote,
        values::{whole, word},
    },
};

pub(super) fn schedule(node: &Node, _: &Scope<'_>, findings: &mut Findings) -> Option<Read> {
    let fields = node.fields(&rules::SCHEDULE, findings)?;
    let sets = fields.required("replicas", findings).and_then(|node| scheduled(node, findings));
    let calendar = calendar(&fields, findings);
    let schedule = Schedule { calendar: calendar?, replicas: sets? };
    Some(Read::new(RuleKind::Schedule(schedule), node.place))
}

fn scheduled(node: &Node, findings: &mut Findings) -> Option<Scheduled> {
    if !matches!(node.value, Value::Map(_)) {
        let count = whole(node, "`replicas`", &(0..=MOST_REPLICAS), findings)?;
        return Some(Scheduled { min: Some(count), max: Some(count) });
    }
    let fields = node.fields(&rules::SCHEDULED, findings)?;
    let [min, max] = ["min", "max"].map(|key| fields.get(key).map(|_| fields.whole(key, findings)));
    if min.is_none() && max.is_none() {
        fields.missing("what to set, `min` or `max`,", &["min", "max"], findings);
        return None;
    }
    let given = |value: Option<Option<u32>>| value.map_or(Some(None), |value| value.map(Some));
    let (min, max) = (given(min)?, given(max)?);
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        let message = "`min` is more than `max`";
        findings.add(Kind::Conflict, fields.get("min")?.place, message, "swap them");
    }
    Some(Scheduled { min, max })
}

fn calendar(fields: &Fields<'_>, findings: &mut Findings) -> Option<Calendar> {
    let zone: Option<Zone> = parsed(fields.get("timezone"), "`timezone`", "Europe/Oslo", findings);
    let except = except(fields.get("except"), findings);
    let [daily, between] =
        ["daily", "between"].map(|key| parsed(fields.get(key), &format!("`{key}`"), "22:00-06:00", findings));
    let days = match fields.get("days") {
        Some(node) => weekdays(node, findings),
        None => Some(Weekdays::ALL),
    };
    let time = fields.one_of("cron", findings)?;
    let complete = zone.is_some() && except.is_some();
    // What has an error of its own must not keep the rest from being told.
    let (zone, except) = (zone.or_else(|| "UTC".parse().ok())?, except.unwrap_or_default());
    for (key, with) in [("for", "cron"), ("days", "daily"), ("between", "on")] {
        if let Some(entry) = fields.entry(key).filter(|_| time.key != with) {
            let message = format!("`{key}` goes with `{with}`, not with `{}`", time.key);
            findings.add(Kind::Conflict, entry.key_place, message, "leave it out");
        }
    }
    let mut has_length = true;
    let made = match time.key.as_str() {
        "cron" => {
            let text = time.value.text("`cron`", "0 8 * * mon-fri", findings);
            fields.required("for", findings);
            let lasts = fields.duration("for", findings);
            has_length = lasts.is_some();
            Calendar::cron(text?, lasts.unwrap_or(Duration::from_hours(1)), zone, except)
        }
        "daily" => Calendar::daily(daily?, days?, zone, except),
        _ => {
            let text = time.value.text("`on`", "2026-11-27", findings)?;
            has_length = between.is_some() || fields.get("between").is_none();
            let hours = between.or_else(|| "00:00-24:00".parse().ok())?;
            match parse_date(text) {
                Ok(date) => Calendar::on(date, hours, zone, except),
                Err(error) => Err(error),
            }
        }
    };
    made.map_err(|error| refuse(&time.value, error, findings)).ok().filter(|_| complete && has_length)
}

fn refuse(node: &Node, CalendarError { message, help }: CalendarError, findings: &mut Findings) {
    findings.add(Kind::BadValue, node.place, message, help);
}

pub(super) fn parsed<T>(node: Option<&Node>, what: &str, example: &str, findings: &mut Findings) -> Option<T>
where
    T: std::str::FromStr<Err = CalendarError>,
{
    let node = node?;
    node.text(what, example, findings)?.parse().map_err(|error| refuse(node, error, findings)).ok()
}

/// `mon-fri`, `sat,sun` or a list of such.
fn weekdays(node: &Node, findings: &mut Findings) -> Option<Weekdays> {
    let Value::List(items) = &node.value else { return parsed(Some(node), "`days`", "mon-fri", findings) };
    let days: Vec<Option<Weekdays>> =
        items.iter().map(|item| parsed(Some(item), "`days`", "mon-fri", findings)).collect();
    days.into_iter().collect::<Option<Vec<_>>>()?.into_iter().reduce(Weekdays::and)
}

pub(super) fn except(node: Option<&Node>, findings: &mut Findings) -> Option<Vec<Dates>> {
    let Some(node) = node else { return Some(Vec::new()) };
    let one = |node: &Node, findings: &mut Findings| parsed(Some(node), "`except`", "2026-12-25", findings);
    match &node.value {
        Value::List(items) => {
            let dates: Vec<Option<Dates>> = items.iter().map(|item| one(item, findings)).collect();
            dates.into_iter().collect()
        }
        _ => Some(vec![one(node, findings)?]),
    }
}

pub(super) fn ratio(node: &Node, _: &Scope<'_>, findings: &mut Findings) -> Option<Read> {
    let fields = node.fields(&rules::RATIO, findings)?;
    let of = fields.required("of", findings).and_then(|node| other_service(node, findings));
    let for_each = fields.whole("for_each", findings);
    let replicas = fields.whole("replicas", findings);
    let orders = [("together", Order::Together), ("first", Order::First)];
    let order = fields.get("order").and_then(|node| word(node, "`order`", &orders, findings));
    let rule = Ratio { of: of?, for_each: for_each?, replicas: replicas?, order: order? };
    Some(Read::new(RuleKind::Ratio(rule), fields.get("of")?.place))
}

/// That a formula of nothing but numbers and replicas is not below 0.
fn check_count(formula: &Formula, node: &Node, findings: &mut Findings) {
    let values = without_signals(formula);
    if !values.is_empty() && values.iter().all(|value| value.as_ref().is_ok_and(|value| *value < 0.0)) {
        let message = format!("`replicas` is {}, which is below 0", quote(formula.text()));
        findings.add(Kind::BadValue, node.place, message, "such as `ceil(queue.jobs / 20)`");
    }
}

fn other_service(node: &Node, findings: &mut Findings) -> Option<String> {
    let text = node.text("`of`", "web", findings)?;
    let parts: Vec<&str> = text.split('/').collect();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let fine = |part: &&str| !part.is_empty() && part.chars().all(allowed);
    if parts.len() <= 2 && parts.iter().all(fine) {
        return Some(text.to_owned());
    }
    let message =
        format!("`of` is {}; allowed: one service, `service` of the same project or `project/service`", quote(text));
    findings.add(Kind::BadValue, node.place, message, "such as `web` or `shop/web`");
    None
}

pub(super) fn formula(node: &Node, scope: &Scope<'_>, findings: &mut Findings) -> Option<Read> {
    let fields = node.fields(&rules::FORMULA, findings)?;
    let replicas = fields.required("replicas", findings);
    let formula = replicas.and_then(|node| expression(node, "`replicas`", findings));
    if let (Some(formula), Some(node)) = (&formula, replicas) {
        scope.signals.check_names(formula, node, true, findings);
        check_count(formula, node, findings);
    }
    let window = fields.duration("window", findings);
    let activate = activate(&fields, (None, Measure::Unknown), findings);
    let rule = FormulaRule { replicas: formula?, window: window? };
    Some(Read { activate: activate?, ..Read::new(RuleKind::Formula(rule), replicas?.place) })
}
