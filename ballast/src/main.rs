//! The command line: one binary with all of Ballast in it.
//!
//! [`cli`] says what can be asked, one module of [`commands`] does each of it, and [`render`] turns what came back
//! into text, without knowing where it came from or where it goes.

mod ask;
mod cli;
mod commands;
mod connection;
mod logging;
mod moment;
mod output;
mod paths;
mod render;
mod shutdown;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    logging::start(cli.log_format, cli.command.default_log_level());
    output::exit_code(commands::dispatch(cli))
}
