//! The lines of a CSV file: a moment and a value of each, and what is wrong with them.

use std::time::Duration;

use autoscaler::{
    Timestamp,
    text::{
        Findings, Kind, Place, quote,
        values::{as_moment, decimal},
    },
};

/// So many findings of one file are told one by one; the others are counted.
const TOLD: usize = 5;
/// Numbers above this are milliseconds since 1970: as seconds they would be in the year 5138.
const MILLIS_SINCE_1970: f64 = 1e11;
/// Numbers of seconds above this are since 1970: as a span they would be more than three years.
const SECONDS_SINCE_1970: f64 = 1e8;

/// One line.
pub(super) struct Row {
    /// Milliseconds since the scenario began; negative before.
    pub(super) at: i64,
    /// Absent: the cell is empty.
    pub(super) value: Option<f64>,
    pub(super) place: Place,
}

/// The columns that are read, by their number.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    pub(super) time: usize,
    pub(super) value: usize,
    /// How many cells each line has.
    pub(super) width: usize,
}

/// What lines are read with.
pub(super) struct Lines<'t> {
    pub(super) text: &'t str,
    pub(super) source: u32,
    pub(super) begins: Timestamp,
    /// The column of moments is in milliseconds.
    pub(super) millis: bool,
    pub(super) may_be_negative: bool,
}

/// The reader of a file; its first line is the header.
pub(super) fn reader(text: &str) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes())
}

impl Lines<'_> {
    /// Every line that can be read, in the order of the file, which is that of time; `None` where one cannot.
    pub(super) fn read(&self, numbers: Numbers, findings: &mut Findings) -> Option<Vec<Row>> {
        let mut rows: Vec<Row> = Vec::new();
        let mut wrong = 0_usize;
        // Of the line as it is, read or not.
        let mut before: Option<(i64, usize)> = None;
        let skipped = self.text.len() - self.text.trim_start_matches('\u{feff}').len();
        let (mut counted, mut last) = ((0, 1), Place::default());
        for record in reader(self.text).into_records() {
            let Ok(record) = record else { break };
            let start = record.position().map_or(0, |at| usize::try_from(at.byte()).unwrap_or_default()) + skipped;
            let mut line = Line::at(self.text, self.source, start);
            let between = self.text.as_bytes().get(counted.0..line.start).unwrap_or_default();
            counted = (line.start, counted.1 + between.split(|byte| *byte == b'\n').count() - 1);
            line.number = counted.1;
            match self.row(&record, numbers, &line, before) {
                Ok(row) => {
                    before = Some((row.at, row.place.line));
                    rows.push(row);
                }
                Err(Wrong { place, message, help, at }) => {
                    before = at.map(|at| (at, place.line)).or(before);
                    wrong += 1;
                    last = place;
                    if wrong <= TOLD {
                        findings.add(Kind::BadValue, place, message, help);
                    }
                }
            }
        }
        if wrong > TOLD {
            let message = format!("{} more lines of this file cannot be read; this is the last one", wrong - TOLD);
            findings.add(Kind::BadValue, last, message, "cure the first ones; the others may be alike");
        }
        (wrong == 0).then_some(rows)
    }

    fn row(
        &self,
        record: &csv::StringRecord,
        numbers: Numbers,
        line: &Line<'_>,
        before: Option<(i64, usize)>,
    ) -> Result<Row, Wrong> {
        if record.len() != numbers.width {
            let cells = if record.len() == 1 { "1 cell".to_owned() } else { format!("{} cells", record.len()) };
            let message = format!("the line has {cells}, and the header names {} columns", numbers.width);
            return Err(Wrong::at(line.whole(), message, "write an empty cell for what is not known", None));
        }
        let cell = |number: usize| record.get(number).unwrap_or_default();
        let time = cell(numbers.time);
        let place = line.cell(record, numbers.time);
        let Some(at) = self.moment(time) else {
            let message = format!("{} is no moment", quote(time));
            let help = "write seconds, milliseconds, or `2026-11-21T12:00:00Z`";
            return Err(Wrong::at(place, message, help, None));
        };
        match before {
            Some((last, number)) if last == at => {
                let message = format!("the moment {} is that of line {number} again", quote(time));
                return Err(Wrong::at(place, message, "keep one line for each moment, or add them up", Some(at)));
            }
            Some((last, number)) if last > at => {
                let message = format!("the moment {} is before that of line {number}: time goes back", quote(time));
                let help = "sort the lines by time; where two recordings overlap, keep one of them";
                return Err(Wrong::at(place, message, help, Some(at)));
            }
            _ => {}
        }
        let text = cell(numbers.value);
        let place = line.cell(record, numbers.value);
        let value = match decimal(text.strip_prefix('+').unwrap_or(text)) {
            _ if text.is_empty() => None,
            Some(value) if value < 0.0 && !self.may_be_negative => {
                let message = format!("{} is below 0, and demand never is", quote(text));
                return Err(Wrong::at(place, message, "leave the cell empty if it is not known", Some(at)));
            }
            Some(value) => Some(value),
            None => {
                let message = format!("{} is no number", quote(text));
                return Err(Wrong::at(place, message, cure(text), Some(at)));
            }
        };
        Ok(Row { at, value, place })
    }

    /// Milliseconds since the scenario begins.
    #[expect(clippy::cast_possible_truncation, reason = "bounded to what 64 bits hold exactly")]
    fn moment(&self, text: &str) -> Option<i64> {
        let begins = i64::try_from(self.begins.as_millis()).ok()?;
        if let Some(number) = decimal(text) {
            let millis = if self.millis || number.abs() >= MILLIS_SINCE_1970 { number } else { number * 1000.0 };
            let millis = millis.round();
            if millis.abs() > 1e15 {
                return None;
            }
            let since_1970 = millis >= SECONDS_SINCE_1970 * 1000.0;
            return Some(millis as i64 - if since_1970 { begins } else { 0 });
        }
        as_moment(text).and_then(|at| Some(i64::try_from(at.as_millis()).ok()? - begins))
    }
}

