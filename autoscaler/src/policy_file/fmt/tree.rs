//! A text as it is written: styles, comments and anchors and all.

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use crate::text::yaml::double_quoted;

/// A text as it is written.
pub(super) struct Tree {
    pub(super) documents: Vec<Document>,
}

pub(super) struct Document {
    /// What stands above everything and belongs to nothing in particular.
    pub(super) head: Vec<Comment>,
    pub(super) root: Node,
}

pub(super) struct Node {
    pub(super) at: At,
    pub(super) anchor: Option<String>,
    pub(super) value: Value,
}

/// Where a node stands.
#[derive(Clone, Copy)]
pub(super) struct At {
    /// In bytes.
    pub(super) start: usize,
    /// In bytes.
    pub(super) end: usize,
    /// From 1.
    pub(super) line: usize,
    /// From 1.
    pub(super) last_line: usize,
    /// From 0. Of a collection in block style: where its keys or dashes stand.
    pub(super) column: usize,
}

pub(super) enum Value {
    /// As it can be written on one line, and whether without quotes.
    Scalar(String, bool),
    Alias(String),
    List(Collection),
    Map(Collection),
}

pub(super) struct Collection {
    pub(super) items: Vec<Item>,
    /// Below the last item.
    pub(super) tail: Vec<Comment>,
    pub(super) flow: bool,
}

/// An item of a list or an entry of a map.
pub(super) struct Item {
    pub(super) key: Option<Key>,
    pub(super) above: Vec<Comment>,
    /// At the end of its first line.
    pub(super) right: Option<String>,
    /// Whether a blank line stands right above it.
    pub(super) blank: bool,
    pub(super) node: Node,
}

pub(super) struct Key {
    pub(super) at: At,
    /// What it means.
    pub(super) name: String,
    /// As it is written.
    pub(super) written: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Comment {
    /// With its `#`.
    pub(super) text: String,
    /// Whether a blank line stands right above it.
    pub(super) blank: bool,
    pub(super) start: usize,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Item {
    /// Where it begins: its key, or its value.
    pub(super) fn at(&self) -> At {
        self.key.as_ref().map_or(self.node.at, |key| key.at)
    }
}

impl Node {
    pub(super) fn collection(&self) -> Option<&Collection> {
        match &self.value {
            Value::List(collection) | Value::Map(collection) => Some(collection),
            Value::Scalar(..) | Value::Alias(_) => None,
        }
    }

    pub(super) fn collection_mut(&mut self) -> Option<&mut Collection> {
        match &mut self.value {
            Value::List(collection) | Value::Map(collection) => Some(collection),
            Value::Scalar(..) | Value::Alias(_) => None,
        }
    }
}

/// The texts of all comments, sorted.
pub(super) fn comments(text: &str) -> Vec<String> {
    let Some((_, comments)) = events(text) else { return Vec::new() };
    let mut texts: Vec<String> = comments.into_iter().map(|comment| comment.text).collect();
    texts.sort();
    texts
}

/// The whole text; `None` if it is not YAML.
pub(super) fn read(text: &str) -> Option<Tree> {
    let (events, comments) = events(text)?;
    let mut builder = Builder { text, open: Vec::new(), documents: Vec::new(), starts: Vec::new() };
    for (event, span) in events {
        builder.take(event, span)?;
    }
    // A document with nothing but comments is none; they belong to the one before.
    let roots = builder.documents.into_iter().zip(builder.starts).filter(|(root, _)| root.collection().is_some());
    let (mut documents, starts): (Vec<Document>, Vec<usize>) =
        roots.map(|(root, start)| (Document { head: Vec::new(), root }, start)).unzip();
    super::comments::attach(&mut documents, &starts, comments, text);
    Some(Tree { documents })
}

type Events<'t> = Vec<(Event<'t>, Span)>;

/// Everything but the comments, and the comments.
fn events(text: &str) -> Option<(Events<'_>, Vec<Comment>)> {
    let options = granit_parser::options! {
        emit_comments: true,
        emit_anchor_events: true,
        max_buffered_comment_events: usize::MAX,
    };
    let (mut events, mut comments) = (Vec::new(), Vec::new());
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.ok()?;
        if !matches!(event, Event::Comment(..)) {
            events.push((event, span));
            continue;
        }
        let start = span.start.byte_offset()?;
        comments.push(Comment {
            text: text.get(start..span.end.byte_offset()?)?.trim_end().to_owned(),
            blank: is_blank_above(text, start),
            start,
            line: span.start.line(),
            column: span.start.col(),
        });
    }
    Some((events, comments))
}

