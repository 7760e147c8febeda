//! `ballast explain` and `ballast whatif`.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use bus::payload::{Question, Status, Suppose};

use crate::{
    ask::Asker,
    cli::{ExplainArgs, WhatifArgs},
    moment::now_ms,
    output, render,
};

/// Asks for one service and prints everything about it.
pub(super) async fn explain(args: ExplainArgs) -> anyhow::Result<ExitCode> {
    let at_ms = args.at.map(|at| at.millis(now_ms()));
    let asker = Asker::connect(&args.address).await?;
    let question = Question { service: Some(args.service.clone()), at_ms, ..Question::default() };
    let answer = asker.ask_about("explain", question).await?;
    if let (Some(at_ms), false) = (at_ms, args.json) {
        output::say(&format!("as it was at {} UTC", autoscaler::Timestamp::from_millis(at_ms)));
    }
    print(&answer, &args.service, args.json)
}

/// Asks what would be decided for one service, and prints it.
pub(super) async fn whatif(args: WhatifArgs) -> anyhow::Result<ExitCode> {
    let policy = args.policy.as_deref().map(read).transpose()?;
    let suppose = Suppose {
        signals: args.set.into_iter().collect(),
        replicas: args.replicas,
        policy,
        lasting_ms: args.lasting.map_or(0, |span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
    };
    let asker = Asker::connect(&args.address).await?;
    let question = Question { service: Some(args.service.clone()), suppose: Some(suppose), ..Question::default() };
    let answer = asker.ask_about("explain", question).await?;
    if let Some(error) = &render::tame(&answer).error {
        bail!("{error}");
    }
    if args.json {
        return print(&answer, &args.service, true);
    }
    let answer = render::tame(&answer);
    match answer.services.as_slice() {
        [service] => output::print(&render::supposed(service, answer.at_ms, output::look()))?,
        _ => bail!("{}", not_one(&args.service, &answer)),
    }
    Ok(ExitCode::SUCCESS)
}

fn print(answer: &Status, wanted: &str, json: bool) -> anyhow::Result<ExitCode> {
    if let Some(error) = &render::tame(answer).error {
        bail!("{error}");
    }
    if json {
        output::print(&(serde_json::to_string_pretty(answer)? + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let answer = render::tame(answer);
    match answer.services.as_slice() {
        [service] => output::print(&render::explain(service, answer.at_ms, output::look()))?,
        _ => bail!("{}", not_one(wanted, &answer)),
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> anyhow::Result<String> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).context("standard input")?;
        return Ok(text);
    }
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// What to say where the controller did not say it itself.
pub(super) fn not_one(wanted: &str, answer: &Status) -> String {
    if answer.services.is_empty() {
        return format!("no service is named {wanted}; `ballast status` lists all");
    }
    let names: Vec<_> =
        answer.services.iter().map(|each| format!("{}/{}/{}", each.host, each.project, each.service)).collect();
    format!("{wanted} may be any of {}; name one in full", names.join(", "))
}
