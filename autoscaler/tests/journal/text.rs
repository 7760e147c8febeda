//! The text, both ways.

use autoscaler::{
    Autoscaler, Event, Timestamp, Verdict,
    event::{
        HostCapacity, Observation, Outcome, Peer, Phase, Reading, Replica, ReplicaId, ReplicaState, Sample, Subject,
    },
    journal::{self, Decided, Entry, HEADER, What},
    quantity::SignalName,
};
use proptest::prelude::*;

use crate::replay::policy;

#[test]
fn a_journal_looks_like_this() {
    let at = Timestamp::from_millis;
    let sample = |at, signal: &str, of: &str, reading| Sample {
        signal: SignalName::new(signal),
        of: if of.is_empty() { Subject::Service } else { Subject::Replica(ReplicaId::new(of)) },
        at,
        reading,
    };
    let partial = Reading::Partial { value: 1e-9, replicas: 3, why: "a, b: \"refused\"".into() };
    let samples = vec![
        sample(at(950), "cpu", "3f2a", Reading::Value(0.1 + 0.2)),
        sample(at(950), "memory", "3f2a", Reading::Value(419_430_400.0)),
        sample(at(960), "latency.p95", "", Reading::Missing("connection refused".into())),
        sample(at(960), "errors", "", Reading::Idle),
        sample(at(970), "jobs", "", partial),
        sample(at(970), "@odd", "@odd", Reading::Value(-0.0)),
    ];
    let verdict = Verdict::Scale { from: 1, to: 3 };
    let peer = Peer { target: 2, wants: 3, ready: 2, carries: Some(8) };
    let whats = [
        What::Event(Event::Samples(samples)),
        What::Event(Event::Observed(observation())),
        What::Event(Event::Outcome(Outcome::Failed { why: "no image".into(), retry_at: Some(at(9000)) })),
        What::Event(Event::HostLost),
        What::Event(Event::HostFound),
        What::Event(Event::Rescaled { replicas: 4 }),
        What::Event(Event::Peer { service: "shop/db".into(), peer: Some(peer) }),
        What::Event(Event::Peer { service: "db".into(), peer: None }),
        What::Event(Event::BudgetUsed { name: "connections".into(), by_others: 12.5 }),
        What::Looked { number: 17 },
        What::Decided(Decided { number: 17, verdict, sentence: "from 1 to 3, because".into() }),
        What::Lost { entries: 12 },
    ];
    let entries: Vec<Entry> =
        whats.into_iter().zip(1_u64..).map(|(what, n)| Entry { at: at(n * 1000), what }).collect();
    let text = journal::write(&entries);
    insta::assert_snapshot!(text);
    assert_eq!(journal::read(&text), Ok(entries));
}

#[test]
fn what_a_person_wrote_is_told_when_it_was_true() {
    let text = format!(
        "{HEADER}# by hand\r\n1000,cpu,a,0.5\r\n1000, cpu,b,1e-1 \n\n2000,cpu,a,1\n2000,@look,,1\n3000,cpu,a,2\n"
    );
    let entries = journal::read(&text).expect("it is a journal");
    let told: Vec<_> = entries
        .iter()
        .map(|entry| match &entry.what {
            What::Event(Event::Samples(samples)) => (entry.at.as_millis(), samples.len()),
            _ => (entry.at.as_millis(), 0),
        })
        .collect();
    assert_eq!(told, [(1000, 2), (2000, 1), (2000, 0), (3000, 1)]);
}

#[test]
fn pieces_put_together_are_the_whole() {
    let entries: Vec<_> =
        (1..9).map(|n| Entry { at: Timestamp::from_millis(n), what: What::Looked { number: n } }).collect();
    let mut text = HEADER.to_owned();
    for piece in entries.chunks(3) {
        let mut part = String::new();
        for entry in piece {
            journal::append(&mut part, entry);
        }
        text.push_str(&part);
    }
    assert_eq!(text, journal::write(&entries));
}

