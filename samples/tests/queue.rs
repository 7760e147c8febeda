//! Worker and load generator against a real NATS server.
#![cfg(feature = "needs-nats")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use async_nats::jetstream::{self, consumer::PullConsumer};
use testbed::{NatsServer, wait_for};

const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn what_the_load_generator_puts_into_the_queue_a_worker_does() {
    let nats = NatsServer::start();
    let url = nats.url();
    let load = sample(&[
        "load",
        "--jobs",
        "--nats",
        &url,
        "--cycles",
        "1",
        "--idle",
        "0s",
        "--ramp",
        "500ms",
        "--spike",
        "500ms",
        "--stop",
        "0s",
        "--jobs-per-second",
        "0",
        "20",
        "20",
    ]);
    let printed = finish(load);
    assert!(printed.iter().any(|line| line.starts_with("load | ramp ended: 5 jobs")), "{printed:?}");
    assert!(printed.iter().any(|line| line.starts_with("load | spike ended: 10 jobs")), "{printed:?}");

    let mut worker = sample(&["worker", "--nats", &url, "--takes", "1ms", "--cost", "0ms"]);
    let mut lines = lines(&mut worker);
    assert_eq!(lines.next().as_deref(), Some("worker | jobs of 1ms"));
    wait_for("the queue to be empty", LIMIT, || (queue(&url) == Some((0, 0))).then_some(()));
    terminate(&worker);
    assert_eq!(lines.next().as_deref(), Some("worker | 15 jobs done, ended"));
    assert!(worker.wait().expect("it ends").success());
}

#[test]
fn a_worker_asked_to_end_finishes_its_job_first() {
    let nats = NatsServer::start();
    let url = nats.url();
    let mut worker = sample(&["worker", "--nats", &url, "--takes", "700ms", "--cost", "0ms"]);
    let mut lines = lines(&mut worker);
    lines.next().expect("it has started");
    finish(sample(&[
        "load",
        "--jobs",
        "--nats",
        &url,
        "--cycles",
        "1",
        "--idle",
        "100ms",
        "--ramp",
        "0s",
        "--spike",
        "0s",
        "--stop",
        "0s",
        "--jobs-per-second",
        "10",
        "0",
        "0",
    ]));
    wait_for("the worker to have the job", LIMIT, || (queue(&url) == Some((0, 1))).then_some(()));
    terminate(&worker);
    assert_eq!(lines.next().as_deref(), Some("worker | 1 jobs done, ended"));
    assert!(worker.wait().expect("it ends").success());
}

/// Jobs that wait, and jobs that a worker has.
#[tokio::main(flavor = "current_thread")]
async fn queue(url: &str) -> Option<(u64, usize)> {
    let context = jetstream::new(async_nats::connect(url).await.ok()?);
    let mut consumer: PullConsumer = context.get_stream("JOBS").await.ok()?.get_consumer("workers").await.ok()?;
    let info = consumer.info().await.ok()?;
    Some((info.num_pending, info.num_ack_pending))
}

fn sample(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sample"));
    command.args(arguments).stdout(Stdio::piped()).spawn().expect("the binary runs")
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let stdout: ChildStdout = child.stdout.take().expect("a pipe");
    BufReader::new(stdout).lines().map_while(Result::ok)
}

fn finish(mut child: Child) -> Vec<String> {
    let printed = lines(&mut child).collect();
    assert!(child.wait().expect("it ends").success());
    printed
}

fn terminate(child: &Child) {
    let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(status.success());
}
