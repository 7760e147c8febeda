//! Headroom: what is kept free on the host when adding. It caps growth and removes nothing.
//!
//! ```text
//! room = floor((free − reserve − on their way · each) / each)
//! free       cores − busy cores, or memory that can be had without swapping
//! each       what one more may take: its limit, or without one the mean of those that serve
//! on their   replicas that shall be there and do not serve yet: they take their part soon
//! way
//! ```
//!
//! What is not known does not object: a host that has not been measured, a service of which nothing is known yet. Of the
//! latter it is said that nobody looks whether there is room: with limits it would be known.

use crate::{
    evaluation::{Guard, GuardEffect, Resource},
    guard::Circumstances,
    policy::{Direction, Reserve},
    quantity::SignalName,
    rule::whole,
    signal::count,
};

/// What the host has of something, and what one more replica would take.
#[derive(Clone, Copy, Debug)]
struct Room {
    of: Resource,
    free: f64,
    reserve: f64,
    each: f64,
}

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    if given.direction(wanted) != Some(Direction::Up) {
        return None;
    }
    let rooms = [cpu(given), memory(given)];
    let room = rooms.into_iter().flatten().min_by_key(|room| room.for_more(given));
    let held = room.and_then(|Room { of, free, reserve, each }| {
        let to = wanted.min(given.current().saturating_add(room?.for_more(given)));
        super::effect(Guard::Headroom { of, free, reserve, each }, wanted, to, None)
    });
    held.or_else(|| {
        let of = unmeasured(given);
        let unknown = !of.is_empty();
        let guard = Guard::HeadroomUnknown { of };
        unknown.then_some(GuardEffect { guard, from: wanted, to: wanted, until: None })
    })
}

/// What shall stay free on a host of which that is known, while nobody knows what one more replica takes of it.
fn unmeasured(given: &Circumstances<'_>) -> Vec<Resource> {
    let (headroom, host) = (given.guards().headroom, given.situation.observation.host);
    let cpu = headroom.cpu.and(host.cores).and(host.busy_cores).map(|_| (Resource::Cpu, SignalName::CPU));
    let memory = headroom.memory.and(host.available_bytes).map(|_| (Resource::Memory, SignalName::MEMORY));
    let asked = [cpu, memory].into_iter().flatten();
    asked.filter(|(_, signal)| each(signal, given).is_none()).map(|(of, _)| of).collect()
}

impl Room {
    fn for_more(&self, given: &Circumstances<'_>) -> u32 {
        let coming = given.current().saturating_sub(given.situation.observed.ready);
        let left = self.free - self.reserve - f64::from(coming) * self.each;
        // Rounded down but for what comes of binary digits.
        whole(left / self.each - 1.0 + 2e-9)
    }
}

fn cpu(given: &Circumstances<'_>) -> Option<Room> {
    let reserve = given.guards().headroom.cpu?;
    let host = given.situation.observation.host;
    let cores = host.cores?;
    let each = each(SignalName::CPU, given)?;
    Some(Room { of: Resource::Cpu, free: cores - host.busy_cores?, reserve: of(reserve, Some(cores))?, each })
}

fn memory(given: &Circumstances<'_>) -> Option<Room> {
    let reserve = given.guards().headroom.memory?;
    let host = given.situation.observation.host;
    let each = each(SignalName::MEMORY, given)?;
    Some(Room { of: Resource::Memory, free: host.available_bytes?, reserve: of(reserve, host.memory_bytes)?, each })
}

fn of(reserve: Reserve, whole: Option<f64>) -> Option<f64> {
    match reserve {
        Reserve::Share(share) => Some(share * whole?),
        Reserve::Absolute(value) => Some(value),
    }
}

