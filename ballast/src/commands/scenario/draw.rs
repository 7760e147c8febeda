//! `ballast scenario draw`.

use std::process::ExitCode;

use anyhow::bail;
use replay::{
    draw::{Drawing, chart},
    scenario::Source,
};

use super::write;
use crate::{cli::ScenarioDrawArgs, output};

/// The width of a chart where there is no terminal.
const WIDTH: usize = 80;
/// The height of a chart.
const ROWS: usize = 8;

pub(in crate::commands) fn draw(args: &ScenarioDrawArgs) -> anyhow::Result<ExitCode> {
    let mut drawing = Drawing::new(&args.service, args.lasts);
    drawing.every = args.every;
    drawing.seed = args.seed;
    drawing.of = args.of;
    drawing.begins = args.begins.unwrap_or(drawing.begins);
    for (kind, words) in args.parts.each() {
        drawing.add(kind, words).map_err(|error| anyhow::anyhow!("--{error}"))?;
    }
    if drawing.parts.is_empty() {
        bail!("there is no load; add parts such as --level 40/s (ballast scenario draw --help has all)");
    }
    if args.show {
        let columns = output::terminal_size_of_stdout().map_or(WIDTH, |(columns, _)| usize::from(columns));
        let source = Source::Drawn(drawing.parts.clone());
        output::print(&chart(&source, &drawing.scenario(), drawing.of.unit(), columns.saturating_sub(16), ROWS))?;
    }
    match &args.output {
        Some(file) => {
            write(file, &drawing.text(), args.force)?;
            output::say(&format!("wrote {}", file.display()));
        }
        None if !args.show => output::print(&drawing.text())?,
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}
