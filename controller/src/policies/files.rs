//! The policy files as they were read last.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use autoscaler::{Policy, policy_file};
use bus::payload::PolicySource;

use super::{Entry, PolicySet};

/// The most files that are read.
const MOST_FILES: usize = 1000;
/// The longest file that is read, in bytes.
const LONGEST_FILE: u64 = 1024 * 1024;

/// The policy files as they were read last.
#[derive(Debug)]
pub(crate) struct PolicyFiles {
    roots: Vec<PathBuf>,
    /// Whether a root may be missing without a word.
    may_be_missing: bool,
    /// By the place of the root among the roots, then by path: the order in which policies win.
    files: BTreeMap<Key, File>,
}

type Key = (usize, PathBuf);

/// One file as it was read last.
#[derive(Debug, Default)]
struct File {
    /// What was last read, good or not.
    text: Option<Vec<u8>>,
    /// The policies of its last good version.
    policies: Option<Vec<Policy>>,
    warnings: Vec<String>,
    error: Option<String>,
    /// Whether it was not there at the last look.
    missing: bool,
}

/// What a look at the files found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// Something is other than before.
    pub(crate) changed: bool,
    /// A file is not there, which may be a moment in the middle of an editor's save: look again soon.
    pub(crate) again: bool,
}

impl PolicyFiles {
    /// None read yet.
    pub(crate) fn new(roots: Vec<PathBuf>) -> Self {
        Self { roots, may_be_missing: false, files: BTreeMap::new() }
    }

    /// Lets roots be missing without a word.
    pub(crate) fn may_be_missing(self, may_be_missing: bool) -> Self {
        Self { may_be_missing, ..self }
    }

    /// Reads every file again that is other than before.
    pub(crate) fn look(&mut self) -> Look {
        let mut look = Look::default();
        let there = self.find();
        let gone: Vec<Key> = self.files.keys().filter(|key| !there.contains_key(*key)).cloned().collect();
        for key in gone {
            if self.files.get_mut(&key).is_some_and(|file| file.is_really_gone(&mut look)) {
                tracing::info!(file = %key.1.display(), "is gone, and its policies with it");
                self.files.remove(&key);
                look.changed = true;
            }
        }
        for (key, found) in there {
            let file = self.files.entry(key.clone()).or_default();
            match found.and_then(|()| read(&key.1)) {
                Ok(text) => look.changed |= file.take(&key.1, text),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if file.is_really_gone(&mut look) {
                        file.policies = None;
                        look.changed |= file.fail(&key.1, "it does not exist");
                    }
                }
                Err(error) => look.changed |= file.fail(&key.1, &error.to_string()),
            }
        }
        look
    }

    /// What is in force.
    pub(crate) fn set(&self) -> PolicySet {
        let entries = self.files.iter().flat_map(|((_, path), file)| {
            let origin = path.display().to_string();
            file.policies.iter().flatten().map(move |policy| Entry { policy: policy.clone(), origin: origin.clone() })
        });
        PolicySet {
            entries: entries.collect(),
            sources: self.files.iter().map(|((_, path), file)| file.source(path)).collect(),
            complete: self.files.values().all(|file| file.policies.is_some()),
        }
    }

    /// The folders in which a change of any file shows: those of the files, of what they link to, and of the roots.
    pub(crate) fn folders(&self) -> BTreeSet<PathBuf> {
        let paths = self.roots.iter().chain(self.files.keys().map(|(_, path)| path));
        let mut folders = BTreeSet::new();
        for path in paths {
            let real = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            for path in [path, &real] {
                if path.is_dir() {
                    folders.insert(path.clone());
                }
                match path.parent() {
                    Some(parent) if parent.as_os_str().is_empty() => drop(folders.insert(PathBuf::from("."))),
                    Some(parent) => drop(folders.insert(parent.to_owned())),
                    None => {}
                }
            }
        }
        folders
    }

    /// Every file that there is now, once, and every root that cannot be looked at.
    fn find(&self) -> BTreeMap<Key, io::Result<()>> {
        let mut found = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (place, root) in self.roots.iter().enumerate() {
            let paths = match fs::metadata(root) {
                Ok(metadata) if metadata.is_dir() => files_in(root),
                Ok(_) => Ok(vec![root.clone()]),
                Err(error) => Err(error),
            };
            match paths {
                Ok(paths) => {
                    for path in paths {
                        let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
                        if found.len() < MOST_FILES && seen.insert(real) {
                            found.insert((place, path), Ok(()));
                        }
                    }
                }
                Err(error) => {
                    for key in self.files.keys().filter(|(of, path)| *of == place && path != root) {
                        found.insert(key.clone(), Err(same(&error)));
                    }
                    if !(self.may_be_missing && error.kind() == io::ErrorKind::NotFound) {
                        found.insert((place, root.clone()), Err(error));
                    }
                }
            }
        }
        found
    }
}

impl File {
    /// Whether a file that is not there now has been away for two looks, or never had anything in it.
    fn is_really_gone(&mut self, look: &mut Look) -> bool {
        let for_a_moment = !self.missing && (self.text.is_some() || self.policies.is_some());
        self.missing = true;
        look.again |= for_a_moment;
        !for_a_moment
    }

    /// Takes in what was read; `true` if it is other than before.
    fn take(&mut self, path: &Path, text: Vec<u8>) -> bool {
        self.missing = false;
        if self.text.as_ref() == Some(&text) {
            return false;
        }
        match parse(path, &text) {
            Ok((policies, warnings)) => {
                tracing::info!(file = %path.display(), policies = policies.len(), "policies in force");
                for warning in &warnings {
                    tracing::warn!(file = %path.display(), "{warning}");
                }
                self.policies = Some(policies);
                self.warnings = warnings;
                self.error = None;
            }
            Err(error) => drop(self.fail(path, &error)),
        }
        self.text = Some(text);
        true
    }

    /// Takes in that it could not be read; `true` if that is news.
    fn fail(&mut self, path: &Path, error: &str) -> bool {
        if self.error.as_deref() == Some(error) {
            return false;
        }
        let meanwhile = match &self.policies {
            Some(_) => "its last good version stays in force",
            None => "NO POLICY OF IT IS IN FORCE",
        };
        tracing::warn!(file = %path.display(), "policy file is broken; {meanwhile}:\n{error}");
        self.error = Some(error.to_owned());
        self.text = None;
        true
    }

    fn source(&self, path: &Path) -> PolicySource {
        PolicySource {
            origin: path.display().to_string(),
            policies: self.policies.as_ref().map_or(0, |policies| u32::try_from(policies.len()).unwrap_or(u32::MAX)),
            error: self.error.clone(),
            warnings: self.warnings.clone(),
        }
    }
}

fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if yaml && !hidden && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;
    let mut text = Vec::new();
    fs::File::open(path)?.take(LONGEST_FILE + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LONGEST_FILE {
        return Err(io::Error::other(format!("it is longer than {LONGEST_FILE} bytes: split it")));
    }
    Ok(text)
}

/// Its policies and what is doubtful about them, or everything that is wrong with it.
fn parse(path: &Path, text: &[u8]) -> Result<(Vec<Policy>, Vec<String>), String> {
    let text = std::str::from_utf8(text).map_err(|error| format!("{}: it is not UTF-8: {error}", path.display()))?;
    let file = policy_file::parse(&path.display().to_string(), text).map_err(|errors| errors.to_string())?;
    Ok((file.policies, file.warnings.iter().map(ToString::to_string).collect()))
}

fn same(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

#[cfg(test)]
mod tests;
