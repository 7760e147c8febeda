//! Rows and counted requests, brought to steps of one length.

use std::{collections::BTreeMap, time::Duration};

use autoscaler::{Timestamp, time::spoken};

use super::{Format, ImportError, Imported, Notes, Options};
use crate::scenario::Gaps;

/// The most steps between the first and the last.
const MOST_STEPS: i64 = 2_000_000;
/// How many rows are looked at to find their usual distance.
const LOOKED_AT: usize = 1000;
/// The length of a step of counted requests where nobody says another.
const USUAL_STEP: i64 = 10_000;
/// Response times are kept in classes of which each is so much wider than the one before.
const CLASS: f64 = 1.02;

/// What the values of rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// So many per second, or per what `per` says: steps have the mean.
    Rate,
    /// Something that is there, such as users or cores: steps have the mean.
    Gauge,
    /// So many since the row before: steps have the sum, per second.
    Count,
    /// So many since the process began: the difference of rows, per second; it begins anew where it falls.
    Counter,
}

/// One step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step {
    /// Per second, or whatever a gauge is measured in; `None`: a gap.
    pub value: Option<f64>,
    /// Failed requests per second, where that is known.
    pub errors: Option<f64>,
    /// Mean, p95 and p99 of the response time in seconds, where that is known; to 1 %.
    pub latency: Option<[f64; 3]>,
    /// So many failed that the demand was probably higher than what was recorded.
    pub censored: bool,
}

/// What has been read so far.
#[derive(Debug)]
pub(super) struct Steps {
    /// The length of a step in milliseconds; absent as long as rows are looked at.
    every: Option<i64>,
    /// Where steps are counted from; the first row, if it is rows.
    origin: i64,
    /// Rows that are as far apart as steps may be a little early or late.
    rounds: bool,
    kind: Kind,
    /// What makes values ones per second.
    scale: f64,
    looked_at: Vec<Row>,
    cells: BTreeMap<i64, Cell>,
    last: Option<Row>,
    resets: u64,
}

/// What one line says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Row {
    pub(super) at: i64,
    pub(super) value: Option<f64>,
    pub(super) errors: Option<f64>,
    pub(super) latency: Option<[f64; 3]>,
}

#[derive(Clone, Debug, Default)]
struct Cell {
    sum: f64,
    rows: u32,
    errors: Option<f64>,
    /// Of rows.
    latency: Option<[f64; 3]>,
    /// Of counted requests: so many of each class, and their sum in seconds.
    classes: BTreeMap<i32, u32>,
    latency_sum: f64,
}

impl Steps {
    /// For requests that are counted one by one.
    pub(super) fn of_requests(options: &Options) -> Self {
        Self { every: Some(every(options).unwrap_or(USUAL_STEP)), ..Self::of_rows(Kind::Count, options) }
    }

    /// For rows with a value each.
    pub(super) fn of_rows(kind: Kind, options: &Options) -> Self {
        let per = options.per.map_or(1.0, |per| per.as_secs_f64().max(1e-9));
        Self {
            every: None,
            origin: 0,
            rounds: false,
            kind,
            scale: if kind == Kind::Rate { 1.0 / per } else { 1.0 },
            looked_at: Vec::new(),
            cells: BTreeMap::new(),
            last: None,
            resets: 0,
        }
    }

    /// One request, which failed or not, and took so many seconds.
    pub(super) fn request(&mut self, at: i64, failed: Option<bool>, seconds: Option<f64>) {
        self.count(at, 1.0, failed.map(|failed| f64::from(u8::from(failed))));
        if let Some(seconds) = seconds {
            self.response(at, seconds);
        }
    }

    /// So many requests, of which so many failed.
    pub(super) fn count(&mut self, at: i64, requests: f64, failed: Option<f64>) {
        let cell = self.cell(at);
        cell.sum += requests;
        cell.rows += 1;
        cell.errors = add(cell.errors, failed);
    }

    /// So many failed, of requests that were counted already.
    pub(super) fn failed(&mut self, at: i64, failed: f64) {
        let cell = self.cell(at);
        cell.errors = add(cell.errors, Some(failed));
    }

    /// A response time.
    #[expect(clippy::cast_possible_truncation, reason = "a logarithm of a positive number is small")]
    pub(super) fn response(&mut self, at: i64, seconds: f64) {
        let cell = self.cell(at);
        cell.latency_sum += seconds;
        *cell.classes.entry((seconds.max(1e-6).ln() / CLASS.ln()).round() as i32).or_default() += 1;
    }

    fn cell(&mut self, at: i64) -> &mut Cell {
        let every = self.every.unwrap_or(USUAL_STEP).max(1);
        self.cells.entry(at.div_euclid(every)).or_default()
    }

