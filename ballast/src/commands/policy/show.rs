//! `ballast policy show`.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use autoscaler::{
    policy_file::{self, Catalog, Source},
    text::{Severity, TextErrors},
};
use bus::payload::{Question, ServiceStatus, SettingStatus};

use crate::{
    ask::Asker,
    cli::ShowArgs,
    commands::files::{files_in, origin, read},
    output, paths, render,
};

/// Shows everything that is in force for a service, and where each value comes from.
pub(crate) async fn show(args: ShowArgs) -> anyhow::Result<ExitCode> {
    let service = if args.policies.is_empty() { asked(&args).await? } else { from_files(&args)? };
    let text = if args.json {
        serde_json::to_string_pretty(&service.settings)? + "\n"
    } else {
        render::settings(&service, output::look())
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

async fn asked(args: &ShowArgs) -> anyhow::Result<ServiceStatus> {
    let asker = Asker::connect(&args.address).await?;
    let question = Question { service: Some(args.service.clone()), ..Question::default() };
    let answer = render::tame(&asker.ask_about("explain", question).await?);
    if let Some(error) = answer.error {
        bail!("{error}");
    }
    let service =
        answer.services.into_iter().next().with_context(|| format!("no service is named {}", args.service))?;
    if service.policy.is_none() {
        bail!("no policy names {}/{}: it is measured and left alone", service.project, service.service);
    }
    Ok(service)
}

fn from_files(args: &ShowArgs) -> anyhow::Result<ServiceStatus> {
    let parts: Vec<&str> = args.service.split('/').collect();
    let (host, project, service) = match parts[..] {
        [project, service] => ("any", project, service),
        [host, project, service] => (host, project, service),
        _ => bail!("with --policies, give the service as project/service or host/project/service"),
    };
    let mut files: Vec<PathBuf> = Vec::new();
    for path in &args.policies {
        files.extend(files_in(path).with_context(|| path.display().to_string())?);
    }
    let mut sources = Vec::new();
    for file in &files {
        sources.push(Source::file(origin(file), read(file, policy_file::LONGEST_TEXT).with_context(|| origin(file))?));
    }
    sources.push(Source::environment(paths::policy_variables()));
    let (catalog, findings) = Catalog::read(sources);
    let errors: Vec<_> = findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
    if !errors.is_empty() {
        return Err(TextErrors(errors).into());
    }
    let Some(resolved) = catalog.resolve(host, project, service, &BTreeMap::new()) else {
        bail!("none of these files names {}", args.service);
    };
    let resolved = resolved?;
    let settings = resolved.settings.into_iter().map(|setting| SettingStatus {
        path: setting.path,
        value: setting.value,
        origin: setting.origin.to_string(),
    });
    Ok(ServiceStatus {
        project: project.to_owned(),
        service: service.to_owned(),
        policy: Some(resolved.policy.services.to_string()),
        warnings: resolved.warnings.iter().map(ToString::to_string).collect(),
        settings: settings.collect(),
        ..ServiceStatus::default()
    })
}
