//! What cannot be scaled, and why. Pure, on what the engine says of a service's replicas.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bus::payload::{Refusal, ServiceName};
use serde_json::Value;

use crate::{
    inventory::labels,
    model::{ExitCause, Replica},
};

/// What else is on the host.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The container that this agent runs in.
    pub own_id: Option<&'a str>,
    /// Every container, by its full ID, as inspected.
    pub containers: &'a BTreeMap<String, Arc<Value>>,
    /// Networks whose driver reports the address in use as if somebody had asked for it.
    pub overlay_networks: &'a BTreeSet<String>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Why the service cannot be scaled; empty when it can.
    pub refusals: Vec<Refusal>,
    /// The most replicas that it can have; absent when nothing limits it.
    pub most: Option<u32>,
    /// What is legal but worth knowing.
    pub warnings: Vec<String>,
}

/// Looks at the replicas of one service.
pub fn preflight(name: &ServiceName, replicas: &[Replica], context: &Context<'_>) -> Findings {
    let mut findings = Findings::default();
    for replica in replicas.iter().filter(|replica| !replica.temporary) {
        let about = About { name, replica, inspect: &replica.inspect, context };
        let checks: [fn(&About<'_>) -> Option<Refusal>; 12] = [
            ballast_itself,
            container_name,
            fixed_host_port,
            static_address,
            user_mac,
            host_network,
            shared_namespaces,
            private_selinux_label,
            auto_remove,
            ran_to_its_end,
            awaited_to_its_end,
            volumes_from_nothing,
        ];
        for refusal in checks.iter().filter_map(|check| check(&about)) {
            if !findings.refusals.iter().any(|known| known.code == refusal.code) {
                findings.refusals.push(refusal);
            }
        }
        findings.most = findings.most.into_iter().chain(most(&replica.inspect)).min();
        for warning in warnings(&about) {
            if !findings.warnings.contains(&warning) {
                findings.warnings.push(warning);
            }
        }
    }
    findings
}

/// Whether what stands in the way concerns a second replica alone: the one that is there can be stopped and started.
pub(crate) fn forbids_only_a_second(refusal: &Refusal) -> bool {
    let codes =
        ["container-name", "fixed-host-port", "static-address", "mac-address", "host-network", "private-selinux-label"];
    codes.contains(&refusal.code.as_str())
}

/// One replica, and what is around it.
struct About<'a> {
    name: &'a ServiceName,
    replica: &'a Replica,
    inspect: &'a Value,
    context: &'a Context<'a>,
}

#[expect(clippy::unnecessary_wraps, reason = "every check ends with it")]
fn refusal(code: &str, cause: impl Into<String>, cure: impl Into<String>) -> Option<Refusal> {
    Some(Refusal { code: code.into(), cause: cause.into(), cure: cure.into() })
}

fn ballast_itself(about: &About<'_>) -> Option<Refusal> {
    if about.context.own_id != Some(about.replica.summary.id.as_str()) {
        return None;
    }
    refusal(
        "ballast-itself",
        "this is the agent's own service",
        "leave it out of the policy; every host needs one agent",
    )
}

fn container_name(about: &About<'_>) -> Option<Refusal> {
    let summary = &about.replica.summary;
    if separator(about.name, &summary.name, summary.number).is_some() {
        return None;
    }
    refusal(
        "container-name",
        format!("container_name is set ({}), and no two containers can have the same name", summary.name),
        "remove container_name from the service in the Compose file, and run `docker compose up -d`",
    )
}

/// The sign between project, service and number in a replica's name: `-`, or `_` in old versions of Compose.
pub(crate) fn separator<'a>(name: &ServiceName, container: &'a str, number: u32) -> Option<&'a str> {
    let rest = container.strip_prefix(&name.project)?;
    let rest = rest.strip_suffix(&number.to_string())?;
    let (separator, last) = (rest.get(..1)?, rest.get(rest.len().checked_sub(1)?..)?);
    let service = rest.get(1..rest.len() - 1)?;
    (matches!(separator, "-" | "_") && separator == last && service == name.service).then_some(separator)
}

fn fixed_host_port(about: &About<'_>) -> Option<Refusal> {
    let (container_port, binding) = bindings(about.inspect).find(|(_, binding)| is_fixed(host_port(binding)))?;
    let port = host_port(binding);
    refusal(
        "fixed-host-port",
        format!("port {container_port} is published on the fixed host port {port}, which only one container can have"),
        format!(
            "publish a range (\"{port}-…:{}\") or any free port (\"{}\"), or publish a load balancer instead",
            container_port.split('/').next().unwrap_or_default(),
            container_port.split('/').next().unwrap_or_default(),
        ),
    )
}

