//! The words of a formula: numbers with their units, names, signs.

use std::ops::Range;

use super::FormulaError;
use crate::quantity::SIZES;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'t> {
    /// In the base unit.
    Number(f64),
    Name(&'t str),
    /// A name that stood in backquotes: a signal, whatever else is called so.
    Quoted(&'t str),
    Sign(&'static str),
    End,
}

/// Longer signs first: `<=` is not `<` and `=`.
const SIGNS: [&str; 19] =
    ["<=", ">=", "==", "!=", "&&", "||", "??", "<", ">", "!", "?", ":", "+", "-", "*", "/", "%", "(", ")"];

/// Durations in seconds, as in policies.
const DURATIONS: [(&str, f64); 9] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("min", 60.0),
    ("h", 3600.0),
    ("d", 86_400.0),
    ("w", 604_800.0),
];

const CORES: [(&str, f64); 2] = [("core", 1.0), ("cores", 1.0)];

/// Reads one token after the other.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token and its place.
    pub(super) fn next(&mut self) -> Result<(Token<'t>, Range<usize>), FormulaError> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        let start = self.at;
        let token = match self.rest().chars().next() {
            None => Token::End,
            Some('0'..='9' | '.') => self.number()?,
            Some('`') => self.quoted()?,
            Some(first) if begins_name(first) => self.name()?,
            Some(',') => {
                self.at += 1;
                Token::Sign(",")
            }
            Some(other) => {
                let sign = SIGNS.iter().find(|sign| self.rest().starts_with(**sign));
                let Some(sign) = sign else { return Err(stray(other, start)) };
                self.at += sign.len();
                Token::Sign(sign)
            }
        };
        Ok((token, start..self.at))
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Goes on while `wanted`, and gives what it went over.
    fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|letter| !wanted(letter)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn name(&mut self) -> Result<Token<'t>, FormulaError> {
        let start = self.at;
        let name = self.take(in_name);
        if name.ends_with('.') || name.contains("..") {
            let error =
                FormulaError::new(start..self.at, format!("`{name}` is no name: a dot stands between two parts"));
            return Err(error.help("write `queue.jobs`, for example"));
        }
        Ok(Token::Name(name))
    }

    fn quoted(&mut self) -> Result<Token<'t>, FormulaError> {
        let start = self.at;
        self.at += 1;
        let name = self.take(|letter| letter != '`' && !letter.is_control());
        if !self.rest().starts_with('`') {
            let error = FormulaError::new(start..self.at, "the name that begins with this backquote does not end");
            return Err(error.help("end it with another backquote, as in `queue-depth`"));
        }
        self.at += 1;
        if name.is_empty() {
            return Err(FormulaError::new(start..self.at, "there is no name between the backquotes"));
        }
        Ok(Token::Quoted(name))
    }

    /// A number with what belongs to it: `20`, `70%`, `1h30m`, `5MB/s`.
    fn number(&mut self) -> Result<Token<'t>, FormulaError> {
        let start = self.at;
        let mut value = self.plain_number()?;
        if let Some(factor) = self.unit(start, &[&DURATIONS, &SIZES, &CORES])? {
            value *= factor;
            let more = |lexer: &Self| lexer.rest().starts_with(|next: char| next.is_ascii_digit());
            while more(self) {
                let part = self.plain_number()?;
                match self.unit(start, &[&DURATIONS])? {
                    Some(factor) => value += part * factor,
                    None => return Err(self.bad_unit(start)),
                }
            }
        }
        self.percent(&mut value);
        self.per_second();
        if value.is_finite() {
            return Ok(Token::Number(value));
        }
        Err(FormulaError::new(start..self.at, "this is too large for a number"))
    }

    fn plain_number(&mut self) -> Result<f64, FormulaError> {
        let start = self.at;
        self.take(|letter| letter.is_ascii_digit() || letter == '.');
        let exponent = self.rest().strip_prefix(['e', 'E']);
        let digits = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
        if digits.is_some_and(|digits| digits.starts_with(|digit: char| digit.is_ascii_digit())) {
            self.at = self.text.len() - digits.unwrap_or_default().len();
            self.take(|letter| letter.is_ascii_digit());
        }
        let text = &self.text[start..self.at];
        text.parse().map_err(|_| {
            FormulaError::new(start..self.at, format!("`{text}` is no number")).help("write `0.5` or `20`, for example")
        })
    }

    /// The factor of the unit that follows directly, if one does.
    fn unit(&mut self, start: usize, known: &[&[(&str, f64)]]) -> Result<Option<f64>, FormulaError> {
        let unit = self.take(char::is_alphabetic);
        if unit.is_empty() && !self.rest().starts_with('_') {
            return Ok(None);
        }
        let factor = known.iter().copied().flatten().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
        factor.filter(|_| !self.rest().starts_with(['_', '.'])).map(Some).ok_or_else(|| self.bad_unit(start))
    }

    fn bad_unit(&mut self, start: usize) -> FormulaError {
        self.take(in_name);
        let written = &self.text[start..self.at];
        let error = FormulaError::new(start..self.at, format!("`{written}` has no unit that is known"));
        let digits = written.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        error.help(match &written[digits.len()..] {
            letter @ ("k" | "K" | "M" | "G" | "T") => {
                let letter = letter.to_uppercase();
                format!("write `{digits}{letter}iB` (1024s) or `{digits}{letter}B` (1000s)")
            }
            _ => "write `70%`, `250ms`, `5m`, `400MiB` or `120/s`, for example; a name begins with a letter".to_owned(),
        })
    }

    /// Per cent, unless what the number would be divided by follows at once.
    fn percent(&mut self, value: &mut f64) {
        let Some(behind) = self.rest().strip_prefix('%') else { return };
        let operand = |next: char| begins_name(next) || next.is_ascii_digit() || ['.', '(', '`'].contains(&next);
        if !behind.starts_with(operand) {
            *value /= 100.0;
            self.at += 1;
        }
    }

    /// So many per second: the base unit of rates.
    fn per_second(&mut self) {
        let Some(behind) = self.rest().strip_prefix("/s") else { return };
        if !behind.starts_with(in_name) && !behind.trim_start().starts_with('(') {
            self.at += 2;
        }
    }
}

fn begins_name(letter: char) -> bool {
    letter.is_ascii_alphabetic() || letter == '_'
}

fn in_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == '.'
}

fn stray(letter: char, at: usize) -> FormulaError {
    if letter.is_control() {
        return FormulaError::new(at..at + letter.len_utf8(), "a control character means nothing here");
    }
    let error = FormulaError::new(at..at + letter.len_utf8(), format!("`{letter}` means nothing here"));
    match letter {
        '=' => error.help("write `==` to compare"),
        '&' => error.help("write `&&` for and"),
        '|' => error.help("write `||` for or"),
        '^' => error.help("there are no powers; write `x * x`"),
        '×' | '·' => error.help("write `*`"),
        '÷' => error.help("write `/`"),
        '−' | '–' => error.help("write `-`"),
        '≤' => error.help("write `<=`"),
        '≥' => error.help("write `>=`"),
        '≠' => error.help("write `!=`"),
        '"' | '\'' | '$' | '{' | '}' => error.help("a signal is written by its name alone, or in `backquotes`"),
        letter if letter.is_alphabetic() => {
            error.help("a name with other letters than a to z is written in `backquotes`")
        }
        _ => error,
    }
}
