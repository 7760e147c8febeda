//! What the tests against a real engine share.
#![allow(dead_code, reason = "each test binary uses its own part of this")]
#![allow(unreachable_pub, reason = "the same")]

use std::time::Duration;

use agent::{
    act::{Actor, plan::Patience},
    docker::Engine,
    inventory::{Inventory, Settings, wait_until},
    model::Host,
};
use bus::payload::{Assignment, Mode, Outcome, OutcomeResult, ServiceName, Target, Victim};
use serde_json::Value;
use testbed::{DockerHost, Project};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What is waited for takes far less.
pub const LIMIT: Duration = Duration::from_secs(30);

/// A Compose project on a Docker host (usually 1), and the inventory of that host.
pub struct Fleet {
    pub host: DockerHost,
    pub project: Project,
    pub engine: Engine,
    pub inventory: Inventory,
    pub actor: Actor,
    outcomes: mpsc::Receiver<Outcome>,
    sequence: u64,
    shutdown: CancellationToken,
}

impl Fleet {
    /// Brings up `compose`, in which `IMAGE` stands for busybox. Foreign changes count as over after 1 s.
    pub async fn start(name: &str, compose: &str) -> Self {
        let fleet = Self::prepare(name, compose).await;
        fleet.project.compose(&["up", "-d", "--quiet-pull"]);
        fleet
    }

    /// The same, but nothing is brought up.
    pub async fn prepare(name: &str, compose: &str) -> Self {
        Self::prepare_on(DockerHost::get(1), name, compose).await
    }

    pub async fn prepare_on(host: DockerHost, name: &str, compose: &str) -> Self {
        let compose = compose.replace("IMAGE", &host.busybox());
        let project = Project::new(&host, &format!("act{name}{}", std::process::id()), &compose);
        let engine = Engine::connect(host.socket()).await.expect("an engine");
        let (inventory, actor, outcomes, shutdown) = agent(&engine);
        Self { host, project, engine, inventory, actor, outcomes, sequence: 0, shutdown }
    }

    /// Ends the agent and starts another one, which knows nothing.
    pub fn restart_agent(&mut self) {
        self.shutdown.cancel();
        (self.inventory, self.actor, self.outcomes, self.shutdown) = agent(&self.engine);
    }

    /// Puts `service` under a policy, and waits until the inventory has it.
    pub async fn assign(&mut self, service: &str, min: u32, max: u32) {
        let name = self.service(service);
        let project = name.project.clone();
        let assignment = Assignment {
            v: 1,
            project,
            service: service.into(),
            mode: Mode::Act,
            min,
            max,
            term: 1,
            probes: Vec::new(),
            victims: Victim::usual(),
            drain_ms: None,
            busy: None,
            manual_ms: 0,
        };
        self.actor.tell(&name, |wishes| wishes.assignment = Some(assignment));
        let mut host = self.inventory.host();
        wait_until(&mut host, LIMIT, |host| host.services.contains_key(&name)).await.expect("the service");
    }

    /// Changes the assignment of `service`.
    pub fn reassign(&mut self, service: &str, change: impl FnOnce(&mut Assignment)) {
        let name = self.service(service);
        self.actor.tell(&name, |wishes| change(wishes.assignment.as_mut().expect("it is assigned")));
    }

    /// Sends a target.
    pub fn aim(&mut self, service: &str, replicas: u32) {
        self.sequence += 1;
        let sequence = self.sequence;
        self.send(service, replicas, (1, sequence), 60_000);
    }

    pub fn send(&mut self, service: &str, replicas: u32, (term, sequence): (u64, u64), valid_for_ms: u64) {
        let name = self.service(service);
        let target = Target {
            v: 1,
            project: name.project.clone(),
            service: service.into(),
            replicas,
            term,
            sequence,
            issued_ms: now_ms(),
            valid_for_ms,
            evaluation: sequence,
            reason: "the test wants it".into(),
        };
        self.actor.tell(&name, |wishes| wishes.receive(target, false, now_ms()));
    }

    /// The next outcome.
    pub async fn outcome(&mut self) -> OutcomeResult {
        let outcome = tokio::time::timeout(LIMIT, self.outcomes.recv()).await.expect("an outcome in time");
        outcome.expect("the actor lives").result
    }

    /// Sends a target, and waits until it is reached.
    pub async fn scale(&mut self, service: &str, replicas: u32) {
        self.aim(service, replicas);
        match self.outcome().await {
            OutcomeResult::Reached { to, .. } if to == replicas => {}
            other => panic!("not reached: {other:?}"),
        }
    }

    /// Everything that Docker has of the project: containers, also stopped ones, networks, volumes.
    pub fn remains(&self) -> String {
        let label = format!("label=com.docker.compose.project={}", self.project.name());
        let of = |arguments: &[&str]| self.host.docker(&[arguments, &["--quiet", "--filter", &label]].concat());
        of(&["ps", "--all"]) + &of(&["network", "ls"]) + &of(&["volume", "ls"])
    }

    /// All of `docker inspect` of replica `number`.
    pub async fn inspect(&self, service: &str, number: u32) -> Value {
        self.engine.inspect(&format!("{}-{service}-{number}", self.project.name())).await.expect("inspect")
    }

    pub fn service(&self, service: &str) -> ServiceName {
        ServiceName { project: self.project.name().to_owned(), service: service.to_owned() }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn agent(engine: &Engine) -> (Inventory, Actor, mpsc::Receiver<Outcome>, CancellationToken) {
    let shutdown = CancellationToken::new();
    let settings = Settings { quiet: Duration::from_secs(1) };
    let inventory = Inventory::start(engine.clone(), settings, shutdown.clone());
    let (reports, outcomes) = mpsc::channel(100);
    let patience = Patience {
        ready: Duration::from_secs(5),
        settle: Duration::from_secs(1),
        backoff: Duration::from_millis(100),
        ..Patience::default()
    };
    let actor = Actor::new(engine.clone(), "host", inventory.clone(), patience, reports, shutdown.clone());
    (inventory, actor, outcomes, shutdown)
}

/// How many replicas of a service serve.
pub fn ready(host: &Host, name: &ServiceName) -> usize {
    let service = host.services.get(name);
    service.map_or(0, |service| service.replicas.iter().filter(|r| r.summary.ready_ms.is_some()).count())
}

pub fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("before the year 500 million")
}
