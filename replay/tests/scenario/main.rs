//! Scenarios as people write them: what is read, what is said where something is wrong, and that what is written reads to
//! the same.

mod docs;
mod golden;
mod lazy;
mod meaning;
mod properties;
mod strategies;

use std::{error::Error, fs, path::PathBuf};

/// The texts of a folder beside this file, by name.
fn texts(folder: &str) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(here().join(folder))? {
        let path = entry?.path();
        if let Some(name) = path.file_stem().and_then(|name| name.to_str()) {
            all.push((name.to_owned(), fs::read_to_string(&path)?));
        }
    }
    all.sort();
    Ok(all)
}

/// What stands in the folder `beside`.
fn beside(file: &str) -> Result<String, String> {
    fs::read_to_string(here().join("beside").join(file)).map_err(|_| "there is no such file".to_owned())
}

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenario")
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}
