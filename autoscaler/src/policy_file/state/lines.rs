//! A text as states: one YAML or JSON text, or JSON lines.

use crate::text::{Findings, Node, Texts, Value, yaml};

/// The documents of a text. Where every line is a map of its own, each line is one.
pub(super) fn read(source: u32, text: &str, findings: &mut Findings) -> Vec<Node> {
    if !are_lines(text) {
        return yaml::read(source, text, "a state", findings);
    }
    let mut nodes = Vec::new();
    let mut start = 0;
    for (number, line) in text.split('\n').enumerate() {
        let mut apart = Findings::new(Texts::default());
        let mut read = yaml::read(source, line, "a state", &mut apart);
        if apart.no_errors() {
            for node in &mut read {
                shift(node, number, start);
            }
            nodes.append(&mut read);
        } else {
            // Read again behind as much blank text, so that its findings stand where they are. One such line is enough.
            let blank = |byte| if byte == b'\n' { '\n' } else { ' ' };
            let before: String = text.as_bytes()[..start].iter().map(|byte| blank(*byte)).collect();
            yaml::read(source, &(before + line), "a state", findings);
            break;
        }
        start += line.len() + 1;
    }
    nodes
}

/// Whether there are several lines, each of which is a map.
fn are_lines(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_map = |line: &str| line.starts_with('{') && line.ends_with('}');
    lines.next().is_some_and(is_map) && lines.clone().next().is_some() && lines.all(is_map)
}

fn shift(node: &mut Node, lines: usize, bytes: usize) {
    node.place.line += lines;
    node.place.start += bytes;
    node.place.end += bytes;
    match &mut node.value {
        Value::Nothing | Value::Text(_) => {}
        Value::List(items) => {
            for item in items {
                shift(item, lines, bytes);
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                entry.key_place.line += lines;
                entry.key_place.start += bytes;
                entry.key_place.end += bytes;
                shift(&mut entry.value, lines, bytes);
            }
        }
    }
}
