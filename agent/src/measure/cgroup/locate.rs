//! Where a container's cgroup is. Every engine, driver and nesting has its own idea:
//!
//! | driver | version 1 | version 2 |
//! |---|---|---|
//! | cgroupfs | `<controller>/docker/<id>` | `docker/<id>` |
//! | systemd | `<controller>/system.slice/docker-<id>.scope` | `system.slice/docker-<id>.scope` |
//! | rootless | (not supported by Docker) | `user.slice/…/user.slice/docker-<id>.scope` |
//!
//! `HostConfig.CgroupParent` or the engine's own `cgroup-parent` takes the place of `docker` or `system.slice`.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
};

use super::{Roots, text};

/// A search for a container's ID looks at no more directories than this. A busy host has a few hundred cgroups.
const MAX_SEARCHED: usize = 5_000;
/// A search looks no deeper than this. Rootless engines are six levels down, an engine inside a container some more.
const MAX_DEPTH: usize = 12;
/// The controllers whose files are read in version 1.
const CONTROLLERS: [&str; 5] = ["cpu", "cpuacct", "memory", "pids", "blkio"];

/// The container whose cgroup is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its full ID.
    pub id: &'a str,
    /// Its first process, as the engine's host numbers it.
    pub pid: Option<u32>,
    /// `HostConfig.CgroupParent`, where it is set.
    pub parent: Option<&'a str>,
    /// Whether it has a network of its own. `host` and `container:…` have not: what is counted there is not its own.
    pub own_network: bool,
}

/// Why a container's cgroup was not found.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LocateError {
    /// There is no cgroup file system.
    #[error(
        "no cgroups under {0}: the agent needs the host's /sys/fs/cgroup (in a container: bind it and name it); \
         the engine's stats are read instead"
    )]
    NoCgroups(PathBuf),
    /// There is one, without the container.
    #[error("no cgroup of container {id} under {root}: another machine's engine, perhaps; its stats are read instead")]
    NotFound {
        /// The container.
        id: String,
        /// Where it was looked for.
        root: PathBuf,
    },
}

/// Where it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// 1 or 2.
    pub(super) version: u8,
    /// The folder of each controller; in version 2 one, named "".
    dirs: Vec<(&'static str, PathBuf)>,
    /// The counters of its network.
    pub(super) net_dev: Option<PathBuf>,
}

impl Found {
    /// The folder of a controller. Where there is none, its files are simply not found.
    pub(super) fn dir(&self, controller: &str) -> PathBuf {
        self.dirs.iter().find(|(name, _)| *name == controller).map(|(_, dir)| dir.clone()).unwrap_or_default()
    }
}

pub(super) fn locate(roots: &Roots, wanted: &Wanted<'_>) -> Result<Found, LocateError> {
    let root = roots.sys.join("fs/cgroup");
    let hierarchies = hierarchies(&root).ok_or_else(|| LocateError::NoCgroups(root.clone()))?;
    let proc_cgroup = wanted.pid.and_then(|pid| paths_of_process(roots, pid, wanted.id));
    let net_dev = wanted
        .pid
        .filter(|_| proc_cgroup.is_some() && wanted.own_network)
        .map(|pid| roots.proc.join(pid.to_string()).join("net/dev"));

    let from_process = |(controller, base): &(&'static str, PathBuf)| {
        let path = proc_cgroup.as_ref()?.iter().find(|(names, _)| names.split(',').any(|name| name == *controller))?;
        existing(base, &path.1).map(|dir| (*controller, dir))
    };
    let dirs: Vec<_> = hierarchies.bases.iter().filter_map(from_process).collect();
    if !dirs.is_empty() {
        return Ok(Found { version: hierarchies.version, dirs, net_dev });
    }

    let guesses = guesses(wanted);
    let from_guess = |(controller, base): &(&'static str, PathBuf)| {
        guesses.iter().find_map(|path| existing(base, path)).map(|dir| (*controller, dir))
    };
    let dirs: Vec<_> = hierarchies.bases.iter().filter_map(from_guess).collect();
    if !dirs.is_empty() {
        return Ok(Found { version: hierarchies.version, dirs, net_dev });
    }

    // All controllers of version 1 have the same tree, so that one search serves them all.
    let path = hierarchies.bases.first().and_then(|(_, base)| search(base, wanted.id));
    let from_search = |(controller, base): &(&'static str, PathBuf)| {
        existing(base, path.as_ref()?.to_str()?).map(|dir| (*controller, dir))
    };
    let dirs: Vec<_> = hierarchies.bases.iter().filter_map(from_search).collect();
    if dirs.is_empty() {
        return Err(LocateError::NotFound { id: wanted.id.to_owned(), root });
    }
    Ok(Found { version: hierarchies.version, dirs, net_dev })
}

