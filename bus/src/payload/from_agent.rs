//! From agents, and from the applications beside them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{VERSION, is_zero, version};

/// One agent's measurements of one moment. Subject: [`Subjects::samples`](crate::subject::Subjects::samples).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    /// Payload version.
    pub v: u16,
    /// The host measured.
    pub host: String,
    /// Changes with each start of the agent; `sequence` counts within it.
    pub agent: String,
    /// 1, 2, 3 … without gaps as sent; a gap as received is a loss.
    pub sequence: u64,
    /// When it was measured.
    pub at_ms: u64,
    /// Payloads that the agent itself had to drop since its start, because the bus was away for too long.
    pub lost: u64,
    /// The host itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_sample: Option<HostSample>,
    /// Its replicas.
    #[serde(default)]
    pub replicas: Vec<ReplicaSample>,
    /// What probes found, see [`Probe`](super::Probe).
    #[serde(default)]
    pub signals: Vec<SignalSample>,
}

/// A host's resources.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostSample {
    /// Cores that the kernel schedules on.
    pub cores: u32,
    /// Cores busy, since the sample before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_busy_cores: Option<f64>,
    /// Physical memory.
    pub memory_total_bytes: u64,
    /// What can be had without swapping (`MemAvailable`, not free memory).
    pub memory_available_bytes: u64,
    /// Pressure stall information, where the kernel has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pressure: Option<Pressure>,
    /// Load average over 1, 5 and 15 minutes.
    pub load: [f64; 3],
    /// File systems that hold data.
    pub disks: Vec<DiskSample>,
    /// Read from block devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_read_bytes_per_second: Option<f64>,
    /// Written to block devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_write_bytes_per_second: Option<f64>,
    /// Received over all interfaces but loopback and container bridges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_receive_bytes_per_second: Option<f64>,
    /// Sent over the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_transmit_bytes_per_second: Option<f64>,
}

/// Share of the last 10 s in which some (or all) tasks waited for the resource, 0 to 1
/// (kernel documentation, `accounting/psi`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pressure {
    /// Some task waited for CPU.
    pub cpu_some: f64,
    /// Some task waited for memory.
    pub memory_some: f64,
    /// All tasks waited for memory.
    pub memory_full: f64,
    /// Some task waited for I/O.
    pub io_some: f64,
    /// All tasks waited for I/O.
    pub io_full: f64,
}

/// Space of one file system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiskSample {
    /// Where it is mounted.
    pub mount: String,
    /// Its size.
    pub total_bytes: u64,
    /// What an ordinary user may still write.
    pub available_bytes: u64,
}

/// One replica's use of resources since the sample before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplicaSample {
    /// The container's full ID.
    pub id: String,
    /// The Compose project.
    pub project: String,
    /// The service.
    pub service: String,
    /// Cores busy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_cores: Option<f64>,
    /// Seconds per second in which the replica wanted CPU and its limit denied it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_throttled: Option<f64>,
    /// Working set: usage less inactive file pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Received by its network namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_receive_bytes_per_second: Option<f64>,
    /// Sent by its network namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_transmit_bytes_per_second: Option<f64>,
    /// Read from block devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_read_bytes_per_second: Option<f64>,
    /// Written to block devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_write_bytes_per_second: Option<f64>,
    /// Processes and threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids: Option<u64>,
    /// Where it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SampleSource>,
}

/// Where a replica's sample was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleSource {
    /// The cgroup's own files.
    Cgroup,
    /// Docker's stats, because the cgroup could not be read.
    Stats,
    /// Something that this build does not know.
    #[serde(other)]
    Unknown,
}

/// What one probe found. Without a `value`, `error` says why it could not be read; without either, it was read and there
/// is none: no request came that a quantile could be of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalSample {
    /// The Compose project.
    pub project: String,
    /// The service.
    pub service: String,
    /// The signal's name in the policy.
    pub signal: String,
    /// When it was true.
    pub at_ms: u64,
    /// The value, of the service as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Replicas that it was read from, where it was read from replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// Why there is no value, or why it covers only some of the replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What an application publishes of itself. A bare JSON number is understood as well.
/// Subject: [`Subjects::signal`](crate::subject::Subjects::signal).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "PublishedForm")]
pub struct PublishedValue {
    /// Payload version.
    pub v: u16,
    /// The value. Of the replica, where `replica` is given; else of the service as a whole.
    pub value: f64,
    /// When it was true; absent: on arrival.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<u64>,
    /// The replica's container ID, or its first 12 digits or more (in a container: its host name).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica: Option<String>,
}

/// The two forms in which applications may publish: with a shell, a bare number is all that is convenient.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, or an object with a number as `value`")]
enum PublishedForm {
    Number(f64),
    Object {
        #[serde(default = "version")]
        v: u16,
        value: f64,
        #[serde(default)]
        at_ms: Option<u64>,
        #[serde(default)]
        replica: Option<String>,
    },
}

impl From<PublishedForm> for PublishedValue {
    fn from(form: PublishedForm) -> Self {
        match form {
            PublishedForm::Number(value) => Self { v: VERSION, value, at_ms: None, replica: None },
            PublishedForm::Object { v, value, at_ms, replica } => Self { v, value, at_ms, replica },
        }
    }
}

