//! What a missing signal does.

use crate::{
    driver::seconds,
    rules::{Service, absolute, only},
};
use autoscaler::{
    evaluation::{Opinion, WakeupReason},
    explain,
    policy::{Fallback, Goal, Missing, MissingPolicies, Policy, Rule, RuleKind, Target, Tolerance},
    quantity::{SignalName, Unit},
};

fn target() -> Rule {
    RuleKind::Target(Target {
        signal: SignalName::new("requests"),
        goal: Goal::PerReplica(absolute(100.0, Unit::PerSecond)),
        window: Rule::WINDOW,
        tolerance: Tolerance::both(0.1),
    })
    .into()
}

fn service(missing: Missing) -> Service {
    let mut policy = only(vec![target()]);
    policy.guards.missing = MissingPolicies { default: missing, ..MissingPolicies::default() };
    let mut service = Service::new(Policy { limits: autoscaler::policy::Limits::new(1, 20), ..policy }, 4);
    service.hear(seconds(1), &[("requests", 250.0)]);
    service
}

#[test]
fn a_missing_signal_does_what_the_policy_says_by_duration() {
    use Opinion::{Unknown, Wants};
    let hold = Missing::default();
    let keeps = Missing { last_good: seconds(120), ..hold };
    let at_least = Missing { after: seconds(30), then: Fallback::AtLeast(6), ..hold };
    let all = Missing { last_good: seconds(60), after: seconds(30), then: Fallback::Max };
    for (name, missing, silence, expected) in [
        ("fresh", hold, 10, Wants(3)),
        ("hold", hold, 11, Unknown),
        ("the last good value goes on", keeps, 120, Wants(3)),
        ("and no longer than that", keeps, 121, Unknown),
        ("at first it holds", at_least, 29, Unknown),
        ("then there are at least so many", at_least, 30, Wants(6)),
        ("first the last good value", all, 60, Wants(3)),
        ("then all that there may be", all, 61, Wants(20)),
        ("fewer than there are is no fallback", Missing { then: Fallback::AtLeast(2), ..hold }, 60, Unknown),
    ] {
        let mut service = service(missing);
        service.now = service.now.plus(seconds(silence));
        assert_eq!(service.first().0, expected, "{name}: {}", service.first().1);
    }
}

#[test]
fn it_says_so_and_when_that_ends() {
    let missing = Missing { last_good: seconds(60), after: seconds(90), then: Fallback::Max };
    let mut service = service(missing);
    let mut told = Vec::new();
    let heard = service.now;
    for second in [0, 20, 61, 90] {
        service.now = heard.plus(seconds(second));
        service.serve(4);
        let evaluation = service.autoscaler.evaluate(service.now);
        let next = evaluation.next.as_ref().map(|next| (next.at.since(heard), &next.because));
        told.push(format!("{second} s  {}\n      next: {next:?}", explain::sentence(&evaluation)));
        if second == 20 {
            let next = evaluation.next.as_ref().map(|next| &next.because);
            assert_eq!(next, Some(&WakeupReason::Stale(SignalName::new("requests"))));
        }
    }
    insta::assert_snapshot!(told.join("\n"));
}
