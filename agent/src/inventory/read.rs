//! From what the engine says of its containers to services and replicas. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use bus::payload::{ReplicaInventory, ServiceName};
use serde_json::Value;

use super::labels;
use crate::{instant::parse_ms, model::Replica};

/// The service that a container is a replica of; `None` for anything that Compose would not count as one.
pub(crate) fn service_of(inspect: &Value) -> Option<ServiceName> {
    let label = |name| labels::get(inspect, name);
    let not_a_replica = label(labels::ONE_OFF) != Some("False")
        || label(labels::CONFIG_HASH).is_none()
        || label(labels::HOOK).is_some()
        || label(labels::SWARM_TASK).is_some();
    if not_a_replica {
        return None;
    }
    Some(ServiceName { project: label(labels::PROJECT)?.to_owned(), service: label(labels::SERVICE)?.to_owned() })
}

/// Every Compose service in `containers`, its replicas by number and name.
pub(crate) fn services(containers: &BTreeMap<String, Arc<Value>>) -> BTreeMap<ServiceName, Vec<Replica>> {
    let mut services: BTreeMap<ServiceName, Vec<Replica>> = BTreeMap::new();
    for inspect in containers.values() {
        if let Some(name) = service_of(inspect) {
            let mut replica = replica(inspect);
            replica.hung_on_by = hung_on_by(&replica.summary, containers);
            services.entry(name).or_default().push(replica);
        }
    }
    for replicas in services.values_mut() {
        replicas.sort_by(|a, b| (a.summary.number, &a.summary.name).cmp(&(b.summary.number, &b.summary.name)));
        let newest = newest_group(replicas);
        for replica in replicas {
            replica.summary.obsolete = newest.as_ref() != Some(&group(replica));
        }
    }
    services
}

/// What makes two replicas the same: the configuration and the image that they were made from.
pub(crate) fn group(replica: &Replica) -> (String, String) {
    let label = |name| labels::get(&replica.inspect, name).unwrap_or_default().to_owned();
    (label(labels::CONFIG_HASH), label(labels::IMAGE))
}

/// Compose gives a container that replaces another one a temporary name: 12 hexadecimal digits and `_` first.
pub(crate) fn is_temporary(name: &str) -> bool {
    let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    name.as_bytes().get(12) == Some(&b'_') && name.as_bytes()[..12].iter().all(is_hex)
}

/// The limit of the CPU in cores. The kernel applies all that are set, so the lowest counts.
pub(crate) fn cpu_limit(host_config: &Value) -> Option<f64> {
    let number = |field: &str| host_config[field].as_f64().filter(|&number| number > 0.0);
    // The kernel's default period is 100 ms.
    let quota = number("CpuQuota").map(|quota| quota / number("CpuPeriod").unwrap_or(100_000.0));
    let cpuset = host_config["CpusetCpus"].as_str().and_then(cpuset_size).map(f64::from);
    [number("NanoCpus").map(|nano| nano / 1e9), quota, cpuset].into_iter().flatten().reduce(f64::min)
}

/// Why a replica may not go, as far as its labels tell.
pub(crate) fn protected_by_label(inspect: &Value) -> Option<String> {
    let is_protected = labels::get(inspect, labels::PROTECT) == Some("true");
    is_protected.then(|| format!("its label {} says so", labels::PROTECT))
}

pub(super) fn newest_group(replicas: &[Replica]) -> Option<(String, String)> {
    replicas.iter().max_by_key(|replica| replica.summary.created_ms).map(group)
}

