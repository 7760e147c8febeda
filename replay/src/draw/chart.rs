//! A picture of a demand, in letters.

use std::{fmt::Write as _, time::Duration};

use super::page::{number, span};
use crate::scenario::{Scenario, Source};

/// Eighths of a cell.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The values of a source in so many columns and rows, with an axis each. A column is as high as the highest value in it,
/// so that no peak is lost. `unit` follows the numbers.
pub fn chart(source: &Source, scenario: &Scenario, unit: &str, columns: usize, rows: usize) -> String {
    let (columns, rows) = (columns.clamp(10, 400), rows.clamp(1, 50));
    let Summary { highest, lowest, mean, each } = Summary::of(source, scenario, columns);
    let scale = if highest > 0.0 { (rows * 8) as f64 / highest } else { 0.0 };
    let label = format!("{}{unit}", short(highest));
    let margin = label.chars().count();
    let mut text = String::new();
    for row in (0..rows).rev() {
        let _ = write!(text, "{:>margin$} ", if row + 1 == rows { label.as_str() } else { "" });
        for value in &each {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 8")]
            let filled = (value * scale - (row * 8) as f64).ceil().clamp(0.0, 8.0) as usize;
            text.push(BLOCKS[filled]);
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    let end = span(scenario.lasts);
    let _ = writeln!(text, "{:>margin$} {:<width$}{end}", "0", "0s", width = columns.saturating_sub(end.len()));
    let _ = writeln!(text, "lowest {}{unit}, mean {}{unit}, highest {label}", short(lowest), short(mean));
    text
}

struct Summary {
    highest: f64,
    lowest: f64,
    mean: f64,
    /// The highest value in each column.
    each: Vec<f64>,
}

impl Summary {
    fn of(source: &Source, scenario: &Scenario, columns: usize) -> Self {
        let length = scenario.lasts.as_secs_f64().max(1e-9);
        let mut summary = Self { highest: 0.0, lowest: f64::MAX, mean: 0.0, each: vec![0.0; columns] };
        let mut walk = source.walk(scenario).peekable();
        while let Some((from, value)) = walk.next() {
            let until = walk.peek().map_or(scenario.lasts, |(until, _)| *until);
            summary.piece(from, until, value.unwrap_or_default(), length);
        }
        summary.lowest = summary.lowest.min(summary.highest);
        summary
    }

    fn piece(&mut self, from: Duration, until: Duration, value: f64, length: f64) {
        self.highest = self.highest.max(value);
        self.lowest = self.lowest.min(value);
        self.mean += value * until.saturating_sub(from).as_secs_f64() / length;
        let columns = self.each.len();
        let (first, last) = (column(from, length, columns), column(until, length, columns));
        let first = first.floor().min(columns as f64 - 1.0);
        let last = last.ceil().clamp(first + 1.0, columns as f64);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to the number of columns")]
        let (first, last) = (first as usize, last as usize);
        for highest in &mut self.each[first..last] {
            *highest = highest.max(value);
        }
    }
}

/// How many columns lie before a moment.
fn column(at: Duration, length: f64, columns: usize) -> f64 {
    at.as_secs_f64() / length * columns as f64
}

fn short(value: f64) -> String {
    number(if value >= 100.0 { value.round() } else { (value * 100.0).round() / 100.0 })
}
