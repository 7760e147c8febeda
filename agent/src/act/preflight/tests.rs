use serde_json::json;

use super::*;

const ID: &str = "aaaaaaaaaaaabbbb";

fn name() -> ServiceName {
    ServiceName { project: "shop".into(), service: "web".into() }
}

fn plain() -> Value {
    json!({
        "Id": ID, "Name": "/shop-web-1", "State": { "ExitCode": 0 },
        "Config": {
            "Hostname": "aaaaaaaaaaaa", "Image": "web:1",
            "Labels": { "com.docker.compose.project": "shop", "com.docker.compose.service": "web" }
        },
        "HostConfig": { "NetworkMode": "shop_default", "RestartPolicy": { "Name": "always" } },
        "NetworkSettings": { "Networks": { "shop_default": { "IPAMConfig": null } } },
        "Mounts": []
    })
}

fn replica(inspect: &Value) -> Replica {
    let mut replica = Replica { inspect: Arc::new(inspect.clone()), ..Replica::default() };
    replica.summary.id = ID.into();
    replica.summary.number = 1;
    replica.summary.name = inspect["Name"].as_str().expect("a name").trim_start_matches('/').into();
    replica.summary.state = "running".into();
    replica
}

fn found(replica: Replica, others: &[Value]) -> Findings {
    let all = others.iter().chain([replica.inspect.as_ref()]);
    let containers = all.map(|c| (c["Id"].as_str().expect("an ID").to_owned(), Arc::new(c.clone()))).collect();
    let overlay_networks = BTreeSet::from(["shop_overlay".to_owned()]);
    let context = Context { own_id: Some("ballast"), containers: &containers, overlay_networks: &overlay_networks };
    preflight(&name(), &[replica], &context)
}

/// The codes of the refusals after `pointer` has been set to `value`.
fn codes(pointer: &str, value: Value) -> Vec<String> {
    found(replica(&with(pointer, value)), &[]).refusals.into_iter().map(|refusal| refusal.code).collect()
}

fn with(pointer: &str, value: Value) -> Value {
    let mut inspect = plain();
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
    inspect.pointer_mut(parent).expect("a parent")[field] = value;
    inspect
}

#[test]
fn a_plain_service_is_scalable_without_a_word() {
    assert_eq!(found(replica(&plain()), &[]), Findings::default());
}

#[test]
fn each_obstacle_is_refused() {
    let port = |port: &str| json!({ "80/tcp": [{ "HostIp": "", "HostPort": port }] });
    for (pointer, value, expected) in [
        ("/Name", json!("/special"), "container-name"),
        ("/Name", json!("/shop-web-2"), "container-name"),
        ("/HostConfig/PortBindings", port("8080"), "fixed-host-port"),
        ("/HostConfig/PortBindings", port("8080-8080"), "fixed-host-port"),
        ("/NetworkSettings/Networks/shop_default/IPAMConfig", json!({ "IPv4Address": "10.0.0.9" }), "static-address"),
        ("/NetworkSettings/Networks/shop_default/IPAMConfig", json!({ "IPv6Address": "fd00::9" }), "static-address"),
        ("/Config/MacAddress", json!("02:42:ac:11:00:09"), "mac-address"),
        ("/HostConfig/NetworkMode", json!("host"), "host-network"),
        ("/HostConfig/NetworkMode", json!("container:cccc"), "shared-namespace"),
        ("/HostConfig/IpcMode", json!("container:cccc"), "shared-namespace"),
        ("/HostConfig/PidMode", json!("container:cccc"), "shared-namespace"),
        ("/HostConfig/Binds", json!(["/data:/data:rw,Z"]), "private-selinux-label"),
        ("/HostConfig/AutoRemove", json!(true), "auto-remove"),
        ("/HostConfig/VolumesFrom", json!(["gone:ro"]), "volumes-from-missing"),
    ] {
        assert_eq!(codes(pointer, value.clone()), [expected], "{pointer} = {value}");
    }
}

#[test]
fn what_only_looks_like_an_obstacle_is_none() {
    let port = |port: &str| json!({ "80/tcp": [{ "HostPort": port }], "81/tcp": null });
    for (pointer, value) in [
        ("/Name", json!("/shop_web_1")),
        ("/HostConfig/PortBindings", port("")),
        ("/HostConfig/PortBindings", port("0")),
        ("/HostConfig/PortBindings", port("8000-8010")),
        ("/NetworkSettings/Networks/shop_default/IPAMConfig", json!({})),
        ("/NetworkSettings/Networks/shop_overlay", json!({ "IPAMConfig": { "IPv4Address": "10.0.0.9" } })),
        ("/HostConfig/Binds", json!(["/Z:/data:ro,z"])),
        ("/HostConfig/IpcMode", json!("private")),
    ] {
        assert_eq!(codes(pointer, value.clone()), [""; 0], "{pointer} = {value}");
    }
}