/// What runs on one host. Sent at once when it changes, and every few seconds as the truth.
/// Subject: [`Subjects::inventory`](crate::subject::Subjects::inventory).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// Payload version.
    pub v: u16,
    /// The host.
    pub host: String,
    /// As in [`Samples`].
    pub agent: String,
    /// As in [`Samples`], counted apart.
    pub sequence: u64,
    /// When it was listed.
    pub at_ms: u64,
    /// The engine's version; absent while the engine does not answer, and then `services` is what was last known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Why the engine does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_error: Option<String>,
    /// Every Compose service with at least one container.
    #[serde(default)]
    pub services: Vec<ServiceInventory>,
}

/// One service and its replicas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceInventory {
    /// The Compose project.
    pub project: String,
    /// The service.
    pub service: String,
    /// Its containers, by number; one-off and hook containers are not replicas.
    #[serde(default)]
    pub replicas: Vec<ReplicaInventory>,
    /// Whether it stands still.
    #[serde(default)]
    pub phase: Phase,
    /// Why it cannot be scaled; empty when it can.
    #[serde(default)]
    pub refusals: Vec<Refusal>,
    /// The most replicas that it can have (published port ranges); absent when nothing limits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u32>,
    /// What is legal but worth knowing.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Container labels that start with `ballast.`, of the newest replica.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The newest change of the count by somebody else, once the project stands still after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count_by_others: Option<CountByOthers>,
}

/// Somebody else (`docker compose up --scale`, for example) changed how many replicas there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CountByOthers {
    /// When the last of it was seen.
    pub at_ms: u64,
    /// How many there were afterwards.
    pub replicas: u32,
    /// How many there were before.
    pub before: u32,
    /// It is the count of the Compose file, which a plain `docker compose up` restores: nobody's will.
    #[serde(skip_serializing_if = "is_false")]
    pub reset: bool,
}

/// Whether a service stands still.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Phase {
    /// Nothing but Ballast changes it.
    #[default]
    Settled,
    /// Somebody else (Compose, a person) changes its project just now; it is left alone until that has been quiet.
    Changing {
        /// Since when.
        since_ms: u64,
        /// What was seen.
        why: String,
    },
    /// Somebody stopped all of it; it is left alone until one runs again.
    Stopped {
        /// Since when.
        since_ms: u64,
    },
    /// Something that this build does not know: it is left alone.
    #[serde(other)]
    Unknown,
}

/// One replica.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplicaInventory {
    /// The container's full ID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `com.docker.compose.container-number`.
    pub number: u32,
    /// What Docker calls its state: `running`, `exited`, …
    pub state: String,
    /// What its health check says: `healthy`, `starting`, `unhealthy`; absent without a health check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// When it was created.
    pub created_ms: u64,
    /// When its process started, while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<u64>,
    /// Since when it serves: running, and healthy if it has a health check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_ms: Option<u64>,
    /// Made from another configuration than the service has now.
    pub obsolete: bool,
    /// Made by Ballast.
    pub managed: bool,
    /// Restarts by Docker.
    pub restarts: u64,
    /// CPU limit; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_limit_cores: Option<f64>,
    /// Memory limit; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_limit_bytes: Option<u64>,
    /// CPU set aside for it; absent where nothing tells: Compose does not pass its CPU reservations on to the engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_reservation_cores: Option<f64>,
    /// Memory set aside for it; absent without a reservation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_reservation_bytes: Option<u64>,
    /// Why it may not be removed; absent: it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protected: Option<String>,
    /// When its process ended last, also if it runs again since; absent: it never did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_exit_ms: Option<u64>,
    /// With which code it ended; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// It ended by itself then: neither a person, Ballast nor the engine ended it.
    #[serde(skip_serializing_if = "is_false")]
    pub exited_unexpectedly: bool,
    /// How often it did so since the agent watches it, whoever started it again: Docker by its restart policy, which
    /// `restarts` counts as well, or Ballast, which it does not.
    #[serde(skip_serializing_if = "is_zero")]
    pub unexpected_exits: u64,
}

/// Why a service is not scaled, and what helps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A short name that stays the same, for example `fixed-host-port`.
    pub code: String,
    /// What stands in the way.
    pub cause: String,
    /// What to do about it.
    pub cure: String,
}

/// How carrying out a target went. Subject: [`Subjects::outcome`](crate::subject::Subjects::outcome).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Payload version.
    pub v: u16,
    /// The host.
    pub host: String,
    /// The Compose project.
    pub project: String,
    /// The service.
    pub service: String,
    /// The target's term.
    pub term: u64,
    /// The target's sequence.
    pub sequence: u64,
    /// When.
    pub at_ms: u64,
    /// How.
    #[serde(flatten)]
    pub result: OutcomeResult,
}

/// How carrying out a target went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum OutcomeResult {
    /// The service has as many replicas as wanted, all of them serving.
    Reached {
        /// Before.
        from: u32,
        /// Now.
        to: u32,
        /// From the first call to the last replica serving.
        took_ms: u64,
        /// Set when somebody else had changed the count and it was brought back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reasserted: Option<String>,
    },
    /// It did not work; what was half done has been cleaned up.
    Failed {
        /// Before.
        from: u32,
        /// How many there are.
        reached: u32,
        /// What went wrong.
        cause: String,
        /// What to do about it.
        cure: String,
        /// When the agent tries again; absent when it does not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u64>,
    },
    /// The service cannot be scaled; nothing was touched.
    Refused {
        /// Why, all of it.
        refusals: Vec<Refusal>,
    },
    /// The target came from a controller that is no longer in charge, or is too old; nothing was touched.
    Stale {
        /// What was seen.
        cause: String,
    },
    /// Something that this build does not know.
    #[serde(other)]
    Unknown,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}
