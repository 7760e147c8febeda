//! Formulas: small expressions over named signals, for composite signals and for rules that compute a count.
//!
//! ```text
//! text → lex → parse → postfix program → evaluate → a number, or what is unknown and why
//! ```
//!
//! Every value is a number (`f64`). From what binds tightest:
//!
//! | operators | meaning | side by side |
//! |---|---|---|
//! | `-x` `!x` | negative; 1 if `x` is 0, else 0 | from the right |
//! | `*` `/` `%` | `%` is the remainder, with the sign of the dividend | from the left |
//! | `+` `-` | | from the left |
//! | `<` `<=` `>` `>=` `==` `!=` | 1 if so, else 0 | refused: write `a < b && b < c` |
//! | `&&` | 1 if both are other than 0, else 0 | from the left |
//! | `\|\|` | 1 if one of both is other than 0, else 0 | from the left |
//! | `a ?? b` | `b` where `a` is unknown | from the left |
//! | `c ? a : b` | `a` if `c` is other than 0, else `b` | from the right |
//!
//! Functions: `min` and `max` of one or more, `clamp(x, low, high)` (`high` wins where `low` is above it), `abs`, `ceil`,
//! `floor`, `round` (halves away from zero), `sqrt`, `if(c, a, b)` (the same as `c ? a : b`).
//!
//! Numbers: `20`, `0.5`, `1e3`; with a unit directly behind, in the base unit: `70%` is 0.7, `250ms`, `5m` and `1h30m` are
//! seconds, `400MiB` and `1.5GB` are bytes, `120/s` is 120, `2cores` is 2. A `%` directly behind a number is per cent, unless
//! what it would divide by follows directly: `70 % 3` and `70%3` are remainders.
//!
//! Names: letters, digits, `_` and `.`, beginning with a letter or `_`; anything else in backquotes, as in `` `queue-depth` ``.
//! `replicas` (how many there are) and `ready` (how many of them serve) are always known.
//!
//! Absence is never zero: a signal without a value is unknown, and so is whatever needs it. Division by zero, what is too
//! large for a number and the root of a negative number are unknown as well. `??` is the way out, a branch that is not taken
//! does not matter, and `&&` and `||` are known as soon as one side decides, whichever it is.

mod lex;
mod parse;
mod program;
#[cfg(test)]
mod tests;

use std::{fmt, ops::Range, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::quantity::SignalName;
use program::{Doubts, Given, Program};

/// The longest formula, in bytes.
pub const LONGEST_FORMULA: usize = 4096;
/// How deep a formula can be nested: parentheses, functions, operators' right sides.
pub const DEEPEST_FORMULA: usize = 64;
/// The most numbers, names, operators and functions in a formula.
pub const MOST_NODES: usize = 1000;

/// The count of replicas, as a formula calls it.
pub const REPLICAS: &str = "replicas";
/// The count of replicas that serve, as a formula calls it.
pub const READY: &str = "ready";

/// An expression over signals, checked and ready to be evaluated. Two are equal if their texts are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Formula {
    text: String,
    program: Program,
}

impl Formula {
    /// Reads a formula.
    ///
    /// # Errors
    /// The first thing in `text` that is not understood, with its place.
    pub fn parse(text: &str) -> Result<Self, FormulaError> {
        parse::parse(text).map(|program| Self { text: text.to_owned(), program })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signals that it names, each once, in the order of the text; without `replicas` and `ready`.
    pub fn signals(&self) -> impl Iterator<Item = &SignalName> {
        self.program.signals.iter()
    }

    /// Whether its result is that of a comparison or of `!`, `&&` or `||`: 0 or 1.
    pub fn is_condition(&self) -> bool {
        self.program.is_condition()
    }

    /// Whether it reads `replicas` or `ready`.
    pub fn reads_replicas(&self) -> bool {
        self.program.reads_replicas()
    }

    /// The value, with `lookup` for the signals' values in their base units. It is finite, and never -0. A value that
    /// is not finite counts as missing.
    ///
    /// # Errors
    /// What kept the formula from having a value.
    pub fn evaluate(
        &self,
        lookup: impl Fn(&SignalName) -> Option<f64>,
        replicas: u32,
        ready: u32,
    ) -> Result<f64, Unknown> {
        let given = Given { lookup: &lookup, replicas, ready };
        // once without the reasons, which need memory; they are worth a second round only where there are any
        self.program.run::<()>(&given).or_else(|()| self.program.run(&given).map_err(|doubts| self.explain(doubts)))
    }

    fn explain(&self, doubts: Doubts) -> Unknown {
        let mut unknown = Unknown::default();
        for (op, cause) in doubts.0 {
            match self.program.signal(op) {
                Some(signal) if !unknown.missing.contains(signal) => unknown.missing.push(signal.clone()),
                Some(_) => {}
                None => {
                    let term = self.text.get(self.program.span(op)).unwrap_or_default().to_owned();
                    unknown.impossible.push(Impossible { term, cause });
                }
            }
        }
        unknown
    }
}

impl PartialEq for Formula {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Formula {
    type Err = FormulaError;

    fn from_str(text: &str) -> Result<Self, FormulaError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Formula {
    type Error = FormulaError;

    fn try_from(text: String) -> Result<Self, FormulaError> {
        let program = parse::parse(&text)?;
        Ok(Self { text, program })
    }
}

impl From<Formula> for String {
    fn from(formula: Formula) -> Self {
        formula.text
    }
}

/// Why a text is no formula.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FormulaError {
    /// Which bytes of the text; empty, at its end, if something is missing there.
    pub at: Range<usize>,
    /// What is wrong, as a sentence without its full stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl FormulaError {
    fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// Why a formula has no value: at least one of the two lists has something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Unknown {
    /// The signals without a value that it needed, each once, in the order of the text.
    pub missing: Vec<SignalName>,
    /// What could not be computed from the values that there were, in the order of computation.
    pub impossible: Vec<Impossible>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = self.missing.iter().map(|signal| format!("`{signal}` is missing"));
        let impossible = self.impossible.iter().map(ToString::to_string);
        f.write_str(&missing.chain(impossible).collect::<Vec<_>>().join(", "))
    }
}

/// A term without a value although its parts have theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impossible {
    /// The term, as it was written.
    pub term: String,
    /// What is wrong with it.
    pub cause: Cause,
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.cause {
            Cause::Missing => "is missing",
            Cause::DividedByZero => "divides by zero",
            Cause::TooLarge => "is too large for a number",
            Cause::NegativeRoot => "is the root of a negative number",
        };
        write!(f, "`{}` {why}", self.term)
    }
}

/// What keeps a term from having a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// There is no value for it.
    Missing,
    /// A division or remainder by zero.
    DividedByZero,
    /// Beyond the range of a 64 bit floating-point number.
    TooLarge,
    /// The square root of a negative number.
    NegativeRoot,
}
