//! What there is to say about a text, and how it is printed.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::text::{Place, Text, Texts};

/// How many findings are kept; the ones that come later are only counted.
const MOST_FINDINGS: usize = 100;
/// How many characters of a line an excerpt shows.
const LONGEST_EXCERPT: usize = 120;
/// How many characters of a value a message repeats.
const LONGEST_QUOTE: usize = 60;

/// Everything that is wrong with a text, by place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(transparent)]
#[error("{}", render(self).trim_end())]
pub struct TextErrors(pub Vec<TextError>);

/// One thing that is wrong with a text, or, as a warning, allowed and yet hardly meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}: {message}", self.place())]
pub struct TextError {
    /// Whether it keeps the text from being used.
    pub severity: Severity,
    /// What sort of thing it is.
    pub kind: Kind,
    /// The file, label or variable.
    pub origin: String,
    /// From 1; 0 where it is no file.
    pub line: usize,
    /// From 1, in characters; 0 where it is no file.
    pub column: usize,
    /// What is wrong, with the value found, and what is allowed.
    pub message: String,
    /// The likely cure.
    pub help: Option<String>,
    /// The line and, below it, a mark under the place; both with the same margin. Passwords in URLs are masked.
    pub excerpt: String,
}

/// Whether a finding keeps the text from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It does.
    Error,
    /// It does not.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// What sort of thing a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The text is not YAML, or uses a part of YAML that is not read.
    Syntax,
    /// A key is given twice.
    DuplicateKey,
    /// A key, kind of rule or kind of signal that does not exist.
    Unknown,
    /// Something that must be there is not.
    Missing,
    /// A list where a text is wanted, and the like.
    WrongShape,
    /// A value that cannot be read, or is out of bounds.
    BadValue,
    /// A value whose unit does not fit its signal.
    BadUnit,
    /// A rule reads a signal that nobody defines.
    UnknownSignal,
    /// Two things that do not go together.
    Conflict,
    /// The file is larger, deeper or longer than what is read.
    TooMuch,
    /// Warning: no rule reads a defined signal.
    UnusedSignal,
    /// Warning: `min` equals `max`.
    FixedCount,
    /// Warning: a scale-down looks back less far than a rule averages.
    ShortStabilization,
    /// Warning: nothing keeps thresholds from a step at every sample.
    NothingDamps,
    /// Warning: of two thresholds on a signal, the upper bound is not above the lower one.
    BoundsOverlap,
    /// Warning: the step of one threshold brings the other one about.
    NarrowBand,
    /// Warning: a target on what replicas do not share among them.
    NotDemand,
    /// Warning: a label `ballast.…` that is none of a policy.
    UnknownLabel,
    /// Warning: a step up is followed by the next one before its replicas say anything.
    ShortCooldown,
    /// Warning: a rule that never does anything.
    NeverWins,
    /// Warning: a budget that is smaller than `min`.
    SmallBudget,
    /// Warning: a step of which `at_most` always takes a part away.
    CutStep,
    /// Warning: cores that are hardly cores.
    LikelyPercent,
    /// Warning: a share of a limit that the containers do not have; known only of running ones.
    NoLimit,
    /// Warning: `max` is more than any host has room for.
    ManyReplicas,
    /// Warning: an earlier policy names every service that this one is for.
    Overruled,
    /// Warning: policies that share a budget give it different totals.
    BudgetsDiffer,
    /// Warning: a setting that does nothing beside the others.
    NoEffect,
    /// Warning: a forecast that cannot act at first, and nothing that adds replicas meanwhile.
    ScalesLater,
    /// Warning: the formula of a count that hardly counts.
    OddFormula,
    /// Warning: a series that goes beyond what it is played in, or does not cover it.
    PartOfSeries,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 31] = [
        Self::Syntax,
        Self::DuplicateKey,
        Self::Unknown,
        Self::Missing,
        Self::WrongShape,
        Self::BadValue,
        Self::BadUnit,
        Self::UnknownSignal,
        Self::Conflict,
        Self::TooMuch,
        Self::UnusedSignal,
        Self::FixedCount,
        Self::ShortStabilization,
        Self::NothingDamps,
        Self::BoundsOverlap,
        Self::NarrowBand,
        Self::NotDemand,
        Self::UnknownLabel,
        Self::ShortCooldown,
        Self::NeverWins,
        Self::SmallBudget,
        Self::CutStep,
        Self::LikelyPercent,
        Self::NoLimit,
        Self::ManyReplicas,
        Self::Overruled,
        Self::BudgetsDiffer,
        Self::NoEffect,
        Self::ScalesLater,
        Self::OddFormula,
        Self::PartOfSeries,
    ];

    /// Whether it keeps the text from being used.
    pub fn severity(self) -> Severity {
        match self {
            Self::UnusedSignal
            | Self::FixedCount
            | Self::ShortStabilization
            | Self::NothingDamps
            | Self::BoundsOverlap
            | Self::NarrowBand
            | Self::NotDemand
            | Self::UnknownLabel
            | Self::ShortCooldown
            | Self::NeverWins
            | Self::SmallBudget
            | Self::CutStep
            | Self::LikelyPercent
            | Self::NoLimit
            | Self::ManyReplicas
            | Self::Overruled
            | Self::BudgetsDiffer
            | Self::NoEffect
            | Self::ScalesLater
            | Self::OddFormula
            | Self::PartOfSeries => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// The errors as text, a block for each, without colours. Ends with a line break.
pub fn render(errors: &TextErrors) -> String {
    render_all(&errors.0)
}

/// Errors or warnings as text, a block for each, without colours. Ends with a line break, unless there are none.
pub fn render_all(findings: &[TextError]) -> String {
    let mut text = String::new();
    for finding in findings {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&finding.render());
    }
    text
}

impl TextError {
    /// `file:line:column`, or the label or variable.
    fn place(&self) -> String {
        let Self { origin, line, column, .. } = self;
        if *line == 0 { origin.clone() } else { format!("{origin}:{line}:{column}") }
    }

    /// As a block of text: the error itself, the line that it stands on, and the likely cure.
    pub fn render(&self) -> String {
        let mut text = format!("{}: {self}\n", self.severity);
        if !self.excerpt.is_empty() {
            text.push_str(&self.excerpt);
            text.push('\n');
        }
        if let Some(help) = &self.help {
            let _ = writeln!(text, "help: {help}");
        }
        text
    }
}

/// What was found so far.
pub struct Findings {
    /// The texts that places point into.
    pub texts: Texts,
    found: Vec<(Place, TextError)>,
    left_out: usize,
}

impl Findings {
    /// None yet.
    pub fn new(texts: Texts) -> Self {
        Self { texts, found: Vec::new(), left_out: 0 }
    }

    /// Whether nothing keeps the file from being used.
    pub fn no_errors(&self) -> bool {
        self.found.iter().all(|(_, finding)| finding.severity == Severity::Warning)
    }

    /// Adds what there is to say about a place; an empty `help` is none. What an alias brings up again is said once.
    pub fn add(&mut self, kind: Kind, place: Place, message: impl Into<String>, help: impl Into<String>) {
        let message = message.into();
        if self.found.iter().any(|(at, known)| *at == place && known.message == message) {
            return;
        }
        if self.found.len() >= MOST_FINDINGS {
            self.left_out += 1;
            return;
        }
        let excerpt = self.texts.get(place.source).map(|text| excerpt(text, place)).unwrap_or_default();
        self.push(kind, place, message, help.into(), excerpt);
    }

    /// Adds what there is to say about a text as a whole.
    pub fn whole_file(&mut self, source: u32, kind: Kind, message: impl Into<String>, help: impl Into<String>) {
        let place = Place { source, line: 1, column: 1, start: 0, end: 0 };
        self.push(kind, place, message.into(), help.into(), String::new());
    }

    /// Leaves out those that `keep` does not keep.
    pub fn retain_at(&mut self, keep: impl Fn(Place, &TextError) -> bool) {
        self.found.retain(|(place, finding)| keep(*place, finding));
    }

    /// Adds what was found apart, unless it is known.
    pub fn take(&mut self, other: Self) {
        for (place, finding) in other.found {
            let known = self.found.iter().any(|(at, known)| *at == place && known.message == finding.message);
            if known {
                continue;
            }
            if self.found.len() < MOST_FINDINGS {
                self.found.push((place, finding));
            } else {
                self.left_out += 1;
            }
        }
        self.left_out += other.left_out;
    }

    /// By place.
    pub fn sorted(mut self) -> Vec<TextError> {
        self.found.sort_by(|(a, one), (b, other)| (a, one.kind).cmp(&(b, other.kind)));
        let mut sorted: Vec<TextError> = self.found.into_iter().map(|(_, finding)| finding).collect();
        if let Some(last) = sorted.last_mut().filter(|_| self.left_out > 0) {
            let more = format!("{} more are not shown; cure these first", self.left_out);
            last.help = Some(last.help.take().map_or(more.clone(), |help| format!("{help}\n{more}")));
        }
        sorted
    }

    fn push(&mut self, kind: Kind, place: Place, message: String, help: String, excerpt: String) {
        let text = self.texts.get(place.source);
        let (line, column) =
            if text.is_some_and(|text| text.is_file) { (place.line, place.column) } else { Default::default() };
        let finding = TextError {
            severity: kind.severity(),
            kind,
            origin: text.map(|text| text.origin.clone()).unwrap_or_default(),
            line,
            column,
            message,
            help: Some(help).filter(|help| !help.is_empty()),
            excerpt,
        };
        self.found.push((place, finding));
    }
}

/// `text` for a sentence: in backquotes, shortened, and without what could steer a terminal.
pub fn quote(text: &str) -> String {
    let mut quoted = String::from("`");
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST_QUOTE {
            quoted.push('…');
            break;
        }
        quoted.push(printable(c));
    }
    quoted.push('`');
    quoted
}

fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        // The marks that turn the direction of text could make an excerpt show what is not there.
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// The line of `place` and a mark below it.
fn excerpt(Text { content: text, is_file, .. }: &Text, place: Place) -> String {
    let start = text.floor_char_boundary(place.start);
    let line_start = text[..start].rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let line_end = text[start..].find(['\n', '\r']).map_or(text.len(), |at| start + at);
    let end = text.floor_char_boundary(place.end).clamp(start, line_end);
    let line = masked(&text[line_start..line_end]);
    let before = text[line_start..start].chars().count();
    let marked = text[start..end].chars().count().max(1);
    // A long line is cut so that the place is seen with something before it.
    let cut = line.len() > LONGEST_EXCERPT && before > LONGEST_EXCERPT / 2;
    let skip = if cut { before - LONGEST_EXCERPT / 4 } else { 0 };
    let shown: String = line.into_iter().skip(skip).take(LONGEST_EXCERPT).collect();
    let marked = marked.min(LONGEST_EXCERPT.saturating_sub(before - skip).max(1));
    let number = if *is_file { place.line.to_string() } else { String::new() };
    let margin = " ".repeat(number.len());
    let indent = " ".repeat(before - skip);
    let mark = "^".repeat(marked);
    format!("{number} | {}\n{margin} | {indent}{mark}", shown.trim_end())
}

/// The characters of a line, without passwords in URLs and without what could steer a terminal.
fn masked(line: &str) -> Vec<char> {
    let mut chars: Vec<char> = line.chars().map(printable).collect();
    for word in chars.split_mut(|c| c.is_whitespace()) {
        let Some(scheme) = word.windows(3).position(|three| three == [':', '/', '/']) else { continue };
        let credentials = &mut word[scheme + 3..];
        if let Some(end) = credentials.iter().rposition(|c| *c == '@') {
            credentials[..end].fill('*');
        }
    }
    chars
}
