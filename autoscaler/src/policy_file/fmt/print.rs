//! Printing in the order of the grammar.

use super::{
    super::grammar,
    tree::{Comment, Document, Item, Node, Tree, Value},
};
use crate::text::{
    grammar::{Map, Shape},
    yaml::double_quoted,
};

/// The longest line that a map or list is put on.
const WIDTH: usize = 120;

/// The whole text. Ends with a line break.
pub(super) fn print(tree: Tree) -> String {
    let mut printer = Printer { out: String::new() };
    for (number, document) in tree.documents.into_iter().enumerate() {
        if number > 0 {
            printer.out.push_str("---\n");
        }
        printer.document(document);
    }
    printer.out
}

struct Printer {
    out: String,
}

impl Printer {
    fn document(&mut self, Document { head, root }: Document) {
        static POLICY: Shape = Shape::Map(&grammar::policy::POLICY);
        static DEFAULTS: Shape = Shape::Map(&grammar::policy::DEFAULTS);
        static SEVERAL: Shape = Shape::Map(&grammar::policy::SEVERAL);
        let has = |key| has(&root, key);
        let shape = match () {
            () if has("policies") => &SEVERAL,
            () if has("defaults") => &DEFAULTS,
            () => &POLICY,
        };
        let begin = self.out.len();
        self.comments(&head, 0, begin);
        if !head.is_empty() && root.collection().is_some_and(|of| of.items.first().is_some_and(starts_blank)) {
            self.out.push('\n');
        }
        let begin = self.out.len();
        self.block(root, Some(shape), 0, begin);
    }

    /// A map or list, an item a line or more. `begin` is where the text of the block begins: no blank line comes first.
    fn block(&mut self, node: Node, shape: Option<&'static Shape>, indent: usize, begin: usize) {
        let map = map_of(&node, shape);
        let (Value::Map(mut of) | Value::List(mut of)) = node.value else { return };
        if let Some(map) = map {
            of.items.sort_by_key(|item| place_in(map, item));
        }
        for item in of.items {
            let inner = match (&item.key, map) {
                (Some(key), Some(map)) => map.key(&key.name).map(|key| &key.shape),
                (Some(_), None) => shape.and_then(Shape::named),
                (None, _) => shape.and_then(Shape::items),
            };
            self.item(item, inner, indent, begin);
        }
        self.comments(&of.tail, indent, begin);
    }

    fn item(&mut self, mut item: Item, shape: Option<&'static Shape>, indent: usize, begin: usize) {
        let dash = item.key.is_none();
        let mut above = std::mem::take(&mut item.above);
        let mut blank = item.blank;
        let short = flow(&item.node, shape, false).filter(|text| {
            let key = item.key.as_ref().map_or(0, |key| key_text(&key.written).chars().count() + 1);
            indent + key + 2 + text.chars().count() <= WIDTH || item.node.collection().is_none()
        });
        // What stands between a dash and the first key goes above the dash.
        if dash && short.is_none() && item.node.anchor.is_none() {
            hoist(&mut item, shape, &mut above, &mut blank);
        }
        self.comments(&above, indent, begin);
        if blank && self.out.len() > begin {
            self.blank_line();
        }
        self.indent(indent);
        match &item.key {
            Some(key) => self.out.extend([key_text(&key.written), ":"]),
            None => self.out.push('-'),
        }
        if let Some(anchor) = &item.node.anchor {
            self.out.extend([" &", anchor]);
        }
        let right = item.right.map(|text| format!(" {text}")).unwrap_or_default();
        match short {
            Some(text) => {
                let space = if text.is_empty() { "" } else { " " };
                self.out.extend([space, &text, &right, "\n"]);
            }
            None if dash && item.node.anchor.is_none() && matches!(item.node.value, Value::Map(_)) => {
                // The first key stands beside the dash.
                let begin = self.out.len();
                let mut inner = Self { out: String::new() };
                inner.block(item.node, shape, indent + 2, 0);
                self.out.push_str(&inner.out);
                self.out.replace_range(begin..begin + indent + 2, " ");
            }
            None => {
                self.out.extend([&right, "\n"]);
                let begin = self.out.len();
                self.block(item.node, shape, indent + 2, begin);
            }
        }
    }

    fn comments(&mut self, comments: &[Comment], indent: usize, begin: usize) {
        for comment in comments {
            if comment.blank && self.out.len() > begin {
                self.blank_line();
            }
            self.indent(indent);
            self.out.push_str(&comment.text);
            self.out.push('\n');
        }
    }

