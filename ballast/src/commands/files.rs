//! Files as the command line names them.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::render::Unreadable;

/// The file itself, or the policy files of the folder: `*.yaml` and `*.yml`, sorted, hidden ones left out.
pub(super) fn files_in(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.as_os_str() == "-" || !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        let hidden = file.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        let yaml = file.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if yaml && !hidden && !file.is_dir() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(io::Error::other("the folder holds no *.yaml or *.yml file; name a file, or another folder"));
    }
    Ok(files)
}

/// The text of a file, or of standard input. Of one longer than `longest` bytes so much that a parser refuses it for its
/// length, with its own words.
pub(super) fn read(file: &Path, longest: usize) -> io::Result<String> {
    let source: Box<dyn Read> =
        if file.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(fs::File::open(file)?) };
    let mut bytes = Vec::new();
    source.take(u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > longest {
        // Cut somewhere, perhaps within a letter; the parser refuses it for its length.
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes).map_err(|error| io::Error::other(format!("it is not UTF-8: {error}")))
}

/// How findings name it.
pub(super) fn origin(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Unreadable {
    Unreadable { origin: origin(path), message: error.to_string() }
}
