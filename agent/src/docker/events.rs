use bollard::models::EventMessage;

use std::collections::BTreeMap;

/// The actions that are asked for. The engine matches by prefix, so `health_status` includes `health_status: healthy`,
/// and `start` does not include `exec_start`.
pub(super) const CONTAINER_ACTIONS: &[&str] = &[
    "create",
    "start",
    "die",
    "stop",
    "kill",
    "oom",
    "pause",
    "unpause",
    "destroy",
    "rename",
    "update",
    "health_status",
];

/// Something that happened to a container or a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// When, milliseconds since the epoch, by the engine's clock.
    pub at_ms: u64,
    /// `container` or `network`.
    pub kind: String,
    /// For example `die` or `health_status: healthy`.
    pub action: String,
    /// The container's or network's ID.
    pub id: String,
    /// All labels of the container, its `name`, and what belongs to the action, for example `signal`.
    pub attributes: BTreeMap<String, String>,
}

impl Event {
    /// One attribute; empty if there is none.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map(String::as_str).unwrap_or_default()
    }

    pub(super) fn read(message: EventMessage) -> Self {
        let actor = message.actor.unwrap_or_default();
        let nanos = message.time_nano.or_else(|| message.time.map(|seconds| seconds * 1_000_000_000));
        Self {
            at_ms: nanos.and_then(|nanos| u64::try_from(nanos / 1_000_000).ok()).unwrap_or_default(),
            kind: message.typ.map(|kind| kind.to_string()).unwrap_or_default(),
            action: message.action.unwrap_or_default(),
            id: actor.id.unwrap_or_default(),
            attributes: actor.attributes.unwrap_or_default().into_iter().collect(),
        }
    }
}
