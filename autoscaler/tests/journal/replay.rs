//! Told again what is written, from any `Began` on, an autoscaler decides the same.

use std::time::Duration;

use autoscaler::{
    Autoscaler, Evaluation, Event, Policy, Timestamp,
    event::{HostCapacity, Observation, Outcome, Peer, Phase, Reading, Replica, ReplicaId, Sample, Subject},
    explain,
    journal::{self, Entry, What},
    policy_file,
    quantity::SignalName,
};
use proptest::prelude::*;

/// A policy whose every part remembers something.
pub(crate) fn policy() -> Policy {
    let text = "\
service: shop/web
replicas: { min: 1, max: 9 }
signals:
  latency.p95: published
  jobs: published
  strain: { formula: \"latency.p95 * 10 + jobs ?? 0\" }
rules:
  - target: { signal: cpu, per_replica: 70%, window: 20s }
  - target: { signal: memory, per_replica: 200MiB }
  - threshold: { signal: latency.p95, above: 250ms, for: 4s, add: 2 }
  - threshold: { signal: strain, below: 1, for: 6s, remove: 1 }
  - queue: { signal: jobs, per_replica: 20 }
  - schedule: { daily: \"08:00-20:00\", replicas: { min: 2 } }
guards:
  up: { cooldown: 3s, at_most: [4 per 15s] }
  down: { cooldown: 7s, stabilize: 9s, at_most: [1 per 5s] }
  missing: { last_good: 5s }
  warm_up: 2s
  kill_budget: 4 per 1m
";
    let read = policy_file::parse("test.yaml", text).unwrap_or_else(|errors| panic!("{errors}"));
    read.policies.into_iter().next().expect("it has one policy")
}

/// Writes down what it does to an autoscaler.
struct Recorder {
    autoscaler: Autoscaler,
    entries: Vec<Entry>,
    evaluations: Vec<Evaluation>,
}

impl Recorder {
    fn new(policy: Policy, now: Timestamp) -> Self {
        let mut recorder = Self { autoscaler: Autoscaler::new(policy), entries: Vec::new(), evaluations: Vec::new() };
        recorder.begin(now);
        recorder
    }

    fn begin(&mut self, now: Timestamp) {
        let what = What::Began(Box::new(self.autoscaler.snapshot()));
        self.entries.push(Entry { at: now, what });
    }

    fn tell(&mut self, event: Event, now: Timestamp) {
        self.entries.push(Entry { at: now, what: What::Event(event.clone()) });
        self.autoscaler.handle_event(event, now);
    }

    fn look(&mut self, now: Timestamp) {
        let evaluation = self.autoscaler.evaluate(now);
        self.autoscaler.record(&evaluation);
        self.entries.push(Entry { at: now, what: What::Looked { number: evaluation.number } });
        self.evaluations.push(evaluation);
    }
}

/// What is decided from the `Began` of this number on, and how many evaluations came before it.
fn replay(text: &str, began: usize) -> (usize, Vec<Evaluation>) {
    let entries = journal::read(text).unwrap_or_else(|errors| panic!("{errors}"));
    let (mut seen, mut before) = (0, 0);
    let mut autoscaler: Option<Autoscaler> = None;
    let mut evaluations = Vec::new();
    for Entry { at, what } in entries {
        match (what, &mut autoscaler) {
            (What::Began(snapshot), None) => {
                if seen == began {
                    autoscaler = Some(Autoscaler::resume(*snapshot));
                }
                seen += 1;
            }
            (What::Looked { .. }, None) => before += 1,
            (What::Event(event), Some(autoscaler)) => autoscaler.handle_event(event, at),
            (What::Looked { .. }, Some(autoscaler)) => {
                let evaluation = autoscaler.evaluate(at);
                autoscaler.record(&evaluation);
                evaluations.push(evaluation);
            }
            _ => {}
        }
    }
    (before, evaluations)
}

/// What happens in one round.
#[derive(Clone, Debug)]
struct Round {
    after_ms: u64,
    cores: Option<f64>,
    mute: usize,
    latency: Option<f64>,
    other: u8,
    begins: bool,
}

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let round = (
        prop_oneof![6 => 900_u64..1100, 1 => 0_u64..50, 1 => 3000_u64..20_000],
        proptest::option::weighted(0.9, 0.0..7.0_f64),
        0_usize..3,
        proptest::option::weighted(0.8, 0.0..0.6_f64),
        0_u8..60,
        proptest::bool::weighted(0.1),
    );
    let round = round.prop_map(|(after_ms, cores, mute, latency, other, begins)| Round {
        after_ms,
        cores,
        mute,
        latency,
        other,
        begins,
    });
    proptest::collection::vec(round, 1..80)
}

/// A service that carries out each verdict at once, recorded.
fn record(rounds: &[Round]) -> Recorder {
    // Five minutes to eight in the morning: the schedule begins within the story.
    let mut now = Timestamp::from_millis(1_800_000_000_000 - 300_000);
    let mut recorder = Recorder::new(policy(), now);
    let mut replicas: Vec<Replica> = Vec::new();
    for (number, round) in rounds.iter().enumerate() {
        let next = now.plus(Duration::from_millis(round.after_ms));
        while let Some(wakeup) = recorder.autoscaler.next_wakeup(now).filter(|wakeup| wakeup.at < next) {
            now = wakeup.at;
            recorder.look(now);
        }
        now = next;
        if round.begins {
            recorder.begin(now);
        }
        if recorder.autoscaler.memory().target().is_none_or(|target| target as usize != replicas.len()) {
            let target = recorder.autoscaler.memory().target().unwrap_or(2) as usize;
            replicas.truncate(target);
            while replicas.len() < target {
                let id = ReplicaId::new(format!("{number:04x}{:04x}", replicas.len()));
                let since = Some(now.minus(Duration::from_secs(1)));
                let (started, ready_since) = (since, since);
                replicas.push(Replica { id, started, ready_since, cpu_limit_cores: Some(1.0), ..Replica::default() });
            }
            recorder.tell(Event::Observed(listed(&replicas, Phase::Settled)), now);
        }
        recorder.tell(Event::Samples(samples(round, &replicas, now)), now);
        for event in others(round, &replicas, now) {
            recorder.tell(event, now);
        }
        recorder.look(now);
    }
    recorder
}

fn listed(replicas: &[Replica], phase: Phase) -> Observation {
    let host = HostCapacity { cores: Some(8.0), memory_bytes: Some(16e9), ..HostCapacity::default() };
    Observation { replicas: replicas.to_vec(), phase, host, ..Observation::default() }
}

fn samples(round: &Round, replicas: &[Replica], now: Timestamp) -> Vec<Sample> {
    let at = now.minus(Duration::from_millis(37));
    let sample = |signal: &str, of, reading| Sample { signal: SignalName::new(signal), of, at, reading };
    let mut samples = Vec::new();
    for (place, replica) in replicas.iter().enumerate().skip(round.mute) {
        let of = || Subject::Replica(replica.id.clone());
        let Some(cores) = round.cores else { continue };
        let share = (cores / replicas.len() as f64).min(1.0);
        samples.push(sample("cpu", of(), Reading::Value(share)));
        samples.push(sample("memory", of(), Reading::Value(1e8 * share + place as f64)));
    }
    let latency = match round.latency {
        Some(latency) if round.mute > 1 => {
            Reading::Partial { value: latency, replicas: 1, why: "two did not answer".into() }
        }
        Some(latency) => Reading::Value(latency),
        None if round.mute > 0 => Reading::Idle,
        None => Reading::Missing("connection refused".into()),
    };
    samples.push(sample("latency.p95", Subject::Service, latency));
    samples
}

fn others(round: &Round, replicas: &[Replica], now: Timestamp) -> Vec<Event> {
    let peer = Peer { target: 2, wants: 3, ready: 1, carries: Some(4) };
    match round.other {
        0 => vec![Event::HostLost],
        1 => vec![Event::HostFound],
        2 => vec![Event::Rescaled { replicas: 4 }],
        3 => vec![Event::Peer { service: "db".into(), peer: Some(peer) }],
        4 => vec![Event::Peer { service: "db".into(), peer: None }],
        5 => vec![Event::BudgetUsed { name: "connections".into(), by_others: 12.0 }],
        6 => vec![Event::Outcome(Outcome::Failed { why: "no image".into(), retry_at: None })],
        7 => vec![Event::Outcome(Outcome::Reached { replicas: 2 })],
        8 => vec![Event::Observed(listed(replicas, Phase::Changing { since: now, why: "compose up".into() }))],
        9 => vec![Event::Observed(listed(replicas, Phase::Settled))],
        10 => vec![Event::PolicyReplaced(Box::new(Policy { rules: policy().rules.split_off(1), ..policy() }))],
        11 => vec![Event::PolicyReplaced(Box::new(policy()))],
        _ => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn from_any_began_on_the_evaluations_are_the_same(rounds in rounds()) {
        let recorded = record(&rounds);
        let text = journal::write(&recorded.entries);
        let began = recorded.entries.iter().filter(|entry| matches!(entry.what, What::Began(_))).count();
        for number in 0..began {
            let (before, replayed) = replay(&text, number);
            prop_assert_eq!(&recorded.evaluations[before..], &replayed[..]);
        }
    }
}

#[test]
fn the_story_is_worth_replaying() {
    let round = |number: u32| Round {
        after_ms: 700 + u64::from(number * 37 % 900),
        cores: Some(f64::from(number % 40) / 5.0),
        mute: 0,
        latency: Some(f64::from(number % 30) / 80.0),
        other: 60,
        begins: false,
    };
    let recorded = record(&(0..120).map(round).collect::<Vec<_>>());
    let scaled = recorded.evaluations.iter().filter(|evaluation| evaluation.verdict.direction().is_some()).count();
    assert!(scaled >= 5, "only {scaled} times");
    assert!(recorded.evaluations.len() > 120, "it wakes up by itself as well");
    let (_, replayed) = replay(&journal::write(&recorded.entries), 0);
    let sentences = |all: &[Evaluation]| all.iter().map(explain::sentence).collect::<Vec<_>>();
    assert_eq!(sentences(&recorded.evaluations), sentences(&replayed));
}
