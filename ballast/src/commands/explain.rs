//! `ballast explain`.

use std::process::ExitCode;

use anyhow::bail;
use bus::payload::Status;

use crate::{ask::Asker, cli::ExplainArgs, output, render};

/// Asks for one service and prints everything about it.
pub(super) async fn explain(args: ExplainArgs) -> anyhow::Result<ExitCode> {
    let asker = Asker::connect(&args.address).await?;
    let answer = asker.ask("explain", Some(&args.service)).await?;
    if let Some(error) = &render::tame(&answer).error {
        bail!("{error}");
    }
    if args.json {
        output::print(&(serde_json::to_string_pretty(&answer)? + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let answer = render::tame(&answer);
    match answer.services.as_slice() {
        [service] => output::print(&render::explain(service, answer.at_ms, output::look()))?,
        _ => bail!("{}", not_one(&args.service, &answer)),
    }
    Ok(ExitCode::SUCCESS)
}

/// What to say where the controller did not say it itself.
fn not_one(wanted: &str, answer: &Status) -> String {
    if answer.services.is_empty() {
        return format!("no service is named {wanted}; `ballast status` lists all");
    }
    let names: Vec<_> =
        answer.services.iter().map(|each| format!("{}/{}/{}", each.host, each.project, each.service)).collect();
    format!("{wanted} may be any of {}; name one in full", names.join(", "))
}
