//! The policy files as they were read last.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use autoscaler::{
    policy_file::{Catalog, Source},
    text::{Severity, TextError, TextErrors},
};
use bus::payload::PolicySource;

use super::PolicySet;

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
    /// Environment variables that are part of policies.
    variables: BTreeMap<String, String>,
    /// By the place of the root among the roots, then by path: the order in which policies win.
    files: BTreeMap<Key, File>,
    generation: u64,
}

type Key = (usize, PathBuf);

/// One file as it was read last.
#[derive(Debug, Default)]
struct File {
    /// What was last read, good or not.
    text: Option<Vec<u8>>,
    /// Its last good version.
    good: Option<String>,
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
        Self { roots, may_be_missing: false, variables: BTreeMap::new(), files: BTreeMap::new(), generation: 0 }
    }

    /// Takes these environment variables for the highest layer.
    pub(crate) fn with_variables(self, variables: BTreeMap<String, String>) -> Self {
        Self { variables, ..self }
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
                        file.good = None;
                        look.changed |= file.fail(&key.1, "it does not exist");
                    }
                }
                Err(error) => look.changed |= file.fail(&key.1, &error.to_string()),
            }
        }
        self.generation += u64::from(look.changed);
        look
    }

    /// What is in force.
    pub(crate) fn set(&self) -> PolicySet {
        let good = self
            .files
            .iter()
            .filter_map(|((_, path), file)| Some(Source::file(path.display().to_string(), file.good.clone()?)));
        let environment = (!self.variables.is_empty()).then(|| Source::environment(self.variables.clone()));
        let (catalog, errors) = Catalog::read(good.chain(environment).collect());
        let mut findings = errors;
        findings.extend(of_policies(&catalog));
        let mut sources: Vec<PolicySource> =
            self.files.iter().map(|((_, path), file)| file.source(path, &catalog, &mut findings)).collect();
        if !findings.is_empty() {
            sources.push(elsewhere(&findings));
        }
        PolicySet {
            catalog,
            sources,
            complete: self.files.values().all(|file| file.good.is_some()),
            generation: self.generation,
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
        let for_a_moment = !self.missing && (self.text.is_some() || self.good.is_some());
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
            Ok((good, policies)) => {
                tracing::info!(file = %path.display(), policies, "policies in force");
                self.good = Some(good);
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
        let meanwhile = match &self.good {
            Some(_) => "its last good version stays in force",
            None => "NO POLICY OF IT IS IN FORCE",
        };
        tracing::warn!(file = %path.display(), "policy file is broken; {meanwhile}:\n{error}");
        self.error = Some(error.to_owned());
        self.text = None;
        true
    }

    /// As told to who asks. Takes the findings that are of this file.
    fn source(&self, path: &Path, catalog: &Catalog, findings: &mut Vec<TextError>) -> PolicySource {
        let origin = path.display().to_string();
        let (own, others) = std::mem::take(findings).into_iter().partition(|finding| finding.origin == origin);
        *findings = others;
        let (errors, warnings) = told(own);
        let policies = catalog.selectors().filter(|(_, place)| place.name == origin).count();
        PolicySource {
            origin,
            policies: u32::try_from(policies).unwrap_or(u32::MAX),
            error: self.error.clone().or(errors),
            warnings,
        }
    }
}

/// What is wrong or doubtful with policies once all layers are laid over each other; each thing once.
fn of_policies(catalog: &Catalog) -> Vec<TextError> {
    let mut findings: Vec<TextError> = Vec::new();
    for (_, resolved) in catalog.resolve_each() {
        let found = match resolved {
            Ok(resolved) => resolved.warnings,
            Err(TextErrors(errors)) => errors,
        };
        for finding in found {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    findings
}

/// Errors as one text, and warnings each as a line.
fn told(findings: Vec<TextError>) -> (Option<String>, Vec<String>) {
    let (errors, warnings): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|finding| finding.severity == Severity::Error);
    let error = (!errors.is_empty()).then(|| TextErrors(errors).to_string());
    (error, warnings.iter().map(ToString::to_string).collect())
}

/// What is wrong with what is in no file: environment variables.
fn elsewhere(findings: &[TextError]) -> PolicySource {
    // A variable with an error is left out; the others are in force.
    let warnings = findings.iter().map(|finding| format!("{finding} (left out)")).collect();
    PolicySource { origin: "environment".to_owned(), policies: 0, error: None, warnings }
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

/// The text and how many policies it has, or everything that is wrong with it.
fn parse(path: &Path, text: &[u8]) -> Result<(String, usize), String> {
    let text = std::str::from_utf8(text).map_err(|error| format!("{}: it is not UTF-8: {error}", path.display()))?;
    let (catalog, findings) = Catalog::read(vec![Source::file(path.display().to_string(), text)]);
    let errors: Vec<_> = findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
    if errors.is_empty() {
        Ok((text.to_owned(), catalog.selectors().count()))
    } else {
        Err(TextErrors(errors).to_string())
    }
}

fn same(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

#[cfg(test)]
mod tests;
