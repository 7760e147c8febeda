//! `ballast compare`: a policy beside known autoscalers and the clairvoyant plan, over a folder of recordings.

use std::{
    fs,
    io::BufReader,
    num::NonZero,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    thread,
};

use anyhow::{Context, anyhow, bail};
use autoscaler::{Policy, policy_file, text::render};
use replay::{
    import,
    recordings::{self, Options, Recording, Table},
};

use super::{
    files::{origin, read},
    replay::progress_bar,
};
use crate::{cli::CompareArgs, output};

/// What the policy that ships is called.
const SHIPPED: &str = "forecast";

/// Reads the recordings, judges everybody on each, prints what came of it, and writes the files that were asked for.
pub(super) fn compare(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let recordings = recordings(args)?;
    let (name, policy) = policy(args.policy.as_deref())?;
    // The first is the one under which knobs are turned, so that their order stays.
    let mut starts = Vec::new();
    for start in &args.starts {
        if !starts.contains(start) {
            starts.push(*start);
        }
    }
    let options = Options {
        name,
        policy,
        idle_per_missing: args.idle_per_missing,
        starts,
        jobs: args.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN),
    };
    if args.policy.is_some() {
        for note in options.notes() {
            output::say(&format!("note: {note}"));
        }
    }
    let bar = progress_bar();
    let table = recordings::judge(&recordings, &options, &|done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let table = table?;
    if let Some(file) = &args.json {
        write(file, &(serde_json::to_string_pretty(&table)? + "\n"))?;
    }
    if let Some(file) = &args.markdown {
        write(file, &page(file, &table)?)?;
    }
    output::print(&table.text())?;
    Ok(ExitCode::SUCCESS)
}

/// The recordings of the folder, by name; what was left out of them is said.
fn recordings(args: &CompareArgs) -> anyhow::Result<Vec<Recording>> {
    let options = import::Options {
        time: Some(args.time.clone()),
        time_format: Some(args.time_format.clone()),
        value: Some(args.value.clone()),
        ..import::Options::default()
    };
    let mut recordings = Vec::new();
    for path in files(&args.folder)? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let file = path.display().to_string();
        let input = fs::File::open(&path).with_context(|| format!("cannot read {file}"))?;
        let recording = Recording::read(&name, &file, BufReader::new(input), &options, args.peak)?;
        for note in &recording.notes {
            output::say(note);
        }
        recordings.push(recording);
    }
    Ok(recordings)
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry?.path();
        if file.is_file() && file.extension().is_some_and(|extension| extension == "csv") {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        bail!(
            "{} holds no *.csv file; each recording is one, with the columns timestamp_s and value",
            folder.display()
        );
    }
    Ok(files)
}

/// The one policy of the file, or the one that ships.
fn policy(file: Option<&Path>) -> anyhow::Result<(String, Arc<Policy>)> {
    let (name, place, text) = match file {
        None => (SHIPPED.to_owned(), SHIPPED.to_owned(), recordings::POLICY.to_owned()),
        Some(file) => {
            let text = read(file, policy_file::LONGEST_TEXT).with_context(|| origin(file))?;
            (file.file_name().unwrap_or_default().to_string_lossy().into_owned(), origin(file), text)
        }
    };
    let mut policies = policy_file::parse(&place, &text).map_err(|errors| anyhow!("{}", render(&errors)))?.policies;
    if policies.len() != 1 {
        bail!("{place}: it has {} policies; one is judged at a time", policies.len());
    }
    Ok((name, Arc::new(policies.remove(0))))
}

/// The page with the tables in it.
fn page(file: &Path, table: &Table) -> anyhow::Result<String> {
    let (begin, end) = (recordings::BEGIN, recordings::END);
    let page = if file.exists() {
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
    } else {
        format!("{begin}\n{end}\n")
    };
    recordings::replace(&page, &table.markdown())
        .with_context(|| format!("{} has no `{begin}` with `{end}` behind it to write between", file.display()))
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    output::say(&format!("wrote {}", file.display()));
    Ok(())
}
