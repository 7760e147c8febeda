//! CPU time and memory of processes, from `/proc`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use testbed::DockerHost;
use tokio::net::UnixStream;

/// `USER_HZ`, in which `/proc/PID/stat` counts; the same on every Linux but those for Alpha and Itanium.
const TICKS_PER_SECOND: f64 = 100.0;
/// User and system time are each cut to whole ticks.
const ROUNDING: Duration = Duration::from_millis(20);

/// Processes whose costs belong together.
#[derive(Clone, Debug)]
pub(crate) enum Group {
    /// These, and all that they start.
    Trees(Vec<u32>),
    /// These alone.
    Each(Vec<u32>),
}

/// Memory of a group.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// Resident, shared pages counted in each process.
    pub(crate) rss_bytes: u64,
    /// Resident, shared pages divided among those who share them.
    pub(crate) pss_bytes: u64,
}

impl Group {
    /// CPU time used so far, of children that have ended too.
    pub(crate) fn cpu(&self) -> Duration {
        self.pids().into_iter().filter_map(cpu).sum()
    }

    /// Memory in use.
    pub(crate) fn memory(&self) -> Memory {
        let each = self.pids().into_iter().filter_map(memory);
        each.fold(Memory::default(), |sum, one| Memory {
            rss_bytes: sum.rss_bytes + one.rss_bytes,
            pss_bytes: sum.pss_bytes + one.pss_bytes,
        })
    }

    fn pids(&self) -> Vec<u32> {
        let roots = match self {
            Self::Each(pids) => return pids.clone(),
            Self::Trees(roots) => roots,
        };
        let parents = parents();
        let mut pids = roots.clone();
        let mut next = 0;
        while let Some(&parent) = pids.get(next) {
            pids.extend(parents.iter().filter(|&(_, of)| *of == parent).map(|(&pid, _)| pid));
            next += 1;
        }
        pids
    }
}

/// The engine behind a host's socket: `dockerd`, `containerd`, and the shims of these containers. What a collector asks
/// of Docker is worked on in all three.
pub(crate) fn engine(host: &DockerHost, containers: &[String]) -> Group {
    let socket = host.socket().strip_prefix("unix://").expect("a socket of this machine");
    let mut pids = vec![listener(Path::new(socket))];
    let mut address = None;
    for (pid, arguments) in parents().into_keys().filter_map(|pid| Some((pid, arguments(pid)?))) {
        let after = |option: &str| arguments.iter().skip_while(|&argument| argument != option).nth(1);
        let is_shim = arguments.first().is_some_and(|program| program.contains("containerd-shim"));
        if is_shim && after("-id").is_some_and(|id| containers.contains(id)) {
            pids.push(pid);
            address = after("-address").cloned().or(address);
        }
    }
    pids.extend(address.map(|socket| listener(&PathBuf::from(socket))));
    Group::Each(pids)
}

/// The process that serves a socket.
fn listener(socket: &Path) -> u32 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let stream = runtime.block_on(UnixStream::connect(socket)).expect("the socket answers");
    let pid = stream.peer_cred().ok().and_then(|credentials| credentials.pid()).expect("the kernel tells who listens");
    u32::try_from(pid).expect("a process has a positive number")
}

fn arguments(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    Some(text.split('\0').map(str::to_owned).collect())
}

/// The parent of each process.
fn parents() -> BTreeMap<u32, u32> {
    let folders = fs::read_dir("/proc").expect("/proc").flatten();
    let pids = folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, stat(pid)?.get(1)?.parse().ok()?))).collect()
}

/// The fields of `/proc/PID/stat` after the name: the state is number 0.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

/// To the nanosecond by its threads, unless one of them ended and took its time along: then in ticks.
fn cpu(pid: u32) -> Option<Duration> {
    let fields = stat(pid)?;
    let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    let own = Duration::from_secs_f64((ticks(11) + ticks(12)) / TICKS_PER_SECOND);
    let ended_children = Duration::from_secs_f64((ticks(13) + ticks(14)) / TICKS_PER_SECOND);
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let of_thread = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
    };
    let exact: Duration = threads.filter_map(of_thread).sum();
    Some(ended_children + if exact + ROUNDING >= own { exact } else { own })
}

fn memory(pid: u32) -> Option<Memory> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
    };
    Some(Memory { rss_bytes: bytes("Rss:")?, pss_bytes: bytes("Pss:")? })
}
