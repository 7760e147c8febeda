//! `ballast run`: agent and controller in one process.

use std::{
    fs::{self, File},
    process::{Child, Stdio},
    time::Duration,
};

use bus::{
    Bus,
    nats::{NatsBus, NatsOptions},
};
use tempfile::TempDir;
use testbed::{DockerHost, NatsServer, Project, wait_for};

use crate::harness::idle_service;

const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_queue_service_sleeps_while_no_job_waits_and_wakes_when_one_does() {
    let nats = NatsServer::start_for_hosts();
    let queue = Queue::create(&nats);
    let host = DockerHost::get(2);
    let project = Project::new(&host, "sleeper", &idle_service(&host.busybox(), ""));
    project.compose(&["up", "--detach"]);
    let policy = format!(
        "service: sleeper/web\nreplicas: {{ min: 0, max: 4 }}\n\
         signals:\n  queue.jobs: {{ jetstream: {{ stream: JOBS, consumer: workers, server: \"{}\" }} }}\n\
         rules:\n  - queue: {{ signal: queue.jobs, per_replica: 10, window: 1s }}\n\
         guards: {{ down: {{ cooldown: 0s, stabilize: 1s }}, kill_budget: off }}\n",
        nats.url()
    );
    let _alone = Alone::start(&host, &policy);
    let until_running = |what, count| wait_for(what, SOON, || (project.running("web").len() == count).then_some(()));

    until_running("it to fall asleep", 0);
    assert_eq!(project.all("web").len(), 1, "the last replica is stopped and kept");
    queue.add(5);
    until_running("it to wake", 1);
    assert_eq!(project.all("web").len(), 1, "the one that was kept is started again");
    queue.purge();
    until_running("it to fall asleep again", 0);
}

/// A JetStream work queue that the test fills and empties.
struct Queue {
    runtime: tokio::runtime::Runtime,
    bus: Bus,
}

impl Queue {
    fn create(nats: &NatsServer) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let options = NatsOptions { servers: vec![nats.url()], ..NatsOptions::default() };
        let bus = runtime.block_on(NatsBus::connect(options)).expect("a link to NATS");
        let queue = Self { runtime, bus };
        queue.request("$JS.API.STREAM.CREATE.JOBS", r#"{"name":"JOBS","subjects":["jobs"]}"#);
        let consumer = r#"{"stream_name":"JOBS","config":{"durable_name":"workers","ack_policy":"explicit"}}"#;
        queue.request("$JS.API.CONSUMER.DURABLE.CREATE.JOBS.workers", consumer);
        queue
    }

    fn add(&self, jobs: u32) {
        for _ in 0..jobs {
            self.request("jobs", "work");
        }
    }

    fn purge(&self) {
        self.request("$JS.API.STREAM.PURGE.JOBS", "{}");
    }

    /// Waits for the server's answer.
    fn request(&self, subject: &str, text: &'static str) {
        let answer = wait_for("NATS to answer", SOON, || {
            self.runtime.block_on(self.bus.request(subject, text.into(), Duration::from_secs(5))).ok()
        });
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.contains("\"error\""), "{subject}: {answer}");
    }
}

/// `ballast run` on a host. Ends with this value, and shows its log where the test failed.
struct Alone {
    child: Child,
    dir: TempDir,
}

impl Alone {
    fn start(host: &DockerHost, policy: &str) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        fs::write(dir.path().join("policy.yaml"), policy).expect("write the policy");
        let log = File::create(dir.path().join("log")).expect("a log file");
        let mut command = host.command(env!("CARGO_BIN_EXE_ballast"));
        command.args(["run", "--docker", host.socket()]);
        for (option, file) in [("--policies", "policy.yaml"), ("--state", "state.db"), ("--socket", "ballast.sock")] {
            command.arg(option).arg(dir.path().join(file));
        }
        command.env("RUST_LOG", "info,agent=debug");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("the log file twice")).stderr(log);
        Self { child: command.spawn().expect("start ballast"), dir }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log\n{}", fs::read_to_string(self.dir.path().join("log")).unwrap_or_default());
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
