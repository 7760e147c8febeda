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
    Autoscaler, Evaluation, Event, Policy, Timestamp,
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
const WEEK: u64 = 7 * DAY;

fn replay(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(1));
    let mut service = Service::new(4);
    (0..600).for_each(|_| service.step(400.0));
    group.bench_function("a second that holds", |bencher| bencher.iter(|| service.step(400.0)));
    let mut service = Service::new(4);
    let mut seconds = 0..;
    group.bench_function("a second of a day", |bencher| {
        bencher.iter(|| seconds.next().map(|second| service.step(by_day(second))));
    });
    group.sample_size(10).throughput(Throughput::Elements(WEEK));
    group.bench_function("a week", |bencher| {
        bencher.iter(|| {
            let mut service = Service::new(4);
            (0..WEEK).for_each(|second| service.step(by_day(second)));
            black_box(service.scaled)
        });
    });
    group.bench_function("a week in the same space", |bencher| {
        bencher.iter(|| {
            let (mut service, mut space) = (Service::new(4), None);
            (0..WEEK).for_each(|second| service.step_in_place(by_day(second), &mut space));
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
        self.act(&evaluation);
    }

    /// The same, but samples and evaluation are written where those of the second before were.
    fn step_in_place(&mut self, requests: f64, space: &mut Option<(Vec<Sample>, Evaluation)>) {
        self.now = self.now.plus(SECOND);
        let (samples, evaluation) =
            space.get_or_insert_with(|| (self.samples(requests), self.autoscaler.evaluate(self.now)));
        if samples.len() == 2 * self.replicas.len() + 2 {
            for (sample, value) in samples.iter_mut().zip(self.values(requests)) {
                sample.at = self.now;
                sample.reading = Reading::Value(value);
            }
        } else {
            *samples = self.samples(requests);
        }
        self.autoscaler.handle_samples(samples, self.now);
        self.autoscaler.evaluate_into(evaluation, self.now);
        self.act(evaluation);
    }

    fn act(&mut self, evaluation: &Evaluation) {
        self.autoscaler.record(evaluation);
        if evaluation.verdict.direction().is_some() {
            self.scaled += 1;
            self.list(evaluation.verdict.replicas().map_or(0, |replicas| replicas as usize));
        }
    }

    fn samples(&self, requests: f64) -> Vec<Sample> {
        let [cpu, memory, rate, latency] = &self.names;
        let of_replicas = self.replicas.iter().flat_map(|replica| {
            let of = Subject::Replica(replica.id.clone());
            [(cpu, of.clone()), (memory, of)]
        });
        let all = of_replicas.chain([(rate, Subject::Service), (latency, Subject::Service)]);
        all.zip(self.values(requests))
            .map(|((signal, of), value)| Sample {
                signal: signal.clone(),
                of,
                at: self.now,
                reading: Reading::Value(value),
            })
            .collect()
    }

    /// What the samples say: each request takes 5 ms of a core.
    fn values(&self, requests: f64) -> impl Iterator<Item = f64> + use<> {
        let replicas = self.replicas.len();
        let each = requests * 0.005 / replicas as f64;
        std::iter::repeat_n([each, 1e8], replicas).flatten().chain([requests, 0.1 + each * 0.1])
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
    ReplicaId::new(format!("{digits:016x}").repeat(4))
}

criterion_group!(benches, replay);
criterion_main!(benches);