/// What one more replica may take; `None` where nobody knows.
fn each(signal: &str, given: &Circumstances<'_>) -> Option<f64> {
    let replicas = || given.situation.observation.replicas.iter().filter(|replica| replica.counts());
    let limits = replicas().filter_map(|replica| match signal {
        SignalName::CPU => replica.cpu_limit_cores,
        _ => replica.memory_limit_bytes,
    });
    let limit = limits.max_by(f64::total_cmp);
    let used = || {
        let serving = replicas().filter(|replica| replica.ready_since.is_some());
        let newest = serving.filter_map(|replica| {
            let (at, value) = given.situation.signals.newest(&SignalName::new(signal), &replica.id)?;
            (given.now().since(at) <= given.guards().stale_after).then_some(value)
        });
        let values: Vec<f64> = newest.collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / f64::from(count(values.len())))
    };
    limit.or_else(used).filter(|each| *each > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{HostCapacity, Reading, ReplicaId, Sample, Subject},
        guard::scene::{Scene, at},
        policy::Headroom,
    };

    const GIB: f64 = 1_073_741_824.0;

    fn scene(limit: Option<f64>) -> Scene {
        let mut scene = Scene::new(3);
        scene.list(3);
        scene.observation.replicas[0].memory_limit_bytes = limit;
        scene.policy.guards.headroom.memory = Some(Reserve::Absolute(GIB));
        scene.observation.host = HostCapacity {
            cores: Some(8.0),
            memory_bytes: Some(16.0 * GIB),
            busy_cores: Some(4.0),
            available_bytes: Some(4.0 * GIB),
        };
        scene
    }

    fn measure(scene: &mut Scene, signal: &str, value: f64) {
        for place in 0..2 {
            let sample = Sample {
                signal: SignalName::new(signal),
                of: Subject::Replica(ReplicaId::new(format!("replica-{place}"))),
                at: at(99),
                reading: Reading::Value(value),
            };
            scene.signals.add(&[sample], at(99));
        }
    }

    #[test]
    fn growth_ends_where_the_host_does() {
        for (name, limit, current, wanted, to) in [
            ("three of a GiB each fit", Some(GIB), 3, 9, 6),
            ("of half a GiB six", Some(GIB / 2.0), 3, 20, 9),
            ("what is on its way takes its part", Some(GIB), 5, 9, 6),
            ("none fits, and none is removed", Some(8.0 * GIB), 3, 9, 3),
            ("what fits is left alone", Some(GIB), 3, 5, 5),
            ("so is going down", Some(8.0 * GIB), 3, 1, 1),
            ("without a limit, and not measured, nobody knows", None, 3, 9, 9),
        ] {
            let mut scene = scene(limit);
            scene.current = current;
            assert_eq!(scene.left(apply, wanted), to, "{name}");
        }
    }

    #[test]
    fn without_a_limit_one_more_takes_what_the_others_do() {
        let mut scene = scene(None);
        measure(&mut scene, "memory", 1.5 * GIB);
        assert_eq!(scene.left(apply, 9), 5);
    }

    #[test]
    fn while_nobody_knows_what_one_more_takes_it_says_so_and_does_not_object() {
        let mut scene = scene(None);
        scene.policy.guards.headroom.cpu = Some(Reserve::Share(0.1));
        let effect = scene.apply(apply, 9).expect("it says so");
        assert_eq!(effect.guard, Guard::HeadroomUnknown { of: vec![Resource::Cpu, Resource::Memory] });
        assert_eq!((effect.from, effect.to), (9, 9));
        assert_eq!(scene.apply(apply, 3), None, "nothing is added");
        measure(&mut scene, "cpu", 0.1);
        let effect = scene.apply(apply, 9).expect("it says so");
        assert_eq!(effect.guard, Guard::HeadroomUnknown { of: vec![Resource::Memory] });
        measure(&mut scene, "memory", 1.0);
        assert_eq!(scene.apply(apply, 9), None);
    }

    #[test]
    fn the_scarcer_of_the_two_decides() {
        let mut scene = scene(Some(GIB));
        measure(&mut scene, "cpu", 1.6);
        scene.policy.guards.headroom.cpu = Some(Reserve::Share(0.1));
        let effect = scene.apply(apply, 9).expect("(8 − 4 − 0.8) / 1.6 = 2");
        assert_eq!(effect.to, 5);
        assert!(matches!(effect.guard, Guard::Headroom { of: Resource::Cpu, .. }));
    }

    #[test]
    fn an_unknown_host_does_not_object() {
        let mut scene = scene(Some(GIB));
        scene.observation.host = HostCapacity::default();
        assert_eq!(scene.left(apply, 9), 9);
        scene.policy.guards.headroom = Headroom::default();
        assert_eq!(scene.left(apply, 9), 9);
    }
}