    /// One row; they come in order, each moment once.
    pub(super) fn row(&mut self, row: Row, line: u64, options: &Options, notes: &mut Notes) -> Result<(), ImportError> {
        if let Some(last) = self.last.filter(|last| row.at <= last.at) {
            let back = Duration::from_millis((last.at - row.at).unsigned_abs());
            let what = if row.at == last.at {
                "the same moment comes twice".to_owned()
            } else {
                format!("this moment is {} before that of the line before", spoken(back))
            };
            let cure = "sort it by time, or choose one series: several may be in one column";
            return Err(notes.error_at(line, what, "moments that ascend, each once", cure));
        }
        let before = self.last.replace(row);
        let row = match (self.kind, before) {
            (Kind::Counter, None) => return Ok(()),
            (Kind::Counter, Some(before)) => self.since(before, row),
            _ => row,
        };
        if self.every.is_some() {
            self.place(row);
        } else {
            self.looked_at.push(row);
            if self.looked_at.len() >= LOOKED_AT {
                self.settle(options, notes);
            }
        }
        Ok(())
    }

    /// Says how long steps are, for the rows that were read.
    pub(super) fn settle_as(&mut self, every: i64) {
        let rows = std::mem::take(&mut self.looked_at);
        self.every = Some(every);
        self.origin = rows.first().map_or(0, |row| row.at);
        for row in rows {
            self.place(row);
        }
    }

    /// What a counter counted from one row to the next, per second.
    fn since(&mut self, before: Row, row: Row) -> Row {
        let seconds = (row.at - before.at) as f64 / 1000.0;
        let value = before.value.zip(row.value).map(|(before, now)| {
            let fell = now < before;
            self.resets += u64::from(fell);
            (if fell { now } else { now - before }) / seconds
        });
        Row { at: before.at, value, ..row }
    }

    /// Finds the length of steps, and places the rows that it was found by.
    fn settle(&mut self, options: &Options, notes: &mut Notes) {
        let rows = std::mem::take(&mut self.looked_at);
        let mut distances: Vec<i64> = rows.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
        distances.sort_unstable();
        let usual = distances.get(distances.len() / 2).copied().unwrap_or(1000).max(1);
        let every = every(options).unwrap_or_else(|| {
            notes.say(format!("steps are {} long, the usual distance of its rows", spoken(millis(usual))));
            usual
        });
        if every < usual {
            notes.say(format!(
                "rows are {} apart, and steps of {} between them are gaps: --every {} has none of these",
                spoken(millis(usual)),
                spoken(millis(every)),
                spoken(millis(usual))
            ));
        }
        self.rounds = every <= usual.saturating_mul(3) / 2;
        self.looked_at = rows;
        self.settle_as(every);
    }

    fn place(&mut self, row: Row) {
        let every = self.every.unwrap_or(USUAL_STEP).max(1);
        let since = row.at - self.origin + if self.rounds { every / 2 } else { 0 };
        let cell = self.cells.entry(since.div_euclid(every)).or_default();
        if let Some(value) = row.value {
            cell.sum += value * self.scale;
            cell.rows += 1;
        }
        cell.errors = add(cell.errors, row.errors);
        cell.latency = row.latency.or(cell.latency);
    }

    /// All steps from the first to the last.
    pub(super) fn finish(
        mut self,
        format: Format,
        options: &Options,
        mut notes: Notes,
    ) -> Result<Imported, ImportError> {
        if self.every.is_none() {
            self.settle(options, &mut notes);
        }
        let every = self.every.unwrap_or(USUAL_STEP).max(1);
        let ends = self.cells.keys().next().copied().zip(self.cells.keys().next_back().copied());
        let Some((first, last)) = ends else {
            return Err(nothing(&notes));
        };
        let count = last - first + 1;
        if count > MOST_STEPS {
            let what = format!("from first to last there are {count} steps of {}", spoken(millis(every)));
            let allowed = format!("{MOST_STEPS} steps");
            let cure = "the unit of its moments is another one (--time-format), or steps have to be longer (--every)";
            return Err(notes.error(what, &allowed, cure));
        }
        if self.resets > 0 {
            notes.say(format!("the counter began anew {} times", self.resets));
        }
        let gaps = self.gaps(first, count, format, options, &mut notes)?;
        let seconds = every as f64 / 1000.0;
        let mut steps: Vec<Step> = (first..=last).map(|step| self.step(self.cells.get(&step), gaps, seconds)).collect();
        censor(&mut steps, options.censored_from, &mut notes);
        let begins = u64::try_from(self.origin + first * every).unwrap_or_default();
        Ok(Imported {
            format,
            begins: Timestamp::from_millis(begins),
            every: millis(every),
            gaps,
            users: options.users && format == Format::Locust,
            steps,
            notes,
        })
    }

