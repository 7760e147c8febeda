//! How results are printed: Markdown, to be put into `docs/performance.md` as it is.

use std::{fs, thread, time::Duration};

use comfy_table::{Table, presets::ASCII_MARKDOWN};

/// Prints a table under its title.
pub(crate) fn print(title: &str, header: &[&str], rows: Vec<Vec<String>>) {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(header.to_vec()).add_rows(rows);
    println!("\n{title}\n\n{table}");
}

/// Processors and load of this machine, because each figure depends on both.
pub(crate) fn machine() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("{cores} cores, load {} over the last minute", load.split(' ').next().unwrap_or("unknown"))
}

/// The value below which a share `quantile` of `values` lies: the nearest rank, never an interpolation.
pub(crate) fn quantile(values: &[Duration], quantile: f64) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank lies within the list")]
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}

/// How many, median, 99th percentile and largest, as four cells.
pub(crate) fn spread(values: &[Duration]) -> [String; 4] {
    let cell = |value| format!("{} ms", milliseconds(quantile(values, value)));
    [values.len().to_string(), cell(0.5), cell(0.99), cell(1.0)]
}

fn milliseconds(span: Duration) -> String {
    format!("{:.0}", span.as_secs_f64() * 1000.0)
}
