//! The Prometheus text format, and what of `OpenMetrics` differs from it.
//!
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>. Our own parser, because those that exist lose lines
//! silently: here a line that cannot be read is an error that names it, and the others are kept.

use std::{borrow::Cow, fmt};

/// One line with a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Series<'a> {
    /// From 1.
    pub line: usize,
    /// The metric's name as written, with `_total`, `_bucket` and the like.
    pub name: Cow<'a, str>,
    /// In the order written.
    pub labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// May be infinite or not a number.
    pub value: f64,
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// From 1.
    pub line: usize,
    /// What was expected where.
    pub what: String,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for LineError {}

/// The lines with values, in their order, and the errors between them. Ends at the `# EOF` of `OpenMetrics`.
pub fn parse(body: &str) -> impl Iterator<Item = Result<Series<'_>, LineError>> {
    body.split('\n')
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim_matches([' ', '\t', '\r'])))
        .take_while(|(_, line)| *line != "# EOF")
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, text)| parse_line(line, text).map_err(|what| LineError { line, what }))
}

fn parse_line(line: usize, text: &str) -> Result<Series<'_>, String> {
    let mut cursor = Cursor { rest: text, whole: text };
    let mut name = cursor.name(true).map(Cow::Borrowed);
    let mut labels = Vec::new();
    cursor.skip_blanks();
    if cursor.take('{') {
        parse_labels(&mut cursor, &mut name, &mut labels)?;
    }
    let Some(name) = name else { return Err(cursor.expected("a metric's name")) };
    let value = cursor.word();
    let value = parse_value(value).ok_or_else(|| format!("{} is not a value", quoted(value)))?;
    let timestamp = cursor.word();
    if !timestamp.is_empty() && !timestamp.starts_with('#') && timestamp.parse::<f64>().is_err() {
        return Err(format!("{} is not a time", quoted(timestamp)));
    }
    // What follows can only be an exemplar, which says nothing about the value.
    cursor.skip_blanks();
    if !timestamp.starts_with('#') && !cursor.rest.is_empty() && !cursor.rest.starts_with('#') {
        return Err(cursor.expected("the end of the line"));
    }
    Ok(Series { line, name, labels, value })
}

/// `a="1",b="2"}`, with an optional last comma. In the newer quoted form a name may stand first, as `"name"`.
fn parse_labels<'a>(
    cursor: &mut Cursor<'a>,
    name: &mut Option<Cow<'a, str>>,
    labels: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>,
) -> Result<(), String> {
    loop {
        cursor.skip_blanks();
        if cursor.take('}') {
            return Ok(());
        }
        let quoted = cursor.rest.starts_with('"');
        let label = if quoted {
            cursor.string()?
        } else {
            Cow::Borrowed(cursor.name(false).ok_or_else(|| cursor.expected("a label or `}`"))?)
        };
        cursor.skip_blanks();
        if cursor.take('=') {
            cursor.skip_blanks();
            labels.push((label, cursor.string()?));
        } else if quoted && name.is_none() {
            *name = Some(label);
        } else {
            return Err(cursor.expected("`=`"));
        }
        cursor.skip_blanks();
        if !cursor.take(',') && !cursor.rest.starts_with('}') {
            return Err(cursor.expected("`,` or `}`"));
        }
    }
}

/// Rust's numbers, without the hexadecimal ones of Go, which nobody writes.
fn parse_value(word: &str) -> Option<f64> {
    word.parse().ok()
}

struct Cursor<'a> {
    rest: &'a str,
    whole: &'a str,
}

impl<'a> Cursor<'a> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// A name without quotes: of a metric (`colons` allowed) or a label.
    fn name(&mut self, colons: bool) -> Option<&'a str> {
        let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':'));
        let (name, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.rest = rest;
        Some(name)
    }

    /// What stands up to the next blank.
    fn word(&mut self) -> &'a str {
        self.skip_blanks();
        let (word, rest) = self.rest.split_at(self.rest.find([' ', '\t']).unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    /// A quoted string: `\\`, `\"` and `\n` are escapes, any other backslash stands for itself.
    fn string(&mut self) -> Result<Cow<'a, str>, String> {
        if !self.take('"') {
            return Err(self.expected("`\"`"));
        }
        let end = self.rest.find(['"', '\\']).ok_or_else(|| self.expected("a closing `\"`"))?;
        if self.rest[end..].starts_with('"') {
            let text = &self.rest[..end];
            self.rest = &self.rest[end + 1..];
            return Ok(Cow::Borrowed(text));
        }
        let mut text = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(Cow::Owned(text));
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, escaped @ ('\\' | '"'))) => text.push(escaped),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => break,
                },
                other => text.push(other),
            }
        }
        Err(self.expected("a closing `\"`"))
    }

    fn expected(&self, what: &str) -> String {
        let column = self.whole.len() - self.rest.len() + 1;
        format!("column {column}: expected {what}, found {}", quoted(self.rest))
    }
}

