//! What can be asked on the command line, all commands in one place, as `--help` shows it.

#![expect(clippy::doc_markdown, reason = "these comments are the help, printed as they are")]

mod compare;
mod forecast;
mod pictures;
mod replay;
mod scenario;
mod test;
mod tune;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    connection::{ControllerAddress, NatsAddress},
    moment::{self, Moment},
};

pub(crate) use compare::CompareArgs;
pub(crate) use forecast::ForecastArgs;
pub(crate) use pictures::PictureArgs;
pub(crate) use replay::{ReplayArgs, ReportFormat};
pub(crate) use scenario::{
    ScenarioCheckArgs, ScenarioCommand, ScenarioDrawArgs, ScenarioImportArgs, ScenarioRecordArgs,
};
pub(crate) use test::TestArgs;
pub(crate) use tune::{TuneArgs, Vary};

const EXIT_CODES: &str = "\
Exit codes:
  0  it worked
  1  what was asked failed: nobody answers, the service is unknown, a policy is wrong, …
  2  the command line itself is wrong

Results go to standard output, everything else to standard error. Every option with [env: …] can be set there instead. \
NO_COLOR turns colours off; RUST_LOG (for example `debug` or `agent=debug,info`) chooses what is logged.";

/// Scales Docker Compose services with their load, and says why.
#[derive(Debug, Parser)]
#[command(name = "ballast", version, after_help = EXIT_CODES, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    /// How log lines are written to standard error; `json` is one object a line.
    #[arg(
        long,
        global = true,
        value_enum,
        env = "BALLAST_LOG_FORMAT",
        hide_env_values = true,
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub(crate) log_format: LogFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure, decide and scale on this host alone: agent and controller in one process, no broker.
    Run(RunArgs),
    /// Measure this host and carry out what the controller decides, over NATS.
    Agent(AgentArgs),
    /// Decide for all hosts whose agents are on the same NATS.
    Controller(ControllerArgs),
    /// Show services, replicas, signals and the last decisions.
    ///
    /// REPLICAS is `serving/running`, then `→` and the target where it differs, then `of` the policy's limits. The last
    /// decision, whether it scaled or held, comes with its reason. What needs attention is below the table.
    Status(StatusArgs),
    /// Say why a service is, or is not, scaled.
    Explain(ExplainArgs),
    /// Say and draw what a forecast rule expects, how good that was, and how many replicas the next day takes.
    ///
    /// What was, with what had been said of it; what is to come, with its bound; the seasons, the scores and what is mixed.
    /// With --scenario offline, for example `ballast forecast --scenario scenarios/compressed-days.yaml --png forecast.png`.
    Forecast(Box<ForecastArgs>),
    /// Say what a policy decides in a state that is written down, without a fleet.
    ///
    /// A state is JSON: how many replicas there are, what is measured, what happened before. A list of states, or one on
    /// each line, is told one after the other, as if what was decided had been done. docs/state.md has the grammar.
    Decide(DecideArgs),
    /// Say what would be decided if signals, replicas or the policy were otherwise. Changes nothing.
    ///
    /// Starts from how things are now, for example `ballast whatif web --set cpu=90% --replicas 4`.
    Whatif(WhatifArgs),
    /// Work with policy files.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Judge policies on recorded or drawn load, side by side with known autoscalers and the cheapest plan there is.
    ///
    /// The policy decides by the same code as live, on a simulated clock: what it would cost, what users would feel, and
    /// why it decided as it did, for example `ballast replay scenarios/flash-crowd.yaml --baseline hpa --html report.html`.
    Replay(Box<ReplayArgs>),
    /// Judge a policy over a folder of recordings, beside known autoscalers and the cheapest plan there is.
    ///
    /// Each CSV file is a closed loop in which nothing is set but what a replica carries, for example
    /// `ballast compare recordings --starts 1,3 --markdown forecast.md`. docs/forecast.md says how to read the table.
    Compare(Box<CompareArgs>),
    /// Hold policies to what scenarios expect, for example in your own CI.
    ///
    /// Says of each expectation that is not met which decision broke it, and why that was made. Exits with 1 where one is not.
    Test(TestArgs),
    /// Search the settings of a policy that cost least on scenarios and keep what users were promised.
    ///
    /// Settings are chosen by the first part of each scenario and judged by the rest, for example
    /// `ballast tune scenarios/bimodal.yaml --policy web.yaml --most-late 2% -o tuned.yaml`.
    Tune(Box<TuneArgs>),
    /// Work with scenarios: load, recorded or drawn, with a model of the service, faults and expectations.
    #[command(subcommand)]
    Scenario(ScenarioCommand),
    /// Print a completion script for a shell, for example `ballast completions bash`.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// What is logged without `RUST_LOG`. Who asks a short question wants the answer and nothing else.
    pub(crate) fn default_log_level(&self) -> &'static str {
        match self {
            Self::Run(_) | Self::Agent(_) | Self::Controller(_) => "info",
            // What the bus has to say about a place that cannot be reached is in the error itself.
            _ => "warn,bus=error,async_nats=error",
        }
    }
}

