//! `ballast scenario`: what can be done with scenarios.

mod draw;
mod import;

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use anyhow::Context as _;

pub(super) use draw::draw;
pub(super) use import::import;

/// Writes a file, but over none that is there unless that is wanted.
fn write(file: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).truncate(true).create(force).create_new(!force);
    let written = options.open(file).and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            anyhow::bail!("{} is there already; --force writes over it", file.display())
        }
        written => written.with_context(|| format!("cannot write {}", file.display())),
    }
}
