//! KEDA.

use std::time::Duration;

use autoscaler::Timestamp;

use super::{
    behavior::{Behavior, Bent},
    hpa::{bent_in_words, within},
    look::{Every, Look, Rule, ceil, number},
};
use crate::scaler::{Bounds, Scaler};

/// How often the HPA that KEDA makes looks. KEDA itself does at every second of these looks: its `pollingInterval` is 30 s.
const SYNC: Duration = Duration::from_secs(15);
const SYNCS_PER_POLL: u32 = 2;
/// From the last poll that found something until there are none.
const COOLDOWN: Duration = Duration::from_mins(5);
const TOLERANCE: f64 = 0.1;

/// KEDA on a queue: `ceil(waiting or worked on / target)` through an HPA with its default behaviour, and from one to none and
/// back by whether there is anything at all.
///
/// Sources: the pages "Scaling Deployments" and "`ScaledObject` specification" of the KEDA documentation (`pollingInterval`
/// 30 s, `cooldownPeriod` 300 s, `initialCooldownPeriod` 0 s, activation above 0), `pkg/scaling/executor/scale_scaledobjects.go`,
/// and, for `AverageValue` of an external metric, Kubernetes' `replica_calculator.go`.
///
/// A queue is no measure of the load: it is empty while there are enough replicas. Under a load that is steady and needs
/// several, the count rises and falls for ever, unless the target is less than what a replica works on at the same time. So it
/// does in KEDA.
///
/// Kept: a service that was never seen busy goes to none at the first poll, without cooldown (kedacore/keda#5008). Jobs that
/// are worked on count, as the unacknowledged ones do in NATS `JetStream`, `RabbitMQ` and SQS.
pub(super) fn keda(target: f64, bounds: Bounds) -> Box<dyn Scaler> {
    let rule =
        Keda { target, min: bounds.min, looks: 0, busy: None, behavior: Behavior::default(), said: Said::default() };
    Box::new(Every::new(SYNC, bounds, rule))
}

struct Keda {
    target: f64,
    min: u32,
    looks: u32,
    /// The last poll that found something.
    busy: Option<Timestamp>,
    behavior: Behavior,
    said: Said,
}

#[derive(Default)]
enum Said {
    #[default]
    Idle,
    Activated {
        value: f64,
    },
    /// The next poll will see.
    AtZero {
        value: f64,
    },
    Wanted {
        value: f64,
        wanted: u32,
        bent: Bent,
    },
}

impl Rule for Keda {
    fn name(&self) -> String {
        format!("KEDA, {} in flight per replica", number(self.target))
    }

    fn look(&mut self, look: &Look) -> Option<u32> {
        let polls = self.looks.is_multiple_of(SYNCS_PER_POLL);
        self.looks = self.looks.wrapping_add(1);
        let value = look.measured.newest_in_flight?;
        let active = value > 0.0;
        if active && polls {
            self.busy = Some(look.now);
        }
        if look.current == 0 || (polls && !active) {
            let cooled = self.busy.is_none_or(|busy| look.now.since(busy) > COOLDOWN);
            let to = if polls { activate(active, look.current, self.min, cooled) } else { look.current };
            if to != look.current || to == 0 {
                self.said = match (active, to) {
                    (true, 0) => Said::AtZero { value },
                    (true, _) => Said::Activated { value },
                    (false, _) => Said::Idle,
                };
                self.behavior.changed(look.now, look.current, to);
                return Some(to);
            }
        }
        let wanted = average_value(value, self.target, look.current, (TOLERANCE, TOLERANCE));
        let wanted = wanted.max(self.min).max(1);
        let (to, bent) = self.behavior.bend(look.now, look.current, wanted);
        self.behavior.changed(look.now, look.current, look.bounds.clamp(to));
        self.said = Said::Wanted { value, wanted, bent };
        Some(to)
    }

    fn why(&self) -> String {
        match &self.said {
            Said::Idle => format!("nothing waits or is worked on, for more than {} s", COOLDOWN.as_secs()),
            Said::Activated { value } => format!("{} in flight where there was no replica", number(*value)),
            Said::AtZero { value } => format!("{} in flight, for the next poll to see", number(*value)),
            Said::Wanted { value, wanted, bent } => {
                let wants =
                    format!("{} in flight, {} for each replica: {wanted} wanted", number(*value), number(self.target));
                wants + bent_in_words(*bent)
            }
        }
    }

