//! Where text goes: results to standard output, talk to standard error, and how the process ends.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anstream::ColorChoice;
use autoscaler::text::TextErrors;

use crate::render::Look;

/// Whether standard output is a terminal, its size, and whether it shows colours.
pub(crate) fn look() -> Look {
    let colour = anstream::AutoStream::choice(&io::stdout()) != ColorChoice::Never;
    Look { width: terminal_size_of_stdout().map(|(width, _)| width), colour }
}

/// Columns and rows of standard output, where it is a terminal.
pub(crate) fn terminal_size_of_stdout() -> Option<(u16, u16)> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, height)| (width.0, height.0))
}

/// Writes a result.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Says something that is no result. A closed standard error is no reason to stop.
pub(crate) fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Ends the process's work: says what failed, and gives the exit code for it.
pub(crate) fn exit_code(result: anyhow::Result<ExitCode>) -> ExitCode {
    match result {
        Ok(code) => code,
        // Whoever reads has what they wanted, as in `ballast status | head -1`.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        // Policy errors say themselves that they are some, each with its place.
        Err(error) if error.is::<TextErrors>() => {
            say(format!("{error}").trim_end());
            ExitCode::FAILURE
        }
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
