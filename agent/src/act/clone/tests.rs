use proptest::prelude::*;

use super::*;

const ID: &str = "aaaaaaaaaaaabbbbbbbbbbbb";

fn web() -> ServiceName {
    ServiceName { project: "shop".into(), service: "web".into() }
}

fn facts() -> Facts {
    Facts {
        api: ApiVersion(1, 51),
        architecture: "amd64".into(),
        named_image: Some("sha256:1".into()),
        image_has_entrypoint: false,
        anonymous_volumes: BTreeSet::from([anonymous()]),
    }
}

fn anonymous() -> String {
    "0123456789abcdef".repeat(4)
}

fn sibling() -> Value {
    json!({
        "Id": ID, "Name": "/shop-web-1", "Image": "sha256:1",
        "Config": {
            "Hostname": "aaaaaaaaaaaa", "Image": "web:1", "Cmd": ["run"], "Entrypoint": null, "Env": ["A=1"],
            "Healthcheck": null, "Future": { "kept": true },
            "Labels": {
                "com.docker.compose.project": "shop", "com.docker.compose.service": "web",
                "com.docker.compose.container-number": "1", "com.docker.compose.config-hash": "h",
                "com.docker.compose.image": "sha256:1", "com.docker.compose.oneoff": "False"
            }
        },
        "HostConfig": { "NetworkMode": "shop_front", "Binds": null, "MaskedPaths": [], "Future": 7, "ContainerIDFile": "" },
        "NetworkSettings": { "Networks": {
            "shop_front": {
                "IPAMConfig": null, "Links": null, "Aliases": ["shop-web-1", "web", "www", "aaaaaaaaaaaa"],
                "MacAddress": "02:42:ac:12:00:02", "NetworkID": "n1", "IPAddress": "172.18.0.2", "GwPriority": 0,
                "DriverOpts": { "com.docker.network.endpoint.ifname": "eth7" }, "DNSNames": ["shop-web-1"]
            },
            "shop_back": { "Aliases": [], "IPAMConfig": {}, "GwPriority": 5 }
        } }
    })
}

fn copy(change: impl FnOnce(&mut Value)) -> Recipe {
    copy_with(&facts(), change)
}

fn copy_with(facts: &Facts, change: impl FnOnce(&mut Value)) -> Recipe {
    let mut sibling = sibling();
    change(&mut sibling);
    clone(&web(), &sibling, 3, facts).expect("a recipe")
}

#[test]
fn the_name_follows_the_siblings_separator() {
    assert_eq!(copy(|_| {}).name, "shop-web-3");
    assert_eq!(copy(|s| s["Name"] = json!("/shop_web_1")).name, "shop_web_3");
    let mut other = sibling();
    other["Name"] = json!("/custom");
    assert_eq!(clone(&web(), &other, 3, &facts()), Err(CloneError::Name("custom".into())));
}

#[test]
fn labels_are_copied_verbatim_but_number_marker_and_replace() {
    let recipe = copy(|s| s["Config"]["Labels"]["com.docker.compose.replace"] = json!("web-1"));
    let mut expected = sibling()["Config"]["Labels"].clone();
    expected["com.docker.compose.container-number"] = json!("3");
    expected["ballast.managed"] = json!("true");
    assert_eq!(recipe.body["Labels"], expected);
}

#[test]
fn a_hostname_is_kept_only_if_somebody_chose_it() {
    assert_eq!(copy(|_| {}).body.get("Hostname"), None);
    assert_eq!(copy(|s| s["Config"]["Hostname"] = json!("chosen")).body["Hostname"], "chosen");
    for (field, value) in [("NetworkMode", "host"), ("NetworkMode", "container:x"), ("UTSMode", "host")] {
        let recipe = copy(|s| {
            s["Config"]["Hostname"] = json!("chosen");
            s["HostConfig"][field] = json!(value);
        });
        assert_eq!(recipe.body.get("Hostname"), None, "{field}: {value}");
    }
}

