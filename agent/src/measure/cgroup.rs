//! A replica's own counters, read from the files of its cgroup: much cheaper than asking the engine.
//!
//! [`locate`](Cgroup::locate) finds the cgroup once per start of a container, [`read`](Cgroup::read) reads it each time.
//! Files are opened anew for each reading: a few microseconds more than keeping them open, but the agent then holds
//! neither thousands of descriptors nor the network namespace of a container that is gone.

mod locate;

use std::{path::PathBuf, time::Duration};

use super::{
    rate::Reading,
    text::{self, FileBuffer},
};

pub use locate::{LocateError, Wanted};

/// Where the kernel's file systems are mounted. In a container: where the host's are bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// `/proc` of the host.
    pub proc: PathBuf,
    /// `/sys` of the host.
    pub sys: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { proc: "/proc".into(), sys: "/sys".into() }
    }
}

/// The files of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cgroup {
    files: Files,
    /// Absent when its process cannot be seen, or when it shares its network with somebody else.
    net_dev: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Files {
    V1 {
        cpu_usage: PathBuf,
        cpu_stat: PathBuf,
        memory_usage: PathBuf,
        memory_stat: PathBuf,
        pids: PathBuf,
        blkio: PathBuf,
    },
    V2 {
        cpu_stat: PathBuf,
        memory_current: PathBuf,
        memory_stat: PathBuf,
        pids: PathBuf,
        io_stat: PathBuf,
    },
}

impl Cgroup {
    /// Finds the cgroup of a running container: by its process where that is visible, else where the engine's
    /// drivers put it, else by looking for its ID.
    pub fn locate(roots: &Roots, wanted: &Wanted<'_>) -> Result<Self, LocateError> {
        let found = locate::locate(roots, wanted)?;
        let files = if found.version == 2 {
            let at = |file: &str| found.dir("").join(file);
            Files::V2 {
                cpu_stat: at("cpu.stat"),
                memory_current: at("memory.current"),
                memory_stat: at("memory.stat"),
                pids: at("pids.current"),
                io_stat: at("io.stat"),
            }
        } else {
            Files::V1 {
                cpu_usage: found.dir("cpuacct").join("cpuacct.usage"),
                cpu_stat: found.dir("cpu").join("cpu.stat"),
                memory_usage: found.dir("memory").join("memory.usage_in_bytes"),
                memory_stat: found.dir("memory").join("memory.stat"),
                pids: found.dir("pids").join("pids.current"),
                blkio: found.dir("blkio").join("blkio.throttle.io_service_bytes_recursive"),
            }
        };
        Ok(Self { files, net_dev: found.net_dev })
    }

    /// Reads all counters, at `at` since any fixed moment. What cannot be read is absent.
    pub fn read(&self, buffer: &mut FileBuffer, at: Duration) -> Reading {
        let mut reading = Reading { at, ..Reading::default() };
        match &self.files {
            Files::V1 { cpu_usage, cpu_stat, memory_usage, memory_stat, pids, blkio } => {
                reading.cpu_nanos = buffer.read(cpu_usage).and_then(text::number);
                reading.throttled_nanos = buffer.read(cpu_stat).and_then(|stat| text::keyed(stat, "throttled_time"));
                let usage = buffer.read(memory_usage).and_then(text::number);
                let inactive = buffer.read(memory_stat).and_then(|stat| text::keyed(stat, "total_inactive_file"));
                reading.memory_bytes = working_set(usage, inactive);
                reading.pids = buffer.read(pids).and_then(text::number);
                if let Some((read, written)) = buffer.read(blkio).map(text::blkio) {
                    (reading.block_read_bytes, reading.block_write_bytes) = (Some(read), Some(written));
                }
            }
            Files::V2 { cpu_stat, memory_current, memory_stat, pids, io_stat } => {
                if let Some(stat) = buffer.read(cpu_stat) {
                    let nanos = |key| text::keyed(stat, key).map(|micros| micros.saturating_mul(1000));
                    (reading.cpu_nanos, reading.throttled_nanos) = (nanos("usage_usec"), nanos("throttled_usec"));
                }
                let usage = buffer.read(memory_current).and_then(text::number);
                let inactive = buffer.read(memory_stat).and_then(|stat| text::keyed(stat, "inactive_file"));
                reading.memory_bytes = working_set(usage, inactive);
                reading.pids = buffer.read(pids).and_then(text::number);
                if let Some((read, written)) = buffer.read(io_stat).map(text::io_stat) {
                    (reading.block_read_bytes, reading.block_write_bytes) = (Some(read), Some(written));
                }
            }
        }
        let traffic = self.net_dev.as_ref().and_then(|path| text::net_dev(buffer.read(path)?, |name| name != "lo"));
        if let Some((received, sent)) = traffic {
            (reading.network_receive_bytes, reading.network_transmit_bytes) = (Some(received), Some(sent));
        }
        reading
    }
}

/// Usage less the file pages that the kernel would give up first, as `docker stats` counts it
/// (docker/cli, `calculateMemUsageUnixNoCache`).
pub(crate) fn working_set(usage: Option<u64>, inactive_file: Option<u64>) -> Option<u64> {
    let (usage, inactive_file) = (usage?, inactive_file?);
    Some(if inactive_file < usage { usage - inactive_file } else { usage })
}

#[cfg(test)]
mod tests;