    fn blank_line(&mut self) {
        if !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn indent(&mut self, indent: usize) {
        self.out.push_str(&" ".repeat(indent));
    }
}

/// Takes what stands above the key that will come first in an item.
fn hoist(item: &mut Item, shape: Option<&'static Shape>, above: &mut Vec<Comment>, blank: &mut bool) {
    let map = map_of(&item.node, shape);
    let at = item.node.at;
    if let Some(text) = item.right.take() {
        above.push(Comment { text, blank: false, start: at.start, line: at.line, column: at.column });
    }
    let Value::Map(of) = &mut item.node.value else { return };
    let first = match map {
        Some(map) => of.items.iter_mut().min_by_key(|item| place_in(map, item)),
        None => of.items.first_mut(),
    };
    if let Some(first) = first {
        if !first.above.is_empty() {
            above.append(&mut first.above);
            *blank = false;
        }
        first.blank = false;
    }
}

/// Whether a blank line stands above its first line.
fn starts_blank(item: &Item) -> bool {
    item.above.first().map_or(item.blank, |comment| comment.blank)
}

fn has(node: &Node, key: &str) -> bool {
    let Value::Map(of) = &node.value else { return false };
    of.items.iter().any(|item| item.key.as_ref().is_some_and(|known| known.name == key))
}

fn map_of(node: &Node, shape: Option<&'static Shape>) -> Option<&'static Map> {
    if !matches!(node.value, Value::Map(_)) {
        return None;
    }
    shape?.map(&|key| has(node, key))
}

fn place_in(map: &Map, item: &Item) -> usize {
    let name = item.key.as_ref().map_or("", |key| key.name.as_str());
    map.names().position(|known| known == name).unwrap_or(usize::MAX)
}

/// On one line; `None` if it is always a block or holds a comment.
fn flow(node: &Node, shape: Option<&'static Shape>, inside: bool) -> Option<String> {
    let (of, open, close) = match &node.value {
        Value::Alias(name) => return Some(name.clone()),
        Value::Scalar(written, true) if inside && written.is_empty() => return Some("~".to_owned()),
        Value::Scalar(written, true) if inside && written.contains([',', '[', ']', '{', '}']) => {
            return Some(double_quoted(written));
        }
        Value::Scalar(written, _) => return Some(written.clone()),
        Value::List(of) => (of, "[", "]"),
        Value::Map(of) => (of, "{ ", " }"),
    };
    if of.items.is_empty() && of.tail.is_empty() {
        return Some(format!("{}{}", open.trim_end(), close.trim_start()));
    }
    let map = map_of(node, shape);
    if !of.tail.is_empty() || is_block(node, shape, map) {
        return None;
    }
    let mut items: Vec<&Item> = of.items.iter().collect();
    if let Some(map) = map {
        items.sort_by_key(|item| place_in(map, item));
    }
    let mut texts = Vec::new();
    for item in items {
        if !item.above.is_empty() || item.right.is_some() {
            return None;
        }
        let inner = match (&item.key, map) {
            (Some(key), Some(map)) => map.key(&key.name).map(|key| &key.shape),
            (Some(_), None) => shape.and_then(Shape::named),
            (None, _) => shape.and_then(Shape::items),
        };
        let text = flow(&item.node, inner, true)?;
        let anchor = item.node.anchor.as_ref().map(|name| format!("&{name} ")).unwrap_or_default();
        texts.push(match &item.key {
            Some(key) => format!("{}: {anchor}{text}", key_text(&key.written)),
            None => format!("{anchor}{text}"),
        });
    }
    Some(format!("{open}{}{close}", texts.join(", ")))
}

/// Whether it is a block however short it is.
fn is_block(node: &Node, shape: Option<&'static Shape>, map: Option<&'static Map>) -> bool {
    match &node.value {
        Value::List(_) => {
            matches!(shape.and_then(Shape::items), Some(Shape::Map(map)) if map.block)
        }
        Value::Map(_) => match map {
            Some(map) => map.block,
            None => shape.and_then(Shape::named).is_some_and(|inner| !matches!(inner, Shape::Text(_))),
        },
        Value::Scalar(..) | Value::Alias(_) => false,
    }
}

/// Without quotes that say nothing.
fn key_text(written: &str) -> &str {
    let bare = written.trim_matches(['"', '\'']);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let safe = bare.starts_with(|c: char| c.is_ascii_alphabetic()) && bare.chars().all(plain);
    if safe { bare } else { written }
}