#[test]
fn an_entry_point_that_was_cleared_stays_cleared() {
    let with_entrypoint = Facts { image_has_entrypoint: true, ..facts() };
    for (kept, facts, sent) in [
        (json!(null), &facts(), None),
        (json!(null), &with_entrypoint, Some(json!([""]))),
        (json!([]), &with_entrypoint, Some(json!([]))),
        (json!(["run"]), &with_entrypoint, Some(json!(["run"]))),
    ] {
        let recipe = copy_with(facts, |s| s["Config"]["Entrypoint"] = kept.clone());
        assert_eq!(recipe.body.get("Entrypoint"), sent.as_ref(), "{kept}");
    }
}

#[test]
fn an_image_is_named_by_its_id_once_its_name_means_another() {
    assert_eq!(copy(|_| {}).body["Image"], "web:1");
    for named_image in [Some("sha256:2".to_owned()), None] {
        assert_eq!(copy_with(&Facts { named_image, ..facts() }, |_| {}).body["Image"], "sha256:1");
    }
}

#[test]
fn what_the_engine_made_up_or_refuses_is_dropped() {
    let recipe = copy(|s| {
        s["Config"]["MacAddress"] = json!("02:42:ac:12:00:02");
        s["Config"]["OnBuild"] = json!(["RUN x"]);
        s["Config"]["ArgsEscaped"] = json!(true);
    });
    for field in ["MacAddress", "OnBuild", "ArgsEscaped"] {
        assert_eq!(recipe.body.get(field), None, "{field}");
    }
    assert_eq!(recipe.body["HostConfig"].get("ContainerIDFile"), None);
}

#[test]
fn an_empty_list_is_not_an_absent_one() {
    assert_eq!(copy(|_| {}).body["HostConfig"]["MaskedPaths"], json!([]));
    assert_eq!(copy(|s| s["HostConfig"]["MaskedPaths"] = json!(null)).body["HostConfig"].get("MaskedPaths"), None);
}

#[test]
fn an_anonymous_volume_is_a_fresh_one_in_both_forms() {
    let volume = anonymous();
    let recipe = copy(|s| {
        s["HostConfig"]["Binds"] = json!([format!("{volume}:/a:ro"), "named:/b:rw", "/host:/c"]);
        s["HostConfig"]["Mounts"] = json!([
            { "Type": "volume", "Source": volume, "Target": "/d" },
            { "Type": "volume", "Source": "named", "Target": "/e" },
            { "Type": "image", "Source": "web:1", "Target": "/f" }
        ]);
    });
    assert_eq!(recipe.body["HostConfig"]["Binds"], json!(["named:/b:rw", "/host:/c"]));
    let expected = json!([
        { "Type": "volume", "Source": "", "Target": "/d" },
        { "Type": "volume", "Source": "named", "Target": "/e" },
        { "Type": "image", "Source": "web:1", "Target": "/f" },
        { "Type": "volume", "Source": "", "Target": "/a", "ReadOnly": true }
    ]);
    assert_eq!(recipe.body["HostConfig"]["Mounts"], expected);
}

#[test]
fn of_an_endpoint_only_what_was_asked_for_is_sent() {
    let endpoints = copy(|_| {}).body["NetworkingConfig"]["EndpointsConfig"].clone();
    let expected = json!({
        "shop_front": {
            "DriverOpts": { "com.docker.network.endpoint.ifname": "eth7" }, "GwPriority": 0,
            "Aliases": ["shop-web-3", "web", "www"]
        },
        "shop_back": { "GwPriority": 5, "Aliases": ["shop-web-3", "web"] }
    });
    assert_eq!(endpoints, expected);
}

#[test]
fn api_1_43_takes_one_network_and_the_others_are_connected() {
    let recipe = copy_with(&Facts { api: ApiVersion(1, 43), ..facts() }, |s| {
        // What engines before 25 list among the aliases.
        s["NetworkSettings"]["Networks"]["shop_back"]["Aliases"] = json!(["shop-web-1", "web", "aaaaaaaaaaaa"]);
    });
    let endpoints = recipe.body["NetworkingConfig"]["EndpointsConfig"].as_object().expect("endpoints").clone();
    assert_eq!(endpoints.keys().collect::<Vec<_>>(), ["shop_front"], "the one of the network mode");
    assert!(endpoints["shop_front"].get("GwPriority").is_none(), "it is not known before 1.48");
    assert_eq!(recipe.connect, [("shop_back".to_owned(), json!({ "Aliases": ["shop-web-3", "web"] }))]);
}

