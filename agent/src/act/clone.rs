//! A new replica from what the engine says of a sibling. Pure.
//!
//! Everything is copied but what is listed here, so that an option which Ballast has never heard of is kept.

use std::collections::BTreeSet;

use bus::payload::ServiceName;
use serde_json::{Map, Value, json};

use super::preflight::separator;
use crate::{docker::ApiVersion, inventory::labels};

/// What has to be known beside the sibling itself.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The version that is spoken with the engine.
    pub api: ApiVersion,
    /// The engine's own architecture, for example `amd64`.
    pub architecture: String,
    /// The image that the sibling's image name means now; absent if it means none.
    pub named_image: Option<String>,
    /// The sibling's image has an entry point of its own.
    pub image_has_entrypoint: bool,
    /// Names of the sibling's volumes that are anonymous.
    pub anonymous_volumes: BTreeSet<String>,
}

/// How to make the replica.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Its name.
    pub name: String,
    /// Its platform, where that is not the engine's own.
    pub platform: Option<String>,
    /// The body of `POST /containers/create`.
    pub body: Value,
    /// Networks to connect it to before it starts, with the endpoint's settings.
    pub connect: Vec<(String, Value)>,
}

/// The sibling cannot be copied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloneError {
    /// Its name does not follow Compose's pattern.
    #[error("{0} is not named by project, service and number, so its replicas cannot be named either")]
    Name(String),
    /// Not what `GET /containers/{id}/json` gives.
    #[error("the engine says nothing of the sibling's {0}")]
    Missing(&'static str),
}

/// Replica `number` of `service`, like `sibling` (all of `GET /containers/{id}/json`).
pub fn clone(service: &ServiceName, sibling: &Value, number: u32, facts: &Facts) -> Result<Recipe, CloneError> {
    let sibling_name = text(&sibling["Name"]).trim_start_matches('/');
    let sibling_number = labels::get(sibling, labels::NUMBER).and_then(|number| number.parse().ok());
    let separator = sibling_number
        .and_then(|number| separator(service, sibling_name, number))
        .ok_or_else(|| CloneError::Name(sibling_name.to_owned()))?;
    let name = format!("{}{separator}{}{separator}{number}", service.project, service.service);
    let host_config = sibling["HostConfig"].as_object().ok_or(CloneError::Missing("HostConfig"))?;
    let mode = text(&sibling["HostConfig"]["NetworkMode"]);
    let shares_network = mode.starts_with("container:");

    let mut body = config(sibling, number, facts)?;
    if shares_network {
        body.remove("ExposedPorts");
    }
    let mut host_config = host(sibling, host_config, facts);
    if shares_network {
        for field in ["PortBindings", "Dns", "DnsOptions", "DnsSearch", "ExtraHosts", "Links", "PublishAllPorts"] {
            host_config.remove(field);
        }
    }
    body.insert("HostConfig".into(), Value::Object(host_config));

    let mut endpoints = if shares_network || matches!(mode, "host" | "none") {
        Vec::new()
    } else {
        endpoints(service, sibling, &name, facts.api)
    };
    let connect = if facts.api < ApiVersion::SEVERAL_NETWORKS_AT_CREATE && endpoints.len() > 1 {
        let first = endpoints.iter().position(|(network, _)| network == mode).unwrap_or_default();
        let main = endpoints.remove(first);
        std::mem::replace(&mut endpoints, vec![main])
    } else {
        Vec::new()
    };
    if !endpoints.is_empty() {
        let endpoints: Map<String, Value> = endpoints.into_iter().collect();
        body.insert("NetworkingConfig".into(), json!({ "EndpointsConfig": endpoints }));
    }
    Ok(Recipe { name, platform: platform(sibling, facts), body: Value::Object(body), connect })
}

