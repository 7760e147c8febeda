//! `ballast scenario import`.

use std::{
    fs::File,
    io::{self, BufReader, IsTerminal as _, Read, Write as _},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use replay::import::{self, Options};

use super::{check_free, write};
use crate::{cli::ScenarioImportArgs, commands::files::origin, output};

/// How many bytes are read between two words about it.
const TOLD_EVERY: u64 = 64 << 20;

pub(in crate::commands) fn import(args: &ScenarioImportArgs) -> anyhow::Result<ExitCode> {
    let series = args.output.with_extension("csv");
    let name = series.file_name().and_then(|name| name.to_str()).context("-o has to name a file, in UTF-8")?;
    if series == args.output || series == args.input {
        bail!("-o has to name a scenario such as shop.yaml: the series goes to {}", series.display());
    }
    // The input is read while nothing else holds it: with --force, too, it must not be written over.
    let place = |file: &Path| file.canonicalize().ok();
    let input = place(&args.input);
    if let Some(file) = [&args.output, &series].into_iter().find(|file| input.is_some() && place(file) == input) {
        bail!("{} is the input; write the scenario to another file", file.display());
    }
    check_free(&[&args.output, &series], args.force)?;
    let from_stdin = args.input.as_os_str() == "-";
    let input: Box<dyn Read> = if from_stdin {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(&args.input).with_context(|| format!("cannot read {}", args.input.display()))?)
    };
    let told = Told { input, read: 0, next: TOLD_EVERY, aloud: io::stderr().is_terminal() };
    let imported = import::read(&origin(&args.input), BufReader::with_capacity(1 << 16, told), &options(args))?;
    write(&series, &imported.csv(), args.force)?;
    write(&args.output, &imported.scenario(&args.service, name), args.force)?;
    for line in imported.notes.lines() {
        output::say(&line);
    }
    output::say(&format!("wrote {} and {}", args.output.display(), series.display()));
    Ok(ExitCode::SUCCESS)
}

fn options(args: &ScenarioImportArgs) -> Options {
    let ScenarioImportArgs { moments, values, .. } = args;
    Options {
        format: args.format,
        time: moments.time.clone(),
        value: values.value.clone(),
        time_format: moments.time_format.clone(),
        zone: moments.zone,
        kind: values.kind,
        per: values.per,
        every: args.every,
        gaps: args.gaps,
        labels: values.labels.clone(),
        sum: values.sum,
        status: values.status.clone(),
        latency: values.latency.clone(),
        latency_unit: values.latency_unit,
        users: values.users,
        censored_from: args.censored_from,
    }
}

/// Says on a terminal how much of a long input has been read.
struct Told<R> {
    input: R,
    read: u64,
    next: u64,
    aloud: bool,
}

impl<R: Read> Read for Told<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.read += u64::try_from(count).unwrap_or_default();
        if self.aloud && self.read >= self.next {
            self.next = self.read + TOLD_EVERY;
            let _ = write!(io::stderr(), "\rread {} MiB ", self.read >> 20);
        }
        if count == 0 && self.aloud && self.next > TOLD_EVERY {
            let _ = write!(io::stderr(), "\r\x1b[K");
            self.next = TOLD_EVERY;
        }
        Ok(count)
    }
}
