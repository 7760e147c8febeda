//! Where things are when nobody says where.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Where root's `ballast run` answers.
const SYSTEM_SOCKET: &str = "/run/ballast/ballast.sock";

/// Where `ballast run` keeps what has to outlive a restart.
pub(crate) fn default_state() -> PathBuf {
    if is_root() {
        return PathBuf::from("/var/lib/ballast/state.db");
    }
    // XDG base directories: $XDG_STATE_HOME, or $HOME/.local/state where it is not set.
    from_env("XDG_STATE_HOME")
        .or_else(|| from_env("HOME").map(|home| home.join(".local/state")))
        .unwrap_or_else(|| PathBuf::from("."))
        .join("ballast/state.db")
}

/// Where `ballast run` answers questions.
pub(crate) fn default_socket() -> PathBuf {
    if is_root() {
        return PathBuf::from(SYSTEM_SOCKET);
    }
    match from_env("XDG_RUNTIME_DIR") {
        Some(dir) => dir.join("ballast.sock"),
        // Without a session (cron, some containers) there is no runtime folder; beside the state nobody else can write.
        None => default_state().with_file_name("ballast.sock"),
    }
}

/// Where a `ballast run` may be asked: this user's own, then the system's.
pub(crate) fn sockets_to_ask() -> Vec<PathBuf> {
    let mut sockets = vec![default_socket(), PathBuf::from(SYSTEM_SOCKET)];
    sockets.dedup();
    sockets
}

/// The environment variables that are part of policies. One that is not UTF-8 is none of them.
pub(crate) fn policy_variables() -> BTreeMap<String, String> {
    let own = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    let named = |(name, _): &(String, String)| name.to_ascii_uppercase().starts_with("BALLAST_POLICY__");
    env::vars_os().filter_map(own).filter(named).collect()
}

/// The policies to use when none are named, now or once they are there.
pub(crate) fn default_policies() -> PathBuf {
    PathBuf::from("policies")
}

/// Where the Docker Engine is when nobody says: where `docker` itself would look for it.
pub(crate) fn docker() -> String {
    let usual = || "unix:///var/run/docker.sock".to_owned();
    std::env::var("DOCKER_HOST").ok().filter(|address| !address.is_empty()).unwrap_or_else(usual)
}

/// The kernel's host name.
pub(crate) fn host_name() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty() && name != "(none)")
}

/// Makes the folder that `file` shall be in.
pub(crate) fn make_parent(file: &Path) -> anyhow::Result<()> {
    let Some(parent) = file.parent().filter(|parent| !parent.as_os_str().is_empty()) else { return Ok(()) };
    fs::create_dir_all(parent)
        .map_err(|error| anyhow::anyhow!("cannot make the folder {} for {}: {error}", parent.display(), file.display()))
}

/// The effective user, as the owner of this process's folder in /proc shows.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// An absolute path from the environment; the XDG specification has relative ones ignored.
fn from_env(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}
