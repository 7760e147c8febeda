//! Where pictures are written to, of every command that draws.

use std::path::PathBuf;

use clap::Args;

/// Pictures beside the page; the page has them in both themes.
#[derive(Args, Debug)]
pub(crate) struct PictureArgs {
    /// Write the pictures as SVG.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Write the pictures as PNG.
    #[arg(long, value_name = "FILE")]
    pub(crate) png: Option<PathBuf>,
    /// Draw the SVG and the PNG light on dark.
    #[arg(long)]
    pub(crate) dark: bool,
}
