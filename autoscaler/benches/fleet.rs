//! A fleet of services, each sampled once a second: what one of them takes of memory, and what a round over all takes of one
//! core. Prints a table with the aims beside.
//!
//! ```text
//! cargo bench -p autoscaler --bench fleet            100,000 services
//! cargo bench -p autoscaler --bench fleet -- 5000    so many
//! ```
//!
//! Two or three replicas each, `cpu` and `memory` of each of them and one signal of the service, three rules, default guards.
//! Memory is what the process has resident (Linux: `/proc`), with what the allocator loses. It is looked at twice: after a
//! minute, of all, and after eleven, of a fiftieth, as no rule looks back further than ten. Time is that on the processor,
//! so that what else the machine does counts for little.

#![expect(clippy::disallowed_macros, clippy::disallowed_methods, reason = "a bench prints, and looks at its process")]

use std::{env, fs, sync::Arc, time::Duration};

use autoscaler::{
    Autoscaler, Event, Policy, Timestamp,
    event::{HostCapacity, Observation, Reading, Replica, ReplicaId, Sample, Subject},
    policy_file,
    quantity::SignalName,
};

const SERVICES: usize = 100_000;
/// Services whose samples are made at once, beside the time that is measured.
const BATCH: usize = 100;
const FEWEST: usize = 500;
const MOST_BYTES: f64 = 8.0 * 1024.0;
const MOST_SECONDS: f64 = 5e-6;

const POLICY: &str = "
service: shop/*
replicas: { min: 2, max: 10 }
signals:
  requests: published
rules:
  - target: { signal: cpu, per_replica: 70% }
  - target: { signal: requests, per_replica: 120/s }
  - threshold: { signal: memory, above: 85%, for: 30s, add: 1 }
";

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let usual = if env::args().any(|argument| argument == "--bench") { SERVICES } else { FEWEST };
    let services = env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(usual).max(FEWEST);
    let policy = policy_file::parse("policy", POLICY).expect("a policy").policies.remove(0);
    let policy = Arc::new(policy);
    let few = (services / 50).max(FEWEST);
    let after_eleven_minutes = Fleet::of(few, &policy).run(660);
    let after_a_minute = Fleet::of(services, &policy).run(60);
    let Run { bytes, seconds, .. } = after_a_minute;
    println!("| {services} services | aim | measured |\n|---|---|---|");
    println!("| memory of one after a minute | at most {MOST_BYTES:.0} bytes | {bytes:.0} bytes |");
    println!(
        "| … after eleven minutes, of {few} | at most {MOST_BYTES:.0} bytes | {:.0} bytes |",
        after_eleven_minutes.bytes
    );
    let aim = MOST_SECONDS * services as f64;
    println!("| a round over all: samples, evaluate, record | below {aim:.2} s | {seconds:.2} s |");
    println!("| … of which each | below {:.1} µs | {:.1} µs |", MOST_SECONDS * 1e6, seconds / services as f64 * 1e6);
    println!("| verdicts that scale | – | {} |", after_a_minute.scaled);
}

struct Fleet {
    autoscalers: Vec<Autoscaler>,
    resident_before: f64,
    now: Timestamp,
}

/// What was found at the end.
struct Run {
    /// Of one service.
    bytes: f64,
    /// The median round of the last half.
    seconds: f64,
    /// Verdicts that were not to hold.
    scaled: usize,
}

impl Fleet {
    fn of(services: usize, policy: &Arc<Policy>) -> Self {
        let resident_before = resident_bytes();
        let now = Timestamp::from_millis(1_800_000_000_000);
        let autoscalers = (0..services).map(|service| {
            let mut autoscaler = Autoscaler::new(Arc::clone(policy));
            autoscaler.handle_event(Event::Observed(observation(service, now)), now);
            autoscaler
        });
        Self { autoscalers: autoscalers.collect(), resident_before, now }
    }

    /// So many seconds.
    fn run(mut self, rounds: usize) -> Run {
        let mut seconds = Vec::new();
        let mut scaled = 0;
        for _ in 0..rounds {
            self.now = self.now.plus(Duration::from_secs(1));
            seconds.push(self.round(&mut scaled));
        }
        let bytes = (resident_bytes() - self.resident_before) / self.autoscalers.len() as f64;
        let mut late = seconds.split_off(rounds / 2);
        late.sort_by(f64::total_cmp);
        Run { bytes, seconds: late[late.len() / 2], scaled }
    }

    /// Seconds on the processor that one round takes.
    fn round(&mut self, scaled: &mut usize) -> f64 {
        let now = self.now;
        let mut seconds = 0.0;
        let mut service = 0;
        for batch in self.autoscalers.chunks_mut(BATCH) {
            let events: Vec<Event> = (service..service + batch.len()).map(|service| samples(service, now)).collect();
            service += batch.len();
            let before = processor_seconds();
            for (autoscaler, event) in batch.iter_mut().zip(events) {
                autoscaler.handle_event(event, now);
                let evaluation = autoscaler.evaluate(now);
                *scaled += usize::from(evaluation.verdict.direction().is_some());
                autoscaler.record(&evaluation);
            }
            seconds += processor_seconds() - before;
        }
        seconds
    }
}

fn replicas(service: usize) -> usize {
    2 + service % 2
}

fn id(service: usize, replica: usize) -> ReplicaId {
    // As unlike each other as container IDs are.
    let digits = (service * 3 + replica + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ReplicaId::new(format!("{digits:016x}").repeat(4))
}

fn observation(service: usize, now: Timestamp) -> Observation {
    let replicas = (0..replicas(service)).map(|replica| Replica {
        id: id(service, replica),
        started: Some(now.minus(Duration::from_mins(10))),
        ready_since: Some(now.minus(Duration::from_mins(10))),
        cpu_limit_cores: Some(1.0),
        memory_limit_bytes: Some(512e6),
        ..Replica::default()
    });
    let host =
        HostCapacity { cores: Some(8.0), memory_bytes: Some(16e9), busy_cores: Some(3.0), available_bytes: Some(9e9) };
    Observation { replicas: replicas.collect(), host, ..Observation::default() }
}

/// The samples of one second: CPU swings so that more and fewer replicas are wanted in turn.
fn samples(service: usize, now: Timestamp) -> Event {
    let swing = ((now.as_millis() / 1000 + service as u64 * 7) as f64 / 30.0).sin();
    let sample =
        |signal, of, value| Sample { signal: SignalName::new(signal), of, at: now, reading: Reading::Value(value) };
    let mut samples = Vec::with_capacity(7);
    for replica in 0..replicas(service) {
        let of = Subject::Replica(id(service, replica));
        samples.push(sample("cpu", of.clone(), 0.5 + 0.12 * swing + replica as f64 / 100.0));
        samples.push(sample("memory", of, 256e6 + 1e6 * swing));
    }
    samples.push(sample("requests", Subject::Service, 150.0 + 20.0 * swing));
    Event::Samples(samples)
}

/// What the process has in memory.
fn resident_bytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line on resident memory");
    let kilobytes = line.trim().trim_end_matches("kB").trim();
    kilobytes.parse::<f64>().expect("a number") * 1024.0
}

/// How long the process's only thread has been on a processor.
fn processor_seconds() -> f64 {
    let times = fs::read_to_string("/proc/self/schedstat").expect("Linux with its scheduler's statistics");
    let nanoseconds = times.split_whitespace().next().expect("the time on a processor");
    nanoseconds.parse::<f64>().expect("a number") / 1e9
}
