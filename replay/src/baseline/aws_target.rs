//! AWS target tracking.

use std::time::Duration;

use super::{
    alarm::{Cooldowns, Datapoints, PERIOD},
    look::{Every, Look, Rule, ceil, percent},
};
use crate::scaler::{Bounds, Scaler};

/// Datapoints above the target until it scales out.
const HIGH: usize = 3;
/// Datapoints below nine tenths of the target until it scales in.
const LOW: usize = 15;
const LOW_SHARE: f64 = 0.9;
/// `ScaleOutCooldown` and `ScaleInCooldown` of the example in AWS' reference; unset, they would be 300 s for ECS.
const COOLDOWN: Duration = Duration::from_mins(1);

/// AWS target tracking on `ECSServiceAverageCPUUtilization`: out to `ceil(capacity * utilisation / target)` once three
/// datapoints of a minute are above the target, in after 15 that are below 90 % of it.
///
/// Sources: the page "Target tracking scaling policies" of the Application Auto Scaling user guide, and the example
/// `cpu75-target-tracking-scaling-policy` (75 %, cooldowns of 60 s) of `PutScalingPolicy`. The alarms' 3 and 15 datapoints are
/// what AWS creates; its guide says only that scale-in is the more conservative one.
///
/// Kept: replicas that start are not measured but count; while there are some, or a cooldown runs, nothing is scaled in. A
/// datapoint that is missing breaches nothing.
pub(super) fn aws_target(target: f64, bounds: Bounds) -> Box<dyn Scaler> {
    let bounds = Bounds { min: bounds.min.max(1), max: bounds.max };
    let points = Datapoints::new(LOW);
    Box::new(Every::new(PERIOD, bounds, AwsTarget { target, points, cooldowns: Cooldowns::default(), said: None }))
}

struct AwsTarget {
    target: f64,
    points: Datapoints,
    cooldowns: Cooldowns,
    said: Option<(f64, Alarm)>,
}

enum Alarm {
    Out(u32),
    In(u32),
    /// In alarm, but a cooldown runs or replicas start.
    Wait,
    None,
}

impl Rule for AwsTarget {
    fn name(&self) -> String {
        format!("AWS target tracking, CPU at {}", percent(self.target))
    }

    fn look(&mut self, look: &Look) -> Option<u32> {
        self.points.add(look.measured.utilisation);
        let utilisation = look.measured.utilisation?;
        let alarm = self.alarm(look, utilisation);
        let to = match alarm {
            Alarm::Out(to) | Alarm::In(to) => to,
            Alarm::Wait | Alarm::None => look.current,
        };
        self.said = Some((utilisation, alarm));
        Some(to)
    }

    fn why(&self) -> String {
        let Some((utilisation, alarm)) = &self.said else { return String::new() };
        let (now, target) = (percent(*utilisation), percent(self.target));
        match alarm {
            Alarm::Out(to) => format!("CPU at {now}, above {target} for {HIGH} min: {to} wanted"),
            Alarm::In(to) => format!("CPU at {now}, below 90 % of {target} for {LOW} min: {to} wanted"),
            Alarm::Wait => format!("CPU at {now}, but a cooldown runs or replicas start"),
            Alarm::None => {
                format!("CPU at {now}: neither {HIGH} min above {target} nor {LOW} min below 90 % of that")
            }
        }
    }
}

impl AwsTarget {
    fn alarm(&mut self, look: &Look, utilisation: f64) -> Alarm {
        if self.points.all(HIGH, |value| value > self.target) {
            let capacity = self.cooldowns.capacity(look.now, COOLDOWN, look.ready, look.current);
            let to = tracked(capacity, utilisation, self.target);
            if to <= look.current {
                return Alarm::Wait;
            }
            if look.bounds.clamp(to) > look.current {
                self.cooldowns.scaled_out(look.now, look.current);
            }
            return Alarm::Out(to);
        }
        if !self.points.all(LOW, |value| value < self.target * LOW_SHARE) {
            return Alarm::None;
        }
        let to = tracked(look.current, utilisation, self.target);
        if to >= look.current {
            return Alarm::None;
        }
        if look.running > look.ready || self.cooldowns.hold_down(look.now, COOLDOWN) {
            return Alarm::Wait;
        }
        if look.bounds.clamp(to) < look.current {
            self.cooldowns.scaled_in(look.now);
        }
        Alarm::In(to)
    }
}

/// Adds a part of a replica as a whole one, and does not remove a part of one.
fn tracked(capacity: u32, utilisation: f64, target: f64) -> u32 {
    ceil(f64::from(capacity) * utilisation / target - 1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::toy::Toy;

    #[test]
    fn parts_of_replicas_are_added_and_not_removed() {
        for (name, capacity, utilisation, expected) in [
            ("1.5 more: 2", 3, 0.75, 5),
            ("1.5 fewer: 1", 3, 0.25, 2),
            ("twice the load", 10, 1.0, 20),
            ("at the target", 7, 0.5, 7),
        ] {
            assert_eq!(tracked(capacity, utilisation, 0.5), expected, "{name}");
        }
    }

    #[test]
    fn out_after_three_minutes_and_in_after_fifteen() {
        let bounds = Bounds { min: 1, max: 30 };
        let rate = |second: u64| {
            Some(match second {
                0..600 => 28.0,
                600..1800 => 36.0,
                _ => 14.0,
            })
        };
        let counts = Toy::default().run(aws_target(0.75, bounds).as_mut(), 4000, 4, rate);
        let first = |from: usize, test: &dyn Fn(u32) -> bool| {
            (from..counts.len()).find(|&second| test(counts[second])).unwrap_or_default()
        };
        assert!((780..=840).contains(&first(600, &|count| count > 4)), "{}", first(600, &|count| count > 4));
        assert_eq!(counts[1799], 5, "36 of 10/s each at 75 %");
        let down = first(1800, &|count| count < 5);
        assert!((1800 + 900..=1800 + 960).contains(&down), "{down}");
        assert_eq!(counts[3999], 2);
    }
}
