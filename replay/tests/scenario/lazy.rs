//! What scenarios that ship expect is more than doing nothing.

use std::{error::Error, fs, time::Duration};

use autoscaler::{Event, Timestamp};
use replay::{
    Scaler,
    comparison::{clairvoyant_beside, run},
    scaler::Seen,
    scenario::read,
};

use super::root;

/// Keeps one count, whatever happens.
struct Constant(u32);

impl Scaler for Constant {
    fn name(&self) -> String {
        format!("always {}", self.0)
    }

    fn decide(&mut self, _seen: &Seen, _told: &mut Vec<Event>, _now: Timestamp) -> Option<u32> {
        Some(self.0)
    }

    fn why(&self) -> String {
        "always as many".to_owned()
    }
}

/// Where one count all the time is a right answer, and why; the most that there may be is none.
const CONSTANT_IS_RIGHT: [(&str, &str); 3] = [
    ("jitter-at-the-threshold", "nothing shall change"),
    ("metrics-gap", "nothing shall change"),
    ("bimodal", "changes come too late, so that a mean of both modes costs no more"),
];

#[test]
fn no_scenario_is_passed_by_a_count_that_never_changes() -> Result<(), Box<dyn Error>> {
    let folder = root().join("scenarios");
    let files = |file: &str| fs::read_to_string(folder.join(file)).map_err(|error| error.to_string());
    let mut passed = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let mut scenario = read(&path.display().to_string(), &fs::read_to_string(&path)?, &files)?.scenario;
        let plan = clairvoyant_beside(&scenario, []).cost();
        let constant_is_right = CONSTANT_IS_RIGHT.iter().any(|(name, _)| *name == scenario.name);
        let (least, most) = (scenario.replicas.min, scenario.replicas.max);
        // Of a week only some, for it takes long.
        let step = if scenario.lasts > Duration::from_hours(12) { 6 } else { 1 };
        for count in (least..=most).rev().step_by(step) {
            if constant_is_right && count < most {
                continue;
            }
            // From the beginning on: the count that it begins with is as lazy as any other.
            scenario.replicas.start = count;
            let outcome = run(&scenario, &mut Constant(count), Some(plan), false)?;
            if outcome.verdicts.iter().all(|verdict| verdict.met) {
                passed.push(format!("{}: {count}", scenario.name));
            }
        }
    }
    assert!(passed.is_empty(), "passed by always as many: {passed:?}");
    Ok(())
}
