//! Writes pages and pictures where they were asked for.

mod raster;

use std::{fs, path::Path};

use anyhow::Context;
use replay::report::Theme;

use crate::{cli::PictureArgs, output};

/// Writes what was asked for: the page, which has both themes, and the pictures in one of them.
pub(super) fn write(
    html: Option<&Path>,
    asked: &PictureArgs,
    page: impl FnOnce() -> String,
    svg: impl Fn(Theme) -> String,
) -> anyhow::Result<()> {
    let theme = if asked.dark { Theme::Dark } else { Theme::Light };
    if let Some(file) = html {
        write_file(file, page().as_bytes())?;
    }
    if let Some(file) = &asked.svg {
        write_file(file, svg(theme).as_bytes())?;
    }
    if let Some(file) = &asked.png {
        write_file(file, &raster::png(&svg(theme))?)?;
    }
    Ok(())
}

fn write_file(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
    output::say(&format!("wrote {} ({} KB)", file.display(), bytes.len().div_ceil(1000)));
    Ok(())
}
