//! What is supposed to be otherwise, read from a question.

use std::time::Duration;

use autoscaler::{
    Hypothesis, Policy, Supposed,
    formula::Formula,
    policy_file,
    quantity::{Quantity, SignalName, Unit},
};
use bus::payload::Suppose;

use super::ServiceKey;

/// The longest time that things can be supposed to have been otherwise.
const LONGEST: Duration = Duration::from_hours(24);

/// The hypothesis, or everything that is wrong with it.
pub(super) fn hypothesis(suppose: &Suppose, key: &ServiceKey, in_force: &Policy) -> Result<Hypothesis, String> {
    let mut errors = Vec::new();
    let mut signals = Vec::new();
    let policy = suppose.policy.as_deref().and_then(|text| match policy_naming(text, key) {
        Ok(policy) => Some(policy),
        Err(error) => {
            errors.push(error);
            None
        }
    });
    let read = policy.as_ref().unwrap_or(in_force).signals_read();
    let mut known: Vec<&str> = SignalName::BUILT_IN.to_vec();
    known.extend(read.iter().map(SignalName::as_str).filter(|name| !SignalName::BUILT_IN.contains(name)));
    for (name, text) in &suppose.signals {
        if !known.contains(&name.as_str()) {
            errors.push(format!("{name}={text}: the policy reads no signal {name}; it can read {}", known.join(", ")));
            continue;
        }
        match supposed(text) {
            Ok(value) => signals.push((SignalName::new(name), value)),
            Err(error) => errors.push(format!("{name}={text}: {error}")),
        }
    }
    let lasting = Duration::from_millis(suppose.lasting_ms);
    if lasting > LONGEST {
        errors.push("things can be supposed to have been otherwise for 24 hours at most".to_owned());
    }
    if errors.is_empty() {
        Ok(Hypothesis { signals, replicas: suppose.replicas, policy, lasting })
    } else {
        Err(errors.join("\n"))
    }
}

/// The policy of a file that names the service.
fn policy_naming(text: &str, key: &ServiceKey) -> Result<Policy, String> {
    let file = policy_file::parse("policy", text).map_err(|errors| errors.to_string())?;
    let mut policies = file.policies;
    let meant = |policy: &Policy| policy.services.matches(&key.host, &key.project, &key.service);
    if let Some(place) = policies.iter().position(meant) {
        return Ok(policies.swap_remove(place));
    }
    let others: Vec<String> = policies.iter().map(|policy| policy.services.to_string()).collect();
    Err(format!("no policy of the file names {key}; there are policies for {}", others.join(", ")))
}

/// A value as a policy writes it, or `missing`.
fn supposed(text: &str) -> Result<Supposed, String> {
    let text = text.trim();
    if text == "missing" {
        return Ok(Supposed::Missing);
    }
    let help = "write a value as a policy does, such as 90%, 250ms, 40 or 400MiB, or missing";
    let formula = Formula::parse(text).map_err(|_| help.to_owned())?;
    let value = formula.evaluate(|_| None, 0, 0).map_err(|_| help.to_owned())?;
    Ok(Supposed::Value(match text.strip_suffix('%') {
        Some(_) => Quantity::OfLimit(value),
        None => Quantity::Absolute { value, unit: Unit::Number },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_in_policies() {
        let number = |value| Ok(Supposed::Value(Quantity::Absolute { value, unit: Unit::Number }));
        for (text, expected) in [
            ("90%", Ok(Supposed::Value(Quantity::OfLimit(0.9)))),
            ("250ms", number(0.25)),
            ("40", number(40.0)),
            ("1KiB", number(1024.0)),
            ("missing", Ok(Supposed::Missing)),
        ] {
            assert_eq!(supposed(text), expected, "{text}");
        }
        for text in ["", "much", "cpu", "1/0", "12 apples"] {
            assert!(supposed(text).is_err(), "{text}");
        }
    }
}
