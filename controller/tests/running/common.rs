//! A controller on a bus, and what agents would publish.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bus::{
    Bus,
    local::LocalBus,
    payload::{
        self, HostSample, Inventory, Question, ReplicaInventory, ReplicaSample, Samples, ServiceInventory, Status,
    },
    subject::Subjects,
};
use controller::{Config, ControllerError};
use serde::{Serialize, de::DeserializeOwned};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// One replica carries half a core; a removal waits for a minute after any step.
pub(crate) const POLICY: &str = "
service: shop/web
replicas: { min: 1, max: 10 }
mode: act
rules:
  - target: { signal: cpu, per_replica: 0.5 cores }
guards:
  up: { cooldown: 0s }
  down: { cooldown: 1m, stabilize: 0s }
  warm_up: 0s
";

/// How long anything may take before a test gives up.
const LIMIT: Duration = Duration::from_secs(10);

/// A controller that runs.
pub(crate) struct Fleet {
    pub(crate) bus: Bus,
    pub(crate) subjects: Subjects,
    folder: TempDir,
    controller: JoinHandle<std::result::Result<(), ControllerError>>,
    shutdown: CancellationToken,
}

impl Fleet {
    /// One on a bus of its own, with these policy files.
    pub(crate) async fn start(files: &[(&str, &str)]) -> Result<Self> {
        let folder = TempDir::new()?;
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text)?;
        }
        Self::start_on(LocalBus::in_memory()?, folder).await
    }

    /// One on this bus, with the policy files in this folder.
    pub(crate) async fn start_on(bus: Bus, folder: TempDir) -> Result<Self> {
        let config = Config::new("test", vec![folder.path().to_owned()]);
        Self::start_with(bus, config, folder).await
    }

    /// One on this bus, told this.
    pub(crate) async fn start_with(bus: Bus, config: Config, folder: TempDir) -> Result<Self> {
        let shutdown = CancellationToken::new();
        let controller = tokio::spawn(controller::run(config, bus.clone(), shutdown.clone()));
        let fleet = Self { bus, subjects: Subjects::new("test"), folder, controller, shutdown };
        // One that has just ended may have heard the question, and does not answer any more.
        let soon = Duration::from_millis(500);
        until(async || tokio::time::timeout(soon, fleet.ask("status", None)).await?).await?;
        Ok(fleet)
    }

    /// Where the policy files are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the controller in order; what it published and stored stays on the bus.
    pub(crate) async fn stop(self) -> Result {
        self.end().await.map(drop)
    }

    /// As [`stop`](Self::stop), and gives what the next one needs.
    pub(crate) async fn end(self) -> Result<(Bus, TempDir)> {
        self.shutdown.cancel();
        self.controller.await??;
        Ok((self.bus, self.folder))
    }

    /// Ends the controller without letting it do anything more.
    pub(crate) async fn kill(self) -> Result<(Bus, TempDir)> {
        self.controller.abort();
        drop(self.controller.await);
        Ok((self.bus, self.folder))
    }

    /// Publishes what an agent would, once the link is up.
    pub(crate) async fn publish<T: Published>(&self, payload: &T) -> Result {
        let subject = payload.subject(&self.subjects);
        until(async || Ok(self.bus.publish(&subject, payload::encode(payload)).await?)).await
    }

    /// Asks the controller.
    pub(crate) async fn ask(&self, question: &str, service: Option<&str>) -> Result<Status> {
        let about = Question { v: payload::VERSION, service: service.map(str::to_owned), ..Question::default() };
        self.ask_for(question, &about).await
    }

    /// Asks the controller what is not answered with a status.
    pub(crate) async fn ask_for<T: DeserializeOwned>(&self, question: &str, about: &Question) -> Result<T> {
        let answer = self.bus.request(&self.subjects.ask(question), payload::encode(about), LIMIT).await?;
        Ok(payload::decode(&answer)?)
    }

    /// What is in a bucket, once there is something.
    pub(crate) async fn value<T: DeserializeOwned>(&self, bucket: &str, key: &str) -> Result<T> {
        self.value_where(bucket, key, |_| true).await
    }

    /// What is in a bucket, once it is as wanted.
    pub(crate) async fn value_where<T: DeserializeOwned>(
        &self,
        bucket: &str,
        key: &str,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<T> {
        let bucket = self.bus.bucket(bucket).await?;
        until(async || {
            let entry = bucket.get(key).await?.ok_or("not there")?;
            let value = payload::decode(&entry.value)?;
            if wanted(&value) { Ok(value) } else { Err("not as wanted".into()) }
        })
        .await
    }

    /// Waits until there is nothing in a bucket under a key.
    pub(crate) async fn gone(&self, bucket: &str, key: &str) -> Result {
        let bucket = self.bus.bucket(bucket).await?;
        until(async || if bucket.get(key).await?.is_none() { Ok(()) } else { Err("still there".into()) }).await
    }

    /// The status, once it is as wanted.
    pub(crate) async fn status_where(&self, wanted: impl Fn(&Status) -> bool) -> Result<Status> {
        until(async || {
            let status = self.ask("status", None).await?;
            if wanted(&status) { Ok(status) } else { Err(format!("not as wanted: {status:#?}").into()) }
        })
        .await
    }

    /// The path of a policy file.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }
}

