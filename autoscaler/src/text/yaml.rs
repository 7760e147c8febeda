//! Text to nodes. The only file that knows the YAML library: its event parser, which gives every value as it is written
//! and with its place.

use std::{collections::BTreeMap, fmt::Write as _};

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError};

use crate::text::{Entry, Findings, Kind, Node, Place, Value, quote};

/// How deep values may be nested. A policy needs seven levels, a scenario fewer.
const DEEPEST: usize = 32;
/// How many values a file may have, each use of an alias counted anew.
const MOST_NODES: usize = 200_000;

/// Reads every document that is not empty of the text with that number, which is `what`, such as "a policy". Where the
/// text is not YAML, reading ends with a finding.
pub fn read(source: u32, text: &str, what: &'static str, findings: &mut Findings) -> Vec<Node> {
    let options =
        granit_parser::options! { emit_comments: false, flow_nesting_limit: DEEPEST, block_nesting_limit: DEEPEST };
    let mut builder =
        Builder { what, findings, anchors: BTreeMap::new(), open: Vec::new(), documents: Vec::new(), nodes: 0 };
    for event in Parser::new_from_str_with_options(text, options) {
        let went = match event {
            Ok((event, span)) => builder.take(event, place(source, span.start, span.end)),
            Err(error) => Err(Stop::of(source, &error, text, what)),
        };
        if let Err(stop) = went {
            builder.findings.add(stop.kind, stop.place, stop.message, stop.help);
            break;
        }
    }
    builder.documents
}

/// `text` in double quotes, on one line: read again, it is the same.
pub fn double_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}') => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Why reading cannot go on.
struct Stop {
    kind: Kind,
    place: Place,
    message: String,
    help: String,
}

impl Stop {
    fn of(source: u32, error: &ScanError, text: &str, what: &str) -> Self {
        let place = place(source, *error.marker(), *error.marker());
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
            return Self::too_deep(place, what);
        }
        let help = match error.kind() {
            ErrorKind::UnknownAnchor => "text that begins with `*` needs quotes, such as `\"*/web\"`".to_owned(),
            _ if line_has_tab_indent(text, place) => "YAML is indented with spaces, never with tabs".to_owned(),
            _ => indentation_help(text, place).unwrap_or_else(|| {
                "look for a missing quote, bracket or space after a colon here or on the line before".to_owned()
            }),
        };
        let message = format!("this is not YAML: {}", error.info());
        Self { kind: Kind::Syntax, place, message, help }
    }

    fn too_deep(place: Place, what: &str) -> Self {
        Self::too_much(place, what, format!("values are nested deeper than {DEEPEST} levels"))
    }

    fn too_much(place: Place, what: &str, message: String) -> Self {
        let help = format!("{what} needs far less; simplify the file");
        Self { kind: Kind::TooMuch, place, message, help }
    }
}

fn line_has_tab_indent(text: &str, place: Place) -> bool {
    let line = text.lines().nth(place.line.saturating_sub(1)).unwrap_or_default();
    line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t')
}

/// The cure where a line begins at a column at which nothing can begin.
fn indentation_help(text: &str, place: Place) -> Option<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let told = |line: &&(usize, &str)| !line.1.trim().is_empty() && !line.1.trim_start().starts_with('#');
    let lines: Vec<(usize, &str)> = text.lines().enumerate().take(place.line).collect();
    let (_, line) = *lines.last()?;
    let (number, before) = *lines[..lines.len() - 1].iter().rev().find(told)?;
    let column = indent(line);
    if column > indent(before) && before.trim_end().contains(": ") && !before.trim_start().starts_with('-') {
        let number = number + 1;
        return Some(format!(
            "this line is indented further than line {number}, which has its value already: align it with that line"
        ));
    }
    let begins = |known: &&(usize, &str)| {
        told(known) && {
            let dash = known.1.trim_start().strip_prefix('-').map(|rest| known.1.len() - rest.trim_start().len());
            indent(known.1) == column || dash == Some(column)
        }
    };
    let fits = lines[..lines.len() - 1].iter().rev().any(|known| begins(&known));
    (column < indent(before) && !fits)
        .then(|| "no line above begins at this column: align it with the lines that it belongs to".to_owned())
}

fn place(source: u32, start: Marker, end: Marker) -> Place {
    let from = start.byte_offset().unwrap_or_default();
    let to = end.byte_offset().unwrap_or(from).max(from);
    Place { source, line: start.line(), column: start.col() + 1, start: from, end: to }
}

/// Makes nodes of events, without recursion.
struct Builder<'f> {
    /// What the text is, such as "a policy".
    what: &'static str,
    findings: &'f mut Findings,
    /// Complete values that carry an anchor, of the present document.
    anchors: BTreeMap<usize, Anchored>,
    open: Vec<Open>,
    documents: Vec<Node>,
    nodes: usize,
}

