//! Signals from the Prometheus text endpoints of a service's replicas.
//!
//! ```text
//! scrape (each replica, at once) → text (lines to series) → history (per replica) → combine (per service)
//! ```
//!
//! What cannot be read never counts as zero. A value covers the replicas that it was read from, their number is in
//! `replicas`, and `error` names those that are missing. A sum over some of the replicas looks like less load than
//! there is, so whoever reads it must take it as a lower bound: enough to grow on, never to shrink on.

mod combine;
mod history;
mod quantile;
mod scrape;
mod text;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use bus::payload::{Read, ServiceName, SignalSample};
use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::Instant;

use crate::model::{Host, Replica};
use combine::Contribution;
use history::History;
pub use history::WINDOW;
pub use scrape::{MAX_BODY_BYTES, SCRAPE_LIMIT};
pub use text::{LineError, Series, parse};

/// One value to make of an endpoint's metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricProbe {
    /// The signal's name in the policy.
    pub signal: String,
    /// The metric's name (of a histogram: without `_bucket`).
    pub metric: String,
    /// Labels that a series must carry.
    pub labels: BTreeMap<String, String>,
    /// What to make of it.
    pub read: Read,
}

/// The endpoint of one service: one scrape of each replica serves all its probes.
#[derive(Debug)]
pub struct Endpoint {
    service: ServiceName,
    port: Option<u16>,
    path: String,
    probes: Vec<MetricProbe>,
    origin: Instant,
    replicas: BTreeMap<String, Remembered>,
}

/// What is remembered of one replica.
#[derive(Debug)]
struct Remembered {
    started_ms: Option<u64>,
    address: Option<IpAddr>,
    /// Of each probe, in their order.
    histories: Vec<History>,
}

impl Endpoint {
    /// An endpoint not scraped yet. Without `port`, the only exposed TCP port of each replica is taken.
    pub fn new(service: ServiceName, port: Option<u16>, path: String, probes: Vec<MetricProbe>) -> Self {
        Self { service, port, path, probes, origin: Instant::now(), replicas: BTreeMap::new() }
    }

    /// Scrapes every running replica, all at once, and gives a sample for each probe. Takes no longer than
    /// [`SCRAPE_LIMIT`].
    pub async fn round(&mut self, host: &Host, at_ms: u64) -> Vec<SignalSample> {
        let running: Vec<&Replica> = host
            .services
            .get(&self.service)
            .into_iter()
            .flat_map(|service| &service.replicas)
            .filter(|replica| replica.summary.state == "running")
            .collect();
        self.remember_only(&running);
        // The counters are as of the answer: a slow one covers more time than a quick one.
        let answers = join_all(running.iter().map(async |replica| {
            let answer = self.scrape(replica).await;
            (self.origin.elapsed(), answer)
        }))
        .await;
        let mut contributions: Vec<Vec<Contribution>> = self.probes.iter().map(|_| Vec::new()).collect();
        for (replica, (at, answer)) in running.into_iter().zip(answers) {
            for (of_probe, contribution) in contributions.iter_mut().zip(self.contribute(replica, at, answer)) {
                of_probe.push(contribution);
            }
        }
        let each_probe = self.probes.iter().zip(contributions);
        each_probe.map(|(probe, contributions)| self.sample(probe, at_ms, &contributions)).collect()
    }

    /// A restarted replica is another one: its counters begin at zero.
    fn remember_only(&mut self, running: &[&Replica]) {
        let started = |id: &str| running.iter().find(|replica| replica.summary.id == id).map(|r| r.summary.started_ms);
        self.replicas.retain(|id, remembered| started(id) == Some(remembered.started_ms));
        for replica in running {
            self.replicas.entry(replica.summary.id.clone()).or_insert_with(|| Remembered {
                started_ms: replica.summary.started_ms,
                address: None,
                histories: self.probes.iter().map(|_| History::default()).collect(),
            });
        }
    }

    async fn scrape(&self, replica: &Replica) -> Result<(IpAddr, String), String> {
        let port = self.port.map_or_else(|| only_port(replica), Ok)?;
        let known = self.replicas.get(&replica.summary.id).and_then(|remembered| remembered.address);
        let addresses = addresses(replica, known);
        if addresses.is_empty() {
            return Err("it has no address: it is in no network".to_owned());
        }
        scrape::scrape(&addresses, port, &self.path).await
    }

    /// What one replica adds to each probe.
    fn contribute(
        &mut self,
        replica: &Replica,
        at: Duration,
        answer: Result<(IpAddr, String), String>,
    ) -> Vec<Contribution> {
        let who = replica.summary.name.clone();
        let ready = replica.summary.ready_ms.is_some();
        let Some(remembered) = self.replicas.get_mut(&replica.summary.id) else { return Vec::new() };
        let body = match answer {
            Ok((address, body)) => {
                remembered.address = Some(address);
                Ok(body)
            }
            Err(error) => {
                remembered.address = None;
                Err(error)
            }
        };
        let each_probe = self.probes.iter().zip(&mut remembered.histories);
        each_probe
            .map(|(probe, history)| {
                let found = body.as_ref().map_err(String::clone).and_then(|body| combine::select(probe, body));
                let read = found.and_then(|found| combine::read(probe, history, at, found));
                Contribution { who: who.clone(), ready, read }
            })
            .collect()
    }

    fn sample(&self, probe: &MetricProbe, at_ms: u64, contributions: &[Contribution]) -> SignalSample {
        let combined = combine::combine(probe, contributions);
        SignalSample {
            project: self.service.project.clone(),
            service: self.service.service.clone(),
            signal: probe.signal.clone(),
            at_ms,
            value: combined.value,
            replicas: Some(combined.replicas),
            error: combined.error,
        }
    }
}

/// Status and text of what a replica answers at `path`; without `port`, at its only exposed TCP port.
pub(crate) async fn get(
    replica: &Replica,
    port: Option<u16>,
    path: &str,
    limit: Duration,
) -> Result<(u16, String), String> {
    let port = port.map_or_else(|| only_port(replica), Ok)?;
    let addresses = addresses(replica, None);
    if addresses.is_empty() {
        return Err("it has no address: it is in no network".to_owned());
    }
    let answer = scrape::fetch(&addresses, port, path, limit).await?;
    Ok((answer.status.as_u16(), answer.body))
}

fn only_port(replica: &Replica) -> Result<u16, String> {
    match replica.exposed_tcp.as_slice() {
        [port] => Ok(*port),
        [] => Err("it exposes no TCP port: give the probe a port in the policy".to_owned()),
        several => Err(format!("it exposes the TCP ports {several:?}: give the probe one of them in the policy")),
    }
}

/// Where to look for a replica: where it last answered, else all its addresses at once, because which of its networks
/// the agent shares is not known from here.
fn addresses(replica: &Replica, known: Option<IpAddr>) -> Vec<IpAddr> {
    if let Some(address) = known.filter(|known| replica.addresses.values().any(|address| address == known)) {
        return vec![address];
    }
    let mut addresses: Vec<IpAddr> = replica.addresses.values().copied().collect();
    let mode = replica.inspect.pointer("/HostConfig/NetworkMode").and_then(Value::as_str);
    if addresses.is_empty() && mode == Some("host") {
        addresses.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    addresses
}

#[cfg(test)]
mod tests;
