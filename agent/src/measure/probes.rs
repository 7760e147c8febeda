//! Runs what policies ask to be measured in applications: each endpoint of each service, and each queue, in a task of
//! its own, so that one that hangs delays no other.

use std::{sync::Arc, time::Duration};

use bus::{
    Bus,
    payload::{Probe, ServiceName, SignalSample},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    now_ms,
    prometheus::{Endpoint, MetricProbe},
};
use crate::model::Host;

/// A queue that does not tell its length within this is told as missing. It is longer than the time between samples,
/// because a server under load answers late rather than never.
const QUEUE_LIMIT: Duration = Duration::from_secs(2);

/// The probes that run.
pub(crate) struct Probes {
    interval: Duration,
    model: watch::Receiver<Arc<Host>>,
    bus: Bus,
    found: mpsc::Sender<SignalSample>,
    tasks: Vec<(Group, JoinHandle<()>)>,
}

/// Probes that are answered together.
#[derive(Clone, Debug, PartialEq)]
enum Group {
    Endpoint { service: ServiceName, port: Option<u16>, path: String, probes: Vec<MetricProbe> },
    Queue { service: ServiceName, signal: String, server: Option<String>, stream: String, consumer: String },
    Unknown { service: ServiceName, probe: serde_json::Value },
}

impl Probes {
    pub(crate) fn new(
        interval: Duration,
        model: watch::Receiver<Arc<Host>>,
        bus: Bus,
        found: mpsc::Sender<SignalSample>,
    ) -> Self {
        Self { interval, model, bus, found, tasks: Vec::new() }
    }

    /// Runs these from now on. Those that ran before go on with what they remember.
    pub(crate) fn assign(&mut self, assigned: &[(ServiceName, Vec<Probe>)]) {
        let wanted = groups(assigned);
        self.tasks.retain(|(group, task)| {
            let keep = wanted.contains(group);
            if !keep {
                task.abort();
            }
            keep
        });
        for group in wanted {
            if !self.tasks.iter().any(|(running, _)| *running == group) {
                let task = tokio::spawn(probe(
                    group.clone(),
                    self.interval,
                    self.model.clone(),
                    Arc::clone(&self.bus),
                    self.found.clone(),
                ));
                self.tasks.push((group, task));
            }
        }
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        for (_, task) in &self.tasks {
            task.abort();
        }
    }
}

fn groups(assigned: &[(ServiceName, Vec<Probe>)]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (name, probe) in assigned.iter().flat_map(|(name, probes)| probes.iter().map(move |probe| (name, probe))) {
        match probe.clone() {
            Probe::Prometheus { signal, port, path, metric, labels, read } => {
                let probe = MetricProbe { signal, metric, labels, read };
                let same = groups.iter_mut().find_map(|group| match group {
                    Group::Endpoint { service, port: its_port, path: its_path, probes }
                        if service == name && *its_port == port && *its_path == path =>
                    {
                        Some(probes)
                    }
                    _ => None,
                });
                match same {
                    Some(probes) => probes.push(probe),
                    None => groups.push(Group::Endpoint { service: name.clone(), port, path, probes: vec![probe] }),
                }
            }
            Probe::Jetstream { signal, server, stream, consumer } => {
                groups.push(Group::Queue { service: name.clone(), signal, server, stream, consumer });
            }
            Probe::Unknown(probe) => groups.push(Group::Unknown { service: name.clone(), probe }),
        }
    }
    groups
}

async fn probe(
    group: Group,
    every: Duration,
    model: watch::Receiver<Arc<Host>>,
    bus: Bus,
    found: mpsc::Sender<SignalSample>,
) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut endpoint = match &group {
        Group::Endpoint { service, port, path, probes } => {
            Some(Endpoint::new(service.clone(), *port, path.clone(), probes.clone()))
        }
        Group::Queue { .. } | Group::Unknown { .. } => None,
    };
    loop {
        ticks.tick().await;
        let at_ms = now_ms();
        let signals = match (&group, &mut endpoint) {
            (_, Some(endpoint)) => {
                let host = Arc::clone(&model.borrow());
                endpoint.round(&host, at_ms).await
            }
            (Group::Queue { service, signal, server, stream, consumer }, None) => {
                let length = timeout(QUEUE_LIMIT, bus.queue_length(server.as_deref(), stream, consumer)).await;
                let (value, error) = match length {
                    // A queue of more than 2^53 messages would lose digits, and nothing else.
                    Ok(Ok(length)) => (Some(length as f64), None),
                    Ok(Err(error)) => (None, Some(format!("queue {stream}/{consumer}: {error}"))),
                    Err(_) => (None, Some(format!("queue {stream}/{consumer}: no answer within {QUEUE_LIMIT:?}"))),
                };
                vec![of_service(service, signal, at_ms, value, error)]
            }
            (Group::Unknown { service, probe }, None) => {
                let (kind, signal) = described(probe);
                let error = format!("this agent does not know probes of kind {kind}: update it, or change the policy");
                vec![of_service(service, &signal, at_ms, None, Some(error))]
            }
            (Group::Endpoint { .. }, None) => Vec::new(),
        };
        for signal in signals {
            if found.send(signal).await.is_err() {
                return;
            }
        }
    }
}

fn of_service(
    service: &ServiceName,
    signal: &str,
    at_ms: u64,
    value: Option<f64>,
    error: Option<String>,
) -> SignalSample {
    SignalSample {
        project: service.project.clone(),
        service: service.service.clone(),
        signal: signal.to_owned(),
        at_ms,
        value,
        replicas: None,
        error,
    }
}

/// Kind and signal of a probe of which only that much is known: `{"<kind>": {"signal": "<signal>", …}}`.
fn described(probe: &serde_json::Value) -> (String, String) {
    let first = probe.as_object().and_then(|object| object.iter().next());
    let kind = first.map_or_else(|| "?".to_owned(), |(kind, _)| kind.clone());
    let signal = first.and_then(|(_, body)| body.get("signal")?.as_str()).unwrap_or("?").to_owned();
    (kind, signal)
}

#[cfg(test)]
mod tests {
    use bus::payload::Read;
    use serde_json::json;

    use super::*;
    use crate::measure::testing::shop_web;

    fn prometheus(signal: &str, path: &str) -> Probe {
        Probe::Prometheus {
            signal: signal.into(),
            port: None,
            path: path.into(),
            metric: "m".into(),
            labels: std::collections::BTreeMap::new(),
            read: Read::Rate,
        }
    }

    #[test]
    fn probes_of_one_endpoint_share_its_scrape() {
        let probes = vec![prometheus("a", "/metrics"), prometheus("b", "/other"), prometheus("c", "/metrics")];
        let signals: Vec<Vec<String>> = groups(&[(shop_web(), probes)])
            .into_iter()
            .map(|group| match group {
                Group::Endpoint { probes, .. } => probes.into_iter().map(|probe| probe.signal).collect(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(signals, [vec!["a".to_owned(), "c".to_owned()], vec!["b".to_owned()]]);
    }

    #[test]
    fn a_probe_of_a_newer_version_is_named() {
        assert_eq!(described(&json!({"redis": {"signal": "jobs", "key": "k"}})), ("redis".into(), "jobs".into()));
        assert_eq!(described(&json!(7)), ("?".into(), "?".into()));
    }
}