/// Whether the line above that of `start` is there and blank.
fn is_blank_above(text: &str, start: usize) -> bool {
    let before = text[..start].rfind('\n').map_or("", |end| &text[..end]);
    let line = before.rfind('\n').map_or(before, |end| &before[end + 1..]);
    !before.is_empty() && line.trim().is_empty()
}

struct Builder<'t> {
    text: &'t str,
    open: Vec<Open>,
    documents: Vec<Node>,
    /// Where each document begins, in bytes.
    starts: Vec<usize>,
}

struct Open {
    node: Node,
    key: Option<Key>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        let at = at(span)?;
        match event {
            Event::DocumentStart(..) => self.starts.push(at.start),
            Event::Anchor(_, name) => self.name(&name),
            Event::Alias(_) => {
                let name = self.text.get(at.start..at.end)?.to_owned();
                self.add(Node { at, anchor: None, value: Value::Alias(name) })?;
            }
            Event::Scalar(text, style, _, _) => {
                let value = scalar(&text, style, self.text.get(at.start..at.end)?);
                self.add(Node { at, anchor: None, value })?;
            }
            Event::SequenceStart(style, ..) => self.begin(at, Value::List(Collection::new(style))),
            Event::MappingStart(style, ..) => self.begin(at, Value::Map(Collection::new(style))),
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { mut node, .. } = self.open.pop()?;
                let collection = node.collection()?;
                let last = if collection.flow { None } else { collection.items.last() };
                let last = last.map_or(at, |item| item.node.at);
                (node.at.end, node.at.last_line) = (last.end, last.last_line);
                self.add(node)?;
            }
            _ => {}
        }
        Some(())
    }

    fn begin(&mut self, at: At, value: Value) {
        self.open.push(Open { node: Node { at, anchor: None, value }, key: None });
    }

    /// Gives the anchor's name to the node that has just begun.
    fn name(&mut self, name: &str) {
        let Some(open) = self.open.last_mut() else { return };
        let empty = |node: &Node| node.collection().is_some_and(|collection| collection.items.is_empty());
        if empty(&open.node) && open.key.is_none() && open.node.anchor.is_none() {
            open.node.anchor = Some(name.to_owned());
        } else if let Some(item) = open.node.collection_mut().and_then(|collection| collection.items.last_mut()) {
            item.node.anchor = Some(name.to_owned());
        }
    }

    fn add(&mut self, node: Node) -> Option<()> {
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Some(());
        };
        let is_map = matches!(open.node.value, Value::Map(_));
        if is_map && open.key.is_none() {
            let Value::Scalar(written, plain) = node.value else { return None };
            let name = if plain { written.clone() } else { self.text.get(node.at.start..node.at.end)?.to_owned() };
            let name = name.trim_matches(['"', '\'']).to_owned();
            open.key = Some(Key { at: node.at, name, written });
            return Some(());
        }
        let key = open.key.take();
        let start = key.as_ref().map_or(node.at.start, |key| key.at.start);
        let blank = is_blank_above(self.text, start);
        let item = Item { key, above: Vec::new(), right: None, blank, node };
        open.node.collection_mut()?.items.push(item);
        Some(())
    }
}

impl Collection {
    fn new(style: StructureStyle) -> Self {
        Self { items: Vec::new(), tail: Vec::new(), flow: style == StructureStyle::Flow }
    }
}

fn at(span: Span) -> Option<At> {
    let start = span.start.byte_offset()?;
    let end = span.end.byte_offset()?.max(start);
    let (line, last_line) = (span.start.line(), span.end.line());
    Some(At { start, end, line, last_line, column: span.start.col() })
}

/// As it is written, if that is one line; otherwise in double quotes.
fn scalar(text: &str, style: ScalarStyle, written: &str) -> Value {
    let plain = style == ScalarStyle::Plain;
    let quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
    if !written.contains(['\n', '\r']) && (plain || quoted) {
        return Value::Scalar(written.to_owned(), plain);
    }
    Value::Scalar(double_quoted(text), false)
}
