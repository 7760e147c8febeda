use std::fs;

use tempfile::TempDir;

use super::*;
use crate::measure::testing::{V1_FREE, V1_LIMITED, V2_FREE, V2_LIMITED, fixture};

const ID: &str = "375b6ce085ab05dc0d0dc47642e00a4879521192c1bcf851e11585886cd60979";

fn wanted(id: &str, pid: Option<u32>) -> Wanted<'_> {
    Wanted { id, pid, parent: None, own_network: true }
}

fn read(tree: &str, wanted: &Wanted<'_>) -> Reading {
    let cgroup = Cgroup::locate(&fixture(tree), wanted).expect("it is in the fixture");
    cgroup.read(&mut FileBuffer::default(), Duration::from_secs(7))
}

#[test]
fn version_2_under_systemd_is_read_exactly() {
    // No process 599 in the fixture: found where systemd puts it, and without its network.
    let limited = Reading {
        at: Duration::from_secs(7),
        cpu_nanos: Some(10_463_466_000),
        throttled_nanos: Some(9_203_416_000),
        memory_bytes: Some(495_616 - 73_728),
        pids: Some(1),
        block_read_bytes: Some(180_224),
        block_write_bytes: Some(0),
        ..Reading::default()
    };
    assert_eq!(read("cgroup-v2-systemd", &wanted(V2_LIMITED, Some(599))), limited);
    let free = read("cgroup-v2-systemd", &wanted(V2_FREE, Some(607)));
    assert_eq!((free.cpu_nanos, free.throttled_nanos), (Some(657_456_000), Some(0)));
    assert_eq!(free.memory_bytes, Some(364_544 - 45_056));
}

#[test]
fn version_1_under_cgroupfs_is_read_exactly() {
    let limited = Reading {
        at: Duration::from_secs(7),
        cpu_nanos: Some(152_471_118_513),
        throttled_nanos: Some(148_360_675_456),
        memory_bytes: Some(331_776),
        pids: Some(1),
        block_read_bytes: Some(0),
        block_write_bytes: Some(0),
        network_receive_bytes: Some(1588),
        network_transmit_bytes: Some(126),
    };
    assert_eq!(read("cgroup-v1-cgroupfs", &wanted(V1_LIMITED, Some(10_140))), limited);
}

#[test]
fn a_cgroup_parent_of_its_own_is_found_with_and_without_its_process() {
    let by_process = read("cgroup-v1-cgroupfs", &wanted(V1_FREE, Some(10_194)));
    let by_parent = read("cgroup-v1-cgroupfs", &Wanted { parent: Some("/custom/deep"), ..wanted(V1_FREE, None) });
    let by_search = read("cgroup-v1-cgroupfs", &wanted(V1_FREE, None));
    assert_eq!(by_process.memory_bytes, Some(4_988_928 - 86_016));
    assert_eq!(by_process.network_receive_bytes, Some(1436));
    let without_network = Reading { network_receive_bytes: None, network_transmit_bytes: None, ..by_process };
    assert_eq!(by_parent, without_network, "the process is not visible");
    assert_eq!(by_search, without_network, "the engine's own cgroup-parent is not known");
    assert_eq!((by_process.block_read_bytes, by_process.block_write_bytes), (Some(303_104), Some(8_404_992)));
}

#[test]
fn a_network_that_is_not_its_own_is_not_read() {
    let shared = Wanted { own_network: false, ..wanted(V1_LIMITED, Some(10_140)) };
    assert_eq!(read("cgroup-v1-cgroupfs", &shared).network_receive_bytes, None);
}

/// What it shows, `/proc/42/cgroup`, the folder there is, `CgroupParent`, and whether the process is believed.
type Layout<'a> = (&'a str, Option<&'a str>, &'a str, Option<&'a str>, bool);

