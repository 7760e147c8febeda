//! `ballast replay`: policies and known autoscalers on scenarios, side by side.

pub(super) mod open;

use std::{
    io::{self, IsTerminal},
    num::NonZero,
    process::ExitCode,
    thread,
    time::Duration,
};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use replay::{
    baseline,
    comparison::{self, Case, Options},
};

use super::{
    cases::{Asked, cases, warn},
    pictures,
};
use crate::{
    cli::{ReplayArgs, ReportFormat},
    output, render,
};

/// Runs everybody on every scenario, prints what came of it, and writes the pictures that were asked for.
pub(super) fn replay(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let asked = Asked { scenarios: &args.scenarios, policies: &args.policy, seed: args.seed, every: args.every };
    let Some(cases) = cases(asked)? else { return Ok(ExitCode::FAILURE) };
    let (cases, signals): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(|case| case.scenario.load().is_some());
    let mut opened = Vec::new();
    for case in &signals {
        opened.extend(open::all(case)?);
    }
    if cases.is_empty() {
        return tell_opened(args, &opened);
    }
    if !opened.is_empty() {
        bail!("some scenarios play signals back and others have a load; replay them apart: they are judged otherwise");
    }
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN);
    let options = Options {
        baselines: baselines(&args.baseline),
        plan: !args.no_plan,
        sweep: args.sweep,
        seeds: args.seeds.unwrap_or(NonZero::<u32>::MIN),
        jobs,
    };
    let bar = progress_bar();
    let report = comparison::compare(&cases, &options, &|done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let report = report?;
    pictures::write(args.html.as_deref(), &args.pictures, || report.page(), |theme| report.svg(theme))?;
    if args.format == ReportFormat::Json {
        warn(&cases);
    }
    let text = match args.format {
        ReportFormat::Json => serde_json::to_string_pretty(&report)? + "\n",
        ReportFormat::Text => render::replay(&report, args.all, output::look()),
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// What came of signals that were played back: of these there are decisions to tell, and no costs.
fn tell_opened(args: &ReplayArgs, opened: &[open::Opened]) -> anyhow::Result<ExitCode> {
    let asked = [
        (!args.baseline.is_empty(), "--baseline"),
        (args.sweep, "--sweep"),
        (args.html.is_some(), "--html"),
        (args.pictures.svg.is_some(), "--svg"),
        (args.pictures.png.is_some(), "--png"),
        (args.all, "--all"),
        (args.seeds.is_some(), "--seeds"),
        (args.no_plan, "--no-plan"),
        (args.pictures.dark, "--dark"),
    ];
    if let Some((_, option)) = asked.into_iter().find(|(asked, _)| *asked) {
        bail!("{option} needs a closed loop: signals that are played back say nothing about what a service would do");
    }
    let text = match args.format {
        ReportFormat::Json => serde_json::to_string_pretty(opened)? + "\n",
        ReportFormat::Text => opened.iter().map(open::Opened::text).collect::<Vec<_>>().join("\n"),
    };
    output::print(&text)?;
    Ok(if opened.iter().any(open::Opened::differs) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// `all` is every baseline; each is taken once.
fn baselines(asked: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    for name in asked {
        if name == "all" {
            names.extend(baseline::ALL.iter().map(|baseline| baseline.name.to_owned()));
        } else {
            names.push(name.trim().to_owned());
        }
    }
    let mut once: Vec<String> = Vec::new();
    for name in names {
        if !once.contains(&name) {
            once.push(name);
        }
    }
    once
}

/// On standard error, and only where somebody watches.
pub(super) fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len} runs, {eta} left") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