struct Hierarchies {
    version: u8,
    bases: Vec<(&'static str, PathBuf)>,
}

/// The mounted hierarchies: one of version 2, or those of version 1 by controller. In a hybrid layout the unified
/// tree has no controllers, and version 1 is what counts.
fn hierarchies(root: &Path) -> Option<Hierarchies> {
    if root.join("cgroup.controllers").is_file() {
        return Some(Hierarchies { version: 2, bases: vec![("", root.to_owned())] });
    }
    let mounted: Vec<String> =
        fs::read_dir(root).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    let base = |controller: &'static str| {
        // Controllers may be mounted together, as `cpu,cpuacct`, with or without links by their single names.
        let exact = mounted.iter().find(|name| *name == controller);
        let name = exact.or_else(|| mounted.iter().find(|name| name.split(',').any(|part| part == controller)))?;
        Some((controller, root.join(name)))
    };
    let bases: Vec<_> = CONTROLLERS.into_iter().filter_map(base).collect();
    (!bases.is_empty()).then_some(Hierarchies { version: 1, bases })
}

/// What `/proc/<pid>/cgroup` says, as controllers and path, cut after the part that names the container: a container
/// with an init of its own moves its processes further down. `None` when that process is not the container's, which
/// is how a process number of another machine or namespace shows.
fn paths_of_process(roots: &Roots, pid: u32, id: &str) -> Option<Vec<(String, String)>> {
    let text = fs::read(roots.proc.join(pid.to_string()).join("cgroup")).ok()?;
    let paths: Vec<_> = text::lines(&text)
        .filter_map(|line| {
            let mut fields = std::str::from_utf8(line).ok()?.splitn(3, ':').skip(1);
            let (controllers, path) = (fields.next()?, fields.next()?);
            Some((controllers.to_owned(), up_to_container(path, id)?.to_owned()))
        })
        .collect();
    (!paths.is_empty()).then_some(paths)
}

fn up_to_container<'a>(path: &'a str, id: &str) -> Option<&'a str> {
    let mut end = 0;
    for part in path.split('/') {
        end += part.len();
        if part.contains(id) && !id.is_empty() {
            return path.get(..end);
        }
        end += 1;
    }
    None
}

/// Where Docker's two drivers put it.
fn guesses(wanted: &Wanted<'_>) -> [String; 4] {
    let id = wanted.id;
    let parent = wanted.parent.filter(|parent| !parent.is_empty());
    let scope_in = |slice: &str| format!("{}/docker-{id}.scope", slice_path(slice));
    [
        parent.map_or_else(|| scope_in("system.slice"), scope_in),
        format!("{}/{id}", parent.unwrap_or("docker")),
        scope_in("system.slice"),
        format!("docker/{id}"),
    ]
}

/// systemd nests slices by the dashes in their names: `a-b.slice` is `a.slice/a-b.slice`
/// (systemd.slice(5)).
fn slice_path(slice: &str) -> String {
    let Some(name) = slice.strip_suffix(".slice").filter(|name| !name.contains('/')) else { return slice.to_owned() };
    let mut path = String::new();
    for (at, _) in name.match_indices('-') {
        path.push_str(&name[..at]);
        path.push_str(".slice/");
    }
    path + slice
}

/// `base/path`, if it is there. A path that leaves `base` is none: relative paths start with `..` when the agent is
/// in a cgroup namespace of its own, and mean nothing from here.
fn existing(base: &Path, path: &str) -> Option<PathBuf> {
    if path.split('/').any(|part| part == "..") {
        return None;
    }
    let dir = base.join(path.trim_start_matches('/'));
    dir.is_dir().then_some(dir)
}

/// The path below `base` of the directory that has `id` in its name, breadth first.
fn search(base: &Path, id: &str) -> Option<PathBuf> {
    if id.is_empty() {
        return None;
    }
    let mut waiting = VecDeque::from([(base.to_owned(), 0)]);
    let mut searched = 0;
    while let Some((dir, depth)) = waiting.pop_front() {
        searched += 1;
        if searched > MAX_SEARCHED {
            return None;
        }
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if entry.file_name().to_string_lossy().contains(id) {
                return entry.path().strip_prefix(base).ok().map(Path::to_owned);
            }
            if depth + 1 < MAX_DEPTH {
                waiting.push_back((entry.path(), depth + 1));
            }
        }
    }
    None
}
