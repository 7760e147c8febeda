//! What was decided, and what would be.

use std::collections::BTreeMap;

use super::*;

fn story() -> Story {
    let mut story = Story::new(&[("web.yaml", WEB)]);
    story.list(0, "a", 2);
    story.measure(1, "a", 2, 0.45);
    story.measure(2, "a", 2, 0.95);
    story.list(3, "a", 3);
    story
}

#[test]
fn a_moment_in_the_past_is_answered_with_the_decision_in_force_then() {
    let story = story();
    let asked = |second, millis: u64| {
        let question = Question { at_ms: Some(at(second).as_millis() + millis), ..asking("web") };
        story.fleet.answer(Asked::Explain, &question, at(60))
    };
    let decided = |status: Status| status.services[0].decision.clone().map(|decision| (decision.from, decision.to));
    assert_eq!(decided(asked(2, 1)), Some((2, 3)));
    assert_eq!(decided(asked(1, 500)), Some((2, 2)));
    let error = Question { at_ms: Some(1000), ..asking("web") };
    let error = story.fleet.answer(Asked::Explain, &error, at(60)).error.unwrap_or_default();
    assert!(error.contains("the oldest decision"), "{error}");
}

#[test]
fn what_if_is_answered_and_changes_nothing() {
    let story = story();
    let wide = WEB.replace("0.5 cores", "0.25 cores");
    let ask = |signals: &[(&str, &str)], replicas, policy: Option<&str>| {
        let signals: BTreeMap<_, _> =
            signals.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let suppose = Suppose { signals, replicas, policy: policy.map(str::to_owned), lasting_ms: 0 };
        let question = Question { suppose: Some(suppose), ..asking("web") };
        let status = story.fleet.answer(Asked::Explain, &question, at(4));
        let decision = status.services.first().and_then(|service| service.decision.clone());
        decision.map(|decision| decision.to).ok_or_else(|| status.error.unwrap_or_default())
    };
    assert_eq!(ask(&[], None, None), Ok(3));
    assert_eq!(ask(&[("cpu", "0.9")], None, None), Ok(6));
    assert_eq!(ask(&[("cpu", "missing")], None, None), Ok(3));
    assert_eq!(ask(&[("cpu", "0.9")], Some(2), None), Ok(4));
    assert_eq!(ask(&[("cpu", "0.9")], None, Some(&wide)), Ok(10), "max of the policy");
    let error = ask(&[("cpu", "much")], None, Some("service: 1")).expect_err("neither can be read");
    assert!(error.contains("cpu=much") && error.contains("replicas"), "both at once: {error}");
    assert_eq!(ask(&[], None, None), Ok(3), "as before");
}
