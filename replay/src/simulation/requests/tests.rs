use super::*;

#[test]
fn what_piles_up_in_a_step_is_worked_off_as_arithmetic_says() {
    // Five replicas carry 5 a second; 8 come for 100 s, then 2 more replicas serve, which carry 7 against 4.
    let setup = Setup {
        crowd: Crowd::Open(vec![(0.0, 8.0), (1000.0, 4.0)]),
        replicas: vec![0.0, 0.0, 0.0, 0.0, 0.0, 1000.0, 1000.0],
        lasts: 2500.0,
        ..setup()
    };
    let counted = simulate(&setup);
    let backlog = (8.0 - 5.0) * 1000.0;
    assert!((counted.in_system[1000] / backlog - 1.0).abs() < 0.1, "{}", counted.in_system[1000]);
    let drained = 1000.0 + backlog / (7.0 - 4.0);
    let empty = (1000..2500).find(|second| counted.in_system[*second] < 10.0).unwrap_or_default();
    assert!((empty as f64 / drained - 1.0).abs() < 0.07, "{empty} s, not {drained} s");
}

#[test]
fn nobody_is_forgotten() {
    for balance in [Balance::Central, Balance::RoundRobin, Balance::LeastConnections] {
        let counted = simulate(&Setup { balance, most: Some(3), patience: Some(2.0), ..setup() });
        assert_eq!(counted.offered, counted.served + counted.lost + counted.left, "{balance:?}");
        assert!(counted.lost > 0, "{balance:?}");
        let all: f64 = counted.took.iter().sum();
        assert!(all <= counted.area, "{balance:?}: those that were lost waited, too");
    }
}

#[test]
fn users_come_as_often_as_answers_let_them() {
    // Twenty users think for 10 s and find 2 replicas: they could send 2 a second, and that is what there is.
    for (users, think, replicas, expected) in [(5, 10.0, 5, 5.0 / 11.0), (200, 10.0, 2, 2.0)] {
        let crowd = Crowd::Closed { users, think };
        let counted =
            simulate(&Setup { crowd, replicas: vec![0.0; replicas], lasts: 5000.0, counted_from: 500.0, ..setup() });
        let rate = counted.served as f64 / 4500.0;
        assert!((rate / expected - 1.0_f64).abs() < 0.05, "{users} users: {rate} a second, not {expected}");
    }
}

#[test]
fn the_same_setup_gives_the_same() {
    assert_eq!(simulate(&setup()), simulate(&setup()));
    assert_ne!(simulate(&setup()), simulate(&Setup { seed: 2, ..setup() }));
}

fn setup() -> Setup {
    Setup {
        seed: 1,
        crowd: Crowd::Open(vec![(0.0, 5.0)]),
        replicas: vec![0.0; 5],
        takes: 1.0,
        spread: 1.0,
        at_once: 1,
        unhindered: 1.0,
        balance: Balance::Central,
        most: None,
        patience: None,
        lasts: 1000.0,
        counted_from: 0.0,
    }
}
