//! What goes wrong, when it does.

use autoscaler::Timestamp;
use rand_chacha::{ChaCha8Rng, rand_core::Rng};

use super::world::World;
use crate::{scaler::Scaler, scenario::What};

/// Begins and ends what is due.
pub(crate) fn happen(world: &mut World<'_>, scaler: &mut dyn Scaler) {
    let now = world.now;
    while let Some((place, begins)) = world.conditions.turn(now) {
        let what = &world.scenario.faults[place].what;
        if begins {
            begin(world, what);
        } else {
            end(world, what, scaler);
        }
    }
}

fn begin(world: &mut World<'_>, what: &What) {
    match what {
        What::HostLost => all_end(world),
        What::ComposeUp { replicas } => compose_up(world, *replicas),
        What::Deploy { takes, cpu } => {
            world.conditions.deploy(*takes, *cpu);
            world.crew_changed();
            world.rolling = true;
        }
        What::Neighbour { .. } => meet_neighbours(world),
        What::ReplicasDie { count } => die(world, *count),
        What::ControllerRestarted => world.reports.forget_pending(),
        What::AgentSilent | What::SamplesLate { .. } | What::SamplesMissing { .. } | What::StartsFail => {}
    }
}

fn end(world: &mut World<'_>, what: &What, scaler: &mut dyn Scaler) {
    match what {
        What::HostLost => all_start(world),
        What::Neighbour { .. } => meet_neighbours(world),
        What::ControllerRestarted => {
            scaler.restart(world.now);
            world.reports.controller_is_back(world.now);
        }
        _ => {}
    }
}

fn meet_neighbours(world: &mut World<'_>) {
    world.conditions.meet_neighbours();
    world.crew_changed();
}

/// The host is gone, and with it all replicas and what they had.
fn all_end(world: &mut World<'_>) {
    for place in 0..world.fleet.replicas.len() {
        let (left, _) = world.take_share(place);
        world.fleet.end(place, left);
        world.crew_changed();
    }
}

/// The host is back, and Docker starts them all.
fn all_start(world: &mut World<'_>) {
    let broken = world.conditions.starts_fail();
    for place in 0..world.fleet.replicas.len() {
        world.fleet.restart(place, &world.load.service, world.now, broken);
    }
    world.crew_changed();
}

fn die(world: &mut World<'_>, count: u32) {
    let broken = world.conditions.starts_fail();
    for _ in 0..count {
        let serving: Vec<usize> =
            (0..world.fleet.replicas.len()).filter(|place| world.fleet.replicas[*place].serves()).collect();
        if serving.is_empty() {
            return;
        }
        let place = serving[below(&mut world.fault_numbers, serving.len())];
        let (left, _) = world.take_share(place);
        world.fleet.end(place, left);
        world.fleet.restart(place, &world.load.service, world.now, broken);
        world.crew_changed();
    }
}

fn below(numbers: &mut ChaCha8Rng, bound: usize) -> usize {
    let place = (u128::from(numbers.next_u64()) * bound as u128) >> 64;
    usize::try_from(place).unwrap_or_default()
}

/// Somebody sets the count; the agent waits until that is over, and then comes back to its target.
fn compose_up(world: &mut World<'_>, replicas: u32) {
    let broken = world.conditions.starts_fail();
    while world.fleet.present() > replicas {
        let Some(place) = world.fleet.newest() else { break };
        world.stop_at(place);
    }
    while world.fleet.present() < replicas {
        world.fleet.create(&world.load.service, world.conditions.version(), world.now, broken);
    }
    world.crew_changed();
    let settled: Timestamp = world.now.plus(super::world::SETTLES);
    world.conditions.changes(world.now, settled);
}
