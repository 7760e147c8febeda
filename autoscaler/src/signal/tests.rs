use proptest::prelude::*;

use super::*;
use crate::{event::Observation, policy::Guards, quantity::Unit};

const START: u64 = 1_000_000;

fn reads(signal: &str, seconds: u64) -> Reads {
    Reads { signal: SignalName::new(signal), window: Duration::from_secs(seconds), unit: Unit::Number }
}

fn replica(number: usize) -> Replica {
    let ready_since = Some(Timestamp::from_millis(START));
    Replica { id: ReplicaId::new(format!("replica-{number}")), ready_since, ..Replica::default() }
}

fn sample(signal: &str, of: Option<usize>, at: Timestamp, value: f64) -> Sample {
    let of = of.map_or(Subject::Service, |number| Subject::Replica(replica(number).id));
    Sample { signal: SignalName::new(signal), of, at, reading: Reading::Value(value) }
}

fn points(signals: &Signals, signal: &str) -> usize {
    signals.get(&SignalName::new(signal)).map_or(0, |signal| signal.service.len())
}

#[test]
fn samples_are_kept_for_as_long_as_anybody_looks_back_on_them() {
    let mut signals = Signals::default();
    let fill = |signals: &mut Signals, seconds: std::ops::Range<u64>| {
        for second in seconds {
            let now = Timestamp::from_millis(START + second * 1000);
            for signal in ["a", "b", "c"] {
                signals.add(&[sample(signal, None, now, 1.0)], now);
            }
        }
    };
    fill(&mut signals, 0..1000);
    assert_eq!(
        ["a", "b", "c"].map(|name| points(&signals, name)),
        [601; 3],
        "nobody said who looks back how far; and one before that"
    );
    signals.keep_for(&[reads("a", 15), reads("a", 60), reads("b", 0)]);
    assert_eq!(["a", "b", "c"].map(|name| points(&signals, name)), [61, 1, 1], "what is too old goes at once");
    fill(&mut signals, 1000..1100);
    assert_eq!(["a", "b", "c"].map(|name| points(&signals, name)), [61, 1, 1]);
    signals.forget(&SignalName::new("a"));
    fill(&mut signals, 1100..1200);
    assert_eq!(points(&signals, "a"), 61, "who looks back how far is not forgotten with the samples");
}

proptest! {
    #[test]
    fn what_is_not_kept_changes_no_reading(
        samples in proptest::collection::vec((0_usize..4, 0_u64..4000, 0_u64..9000, 0.0_f64..10.0), 1..120),
        windows in proptest::collection::vec(0_u64..90, 1..4),
        wait in 0_u64..12_000,
    ) {
        let reads: Vec<Reads> =
            windows.iter().flat_map(|seconds| [reads("cpu", *seconds), reads("depth", *seconds)]).collect();
        let (mut all, mut few) = (Signals::default(), Signals::default());
        few.keep_for(&reads);
        let mut now = Timestamp::from_millis(START);
        for (of, late, later, value) in samples {
            now = now.plus(Duration::from_millis(later));
            let at = now.minus(Duration::from_millis(late));
            let sample = if of == 3 { sample("depth", None, at, value) } else { sample("cpu", Some(of), at, value) };
            all.add(std::slice::from_ref(&sample), now);
            few.add(&[sample], now);
        }
        let replicas: Vec<Replica> = (0..3).map(replica).collect();
        let guards = Guards::default();
        let observation = Observation { replicas, ..Observation::default() };
        let now = now.plus(Duration::from_millis(wait));
        let view = Viewpoint::new(now, &observation, Timestamp::default(), &guards);
        for reads in &reads {
            prop_assert_eq!(all.read(reads, &view), few.read(reads, &view));
        }
    }
}
