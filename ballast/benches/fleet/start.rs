//! How soon after its start `ballast run` answers with a first sample.

use std::{
    fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use bus::{
    local::SocketClient,
    payload::{Question, Status, VERSION, decode, encode},
    subject::Subjects,
};
use tempfile::TempDir;
use testbed::DockerHost;

use crate::{fleet::Process, table};

const REPETITIONS: u32 = 20;
/// Longer than a start may ever take.
const LIMIT: Duration = Duration::from_secs(10);
/// Between two questions: what the figure may be too large by.
const ASK_EVERY: Duration = Duration::from_millis(2);

/// Starts `ballast run` again and again beside `containers` running containers.
pub(crate) fn print(host: &DockerHost, containers: u32) {
    let runs: Vec<_> = (0..REPETITIONS).map(|_| one(host, containers)).collect();
    let row = |what: &str, spans: Vec<Duration>| [vec![what.to_owned()], table::spread(&spans).to_vec()].concat();
    let rows = vec![
        row("to the first sample of the host", runs.iter().map(|run| run.0).collect()),
        row("to the first listing of all containers", runs.iter().map(|run| run.1).collect()),
    ];
    let title = format!("Start of `ballast run`, {containers} containers");
    table::print(&title, &["from the start of the process", "n", "p50", "p99", "max"], rows);
}

/// From the start of the process to an answer with the host's CPU, and to one that has all containers.
fn one(host: &DockerHost, containers: u32) -> (Duration, Duration) {
    let dir = TempDir::new().expect("a temporary folder");
    fs::create_dir(dir.path().join("policies")).expect("a folder for policies");
    let socket = dir.path().join("ballast.sock");
    let mut command = host.command(env!("CARGO_BIN_EXE_ballast"));
    command.args(["run", "--host", "bench", "--docker", host.socket(), "--socket"]).arg(&socket);
    command.arg("--state").arg(dir.path().join("state.db")).arg("--policies").arg(dir.path().join("policies"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());

    let start = Instant::now();
    let _ballast = Process::start(command);
    let (mut sampled, mut listed) = (None, None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    while sampled.is_none() || listed.is_none() {
        assert!(start.elapsed() < LIMIT, "no first sample within {LIMIT:?}");
        thread::sleep(ASK_EVERY);
        let Some(status) = runtime.block_on(ask(&socket)) else { continue };
        let sample = status.hosts.iter().find_map(|host| host.sample.as_ref());
        if sample.is_some_and(|sample| sample.cpu_busy_cores.is_some()) {
            sampled.get_or_insert(start.elapsed());
        }
        let engine_answers = status.hosts.iter().any(|host| host.engine.is_some());
        if engine_answers && status.services.iter().map(|service| service.running).sum::<u32>() >= containers {
            listed.get_or_insert(start.elapsed());
        }
    }
    sampled.zip(listed).expect("both were waited for")
}

async fn ask(socket: &std::path::Path) -> Option<Status> {
    let client = SocketClient::connect(socket).await.ok()?;
    let question = encode(&Question { v: VERSION, service: None, ..Question::default() });
    let answer = client.request(&Subjects::new("default").ask("status"), question, LIMIT).await.ok()?;
    decode(&answer).ok()
}
