//! What several tests of `measure` need.

use std::{fs, path::Path, path::PathBuf, sync::Arc};

use bus::payload::{ReplicaInventory, ServiceName};
use tempfile::TempDir;

use super::cgroup::Roots;
use crate::model::{Host, Replica, Service};

/// A container that spins, with a limit of half a core.
pub(crate) const V1_LIMITED: &str = "87123aff2ceca7eb403d31ee2fd1752958ebab181a7a83c6945bd25a1f6aaeb0";
/// One in the cgroup parent `/custom/deep`.
pub(crate) const V1_FREE: &str = "9e651bd89fa8af1c09374ee4b97a92f416b30dec5204eaad4e903c8d44420058";
/// A container that spins, with a limit of half a core.
pub(crate) const V2_LIMITED: &str = "347c65dfbf6606da2403d2caf5eba3e0185f623a840e2ab5ae168ef36808911a";
/// An idle one, whose process is in the fixture's `proc`.
pub(crate) const V2_FREE: &str = "375b6ce085ab05dc0d0dc47642e00a4879521192c1bcf851e11585886cd60979";

pub(crate) fn fixture(name: &str) -> Roots {
    roots_in(&fixtures().join(name))
}

/// A fixture that a test may change.
pub(crate) struct Tree(TempDir);

impl Tree {
    pub(crate) fn roots(&self) -> Roots {
        roots_in(self.0.path())
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.0.path().join(inside)
    }
}

pub(crate) fn copy_of_fixture(name: &str) -> Tree {
    let tree = Tree(TempDir::new().expect("a temporary folder"));
    copy(&fixtures().join(name), tree.0.path());
    tree
}

/// A host with one service, `shop/web`.
pub(crate) fn host_with(replicas: Vec<Replica>) -> Host {
    let service = Service { replicas, ..Service::default() };
    Host { services: [(shop_web(), service)].into(), ..Host::default() }
}

pub(crate) fn shop_web() -> ServiceName {
    ServiceName { project: "shop".into(), service: "web".into() }
}

/// A replica that runs and serves.
pub(crate) fn replica(id: &str, pid: Option<u32>) -> Replica {
    let name = format!("shop-web-{}", id.get(..2).unwrap_or(id));
    let summary = ReplicaInventory {
        id: id.to_owned(),
        name,
        state: "running".into(),
        started_ms: Some(1),
        ready_ms: Some(1),
        ..ReplicaInventory::default()
    };
    Replica { summary, pid, inspect: Arc::default(), ..Replica::default() }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn roots_in(dir: &Path) -> Roots {
    Roots { proc: dir.join("proc"), sys: dir.join("sys") }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("make a folder");
    for entry in fs::read_dir(from).expect("a fixture").map(|entry| entry.expect("a fixture's entry")) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copy a fixture's file");
        }
    }
}