/// Which fleet.
#[derive(Args, Clone, Debug)]
pub(crate) struct FleetArgs {
    /// The fleet's name: agents and controllers of different fleets do not hear each other.
    #[arg(long, env = "BALLAST_FLEET", hide_env_values = true, default_value = "default", value_name = "NAME")]
    pub(crate) fleet: String,
}

/// What an agent has to know.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Measuring and acting")]
pub(crate) struct HostArgs {
    /// This host's name in the fleet [default: the kernel's host name].
    ///
    /// It has to stay the same across restarts. In a container the kernel's name is the container's; give the host's.
    #[arg(long, env = "BALLAST_HOST", hide_env_values = true, value_name = "NAME")]
    pub(crate) host: Option<String>,
    /// The Docker Engine: `unix:///path` or `tcp://host:port` [default: DOCKER_HOST, or unix:///var/run/docker.sock].
    #[arg(long, env = "BALLAST_DOCKER", hide_env_values = true, value_name = "URL")]
    pub(crate) docker: Option<String>,
    /// How often replicas and host are measured, for example `1s` or `500ms`.
    #[arg(long, env = "BALLAST_INTERVAL", hide_env_values = true, default_value = "1s", value_parser = interval, value_name = "SPAN")]
    pub(crate) interval: Duration,
    /// How long a new replica may take until it serves; then it counts as failed and is removed.
    #[arg(long, env = "BALLAST_READY_TIMEOUT", hide_env_values = true, default_value = "2m", value_parser = span, value_name = "SPAN")]
    pub(crate) ready_timeout: Duration,
    /// How long a project has to stand still after somebody else changed it, before it is scaled again.
    #[arg(long, env = "BALLAST_QUIET", hide_env_values = true, default_value = "10s", value_parser = span, value_name = "SPAN")]
    pub(crate) quiet: Duration,
    /// Where the host's /proc is mounted.
    #[arg(long, env = "BALLAST_PROC", hide_env_values = true, default_value = "/proc", value_name = "DIR")]
    pub(crate) proc_root: PathBuf,
    /// Where the host's /sys is mounted, with the cgroups in it.
    #[arg(long, env = "BALLAST_SYS", hide_env_values = true, default_value = "/sys", value_name = "DIR")]
    pub(crate) sys_root: PathBuf,
}