/// At most some characters of what another program wrote.
fn quoted(text: &str) -> String {
    const SHOWN: usize = 30;
    if text.is_empty() {
        return "the end of the line".to_owned();
    }
    let shown: String = text.chars().take(SHOWN).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("`{}{more}`", shown.escape_debug())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(body: &str) -> Vec<String> {
        parse(body)
            .map(|line| match line {
                Ok(series) => {
                    let labels: Vec<_> = series.labels.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
                    format!("{}: {} [{}] {}", series.line, series.name, labels.join(" "), series.value)
                }
                Err(error) => error.to_string(),
            })
            .collect()
    }

    #[test]
    fn each_form_of_a_line() {
        let cases = [
            ("up 1", "1: up [] 1"),
            ("up 1 1395066363000", "1: up [] 1"),
            ("job:up:sum{} 1", "1: job:up:sum [] 1"),
            ("a{b=\"c\"} 1.5e3", "1: a [b=\"c\"] 1500"),
            ("a{b=\"c\",} 2", "1: a [b=\"c\"] 2"),
            ("a { b = \"c\" , d = \"e\" }  2\t3", "1: a [b=\"c\" d=\"e\"] 2"),
            ("a{b=\"}\"} 2", "1: a [b=\"}\"] 2"),
            ("a{b=\"1,c=2\"} 2", "1: a [b=\"1,c=2\"] 2"),
            (
                "a{p=\"C:\\\\DIR\\\\F\",e=\"say \\\"no\\\"\\n\"} 1",
                "1: a [p=\"C:\\\\DIR\\\\F\" e=\"say \\\"no\\\"\\n\"] 1",
            ),
            ("a{b=\"\\d\"} 1", "1: a [b=\"\\\\d\"] 1"),
            ("a NaN", "1: a [] NaN"),
            ("a +Inf", "1: a [] inf"),
            ("a -Inf", "1: a [] -inf"),
            ("a 1\r", "1: a [] 1"),
            ("a_total 1 1.5 # {trace_id=\"x y\"} 0.5 1.4", "1: a_total [] 1"),
            ("a_bucket{le=\"1\"} 1 # {} 0.5", "1: a_bucket [le=\"1\"] 1"),
            ("{\"my.name\",b=\"c\"} 1", "1: my.name [b=\"c\"] 1"),
            ("{\"my.name\", \"a.b\"=\"ü\"} 1", "1: my.name [a.b=\"ü\"] 1"),
        ];
        for (body, expected) in cases {
            assert_eq!(written(body), [expected], "{body}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_and_the_others_are_kept() {
        let body = "# HELP a b\n# TYPE a counter\na 1\n\na{b=\"c} 2\na 3\na\na{b} 1\n7a 1\na x\na 1 2 3\na{b=\"c\"; 1\na 1 x\n";
        insta::assert_snapshot!(written(body).join("\n"), @r#"
        3: a [] 1
        line 5: column 6: expected a closing `"`, found `c} 2`
        6: a [] 3
        line 7: the end of the line is not a value
        line 8: column 4: expected `=`, found `} 1`
        line 9: column 1: expected a metric's name, found `7a 1`
        line 10: `x` is not a value
        line 11: column 7: expected the end of the line, found `3`
        line 12: column 8: expected `,` or `}`, found `; 1`
        line 13: `x` is not a time
        "#);
    }

    #[test]
    fn nothing_counts_after_the_end_of_openmetrics() {
        assert_eq!(written("a 1\n# EOF\nb 2\n"), ["1: a [] 1"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(body in "\\PC{0,200}") {
            parse(&body).for_each(drop);
        }

        #[test]
        fn no_nearly_right_text_makes_it_panic(body in "(a|_|:|\\{|\\}|=|\"|\\\\|,| |\n|1|#|ü|le|\\.){0,60}") {
            parse(&body).for_each(drop);
        }

        #[test]
        fn what_is_written_by_the_rules_is_read_back(value in "\\PC{0,20}", number in any::<f64>()) {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let body = format!("m{{l=\"{escaped}\"}} {number}");
            let read: Vec<_> = parse(&body).map(|line| line.expect("a line by the rules")).collect();
            prop_assert_eq!(read[0].labels[0].1.as_ref(), value);
            prop_assert!(read[0].value.total_cmp(&number).is_eq() || number.is_nan());
        }
    }
}