    /// What gaps mean, and what is said about them.
    fn gaps(
        &self,
        first: i64,
        count: i64,
        format: Format,
        options: &Options,
        notes: &mut Notes,
    ) -> Result<Gaps, ImportError> {
        let with_value = self.cells.values().filter(|cell| cell.rows > 0).count();
        let empty = count - i64::try_from(with_value).unwrap_or(count);
        let gaps = options.gaps.unwrap_or(if format.counts() { Gaps::Zero } else { Gaps::Refuse });
        if empty == 0 {
            return Ok(gaps);
        }
        let every = self.every.unwrap_or(USUAL_STEP);
        let at = (first..=first.saturating_add(count))
            .find(|step| self.cells.get(step).is_none_or(|cell| cell.rows == 0))
            .unwrap_or(first);
        let offset = spoken(millis((at - first) * every));
        if gaps == Gaps::Refuse {
            let what = format!("{empty} of {count} steps have no value; the first is {offset} after the beginning");
            let cure = "say what a gap means with --gaps, or make steps longer with --every";
            return Err(notes.error(what, "--gaps hold|zero|linear", cure));
        }
        let chosen =
            if options.gaps.is_none() { ", since single requests are counted (--gaps says otherwise)" } else { "" };
        let meaning = match gaps {
            Gaps::Zero => "count as zero",
            Gaps::Hold => "have the value before them",
            _ => "are on a straight line between their neighbours",
        };
        notes.say(format!(
            "{empty} of {count} steps have no value, the first {offset} after the beginning: they {meaning}{chosen}"
        ));
        Ok(gaps)
    }

    fn step(&self, cell: Option<&Cell>, gaps: Gaps, seconds: f64) -> Step {
        let counted = self.kind == Kind::Count;
        let Some(cell) = cell.filter(|cell| cell.rows > 0 || counted && cell.errors.is_some()) else {
            // A gap stays one in the file; the scenario says what it means.
            let value = (counted && gaps == Gaps::Zero).then_some(0.0);
            return Step { value, ..Step::default() };
        };
        let value = if counted { cell.sum / seconds } else { cell.sum / f64::from(cell.rows) };
        let rate = if counted { 1.0 / seconds } else { 1.0 / f64::from(cell.rows) };
        Step {
            value: Some(value),
            errors: cell.errors.map(|errors| errors * rate),
            latency: cell.latency.or_else(|| cell.quantiles()),
            censored: false,
        }
    }
}

impl Cell {
    fn quantiles(&self) -> Option<[f64; 3]> {
        let count: u32 = self.classes.values().sum();
        if count == 0 {
            return None;
        }
        let at = |share: f64| {
            let mut left = share * f64::from(count);
            for (class, requests) in &self.classes {
                left -= f64::from(*requests);
                if left <= 0.0 {
                    return CLASS.powi(*class);
                }
            }
            0.0
        };
        Some([self.latency_sum / f64::from(count), at(0.95), at(0.99)])
    }
}

/// Marks the steps in which so many failed that more would have come.
fn censor(steps: &mut [Step], from: f64, notes: &mut Notes) {
    for step in steps.iter_mut() {
        let failed = step.errors.zip(step.value);
        step.censored = failed.is_some_and(|(errors, all)| errors > 0.0 && errors >= from * all);
    }
    let censored = steps.iter().filter(|step| step.censored).count();
    if censored > 0 {
        notes.say(format!(
            "{censored} of {} steps are marked as censored: {}% or more of their requests failed, so that demand was at \
             least what is recorded",
            steps.len(),
            (from * 1000.0).round() / 10.0
        ));
    }
}

fn nothing(notes: &Notes) -> ImportError {
    let most = notes.skipped.iter().max_by_key(|(_, skipped)| skipped.count);
    let (line, why) = most.map_or((None, "there is nothing in it".to_owned()), |(why, skipped)| {
        (Some(skipped.first), format!("none of {} lines could be used; most: {why}", notes.read))
    });
    ImportError { line, ..notes.error(why, "", "choose another format with --format") }
}

fn every(options: &Options) -> Option<i64> {
    options.every.map(|every| i64::try_from(every.as_millis()).unwrap_or(i64::MAX / 4).clamp(1, i64::MAX / 4))
}

fn millis(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

fn add(sum: Option<f64>, more: Option<f64>) -> Option<f64> {
    match (sum, more) {
        (Some(sum), Some(more)) => Some(sum + more),
        (sum, more) => sum.or(more),
    }
}
