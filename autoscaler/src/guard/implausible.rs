//! Implausible: so many replicas' samples vanished at once that what is left of them is no ground to act on, neither way.
//! A load balancer, a collector or a migration is broken rather than the replicas: see [`kill_budget`](super::kill_budget)
//! for the story.
//!
//! ```text
//! vanished   serve, should have a sample, had one before, and have none for longer than `stale_after`
//! hold if    vanished / (measured + absent) ≥ implausible, with at least 3 replicas listed and at least 2 vanished
//! ```
//!
//! A replica that starts or warms up has not vanished, nor has one that was never measured. Where all samples are gone,
//! the signal is missing, and what that means is for `missing` to say: more may be added then, for example as many as
//! `missing: max` asks for, and nothing is removed.

use crate::{
    evaluation::{Guard, GuardEffect, Origin, SignalReading},
    guard::{Circumstances, effect, limits},
    policy::Direction,
    signal::count,
};

/// With fewer listed, one replica that died is a large share.
const FEWEST_LISTED: usize = 3;
const FEWEST_VANISHED: u32 = 2;

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let direction = given.direction(wanted)?;
    let share = given.guards().implausible?;
    if given.situation.observation.replicas.len() < FEWEST_LISTED {
        return None;
    }
    let hard_to_believe = |reading: &&SignalReading| {
        let some_left = reading.measured > 0 || direction == Direction::Down;
        reading.origin == Origin::Replicas && reading.absent >= FEWEST_VANISHED && some_left
    };
    let readings = given.situation.readings.0.iter().filter(hard_to_believe);
    let (missing, of) = readings.map(|reading| (vanished(reading, given), reading.measured + reading.absent)).max()?;
    if missing < FEWEST_VANISHED || f64::from(missing) < share * f64::from(of) - 1e-9 {
        return None;
    }
    // What is below min is no doubt too few.
    let to = match direction {
        Direction::Up => given.current().max(limits::fewest(given).min(wanted)),
        Direction::Down => given.current(),
    };
    effect(Guard::Implausible { missing, of }, wanted, to, None)
}

fn vanished(reading: &SignalReading, given: &Circumstances<'_>) -> u32 {
    let guards = given.guards();
    let old = |at| given.now().since(at) > guards.stale_after;
    let replicas = given.situation.observation.replicas.iter();
    let gone = replicas.filter(|replica| {
        let due = replica.ready_since.is_some_and(|since| old(since.when_old(guards.warm_up)));
        let newest = given.situation.signals.newest(&reading.signal, &replica.id);
        replica.counts() && due && newest.is_some_and(|(at, _)| old(at))
    });
    count(gone.count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{Reading, Sample, Subject},
        guard::scene::{Scene, at, cpu, secs},
        quantity::SignalName,
    };

    /// So many listed, of which so many are measured and so many were until second 50.
    fn scene(listed: u32, measured: u32, vanished: u32) -> Scene {
        let mut scene = Scene::new(listed);
        scene.policy.guards.implausible = Some(0.33);
        scene.list(listed);
        let old = scene.observation.replicas.iter().take(vanished as usize).map(|replica| Sample {
            signal: SignalName::new("cpu"),
            of: Subject::Replica(replica.id.clone()),
            at: at(50),
            reading: Reading::Value(0.5),
        });
        for sample in old {
            scene.signals.add(&[sample], at(50));
        }
        scene.readings = vec![SignalReading { absent: listed - measured, ..cpu(measured, 0.5) }];
        scene
    }

    #[test]
    fn what_is_left_of_vanished_samples_is_no_ground_to_act_on() {
        for (name, listed, measured, vanished, holds) in [
            ("half of them", 4, 2, 2, true),
            ("a third", 6, 4, 2, true),
            ("less than that", 7, 5, 2, false),
            ("one of three may have died", 3, 2, 1, false),
            ("two are no crowd", 2, 0, 2, false),
            ("those that never had a sample did not vanish", 4, 2, 0, false),
            ("all are there", 4, 4, 0, false),
        ] {
            let scene = scene(listed, measured, vanished);
            let held = |wanted| scene.left(apply, wanted) == listed;
            assert_eq!((held(listed + 3), held(listed - 1)), (holds, holds), "{name}");
        }
    }

    #[test]
    fn where_all_are_gone_more_may_be_added() {
        let scene = scene(4, 0, 4);
        assert_eq!(scene.left(apply, 9), 9);
        assert_eq!(scene.left(apply, 2), 4);
    }

    #[test]
    fn what_warms_up_has_not_vanished() {
        let mut scene = scene(4, 2, 2);
        scene.policy.guards.warm_up = secs(20);
        for replica in &mut scene.observation.replicas {
            replica.ready_since = Some(at(75));
        }
        assert_eq!(scene.left(apply, 9), 9, "it started again, and should have a sample from 105 s on");
    }

    #[test]
    fn fewer_than_min_are_too_few_whatever_vanished() {
        let mut scene = scene(4, 2, 2);
        scene.policy.limits.min = 5;
        assert_eq!(scene.left(apply, 9), 5);
    }
}
