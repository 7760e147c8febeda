//! How fast a policy's guards let the count change, as a plan can know it.

use std::time::Duration;

use autoscaler::policy::{DirectionGuards, Guards, Rate, Select, StepSize};

use super::Rules;

/// How fast the count may change one way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// Only at whole multiples of this since the beginning; zero: at any moment.
    pub every: Duration,
    /// Only so far at once: the smallest of both; absent: as far as one likes.
    pub size: Option<(StepSize, StepSize)>,
    /// Only as far as all that was needed within so long agrees to.
    pub stabilize: Duration,
}

impl Pace {
    /// The most replicas that there may be after so many.
    pub(super) fn most_from(&self, replicas: u32) -> u32 {
        let one = |size| match size {
            StepSize::Count(count) => replicas.saturating_add(count),
            StepSize::Share(share) => rounded_up(f64::from(replicas) * (1.0 + share)),
        };
        self.size.map_or(u32::MAX, |(left, right)| one(left).min(one(right)))
    }

    /// The fewest replicas that there may be after so many.
    pub(super) fn fewest_from(&self, replicas: u32) -> u32 {
        let one = |size| match size {
            StepSize::Count(count) => replicas.saturating_sub(count),
            StepSize::Share(share) => replicas - rounded_up(f64::from(replicas) * share).min(replicas),
        };
        self.size.map_or(0, |(left, right)| one(left).max(one(right)))
    }
}

/// What guards allow: the best plan under any one of these is allowed.
pub(super) fn rules(guards: &Guards, every: Duration) -> Vec<Rules> {
    let budget = guards.kill_budget.as_slice();
    let ups = paces(&guards.up, &[], every);
    let downs = paces(&guards.down, budget, every);
    ups.iter().flat_map(|&up| downs.iter().map(move |&down| Rules { up, down })).collect()
}

fn paces(guards: &DirectionGuards, always: &[Rate], every: Duration) -> Vec<Pace> {
    let rates = &guards.at_most;
    let choices: Vec<&[Rate]> = match guards.select {
        _ if rates.is_empty() => vec![&[]],
        Select::Widest => rates.chunks(1).collect(),
        Select::Narrowest => vec![rates],
    };
    choices.into_iter().map(|chosen| pace(guards, [chosen, always].concat(), every)).collect()
}

fn pace(guards: &DirectionGuards, rates: Vec<Rate>, every: Duration) -> Pace {
    let mut pace = Pace { every: guards.cooldown, size: None, stabilize: guards.stabilize };
    // A step is a decision, of which there is one at each sample.
    let step = guards.step.map(|size| Rate { size, per: every });
    for rate in rates.into_iter().chain(step) {
        pace.every = pace.every.max(rate.per);
        pace.size = Some(match pace.size {
            None => (rate.size, rate.size),
            Some(sizes) => smallest(sizes, rate.size),
        });
    }
    pace
}

/// Of counts the smallest and of shares the smallest, both of which hold.
fn smallest(sizes: (StepSize, StepSize), other: StepSize) -> (StepSize, StepSize) {
    let counts = [sizes.0, sizes.1, other].into_iter().filter_map(|size| match size {
        StepSize::Count(count) => Some(count),
        StepSize::Share(_) => None,
    });
    let shares = [sizes.0, sizes.1, other].into_iter().filter_map(|size| match size {
        StepSize::Share(share) => Some(share),
        StepSize::Count(_) => None,
    });
    match (counts.min(), shares.min_by(f64::total_cmp)) {
        (Some(count), Some(share)) => (StepSize::Count(count), StepSize::Share(share)),
        (Some(count), None) => (StepSize::Count(count), StepSize::Count(count)),
        (None, Some(share)) => (StepSize::Share(share), StepSize::Share(share)),
        (None, None) => sizes,
    }
}

/// Rounded up but for what comes of binary digits, as guards do.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
fn rounded_up(value: f64) -> u32 {
    (value - 1e-9).ceil() as u32
}
