//! What is said about an import: errors with their cure, and what was left out.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, BufRead},
};

use thiserror::Error;

/// The longest line that is read, in bytes.
const LONGEST_LINE: usize = 1024 * 1024;

/// Why something cannot be read, and what can be done.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct ImportError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// What would be right; may be empty.
    pub allowed: String,
    /// What probably helps.
    pub cure: String,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)?;
        if !self.allowed.is_empty() {
            write!(f, "\n  allowed: {}", self.allowed)?;
        }
        write!(f, "\n  likely cure: {}", self.cure)
    }
}

/// What was read, what was left out and why, and what has to be known of the result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// The file.
    pub file: String,
    /// Lines, rows or points read.
    pub read: u64,
    /// Of these, used.
    pub used: u64,
    /// Left out, by the reason.
    pub skipped: BTreeMap<String, Skipped>,
    /// Everything else that has to be known.
    pub said: Vec<String>,
}

/// What was left out for one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// So many.
    pub count: u64,
    /// The line of the first.
    pub first: u64,
}

impl Notes {
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.said.push(text.into());
    }

    pub(super) fn skip(&mut self, line: u64, why: impl Into<String>) {
        let skipped = self.skipped.entry(why.into()).or_insert(Skipped { count: 0, first: line });
        skipped.count += 1;
    }

    pub(super) fn error(&self, what: impl Into<String>, allowed: &str, cure: &str) -> ImportError {
        ImportError {
            file: self.file.clone(),
            line: None,
            what: what.into(),
            allowed: allowed.to_owned(),
            cure: cure.to_owned(),
        }
    }

    pub(super) fn error_at(&self, line: u64, what: impl Into<String>, allowed: &str, cure: &str) -> ImportError {
        ImportError { line: Some(line), ..self.error(what, allowed, cure) }
    }

    /// All of it, one sentence a line.
    pub fn lines(&self) -> Vec<String> {
        let left_out: u64 = self.skipped.values().map(|skipped| skipped.count).sum();
        let mut lines = vec![format!("{}: {} read, {} used, {left_out} left out", self.file, self.read, self.used)];
        lines.extend(self.skipped.iter().map(|(why, skipped)| {
            format!("left out {}: {why} (first: {}:{})", skipped.count, self.file, skipped.first)
        }));
        lines.extend(self.said.iter().cloned());
        lines
    }
}

/// A look at the first bytes, which stay to be read; refuses what is not text.
pub(super) fn first_bytes(file: &str, input: &mut impl BufRead) -> Result<String, ImportError> {
    let notes = Notes::new(file);
    let bytes = input.fill_buf().map_err(|error| unreadable(&notes, &error))?;
    let compressed = [
        (&b"\x1f\x8b"[..], "gzip", "zcat"),
        (b"\x28\xb5\x2f\xfd", "zstd", "zstdcat"),
        (b"BZh", "bzip2", "bzcat"),
        (b"\xfd7zXZ", "xz", "xzcat"),
        (b"PK\x03\x04", "zip", "unzip -p"),
    ];
    for (magic, name, tool) in compressed {
        if bytes.starts_with(magic) {
            let cure = format!("unpack it on the way: {tool} {file} | ballast scenario import - …");
            return Err(notes.error(format!("it is compressed ({name})"), "text", &cure));
        }
    }
    if bytes.is_empty() {
        return Err(notes.error("it is empty", "at least one line", "look whether the export worked"));
    }
    if bytes.contains(&0) {
        let cure = "convert it: iconv -f UTF-16 -t UTF-8";
        return Err(notes.error("it is not UTF-8 text: there are zero bytes in it", "text", cure));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        input.consume(3);
    }
    let bytes = input.fill_buf().map_err(|error| unreadable(&notes, &error))?;
    Ok(String::from_utf8_lossy(&bytes[..bytes.len().min(8192)]).into_owned())
}

pub(super) fn unreadable(notes: &Notes, error: &io::Error) -> ImportError {
    notes.error(format!("cannot be read: {error}"), "", "look at the file and its permissions")
}

/// Lines one by one, numbered from 1, with no more than one in memory.
pub(super) fn each_line(
    mut input: impl BufRead,
    notes: &mut Notes,
    mut each: impl FnMut(&mut Notes, u64, &str) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let (mut bytes, mut number) = (Vec::new(), 0);
    loop {
        bytes.clear();
        let long = line(&mut input, &mut bytes).map_err(|error| unreadable(notes, &error))?;
        let Some(long) = long else { return Ok(()) };
        number += 1;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim();
        if text.is_empty() && !long {
            continue;
        }
        notes.read += 1;
        if long {
            notes.skip(number, "the line is longer than 1 MiB");
        } else {
            each(notes, number, text)?;
        }
    }
}

/// One line into `bytes`, and whether it is too long to be kept; `None` at the end.
fn line(input: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<Option<bool>> {
    let (mut any, mut long) = (false, false);
    loop {
        let (used, ended) = {
            let part = input.fill_buf()?;
            if part.is_empty() {
                return Ok(any.then_some(long));
            }
            let newline = part.iter().position(|byte| *byte == b'\n');
            let used = newline.map_or(part.len(), |at| at + 1);
            if bytes.len() + used > LONGEST_LINE {
                long = true;
            } else {
                bytes.extend_from_slice(&part[..used]);
            }
            (used, newline.is_some())
        };
        any = true;
        input.consume(used);
        if ended {
            return Ok(Some(long));
        }
    }
}
