//! Logs: to standard error, so that standard output is results alone.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::cli::LogFormat;

/// Starts logging: what `RUST_LOG` says, or `default_level` where it says nothing.
pub(crate) fn start(format: LogFormat, default_level: &str) {
    let asked = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let (filter, misread) = match asked.parse() {
        Ok(filter) if !asked.is_empty() => (filter, None),
        Ok(_) => (EnvFilter::new(default_level), None),
        Err(error) => (EnvFilter::new(default_level), Some(error)),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // Standard error may be a closed pipe; reporting that there would panic.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => builder.with_ansi(io::stderr().is_terminal() && !no_color()).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    if let Some(error) = misread {
        tracing::warn!("RUST_LOG is ignored, it cannot be read: {error}");
    }
}

/// Whether the user wants no colours, see <https://no-color.org>.
fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
