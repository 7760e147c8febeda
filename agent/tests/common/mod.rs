//! What the tests against a real engine share.
#![allow(dead_code, reason = "each test binary uses its own part of this")]
#![allow(unreachable_pub, reason = "the same")]

use std::time::Duration;

use agent::{
    docker::Engine,
    inventory::{Inventory, Settings},
    model::Host,
};
use bus::payload::ServiceName;
use testbed::{DockerHost, Project};
use tokio_util::sync::CancellationToken;

/// What is waited for takes far less.
pub const LIMIT: Duration = Duration::from_secs(30);

/// A Compose project on Docker host 1, and the inventory of that host.
pub struct Fleet {
    pub host: DockerHost,
    pub project: Project,
    pub engine: Engine,
    pub inventory: Inventory,
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
        let host = DockerHost::get(1);
        let compose = compose.replace("IMAGE", &host.busybox());
        let project = Project::new(&host, &format!("act{name}{}", std::process::id()), &compose);
        let engine = Engine::connect(host.socket()).await.expect("an engine");
        let shutdown = CancellationToken::new();
        let settings = Settings { quiet: Duration::from_secs(1) };
        let inventory = Inventory::start(engine.clone(), settings, shutdown.clone());
        Self { host, project, engine, inventory, shutdown }
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

/// How many replicas of a service serve.
pub fn ready(host: &Host, name: &ServiceName) -> usize {
    let service = host.services.get(name);
    service.map_or(0, |service| service.replicas.iter().filter(|r| r.summary.ready_ms.is_some()).count())
}
