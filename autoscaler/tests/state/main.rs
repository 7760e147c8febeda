//! States as people write them, from the outside.

mod docs;
mod errors;
mod meaning;
mod properties;
mod reasons;

use autoscaler::{Evaluation, Policy, policy_file::parse, state};

/// A policy with those rules and guards, and everything that is in the way left out.
fn policy(rules: &str, guards: &str) -> Policy {
    let text = format!(
        "service: shop/web\nreplicas: {{ min: 1, max: 100 }}\nsignals: {{ jobs: published }}\nrules:\n{rules}\nguards: {guards}\n"
    );
    parse("policy.yaml", &text).expect("the policy is right").policies.remove(0)
}

fn evaluate(policy: &Policy, text: &str) -> Vec<Evaluation> {
    let states = state::read("state.json", text).unwrap_or_else(|errors| panic!("{text}: {errors}"));
    state::evaluate_all(policy, &states)
}

fn replicas(policy: &Policy, text: &str) -> Vec<u32> {
    evaluate(policy, text).iter().filter_map(|evaluation| evaluation.verdict.replicas()).collect()
}