#[test]
fn every_refusal_says_what_to_do() {
    let refusals = found(replica(&with("/HostConfig/NetworkMode", json!("host"))), &[]).refusals;
    assert!(refusals.iter().all(|refusal| !refusal.cause.is_empty() && !refusal.cure.is_empty()));
}

#[test]
fn a_replica_that_did_its_work_is_a_job_unless_somebody_or_the_engine_ended_it() {
    for (policy, code, exit, is_job) in [
        ("no", 0, ExitCause::Itself, true),
        ("on-failure", 0, ExitCause::Itself, true),
        ("always", 0, ExitCause::Itself, false),
        ("no", 1, ExitCause::Itself, false),
        ("no", 0, ExitCause::Person, false),
        ("no", 0, ExitCause::Engine, false),
        ("no", 0, ExitCause::Ballast, false),
    ] {
        let mut inspect = plain();
        inspect["HostConfig"]["RestartPolicy"]["Name"] = json!(policy);
        inspect["State"]["ExitCode"] = json!(code);
        let mut replica = replica(&inspect);
        replica.summary.state = "exited".into();
        replica.exit = Some(exit);
        let is_refused = found(replica, &[]).refusals.iter().any(|refusal| refusal.code == "one-shot");
        assert_eq!(is_refused, is_job, "{policy} {code} {exit:?}");
    }
}

#[test]
fn what_others_wait_for_to_end_is_a_job() {
    let waiting = |condition: &str, project: &str| {
        let mut other = plain();
        other["Id"] = json!("other");
        other["Config"]["Labels"]["com.docker.compose.project"] = json!(project);
        other["Config"]["Labels"]["com.docker.compose.depends_on"] =
            json!(format!("db:service_healthy:false,web:{condition}:false"));
        found(replica(&plain()), &[other]).refusals.len()
    };
    assert_eq!(waiting("service_completed_successfully", "shop"), 1);
    assert_eq!(waiting("service_started", "shop"), 0);
    assert_eq!(waiting("service_completed_successfully", "elsewhere"), 0);
}

#[test]
fn ballast_does_not_scale_itself() {
    let mut own = plain();
    own["Id"] = json!("ballast");
    let mut replica = replica(&own);
    replica.summary.id = "ballast".into();
    assert_eq!(found(replica, &[]).refusals[0].code, "ballast-itself");
}

#[test]
fn the_smallest_range_of_published_ports_is_the_limit() {
    let bindings = json!({
        "80/tcp": [{ "HostPort": "8000-8009" }, { "HostIp": "127.0.0.1", "HostPort": "9000-9002" }],
        "81/tcp": [{ "HostPort": "" }]
    });
    assert_eq!(found(replica(&with("/HostConfig/PortBindings", bindings)), &[]).most, Some(3));
}

#[test]
fn what_is_legal_but_worth_knowing_is_said() {
    let anonymous = "0".repeat(64);
    for (pointer, value, part) in [
        ("/Config/Hostname", json!("fixed"), "hostname is set"),
        ("/Mounts", json!([{ "Type": "bind", "RW": true, "Destination": "/srv" }]), "write to /srv"),
        ("/Mounts", json!([{ "Type": "volume", "Name": "data", "RW": true, "Destination": "/srv" }]), "write to /srv"),
        ("/HostConfig/Devices", json!([{ "PathOnHost": "/dev/ttyUSB0" }]), "devices"),
        ("/HostConfig/DeviceRequests", json!([{ "DeviceIDs": ["0"] }]), "devices"),
    ] {
        let findings = found(replica(&with(pointer, value.clone())), &[]);
        assert!(findings.refusals.is_empty() && findings.warnings.len() == 1, "{pointer}: {findings:?}");
        assert!(findings.warnings[0].contains(part), "{findings:?}");
    }
    for value in [
        json!([{ "Type": "volume", "Name": anonymous, "RW": true, "Destination": "/srv" }]),
        json!([{ "Type": "bind", "RW": false, "Destination": "/srv" }]),
    ] {
        assert_eq!(found(replica(&with("/Mounts", value.clone())), &[]).warnings, [""; 0], "{value}");
    }
}

#[test]
fn a_database_with_a_named_volume_is_warned_about_by_name() {
    let mut inspect =
        with("/Mounts", json!([{ "Type": "volume", "Name": "data", "RW": true, "Destination": "/var/lib" }]));
    inspect["Config"]["Image"] = json!("registry.example/library/postgres:17@sha256:00");
    let findings = found(replica(&inspect), &[]);
    assert!(findings.refusals.is_empty() && findings.warnings[0].contains("postgres breaks"), "{findings:?}");
}

#[test]
fn a_replica_that_something_hangs_on_is_named() {
    let mut replica = replica(&plain());
    replica.hung_on_by = Some("shop-side-1".into());
    assert!(found(replica, &[]).warnings[0].contains("shop-side-1 hangs on shop-web-1"));
}