/// The engine names anonymous volumes by 64 hexadecimal digits.
pub(crate) fn has_anonymous_name(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn config(sibling: &Value, number: u32, facts: &Facts) -> Result<Map<String, Value>, CloneError> {
    let mut config = sibling["Config"].as_object().ok_or(CloneError::Missing("Config"))?.clone();
    // The engine refuses or deprecates the first (it would be the same address twice); the others belong to builds.
    for field in ["MacAddress", "OnBuild", "ArgsEscaped"] {
        config.remove(field);
    }
    let id = text(&sibling["Id"]);
    let host = &sibling["HostConfig"];
    let mode = text(&host["NetworkMode"]);
    let hostname = text(&sibling["Config"]["Hostname"]);
    let cannot_have_one = mode == "host" || mode.starts_with("container:") || host["UTSMode"] == "host";
    // Without one the engine uses the first 12 digits of the ID, which are the sibling's own.
    if cannot_have_one || (!hostname.is_empty() && id.starts_with(hostname)) {
        config.remove("Hostname");
    }
    if cannot_have_one {
        config.remove("Domainname");
    }
    // After a tag has moved, the name means other code than the sibling's settings were merged with.
    let image = text(&sibling["Image"]);
    if !image.is_empty() && facts.named_image.as_deref() != Some(image) {
        config.insert("Image".into(), json!(image));
    }
    // The engine keeps `[""]` as null, and null would take the image's own entry point again.
    if config.get("Entrypoint").is_none_or(Value::is_null) && facts.image_has_entrypoint {
        config.insert("Entrypoint".into(), json!([""]));
    }
    let labels = config.entry("Labels").or_insert_with(|| json!({}));
    if let Some(labels) = labels.as_object_mut() {
        labels.insert(labels::NUMBER.into(), json!(number.to_string()));
        labels.insert(labels::MANAGED.into(), json!("true"));
        labels.remove(labels::REPLACE);
    }
    // An absent field is the default, and null is refused for some.
    config.retain(|_, value| !value.is_null());
    Ok(config)
}

fn host(sibling: &Value, host_config: &Map<String, Value>, facts: &Facts) -> Map<String, Value> {
    let mut host = host_config.clone();
    host.remove("ContainerIDFile");
    let links = strings(&sibling["HostConfig"]["Links"]).filter_map(link).map(Value::String).collect::<Vec<_>>();
    if links.is_empty() {
        host.remove("Links");
    } else {
        host.insert("Links".into(), Value::Array(links));
    }
    let (binds, mut mounts) = fresh_anonymous_volumes(host_config, facts);
    if host_config.get("Binds").is_some_and(Value::is_array) {
        host.insert("Binds".into(), Value::Array(binds));
    }
    if host_config.get("Mounts").is_some_and(Value::is_array) || !mounts.is_empty() {
        host.insert("Mounts".into(), Value::Array(std::mem::take(&mut mounts)));
    }
    host.retain(|_, value| !value.is_null());
    host
}

/// Binds and mounts in which no anonymous volume is the sibling's: a container that Compose has recreated carries its
/// predecessor's anonymous volumes by name, and a copy of that would share them.
fn fresh_anonymous_volumes(host: &Map<String, Value>, facts: &Facts) -> (Vec<Value>, Vec<Value>) {
    let mut binds = Vec::new();
    let mut mounts = Vec::new();
    for mount in host.get("Mounts").and_then(Value::as_array).into_iter().flatten() {
        let mut mount = mount.clone();
        if mount["Type"] == "volume" && facts.anonymous_volumes.contains(text(&mount["Source"])) {
            mount["Source"] = json!("");
        }
        mounts.push(mount);
    }
    for bind in host.get("Binds").and_then(Value::as_array).into_iter().flatten() {
        let mut parts = text(bind).splitn(3, ':');
        let (source, target, options) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        match target {
            Some(target) if facts.anonymous_volumes.contains(source) => {
                let read_only = options.unwrap_or_default().split(',').any(|option| option == "ro");
                let mut mount = json!({ "Type": "volume", "Source": "", "Target": target });
                if read_only {
                    mount["ReadOnly"] = json!(true);
                }
                mounts.push(mount);
            }
            _ => binds.push(bind.clone()),
        }
    }
    (binds, mounts)
}

/// A link as it is submitted, `child:alias`, from the form in which it is kept: `/child:/parent/alias`.
fn link(kept: &str) -> Option<String> {
    let (child, alias) = kept.split_once(':')?;
    Some(format!("{}:{}", child.trim_start_matches('/'), alias.rsplit('/').next()?))
}

fn endpoints(service: &ServiceName, sibling: &Value, name: &str, api: ApiVersion) -> Vec<(String, Value)> {
    let networks = sibling["NetworkSettings"]["Networks"].as_object().into_iter().flatten();
    networks
        .map(|(network, endpoint)| (network.clone(), self::endpoint(service, sibling, endpoint, name, api)))
        .collect()
}

/// Only what was asked for; the rest of an endpoint is what the engine made of it.
fn endpoint(service: &ServiceName, sibling: &Value, endpoint: &Value, name: &str, api: ApiVersion) -> Value {
    let mut asked = Map::new();
    for field in ["Links", "DriverOpts", "GwPriority"] {
        let known = field != "GwPriority" || api >= ApiVersion::GATEWAY_PRIORITY;
        if known && !endpoint[field].is_null() {
            asked.insert(field.into(), endpoint[field].clone());
        }
    }
    let id = text(&sibling["Id"]);
    let own_names = [text(&sibling["Name"]).trim_start_matches('/'), text(&sibling["Config"]["Hostname"])];
    let is_own = |alias: &str| {
        // Old engines list the short ID and the host name among the aliases.
        (alias.len() >= 12 && id.starts_with(alias)) || own_names.contains(&alias)
    };
    let mut aliases = vec![name.to_owned(), service.service.clone()];
    for alias in strings(&endpoint["Aliases"]) {
        if !is_own(alias) && !aliases.iter().any(|known| known == alias) {
            aliases.push(alias.to_owned());
        }
    }
    // The default bridge has no names, and refuses aliases.
    let mode = text(&sibling["HostConfig"]["NetworkMode"]);
    if !matches!(mode, "bridge" | "default") {
        asked.insert("Aliases".into(), json!(aliases));
    }
    Value::Object(asked)
}

fn platform(sibling: &Value, facts: &Facts) -> Option<String> {
    let platform = &sibling["ImageManifestDescriptor"]["platform"];
    let architecture = platform["architecture"].as_str().filter(|own| *own != facts.architecture)?;
    let mut name = format!("{}/{architecture}", platform["os"].as_str().unwrap_or("linux"));
    if let Some(variant) = platform["variant"].as_str() {
        name = format!("{name}/{variant}");
    }
    Some(name)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests;
