//! Pages put together to the text of a journal.

use autoscaler::{
    Timestamp,
    journal::{self, Entry, HEADER, What},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::chunk::{self, Head};

/// Puts the chunks of a service's history together, in the order in which they come.
#[derive(Debug)]
pub struct Assembly {
    from: Timestamp,
    until: Timestamp,
    text: String,
    /// The newest chunk.
    newest: Option<Head>,
    /// Where in the text the last snapshot begins that is not after `from`, or else the first one at all.
    start: Option<usize>,
    began: Option<Timestamp>,
    entries: u64,
    lost: u64,
}

/// Why a chunk cannot be taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a part of the history cannot be read: {0}")]
pub struct AssemblyError(String);

impl Assembly {
    /// Of what happened from a moment to another one, widened to the snapshot before it.
    pub fn new(from: Timestamp, until: Timestamp) -> Self {
        Self { from, until, text: String::new(), newest: None, start: None, began: None, entries: 0, lost: 0 }
    }

    /// Takes in the next chunk, as a page has it.
    ///
    /// # Errors
    /// If it is none, or of a newer version.
    pub fn add(&mut self, chunk: &str) -> Result<(), AssemblyError> {
        let packed = STANDARD.decode(chunk).map_err(|error| AssemblyError(error.to_string()))?;
        let (head, deflated) = chunk::open(&packed).map_err(AssemblyError)?;
        let missing = match &self.newest {
            // Of a controller that another one has followed, which knew better.
            Some(newest) if head.term < newest.term => return Ok(()),
            Some(newest) if *newest == head => return Ok(()),
            Some(newest) if head.term == newest.term && head.before > 0 => {
                let expected = newest.before + newest.entries;
                if head.before < expected {
                    return Ok(());
                }
                head.before - expected
            }
            _ => 0,
        };
        let text = chunk::unpack(deflated).map_err(AssemblyError)?;
        if self.newest.as_ref().is_some_and(|newest| newest.until > head.from) {
            self.cut(head.from)?;
        }
        if missing > 0 {
            self.push(&Entry { at: head.from, what: What::Lost { entries: missing } });
        }
        self.append(&head, &text)?;
        self.newest = Some(head);
        Ok(())
    }

    /// When the snapshot was made from which a replay starts; `None` where none was found.
    pub fn began(&self) -> Option<Timestamp> {
        self.began
    }

    /// Entries from there on.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Entries that are missing in between, because they could not be stored in time.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The journal: from that snapshot on, to the end of the span.
    pub fn into_text(self) -> String {
        let from = self.start.unwrap_or(self.text.len());
        [HEADER, &self.text[from..]].concat()
    }

    /// A chunk that is not within the span as a whole, or has a snapshot that may be the start, is looked at line by line.
    fn append(&mut self, head: &Head, text: &str) -> Result<(), AssemblyError> {
        let may_start = head.began.is_some() && (self.start.is_none() || head.began.is_some_and(|at| at <= self.from));
        if !may_start && head.until <= self.until {
            self.text.push_str(text);
            self.entries += head.entries;
            return Ok(());
        }
        for entry in journal::entries(&[HEADER, text].concat()) {
            let entry = entry.map_err(|error| AssemblyError(error.to_string()))?;
            if entry.at > self.until {
                break;
            }
            self.push(&entry);
        }
        Ok(())
    }

    /// Drops what a controller said after another one had taken over.
    fn cut(&mut self, until: Timestamp) -> Result<(), AssemblyError> {
        let text = [HEADER, &std::mem::take(&mut self.text)].concat();
        (self.start, self.began, self.entries, self.lost) = (None, None, 0, 0);
        for entry in journal::entries(&text) {
            let entry = entry.map_err(|error| AssemblyError(error.to_string()))?;
            if entry.at <= until {
                self.push(&entry);
            }
        }
        Ok(())
    }

    fn push(&mut self, entry: &Entry) {
        match entry.what {
            What::Began(_) if self.start.is_none() || entry.at <= self.from => {
                self.start = Some(self.text.len());
                self.began = Some(entry.at);
                (self.entries, self.lost) = (0, 0);
            }
            What::Lost { entries } => self.lost += entries,
            _ => {}
        }
        journal::append(&mut self.text, entry);
        self.entries += 1;
    }
}
