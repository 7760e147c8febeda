//! What happened to one service, kept so that it can be replayed to the same decisions: everything that its
//! [`Autoscaler`] was told, and each moment at which it decided.
//!
//! The text is CSV, which anybody can read, edit and compare. Lines that begin with `#` are comments; the first one tells
//! the version.
//!
//! ```text
//! # ballast journal 1
//! at_ms,what,of,value
//! 1800000000000,@began,,"{""now"":…}"
//! 1800000000950,cpu,3f2a,0.52
//! 1800000000950,cpu,77b1,0.61
//! 1800000000960,latency.p95,,missing: connection refused
//! 1800000001000,@told,,
//! 1800000001000,@look,,17
//! 1800000001000,@decided,,"{""number"":17,…}"
//! ```
//!
//! | `what` | `of` | `value` |
//! |---|---|---|
//! | a signal's name | the replica; empty: the service | a number in the base unit, `idle`, `missing: why`, or `partial 3: 0.5: why` (of 3 replicas) |
//! | `@told` | | the samples above were told together, at this moment |
//! | `@replicas` | | what was listed, JSON |
//! | `@outcome` | | how carrying out a target went, JSON |
//! | `@policy` | | the policy from now on, JSON |
//! | `@host` | | `lost` or `found` |
//! | `@rescaled` | | the count that the operator set |
//! | `@peer` | another service | what it has, JSON; `gone` |
//! | `@budget` | its name | what others take of it |
//! | `@look` | | an evaluation with this number was recorded |
//! | `@decided` | | the verdict and its sentence, where they were news, JSON |
//! | `@restarted` | | the controller started: what it knows is in the `@began` below |
//! | `@began` | | everything that the autoscaler knew, JSON: a replay can start here |
//! | `@lost` | | so many entries could not be kept here: a replay goes on at the next `@began` |
//!
//! The time of a sample is when it was true; the time of anything else, when it was told. Samples without a `@told` below
//! them, as a person or another program writes them, are told when they were true, those of the same time together. Of a
//! signal or replica whose name begins with `@`, that is doubled; a replica without a name is `@`.
//!
//! Numbers are as short as they can be while being read as the same, so that nothing is lost. Told again what is written
//! here, from a `@began` on, an autoscaler [resumed](Autoscaler::resume) from that decides the same with the same reasons.

mod read;
mod rows;
mod write;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use read::{Entries, entries, read};
pub use write::{HEADER, append, write};

#[cfg(doc)]
use crate::Autoscaler;
use crate::{Event, Snapshot, Timestamp, Verdict};

/// The version of the text that this build writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When it was told, done or decided. Never before the entry above.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The autoscaler was told this.
    Event(Event),
    /// It was asked, and what it answered was recorded.
    Looked {
        /// The number of the evaluation.
        number: u64,
    },
    /// That answer was news: for people, and for comparison with a replay.
    Decided(Decided),
    /// The controller started, and knows what [`Began`](What::Began) below says: what guards and rules remember, but none
    /// of the samples from before.
    Restarted,
    /// Everything that it knew, after the entries above: a replay can start here.
    Began(Box<Snapshot>),
    /// So many entries are missing here. What it knew is not known again until the next [`Began`](What::Began).
    Lost {
        /// How many.
        entries: u64,
    },
}

/// A decision that was news.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The number of the evaluation.
    pub number: u64,
    /// What came of it.
    pub verdict: Verdict,
    /// Why: the sentence of [`explain`](crate::explain).
    pub sentence: String,
}

/// Everything that is wrong with a text, by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalErrors(pub Vec<JournalError>);

/// One thing that is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalError {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What helps.
    pub help: String,
}

impl fmt::Display for JournalErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if place > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}; {}", self.line, self.what, self.help)
    }
}

impl std::error::Error for JournalErrors {}
impl std::error::Error for JournalError {}
