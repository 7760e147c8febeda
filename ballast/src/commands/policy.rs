//! `ballast policy check`.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use autoscaler::policy_file;

use crate::{
    cli::CheckArgs,
    output,
    render::{self, Checked, Finding},
};

/// What is no policy file for want of size: a policy is some dozen lines.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// Checks files and prints what it found; exit code 1 where something is wrong.
pub(super) fn check(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let mut checked = Checked::default();
    for path in &args.paths {
        match files_in(path) {
            Ok(files) => files.iter().for_each(|file| check_file(file, &mut checked)),
            Err(error) => checked.errors.push(unreadable(path, &error)),
        }
    }
    let text = if args.json {
        serde_json::to_string_pretty(&checked)? + "\n"
    } else {
        render::findings(&checked, output::look())
    };
    output::print(&text)?;
    Ok(if checked.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The file itself, or the policy files of the folder: `*.yaml` and `*.yml`, sorted, hidden ones left out.
fn files_in(path: &Path) -> io::Result<Vec<PathBuf>> {
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

fn check_file(file: &Path, checked: &mut Checked) {
    checked.files += 1;
    let text = match read(file) {
        Ok(text) => text,
        Err(error) => return checked.errors.push(unreadable(file, &error)),
    };
    match policy_file::parse(&origin(file), &text) {
        Ok(policies) => checked.policies += policies.len(),
        Err(errors) => checked.errors.extend(errors.0.into_iter().map(|error| Finding {
            origin: error.origin,
            line: Some(error.line),
            column: Some(error.column),
            message: error.message,
            excerpt: error.excerpt,
        })),
    }
}

fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    let source: Box<dyn Read> =
        if file.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(fs::File::open(file)?) };
    source.take(LARGEST_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(io::Error::other(format!("it is larger than {} MiB, which no policy is", LARGEST_FILE >> 20)));
    }
    Ok(text)
}

fn origin(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

fn unreadable(path: &Path, error: &io::Error) -> Finding {
    Finding {
        origin: origin(path),
        line: None,
        column: None,
        message: format!("cannot be read: {error}"),
        excerpt: String::new(),
    }
}