/// A value with how many values it holds and how deep.
struct Anchored {
    node: Node,
    size: usize,
    depth: usize,
}

/// A list or map that has not ended yet.
struct Open {
    place: Place,
    anchor: usize,
    /// Values read when it began.
    nodes_before: usize,
    /// Levels below it.
    depth: usize,
    inside: Inside,
}

#[derive(Default)]
struct OpenMap {
    entries: Vec<Entry>,
    /// Where each key is first.
    places: BTreeMap<String, Place>,
    /// The one whose value comes next.
    key: Option<Node>,
}

enum Inside {
    List(Vec<Node>),
    Map(OpenMap),
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), Stop> {
        self.refuse_tag(&event, place);
        match event {
            Event::DocumentStart(..) => self.anchors.clear(),
            Event::Scalar(text, style, anchor, _) => {
                let nothing = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = if nothing { Value::Nothing } else { Value::Text(text.into_owned()) };
                self.count(1, place)?;
                self.add(Node { place, value }, anchor, 1, 0);
            }
            Event::SequenceStart(_, anchor, _) => self.begin(place, anchor, Inside::List(Vec::new()))?,
            Event::MappingStart(_, anchor, _) => {
                self.begin(place, anchor, Inside::Map(OpenMap::default()))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, place)?,
            _ => {}
        }
        Ok(())
    }

    fn refuse_tag(&mut self, event: &Event<'_>, place: Place) {
        if let Some(tag) = event.tag() {
            let message = format!("the tag {} has no meaning in {}", quote(&tag.original()), self.what);
            self.findings.add(Kind::Syntax, place, message, "leave it out; every value is read by where it stands");
        }
    }

    fn count(&mut self, more: usize, place: Place) -> Result<(), Stop> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > MOST_NODES {
            let message = format!("the file has more than {MOST_NODES} values, each use of an alias counted");
            return Err(Stop::too_much(place, self.what, message));
        }
        Ok(())
    }

    fn check_depth(&self, below: usize, place: Place) -> Result<(), Stop> {
        if self.open.len() + below > DEEPEST {
            return Err(Stop::too_deep(place, self.what));
        }
        Ok(())
    }

    fn begin(&mut self, place: Place, anchor: usize, inside: Inside) -> Result<(), Stop> {
        self.check_depth(1, place)?;
        let nodes_before = self.nodes;
        self.count(1, place)?;
        self.open.push(Open { place, anchor, nodes_before, depth: 0, inside });
        Ok(())
    }

    fn end(&mut self) {
        let Some(Open { place, anchor, nodes_before, depth, inside }) = self.open.pop() else { return };
        let value = match inside {
            Inside::List(items) => Value::List(items),
            Inside::Map(map) => Value::Map(map.entries),
        };
        self.add(Node { place, value }, anchor, self.nodes - nodes_before, depth + 1);
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Stop> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            let message = "this alias stands inside the value that it means".to_owned();
            return Err(Stop { kind: Kind::Syntax, place, message, help: "write the value out".to_owned() });
        };
        let (size, depth) = (anchored.size, anchored.depth);
        self.check_depth(depth, place)?;
        self.count(size, place)?;
        if let Some(node) = self.anchors.get(&anchor).map(|anchored| anchored.node.clone()) {
            self.add(node, 0, size, depth);
        }
        Ok(())
    }

    /// Puts a complete value where it belongs.
    fn add(&mut self, node: Node, anchor: usize, size: usize, depth: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, Anchored { node: node.clone(), size, depth });
        }
        let Some(open) = self.open.last_mut() else {
            if !matches!(node.value, Value::Nothing) {
                self.documents.push(node);
            }
            return;
        };
        open.depth = open.depth.max(depth);
        match &mut open.inside {
            Inside::List(items) => items.push(node),
            Inside::Map(map) => match map.key.take() {
                None => map.key = Some(node),
                Some(key) => map.add(key, node, self.what, self.findings),
            },
        }
    }
}

impl OpenMap {
    fn add(&mut self, key: Node, value: Node, what: &str, findings: &mut Findings) {
        let Value::Text(name) = key.value else {
            findings.add(Kind::Syntax, key.place, "a key must be a word", "write `key: value`");
            return;
        };
        if name == "<<" {
            findings.add(
                Kind::Syntax,
                key.place,
                format!("merge keys (`<<`) are not read, so that {what} says what it does where it stands"),
                "use an alias for the whole value: `guards: *calm`",
            );
        } else if let Some(first) = self.places.get(&name) {
            let message = format!("the key {} is given twice; first at {first}", quote(&name));
            findings.add(Kind::DuplicateKey, key.place, message, "keep one of them");
        } else {
            self.places.insert(name.clone(), key.place);
            self.entries.push(Entry { key: name, key_place: key.place, value });
        }
    }
}
