//! CPU and memory of collectors that look at the same containers once a second, one after the other.
//!
//! What a collector asks of Docker is worked on by the engine, so the engine's own CPU stands beside each of them.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use testbed::DockerHost;

use crate::{
    CONTAINERS, SERVICES,
    fleet::{Containers, Fleet, HOST, Process},
    processes::{self, Group, Memory},
    table,
};

/// How long the agent is measured.
const WINDOW: Duration = Duration::from_mins(1);
/// How long everything else is: a whole number of the agent's full listings, which are what it costs the engine.
const SHORT_WINDOW: Duration = Duration::from_secs(30);
/// A collector's beginning is not its usual day.
const SETTLE: Duration = Duration::from_secs(8);

/// One row.
struct Cost {
    name: String,
    own: Option<(Duration, Memory)>,
    engine: Duration,
    window: Duration,
}

impl Cost {
    /// Percent of one core.
    fn share(&self, span: Duration) -> f64 {
        span.as_secs_f64() / self.window.as_secs_f64() * 100.0
    }
}

/// Measures each collector, and the controller beside the agent.
pub(crate) fn print(host: &DockerHost, containers: &Containers) {
    let engine = processes::engine(host, &containers.ids);
    thread::sleep(SETTLE);
    let idle = measure(&[("nobody", None)], &engine, SHORT_WINDOW);
    let mut rows = ballast(host, containers, &engine);
    rows.extend(ballast_run(host, &engine));
    rows.extend(docker_stats(host, &engine));
    let netdata = netdata(host, &engine);
    let missing = netdata.is_empty();
    rows.extend(netdata);
    print_table(&idle[0], &rows);
    if missing {
        println!(
            "\nnetdata: not on the PATH; install Debian's netdata-core, or set BALLAST_BENCH_NETDATA to its binary"
        );
    }
}

fn ballast(host: &DockerHost, containers: &Containers, engine: &Group) -> Vec<Cost> {
    let policies = format!(
        "service: {}/*\nreplicas: {{ min: 1, max: 9 }}\nmode: observe\nrules:\n  - target: {{ signal: cpu, per_replica: 60% }}\n",
        containers.project.name()
    );
    let fleet = Fleet::start(host, &policies);
    let (agent, controller) = (Group::Trees(vec![fleet.agent.pid()]), Group::Trees(vec![fleet.controller.pid()]));
    thread::sleep(SETTLE);
    let governs = format!("`ballast controller`, {SERVICES} services");
    measure(&[("`ballast agent`", Some(&agent)), (governs.as_str(), Some(&controller))], engine, WINDOW)
}

fn ballast_run(host: &DockerHost, engine: &Group) -> Vec<Cost> {
    let dir = TempDir::new().expect("a temporary folder");
    let mut command = host.command(env!("CARGO_BIN_EXE_ballast"));
    command.args(["run", "--host", HOST, "--docker", host.socket(), "--socket"]).arg(dir.path().join("ballast.sock"));
    command.arg("--state").arg(dir.path().join("state.db")).arg("--policies").arg(dir.path());
    alone("`ballast run`, no policies", command, engine)
}

fn docker_stats(host: &DockerHost, engine: &Group) -> Vec<Cost> {
    let mut command = Command::new("docker");
    command.arg("stats").env("DOCKER_HOST", host.socket());
    alone("`docker stats`", command, engine)
}

/// Only its cgroup collector, once a second, nothing on disk and no web server: what corresponds to an agent.
fn netdata(host: &DockerHost, engine: &Group) -> Vec<Cost> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let mut on_path = env::split_paths(&folders).map(|folder| folder.join("netdata"));
    let given = env::var_os("BALLAST_BENCH_NETDATA").map(PathBuf::from);
    let Some(netdata) = given.or_else(|| on_path.find(|path| path.is_file())) else { return Vec::new() };
    let dir = TempDir::new().expect("a temporary folder");
    let folder = dir.path().display();
    let configuration = format!(
        "[global]\n run as user = root\n update every = 1\n\
         [directories]\n config = {folder}\n stock config = {folder}\n cache = {folder}\n lib = {folder}\n log = {folder}\n\
         [db]\n mode = ram\n retention = 3600\n\
         [web]\n mode = none\n[health]\n enabled = no\n[ml]\n enabled = no\n[statsd]\n enabled = no\n\
         [plugins]\n timex = no\n idlejitter = no\n tc = no\n diskspace = no\n proc = no\n cgroups = yes\n\
         \x20enable running new plugins = no\n apps = no\n perf = no\n slabinfo = no\n nfacct = no\n netdata monitoring = no\n"
    );
    fs::write(dir.path().join("netdata.conf"), configuration).expect("write the configuration");
    fs::write(dir.path().join(".opt-out-from-anonymous-statistics"), "").expect("write into the folder");
    let mut command = host.command(netdata);
    command.arg("-D").arg("-c").arg(dir.path().join("netdata.conf"));
    alone("netdata, cgroups only", command, engine)
}

/// Runs one collector, lets it settle, and measures it.
fn alone(name: &str, mut command: Command, engine: &Group) -> Vec<Cost> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let process = Process::start(command);
    thread::sleep(SETTLE);
    measure(&[(name, Some(&Group::Trees(vec![process.pid()])))], engine, SHORT_WINDOW)
}

/// Measures groups over the same window.
fn measure(groups: &[(&str, Option<&Group>)], engine: &Group, window: Duration) -> Vec<Cost> {
    let start = Instant::now();
    let before: Vec<_> = groups.iter().map(|(_, group)| group.map(Group::cpu)).collect();
    let engine_before = engine.cpu();
    thread::sleep(window);
    let engine_used = engine.cpu().saturating_sub(engine_before);
    let took = start.elapsed();
    let rows = groups.iter().zip(before).map(|((name, group), before)| Cost {
        name: (*name).to_owned(),
        own: group.zip(before).map(|(group, before)| (group.cpu().saturating_sub(before), group.memory())),
        engine: engine_used,
        window: took,
    });
    rows.collect()
}

fn print_table(idle: &Cost, costs: &[Cost]) {
    let idle_share = idle.share(idle.engine);
    let extra = |cost: &Cost| (cost.share(cost.engine) - idle_share).max(0.0);
    let all = |cost: &Cost| cost.own.map_or(0.0, |(cpu, _)| cost.share(cpu)) + extra(cost);
    let first = costs.first().map_or(0.0, all);
    let row = |cost: &Cost| {
        // The controller asks nothing of the engine: what the engine does in its window is done for the agent.
        let asks = !cost.name.contains("controller");
        let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
        let (cpu, memory) = cost.own.unwrap_or_default();
        vec![
            cost.name.clone(),
            format!("{:.2} %", cost.share(cpu)),
            if asks { format!("{:.2} %", extra(cost)) } else { "–".to_owned() },
            if asks { format!("{:.1} ×", all(cost) / first) } else { "–".to_owned() },
            megabytes(memory.rss_bytes),
            megabytes(memory.pss_bytes),
        ]
    };
    let title = format!(
        "Cost with {CONTAINERS} containers at 1 s, in percent of one core (idle, the engine takes {idle_share:.2} %)"
    );
    let header = ["collector", "its CPU", "engine's CPU for it", "both, as a ratio", "VmRSS", "Pss"];
    table::print(&title, &header, costs.iter().map(row).collect());
}