/// What a controller has to know.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Deciding")]
pub(crate) struct DecisionArgs {
    /// Policy files, or folders of them. Edits take effect within a second [default: ./policies where it exists].
    #[arg(long, env = "BALLAST_POLICIES", hide_env_values = true, num_args = 1.., value_delimiter = ',', value_name = "PATH")]
    pub(crate) policies: Vec<PathBuf>,
    /// A host that has been silent for so long is lost: nothing is decided for it until it is heard again.
    #[arg(long, env = "BALLAST_HOST_LOST_AFTER", hide_env_values = true, default_value = "15s", value_parser = span, value_name = "SPAN")]
    pub(crate) host_lost_after: Duration,
    /// How long to keep what each service's decisions were told, so that any span of it can be replayed; `0s`: not at all.
    #[arg(long, env = "BALLAST_HISTORY", hide_env_values = true, default_value = "24h", value_parser = humantime::parse_duration, value_name = "SPAN")]
    pub(crate) history: Duration,
    /// The most that this may take, of all services together; what is oldest goes first.
    #[arg(long, env = "BALLAST_HISTORY_SIZE", hide_env_values = true, default_value = "256MiB", value_parser = size, value_name = "SIZE")]
    pub(crate) history_size: u64,
}

// Options without a heading have to come first: a heading holds until the next one.

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// Where to keep what has to outlive a restart
    /// [default: /var/lib/ballast/state.db as root, else $XDG_STATE_HOME/ballast/state.db].
    #[arg(long, env = "BALLAST_STATE", hide_env_values = true, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Where `ballast status` and `ballast explain` can ask
    /// [default: /run/ballast/ballast.sock as root, else $XDG_RUNTIME_DIR/ballast.sock].
    #[arg(long, env = "BALLAST_SOCKET", hide_env_values = true, value_name = "FILE")]
    pub(crate) socket: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) fleet: FleetArgs,
    #[command(flatten)]
    pub(crate) decisions: DecisionArgs,
    #[command(flatten)]
    pub(crate) host: HostArgs,
}

#[derive(Args, Debug)]
pub(crate) struct AgentArgs {
    #[command(flatten)]
    pub(crate) fleet: FleetArgs,
    #[command(flatten)]
    pub(crate) nats: NatsAddress,
    #[command(flatten)]
    pub(crate) host: HostArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ControllerArgs {
    #[command(flatten)]
    pub(crate) fleet: FleetArgs,
    #[command(flatten)]
    pub(crate) nats: NatsAddress,
    #[command(flatten)]
    pub(crate) decisions: DecisionArgs,
}

#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// Only this service: `[host/]project/service`, or `service` where that is unambiguous.
    pub(crate) service: Option<String>,
    /// Keep watching: redraw every second on a terminal, else print a line for each change. Times are UTC.
    #[arg(long, short)]
    pub(crate) watch: bool,
    /// Print the controller's answer as JSON; with --watch one object a line, every second.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) address: ControllerAddress,
}

#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The service: `[host/]project/service`, or `service` where that is unambiguous.
    pub(crate) service: String,
    /// The decision in force at this moment instead of now: a time of day in UTC such as 14:05, the last one that has
    /// been; a moment such as 2026-11-21T14:05:00Z; or how long ago, such as 10m. The last hundred decisions are kept.
    #[arg(long, value_name = "WHEN", value_parser = moment::parse)]
    pub(crate) at: Option<Moment>,
    /// Print the controller's answer as JSON, with the whole evaluation.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) address: ControllerAddress,
}

#[derive(Args, Debug)]
pub(crate) struct WhatifArgs {
    /// The service: `[host/]project/service`, or `service` where that is unambiguous.
    pub(crate) service: String,
    /// Suppose a signal to say this: a value as in a policy, or `missing`. Of cpu and memory it is that of each replica.
    #[arg(long, value_name = "SIGNAL=VALUE", value_parser = setting)]
    pub(crate) set: Vec<(String, String)>,
    /// Suppose so many replicas, all of them serving, that share the work of those that there are.
    #[arg(long, value_name = "COUNT")]
    pub(crate) replicas: Option<u32>,
    /// Suppose this policy file to be in force; `-` reads it from standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Suppose all that to have been so for this long.
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    pub(crate) lasting: Option<Duration>,
    /// Print the controller's answer as JSON, with the whole evaluation.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) address: ControllerAddress,
}

