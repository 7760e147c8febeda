//! The labels by which Compose knows its containers, and the one by which Ballast knows its own.

use serde_json::Value;

pub(crate) const PROJECT: &str = "com.docker.compose.project";
pub(crate) const SERVICE: &str = "com.docker.compose.service";
pub(crate) const NUMBER: &str = "com.docker.compose.container-number";
pub(crate) const ONE_OFF: &str = "com.docker.compose.oneoff";
pub(crate) const CONFIG_HASH: &str = "com.docker.compose.config-hash";
pub(crate) const IMAGE: &str = "com.docker.compose.image";
pub(crate) const DEPENDS_ON: &str = "com.docker.compose.depends_on";
pub(crate) const REPLACE: &str = "com.docker.compose.replace";
pub(crate) const HOOK: &str = "com.docker.compose.hook";
pub(crate) const SWARM_TASK: &str = "com.docker.swarm.task.id";
/// Compose compares no labels, only its own hash, so this one does not make a replica look foreign to it.
pub(crate) const MANAGED: &str = "ballast.managed";

/// Whoever sets it to `true` wants that replica to stay.
pub(crate) const PROTECT: &str = "ballast.protect";

/// A label of an inspected container.
pub(crate) fn get<'a>(inspect: &'a Value, label: &str) -> Option<&'a str> {
    inspect["Config"]["Labels"][label].as_str()
}
