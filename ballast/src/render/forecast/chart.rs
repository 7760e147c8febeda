//! The picture in letters: what was as blocks, what is expected as a line, its bound as dots.

use replay::report::forecast::Prospect;

use super::{
    super::text::{Look, Tone},
    from_now,
};

/// Rows of the picture.
const ROWS: usize = 12;
/// Eighths of a cell.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const MIDDLE: char = '─';
const BOUND: char = '·';

/// The values of one column: the highest of each that fall into it.
#[derive(Clone, Copy, Debug, Default)]
struct Column {
    actual: Option<f64>,
    middle: Option<f64>,
    bound: Option<f64>,
    missed: bool,
}

/// The picture, as wide as that, with its legend.
pub(super) fn chart(prospect: &Prospect, width: usize, look: Look) -> String {
    let (columns, now) = columns(prospect, width);
    let highest = columns.iter().flat_map(|column| [column.actual, column.middle, column.bound]).flatten();
    let highest = highest.fold(0.0, f64::max);
    let label = prospect.unit.print(highest);
    let margin = margin(prospect, highest);
    let mut text = String::new();
    for row in (0..ROWS).rev() {
        let name = match row {
            row if row + 1 == ROWS => label.clone(),
            row if row == ROWS / 2 - 1 => prospect.unit.print(highest / 2.0),
            _ => String::new(),
        };
        let mut line = format!("{name:>margin$} ");
        for (place, column) in columns.iter().enumerate() {
            line.push(cell(column, row, highest).unwrap_or(if place == now { '│' } else { ' ' }));
        }
        text += line.trim_end();
        text += "\n";
    }
    text += &axis(prospect, columns.len(), now, margin);
    if columns.iter().any(|column| column.missed) {
        let marks: String = columns.iter().map(|column| if column.missed { '!' } else { ' ' }).collect();
        let line = format!("{:>margin$} {}", "", marks.trim_end());
        text += &look.paint(Tone::Warn, line.trim_end());
        text += "\n";
    }
    text += &format!("{:>margin$} █ what came  ─ expected  · bound  ! above the bound\n", "");
    text
}

fn margin(prospect: &Prospect, highest: f64) -> usize {
    let width = |value: f64| prospect.unit.print(value).chars().count();
    width(highest).max(width(highest / 2.0))
}

/// The columns, and the one in which now is.
fn columns(prospect: &Prospect, width: usize) -> (Vec<Column>, usize) {
    let past = prospect.past.iter().map(|moment| (moment.at, moment.actual, moment.middle, moment.bound));
    let ahead = prospect.ahead.iter().map(|span| (span.to, span.actual, Some(span.middle), Some(span.bound)));
    let all: Vec<_> = past.chain(ahead).collect();
    let highest = all.iter().flat_map(|(_, actual, middle, bound)| [actual, middle, bound]).flatten();
    let margin = margin(prospect, highest.copied().fold(0.0, f64::max));
    let count = width.saturating_sub(margin + 1).clamp(10, 400);
    let first = all.first().map_or(prospect.at, |(at, ..)| at.minus(prospect.shown_step));
    let lasts = all.last().map_or(prospect.shown_step, |(at, ..)| at.since(first)).as_secs_f64().max(1e-9);
    let place = |seconds: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the columns")]
        let place = (seconds / lasts * count as f64) as usize;
        place.min(count - 1)
    };
    let mut columns = vec![Column::default(); count];
    for (at, actual, middle, bound) in all {
        let end = at.since(first).as_secs_f64();
        let from = place((end - prospect.shown_step.as_secs_f64()).max(0.0));
        let to = place((end - 1e-6).max(0.0));
        for column in &mut columns[from..=to.max(from)] {
            column.actual = higher(column.actual, actual);
            column.middle = higher(column.middle, middle);
            column.bound = higher(column.bound, bound);
            column.missed |= actual.zip(bound).is_some_and(|(actual, bound)| actual > bound);
        }
    }
    (columns, place(prospect.at.since(first).as_secs_f64()))
}

fn higher(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}

/// What stands in a cell; rows count from the bottom.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rows and eighths of them")]
fn cell(column: &Column, row: usize, highest: f64) -> Option<char> {
    let eighths = |value: f64| if highest > 0.0 { (value / highest * (ROWS * 8) as f64).round() } else { 0.0 };
    let is_in = |value: Option<f64>| value.is_some_and(|value| ((eighths(value).max(1.0) - 1.0) / 8.0) as usize == row);
    if is_in(column.middle) {
        return Some(MIDDLE);
    }
    let filled = column.actual.map_or(0, |value| (eighths(value) - (row * 8) as f64).clamp(0.0, 8.0) as usize);
    match filled {
        0 if is_in(column.bound) => Some(BOUND),
        0 => None,
        filled => Some(BLOCKS[filled]),
    }
}

/// The axis of time: where it begins, now, and where it ends.
fn axis(prospect: &Prospect, count: usize, now: usize, margin: usize) -> String {
    let first = prospect.past.first().map_or(prospect.at, |moment| moment.at.minus(prospect.shown_step));
    let last = prospect.ahead.last().map_or(prospect.at, |span| span.to);
    let (begin, end) = (from_now(prospect.at, first), from_now(prospect.at, last));
    let mut words: Vec<char> = vec![' '; count];
    let mut put = |place: usize, word: &str| {
        for (offset, sign) in word.chars().enumerate() {
            if let Some(cell) = words.get_mut(place + offset) {
                *cell = sign;
            }
        }
    };
    put(0, &begin);
    put(count.saturating_sub(end.chars().count()), &end);
    put(now.saturating_sub(1), "now");
    format!("{:>margin$} {}\n", "0", words.iter().collect::<String>().trim_end())
}
