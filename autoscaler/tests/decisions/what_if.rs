//! What would be decided if things were otherwise.

use std::time::Duration;

use autoscaler::{
    Hypothesis, Supposed, Verdict,
    quantity::{Quantity, SignalName, Unit},
};

use crate::driver::{Story, policy, seconds};

fn set(signal: &str, value: Quantity) -> Hypothesis {
    Hypothesis { signals: vec![(SignalName::new(signal), Supposed::Value(value))], ..Hypothesis::default() }
}

#[test]
fn supposing_changes_the_answer_and_nothing_else() {
    let latency = |value| Quantity::Absolute { value, unit: Unit::Seconds };
    let rules = "target cpu 50%; above latency.p95 0.25 for 5s add 2";
    let mut story = Story::new(policy("stabilize_down 0s, cooldown_down 0s, warm_up 2s", rules), 4);
    story.both(20, 1.8, "latency.p95", 0.1);
    let before = story.evaluate();
    let hold = Verdict::Hold { at: 4 };
    let to = |to| Verdict::Scale { from: 4, to };
    let slow = Hypothesis { lasting: Duration::from_secs(10), ..set("latency.p95", latency(0.4)) };
    let gone = Hypothesis { signals: vec![(SignalName::new("cpu"), Supposed::Missing)], ..Hypothesis::default() };
    let twice = Hypothesis { replicas: Some(8), ..Hypothesis::default() };
    let both = Hypothesis { replicas: Some(8), ..set("cpu", Quantity::OfLimit(0.9)) };
    for (name, hypothesis, expected) in [
        ("nothing is otherwise", Hypothesis::default(), hold),
        ("busier replicas", set("cpu", Quantity::OfLimit(0.9)), to(8)),
        ("idle replicas", set("cpu", Quantity::OfLimit(0.2)), to(2)),
        ("latency just now", set("latency.p95", latency(0.4)), hold),
        ("latency for as long as the rule wants", slow, to(6)),
        ("no sample of cpu", gone, hold),
        ("twice the replicas share the same work", twice, Verdict::Scale { from: 8, to: 4 }),
        ("twice the replicas, as busy", both, Verdict::Scale { from: 8, to: 15 }),
        ("another policy", Hypothesis { policy: Some(policy("min 6", rules)), ..Hypothesis::default() }, to(6)),
    ] {
        assert_eq!(story.what_if(&hypothesis).verdict, expected, "{name}");
    }
    assert_eq!(story.evaluate(), before);
    assert_eq!(story.now(), before.at.plus(seconds(0)));
}