fn observation() -> Observation {
    let id = |id: &str| ReplicaId::new(id);
    let serving = Replica {
        id: id("3f2a"),
        started: Some(Timestamp::from_millis(1)),
        ready_since: Some(Timestamp::from_millis(2)),
        cpu_limit_cores: Some(0.5),
        ..Replica::default()
    };
    let failed = Replica { id: id("77b1"), state: ReplicaState::Failed, restarts: 3, ..Replica::default() };
    Observation {
        replicas: vec![serving, failed],
        phase: Phase::Changing { since: Timestamp::from_millis(7), why: "compose up".into() },
        most: Some(8),
        host: HostCapacity { cores: Some(8.0), ..HostCapacity::default() },
        ..Observation::default()
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,12}", "[,\"\r\n#@: a]{0,6}", "\\PC{0,6}"]
}

fn reading() -> impl Strategy<Value = Reading> {
    let value = || prop_oneof![proptest::num::f64::NORMAL, Just(0.0), Just(-0.0), Just(f64::INFINITY), Just(5e-324)];
    prop_oneof![
        4 => value().prop_map(Reading::Value),
        1 => (value(), 0_u32..9, text()).prop_map(|(value, replicas, why)| Reading::Partial { value, replicas, why }),
        1 => Just(Reading::Idle),
        1 => text().prop_map(Reading::Missing),
    ]
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let of = prop_oneof![Just(Subject::Service), text().prop_map(|id| Subject::Replica(ReplicaId::new(id)))];
    let signal = text().prop_filter("a signal has a name", |name| !name.is_empty());
    let sample = (signal, of, any::<u64>(), reading()).prop_map(|(signal, of, at, reading)| Sample {
        signal: SignalName::new(signal),
        of,
        at: Timestamp::from_millis(at),
        reading,
    });
    proptest::collection::vec(sample, 0..4)
}

fn what() -> impl Strategy<Value = What> {
    let peer = proptest::option::of(any::<(u32, u32, u32, Option<u32>)>());
    let peer = peer.prop_map(|peer| peer.map(|(target, wants, ready, carries)| Peer { target, wants, ready, carries }));
    let number = proptest::num::f64::NORMAL;
    prop_oneof![
        4 => samples().prop_map(|samples| What::Event(Event::Samples(samples))),
        1 => (text(), number).prop_map(|(why, cores)| {
            let host = HostCapacity { cores: Some(cores), ..HostCapacity::default() };
            What::Event(Event::Observed(Observation { refusals: vec![why], host, ..observation() }))
        }),
        1 => (text(), any::<Option<u64>>()).prop_map(|(why, at)| {
            What::Event(Event::Outcome(Outcome::Failed { why, retry_at: at.map(Timestamp::from_millis) }))
        }),
        1 => any::<u32>().prop_map(|replicas| What::Event(Event::Rescaled { replicas })),
        1 => (text(), peer).prop_map(|(service, peer)| What::Event(Event::Peer { service, peer })),
        1 => (text(), number).prop_map(|(name, by_others)| What::Event(Event::BudgetUsed { name, by_others })),
        1 => any::<u64>().prop_map(|number| What::Looked { number }),
        1 => any::<u64>().prop_map(|entries| What::Lost { entries }),
        1 => (any::<u64>(), text()).prop_map(|(number, sentence)| {
            What::Decided(Decided { number, verdict: Verdict::Hold { at: 2 }, sentence })
        }),
        1 => Just(What::Event(Event::PolicyReplaced(Box::new(policy())))),
        1 => Just(What::Restarted),
        1 => Just(What::Began(Box::new(Autoscaler::new(policy()).snapshot()))),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(whats in proptest::collection::vec((0_u64..9, what()), 0..12)) {
        let mut at = 0;
        let entries: Vec<Entry> = whats.into_iter().map(|(later, what)| {
            at += later;
            Entry { at: Timestamp::from_millis(at), what }
        }).collect();
        prop_assert_eq!(journal::read(&journal::write(&entries)), Ok(entries));
    }
}
