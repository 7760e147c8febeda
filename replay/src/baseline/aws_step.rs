//! AWS step scaling.

use std::time::Duration;

use super::{
    alarm::{Cooldowns, Datapoints, PERIOD},
    look::{Every, Look, Rule, percent},
};
use crate::scaler::{Bounds, Scaler};

/// Datapoints until an alarm.
const DATAPOINTS: usize = 2;
const COOLDOWN: Duration = Duration::from_mins(1);
/// From so much past the threshold on, so many percent more or fewer. The first step, up to 10 %, changes nothing.
const STEPS: [(f64, i32); 2] = [(0.2, 30), (0.1, 10)];

/// AWS step scaling with the steps of its documentation: 10 % more from 10 % above the threshold on, 30 % more from 20 % on,
/// and the same below it for fewer.
///
/// Source: the page "Step and simple scaling policies" of the Amazon EC2 Auto Scaling user guide (threshold 50 %, steps,
/// rounding, and the worked example below); the page on scaling activities of Application Auto Scaling for
/// `AutoScalingAnticipatedFlapping`: what would have to be taken back at once is not scaled in.
///
/// Ours: two datapoints of one minute (the page's commands have two of two minutes), cooldowns of 60 s, and the warm-up of an
/// instance is as long as it takes to get ready.
pub(super) fn aws_step(threshold: f64, bounds: Bounds) -> Box<dyn Scaler> {
    let bounds = Bounds { min: bounds.min.max(1), max: bounds.max };
    let points = Datapoints::new(DATAPOINTS);
    Box::new(Every::new(PERIOD, bounds, AwsStep { threshold, points, cooldowns: Cooldowns::default(), said: None }))
}

struct AwsStep {
    threshold: f64,
    points: Datapoints,
    cooldowns: Cooldowns,
    said: Option<Said>,
}

struct Said {
    utilisation: f64,
    step: i32,
    wanted: u32,
    held: Held,
}

#[derive(Clone, Copy)]
enum Held {
    No,
    Cooldown,
    Flapping,
}

impl Rule for AwsStep {
    fn name(&self) -> String {
        format!("AWS step scaling, CPU around {}", percent(self.threshold))
    }

    fn look(&mut self, look: &Look) -> Option<u32> {
        self.points.add(look.measured.utilisation);
        let utilisation = look.measured.utilisation?;
        let sustained = self.points.all(DATAPOINTS, |value| (value > self.threshold) == (utilisation > self.threshold));
        let step = if sustained { step(utilisation, self.threshold) } else { 0 };
        let (wanted, held) = self.act(look, utilisation, step);
        self.said = Some(Said { utilisation, step, wanted, held });
        Some(if matches!(held, Held::No) { wanted } else { look.current })
    }

    fn why(&self) -> String {
        let Some(Said { utilisation, step, wanted, held }) = &self.said else { return String::new() };
        let (now, threshold) = (percent(*utilisation), percent(self.threshold));
        match (step, held) {
            (0, _) => format!("CPU at {now}, around {threshold}: no step"),
            (step, Held::No) => format!("CPU at {now}, around {threshold}: the step of {step:+} %, {wanted} wanted"),
            (step, Held::Cooldown) => {
                format!("CPU at {now}: the step of {step:+} %, but a cooldown runs or replicas start")
            }
            (step, Held::Flapping) => {
                format!("CPU at {now}: the step of {step:+} %, but with {wanted} it would have to add again")
            }
        }
    }
}

impl AwsStep {
    fn act(&mut self, look: &Look, utilisation: f64, step: i32) -> (u32, Held) {
        if step > 0 {
            let capacity = self.cooldowns.capacity(look.now, COOLDOWN, look.ready, look.current);
            let to = adjusted(capacity, step);
            if to <= look.current {
                return (to, Held::Cooldown);
            }
            if look.bounds.clamp(to) > look.current {
                self.cooldowns.scaled_out(look.now, look.current);
            }
            return (to, Held::No);
        }
        let to = adjusted(look.current, step);
        if look.bounds.clamp(to) >= look.current {
            return (to, Held::No);
        }
        if look.running > look.ready || self.cooldowns.hold_down(look.now, COOLDOWN) {
            return (to, Held::Cooldown);
        }
        let after = utilisation * f64::from(look.current) / f64::from(look.bounds.clamp(to));
        if self::step(after, self.threshold) > 0 {
            return (to, Held::Flapping);
        }
        self.cooldowns.scaled_in(look.now);
        (to, Held::No)
    }
}

/// How many percent more or fewer. Above the threshold a step's lower bound belongs to it, below the threshold its upper one.
fn step(utilisation: f64, threshold: f64) -> i32 {
    let past = utilisation - threshold;
    let found = STEPS.iter().find(|(from, _)| past.abs() >= from - 1e-9).map_or(0, |(_, percent)| *percent);
    if past < 0.0 { -found } else { found }
}

/// `PercentChangeInCapacity`: what is more than one replica is cut off, what is less is one.
fn adjusted(capacity: u32, percent: i32) -> u32 {
    let hundredths = i64::from(capacity) * i64::from(percent);
    let change = if hundredths.abs() < 100 { hundredths.signum() } else { hundredths / 100 };
    u32::try_from((i64::from(capacity) + change).max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::toy::Toy;

    #[test]
    fn the_worked_example_of_the_guide() {
        let mut capacity = 10;
        for (utilisation, expected) in [(0.6, 11), (0.7, 14), (0.4, 13), (0.3, 10)] {
            capacity = adjusted(capacity, step(utilisation, 0.5));
            assert_eq!(capacity, expected, "at {utilisation}");
        }
    }

    #[test]
    fn parts_of_replicas_are_rounded_as_the_guide_says() {
        for (capacity, percent, expected) in
            [(127, 10, 139), (6, 10, 7), (6, -10, 5), (67, -10, 61), (1, -30, 0), (5, 0, 5)]
        {
            assert_eq!(adjusted(capacity, percent), expected, "{percent} % of {capacity}");
        }
    }

    #[test]
    fn what_would_have_to_be_taken_back_is_not_scaled_in() {
        // One replica is too hot at 65 %, two are too cold at 32.5 %.
        let counts = Toy::default().run(aws_step(0.5, Bounds { min: 1, max: 9 }).as_mut(), 3600, 1, |_| Some(6.5));
        assert_eq!(counts[600..].iter().copied().collect::<std::collections::BTreeSet<_>>(), [2].into());
    }
}
