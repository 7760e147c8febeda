//! Nomad Autoscaler.

use std::time::Duration;

use autoscaler::Timestamp;

use super::look::{Every, Look, Rule, ceil, number, percent};
use crate::scaler::{Bounds, Scaler};

/// `evaluation_interval`.
const EVALUATION: Duration = Duration::from_secs(10);
/// `cooldown`; `cooldown_on_scale_up` is the same unless it is set.
const COOLDOWN: Duration = Duration::from_mins(5);
/// `threshold` of the strategy.
const DEAD_BAND: f64 = 0.01;

/// A Nomad Autoscaler with the strategy `target-value` on `avg_cpu`: `ceil(count * utilisation / target)`, left alone within
/// 1 %, and for five minutes after each change, in either direction.
///
/// Sources: the pages "Target Value Strategy Plugin" and "Scaling Policies" of the Nomad documentation,
/// `plugins/builtin/strategy/target-value`, `policy/handler.go`.
///
/// Kept: while replicas start, the job has a deployment, so that nothing is done. The time of the last change is the
/// job's, so that a restart does not forget it.
pub(super) fn nomad(target: f64, bounds: Bounds) -> Box<dyn Scaler> {
    // Without replicas there is no CPU to measure, and nothing would ever start one.
    let bounds = Bounds { min: bounds.min.max(1), max: bounds.max };
    Box::new(Every::new(EVALUATION, bounds, Nomad { target, changed: None, said: None }))
}

struct Nomad {
    target: f64,
    changed: Option<Timestamp>,
    said: Option<Said>,
}

enum Said {
    Starting(u32),
    Cooldown { utilisation: f64, wanted: u32, ends: Duration },
    Wanted { utilisation: f64, wanted: u32 },
}

impl Rule for Nomad {
    fn name(&self) -> String {
        format!("Nomad target-value, CPU at {}", percent(self.target))
    }

    fn look(&mut self, look: &Look) -> Option<u32> {
        if look.running > look.ready {
            self.said = Some(Said::Starting(look.running - look.ready));
            return Some(look.current);
        }
        let utilisation = look.measured.utilisation?;
        let wanted = look.bounds.clamp(target_value(look.current, utilisation, self.target));
        let since = self.changed.map_or(COOLDOWN, |changed| look.now.since(changed));
        if wanted != look.current && since < COOLDOWN {
            self.said = Some(Said::Cooldown { utilisation, wanted, ends: COOLDOWN.saturating_sub(since) });
            return Some(look.current);
        }
        if wanted != look.current {
            self.changed = Some(look.now);
        }
        self.said = Some(Said::Wanted { utilisation, wanted });
        Some(wanted)
    }

    fn why(&self) -> String {
        let target = percent(self.target);
        match &self.said {
            None => String::new(),
            Some(Said::Starting(starting)) => format!("{starting} start: a deployment is active"),
            Some(Said::Cooldown { utilisation, wanted, ends }) => format!(
                "CPU at {}, {target} aimed at: {wanted} wanted, but {} s of cooldown are left",
                percent(*utilisation),
                number(ends.as_secs_f64())
            ),
            Some(Said::Wanted { utilisation, wanted }) => {
                format!("CPU at {}, {target} aimed at: {wanted} wanted", percent(*utilisation))
            }
        }
    }
}

/// The strategy.
fn target_value(count: u32, value: f64, target: f64) -> u32 {
    let factor = if target == 0.0 { value } else { value / target };
    match count {
        0 => ceil(factor),
        _ if (1.0 - DEAD_BAND..=1.0 + DEAD_BAND).contains(&factor) => count,
        _ => ceil(f64::from(count) * factor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::{toy::Toy, vectors};

    #[test]
    fn the_numbers_of_the_source() {
        for (name, count, value, target, expected) in [
            ("twice the target", 2, 26.0, 13.0, 4),
            ("at the target", 2, 13.0, 13.0, 2),
            ("a hair above it", 10, 70.5, 70.0, 10),
            ("from none", 0, 26.0, 13.0, 2),
            ("half the target", 8, 35.0, 70.0, 4),
        ] {
            assert_eq!(target_value(count, value, target), expected, "{name}");
        }
    }

    #[test]
    fn the_project_s_own_table_agrees() {
        let Some(table) = vectors("nomad-target-value.json") else { return };
        let mut checked = 0;
        for case in table["cases"].as_array().into_iter().flatten() {
            let config = &case["config"];
            let knows = |key: &str| config[key].is_null();
            let number = |key: &str| config[key].as_str().and_then(|text| text.parse::<f64>().ok());
            let value =
                case["metrics"].as_array().and_then(|metrics| metrics.last()).and_then(|last| last["value"].as_f64());
            let direction = case["expected"]["action"]["direction"].as_str();
            let (Some(target), Some(value), Some(direction)) = (number("target"), value, direction) else { continue };
            if !["threshold", "max_scale_up", "max_scale_down"].into_iter().all(knows) {
                continue;
            }
            let count = u32::try_from(case["count"].as_u64().unwrap_or_default()).unwrap_or_default();
            let expected =
                if direction == "none" { Some(u64::from(count)) } else { case["expected"]["action"]["count"].as_u64() };
            assert_eq!(Some(u64::from(target_value(count, value, target))), expected, "{}", case["name"]);
            checked += 1;
        }
        assert!(checked >= 5, "only {checked} rows fit");
    }

    #[test]
    fn after_a_change_it_waits_five_minutes_even_to_go_up() {
        let rate = |second: u64| Some(if second < 60 { 14.0 } else { 200.0 });
        let counts = Toy::default().run(nomad(0.7, Bounds { min: 1, max: 50 }).as_mut(), 1000, 4, rate);
        let changes: Vec<usize> = (1..counts.len()).filter(|&second| counts[second] != counts[second - 1]).collect();
        assert!(changes.len() >= 3, "{changes:?}");
        assert!(changes.windows(2).all(|pair| pair[1] - pair[0] >= 300), "{changes:?}");
    }
}