fn static_address(about: &About<'_>) -> Option<Refusal> {
    let networks = about.inspect["NetworkSettings"]["Networks"].as_object()?;
    let of = |endpoint: &Value| {
        let fields = ["IPv4Address", "IPv6Address"].iter();
        let mut texts = fields.filter_map(|field| endpoint["IPAMConfig"][*field].as_str().map(str::to_owned));
        texts.find(|address| !address.is_empty())
    };
    let mut fixed = networks.iter().filter(|(network, _)| !about.context.overlay_networks.contains(*network));
    let (network, address) = fixed.find_map(|(network, endpoint)| Some((network, of(endpoint)?)))?;
    refusal(
        "static-address",
        format!("it has the fixed address {address} in the network {network}, which only one container can have"),
        "remove ipv4_address and ipv6_address from the service's networks, and let others find it by its name",
    )
}

fn user_mac(about: &About<'_>) -> Option<Refusal> {
    let mac = about.inspect["Config"]["MacAddress"].as_str().filter(|mac| !mac.is_empty())?;
    refusal(
        "mac-address",
        format!("it has the fixed MAC address {mac}; two containers with the same one lose packets"),
        "remove mac_address from the service",
    )
}

fn host_network(about: &About<'_>) -> Option<Refusal> {
    if about.inspect["HostConfig"]["NetworkMode"] != "host" {
        return None;
    }
    refusal(
        "host-network",
        "network_mode is host, so that all replicas would open the same ports of the host",
        "give the service a network of its own and publish its ports",
    )
}

fn shared_namespaces(about: &About<'_>) -> Option<Refusal> {
    let modes = [("network_mode", "NetworkMode"), ("ipc", "IpcMode"), ("pid", "PidMode")];
    let config = &about.inspect["HostConfig"];
    let shared = |field: &str| config[field].as_str().is_some_and(|mode| mode.starts_with("container:"));
    let (key, _) = modes.into_iter().find(|(_, field)| shared(field))?;
    refusal(
        "shared-namespace",
        format!("{key} is another container's: all replicas would share it, and end with that container"),
        format!("remove {key} from the service, or scale both as one container"),
    )
}

fn private_selinux_label(about: &About<'_>) -> Option<Refusal> {
    let binds = strings(&about.inspect["HostConfig"]["Binds"]);
    let options = |bind: &'_ str| bind.rsplit(':').next().unwrap_or_default().split(',').any(|option| option == "Z");
    let bind = binds.into_iter().find(|bind| options(bind))?;
    refusal(
        "private-selinux-label",
        format!("the mount {bind} is relabelled for one container alone (Z); a second one would lock out the first"),
        "use z (shared) instead of Z",
    )
}

fn auto_remove(about: &About<'_>) -> Option<Refusal> {
    if about.inspect["HostConfig"]["AutoRemove"] != true {
        return None;
    }
    refusal("auto-remove", "its containers remove themselves when they end", "start the service by `docker compose up`")
}

fn ran_to_its_end(about: &About<'_>) -> Option<Refusal> {
    let policy = about.inspect["HostConfig"]["RestartPolicy"]["Name"].as_str().unwrap_or_default();
    let ended = about.replica.summary.state == "exited" && about.inspect["State"]["ExitCode"] == 0;
    let by_itself = about.replica.exit == Some(ExitCause::Itself);
    if !ended || !by_itself || !matches!(policy, "" | "no" | "on-failure") {
        return None;
    }
    refusal(
        "one-shot",
        format!("{} has done its work and ended without an error: it is a job", about.replica.summary.name),
        "leave it out of the policy; if it shall run on, set `restart: unless-stopped`",
    )
}

fn awaited_to_its_end(about: &About<'_>) -> Option<Refusal> {
    let waits = |other: &&Arc<Value>| {
        labels::get(other, labels::PROJECT) == Some(about.name.project.as_str())
            && depends_on(other).any(|(service, condition)| {
                service == about.name.service && condition == "service_completed_successfully"
            })
    };
    let other = about.context.containers.values().find(waits)?;
    refusal(
        "one-shot",
        format!("{} waits for it to end, so it is a job", labels::get(other, labels::SERVICE).unwrap_or_default()),
        "leave it out of the policy",
    )
}

