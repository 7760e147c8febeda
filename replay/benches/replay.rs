//! How fast a week goes by: `cargo bench -p replay`. One service, sampled every second, drawn load of a day's shape.
//!
//! Each line is a run, with its seconds, evaluations per second, and the most memory that the process has had so far, which
//! shall not grow with the length of the scenario.

use std::time::{Duration, Instant};

use autoscaler::{Event, Timestamp, policy_file};
use replay::{
    Scaler, Scenario,
    scaler::{PolicyScaler, Seen},
    scenario::{
        Arrivals, BEGINS, Balance, Demand, Host, LatencyObjective, Load, LoadKind, Objective, Part, Play, Queue,
        Replicas, Service, ServiceModel, Shared, Source, Start,
    },
    simulation,
};

const POLICY: &str = "
service: shop/web
replicas: { min: 2, max: 20 }
signals: { requests: published, latency.p95: published }
rules:
  - target: { signal: requests, per_replica: 35/s }
  - target: { signal: cpu, per_replica: 70% }
  - threshold: { signal: latency.p95, above: 250ms, for: 30s, add: 50% }
";
const DAY: Duration = Duration::from_hours(24);

fn main() {
    let policy = || {
        let policy = policy_file::parse("policy", POLICY).expect("it is right").policies.remove(0);
        PolicyScaler::new("three rules", policy)
    };
    for (name, kind, days) in [
        ("a day, three rules", LoadKind::Requests, 1),
        ("a week, three rules", LoadKind::Requests, 7),
        ("a week, three rules, closed load", LoadKind::Users { think: Duration::from_secs(1) }, 7),
    ] {
        measure(name, &scenario(kind, days), &mut policy());
    }
    for (name, days) in [("a week, nobody scales", 7), ("ten weeks, nobody scales", 70)] {
        measure(name, &scenario(LoadKind::Requests, days), &mut Nobody);
    }
}

fn measure(name: &str, scenario: &Scenario, scaler: &mut dyn Scaler) {
    let begins = Instant::now();
    let run = simulation::run(scenario, scaler, &mut []).expect("a closed loop");
    let took = begins.elapsed().as_secs_f64();
    let rate = run.decisions as f64 / took;
    println!(
        "{name:34} {took:7.3} s  {:>8} evaluations  {:>4} changes  {:6.3} million/s  {}",
        run.decisions,
        run.changes,
        rate / 1e6,
        most_memory()
    );
}

/// As Linux counts it.
fn most_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

/// Twelve replicas, whatever happens; takes no events, so that what is left is the simulation.
struct Nobody;

impl Scaler for Nobody {
    fn name(&self) -> String {
        "nobody".to_owned()
    }

    fn decide(&mut self, _seen: &Seen, _told: &mut Vec<Event>, _now: Timestamp) -> Option<u32> {
        Some(12)
    }

    fn why(&self) -> String {
        String::new()
    }
}

fn scenario(kind: LoadKind, days: u32) -> Scenario {
    let at = Duration::from_hours(15);
    let parts = vec![
        Part::Daily { peak: 320.0, night: 0.2, at, weekend: 0.4 },
        Part::Noise { spread: 0.05, every: Duration::from_secs(10) },
    ];
    let service = ServiceModel {
        takes: 0.02,
        spread: 1.0,
        at_once: 1,
        cpu: 0.02,
        idle_cpu: 0.01,
        cpu_limit: Some(1.0),
        memory: None,
        start: Start::default(),
        stop: Duration::from_secs(10),
        balance: Balance::RoundRobin,
        queue: Queue::default(),
        shared: Shared::default(),
    };
    Scenario {
        name: "week".to_owned(),
        about: String::new(),
        from: "drawn".to_owned(),
        service: Service { host: String::new(), project: "shop".to_owned(), service: "web".to_owned() },
        begins: BEGINS,
        lasts: DAY * days,
        every: Duration::from_secs(1),
        seed: 1,
        replicas: Replicas { start: 4, min: 2, max: 20 },
        policy: None,
        objective: Objective {
            latency: Some(LatencyObjective { quantile: 0.95, below: 0.25 }),
            ..Objective::default()
        },
        play: Play::Load(Box::new(Load {
            demand: Demand { source: Source::Drawn(parts) },
            kind,
            arrivals: Arrivals::Even,
            retries: 0.0,
            service,
            host: Host::default(),
            emits: Load::usual_signals(),
        })),
        faults: Vec::new(),
        expect: Vec::new(),
    }
}