/// The cure for what is no number.
fn cure(text: &str) -> String {
    let lower = text.to_lowercase();
    if matches!(lower.as_str(), "nan" | "null" | "none" | "-" | "n/a" | "na" | "inf" | "+inf" | "-inf") {
        return "leave the cell empty where there is no value, and say with `gaps` what that means".to_owned();
    }
    if let Some(number) = decimal(&text.replace(',', ".")) {
        return format!("write `{number}`: a point, not a comma");
    }
    "write plain numbers, without units; `per` and `scale` of `csv` convert them".to_owned()
}

/// What is wrong with a line.
struct Wrong {
    place: Place,
    message: String,
    help: String,
    /// Its moment, if that can be read.
    at: Option<i64>,
}

impl Wrong {
    fn at(place: Place, message: String, help: impl Into<String>, at: Option<i64>) -> Self {
        Self { place, message, help: help.into(), at }
    }
}

/// A line of the file, without comments and blank lines before it.
struct Line<'t> {
    text: &'t str,
    source: u32,
    /// From 1.
    number: usize,
    start: usize,
}

impl<'t> Line<'t> {
    /// The line of the record that begins at or behind `start`.
    fn at(text: &'t str, source: u32, start: usize) -> Self {
        let mut start = text.floor_char_boundary(start);
        loop {
            let rest = &text[start..];
            let end = rest.find('\n').map(|end| start + end + 1);
            let line = rest.lines().next().unwrap_or_default();
            match end {
                Some(end) if line.trim().is_empty() || line.starts_with('#') => start = end,
                _ => break,
            }
        }
        Self { text, source, number: 0, start }
    }

    fn whole(&self) -> Place {
        let length = self.text[self.start..].lines().next().map_or(0, str::len);
        Place { source: self.source, line: self.number, column: 1, start: self.start, end: self.start + length }
    }

    /// Where a cell is, by looking for it behind the ones before it.
    fn cell(&self, record: &csv::StringRecord, number: usize) -> Place {
        let line = self.text[self.start..].lines().next().unwrap_or_default();
        let mut from = 0;
        let mut length = 0;
        for cell in record.iter().take(number + 1) {
            let found = line.get(from + length..).and_then(|rest| rest.find(cell));
            from += length + found.unwrap_or_default();
            length = cell.len();
        }
        let before = line.get(..from).map_or(0, |before| before.chars().count());
        let start = self.start + from;
        Place { source: self.source, line: self.number, column: before + 1, start, end: start + length }
    }
}

/// A span in milliseconds.
pub(super) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