async fn until<T>(attempt: impl AsyncFn() -> Result<T>) -> Result<T> {
    let start = std::time::Instant::now();
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) if start.elapsed() > LIMIT => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// What knows its subject.
pub(crate) trait Published: Serialize {
    /// Where it is published.
    fn subject(&self, subjects: &Subjects) -> String;
}

impl Published for Samples {
    fn subject(&self, subjects: &Subjects) -> String {
        subjects.samples(&self.host)
    }
}

impl Published for Inventory {
    fn subject(&self, subjects: &Subjects) -> String {
        subjects.inventory(&self.host)
    }
}

/// The wall clock.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}

/// So many replicas of `shop/web`, serving for ten minutes.
pub(crate) fn inventory(host: &str, sequence: u64, replicas: u32) -> Inventory {
    let at_ms = now_ms();
    let replica = |number: u32| ReplicaInventory {
        id: id(host, number),
        name: format!("shop-web-{number}"),
        number,
        state: "running".to_owned(),
        created_ms: at_ms - 600_000,
        started_ms: Some(at_ms - 600_000),
        ready_ms: Some(at_ms - 600_000),
        ..ReplicaInventory::default()
    };
    Inventory {
        v: payload::VERSION,
        host: host.to_owned(),
        agent: "first".to_owned(),
        sequence,
        at_ms,
        engine: Some("28.5".to_owned()),
        engine_error: None,
        services: vec![ServiceInventory {
            project: "shop".to_owned(),
            service: "web".to_owned(),
            replicas: (1..=replicas).map(replica).collect(),
            phase: payload::Phase::Settled,
            refusals: Vec::new(),
            most: None,
            warnings: Vec::new(),
            labels: std::collections::BTreeMap::new(),
            count_by_others: None,
        }],
    }
}

/// Each of so many replicas with so many cores busy.
pub(crate) fn samples(host: &str, sequence: u64, replicas: u32, cpu_cores: f64) -> Samples {
    let replica = |number: u32| ReplicaSample {
        id: id(host, number),
        project: "shop".to_owned(),
        service: "web".to_owned(),
        cpu_cores: Some(cpu_cores),
        memory_bytes: Some(64 << 20),
        ..ReplicaSample::default()
    };
    Samples {
        v: payload::VERSION,
        host: host.to_owned(),
        agent: "first".to_owned(),
        sequence,
        at_ms: now_ms(),
        lost: 0,
        host_sample: Some(HostSample { cores: 4, memory_total_bytes: 8 << 30, ..HostSample::default() }),
        replicas: (1..=replicas).map(replica).collect(),
        signals: Vec::new(),
    }
}

fn id(host: &str, number: u32) -> String {
    format!("{host}{number:063}")
}
