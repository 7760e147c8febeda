//! The host as a whole: CPU, memory, load and disk space by `sysinfo`; pressure, disk I/O and network from `/proc`,
//! because `sysinfo` lacks the first, spends on the last twenty times what a reading costs, and sees only the
//! network of its own container.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, TryRecvError, channel},
    time::{Duration, Instant},
};

use bus::payload::{DiskSample, HostSample, Pressure};
use sysinfo::{DiskRefreshKind, Disks, MemoryRefreshKind, System};

use super::{
    cgroup::Roots,
    rate::per_second,
    text::{self, FileBuffer},
};

/// `sysinfo` gives the old CPU usage again when it is asked sooner than this.
pub(crate) const LEAST_BETWEEN_READINGS: Duration = sysinfo::MINIMUM_CPU_UPDATE_INTERVAL;
/// Space changes slowly, and asking for it can block.
const DISKS_EVERY: Duration = Duration::from_secs(10);
/// Space that could not be asked for since then is no longer told.
const DISKS_HOLD_FOR: Duration = Duration::from_mins(1);
/// File systems that show what another one holds, or hold nothing.
const NO_DATA: [&str; 9] = ["overlay", "tmpfs", "ramfs", "nsfs", "tracefs", "debugfs", "configfs", "fusectl", "autofs"];

/// Measures the host.
#[derive(Debug)]
pub struct HostMeter {
    system: Option<System>,
    cpu: CpuReadings,
    roots: Roots,
    previous: Option<Counters>,
    disks: DiskWatch,
}

/// A CPU usage is between two readings, so that the first one gives none.
#[derive(Debug, Default)]
struct CpuReadings {
    last: Option<Instant>,
    cores_busy: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Counters {
    at: Duration,
    disk: Option<(u64, u64)>,
    network: Option<(u64, u64)>,
}

impl HostMeter {
    /// A meter that has measured nothing yet.
    pub fn new(roots: Roots) -> Self {
        let system = System::new().inspect_err(|error| tracing::warn!(%error, "the host cannot be measured")).ok();
        Self { system, cpu: CpuReadings::default(), roots, previous: None, disks: DiskWatch::default() }
    }

