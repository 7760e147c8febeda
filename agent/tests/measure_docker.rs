//! What is read off the cgroups of a real engine's containers, against what that engine itself says of them.
#![cfg(feature = "needs-docker")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use agent::{
    docker::Engine,
    measure::{
        FileBuffer,
        cgroup::{Cgroup, Roots, Wanted},
        replicas::ReplicaMeter,
        stats,
    },
    model::{Host, Replica, Service},
};
use bus::payload::{ReplicaInventory, SampleSource, ServiceName};
use serde_json::Value;
use testbed::{DockerHost, Project};

const COMPOSE: &str = r#"
services:
  limited:
    image: "{image}"
    command: ["busybox", "sh", "-c", "while :; do :; done"]
    cpus: 0.1
    mem_limit: 64m
  deep:
    image: "{image}"
    command: ["busybox", "sleep", "600"]
    cgroup_parent: /ballast-test/deep
  hosted:
    image: "{image}"
    command: ["busybox", "sleep", "600"]
    network_mode: host
"#;

#[tokio::test]
async fn cgroups_of_real_containers_say_what_the_engine_says() {
    let host = DockerHost::get(2);
    let engine = Engine::connect(host.socket()).await.expect("the engine answers");
    let project = Project::new(&host, "measure-cgroups", &COMPOSE.replace("{image}", &host.busybox()));
    project.compose(&["up", "--detach"]);
    let services = ["limited", "deep", "hosted"];
    let replicas: Vec<Replica> = services.map(|service| replica(&host, &project.running(service)[0])).to_vec();

    for replica in &replicas {
        let wanted = Wanted {
            id: &replica.summary.id,
            pid: replica.pid,
            parent: replica.cgroup_parent.as_deref(),
            own_network: true,
        };
        let cgroup = Cgroup::locate(&Roots::default(), &wanted).expect("its cgroup is on this machine");
        let mut buffer = FileBuffer::default();
        let before = cgroup.read(&mut buffer, Duration::ZERO);
        let said = stats::parse(&engine.stats(&replica.summary.id).await.expect("stats")).expect("it runs");
        let after = cgroup.read(&mut buffer, Duration::ZERO);
        let between = before.cpu_nanos..=after.cpu_nanos;
        assert!(between.contains(&said.cpu_nanos), "{said:?} not in {between:?}");
        let throttled = before.throttled_nanos..=after.throttled_nanos;
        assert!(throttled.contains(&said.throttled_nanos), "{said:?} not in {throttled:?}");
        assert_eq!((said.pids, said.block_read_bytes.is_some()), (before.pids, before.block_read_bytes.is_some()));
        let apart = said.memory_bytes.expect("memory").abs_diff(after.memory_bytes.expect("memory"));
        assert!(apart < 1024 * 1024, "{apart} bytes between {said:?} and {after:?}");
    }

    let mut meter = ReplicaMeter::new(Roots::default());
    let mut buffer = FileBuffer::default();
    let name = ServiceName { project: "measure-cgroups".into(), service: "all".into() };
    let model = Host { services: [(name, Service { replicas, ..Service::default() })].into(), ..Host::default() };
    meter.notice(&model, &mut buffer);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let samples = meter.measure(&model, &BTreeMap::new(), &mut buffer);
    assert!(samples.iter().all(|sample| sample.source == Some(SampleSource::Cgroup)));
    let [limited, deep, hosted] = samples.as_slice() else { panic!("three samples: {samples:?}") };
    // So low a limit is reached on a busy machine as well. A period that is under way may count whole.
    let cores = limited.cpu_cores.expect("a rate");
    assert!((0.01..0.15).contains(&cores), "{cores} cores under a limit of 0.1");
    assert!(limited.cpu_throttled.is_some_and(|throttled| throttled > 0.0));
    assert!(deep.cpu_cores.is_some_and(|cores| cores < 0.05));
    assert!(deep.network_receive_bytes_per_second.is_some());
    assert_eq!(hosted.network_receive_bytes_per_second, None, "the host's traffic is not its own");
}

fn replica(host: &DockerHost, id: &str) -> Replica {
    let inspect: Value = serde_json::from_str(&host.docker(&["inspect", id])).expect("JSON");
    let inspect = inspect[0].clone();
    let text = |pointer: &str| inspect.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let summary = ReplicaInventory { id: text("/Id"), state: text("/State/Status"), ..ReplicaInventory::default() };
    let pid = inspect.pointer("/State/Pid").and_then(Value::as_u64).and_then(|pid| u32::try_from(pid).ok());
    let cgroup_parent = Some(text("/HostConfig/CgroupParent")).filter(|parent| !parent.is_empty());
    Replica { summary, pid, cgroup_parent, inspect: Arc::new(inspect), ..Replica::default() }
}
