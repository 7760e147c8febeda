//! `ballast forecast`: what a forecast rule knows, from a controller or from a scenario.

mod live;
mod offline;

use std::process::ExitCode;

use replay::{forecasting::TooLittle, report::forecast::Prospect};

use super::pictures;
use crate::{cli::ForecastArgs, output, render};

/// Asks or plays, prints what is forecast, and writes the pictures that were asked for.
pub(super) async fn forecast(args: ForecastArgs) -> anyhow::Result<ExitCode> {
    let prospect = match (&args.scenario, &args.service) {
        (Some(scenario), _) => match offline::prospect(scenario, &args)? {
            Some(prospect) => prospect,
            None => return Ok(ExitCode::FAILURE),
        },
        (None, Some(service)) => live::prospect(service, &args).await?,
        (None, None) => anyhow::bail!("name a service, or give a scenario with --scenario"),
    };
    tell(&prospect, &args)
}

fn tell(prospect: &Prospect, args: &ForecastArgs) -> anyhow::Result<ExitCode> {
    pictures::write(args.html.as_deref(), &args.pictures, || prospect.page(), |theme| prospect.svg(theme))?;
    let text = if args.json {
        serde_json::to_string_pretty(prospect)? + "\n"
    } else {
        render::forecast(prospect, output::look())
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The forecast rule that is meant, of those that there are, by its place from 1.
fn chosen<T>(rules: Vec<(u32, T)>, asked: Option<u32>, whose: &str) -> anyhow::Result<(u32, T)> {
    let places: Vec<u32> = rules.iter().map(|(place, _)| *place).collect();
    if places.is_empty() {
        anyhow::bail!(
            "{whose} has no forecast rule; one is written `- forecast: {{ signal: requests, per_replica: 50/s }}`"
        );
    }
    let several = places.len() > 1 && asked.is_none();
    let found = rules.into_iter().find(|(place, _)| asked.is_none_or(|asked| asked == *place));
    let listed = places.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    if several {
        output::say(&format!(
            "{whose} has several forecast rules, {listed}; this is the first of them: --rule names another"
        ));
    }
    found.ok_or_else(|| {
        let asked = asked.unwrap_or_default();
        anyhow::anyhow!("rule {asked} of {whose} is no forecast rule; --rule may be {listed}")
    })
}

/// Who has too little history is told so together with whose it is.
fn enough(prospect: Result<Prospect, TooLittle>, whose: &str) -> anyhow::Result<Prospect> {
    prospect.map_err(|error| anyhow::anyhow!("{whose}: {error}"))
}
