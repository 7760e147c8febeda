//! Starts the parts of a fleet, and ends them with the test.

use std::{
    fs::{self, File},
    ops::RangeInclusive,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bus::{
    Transport as _,
    nats::{NatsBus, NatsOptions},
    payload::{PublishedValue, ServiceStatus, Status, VERSION, encode},
    subject::Subjects,
};
use tempfile::TempDir;
use testbed::{DockerHost, NatsServer, wait_for};

/// How long the fleet may take to be back at its target once the cause of a fault is gone.
pub(crate) const BACK: Duration = Duration::from_secs(10);

/// A fleet of one controller and some agents.
pub(crate) struct Fleet {
    pub(crate) nats: NatsServer,
    name: String,
    dir: TempDir,
    controller: Option<Child>,
    agents: Vec<(DockerHost, Option<Child>)>,
    publisher: Publisher,
}

impl Fleet {
    /// Starts one agent per host, and a controller with these policies; an empty text is no file. `name` keeps its logs
    /// and messages apart.
    pub(crate) fn start(name: &str, hosts: &[DockerHost], policy: &str) -> Self {
        let nats = NatsServer::start_for_hosts();
        let dir = TempDir::new().expect("a temporary folder");
        fs::create_dir(dir.path().join("policies")).expect("a folder for policies");
        let publisher = Publisher::start(&nats.url(), name);
        let agents = hosts.iter().map(|host| (host.clone(), None)).collect();
        let mut fleet = Self { nats, name: name.to_owned(), dir, controller: None, agents, publisher };
        if !policy.is_empty() {
            fleet.write_policy(policy);
        }
        fleet.start_controller();
        for place in 0..fleet.agents.len() {
            fleet.start_agent(place);
        }
        fleet
    }

    pub(crate) fn write_policy(&self, policy: &str) {
        let path = self.dir.path().join("policies").join("policy.yaml");
        let draft = path.with_extension("draft");
        fs::write(&draft, policy).expect("write the policy");
        fs::rename(draft, path).expect("put the policy in place");
    }

    pub(crate) fn start_controller(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
        command.args(["controller", "--nats", &self.nats.url(), "--fleet", &self.name, "--policies"]);
        command.arg(self.dir.path().join("policies"));
        self.controller = Some(self.spawn(command, "controller"));
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill_controller(&mut self) {
        kill(&mut self.controller);
    }

    pub(crate) fn start_agent(&mut self, place: usize) {
        let host = self.agents[place].0.clone();
        let name = host_name(&host);
        let mut command = host.command(env!("CARGO_BIN_EXE_ballast"));
        command.args(["agent", "--nats", &self.nats.url(), "--fleet", &self.name, "--host", &name]);
        command.args(["--docker", host.socket()]);
        self.agents[place].1 = Some(self.spawn(command, &name));
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill_agent(&mut self, place: usize) {
        kill(&mut self.agents[place].1);
    }

    /// From now on the service is published to carry `value`; 10 are one replica's worth.
    pub(crate) fn load(&self, project: &str, service: &str, value: f64) {
        self.publisher.set(project, service, Some(value));
    }

    /// From now on nothing is published for the service.
    pub(crate) fn silence(&self, project: &str, service: &str) {
        self.publisher.set(project, service, None);
    }

    /// What `ballast …` prints when it asks this fleet's controller.
    pub(crate) fn ask(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
        command.args(arguments).args(["--nats", &self.nats.url(), "--fleet", &self.name]);
        let output = command.output().expect("run ballast");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What `ballast status --json` says; `None` while nobody answers.
    pub(crate) fn status(&self) -> Option<Status> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
        command.args(["status", "--json", "--nats", &self.nats.url(), "--fleet", &self.name]);
        let output = command.output().expect("run ballast status");
        serde_json::from_slice(&output.stdout).ok()
    }

    /// One service's part of the status.
    pub(crate) fn service(&self, project: &str, service: &str) -> Option<ServiceStatus> {
        let services = self.status()?.services;
        services.into_iter().find(|status| status.project == project && status.service == service)
    }

    /// Waits until the status of the service satisfies `condition`.
    pub(crate) fn wait(
        &self,
        what: &str,
        project: &str,
        service: &str,
        limit: Duration,
        condition: impl Fn(&ServiceStatus) -> bool,
    ) -> ServiceStatus {
        let mut last = None;
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for(what, limit, || {
                last = self.service(project, service);
                last.clone().filter(&condition)
            })
        }));
        found.unwrap_or_else(|panic| {
            eprintln!("last status: {last:#?}");
            std::panic::resume_unwind(panic)
        })
    }

    /// Waits until Docker itself runs `count` replicas and the controller has them as ready.
    pub(crate) fn wait_ready(&self, project: &str, service: &str, count: u32, limit: Duration) -> ServiceStatus {
        let what = format!("{count} ready replicas of {project}/{service}");
        self.wait(&what, project, service, limit, |status| {
            status.ready == count && status.running == count && status.replicas.len() == count as usize
        })
    }

    fn spawn(&self, mut command: Command, name: &str) -> Child {
        let log = File::options().create(true).append(true).open(self.log(name)).expect("a log file");
        command.env("RUST_LOG", "info,agent=debug");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("the log file twice")).stderr(log);
        command.spawn().expect("start ballast")
    }

    /// What the controller has logged so far.
    pub(crate) fn controller_log(&self) -> String {
        fs::read_to_string(self.log("controller")).expect("the controller's log")
    }

    fn log(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.log"))
    }

    fn print_logs(&self) {
        let hosts = self.agents.iter().map(|(host, _)| host_name(host));
        for name in hosts.chain(["controller".to_owned()]) {
            let log = fs::read_to_string(self.log(&name)).unwrap_or_default();
            let tail: Vec<_> = log.lines().rev().take(60).collect();
            eprintln!("--- log of {name}\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.print_logs();
        }
        kill(&mut self.controller);
        for (_, agent) in &mut self.agents {
            kill(agent);
        }
    }
}

