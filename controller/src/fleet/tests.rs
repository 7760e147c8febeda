//! Stories: what is heard at what second, and what is written then.

mod deciding;
mod forecasting;
mod governing;
mod keeping;
mod listening;
mod remembering;
mod supposing;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use autoscaler::{
    Timestamp,
    policy_file::{Catalog, Source},
};
use bus::{
    payload::{
        self, HostSample, Inventory, PolicySource, Question, ReplicaInventory, ReplicaSample, Samples,
        ServiceInventory, Status, Suppose,
    },
    subject::Subjects,
};

use super::{Asked, Effect, Fleet, Input, Kind, ServiceKey, Setup, Stored};
use crate::policies::PolicySet;

/// One replica carries half a core; a removal waits for a minute after any step.
const WEB: &str = "
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
/// When the stories begin.
const BEGIN: u64 = 1_800_000_000_000;

/// The question about one service.
fn asking(service: &str) -> Question {
    Question { service: Some(service.to_owned()), ..Question::default() }
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(BEGIN + second * 1000)
}

fn policies(files: &[(&str, &str)]) -> PolicySet {
    let (catalog, errors) = Catalog::read(files.iter().map(|(name, text)| Source::file(*name, *text)).collect());
    assert!(errors.is_empty(), "the policies of tests are right: {errors:?}");
    let policies = |name: &str| catalog.selectors().filter(|(_, origin)| origin.name == name).count();
    let source = |(name, _): &(&str, &str)| PolicySource {
        origin: (*name).to_owned(),
        policies: u32::try_from(policies(name)).expect("few"),
        ..PolicySource::default()
    };
    let sources = files.iter().map(source).collect();
    let generation = GENERATION.fetch_add(1, Ordering::Relaxed);
    PolicySet { catalog, sources, complete: true, generation }
}

static GENERATION: AtomicU64 = AtomicU64::new(1);

/// A fleet, and the numbers of what its agents have sent.
struct Story {
    fleet: Fleet,
    sent: u64,
}

impl Story {
    /// Begins with these policies, and nothing left by earlier controllers.
    fn new(files: &[(&str, &str)]) -> Self {
        Self::restarted(files, 1, Stored::default(), 0)
    }

    fn restarted(files: &[(&str, &str)], term: u64, stored: Stored, second: u64) -> Self {
        let setup = Self::setup(term);
        Self { fleet: Fleet::new(setup, policies(files), stored, at(second)), sent: second * 1000 }
    }

    fn setup(term: u64) -> Setup {
        Setup {
            subjects: Subjects::new("test"),
            term,
            host_lost_after: Duration::from_secs(15),
            target_valid_for: Duration::from_mins(1),
            keeps_history: false,
        }
    }

    fn hear(&mut self, second: u64, input: Input) -> Vec<Effect> {
        self.fleet.hear(input, at(second));
        self.fleet.settle(at(second))
    }

    /// So many replicas of `shop/web` are listed on a host.
    fn list(&mut self, second: u64, host: &str, replicas: u32) -> Vec<Effect> {
        self.list_as(second, host, vec![web(host, replicas)])
    }

    fn list_as(&mut self, second: u64, host: &str, services: Vec<ServiceInventory>) -> Vec<Effect> {
        self.sent += 1;
        let inventory = Inventory {
            v: payload::VERSION,
            host: host.to_owned(),
            agent: "first".to_owned(),
            sequence: self.sent,
            at_ms: at(second).as_millis(),
            engine: Some("28.5".to_owned()),
            engine_error: None,
            services,
        };
        self.hear(second, message(Kind::Inventory, host, &inventory))
    }

    /// Each of so many replicas of `shop/web` on a host has so many cores busy.
    fn measure(&mut self, second: u64, host: &str, replicas: u32, cpu_cores: f64) -> Vec<Effect> {
        self.sent += 1;
        let samples = samples(second, host, self.sent, replicas, cpu_cores);
        self.hear(second, message(Kind::Samples, host, &samples))
    }

    fn settle(&mut self, second: u64) -> Vec<Effect> {
        self.fleet.settle(at(second))
    }

    fn status(&self, second: u64) -> Status {
        self.fleet.answer(Asked::Status, &Question::default(), at(second))
    }
}

fn message<T: serde::Serialize>(kind: Kind, host: &str, payload: &T) -> Input {
    let subjects = Subjects::new("test");
    let subject = match kind {
        Kind::Samples => subjects.samples(host),
        Kind::Inventory => subjects.inventory(host),
        Kind::Outcome => subjects.outcome(host),
        Kind::Signal => subjects.signal("shop", "web", host),
    };
    Input::Message { kind, subject, payload: payload::encode(payload) }
}

fn samples(second: u64, host: &str, sequence: u64, replicas: u32, cpu_cores: f64) -> Samples {
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
        at_ms: at(second).as_millis(),
        lost: 0,
        host_sample: Some(HostSample { cores: 4, memory_total_bytes: 8 << 30, ..HostSample::default() }),
        replicas: (1..=replicas).map(replica).collect(),
        signals: Vec::new(),
    }
}

fn web(host: &str, replicas: u32) -> ServiceInventory {
    let replica = |number: u32| ReplicaInventory {
        id: id(host, number),
        name: format!("shop-web-{number}"),
        number,
        state: "running".to_owned(),
        created_ms: BEGIN - 600_000,
        started_ms: Some(BEGIN - 600_000),
        ready_ms: Some(BEGIN - 600_000),
        ..ReplicaInventory::default()
    };
    ServiceInventory {
        project: "shop".to_owned(),
        service: "web".to_owned(),
        replicas: (1..=replicas).map(replica).collect(),
        phase: payload::Phase::Settled,
        refusals: Vec::new(),
        most: None,
        warnings: Vec::new(),
        labels: std::collections::BTreeMap::new(),
        count_by_others: None,
    }
}

fn id(host: &str, number: u32) -> String {
    format!("{host}{number:063}")
}

fn key(host: &str) -> ServiceKey {
    ServiceKey { host: host.to_owned(), project: "shop".to_owned(), service: "web".to_owned() }
}

/// The targets among what is written: host, replicas, sequence; 0 replicas for a removal.
fn targets(effects: &[Effect]) -> Vec<(&str, u32, u64)> {
    let mut found = Vec::new();
    for effect in effects {
        if let Effect::Target(key, target) = effect {
            let (replicas, sequence) = target.as_ref().map_or((0, 0), |target| (target.replicas, target.sequence));
            found.push((key.host.as_str(), replicas, sequence));
        }
    }
    found
}
