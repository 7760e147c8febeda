//! What is fuzzed: whatever comes in from outside as text. Nothing may panic, and what holds for every input is asserted.

use std::collections::BTreeMap;

use autoscaler::policy_file::{self, Catalog, Source};

/// A policy file.
pub(crate) fn policy_text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let parsed = policy_file::parse("policy.yaml", text);
    if let Err(errors) = &parsed {
        assert!(!errors.0.is_empty(), "an error without a word");
        assert!(!errors.to_string().is_empty());
    }
    let (catalog, _) = Catalog::read(vec![Source::file("policy.yaml", text)]);
    drop(catalog.resolve("host", "shop", "web", &BTreeMap::new()));
    if let (Ok(before), Ok(laid_out)) = (&parsed, policy_file::fmt("policy.yaml", text)) {
        let after = policy_file::parse("policy.yaml", &laid_out).expect("what is laid out can be read");
        assert_eq!(before.policies, after.policies, "laid out, it says the same:\n{laid_out}");
        assert_eq!(policy_file::fmt("policy.yaml", &laid_out).as_deref(), Ok(laid_out.as_str()), "twice is as once");
    }
}

/// Labels: a name and a value on each line, with `=` between them.
pub(crate) fn labels(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let pairs = |prefix: &str| -> BTreeMap<String, String> {
        let pair = |line: &str| line.split_once('=').map(|(name, value)| (format!("{prefix}{name}"), value.to_owned()));
        text.lines().filter_map(pair).collect()
    };
    let (catalog, _) = Catalog::read(vec![Source::environment(pairs("BALLAST_POLICY__"))]);
    let mut labels = pairs("ballast.");
    drop(catalog.resolve("host", "shop", "web", &labels));
    labels.insert("ballast.max".to_owned(), "5".to_owned());
    drop(catalog.resolve("host", "shop", "web", &labels));
}

/// A state, decided upon.
pub(crate) fn state(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // A policy with one rule of each kind, so that whatever the state says is read by something.
    let policy = policy_file::parse("policy.yaml", POLICY).expect("a good policy").policies.remove(0);
    if let Ok(states) = autoscaler::state::read("state.json", text) {
        for evaluation in autoscaler::state::evaluate_all(&policy, &states) {
            assert!(!autoscaler::explain::sentence(&evaluation).is_empty());
            drop(autoscaler::explain::next(&evaluation));
        }
    }
}

const POLICY: &str = include_str!("every-rule.yaml");