fn volumes_from_nothing(about: &About<'_>) -> Option<Refusal> {
    let known = |reference: &str| {
        let is_it = |(id, other): (&String, &Arc<Value>)| {
            id == reference || other["Name"].as_str().is_some_and(|name| name.trim_start_matches('/') == reference)
        };
        about.context.containers.iter().any(is_it)
    };
    let mut from = strings(&about.inspect["HostConfig"]["VolumesFrom"]);
    let missing = from.find(|from| !known(from.split(':').next().unwrap_or_default()))?;
    refusal(
        "volumes-from-missing",
        format!("it takes volumes from the container {missing}, which is gone; a new replica could not start"),
        "run `docker compose up -d`, so that Compose makes both anew",
    )
}

/// Ports of a published range: each replica takes one on each of the range's addresses.
fn most(inspect: &Value) -> Option<u32> {
    let size = |binding: &Value| {
        let (first, last) = host_port(binding).split_once('-')?;
        let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
        Some(last.checked_sub(first)? + 1)
    };
    bindings(inspect).filter_map(|(_, binding)| size(binding)).min()
}

fn warnings(about: &About<'_>) -> Vec<String> {
    let config = &about.inspect["HostConfig"];
    let mut warnings = Vec::new();
    let hostname = about.inspect["Config"]["Hostname"].as_str().unwrap_or_default();
    if !hostname.is_empty() && !about.replica.summary.id.starts_with(hostname) && config["NetworkMode"] != "host" {
        warnings.push(format!("hostname is set: all replicas are called {hostname}"));
    }
    if let Some(mount) = shared_writable_mount(about.inspect) {
        let known = database(about.inspect).map_or(String::new(), |database| {
            format!("; {database} breaks when two of it write into one folder, so do not scale it")
        });
        warnings.push(format!("all replicas write to {mount}{known}"));
    }
    if strings(&config["VolumesFrom"]).next().is_some() {
        warnings.push("volumes_from: replicas keep the volumes of the container that is there now".into());
    }
    let devices = config["Devices"].as_array().is_some_and(|devices| !devices.is_empty());
    let chosen = config["DeviceRequests"].as_array().into_iter().flatten();
    if devices || chosen.into_iter().any(|request| request["DeviceIDs"].as_array().is_some_and(|ids| !ids.is_empty())) {
        warnings.push("all replicas use the same devices".into());
    }
    if let Some(other) = &about.replica.hung_on_by {
        warnings.push(format!("{other} hangs on {}, which is therefore never removed", about.replica.summary.name));
    }
    warnings
}

fn shared_writable_mount(inspect: &Value) -> Option<&str> {
    let mounts = inspect["Mounts"].as_array()?;
    let shared = |mount: &&Value| match mount["Type"].as_str() {
        Some("bind") => true,
        Some("volume") => mount["Name"].as_str().is_some_and(|name| !super::clone::has_anonymous_name(name)),
        _ => false,
    };
    mounts.iter().filter(|mount| mount["RW"] == true).find(shared)?["Destination"].as_str()
}

/// Known databases that hold their folder for themselves.
fn database(inspect: &Value) -> Option<&'static str> {
    let image = inspect["Config"]["Image"].as_str()?.to_lowercase();
    let name = image.rsplit('/').next()?.split([':', '@']).next()?;
    let known = ["postgres", "mysql", "mariadb", "mongo", "redis", "valkey", "elasticsearch", "opensearch", "influxdb"];
    known.into_iter().find(|known| name == *known)
}

fn bindings(inspect: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let ports = inspect["HostConfig"]["PortBindings"].as_object().into_iter().flatten();
    ports.flat_map(|(port, bindings)| {
        bindings.as_array().into_iter().flatten().map(move |binding| (port.as_str(), binding))
    })
}

fn host_port(binding: &Value) -> &str {
    binding["HostPort"].as_str().unwrap_or_default()
}

fn is_fixed(port: &str) -> bool {
    let (first, last) = port.split_once('-').unwrap_or((port, port));
    !matches!(port, "" | "0") && first == last
}

/// Service and condition of each entry of the label `depends_on`: `db:service_healthy:false,…`.
fn depends_on(inspect: &Value) -> impl Iterator<Item = (&str, &str)> {
    let label = labels::get(inspect, labels::DEPENDS_ON).unwrap_or_default();
    label.split(',').filter_map(|entry| {
        let mut parts = entry.split(':');
        Some((parts.next()?, parts.next()?))
    })
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests;
