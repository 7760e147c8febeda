//! What measuring costs. The aim: 50 containers once a second at no more than 1 % of a core, which is 200 µs for each.
//!
//! The containers are copies of a fixture on a disk. The kernel's own files take some microseconds more each.

use std::{collections::BTreeMap, fmt::Write as _, fs, hint::black_box, path::Path, time::Instant};

use agent::{
    measure::{FileBuffer, cgroup::Roots, host::HostMeter, prometheus, replicas::ReplicaMeter},
    model::{Host, Replica, Service},
};
use bus::payload::{ReplicaInventory, ServiceName};
use criterion::{Criterion, criterion_group, criterion_main};
use tempfile::TempDir;

const CONTAINER: &str = "375b6ce085ab05dc0d0dc47642e00a4879521192c1bcf851e11585886cd60979";

criterion_group!(benches, containers, host, prometheus_body);
criterion_main!(benches);

fn containers(criterion: &mut Criterion) {
    for count in [1_u32, 50] {
        let dir = TempDir::new().expect("a temporary folder");
        let (roots, host) = copies(dir.path(), count);
        let mut meter = ReplicaMeter::new(roots);
        let mut buffer = FileBuffer::default();
        criterion.bench_function(&format!("containers/{count}"), |bencher| {
            bencher.iter(|| black_box(meter.measure(&host, &BTreeMap::new(), &mut buffer)));
        });
    }
}

fn host(criterion: &mut Criterion) {
    let mut meter = HostMeter::new(Roots::default());
    let mut buffer = FileBuffer::default();
    let start = Instant::now();
    criterion.bench_function("host", |bencher| {
        bencher.iter(|| black_box(meter.measure(&mut buffer, start.elapsed())));
    });
}

fn prometheus_body(criterion: &mut Criterion) {
    let mut body = String::from("# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n");
    for path in 0..200 {
        writeln!(
            body,
            "http_requests_total{{method=\"get\",path=\"/items/{path}\",code=\"200\"}} {path}.5 1395066363000"
        )
        .expect("a string takes all");
    }
    criterion.bench_function("prometheus/200 series", |bencher| {
        bencher.iter(|| {
            prometheus::parse(black_box(&body)).filter_map(Result::ok).map(|series| series.value).sum::<f64>()
        });
    });
}

/// A tree with `count` containers under systemd, and the host that has them.
fn copies(dir: &Path, count: u32) -> (Roots, Host) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cgroup-v2-systemd");
    let roots = Roots { proc: dir.join("proc"), sys: dir.join("sys") };
    let (slice, fixture_slice) = ("sys/fs/cgroup/system.slice", fixture.join("sys/fs/cgroup/system.slice"));
    let copy = |from: &Path, to: &Path| {
        fs::create_dir_all(to.parent().expect("a folder")).expect("make a folder");
        fs::copy(from, to).expect("copy a file");
    };
    copy(&fixture.join("sys/fs/cgroup/cgroup.controllers"), &dir.join("sys/fs/cgroup/cgroup.controllers"));
    let mut replicas = Vec::new();
    for number in 0..count {
        let id = format!("{number:064x}");
        for file in ["cpu.stat", "memory.current", "memory.stat", "pids.current", "io.stat"] {
            let from = fixture_slice.join(format!("docker-{CONTAINER}.scope")).join(file);
            copy(&from, &dir.join(slice).join(format!("docker-{id}.scope")).join(file));
        }
        let pid = number + 2;
        copy(&fixture.join("proc/1/net/dev"), &dir.join(format!("proc/{pid}/net/dev")));
        let cgroup = format!("0::/system.slice/docker-{id}.scope\n");
        fs::write(dir.join(format!("proc/{pid}/cgroup")), cgroup).expect("write a file");
        let summary = ReplicaInventory { id, state: "running".into(), ..ReplicaInventory::default() };
        replicas.push(Replica { summary, pid: Some(pid), ..Replica::default() });
    }
    let name = ServiceName { project: "bench".into(), service: "bench".into() };
    (roots, Host { services: [(name, Service { replicas, ..Service::default() })].into(), ..Host::default() })
}
