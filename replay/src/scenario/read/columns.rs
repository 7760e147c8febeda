//! A column of a CSV file as a series.

use std::{sync::Arc, time::Duration};

use autoscaler::{
    text::{
        Findings, Kind, Node, Place, listed, nearest, quote,
        values::{decimal, moment_text},
    },
    time::spoken,
};

use super::{
    super::{Columns, Gaps, Series},
    Context,
    rows::{Lines, Numbers, Row, millis, reader},
};

/// From so many lines on it is looked at whether they are evenly spaced.
const EVEN: usize = 10;

/// What is wanted of a file.
pub(super) struct Wanted<'n> {
    pub(super) file: &'n Node,
    pub(super) time: &'n Node,
    pub(super) value: &'n Node,
    pub(super) gaps: Gaps,
    pub(super) scale: f64,
    pub(super) may_be_negative: bool,
}

pub(super) fn read(wanted: &Wanted<'_>, context: &mut Context<'_>, findings: &mut Findings) -> Option<Columns> {
    let (time, value) =
        (wanted.time.text("`time`", "time", findings)?, wanted.value.text("`value`", "value", findings)?);
    let (source, text) = context.text(wanted.file, "`file`", findings)?;
    let file = wanted.file.text("`file`", "web.csv", findings)?;
    let numbers = header(&text, file, source, wanted, findings)?;
    let lines = Lines {
        text: &text,
        source,
        begins: context.begins,
        millis: time.ends_with("_ms"),
        may_be_negative: wanted.may_be_negative,
    };
    let mut rows = lines.read(numbers, findings)?;
    let even = spacing(&rows);
    cut(&mut rows, file, source, even, context, findings)?;
    let series = series(&rows, even, wanted, findings)?;
    Some(Columns {
        file: file.to_owned(),
        time: time.to_owned(),
        value: value.to_owned(),
        gaps: wanted.gaps,
        scale: wanted.scale,
        series,
    })
}

/// Where the columns are, by the first line.
fn header(text: &str, file: &str, source: u32, wanted: &Wanted<'_>, findings: &mut Findings) -> Option<Numbers> {
    let mut reader = reader(text);
    let names: Vec<&str> = reader.headers().ok()?.iter().collect();
    if names.iter().all(|name| name.is_empty()) {
        findings.whole_file(
            source,
            Kind::Missing,
            "the file is empty",
            "its first line names its columns: `time,value`",
        );
        return None;
    }
    if names.iter().all(|name| decimal(name).is_some()) {
        let message = "the first line names no columns: it has numbers only";
        findings.whole_file(source, Kind::Missing, message, "put a line such as `time,value` before it");
        return None;
    }
    let mut find = |node: &Node| {
        let name = node.text("a column", "value", findings)?;
        let mut at = names.iter().enumerate().filter(|(_, known)| **known == name).map(|(at, _)| at);
        match (at.next(), at.next()) {
            (Some(only), None) => return Some(only),
            (Some(_), Some(_)) => {
                let message = format!("{} has two columns {}", quote(file), quote(name));
                findings.add(Kind::Conflict, place_in(node, wanted), message, "give them different names");
            }
            (None, _) => {
                let message =
                    format!("{} has no column {}; it has: {}", quote(file), quote(name), listed(names.clone()));
                let help = match nearest(name, names.iter().copied()) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None if names.len() == 1 && names[0].contains([';', '\t', '|']) => {
                        "separate cells by commas".to_owned()
                    }
                    None => "name the columns: `csv: { file: …, time: …, value: … }`".to_owned(),
                };
                findings.add(Kind::Unknown, place_in(node, wanted), message, help);
            }
        }
        None
    };
    let (time, value) = (find(wanted.time), find(wanted.value));
    let width = names.len();
    Some(Numbers { time: time?, value: value?, width })
}

/// Where a column is named; that of the file where nobody names one.
fn place_in(node: &Node, wanted: &Wanted<'_>) -> Place {
    if node.place.is_built_in() { wanted.file.place } else { node.place }
}

/// The span between lines, if nearly all of them have the same.
fn spacing(rows: &[Row]) -> Option<i64> {
    if rows.len() < EVEN {
        return None;
    }
    let mut spans: Vec<i64> = rows.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    spans.sort_unstable();
    let usual = spans[spans.len() / 2];
    let alike = spans.iter().filter(|span| (**span - usual).abs() * 10 <= usual).count();
    (alike * 10 >= spans.len() * 9).then_some(usual)
}

