//! `ballast run`, `ballast agent` and `ballast controller`: the parts that stay until they are told to end.

use std::{future::Future, process::ExitCode, sync::Arc};

use anyhow::Context;
use bus::{
    Bus,
    local::{LocalBus, serve_socket},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{AgentArgs, ControllerArgs, DecisionArgs, HostArgs, RunArgs},
    paths, shutdown,
};

/// Agent and controller over the in-process bus.
pub(super) async fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    let fleet = args.fleet.fleet;
    let agent = agent_config(args.host, &fleet)?;
    let controller = controller_config(args.decisions, &fleet);
    let state = args.state.unwrap_or_else(paths::default_state);
    let socket = args.socket.unwrap_or_else(paths::default_socket);
    paths::make_parent(&state)?;
    paths::make_parent(&socket)?;

    let shutdown = shutdown::on_signal()?;
    let bus: Bus = LocalBus::open(&state)?;
    // Held until the end, because the socket goes with it.
    let _answering = serve_socket(Arc::clone(&bus), &socket).await?;
    tracing::info!(host = agent.host, state = %state.display(), socket = %socket.display(), "agent and controller start");

    let mut parts = Parts::new(shutdown);
    parts.start_controller(controller, &bus);
    parts.start_agent(agent, &bus);
    parts.finished().await
}

/// The agent of this host, over NATS.
pub(super) async fn agent(args: AgentArgs) -> anyhow::Result<ExitCode> {
    let config = agent_config(args.host, &args.fleet.fleet)?;
    let shutdown = shutdown::on_signal()?;
    let name = format!("agent {}", config.host);
    let bus = args.nats.credentials.connect(&args.nats.servers, &config.fleet, &name).await?;
    tracing::info!(host = config.host, fleet = config.fleet, "agent starts");
    let mut parts = Parts::new(shutdown);
    parts.start_agent(config, &bus);
    parts.finished().await
}

/// A controller of all hosts, over NATS.
pub(super) async fn controller(args: ControllerArgs) -> anyhow::Result<ExitCode> {
    let config = controller_config(args.decisions, &args.fleet.fleet);
    let shutdown = shutdown::on_signal()?;
    let bus = args.nats.credentials.connect(&args.nats.servers, &config.fleet, "controller").await?;
    tracing::info!(fleet = config.fleet, "controller starts");
    let mut parts = Parts::new(shutdown);
    parts.start_controller(config, &bus);
    parts.finished().await
}

fn agent_config(args: HostArgs, fleet: &str) -> anyhow::Result<agent::Config> {
    let host = args.host.or_else(paths::host_name).context("the kernel has no host name; give one with --host")?;
    Ok(agent::Config {
        interval: args.interval,
        proc_root: args.proc_root,
        sys_root: args.sys_root,
        ready_timeout: args.ready_timeout,
        quiet: args.quiet,
        ..agent::Config::new(fleet, &host, &args.docker.unwrap_or_else(paths::docker))
    })
}

fn controller_config(args: DecisionArgs, fleet: &str) -> controller::Config {
    let mut policies = args.policies;
    let by_default = policies.is_empty();
    if by_default {
        let folder = paths::default_policies();
        if !folder.is_dir() {
            tracing::warn!("no policies yet: without --policies they are read from ./policies, as soon as it is there");
        }
        policies.push(folder);
    }
    controller::Config {
        policies_may_be_missing: by_default,
        variables: paths::policy_variables(),
        host_lost_after: args.host_lost_after,
        history: bus::Keep { age: args.history, bytes: args.history_size },
        ..controller::Config::new(fleet, policies)
    }
}

/// What runs in this process. They end together: one without the other is of no use.
struct Parts {
    running: JoinSet<(&'static str, anyhow::Result<()>)>,
    shutdown: CancellationToken,
}

impl Parts {
    fn new(shutdown: CancellationToken) -> Self {
        Self { running: JoinSet::new(), shutdown }
    }

    fn start_agent(&mut self, config: agent::Config, bus: &Bus) {
        let work = agent::run(config, Arc::clone(bus), self.shutdown.clone());
        self.start("agent", async { Ok(work.await?) });
    }

    fn start_controller(&mut self, config: controller::Config, bus: &Bus) {
        let work = controller::run(config, Arc::clone(bus), self.shutdown.clone());
        self.start("controller", async { Ok(work.await?) });
    }

    fn start(&mut self, name: &'static str, work: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.running.spawn(async move { (name, work.await) });
    }

    /// Waits until all have ended, and after the signal to end for a few seconds at most.
    async fn finished(mut self) -> anyhow::Result<ExitCode> {
        let shutdown = self.shutdown.clone();
        let Some(result) = shutdown::within_patience(&shutdown, self.all_ended()).await else {
            tracing::warn!("not everything ended within {:?}; ending anyway", shutdown::PATIENCE);
            return Ok(ExitCode::SUCCESS);
        };
        result.map(|()| ExitCode::SUCCESS)
    }

    async fn all_ended(&mut self) -> anyhow::Result<()> {
        let mut first_failure = Ok(());
        while let Some(ended) = self.running.join_next().await {
            let failure = match ended {
                Ok((_, Ok(()))) if self.shutdown.is_cancelled() => continue,
                Ok((name, Ok(()))) => anyhow::anyhow!("the {name} ended without being told to"),
                Ok((name, Err(error))) => error.context(format!("the {name} cannot go on")),
                Err(panicked) => panicked.into(),
            };
            tracing::error!("{failure:#}");
            self.shutdown.cancel();
            first_failure = first_failure.and(Err(failure));
        }
        first_failure
    }
}