/// Looks at a service all the time: its running containers have to stay within limits, and no number may stand twice.
pub(crate) struct Watch {
    ended: Arc<AtomicBool>,
    looking: Option<std::thread::JoinHandle<Vec<String>>>,
}

impl Watch {
    pub(crate) fn start(host: &DockerHost, project: &str, service: &str, limits: RangeInclusive<usize>) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let (over, host) = (Arc::clone(&ended), host.clone());
        let project = format!("label=com.docker.compose.project={project}");
        let service = format!("label=com.docker.compose.service={service}");
        let format = "{{.State}} {{.Label \"com.docker.compose.container-number\"}}";
        let looking = std::thread::spawn(move || {
            let mut complaints = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let listed =
                    host.docker(&["ps", "--all", "--filter", &project, "--filter", &service, "--format", format]);
                let running = listed.lines().filter(|line| line.starts_with("running")).count();
                let mut numbers: Vec<_> = listed.lines().filter_map(|line| line.split(' ').nth(1)).collect();
                let all = numbers.len();
                numbers.sort_unstable();
                numbers.dedup();
                if !limits.contains(&running) || numbers.len() != all {
                    complaints.push(listed);
                }
                std::thread::sleep(Duration::from_millis(300));
            }
            complaints
        });
        Self { ended, looking: Some(looking) }
    }

    /// Ends it, and fails where the service was seen to leave its limits.
    pub(crate) fn expect_within_limits(mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let complaints = self.looking.take().expect("it is ended once").join().expect("looking does not fail");
        assert_eq!(complaints, Vec::<String>::new(), "outside its limits, or a number twice");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

/// The name under which the agent of a host reports.
pub(crate) fn host_name(host: &DockerHost) -> String {
    format!("host-{}", host.number())
}

/// A policy for one service that follows the published value at once, held back by these guards and no others: the usual
/// ones take minutes.
pub(crate) fn policy(service: &str, min: u32, max: u32, guards: &str) -> String {
    format!(
        "service: {service}\n\
         replicas: {{ min: {min}, max: {max} }}\n\
         signals:\n  load: published\n\
         rules:\n  - target: {{ signal: load, per_replica: 10, window: 1s }}\n\
         guards:\n  base: none\n  {guards}\n"
    )
}

/// A Compose file with one service that does nothing, under an init that ends it at once when asked to.
pub(crate) fn idle_service(image: &str, more: &str) -> String {
    format!("services:\n  web:\n    image: {image}\n    command: [sleep, infinity]\n    init: true\n{more}")
}

fn kill(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        drop(child.kill());
        drop(child.wait());
    }
}

/// Publishes the values of services five times a second, as applications would.
struct Publisher {
    set: tokio::sync::mpsc::UnboundedSender<(String, String, Option<f64>)>,
}

impl Publisher {
    fn start(url: &str, fleet: &str) -> Self {
        let (set, mut changes) = tokio::sync::mpsc::unbounded_channel::<(String, String, Option<f64>)>();
        let options = NatsOptions { servers: vec![url.to_owned()], ..NatsOptions::default() };
        let subjects = Subjects::new(fleet);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let bus = NatsBus::connect(options).await.expect("a link to NATS");
                let mut values = std::collections::BTreeMap::new();
                let mut tick = tokio::time::interval(Duration::from_millis(200));
                loop {
                    tokio::select! {
                        change = changes.recv() => match change {
                            Some((project, service, value)) => drop(values.insert((project, service), value)),
                            None => return,
                        },
                        _ = tick.tick() => {
                            for ((project, service), value) in &values {
                                let Some(value) = *value else { continue };
                                let payload = PublishedValue { v: VERSION, value, at_ms: None, replica: None };
                                drop(bus.publish(&subjects.signal(project, service, "load"), encode(&payload)).await);
                            }
                        }
                    }
                }
            });
        });
        Self { set }
    }

    fn set(&self, project: &str, service: &str, value: Option<f64>) {
        self.set.send((project.to_owned(), service.to_owned(), value)).expect("the publisher runs");
    }
}
