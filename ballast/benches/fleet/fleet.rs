//! The parts that are measured: processes of Ballast, and containers for them to look after.

use std::{
    fmt::Write as _,
    fs,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use testbed::{DockerHost, NatsServer, Project};

/// The name under which the host reports.
pub(crate) const HOST: &str = "bench";

/// A process that ends with this value.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display())))
    }

    /// One that runs already.
    pub(crate) fn of(child: Child) -> Self {
        Self(child)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Ends it in order, so that it ends what it started.
    fn end(&mut self) {
        drop(Command::new("kill").arg(self.pid().to_string()).status());
        let ended = (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            !matches!(self.0.try_wait(), Ok(None))
        });
        if !ended {
            drop(self.0.kill());
            drop(self.0.wait());
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// NATS, a controller and the agent of one host, as somebody would start them: with the usual log.
pub(crate) struct Fleet {
    pub(crate) agent: Process,
    pub(crate) controller: Process,
    pub(crate) nats: NatsServer,
    _policies: TempDir,
}

impl Fleet {
    pub(crate) fn start(host: &DockerHost, policies: &str) -> Self {
        let nats = NatsServer::start_for_hosts();
        let folder = TempDir::new().expect("a temporary folder");
        fs::write(folder.path().join("policies.yaml"), policies).expect("write the policies");
        let mut controller = Command::new(env!("CARGO_BIN_EXE_ballast"));
        controller.args(["controller", "--nats", &nats.url(), "--policies"]).arg(folder.path());
        let mut agent = host.command(env!("CARGO_BIN_EXE_ballast"));
        agent.args(["agent", "--nats", &nats.url(), "--host", HOST, "--docker", host.socket()]);
        let start = |mut command: Command| {
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            Process::start(command)
        };
        Self { controller: start(controller), agent: start(agent), nats, _policies: folder }
    }
}

/// Containers that do nothing, in services of one project.
pub(crate) struct Containers {
    pub(crate) project: Project,
    pub(crate) ids: Vec<String>,
}

impl Containers {
    /// Starts `count` containers of `services` services.
    pub(crate) fn start(host: &DockerHost, count: u32, services: u32) -> Self {
        let image = host.busybox();
        let mut compose = String::from("services:\n");
        for number in 0..services {
            let replicas = count / services + u32::from(number < count % services);
            writeln!(
                compose,
                "  s{number}:\n    image: {image}\n    command: [sleep, infinity]\n    init: true\n    scale: {replicas}"
            )
            .expect("a string takes all");
        }
        let project = Project::new(host, "ballast-bench", &compose);
        project.compose(&["up", "--detach"]);
        let filter = format!("label=com.docker.compose.project={}", project.name());
        let ids = host.docker(&["ps", "--no-trunc", "--quiet", "--filter", &filter]);
        let ids: Vec<String> = ids.split_whitespace().map(str::to_owned).collect();
        assert_eq!(ids.len(), count as usize, "all containers run");
        Self { project, ids }
    }
}
