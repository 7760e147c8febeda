//! What the agent knows of its host: filled by `inventory`, read by everything else.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use bus::payload::{CountByOthers, Phase, Refusal, ReplicaInventory, ServiceName};
use serde_json::Value;

/// Everything that the agent knows of its host, as of one moment.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// When it was listed, milliseconds since the epoch.
    pub at_ms: u64,
    /// The engine, while it answers.
    pub engine: Option<EngineInfo>,
    /// Why the engine does not answer.
    pub engine_error: Option<String>,
    /// Every Compose service with at least one container.
    pub services: BTreeMap<ServiceName, Service>,
}

/// The engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineInfo {
    /// For example `28.5.2`.
    pub version: String,
    /// For example `1.51`, as negotiated.
    pub api: String,
    /// 1 or 2.
    pub cgroup_version: u8,
    /// `systemd` or `cgroupfs`.
    pub cgroup_driver: String,
    /// For example `amd64`.
    pub architecture: String,
    /// When the engine started; absent where it does not tell.
    pub started_ms: Option<u64>,
}

/// One service and its replicas.
#[derive(Clone, Debug, Default)]
pub struct Service {
    /// Its replicas, by number.
    pub replicas: Vec<Replica>,
    /// Whether it stands still.
    pub phase: Phase,
    /// Why it cannot be scaled; empty when it can.
    pub refusals: Vec<Refusal>,
    /// The most replicas that it can have.
    pub most: Option<u32>,
    /// What is legal but worth knowing.
    pub warnings: Vec<String>,
    /// Labels that start with `ballast.`, of the newest replica.
    pub labels: BTreeMap<String, String>,
    /// The last time that somebody else changed the project.
    pub foreign: Option<ForeignChange>,
    /// The newest count that was somebody else's doing.
    pub count_by_others: Option<CountByOthers>,
}

/// A change that was not Ballast's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForeignChange {
    /// When it began.
    pub since_ms: u64,
    /// What was seen last.
    pub why: String,
    /// How many replicas there were before it; absent if that was not seen.
    pub from: Option<u32>,
    /// Every replica that was there before it has been removed by somebody else: the project was taken down, and
    /// what is left was made by Ballast in the meantime.
    pub all_removed: bool,
}

/// Why a container's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCause {
    /// It ended by itself.
    Itself,
    /// The engine went down and took it along.
    Engine,
    /// Somebody stopped it.
    Person,
    /// Ballast stopped it, and removes it.
    Ballast,
    /// Ballast stopped it as the last of its service, and keeps it to be started and copied again.
    Asleep,
}

/// One replica.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    /// What the controller is told.
    pub summary: ReplicaInventory,
    /// Its first process, as the engine's host numbers it; absent while it does not run.
    pub pid: Option<u32>,
    /// `HostConfig.CgroupParent`, where it is set.
    pub cgroup_parent: Option<String>,
    /// Its address in each network, by the network's name.
    pub addresses: BTreeMap<String, IpAddr>,
    /// TCP ports that it exposes, ascending.
    pub exposed_tcp: Vec<u16>,
    /// Why its process ended; absent while it runs, and when it never ran.
    pub exit: Option<ExitCause>,
    /// When its process ended last.
    pub finished_ms: Option<u64>,
    /// Compose is replacing it, or it is the replacement: it carries a temporary name.
    pub temporary: bool,
    /// Its use of CPU by its newest sample; absent while that is not known.
    pub cpu_cores: Option<f64>,
    /// Whether it may go was asked, and it did not tell.
    pub may_be_busy: bool,
    /// The container that uses this one's namespaces or volumes: it would break without this one.
    pub hung_on_by: Option<String>,
    /// All of `GET /containers/{id}/json`.
    pub inspect: Arc<Value>,
}
