//! What is read off the cgroups of a real engine's containers, against what that engine itself says of them.
#![cfg(feature = "needs-docker")]

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command, sync::Arc, time::Duration};

use agent::{
    measure::{
        FileBuffer,
        cgroup::{Cgroup, Roots, Wanted},
        replicas::ReplicaMeter,
        stats,
    },
    model::{Host, Replica, Service},
};
use bus::payload::{ReplicaInventory, SampleSource, ServiceName};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use testbed::{DockerHost, Project};
use tokio::net::UnixStream;

const COMPOSE: &str = r#"
services:
  limited:
    image: ballast-test/measure
    command: ["/busybox", "sh", "-c", "while :; do :; done"]
    cpus: 0.1
    mem_limit: 64m
  deep:
    image: ballast-test/measure
    command: ["/busybox", "sleep", "600"]
    cgroup_parent: /ballast-test/deep
  hosted:
    image: ballast-test/measure
    command: ["/busybox", "sleep", "600"]
    network_mode: host
"#;

#[tokio::test]
async fn cgroups_of_real_containers_say_what_the_engine_says() {
    let host = DockerHost::get(2);
    import_image(&host);
    let project = Project::new(&host, "measure-cgroups", COMPOSE);
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
        let said = stats::parse(&ask_stats(&host, &replica.summary.id).await).expect("it runs");
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

async fn ask_stats(host: &DockerHost, id: &str) -> Value {
    let socket = host.socket().strip_prefix("unix://").expect("a socket");
    let stream = UnixStream::connect(socket).await.expect("the engine listens");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
    tokio::spawn(connection);
    let request = Request::get(format!("/containers/{id}/stats?stream=false&one-shot=true"))
        .header("host", "docker")
        .body(Empty::<Bytes>::new())
        .expect("a request");
    let body = sender.send_request(request).await.expect("an answer").collect().await.expect("a body");
    serde_json::from_slice(&body.to_bytes()).expect("JSON")
}

/// An image with nothing but busybox, linked statically.
fn import_image(host: &DockerHost) {
    let busybox = std::env::var_os("BALLAST_TEST_BUSYBOX").map_or_else(|| PathBuf::from("/bin/busybox"), PathBuf::from);
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::copy(&busybox, dir.path().join("busybox")).expect("a busybox: set BALLAST_TEST_BUSYBOX, or run ./check");
    let tar = dir.path().join("image.tar");
    let packed = Command::new("tar").arg("-cf").arg(&tar).arg("-C").arg(dir.path()).arg("busybox").status();
    assert!(packed.expect("tar on the PATH").success());
    host.docker(&["import", &tar.display().to_string(), "ballast-test/measure"]);
}