#[derive(Args, Debug)]
pub(crate) struct DecideArgs {
    /// Policy files, folders of them, or `-` for standard input.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub(crate) policy: Vec<PathBuf>,
    /// The state, or a list of states, as JSON; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: PathBuf,
    /// Which of several policies: that of this service, `[[host/]project/]service` [default: the state's, or the only one].
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// How the decision is printed.
    #[arg(long, value_enum, default_value = "json", value_name = "FORMAT")]
    pub(crate) format: DecisionFormat,
}

/// How a decision is printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DecisionFormat {
    Json,
    Text,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Check policy files without using them: every error with its line and column.
    Check(CheckArgs),
    /// Show everything that is in force for a service, and where each value comes from.
    ///
    /// A policy is put together from layers, low to high: what is built in, `defaults` blocks, container labels, the
    /// policy file, and the controller's environment.
    Show(Box<ShowArgs>),
    /// Say in words how two policy files differ.
    Diff(DiffArgs),
    /// Lay policy files out in one way; comments are kept.
    Fmt(FmtArgs),
    /// Print the JSON Schema of policy files, for editors.
    Schema,
}

#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// The service: `[host/]project/service`, or `service` where that is unambiguous.
    pub(crate) service: String,
    /// Ask no controller, but read these policy files, or folders of them; give the service as `project/service`.
    #[arg(long, num_args = 1.., value_delimiter = ',', value_name = "PATH")]
    pub(crate) policies: Vec<PathBuf>,
    /// Print it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) address: ControllerAddress,
}

#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// The policy file before.
    pub(crate) old: PathBuf,
    /// The policy file after.
    pub(crate) new: PathBuf,
    /// Print the changes as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct FmtArgs {
    /// Policy files, folders of them, or `-` for standard input, which is printed instead of written.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) paths: Vec<PathBuf>,
    /// Write nothing; name the files that are laid out otherwise, and fail if there are any.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// Policy files, folders of them, or `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) paths: Vec<PathBuf>,
    /// Print the findings as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write SIGNAL=VALUE, such as cpu=90% or queue.jobs=400".to_owned()),
    }
}

fn span(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(span) if span.is_zero() => Err("it has to be longer than nothing".to_owned()),
        Ok(span) => Ok(span),
        Err(error) => Err(format!("{error}; write for example 500ms, 15s or 2m")),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the range that is allowed")]
fn size(text: &str) -> Result<u64, String> {
    // Less is not a minute of some services; a stream's size is signed.
    const ALLOWED: std::ops::RangeInclusive<f64> = 1_048_576.0..=1e18;
    let bytes = autoscaler::text::bytes(text).ok_or("write for example 64MiB or 2GB")?;
    if ALLOWED.contains(&bytes) { Ok(bytes as u64) } else { Err("allowed is 1MiB to 1000000TB".to_owned()) }
}

fn interval(text: &str) -> Result<Duration, String> {
    // A signal is missing after `stale_after`, by default 10 s; one late sample must not make it so.
    const ALLOWED: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(5);
    let span = span(text)?;
    if ALLOWED.contains(&span) { Ok(span) } else { Err("allowed is 100ms to 5s".to_owned()) }
}

/// How often samples are taken in a scenario: as its file may say.
fn every(text: &str) -> Result<Duration, String> {
    const ALLOWED: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_hours(1);
    let span = span(text)?;
    if ALLOWED.contains(&span) { Ok(span) } else { Err("allowed is 100ms to 1h".to_owned()) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_interval_is_neither_idle_nor_a_burden() {
        for (text, allowed) in [
            ("1s", true),
            ("100ms", true),
            ("5s", true),
            ("99ms", false),
            ("6s", false),
            ("0s", false),
            ("1", false),
            ("soon", false),
        ] {
            assert_eq!(interval(text).is_ok(), allowed, "{text}");
        }
    }
}
