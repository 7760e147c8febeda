use super::*;
use crate::simulation::requests::{Crowd, Setup, simulate};

#[test]
fn waits_are_those_of_the_literature() {
    // Service times as unit; of five replicas, nine tenths busy, Erlang's C is 0.7625.
    for (name, balance, replicas, busy, spread, expected) in [
        ("M/M/1", Balance::Random, 1, 0.9, 1.0, 9.0),
        ("M/D/1, Pollaczek and Khinchine", Balance::Random, 1, 0.9, 0.0, 4.5),
        ("M/M/5", Balance::Central, 5, 0.9, 1.0, 1.525),
        ("M/G/5, Allen and Cunneen", Balance::Central, 5, 0.9, 4.0, 3.812),
        ("nothing comes", Balance::RoundRobin, 5, 0.0, 1.0, 0.0),
    ] {
        let waits = waiting(balance, replicas, 1, busy, spread);
        assert!((waits - expected).abs() < 1e-3, "{name}: {waits}");
    }
    assert!((erlang_b(5, 3.0) - 0.110_05).abs() < 1e-4, "Erlang's table");
}

#[test]
fn single_requests_take_as_long_as_the_formulas_say() {
    for (balance, replicas, servers, busy, spread, within) in [
        (Balance::Central, 5, 1, 0.8, 1.0, 0.05),
        (Balance::Central, 3, 2, 0.7, 4.0, 0.1),
        (Balance::Random, 4, 1, 0.7, 1.0, 0.07),
        (Balance::Random, 2, 4, 0.8, 1.0, 0.07),
        (Balance::RoundRobin, 5, 1, 0.8, 1.0, 0.07),
        (Balance::RoundRobin, 10, 1, 0.8, 0.0, 0.05),
        (Balance::RoundRobin, 5, 1, 0.6, 4.0, 0.1),
        (Balance::LeastConnections, 5, 1, 0.8, 1.0, 0.06),
        (Balance::LeastConnections, 10, 4, 0.9, 1.0, 0.06),
        (Balance::TwoChoices, 5, 1, 0.8, 1.0, 0.08),
        (Balance::TwoChoices, 20, 1, 0.9, 1.0, 0.08),
        (Balance::TwoChoices, 5, 4, 0.9, 1.0, 0.08),
    ] {
        let expected = 1.0 + waiting(balance, replicas, servers, busy, spread);
        let found = single(balance, replicas, servers, busy, spread);
        let off = found / expected - 1.0;
        assert!(off.abs() < within, "{balance:?} {replicas} x {servers}, {busy}, {spread}: {found} not {expected}");
    }
}

#[test]
fn requests_that_share_a_processor_take_as_long_whatever_their_spread() {
    let mut setup = setup(Balance::Random, 1, 1000, 0.7, 4.0);
    setup.unhindered = 1.0;
    setup.crowd = Crowd::Open(vec![(0.0, 0.7)]);
    setup.lasts = 60_000.0;
    setup.counted_from = 6000.0;
    let (found, expected) = (simulate(&setup).mean(), 1.0 / 0.3);
    assert!((found / expected - 1.0).abs() < 0.1, "M/G/1-PS: {found} not {expected}");
}

fn single(balance: Balance, replicas: u32, servers: u32, busy: f64, spread: f64) -> f64 {
    simulate(&setup(balance, replicas, servers, busy, spread)).mean()
}

fn setup(balance: Balance, replicas: u32, servers: u32, busy: f64, spread: f64) -> Setup {
    let rate = busy * f64::from(replicas * servers);
    let lasts = 50_000.0 / rate;
    Setup {
        seed: 1,
        crowd: Crowd::Open(vec![(0.0, rate)]),
        replicas: vec![0.0; replicas as usize],
        takes: 1.0,
        spread,
        at_once: servers,
        unhindered: f64::from(servers),
        balance,
        most: None,
        patience: None,
        lasts,
        counted_from: lasts / 10.0,
    }
}
