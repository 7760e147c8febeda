//! Lines of cells: any CSV, Locust's history, k6's points.

use std::io::BufRead;

use csv::{ReaderBuilder, StringRecord};

use super::{
    ImportError, Kind, Notes, Options, TimeFormat, k6, moment,
    steps::{Row, Steps},
};

/// Any CSV: a column of moments and one of values.
pub(super) fn csv(input: impl BufRead, options: &Options, notes: &mut Notes) -> Result<Steps, ImportError> {
    let mut table = Table::new(input, notes)?;
    let time = table.asked("the moments", options.time.as_deref(), "--time", notes)?;
    let value = table.asked("the values", options.value.as_deref(), "--value", notes)?;
    let kind = kind(options, notes)?;
    let mut steps = Steps::of_rows(kind, options);
    while let Some(line) = table.next(notes)? {
        let at = table.moment(time, options.time_format.as_ref(), line, options, notes)?;
        let row = Row { at, value: table.number(value, line, notes), ..Row::default() };
        notes.used += u64::from(row.value.is_some());
        steps.row(row, line, options, notes)?;
    }
    Ok(steps)
}

/// What values are, which no file says.
pub(super) fn kind(options: &Options, notes: &Notes) -> Result<Kind, ImportError> {
    let what = match (options.kind, options.per) {
        (Some(Kind::Rate), None) => "the span that its rate is per is not known",
        (Some(kind), _) => return Ok(kind),
        (None, _) => "it does not say what its values are: rate, gauge, count since the row before, or counter",
    };
    let allowed = "--kind rate --per 1s|1m|1h, --kind gauge, --kind count, --kind counter";
    Err(notes.error(what, allowed, "a value that only ever grows is a counter"))
}

/// Locust's `_stats_history.csv`: the lines of all requests together.
pub(super) fn locust(input: impl BufRead, options: &Options, notes: &mut Notes) -> Result<Steps, ImportError> {
    let mut table = Table::new(input, notes)?;
    let find = |name: &str| table.column(name).ok_or_else(|| table.no_column(name, "--format", notes));
    let (time, name) = (find("Timestamp")?, find("Name")?);
    let value = find(if options.users { "User Count" } else { "Requests/s" })?;
    let failures = find("Failures/s")?;
    let quantiles = [table.column("50%"), table.column("95%"), table.column("99%")];
    notes.say("of response times the median stands for the mean, which Locust has for the whole run only");
    let mut steps = Steps::of_rows(if options.users { Kind::Gauge } else { Kind::Rate }, &without_per(options));
    while let Some(line) = table.next(notes)? {
        if !["Aggregated", "Total"].contains(&table.cell(name)) {
            notes.skip(line, "one of several endpoints, which are in the line of all of them");
            continue;
        }
        let format = options.time_format.as_ref().unwrap_or(&TimeFormat::Seconds);
        let at = table.moment(time, Some(format), line, options, notes)?;
        let seconds = quantiles.map(|column| {
            column.and_then(|column| table.cell(column).parse::<f64>().ok()).map(|millis| millis / 1000.0)
        });
        let latency = match seconds {
            [Some(median), Some(p95), Some(p99)] => Some([median, p95, p99]),
            _ => None,
        };
        let errors = if options.users { None } else { table.number(failures, line, notes) };
        let row = Row { at, value: table.number(value, line, notes), errors, latency };
        notes.used += u64::from(row.value.is_some());
        steps.row(row, line, options, notes)?;
    }
    Ok(steps)
}

/// Locust's rates are per second whatever the options say.
fn without_per(options: &Options) -> Options {
    Options { per: None, ..options.clone() }
}

