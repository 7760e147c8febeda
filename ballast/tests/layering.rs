//! Who may depend on whom, held in every run: `deny.toml` says it, `cargo metadata` says how it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value;

/// What the decisions may use. None of it waits, reads, or tells the time.
const AUTOSCALER_MAY_USE: [&str; 9] =
    ["croner", "forecast", "granit-parser", "humantime", "jiff", "serde", "serde_json", "strsim", "thiserror"];

/// What forecasts may use. Random numbers come from seeds alone: nothing below brings others.
const FORECAST_MAY_USE: [&str; 7] = ["base64", "half", "linregress", "rand_chacha", "rustfft", "serde", "thiserror"];

/// What a replay must not drag in, however indirectly: it builds in seconds and runs where there is no Docker.
const NOT_BELOW_REPLAY: [&str; 7] = ["agent", "async-nats", "bollard", "bus", "rusqlite", "sysinfo", "tokio"];

/// What would let the decisions differ between two runs, or wait.
const NOT_BELOW_AUTOSCALER: [&str; 7] = ["async-std", "chrono", "fastrand", "getrandom", "mio", "rand", "tokio"];

/// What jiff may be built with, by anybody: its `std` would bring the clock and the host's time zone files.
const JIFF_MAY_HAVE: [&str; 2] = ["alloc", "tzdb-bundle-always"];

#[test]
fn only_those_named_in_deny_toml_depend_on_what_it_names() {
    let graph = Graph::read();
    let mut wrong = Vec::new();
    for ban in bans() {
        for dependent in graph.dependents(&ban.name) {
            if !ban.wrappers.contains(&dependent) {
                wrong.push(format!("{dependent} depends on {}, but {}", ban.name, ban.reason));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\ndeny.toml says who may", wrong.join("\n"));
}

#[test]
fn the_graph_is_seen_at_all() {
    let graph = Graph::read();
    assert!(graph.dependents("async-nats").contains("bus"), "else the test above proves nothing");
    let named: BTreeSet<String> = bans().into_iter().map(|ban| ban.name).collect();
    for part in ["agent", "autoscaler", "bollard", "async-nats", "bus", "controller", "sysinfo"] {
        assert!(named.contains(part), "deny.toml no longer says who may depend on {part}");
    }
}

#[test]
fn the_decisions_depend_on_their_short_list_only() {
    let graph = Graph::read();
    for dependency in &graph.normal["autoscaler"] {
        assert!(AUTOSCALER_MAY_USE.contains(&dependency.as_str()), "autoscaler depends on {dependency}");
    }
    for dependency in &graph.normal["forecast"] {
        assert!(FORECAST_MAY_USE.contains(&dependency.as_str()), "forecast depends on {dependency}");
    }
    assert_eq!(graph.all_below("autoscaler", &NOT_BELOW_AUTOSCALER), BTreeSet::new());
}

#[test]
fn time_zones_are_part_of_the_program_and_there_is_no_clock_beside_them() {
    let features = &Graph::read().features["jiff"];
    assert!(!features.is_empty(), "else this proves nothing");
    for feature in features {
        assert!(JIFF_MAY_HAVE.contains(&feature.as_str()), "jiff is built with `{feature}`");
    }
}

#[test]
fn a_replay_knows_neither_docker_nor_nats() {
    assert_eq!(Graph::read().all_below("replay", &NOT_BELOW_REPLAY), BTreeSet::new());
}

/// An entry of `bans.deny`.
struct Ban {
    name: String,
    wrappers: BTreeSet<String>,
    reason: String,
}

/// The entries of `bans.deny`, one per line. A line of that list that does not read as one fails the test, so that
/// none is passed over.
fn bans() -> Vec<Ban> {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml is there");
    let (_, list) = text.split_once("\ndeny = [\n").expect("deny.toml has bans.deny");
    let (list, _) = list.split_once("\n]").expect("the list ends");
    let entries = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    entries.map(|line| ban(line).unwrap_or_else(|| panic!("deny.toml: not an entry of one line: {line}"))).collect()
}

fn ban(line: &str) -> Option<Ban> {
    let rest = line.strip_prefix("{ crate = \"")?;
    let (name, rest) = rest.split_once("\", wrappers = [")?;
    let (wrappers, rest) = rest.split_once("], reason = \"")?;
    let reason = rest.strip_suffix("\" },")?;
    let wrappers = wrappers.split(", ").filter(|name| !name.is_empty());
    let wrappers = wrappers.map(|name| Some(name.strip_prefix('"')?.strip_suffix('"')?.to_owned()));
    Some(Ban { name: name.into(), wrappers: wrappers.collect::<Option<_>>()?, reason: reason.into() })
}

/// Which package depends on which, by name.
#[derive(Default)]
struct Graph {
    /// All kinds of dependencies, also of tests and build scripts.
    any: BTreeMap<String, BTreeSet<String>>,
    /// What ends up in the program.
    normal: BTreeMap<String, BTreeSet<String>>,
    /// What each is built with.
    features: BTreeMap<String, BTreeSet<String>>,
    /// The name of each package ID.
    names: BTreeMap<String, String>,
    /// The same as `normal`, by package ID.
    by_id: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn read() -> Self {
        let metadata = metadata();
        let names: BTreeMap<&str, &str> = list(&metadata["packages"])
            .filter_map(|package| Some((package["id"].as_str()?, package["name"].as_str()?)))
            .collect();
        let mut graph = Self::default();
        for node in list(&metadata["resolve"]["nodes"]) {
            let id = node["id"].as_str().expect("a node has an id");
            let name = names[id];
            graph.names.insert(id.into(), name.into());
            let features = list(&node["features"]).filter_map(Value::as_str).map(ToOwned::to_owned);
            graph.features.entry(name.into()).or_default().extend(features);
            let any = graph.any.entry(name.into()).or_default();
            let normal = graph.normal.entry(name.into()).or_default();
            for dependency in list(&node["deps"]) {
                let on_id = dependency["pkg"].as_str().expect("a dependency has a package");
                let on = names[on_id];
                any.insert(on.into());
                if list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null()) {
                    normal.insert(on.into());
                    graph.by_id.entry(id.into()).or_default().insert(on_id.into());
                }
            }
        }
        graph
    }

    fn dependents(&self, name: &str) -> BTreeSet<String> {
        let depends = |(dependent, on): (&String, &BTreeSet<String>)| on.contains(name).then(|| dependent.clone());
        self.any.iter().filter_map(depends).collect()
    }

    /// Those of `wanted` that `name` depends on, directly or not.
    fn all_below(&self, name: &str, wanted: &[&str]) -> BTreeSet<String> {
        // By package and not by name: of two versions, one may depend on what the other does not.
        let called = |id: &String| self.names[id].clone();
        let mut seen = BTreeSet::new();
        let mut open: Vec<&String> = self.names.keys().filter(|id| called(id) == name).collect();
        while let Some(next) = open.pop() {
            let below = self.by_id.get(next).into_iter().flatten();
            open.extend(below.filter(|id| seen.insert(*id)));
        }
        let mut seen: BTreeSet<String> = seen.into_iter().map(called).collect();
        seen.retain(|name| wanted.contains(&name.as_str()));
        seen
    }
}

/// What cargo says, for this platform, of what it has already fetched.
fn metadata() -> Value {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--all-features"])
        .args(["--filter-platform", &platform])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
