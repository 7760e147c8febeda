//! Policy files: what they mean, and what is said about the broken ones.

#![expect(clippy::disallowed_methods, reason = "the core does no input or output; its tests read their files")]

mod diff;
mod golden;
mod layers;
mod layout;
mod properties;
mod schema;
mod traps;

use std::{fs, path::Path, time::Duration};

use autoscaler::{
    Policy,
    policy::{Arithmetic, Guards, HpaSettings, Lasting, Mode, Rule, RuleKind, Tolerance},
    policy_file::{fmt, parse},
    text::render_all,
};

#[test]
fn every_key_is_read() -> Result<(), Box<dyn std::error::Error>> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy_file/whole.yaml"))?;
    let file = parse("whole.yaml", &text)?;
    assert_eq!(file.policies.len(), 2);
    insta::assert_json_snapshot!("whole", file.policies[0]);
    insta::assert_snapshot!("whole-warnings", render_all(&file.warnings));
    insta::assert_snapshot!("whole-layout", fmt("whole.yaml", &text)?);
    Ok(())
}

#[test]
fn what_is_not_given_is_as_by_default() {
    let policy = policy("");
    assert_eq!((policy.mode, policy.pause, policy.arithmetic), (Mode::Act, None, Arithmetic::Demand));
    assert_eq!(policy.guards, Guards::default());
    let [Rule { kind: RuleKind::Threshold(threshold), .. }, Rule { kind: RuleKind::Target(target), .. }] =
        policy.rules.as_slice()
    else {
        panic!("{:?}", policy.rules)
    };
    assert_eq!((threshold.lasting, threshold.window), (Lasting::For(Duration::ZERO), Rule::WINDOW));
    assert_eq!((target.tolerance, target.window), (Tolerance::both(Rule::TOLERANCE), Rule::WINDOW));
}

#[test]
fn guards_that_are_left_out_come_from_the_base() {
    let hpa = Arithmetic::KubernetesHpa(HpaSettings::default());
    for (more, guards, arithmetic) in [
        ("guards: {}", Guards::default(), Arithmetic::Demand),
        ("guards: default", Guards::default(), Arithmetic::Demand),
        ("guards: none", Guards::none(), Arithmetic::Demand),
        ("guards: { base: none }", Guards::none(), Arithmetic::Demand),
        ("guards: kubernetes-hpa", Guards::kubernetes_hpa(), Arithmetic::Demand),
        ("compat: kubernetes-hpa", Guards::kubernetes_hpa(), hpa),
        ("compat: kubernetes-hpa\nguards: default", Guards::default(), hpa),
    ] {
        let policy = policy(more);
        assert_eq!((policy.guards, policy.arithmetic), (guards, arithmetic), "{more}");
    }
    let mut some = Guards::none();
    some.down.cooldown = Duration::from_mins(1);
    assert_eq!(policy("guards: { base: none, down: { cooldown: 1m } }").guards, some);
}

#[test]
fn tolerance_of_the_guards_is_for_the_targets_that_do_not_say() {
    let policy = policy("guards: { up: { tolerance: 0% }, down: { tolerance: 120% } }");
    let [_, Rule { kind: RuleKind::Target(target), .. }] = policy.rules.as_slice() else {
        panic!("{:?}", policy.rules)
    };
    assert_eq!(target.tolerance, Tolerance { up: 0.0, down: 1.2 });
}

fn policy(more: &str) -> Policy {
    let text = "service: shop/web\nreplicas: { min: 1, max: 3 }\nrules:\n  \
                - threshold: { signal: cpu, above: 80%, add: 1 }\n  - target: { signal: cpu, per_replica: 70% }\n";
    let file = parse("web.yaml", &format!("{text}{more}\n")).unwrap_or_else(|errors| panic!("{errors}"));
    file.policies.into_iter().next().expect("a policy")
}