#[test]
fn each_layout_of_version_2_is_found() {
    let rootless = format!("/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope");
    let nested = format!("/docker/0123/docker/{ID}");
    let inner = format!("0::/system.slice/docker-{ID}.scope/init.scope\n");
    let scope = format!("/system.slice/docker-{ID}.scope");
    let sliced = format!("/a.slice/a-b.slice/docker-{ID}.scope");
    let cgroupfs = format!("/docker/{ID}");
    let custom = format!("/custom/deep/{ID}");
    let relative = format!("0::/../docker-{ID}.scope\n");
    let line = |path: &str| format!("0::{path}\n");
    let (rootless_line, nested_line) = (line(&rootless), line(&nested));
    let cases: [Layout<'_>; 11] = [
        ("systemd", None, &scope, None, false),
        ("cgroupfs", None, &cgroupfs, None, false),
        ("cgroupfs with a parent", None, &custom, Some("/custom/deep"), false),
        ("systemd with a nested slice", None, &sliced, Some("a-b.slice"), false),
        ("rootless, by its process", Some(&rootless_line), &rootless, None, true),
        ("rootless, by search", None, &rootless, None, false),
        ("an engine in a container", Some(&nested_line), &nested, None, true),
        ("an init of its own moved the process further down", Some(&inner), &scope, None, true),
        ("a cgroup namespace makes the path relative", Some(&relative), &scope, None, true),
        ("a process of somebody else with that number", Some("0::/init.scope\n"), &scope, None, false),
        ("the engine's own cgroup-parent", None, &custom, None, false),
    ];
    for (name, process, folder, parent, believed) in cases {
        let dir = TempDir::new().expect("a temporary folder");
        let roots = Roots { proc: dir.path().join("proc"), sys: dir.path().join("sys") };
        let root = roots.sys.join("fs/cgroup");
        let own = root.join(folder.trim_start_matches('/'));
        fs::create_dir_all(&own).expect("make the cgroup");
        fs::write(root.join("cgroup.controllers"), "cpu io memory pids\n").expect("write the root's file");
        fs::write(own.join("pids.current"), "3\n").expect("write the cgroup's file");
        if let Some(process) = process {
            fs::create_dir_all(roots.proc.join("42")).expect("make the process");
            fs::write(roots.proc.join("42/cgroup"), process).expect("write the process's file");
        }
        let cgroup = Cgroup::locate(&roots, &Wanted { parent, ..wanted(ID, Some(42)) });
        let cgroup = cgroup.unwrap_or_else(|error| panic!("{name}: {error}"));
        let reading = cgroup.read(&mut FileBuffer::default(), Duration::ZERO);
        assert_eq!(reading, Reading { pids: Some(3), ..Reading::default() }, "{name}");
        assert_eq!(cgroup.net_dev.is_some(), believed, "{name}");
    }
}

#[test]
fn controllers_mounted_together_are_found() {
    let dir = TempDir::new().expect("a temporary folder");
    let roots = Roots { proc: dir.path().join("proc"), sys: dir.path().join("sys") };
    let own = roots.sys.join(format!("fs/cgroup/cpu,cpuacct/docker/{ID}"));
    fs::create_dir_all(&own).expect("make the cgroup");
    fs::write(own.join("cpuacct.usage"), "5\n").expect("write");
    fs::write(own.join("cpu.stat"), "throttled_time 3\n").expect("write");
    let cgroup = Cgroup::locate(&roots, &wanted(ID, None)).expect("it is there");
    let reading = cgroup.read(&mut FileBuffer::default(), Duration::ZERO);
    assert_eq!(reading, Reading { cpu_nanos: Some(5), throttled_nanos: Some(3), ..Reading::default() });
}

#[test]
fn what_is_not_there_is_an_error_with_a_cure() {
    let nowhere = Roots { proc: "/nowhere/proc".into(), sys: "/nowhere/sys".into() };
    let error = Cgroup::locate(&nowhere, &wanted(ID, None)).expect_err("there is nothing");
    assert_eq!(error, LocateError::NoCgroups("/nowhere/sys/fs/cgroup".into()));
    let elsewhere = "f".repeat(64);
    let error = Cgroup::locate(&fixture("cgroup-v2-systemd"), &wanted(&elsewhere, Some(607)));
    assert!(matches!(error, Err(LocateError::NotFound { .. })));
    let error = Cgroup::locate(&fixture("cgroup-v2-systemd"), &wanted("", Some(607)));
    assert!(matches!(error, Err(LocateError::NotFound { .. })), "an empty ID is in every name");
}

#[test]
fn working_set_is_what_docker_stats_shows() {
    let cases = [
        ("usage less inactive file pages", Some(10), Some(4), Some(6)),
        ("read in the middle of a change", Some(10), Some(10), Some(10)),
        ("no stat", Some(10), None, None),
        ("no usage", None, Some(4), None),
    ];
    for (name, usage, inactive, expected) in cases {
        assert_eq!(working_set(usage, inactive), expected, "{name}");
    }
}