/// k6's `--out csv`: one line for each point of each metric.
pub(super) fn k6(input: impl BufRead, options: &Options, notes: &mut Notes) -> Result<Steps, ImportError> {
    let mut table = Table::new(input, notes)?;
    let find = |name: &str| table.column(name).ok_or_else(|| table.no_column(name, "--format", notes));
    let (metric, time, value) = (find("metric_name")?, find("timestamp")?, find("metric_value")?);
    let status = table.column("status");
    let mut points = k6::Points::new(options);
    while let Some(line) = table.next(notes)? {
        let format = options.time_format.as_ref().unwrap_or(&TimeFormat::Seconds);
        let at = table.moment(time, Some(format), line, options, notes)?;
        let Some(value) = table.number(value, line, notes) else { continue };
        let status = status.map(|column| table.cell(column)).unwrap_or_default();
        points.point(table.cell(metric), at, value, status, line, notes);
    }
    Ok(points.finish(notes))
}

/// A reader that knows its columns and the record that it is at.
struct Table<R> {
    reader: csv::Reader<R>,
    names: StringRecord,
    record: StringRecord,
}

impl<R: BufRead> Table<R> {
    fn new(input: R, notes: &Notes) -> Result<Self, ImportError> {
        let mut reader = ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(input);
        let names = reader.headers().map_err(|error| failed(&error, notes))?.clone();
        if !names.is_empty() && names.iter().all(|name| name.parse::<f64>().is_ok()) {
            let cure = "put a line such as `time,value` before it";
            return Err(notes.error_at(1, "the first line names no columns: it has numbers only", "names", cure));
        }
        Ok(Self { reader, names, record: StringRecord::new() })
    }

    /// Goes to the next record and says in which line it is.
    fn next(&mut self, notes: &mut Notes) -> Result<Option<u64>, ImportError> {
        loop {
            let more = self.reader.read_record(&mut self.record);
            let line = self.record.position().map_or(0, csv::Position::line);
            match more {
                Ok(false) => return Ok(None),
                Ok(true) => notes.read += 1,
                Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                    notes.read += 1;
                    notes.skip(line, "the line is not UTF-8");
                    continue;
                }
                Err(error) => return Err(failed(&error, notes)),
            }
            if self.record.len() == self.names.len() {
                return Ok(Some(line));
            }
            notes.skip(line, "the line has another number of cells than the first");
        }
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// A column that an option names.
    fn asked(&self, what: &str, name: Option<&str>, option: &str, notes: &Notes) -> Result<usize, ImportError> {
        let Some(name) = name else {
            let what = format!("which column has {what} is not said");
            return Err(notes.error_at(1, what, &format!("{option} {}", self.all()), "name it"));
        };
        self.column(name).ok_or_else(|| self.no_column(name, option, notes))
    }

    fn no_column(&self, name: &str, option: &str, notes: &Notes) -> ImportError {
        let cure = if self.names.len() == 1 && self.names[0].contains([';', '\t', '|']) {
            "separate cells by commas".to_owned()
        } else {
            format!("choose with {option}")
        };
        notes.error_at(1, format!("there is no column `{name}`"), &self.all(), &cure)
    }

    fn all(&self) -> String {
        self.names.iter().take(50).collect::<Vec<_>>().join("|")
    }

    fn cell(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default()
    }

    fn moment(
        &self,
        column: usize,
        format: Option<&TimeFormat>,
        line: u64,
        options: &Options,
        notes: &Notes,
    ) -> Result<i64, ImportError> {
        let text = self.cell(column);
        moment::parse(text, format, options.zone).map_err(|failed| moment::error(&failed, text, line, options, notes))
    }

    /// A number, or a gap that is counted.
    fn number(&self, column: usize, line: u64, notes: &mut Notes) -> Option<f64> {
        let text = self.cell(column);
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => return Some(number),
            Ok(number) if number < 0.0 => notes.skip(line, "the value is below zero: a gap"),
            Ok(_) => notes.skip(line, "the value is not a number (NaN, infinite): a gap"),
            Err(_) if ["", "N/A", "null", "-"].contains(&text) => notes.skip(line, "there is no value: a gap"),
            Err(_) => notes.skip(line, "the value is no number: a gap"),
        }
        None
    }
}

fn failed(error: &csv::Error, notes: &Notes) -> ImportError {
    let line = error.position().map(csv::Position::line);
    let cure = "look whether it is CSV, in UTF-8, with cells separated by commas";
    ImportError { line, ..notes.error(format!("cannot be read: {error}"), "CSV", cure) }
}