fn replica(inspect: &Arc<Value>) -> Replica {
    let state = &inspect["State"];
    let running = state["Running"].as_bool().unwrap_or(false);
    let started_ms = state["StartedAt"].as_str().and_then(parse_ms);
    let finished_ms = state["FinishedAt"].as_str().and_then(parse_ms);
    let health = state["Health"]["Status"].as_str().filter(|&status| status != "none").map(str::to_owned);
    let name = inspect["Name"].as_str().unwrap_or_default().trim_start_matches('/').to_owned();
    let serving_since = match health.as_deref() {
        _ if !running || state["Paused"] == true || state["Restarting"] == true => None,
        None => started_ms,
        Some("healthy") => healthy_since(&state["Health"]).or(started_ms),
        Some(_) => None,
    };
    let summary = ReplicaInventory {
        id: inspect["Id"].as_str().unwrap_or_default().to_owned(),
        number: labels::get(inspect, labels::NUMBER).and_then(|number| number.parse().ok()).unwrap_or_default(),
        state: state["Status"].as_str().unwrap_or_default().to_owned(),
        health: health.filter(|_| running),
        created_ms: inspect["Created"].as_str().and_then(parse_ms).unwrap_or_default(),
        started_ms: started_ms.filter(|_| running),
        ready_ms: serving_since,
        obsolete: false,
        managed: labels::get(inspect, labels::MANAGED) == Some("true"),
        restarts: inspect["RestartCount"].as_u64().unwrap_or_default(),
        cpu_limit_cores: cpu_limit(&inspect["HostConfig"]),
        memory_limit_bytes: inspect["HostConfig"]["Memory"].as_u64().filter(|&limit| limit > 0),
        cpu_reservation_cores: None,
        memory_reservation_bytes: inspect["HostConfig"]["MemoryReservation"].as_u64().filter(|&bytes| bytes > 0),
        protected: protected_by_label(inspect),
        last_exit_ms: finished_ms,
        exit_code: state["ExitCode"].as_i64().filter(|_| !running && finished_ms.is_some()),
        exited_unexpectedly: false,
        unexpected_exits: 0,
        name: name.clone(),
    };
    Replica {
        summary,
        pid: state["Pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).filter(|&pid| pid > 0),
        cgroup_parent: inspect["HostConfig"]["CgroupParent"].as_str().filter(|p| !p.is_empty()).map(str::to_owned),
        addresses: addresses(inspect),
        exposed_tcp: exposed_tcp(inspect),
        exit: None,
        finished_ms: finished_ms.filter(|_| !running),
        temporary: is_temporary(&name),
        cpu_cores: None,
        may_be_busy: false,
        hung_on_by: None,
        inspect: inspect.clone(),
    }
}

/// Keeps since when a replica serves for as long as it does: the engine forgets all but its last results, so that the time
/// read from them moves on with each listing.
pub(crate) fn keep_readiness(
    before: &BTreeMap<ServiceName, Vec<Replica>>,
    services: &mut BTreeMap<ServiceName, Vec<Replica>>,
) {
    for (name, replicas) in services {
        for replica in replicas.iter_mut().filter(|replica| replica.summary.ready_ms.is_some()) {
            let same_life = |other: &&Replica| {
                other.summary.id == replica.summary.id && other.summary.started_ms == replica.summary.started_ms
            };
            let known = before.get(name).into_iter().flatten().find(same_life);
            replica.summary.ready_ms = known.and_then(|known| known.summary.ready_ms).or(replica.summary.ready_ms);
        }
    }
}

/// The engine keeps the last five results; with fewer failures than that since, the first good one after the last bad one
/// is when it became healthy. Otherwise the oldest kept will do.
fn healthy_since(health: &Value) -> Option<u64> {
    let results = health["Log"].as_array()?;
    let good = results.iter().rev().take_while(|result| result["ExitCode"] == 0).last()?;
    parse_ms(good["End"].as_str()?)
}

fn addresses(inspect: &Value) -> BTreeMap<String, IpAddr> {
    let networks = inspect["NetworkSettings"]["Networks"].as_object().into_iter().flatten();
    let address = |endpoint: &Value| {
        let text = |field: &str| endpoint[field].as_str().and_then(|address| address.parse().ok());
        text("IPAddress").or_else(|| text("GlobalIPv6Address"))
    };
    networks.filter_map(|(name, endpoint)| Some((name.clone(), address(endpoint)?))).collect()
}

fn exposed_tcp(inspect: &Value) -> Vec<u16> {
    let ports = inspect["Config"]["ExposedPorts"].as_object().into_iter().flatten();
    // Compose's `expose` leaves the protocol out, and then it is TCP.
    let ports = ports.filter_map(|(port, _)| port.strip_suffix("/tcp").unwrap_or(port).parse().ok());
    // Through a set: the engine's order is that of text.
    ports.collect::<BTreeSet<u16>>().into_iter().collect()
}

/// The number of CPUs in a list such as `0-3,6`; `None` if it is not one.
fn cpuset_size(list: &str) -> Option<u32> {
    let mut size = 0_u32;
    for part in list.split(',') {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let (low, high): (u16, u16) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
        size += u32::from(high.checked_sub(low)?) + 1;
    }
    Some(size)
}

/// The name of another container that would break without this one.
fn hung_on_by(replica: &ReplicaInventory, containers: &BTreeMap<String, Arc<Value>>) -> Option<String> {
    let names_it = |reference: &str| !reference.is_empty() && (reference == replica.id || reference == replica.name);
    let hangs = |other: &Value| {
        let config = &other["HostConfig"];
        let shares = ["NetworkMode", "PidMode", "IpcMode"]
            .iter()
            .any(|mode| config[*mode].as_str().and_then(|mode| mode.strip_prefix("container:")).is_some_and(names_it));
        let volumes = config["VolumesFrom"].as_array().into_iter().flatten().filter_map(Value::as_str);
        shares || volumes.into_iter().any(|from| names_it(from.split(':').next().unwrap_or_default()))
    };
    let other = containers.iter().find(|(id, other)| **id != replica.id && hangs(other))?.1;
    Some(other["Name"].as_str().unwrap_or_default().trim_start_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn container(id: &str, change: impl FnOnce(&mut Value)) -> (String, Arc<Value>) {
        let mut inspect = json!({
            "Id": id, "Name": format!("/shop-web-{id}"), "Created": "2026-11-21T09:00:00Z", "RestartCount": 2,
            "State": {
                "Status": "running", "Running": true, "Pid": 41,
                "StartedAt": "2026-11-21T09:00:01Z", "FinishedAt": "0001-01-01T00:00:00Z"
            },
            "Config": {
                "Labels": {
                    "com.docker.compose.project": "shop", "com.docker.compose.service": "web",
                    "com.docker.compose.container-number": id, "com.docker.compose.oneoff": "False",
                    "com.docker.compose.config-hash": "h1", "com.docker.compose.image": "i1"
                },
                "ExposedPorts": { "9090/tcp": {}, "80": {}, "53/udp": {} }
            },
            "HostConfig": { "NanoCpus": 0, "Memory": 0 },
            "NetworkSettings": { "Networks": { "shop_default": { "IPAddress": "172.18.0.2" }, "shop_back": { "IPAddress": "" } } }
        });
        change(&mut inspect);
        (id.to_owned(), Arc::new(inspect))
    }

    fn only(change: impl FnOnce(&mut Value)) -> Option<Replica> {
        services(&BTreeMap::from([container("1", change)])).into_values().next().and_then(|mut all| all.pop())
    }

    #[test]
    fn a_replica_is_read() {
        let replica = only(|_| {}).expect("a replica");
        assert_eq!((replica.summary.number, replica.summary.restarts, replica.pid), (1, 2, Some(41)));
        assert_eq!(replica.summary.ready_ms, parse_ms("2026-11-21T09:00:01Z"));
        assert_eq!(replica.exposed_tcp, [80, 9090]);
        assert_eq!(replica.addresses.keys().collect::<Vec<_>>(), ["shop_default"]);
        assert_eq!((replica.summary.cpu_limit_cores, replica.summary.memory_limit_bytes), (None, None));
    }

    #[test]
    fn a_replica_has_served_since_it_became_healthy_however_often_it_is_checked() {
        let listed = |first_good: &str| {
            let good = |end: &str| json!({ "ExitCode": 0, "End": format!("2026-11-21T09:{end}Z") });
            let log: Vec<_> = [first_good, "59:00"].into_iter().map(good).collect();
            services(&BTreeMap::from([container("1", |inspect| {
                inspect["State"]["Health"] = json!({ "Status": "healthy", "Log": log });
            })]))
        };
        let ready = |services: &BTreeMap<ServiceName, Vec<Replica>>| {
            services.values().flatten().map(|replica| replica.summary.ready_ms).next().flatten()
        };
        let before = listed("01:00");
        let mut later = listed("31:00");
        assert_ne!(ready(&later), ready(&before), "the engine has forgotten the first result");
        keep_readiness(&before, &mut later);
        assert_eq!(ready(&later), ready(&before));
        assert_eq!(ready(&later), parse_ms("2026-11-21T09:01:00Z"));
    }

    #[test]
    fn what_compose_does_not_count_is_no_replica() {
        for (label, value) in [
            (labels::ONE_OFF, json!("True")),
            (labels::ONE_OFF, json!("false")),
            (labels::CONFIG_HASH, Value::Null),
            (labels::HOOK, json!("pre_start")),
            (labels::SWARM_TASK, json!("abc")),
            (labels::PROJECT, Value::Null),
        ] {
            assert!(only(|inspect| inspect["Config"]["Labels"][label] = value.clone()).is_none(), "{label}={value}");
        }
    }

    #[test]
    fn a_replica_with_a_health_check_serves_once_it_is_healthy() {
        let health = |status: &str| {
            let log = json!([{ "ExitCode": 1, "End": "2026-11-21T09:00:02Z" }, { "ExitCode": 0, "End": "2026-11-21T09:00:03Z" },
                { "ExitCode": 0, "End": "2026-11-21T09:00:04Z" }]);
            let health = json!({ "Status": status, "Log": log });
            only(|inspect| inspect["State"]["Health"] = health).expect("a replica").summary
        };
        assert_eq!((health("starting").ready_ms, health("unhealthy").ready_ms), (None, None));
        assert_eq!(health("healthy").ready_ms, parse_ms("2026-11-21T09:00:03Z"));
        assert_eq!(health("none").health, None);
    }

    #[test]
    fn cpu_limits() {
        for (config, cores) in [
            (json!({ "NanoCpus": 1_500_000_000_u64 }), Some(1.5)),
            (json!({ "CpuQuota": 50_000, "CpuPeriod": 0 }), Some(0.5)),
            (json!({ "CpuQuota": 50_000, "CpuPeriod": 25_000 }), Some(2.0)),
            (json!({ "CpusetCpus": "0-2,5" }), Some(4.0)),
            (json!({ "CpusetCpus": "" }), None),
            (json!({ "CpusetCpus": "3-1" }), None),
            (json!({ "NanoCpus": 4_000_000_000_u64, "CpusetCpus": "0,1" }), Some(2.0)),
            (json!({ "CpuQuota": 150_000, "CpusetCpus": "0-3" }), Some(1.5)),
            (json!({ "CpuQuota": -1 }), None),
            (json!({}), None),
        ] {
            assert_eq!(cpu_limit(&config), cores, "{config}");
        }
    }

    #[test]
    fn what_was_made_from_an_older_configuration_or_image_is_obsolete() {
        let old = |label: &'static str| {
            move |inspect: &mut Value| {
                inspect["Created"] = json!("2026-11-20T09:00:00Z");
                inspect["Config"]["Labels"][label] = json!("old");
            }
        };
        let containers =
            [container("1", |_| {}), container("2", old(labels::CONFIG_HASH)), container("3", old(labels::IMAGE))];
        let services = services(&containers.into_iter().collect());
        let obsolete: Vec<bool> = services.values().flatten().map(|replica| replica.summary.obsolete).collect();
        assert_eq!(obsolete, [false, true, true]);
    }

    #[test]
    fn a_replica_that_another_container_hangs_on_is_known() {
        let hanging = |field: &'static str, value: Value| {
            move |inspect: &mut Value| {
                inspect["Name"] = json!("/side");
                inspect["Config"]["Labels"] = json!({});
                inspect["HostConfig"][field] = value;
            }
        };
        for (field, value) in [
            ("NetworkMode", json!("container:1")),
            ("PidMode", json!("container:1")),
            ("IpcMode", json!("container:shop-web-1")),
            ("VolumesFrom", json!(["1:ro"])),
        ] {
            let containers = [container("1", |_| {}), container("9", hanging(field, value))];
            let services = services(&containers.into_iter().collect());
            let hung_on = services.values().flatten().next().expect("a replica").hung_on_by.clone();
            assert_eq!(hung_on.as_deref(), Some("side"), "{field}");
        }
    }

    #[test]
    fn temporary_names() {
        assert!(is_temporary("0123456789ab_shop-web-1"));
        for name in ["shop-web-1", "0123456789ab", "0123456789AB_x", "0123456789abc_x", ""] {
            assert!(!is_temporary(name), "{name}");
        }
    }
}
