//! What a replay asks of the decisions at each moment that is sampled: the samples taken in, an evaluation, and that one
//! recorded. One service with three rules and default guards, sampled once a second: `cpu` and `memory` of each replica and
//! two signals of the service. criterion prints evaluations a second as `elem/s`.
//!
//! ```text
//! cargo bench -p autoscaler --bench replay             all
//! cargo bench -p autoscaler --bench replay -- week     604,800 seconds of load that comes and goes by day
//! ```
//!
//! Making the samples is in the figures.

use std::{hint::black_box, time::Duration};

use autoscaler::{
    Autoscaler, Event, Policy, Timestamp,
    event::{HostCapacity, Observation, Reading, Replica, ReplicaId, Sample, Subject},
    policy_file,
    quantity::SignalName,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const POLICY: &str = "
service: shop/web
replicas: { min: 2, max: 20 }
signals:
  requests: published
  latency.p95: published
rules:
  - target: { signal: cpu, per_replica: 70% }
  - target: { signal: requests, per_replica: 120/s }
  - threshold: { signal: latency.p95, above: 250ms, for: 30s, add: 50% }
";

const SECOND: Duration = Duration::from_secs(1);
/// In seconds.
const DAY: u64 = 86_400;

fn replay(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(1));
    let mut service = Service::new(4);
    for _ in 0..600 {
        service.step(400.0);
    }
    group.bench_function("a step that holds", |bencher| bencher.iter(|| service.step(400.0)));
    let mut service = Service::new(4);
    let mut second = 0;
    group.bench_function("a step of a day", |bencher| {
        bencher.iter(|| {
            service.step(by_day(second));
            second += 1;
        });
    });
    group.sample_size(10).throughput(Throughput::Elements(7 * DAY));
    group.bench_function("a week", |bencher| {
        bencher.iter(|| {
            let mut service = Service::new(4);
            (0..7 * DAY).for_each(|second| service.step(by_day(second)));
            black_box(service.scaled)
        });
    });
    group.finish();
}

/// Requests a second: 300 in the mean, by day more, with waves of minutes and a flutter of seconds.
fn by_day(second: u64) -> f64 {
    let wave = |period: u64| ((second % period) as f64 / period as f64 * std::f64::consts::TAU).sin();
    300.0 - 180.0 * wave(DAY) + 40.0 * wave(420) + 15.0 * wave(7)
}

/// A service and who decides for it.
struct Service {
    autoscaler: Autoscaler,
    now: Timestamp,
    names: [SignalName; 4],
    replicas: Vec<Replica>,
    made: usize,
    scaled: u64,
}

impl Service {
    fn new(replicas: usize) -> Self {
        let policy: Policy = policy_file::parse("policy", POLICY).expect("a policy").policies.remove(0);
        let mut service = Self {
            autoscaler: Autoscaler::new(policy),
            now: Timestamp::from_millis(1_800_000_000_000),
            names: ["cpu", "memory", "requests", "latency.p95"].map(SignalName::new),
            replicas: Vec::new(),
            made: 0,
            scaled: 0,
        };
        service.list(replicas);
        service
    }

    /// One second with so many requests: what was measured is told, decided upon, and what was decided is done.
    fn step(&mut self, requests: f64) {
        self.now = self.now.plus(SECOND);
        let samples = self.samples(requests);
        self.autoscaler.handle_event(Event::Samples(samples), self.now);
        let evaluation = self.autoscaler.evaluate(self.now);
        self.autoscaler.record(&evaluation);
        if evaluation.verdict.direction().is_some() {
            self.scaled += 1;
            self.list(evaluation.verdict.replicas().map_or(0, |replicas| replicas as usize));
        }
    }

    /// Each request takes 5 ms of a core.
    fn samples(&self, requests: f64) -> Vec<Sample> {
        let [cpu, memory, rate, latency] = &self.names;
        let sample = |signal: &SignalName, of, value| Sample {
            signal: signal.clone(),
            of,
            at: self.now,
            reading: Reading::Value(value),
        };
        let mut samples = Vec::with_capacity(2 * self.replicas.len() + 2);
        let each = requests * 0.005 / self.replicas.len() as f64;
        for replica in &self.replicas {
            samples.push(sample(cpu, Subject::Replica(replica.id.clone()), each));
            samples.push(sample(memory, Subject::Replica(replica.id.clone()), 1e8));
        }
        samples.push(sample(rate, Subject::Service, requests));
        samples.push(sample(latency, Subject::Service, 0.1 + each * 0.1));
        samples
    }

    /// There are so many replicas from now on.
    fn list(&mut self, replicas: usize) {
        self.replicas.truncate(replicas);
        while self.replicas.len() < replicas {
            self.replicas.push(Replica {
                id: id(self.made),
                started: Some(self.now),
                ready_since: Some(self.now),
                cpu_limit_cores: Some(1.0),
                memory_limit_bytes: Some(512e6),
                ..Replica::default()
            });
            self.made += 1;
        }
        let host = HostCapacity {
            cores: Some(8.0),
            memory_bytes: Some(16e9),
            busy_cores: Some(3.0),
            available_bytes: Some(9e9),
        };
        let observation = Observation { replicas: self.replicas.clone(), host, ..Observation::default() };
        self.autoscaler.handle_event(Event::Observed(observation), self.now);
    }
}

/// As unlike each other as container IDs are.
fn id(replica: usize) -> ReplicaId {
    let digits = (replica + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ReplicaId(format!("{digits:016x}").repeat(4))
}

criterion_group!(benches, replay);
criterion_main!(benches);