    fn restart(&mut self) {
        // When it was last active is kept in the status of the object; what the HPA remembers is not.
        self.behavior.forget();
    }
}

/// From none to one or more, and back, at a poll.
fn activate(active: bool, current: u32, min: u32, cooled: bool) -> u32 {
    match (active, current) {
        (true, 0) => min.max(1),
        (false, _) if current < min => min,
        (false, _) if min == 0 && cooled => 0,
        _ => current,
    }
}

/// Kubernetes: pods for an external metric that has a target per pod.
fn average_value(value: f64, target: f64, current: u32, tolerance: (f64, f64)) -> u32 {
    let ratio = value / (target * f64::from(current));
    if current > 0 && within(ratio, tolerance) { current } else { ceil(value / target) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::{toy::Toy, vectors};

    #[test]
    fn the_numbers_of_the_documentation() {
        for (name, value, current, expected) in [
            ("10 messages for each of three", 30.0, 1, 3),
            ("rounded up", 31.0, 1, 4),
            ("within the tolerance", 32.0, 3, 3),
            ("over the tolerance", 34.0, 3, 4),
            ("none at all", 0.0, 3, 0),
        ] {
            assert_eq!(average_value(value, 10.0, current, (0.1, 0.1)), expected, "{name}");
        }
    }

    #[test]
    fn kubernetes_sequence_with_tolerances_agrees() {
        let Some(table) = vectors("kubernetes-hpa-tolerance-sequence.json") else { return };
        let mut current = 35;
        for step in table["steps"].as_array().into_iter().flatten() {
            current = average_value(step["value"].as_f64().unwrap_or_default(), 100.0, current, (0.05, 0.5));
            assert_eq!(Some(u64::from(current)), step["expectedReplicas"].as_u64(), "{step}");
        }
    }

    #[test]
    fn the_project_s_own_table_of_activation_agrees() {
        let Some(table) = vectors("keda-activation.json") else { return };
        let mut checked = 0;
        for case in table["cases"].as_array().into_iter().flatten() {
            if !case["idleReplicas"].is_null() || !case["annotation"].is_null() || !case["maxReplicas"].is_null() {
                continue;
            }
            let count = |key: &str| u32::try_from(case[key].as_u64().unwrap_or_default()).unwrap_or_default();
            let flag = |key: &str| case[key].as_bool().unwrap_or_default();
            let to = activate(flag("active"), count("currentReplicas"), count("minReplicas"), flag("cooldownElapsed"));
            assert_eq!(Some(u64::from(to)), case["expected"]["replicas"].as_u64(), "{}", case["name"]);
            checked += 1;
        }
        assert!(checked >= 3, "only {checked} rows fit");
    }

    #[test]
    fn a_steady_load_comes_to_rest_only_where_a_replica_works_on_as_much_as_is_aimed_at() {
        for (target, rests) in [(10.0, false), (0.7, true)] {
            let counts =
                Toy::default().run(keda(target, Bounds { min: 1, max: 30 }).as_mut(), 10_000, 1, |_| Some(83.0));
            let rest: std::collections::BTreeSet<u32> = counts[9000..].iter().copied().collect();
            assert_eq!(rest.len() == 1, rests, "{target}: {rest:?}");
        }
    }

    #[test]
    fn it_goes_to_none_after_the_cooldown_and_comes_back_at_a_poll() {
        let bounds = Bounds { min: 0, max: 20 };
        // Busy until 10 min, idle until 20 min, busy again.
        let rate = |second: u64| Some(if (600..1203).contains(&second) { 0.0 } else { 25.0 });
        let counts = Toy::default().run(keda(1.0, bounds).as_mut(), 1500, 2, rate);
        assert_eq!(counts[890], 1, "within the cooldown");
        assert_eq!(counts[931], 0);
        assert_eq!(counts[1199], 0);
        assert!(
            (1..=30).contains(&counts.iter().skip(1200).take_while(|count| **count == 0).count()),
            "at most a poll later"
        );
    }
}
