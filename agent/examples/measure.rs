//! Measures this host and some containers three times, and prints what the agent would publish, as lines of JSON.
//!
//! `measure ID:PID…`, as `docker inspect --format '{{.Id}}:{{.State.Pid}}'` prints them.
//! In a container, `HOST_PROC` and `HOST_SYS` say where the host's `/proc` and `/sys` are bound.

use std::{collections::BTreeMap, sync::Arc};

use agent::{
    measure::{self, Inputs, Options, cgroup::Roots, stats::StatsSource},
    model::{Host, Replica, Service},
};
use async_trait::async_trait;
use bus::payload::{ReplicaInventory, ServiceName};
use tokio::sync::{mpsc, watch};

struct NoEngine;

#[async_trait]
impl StatsSource for NoEngine {
    async fn stats(&self, _id: &str) -> Result<serde_json::Value, String> {
        Err("this example asks no engine".into())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut replicas = Vec::new();
    for argument in std::env::args().skip(1) {
        let (id, pid) = argument.split_once(':').ok_or("an argument is ID:PID")?;
        let summary = ReplicaInventory { id: id.to_owned(), state: "running".into(), ..ReplicaInventory::default() };
        replicas.push(Replica { summary, pid: Some(pid.parse()?), ..Replica::default() });
    }
    let name = ServiceName { project: "example".into(), service: "example".into() };
    let services = BTreeMap::from([(name, Service { replicas, ..Service::default() })]);
    let (_keep_model, model) = watch::channel(Arc::new(Host { services, ..Host::default() }));
    let (_keep_probes, probes) = watch::channel(Vec::new());
    let bus = bus::local::LocalBus::in_memory()?;
    let inputs = Inputs { model, probes, bus, stats: Arc::new(NoEngine), notes: agent::inventory::Notes::default() };
    let (send, mut samples) = mpsc::channel(1);
    let root = |variable: &str, usual: &str| std::env::var_os(variable).map_or_else(|| usual.into(), Into::into);
    let roots = Roots { proc: root("HOST_PROC", "/proc"), sys: root("HOST_SYS", "/sys") };
    tokio::spawn(measure::run(Options { roots, ..Options::default() }, inputs, send));
    for _ in 0..3 {
        let measured = samples.recv().await.ok_or("it ended")?;
        println!("{}", serde_json::to_string(&measured.host_sample)?);
        for replica in measured.replicas {
            println!("{}", serde_json::to_string(&replica)?);
        }
    }
    Ok(())
}