#[test]
fn the_default_bridge_has_no_aliases() {
    let recipe = copy(|s| {
        s["HostConfig"]["NetworkMode"] = json!("bridge");
        s["NetworkSettings"]["Networks"] = json!({ "bridge": { "Aliases": null } });
    });
    assert_eq!(recipe.body["NetworkingConfig"]["EndpointsConfig"], json!({ "bridge": {} }));
}

#[test]
fn links_are_sent_as_they_were_submitted() {
    let recipe = copy(|s| s["HostConfig"]["Links"] = json!(["/shop-db-1:/shop-web-1/db"]));
    assert_eq!(recipe.body["HostConfig"]["Links"], json!(["shop-db-1:db"]));
    assert_eq!(copy(|s| s["HostConfig"]["Links"] = json!(null)).body["HostConfig"].get("Links"), None);
}

#[test]
fn another_containers_network_leaves_no_network_settings() {
    let recipe = copy(|s| {
        s["HostConfig"]["NetworkMode"] = json!("container:x");
        s["HostConfig"]["PortBindings"] = json!({ "80/tcp": [] });
        s["HostConfig"]["ExtraHosts"] = json!(["a:1"]);
        s["Config"]["ExposedPorts"] = json!({ "80/tcp": {} });
        s["NetworkSettings"]["Networks"] = json!({});
    });
    assert_eq!((recipe.body.get("ExposedPorts"), recipe.body.get("NetworkingConfig")), (None, None));
    for field in ["PortBindings", "ExtraHosts", "Dns", "Links"] {
        assert_eq!(recipe.body["HostConfig"].get(field), None, "{field}");
    }
}

#[test]
fn a_foreign_platform_is_asked_for_again() {
    let platform = |platform: Value| copy(|s| s["ImageManifestDescriptor"] = json!({ "platform": platform })).platform;
    assert_eq!(platform(json!({ "os": "linux", "architecture": "amd64" })), None);
    assert_eq!(
        platform(json!({ "os": "linux", "architecture": "arm", "variant": "v7" })).as_deref(),
        Some("linux/arm/v7")
    );
}

#[test]
fn an_inspection_without_settings_is_an_error_and_no_panic() {
    for (field, error) in
        [("Config", CloneError::Name("shop-web-1".into())), ("HostConfig", CloneError::Missing("HostConfig"))]
    {
        let mut broken = sibling();
        broken.as_object_mut().expect("an object").remove(field);
        assert_eq!(clone(&web(), &broken, 2, &facts()), Err(error));
    }
    assert!(clone(&web(), &Value::Null, 2, &facts()).is_err());
}

/// Any JSON value without null at its top: null means "not set" there.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[A-Za-z]{1,8}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    /// The body less what this module documents is the sibling: also of options that nobody has heard of yet.
    #[test]
    fn whatever_else_the_sibling_has_the_copy_has(
        config in prop::collection::btree_map("X[A-Za-z]{1,8}", json_value(), 0..6),
        host in prop::collection::btree_map("X[A-Za-z]{1,8}", json_value(), 0..6),
    ) {
        let mut sibling = sibling();
        for (field, value) in config {
            sibling["Config"][field] = value;
        }
        for (field, value) in host {
            sibling["HostConfig"][field] = value;
        }
        let body = clone(&web(), &sibling, 3, &facts()).expect("a recipe").body;
        let less = |mut value: Value, fields: &[&str]| {
            let object = value.as_object_mut().expect("an object");
            object.retain(|field, value| !fields.contains(&field.as_str()) && !value.is_null());
            value
        };
        let changed = ["Hostname", "Labels", "HostConfig", "NetworkingConfig"];
        prop_assert_eq!(less(body.clone(), &changed), less(sibling["Config"].clone(), &changed));
        let changed = ["ContainerIDFile"];
        prop_assert_eq!(less(body["HostConfig"].clone(), &changed), less(sibling["HostConfig"].clone(), &changed));
    }
}