/// Leaves out the lines before the scenario and behind it, and says so.
fn cut(
    rows: &mut Vec<Row>,
    file: &str,
    source: u32,
    even: Option<i64>,
    context: &Context<'_>,
    findings: &mut Findings,
) -> Option<()> {
    let (all, lasts) = (rows.len(), millis(context.lasts));
    let Some((first, last)) = rows.first().zip(rows.last()).map(|(first, last)| (first.at, last.at)) else {
        findings.whole_file(
            source,
            Kind::Missing,
            "the file has no line but the header",
            "put lines such as `0,40` below it",
        );
        return None;
    };
    if first >= lasts || last < 0 && even.is_some() {
        let begins = as_date(i64::try_from(context.begins.as_millis()).unwrap_or(i64::MAX) + first);
        let message =
            format!("no line of {} is within the scenario, which lasts {}", quote(file), spoken(context.lasts));
        findings.whole_file(
            source,
            Kind::Conflict,
            message,
            format!("its first line is at {begins}: `begins: {begins}`"),
        );
        return None;
    }
    // The last line before the beginning says what holds at the beginning.
    let before = rows.partition_point(|row| row.at <= 0).saturating_sub(1);
    rows.drain(..before);
    if let Some(row) = rows.first_mut() {
        row.at = row.at.max(0);
    }
    let within = rows.partition_point(|row| row.at < lasts);
    let behind = rows.len() - within;
    rows.truncate(within);
    let mut warn = |message: String, help: &str| findings.whole_file(source, Kind::PartOfSeries, message, help);
    if before + behind > 0 {
        let message = format!("of {all} lines {before} are before the scenario and {behind} behind it, and not played");
        warn(message, "`begins` and `lasts` say which part is played");
    }
    if let Some(even) = even {
        if first > 2 * even {
            warn(
                format!("the first line is at {}; its value holds before it, too", told(first)),
                "`begins` can be later",
            );
        }
        if last + 2 * even < lasts {
            let message = format!("the last line is at {}; its value holds to the end at {}", told(last), told(lasts));
            warn(message, "let the scenario last as long as what it plays");
        }
    }
    Some(())
}

fn told(millis: i64) -> String {
    spoken(Duration::from_millis(u64::try_from(millis).unwrap_or_default()))
}

fn as_date(millis: i64) -> String {
    moment_text(autoscaler::Timestamp::from_millis(u64::try_from(millis).unwrap_or_default()))
}

/// The series; where lines are evenly spaced and one is missing there is a gap.
fn series(rows: &[Row], even: Option<i64>, wanted: &Wanted<'_>, findings: &mut Findings) -> Option<Series> {
    let (mut at, mut values) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    // When, where, and what is not there.
    let mut gaps: Vec<(i64, Place, &str)> = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        at.push(row.at);
        values.push(row.value.map(|value| value * wanted.scale));
        if row.value.is_none() {
            gaps.push((row.at, row.place, "value"));
        }
        let next = rows.get(number + 1).map(|next| next.at);
        if let Some((even, next)) = even.zip(next).filter(|(even, next)| (next - row.at) * 2 > even * 3) {
            gaps.push((row.at + even, row.place, "line"));
            at.push(row.at + even);
            values.push(None);
            debug_assert!(row.at + even < next, "the gap is before the next line");
        }
    }
    if let (Gaps::Refuse, Some((first, place, what))) = (wanted.gaps, gaps.first().copied()) {
        let more = if gaps.len() == 1 { String::new() } else { format!("; the first of {} gaps", gaps.len()) };
        let message = format!("there is no {what} at {}{more}", told(first));
        let help = "say with `gaps` what that means: `hold` the value before it, `zero`, or `linear`";
        findings.add(Kind::Missing, place, message, help);
        return None;
    }
    if values.iter().all(Option::is_none) {
        findings.add(Kind::Missing, wanted.value.place, "the column has no value at all", "name another one");
        return None;
    }
    let at: Arc<[Duration]> =
        at.into_iter().map(|at| Duration::from_millis(u64::try_from(at).unwrap_or_default())).collect();
    Some(Series { at, values: values.into() })
}
