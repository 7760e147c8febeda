//! `ballast scenario record`: what happened to a running service, as a scenario.

mod plot;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use autoscaler::{Timestamp, journal, quantity::SignalName, text::values::moment_text, time::spoken};
use replay::{
    Scenario,
    fit::Row,
    recording::{self, Reads, Recording},
    scenario::{self, Objective, Play, Replicas, Series, Service, Signals, Source},
};

use super::{check_free, write as write_file};
use crate::{
    ask::{Asker, Recorded},
    cli::ScenarioRecordArgs,
    moment::now_ms,
    output,
    render::count,
};

/// Asks for what was kept, writes it, and, where that is wanted, a model fitted to it.
pub(in crate::commands) async fn record(args: ScenarioRecordArgs) -> anyhow::Result<ExitCode> {
    let now = now_ms();
    let (from, until) = (args.from.millis(now), args.until.map_or(now, |until| until.millis(now)));
    if until <= from {
        bail!("--until is not after --from");
    }
    let name = args.output.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
    let name = name.filter(|name| !name.is_empty()).context("--output names no file, such as `web.yaml`")?;
    let beside = |ending: &str| args.output.with_file_name(format!("{name}.{ending}"));
    let mut files = vec![args.output.clone(), beside("journal.csv")];
    if args.model {
        files.extend(["model.csv", "model.yaml", "model.svg"].map(beside));
    }
    check_free(&files.iter().map(PathBuf::as_path).collect::<Vec<_>>(), args.force)?;
    let recorded = Asker::connect(&args.address).await?.history(&args.service, from, until).await?;
    let entries =
        journal::read(&recorded.journal).map_err(|errors| anyhow!("what was kept cannot be read: {errors}"))?;
    let reads = reads(&args, &entries)?;
    let Some(recording) = recording::read(&entries, &reads) else {
        bail!("no replica of {} was listed in that span: there is nothing to play", recorded.service)
    };
    let write = |file: &Path, text: &str| {
        write_file(file, text, args.force)?;
        output::say(&format!("wrote {} ({} KB)", file.display(), text.len().div_ceil(1000)));
        Ok(())
    };
    let file = format!("{name}.journal.csv");
    write(&beside("journal.csv"), &recorded.journal)?;
    let signals = Play::Signals(Signals::Journal { file, text: recorded.journal.as_str().into() });
    let about = "What was recorded, to be played back. `ballast replay` decides it again, and says where that differs.";
    write(&args.output, &scenario::write(&of(&recorded, &recording, &name, about, signals)?))?;
    say_what_was_kept(&recorded, &recording);
    if args.model {
        // What is played back needs the snapshot before; a model does not.
        let reads = Reads { since: Some(Timestamp::from_millis(from)), ..reads };
        let recording = recording::read(&entries, &reads).unwrap_or(recording);
        model(&recorded, &recording, &name, &|ending, text| write(&beside(ending), text))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The signals to fit by: as asked for, or as their names suggest.
fn reads(args: &ScenarioRecordArgs, entries: &[journal::Entry]) -> anyhow::Result<Reads> {
    let known = recording::signals(entries);
    let named = |asked: &Option<String>, guessed: Option<SignalName>| match asked {
        None => Ok(guessed),
        Some(name) => {
            if let Some(signal) = known.iter().find(|signal| signal.as_str() == name) {
                Ok(Some(signal.clone()))
            } else {
                let known: Vec<&str> = known.iter().map(SignalName::as_str).collect();
                bail!("no signal `{name}` was recorded; there are: {}", known.join(", "))
            }
        }
    };
    let guess = Reads::guess(entries);
    Ok(Reads {
        requests: named(&args.requests, guess.requests)?,
        latency: named(&args.latency, guess.latency)?,
        errors: named(&args.errors, guess.errors)?,
        latency_sum: if args.latency.is_some() { None } else { guess.latency_sum },
        in_flight: named(&args.in_flight, guess.in_flight)?,
        since: None,
        span: guess.span,
    })
}

fn of(recorded: &Recorded, recording: &Recording, name: &str, about: &str, play: Play) -> anyhow::Result<Scenario> {
    let parts: Vec<&str> = recorded.service.split('/').collect();
    let [host, project, service] = parts.as_slice() else {
        bail!("the controller names a service `{}`, which is not host/project/service", recorded.service)
    };
    let service = Service { host: (*host).to_owned(), project: (*project).to_owned(), service: (*service).to_owned() };
    // One that is not ready yet is there all the same.
    let start = recording.rows.first().map_or(recording.ready_at_first, |row| row.present);
    let most = recording.rows.iter().map(|row| row.ready).max().unwrap_or(start).max(start);
    let begins = recording.from;
    let lasts = recording.to.since(begins).max(Duration::from_millis(1));
    Ok(Scenario {
        name: name.to_owned(),
        about: about.to_owned(),
        from: format!(
            "recorded by ballast {} of {}, {} to {}",
            env!("CARGO_PKG_VERSION"),
            recorded.service,
            moment_text(begins),
            moment_text(recording.to)
        ),
        service,
        begins,
        lasts,
        every: Duration::from_secs(1),
        seed: 1,
        replicas: Replicas { start, min: start.min(1), max: (2 * most).max(10) },
        policy: None,
        objective: Objective::default(),
        play,
        faults: Vec::new(),
        expect: Vec::new(),
    })
}

fn say_what_was_kept(recorded: &Recorded, recording: &Recording) {
    let lasts = recording.to.since(recording.from);
    output::say(&format!("{}: {} entries of {}", recorded.service, recorded.entries, spoken(lasts)));
    let mean = |value: &dyn Fn(&Row) -> Option<f64>| {
        let values: Vec<f64> = recording.rows.iter().filter_map(value).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let averages = [
        (mean(&|row| Some(f64::from(row.ready))), "replicas that served"),
        (mean(&|row| row.cores), "cores busy"),
        (mean(&|row| row.requests), "requests per second"),
        (mean(&|row| row.latency), "s of response time"),
    ];
    let averages = averages.iter().filter_map(|(mean, what)| Some(format!("{:.3} {what}", (*mean)?)));
    output::say(&format!("on average {}", averages.collect::<Vec<_>>().join(", ")));
    if recorded.lost > 0 {
        output::say(&format!(
            "warning: {} entries could not be kept in time; a replay leaves out what depends on them",
            recorded.lost
        ));
    }
}

/// Writes the closed loop and says how well it is founded.
fn model(
    recorded: &Recorded,
    recording: &Recording,
    name: &str,
    write: &impl Fn(&str, &str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for warning in &recording.fit.warnings {
        output::say(&format!("warning: {warning}"));
    }
    let file = format!("{name}.model.csv");
    let (load, assumed) = recording.load(&file).map_err(|why| anyhow!("there is no model: {why}"))?;
    for sentence in &assumed {
        output::say(&format!("assumed: {sentence}"));
    }
    if let Some(cost) = &recording.fit.cost {
        let line = &cost.line;
        output::say(&format!(
            "a request costs {:.2} ± {:.2} ms of CPU, a replica {:.3} ± {:.3} cores beside (95 % confidence; R² {:.2}; \
             median of slopes {:.2} ms; {})",
            line.slope * 1000.0,
            line.slope_within * 1000.0,
            line.intercept,
            line.intercept_within,
            line.r_squared,
            line.median_slope * 1000.0,
            count(cost.points.len(), "point", "points")
        ));
        write("model.svg", &plot::line(cost))?;
    }
    if !recording.starts.is_empty() {
        let mut starts = recording.starts.clone();
        starts.sort();
        let (least, most) = (starts[0], starts[starts.len() - 1]);
        let seen = count(starts.len(), "start", "starts");
        output::say(&format!("{seen} took {} to {}", spoken(least), spoken(most)));
    }
    let Source::File(columns) = &load.demand.source else { bail!("the load of a recording is a file") };
    let mut series = vec![(columns.value.as_str(), columns.series.clone()), ("censored", recording.censored())];
    series.extend(recording.measured());
    let series: Vec<(&str, &Series)> = series.iter().map(|(name, series)| (*name, series)).collect();
    write("model.csv", &scenario::series_csv(&series))?;
    let about = "A closed loop fitted to a recording: its load, and a model of the service. What the model rests on was \
                 said when it was made.";
    let closed = of(recorded, recording, &format!("{name}.model"), about, Play::Load(Box::new(load)))?;
    write("model.yaml", &scenario::write(&closed))
}