    /// Measures. `at` is the time since any fixed moment. Rates are of the time since the call before. Without CPU and
    /// memory there is no sample.
    pub fn measure(&mut self, buffer: &mut FileBuffer, at: Duration) -> Option<HostSample> {
        let system = self.system.as_mut()?;
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        self.cpu.refresh(system);
        let load = System::load_average().ok()?;
        let counters =
            Counters { at, disk: read_disk(&self.roots, buffer), network: read_network(&self.roots, buffer) };
        let rates = self.previous.map(|previous| rates(&previous, &counters)).unwrap_or_default();
        self.previous = Some(counters);
        if system.total_memory() == 0 || system.cpus().is_empty() {
            return None;
        }
        Some(HostSample {
            cores: u32::try_from(system.cpus().len()).ok()?,
            cpu_busy_cores: self.cpu.cores_busy,
            memory_total_bytes: system.total_memory(),
            memory_available_bytes: system.available_memory(),
            pressure: read_pressure(&self.roots, buffer),
            load: [load.one, load.five, load.fifteen],
            disks: self.disks.newest(at, &self.roots),
            disk_read_bytes_per_second: rates.disk_read,
            disk_write_bytes_per_second: rates.disk_write,
            network_receive_bytes_per_second: rates.network_receive,
            network_transmit_bytes_per_second: rates.network_transmit,
        })
    }
}

impl CpuReadings {
    /// Asked again too soon, the usage stays what it was.
    fn refresh(&mut self, system: &mut System) {
        match self.last {
            Some(last) if last.elapsed() < LEAST_BETWEEN_READINGS => return,
            None => system.refresh_cpu_usage(),
            Some(_) => {
                system.refresh_cpu_usage();
                let busy = f64::from(system.global_cpu_usage()) / 100.0 * system.cpus().len() as f64;
                self.cores_busy = busy.is_finite().then_some(busy);
            }
        }
        self.last = Some(Instant::now());
    }
}

#[derive(Debug, Default, PartialEq)]
struct Rates {
    disk_read: Option<f64>,
    disk_write: Option<f64>,
    network_receive: Option<f64>,
    network_transmit: Option<f64>,
}

fn rates(previous: &Counters, current: &Counters) -> Rates {
    let elapsed = current.at.saturating_sub(previous.at);
    let first = |pair: Option<(u64, u64)>| pair.map(|(first, _)| first);
    let second = |pair: Option<(u64, u64)>| pair.map(|(_, second)| second);
    Rates {
        disk_read: per_second(first(previous.disk), first(current.disk), elapsed),
        disk_write: per_second(second(previous.disk), second(current.disk), elapsed),
        network_receive: per_second(first(previous.network), first(current.network), elapsed),
        network_transmit: per_second(second(previous.network), second(current.network), elapsed),
    }
}

fn read_disk(roots: &Roots, buffer: &mut FileBuffer) -> Option<(u64, u64)> {
    text::diskstats(buffer.read(&roots.proc.join("diskstats"))?)
}

/// Process 1 of the host's `/proc` is in the host's network, whatever network the agent itself is in.
/// A user other than root may not look there, and is not in a container's network either.
fn read_network(roots: &Roots, buffer: &mut FileBuffer) -> Option<(u64, u64)> {
    let of_host = roots.proc.join("1/net/dev");
    let of_agent = roots.proc.join("net/dev");
    let path = if of_host.exists() { of_host } else { of_agent };
    text::net_dev(buffer.read(&path)?, is_counted)
}

/// Loopback and container bridges carry what stays on the host, and what others count too; bonds, teams and VLANs
/// are counted where they go through a card.
fn is_counted(interface: &str) -> bool {
    const NOT_COUNTED: [&str; 10] =
        ["docker", "br-", "veth", "virbr", "cni", "flannel", "podman", "bond", "team", "dummy"];
    interface != "lo" && !interface.contains('.') && !NOT_COUNTED.iter().any(|prefix| interface.starts_with(prefix))
}

/// `None` where the kernel has no pressure information (older than 4.20, or started without `psi=1`).
fn read_pressure(roots: &Roots, buffer: &mut FileBuffer) -> Option<Pressure> {
    let mut read = |resource: &str| -> Option<(f64, Option<f64>)> {
        let path: PathBuf = roots.proc.join("pressure").join(resource);
        text::pressure(buffer.read(&path)?)
    };
    let ((cpu_some, _), (memory_some, memory_full), (io_some, io_full)) = (read("cpu")?, read("memory")?, read("io")?);
    Some(Pressure { cpu_some, memory_some, memory_full: memory_full?, io_some, io_full: io_full? })
}

/// Asks for disk space on a thread of its own: `statvfs` waits for as long as a lost network disk does.
#[derive(Debug, Default)]
struct DiskWatch {
    asked: Option<(Duration, Receiver<Vec<DiskSample>>)>,
    answered: Option<Duration>,
    newest: Vec<DiskSample>,
}

impl DiskWatch {
    fn newest(&mut self, at: Duration, roots: &Roots) -> Vec<DiskSample> {
        match self.asked.as_ref().map(|(_, answer)| answer.try_recv()) {
            Some(Ok(disks)) => {
                (self.newest, self.answered) = (disks, Some(at));
                self.asked = None;
            }
            Some(Err(TryRecvError::Disconnected)) => self.asked = None,
            Some(Err(TryRecvError::Empty)) | None => {}
        }
        let due = self.answered.is_none_or(|answered| at.saturating_sub(answered) >= DISKS_EVERY);
        if due && self.asked.is_none() {
            let (send, answer) = channel();
            let mounts = roots.proc.join("1/mounts");
            let ask = move || drop(send.send(ask_disks(&mounts)));
            if std::thread::Builder::new().name("disk-space".into()).spawn(ask).is_ok() {
                self.asked = Some((at, answer));
            }
        }
        if self.answered.is_some_and(|answered| at.saturating_sub(answered) > DISKS_HOLD_FOR) {
            self.newest.clear();
        }
        self.newest.clone()
    }
}

/// File systems that hold data, each once: a device that is mounted again elsewhere is the same space. An agent in a
/// container sees them where they are bound into it; `mounts`, of the host's process 1, says where they are there.
fn ask_disks(mounts: &Path) -> Vec<DiskSample> {
    let mounts = fs::read(mounts).unwrap_or_default();
    let Ok(disks) = Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing().with_storage()) else {
        return Vec::new();
    };
    let mut found: Vec<(std::ffi::OsString, DiskSample)> = Vec::new();
    for disk in &disks {
        let seen = found.iter().any(|(device, _)| device == disk.name());
        let holds_data = !NO_DATA.iter().any(|kind| disk.file_system() == *kind);
        if seen || !holds_data || disk.total_space() == 0 || disk.is_read_only() {
            continue;
        }
        let seen_here = || disk.mount_point().to_string_lossy().into_owned();
        let mount = text::mount_of(&mounts, &disk.name().to_string_lossy()).unwrap_or_else(seen_here);
        let (total_bytes, available_bytes) = (disk.total_space(), disk.available_space());
        found.push((disk.name().to_owned(), DiskSample { mount, total_bytes, available_bytes }));
    }
    found.into_iter().map(|(_, disk)| disk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::testing::fixture;

    #[test]
    fn pressure_disk_and_network_are_read_from_the_given_proc() {
        let roots = fixture("cgroup-v2-systemd");
        let mut buffer = FileBuffer::default();
        let pressure = read_pressure(&roots, &mut buffer);
        let expected = Pressure { cpu_some: 0.3455, memory_some: 0.0, memory_full: 0.0, io_some: 0.0003, io_full: 0.0 };
        assert_eq!(pressure, Some(expected));
        assert_eq!(read_disk(&roots, &mut buffer), Some(((395_578 + 10_354) * 512, (157_728 + 33_328) * 512)));
        assert_eq!(read_network(&roots, &mut buffer), None, "only loopback and container bridges there");
    }

    #[test]
    fn a_kernel_without_pressure_information_gives_none_not_zero() {
        assert_eq!(read_pressure(&fixture("cgroup-v1-cgroupfs"), &mut FileBuffer::default()), None);
    }

    #[test]
    fn only_what_leaves_the_host_counts_as_its_network() {
        let counted = ["eth0", "ens5", "wlan0", "enp0s31f6", "tap0"];
        let not_counted = ["lo", "docker0", "br-0123456789ab", "veth1ff4c24", "virbr0", "bond0", "eth0.100"];
        assert!(counted.into_iter().all(is_counted));
        assert!(!not_counted.into_iter().any(is_counted));
    }

    #[test]
    fn the_second_measurement_of_this_machine_has_rates() {
        let mut meter = HostMeter::new(Roots::default());
        let mut buffer = FileBuffer::default();
        let start = std::time::Instant::now();
        let first = meter.measure(&mut buffer, start.elapsed()).expect("this machine can be measured");
        assert_eq!(first.cpu_busy_cores, None);
        assert_eq!(first.disk_read_bytes_per_second, None);
        std::thread::sleep(LEAST_BETWEEN_READINGS);
        let second = meter.measure(&mut buffer, start.elapsed()).expect("this machine can be measured");
        let busy = second.cpu_busy_cores.expect("a CPU usage between two readings");
        assert!((0.0..=f64::from(second.cores)).contains(&busy), "{busy} of {}", second.cores);
        assert!(second.memory_available_bytes <= second.memory_total_bytes);
    }
}
