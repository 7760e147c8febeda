use std::net::{IpAddr, Ipv4Addr};

use async_trait::async_trait;
use bus::payload::Read;
use tokio::{net::TcpListener, time::timeout};

use super::{
    testing::{V2_FREE, copy_of_fixture, host_with, replica, shop_web},
    *,
};

struct NoStats;

#[async_trait]
impl StatsSource for NoStats {
    async fn stats(&self, _id: &str) -> Result<serde_json::Value, String> {
        Err("no engine in this test".into())
    }
}

/// Measures replica `V2_FREE` of a fixture, and this machine.
struct Running {
    samples: mpsc::Receiver<Measured>,
    model: watch::Sender<Arc<Host>>,
    probes: watch::Sender<Vec<(ServiceName, Vec<Probe>)>>,
    _tree: testing::Tree,
}

fn running(host: Host, probes: Vec<Probe>) -> Running {
    let tree = copy_of_fixture("cgroup-v2-systemd");
    let options = Options { roots: tree.roots(), interval: Duration::from_millis(300) };
    let (model, hosts) = watch::channel(Arc::new(host));
    let (probes, assigned) = watch::channel(vec![(shop_web(), probes)]);
    let bus: Bus = bus::local::LocalBus::in_memory().expect("a bus");
    let inputs = Inputs { model: hosts, probes: assigned, bus, stats: Arc::new(NoStats), notes: Notes::default() };
    let (send, samples) = mpsc::channel(4);
    tokio::spawn(run(options, inputs, send));
    Running { samples, model, probes, _tree: tree }
}

impl Running {
    async fn next(&mut self) -> Measured {
        timeout(Duration::from_secs(10), self.samples.recv()).await.expect("in time").expect("it runs")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_sample_comes_within_half_a_second_and_has_rates() {
    let start = std::time::Instant::now();
    let mut running = running(host_with(vec![replica(V2_FREE, Some(607))]), Vec::new());
    let first = running.next().await;
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    assert!(first.host_sample.is_some_and(|host| host.cpu_busy_cores.is_some()));
    assert_eq!(first.replicas[0].cpu_cores, Some(0.0), "the fixture stands still");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_appears_between_samples_has_rates_in_the_next() {
    let mut running = running(Host::default(), Vec::new());
    assert_eq!(running.next().await.replicas, []);
    running.model.send_replace(Arc::new(host_with(vec![replica(V2_FREE, Some(607))])));
    assert_eq!(running.next().await.replicas[0].cpu_cores, Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_hangs_delays_no_sample_and_is_told_when_given_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let mut web = replica(V2_FREE, Some(607));
    web.addresses.insert("shop_default".into(), IpAddr::V4(Ipv4Addr::LOCALHOST));
    let probe = |signal: &str, port| Probe::Prometheus {
        signal: signal.into(),
        port: Some(port),
        path: "/metrics".into(),
        metric: "m".into(),
        labels: BTreeMap::new(),
        read: Read::Sum,
    };
    let hanging = listener.local_addr().expect("it is bound").port();
    let mut running = running(host_with(vec![web]), vec![probe("hangs", hanging)]);
    let queue = Probe::Jetstream { signal: "jobs".into(), server: None, stream: "s".into(), consumer: "c".into() };
    running.probes.send_replace(vec![(shop_web(), vec![probe("hangs", hanging), queue])]);

    let mut between = Vec::new();
    let mut told = BTreeMap::new();
    while told.len() < 2 {
        let start = std::time::Instant::now();
        let measured = running.next().await;
        between.push(start.elapsed());
        assert_eq!(measured.replicas.len(), 1);
        told.extend(measured.signals.into_iter().map(|signal| (signal.signal, (signal.value, signal.error))));
    }
    assert!(between.iter().all(|time| *time < Duration::from_millis(900)), "{between:?}");
    let (value, error) = &told["hangs"];
    assert_eq!(*value, None);
    assert!(error.as_ref().is_some_and(|error| error.contains("no answer of http://127.0.0.1:")), "{error:?}");
    let (value, error) = &told["jobs"];
    assert_eq!(*value, None);
    assert!(error.as_ref().is_some_and(|error| error.starts_with("queue s/c: ")), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_no_longer_assigned_are_no_longer_told() {
    let probe = Probe::Unknown(serde_json::json!({"redis": {"signal": "jobs"}}));
    let mut running = running(Host::default(), vec![probe]);
    let mut signals = Vec::new();
    while signals.is_empty() {
        signals = running.next().await.signals;
    }
    let error = signals[0].error.as_deref().unwrap_or_default();
    assert_eq!(error, "this agent does not know probes of kind redis: update it, or change the policy");
    running.probes.send_replace(Vec::new());
    // What was found before the change may still come with the next sample, and nothing after it.
    running.next().await;
    running.next().await;
    assert_eq!(running.next().await.signals, []);
}
