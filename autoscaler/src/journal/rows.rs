//! The rows of a journal: CSV with comments.

use std::borrow::Cow;

use super::JournalError;
use crate::Timestamp;

/// What every journal's rows are.
pub(super) const COLUMNS: [&str; 4] = ["at_ms", "what", "of", "value"];

/// One row.
#[derive(Debug)]
pub(super) struct Row<'t> {
    /// Its first line, from 1.
    pub(super) line: usize,
    pub(super) at: Timestamp,
    pub(super) what: Cow<'t, str>,
    pub(super) of: Cow<'t, str>,
    pub(super) value: Cow<'t, str>,
}

/// What stands between the commas of a row.
pub(super) type Fields<'t> = Vec<Cow<'t, str>>;

/// The rows of a text, by line; each that cannot be read is an error, and reading goes on below it.
#[derive(Clone, Debug)]
pub(super) struct Rows<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Rows<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { rest: text, line: 1 }
    }

    /// The next line that is neither empty nor a comment, in fields.
    pub(super) fn next_fields(&mut self) -> Option<(usize, Result<Fields<'t>, JournalError>)> {
        loop {
            let (first, below) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            if self.rest.is_empty() {
                return None;
            }
            if first.starts_with('#') || first.trim().is_empty() {
                self.line += 1;
                self.rest = below;
                continue;
            }
            let line = self.line;
            return Some((line, self.fields(line)));
        }
    }

    /// The fields of the row that begins here; the rest is behind it afterwards.
    fn fields(&mut self, line: usize) -> Result<Fields<'t>, JournalError> {
        let mut fields = Vec::with_capacity(COLUMNS.len());
        loop {
            let field = if let Some(quoted) = self.rest.strip_prefix('"') {
                self.quoted(quoted, line)?
            } else {
                let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
                let (field, rest) = self.rest.split_at(end);
                self.rest = rest;
                let ends_line = !rest.starts_with(',');
                Cow::Borrowed(if ends_line { field.strip_suffix('\r').unwrap_or(field) } else { field })
            };
            fields.push(field);
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
                continue;
            }
            self.rest = self.rest.strip_prefix('\r').unwrap_or(self.rest);
            if !(self.rest.is_empty() || self.rest.starts_with('\n')) {
                self.skip_line();
                return Err(error(line, "there is something behind the closing quote", "double a quote that is meant"));
            }
            self.skip_line();
            return Ok(fields);
        }
    }

    /// A field up to its closing quote. Without one nothing is left to be read.
    fn quoted(&mut self, quoted: &'t str, line: usize) -> Result<Cow<'t, str>, JournalError> {
        let mut from = 0;
        loop {
            let Some(quote) = quoted[from..].find('"').map(|at| from + at) else {
                self.line += quoted.matches('\n').count();
                self.rest = "";
                return Err(error(line, "the quote is never closed", "close it, or remove the line"));
            };
            if quoted[quote + 1..].starts_with('"') {
                from = quote + 2;
                continue;
            }
            let (field, rest) = (&quoted[..quote], &quoted[quote + 1..]);
            self.line += field.matches('\n').count();
            self.rest = rest;
            let doubled = field.contains('"');
            return Ok(if doubled { Cow::Owned(field.replace("\"\"", "\"")) } else { Cow::Borrowed(field) });
        }
    }

    fn skip_line(&mut self) {
        self.line += 1;
        self.rest = self.rest.split_once('\n').map_or("", |(_, below)| below);
    }
}

impl<'t> Iterator for Rows<'t> {
    type Item = Result<Row<'t>, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (line, fields) = self.next_fields()?;
        Some(fields.and_then(|fields| row(line, fields)))
    }
}

fn row(line: usize, fields: Fields<'_>) -> Result<Row<'_>, JournalError> {
    let count = fields.len();
    let Ok([at, what, of, value]) = <[Cow<'_, str>; 4]>::try_from(fields) else {
        let what = format!("{count} fields, but a row has {}", COLUMNS.len());
        return Err(error(line, what, "write `at_ms,what,of,value`, and in quotes what has a comma"));
    };
    let at = at.trim().parse().map(Timestamp::from_millis).map_err(|_| {
        let what = format!("`{at}` is no time");
        error(line, what, "write whole milliseconds since 1970-01-01 in UTC, for example 1800000000000")
    })?;
    Ok(Row { line, at, what, of, value })
}

pub(super) fn error(line: usize, what: impl Into<String>, help: impl Into<String>) -> JournalError {
    JournalError { line, what: what.into(), help: help.into() }
}
