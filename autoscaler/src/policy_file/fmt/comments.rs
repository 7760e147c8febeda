//! Comments put to what they belong to, by where they stand.

use super::tree::{Collection, Comment, Document, Node};

/// Puts every comment into `documents`, which begin at `starts`. One without any document is dropped; the caller notices.
pub(super) fn attach(documents: &mut [Document], starts: &[usize], comments: Vec<Comment>, text: &str) {
    for comment in comments {
        let begun = starts.iter().filter(|start| **start <= comment.start).count();
        let at = begun.saturating_sub(1).min(documents.len().saturating_sub(1));
        let Some(document) = documents.get_mut(at) else { continue };
        let line_start = text[..comment.start].rfind('\n').map_or(0, |end| end + 1);
        let own_line = text[line_start..comment.start].trim().is_empty();
        let left = if own_line { Some(comment) } else { beside(&mut document.root, comment) };
        if let Some(comment) = left {
            above(&mut document.root, comment);
        }
    }
    for document in documents {
        take_head(document);
    }
}

/// Puts a comment of its own line above the next item, or, if it is indented like those before, below the last one.
fn above(node: &mut Node, comment: Comment) {
    let column = node.at.column;
    let Some(collection) = node.collection_mut() else { return };
    let next = collection.items.iter().position(|item| item.at().start > comment.start);
    let before = next.unwrap_or(collection.items.len()).checked_sub(1);
    let flow = collection.flow;
    if let Some(item) = before.and_then(|before| collection.items.get_mut(before)) {
        let inner = item.node.at;
        let between = comment.start < inner.start;
        let belongs = item.node.collection().is_some_and(|of| match of.flow {
            true => !between && comment.start < inner.end,
            false => {
                let deep_enough = comment.column >= inner.column && (flow || inner.column > column || next.is_none());
                between || comment.start < inner.end || deep_enough
            }
        });
        if between && !belongs {
            item.above.push(comment);
            return;
        }
        if belongs {
            return above(&mut item.node, comment);
        }
    }
    match next.and_then(|next| collection.items.get_mut(next)) {
        Some(item) => item.above.push(comment),
        None => collection.tail.push(comment),
    }
}

/// Puts a comment at the end of a line to the innermost item that begins or ends on that line and is not within braces
/// that are closed by then. Gives it back if there is none.
fn beside(node: &mut Node, comment: Comment) -> Option<Comment> {
    let Some(Collection { items, .. }) = node.collection_mut() else { return Some(comment) };
    let Some(item) = items.iter_mut().rev().find(|item| item.at().start < comment.start) else {
        return Some(comment);
    };
    let inner = item.node.at;
    let open = item.node.collection().is_some_and(|of| !of.flow || comment.start < inner.end);
    let comment = if open { beside(&mut item.node, comment)? } else { comment };
    if item.at().line != comment.line && inner.last_line != comment.line {
        return Some(comment);
    }
    match item.right {
        None => item.right = Some(comment.text),
        Some(_) => item.above.push(comment),
    }
    None
}

/// What stands above the first key with a blank line between, or is for editors, belongs to the whole document.
fn take_head(document: &mut Document) {
    let Some(first) = document.root.collection_mut().and_then(|of| of.items.first_mut()) else { return };
    let ends = (0..first.above.len()).rev().find(|at| {
        let blank_below = first.above.get(at + 1).map_or(first.blank, |next| next.blank);
        blank_below || first.above[*at].text.starts_with("# yaml-language-server:")
    });
    if let Some(end) = ends {
        document.head = first.above.drain(..=end).collect();
    }
}
