//! What Prometheus answers to `query_range`.

use std::{collections::BTreeMap, io::BufRead};

use serde::Deserialize;

use super::{
    ImportError, Notes, Options,
    steps::{Row, Steps},
    table,
};

/// The longest answer that is read, in bytes. Prometheus itself gives 11,000 points of a series at most.
const LONGEST: u64 = 256 * 1024 * 1024;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    error: Option<String>,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    #[serde(default)]
    result: serde_json::Value,
}

#[derive(Deserialize)]
struct Series {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<(f64, String)>,
}

/// The one series, or the sum of those that there are.
pub(super) fn read(input: impl BufRead, options: &Options, notes: &mut Notes) -> Result<Steps, ImportError> {
    let kind = table::kind(options, notes)?;
    let all = series(input, notes)?;
    let count = all.len();
    let has = |series: &Series, (name, value): &(String, String)| series.metric.get(name) == Some(value);
    let (chosen, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|series| options.labels.iter().all(|label| has(series, label)));
    if !others.is_empty() && !chosen.is_empty() {
        notes.say(format!("{} of {count} series have the labels asked for", chosen.len()));
    }
    if chosen.is_empty() {
        let what = if count == 0 {
            "there are no series in it".to_owned()
        } else {
            format!("none of {count} series has these labels")
        };
        return Err(notes.error(what, &labels(&others), "look at the query and at --label"));
    }
    if chosen.len() > 1 && !options.sum {
        let what = format!("there are {} series", chosen.len());
        return Err(notes.error(
            what,
            &labels(&chosen),
            "choose one with --label name=value, or add them up with --sum",
        ));
    }
    let series = chosen.len();
    let mut steps = Steps::of_rows(kind, options);
    let mut incomplete = 0;
    let each = each_series(chosen, kind, notes);
    for (line, (at, (value, found))) in (1..).zip(together(&each)) {
        incomplete += u64::from(found < series);
        steps.row(Row { at, value, ..Row::default() }, line, options, notes)?;
    }
    if series > 1 {
        notes.say(format!("{series} series are added up; at {incomplete} moments not all of them had a value"));
    }
    Ok(steps)
}

fn series(input: impl BufRead, notes: &Notes) -> Result<Vec<Series>, ImportError> {
    let wrong = |error: &serde_json::Error| {
        let line = u64::try_from(error.line()).unwrap_or_default();
        let cure = "save the answer of /api/v1/query_range as it is; above 256 MiB, ask for less at a time";
        notes.error_at(line, format!("is no answer of Prometheus: {error}"), "resultType matrix", cure)
    };
    let answer: Answer = serde_json::from_reader(input.take(LONGEST)).map_err(|error| wrong(&error))?;
    if let Some(error) = answer.error {
        return Err(notes.error(format!("Prometheus answered with an error: {error}"), "", "mend the query"));
    }
    let Some(data) = answer.data else {
        return Err(notes.error(
            "has no `data`",
            "resultType matrix",
            "save the answer of /api/v1/query_range as it is",
        ));
    };
    if data.result_type != "matrix" {
        let what = format!("is the answer to one moment: resultType `{}`", data.result_type);
        return Err(notes.error(what, "resultType matrix", "ask /api/v1/query_range instead of /api/v1/query"));
    }
    serde_json::from_value(data.result).map_err(|error| wrong(&error))
}

/// Values of one series by moment; NaN, which marks a series as stale, is a gap.
type Points = BTreeMap<i64, Option<f64>>;

fn each_series(series: Vec<Series>, kind: super::Kind, notes: &mut Notes) -> Vec<Points> {
    let mut number = 0;
    let mut each = Vec::with_capacity(series.len());
    for series in series {
        let mut points = Points::new();
        for (at, text) in series.values {
            number += 1;
            notes.read += 1;
            #[expect(clippy::cast_possible_truncation, reason = "saturates; what is out of range is left out below")]
            let at = (at * 1000.0).round() as i64;
            if !(0..=i64::from(u32::MAX) * 1000).contains(&at) {
                notes.skip(number, "the moment is before 1970 or after 2106");
                continue;
            }
            let value = text.parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0);
            if value.is_some() {
                notes.used += 1;
            } else {
                notes.skip(number, "the value is NaN (stale), infinite or below zero: a gap; points count as lines");
            }
            points.insert(at, value);
        }
        each.push(points);
    }
    if kind == super::Kind::Counter && each.len() > 1 {
        notes.say("counters are added up before their differences are taken: where one begins anew all seem to");
    }
    each
}

/// The sum of the values that there are, and how many there are, by moment.
fn together(each: &[Points]) -> BTreeMap<i64, (Option<f64>, usize)> {
    let mut sums: BTreeMap<i64, (Option<f64>, usize)> = BTreeMap::new();
    for (at, value) in each.iter().flatten() {
        let sum = sums.entry(*at).or_default();
        if let Some(value) = value {
            sum.0 = Some(sum.0.unwrap_or_default() + value);
            sum.1 += 1;
        }
    }
    sums
}

fn labels(series: &[Series]) -> String {
    let one = |series: &Series| {
        let labels: Vec<_> = series.metric.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        format!("{{{}}}", labels.join(", "))
    };
    let shown: Vec<_> = series.iter().take(10).map(one).collect();
    let more = if series.len() > 10 { " and others" } else { "" };
    format!("{}{more}", shown.join(" or "))
}
