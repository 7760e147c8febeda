//! What one replica carries is learned from loads as scaling leaves them.

#![expect(clippy::expect_used, reason = "tests")]

use std::f64::consts::TAU;

use forecast::{CapacityFit, CapacityLearner, Load, NotLearned};
use proptest::prelude::*;

/// Cores that a replica is to be busy with.
const ASKED: f64 = 0.7;
/// Steps of a minute.
const DAY: u32 = 1440;

#[test]
fn the_line_is_found_where_the_load_spans_enough_and_the_median_else() {
    let daily = |step: u32| 250.0 + 180.0 * (TAU * f64::from(step % DAY) / f64::from(DAY)).sin();
    for (name, idle, noise, load, steps, line, off) in [
        ("a daily load", 0.0, 0.01, &daily as &dyn Fn(u32) -> f64, 2 * DAY, true, 0.05),
        ("an idle share", 0.2, 0.01, &daily, 2 * DAY, true, 0.05),
        ("noise in both", 0.1, 0.1, &daily, 2 * DAY, true, 0.05),
        ("ten minutes of it", 0.0, 0.01, &daily, 60, true, 0.03),
        ("about the same load", 0.0, 0.01, &|_| 320.0, 500, true, 0.03),
        ("about the same load, and an idle share", 0.2, 0.01, &|_| 320.0, 500, true, 0.05),
        ("loads far apart", 0.1, 0.02, &|step| if step / 50 % 2 == 0 { 40.0 } else { 400.0 }, 1000, true, 0.05),
    ] {
        let mut service = Service { idle, noise, ..Service::default() };
        (0..steps).for_each(|step| service.step(load(step)));
        let fit = service.fit();
        let truth = (ASKED - idle) / 0.02;
        assert!((fit.rate / truth - 1.0).abs() <= off, "{name}: {fit:?} for {truth}");
        assert_eq!(fit.line.is_some(), line, "{name}: {fit:?}");
        if let Some(line) = fit.line {
            assert!((line.idle - idle).abs() < 0.05, "{name}: {fit:?}");
        }
    }
}

#[test]
fn a_load_that_never_changes_says_what_is_near_it_alone() {
    let mut service = Service::default();
    (0..100).for_each(|_| service.row(25.0, 0.55));
    let fit = service.fit();
    assert!((fit.rate * 0.022 / ASKED - 1.0).abs() < 1e-6 && fit.line.is_none(), "{fit:?}");
    assert!(service.learner.at(2.0 * ASKED).is_err(), "that is too far");
}

#[test]
fn scaling_by_the_median_comes_to_the_right_load() {
    // 0.2 of 0.7 cores go without load, and the load never differs enough to see it.
    let mut rate = 40.0;
    for _ in 0..20 {
        let mut service = Service::default();
        (0..40).for_each(|_| service.row(rate, 0.2 + 0.02 * rate));
        rate = service.fit().rate;
    }
    assert!((rate - 25.0).abs() < 0.1, "{rate}");
}

#[test]
fn it_is_known_after_thirty_steady_steps_and_stays_known() {
    let mut service = Service { noise: 0.01, ..Service::default() };
    let mut unknown = Vec::new();
    for step in 0..3 * DAY {
        service.step(250.0 + 180.0 * (TAU * f64::from(step) / f64::from(DAY)).sin());
        if service.learner.at(ASKED).is_err() {
            unknown.push(step);
        }
    }
    assert!(unknown.len() < 60 && unknown.iter().all(|step| *step < 60), "{unknown:?}");
}

#[test]
fn a_release_that_changes_the_cost_is_followed_within_twenty_steady_steps() {
    for (name, span, before, after) in [
        ("twice the cost, loads that differ", 0.5, 0.02, 0.04),
        ("half more, always the same load", 0.0, 0.02, 0.03),
        ("half the cost, loads that differ", 0.5, 0.04, 0.02),
        ("a third less, always the same load", 0.0, 0.03, 0.02),
        ("a third more, loads that differ", 0.5, 0.02, 0.0266),
    ] {
        let mut service = Service { noise: 0.02, slope: before, replicas: Some(10), ..Service::default() };
        let load = |step: u32| 200.0 * (1.0 + span * (TAU * f64::from(step) / 300.0).sin());
        (0..1000).for_each(|step| service.step(load(step)));
        assert!((service.fit().rate * before / ASKED - 1.0).abs() < 0.05, "{name}: {:?}", service.fit());
        service.slope = after;
        let right = |service: &Service| (service.fit().rate * after / ASKED - 1.0).abs() < 0.1;
        let took = (1..200).find(|step| {
            service.step(load(1000 + step));
            right(&service)
        });
        assert!(took.is_some_and(|took| took <= 20), "{name}: {took:?}, {:?}", service.fit());
        for step in 0..500 {
            service.step(load(1200 + step));
            assert!(right(&service), "{name}, {step} steps later: {:?}", service.fit());
        }
    }
}

#[test]
fn absurd_steps_move_nothing() {
    for (name, rate, cores) in
        [("rate", 1e7, 0.5), ("cores", 30.0, 500.0), ("no cores", 30.0, 0.0), ("three times the rate", 90.0, 0.5)]
    {
        let mut service = Service { noise: 0.01, idle: 0.05, ..Service::default() };
        for step in 0..600 {
            service.step(300.0 * (1.0 + 0.5 * (TAU * f64::from(step) / 200.0).sin()));
            if step % 100 == 50 {
                // Long enough to look steady.
                (0..3).for_each(|_| service.row(rate, cores));
            }
        }
        let fit = service.fit();
        assert!((fit.rate / 32.5 - 1.0).abs() < 0.05, "{name}: {fit:?}");
    }
}

#[test]
fn only_steady_steps_count() {
    let load = |rate: f64| Load { rate, cores: 0.02 * rate, limit: Some(1.0), replicas: 3 };
    let after = |name: &str, act: &dyn Fn(&mut CapacityLearner, u64)| {
        let mut learner = CapacityLearner::default();
        for at in 1..=40 {
            act(&mut learner, 10 * at);
            learner.close();
        }
        let Err(NotLearned::TooFew(rows)) = learner.at(ASKED) else { return (name.to_owned(), 30) };
        (name.to_owned(), rows)
    };
    let few = [
        after("loads that jump", &|learner, at| learner.sample(at, load(if at % 20 == 0 { 10.0 } else { 14.0 }))),
        after("replicas that come and go", &|learner, at| {
            learner.sample(at, Load { replicas: u32::try_from(at / 10 % 2).unwrap_or(1), ..load(10.0) });
        }),
        after("replicas that come within the step", &|learner, at| {
            learner.sample(at, load(10.0));
            learner.sample(at + 1, Load { replicas: 4, ..load(10.0) });
        }),
        after("replicas that start", &|learner, at| {
            learner.sample(at, load(10.0));
            learner.disturb();
        }),
        after("no samples", &|_, _| ()),
        after("no new samples", &|learner, at| learner.sample(at / 200 + 1, load(10.0))),
        after("full replicas", &|learner, at| learner.sample(at, load(45.0))),
        after("nothing that is a number", &|learner, at| learner.sample(at, load(f64::NAN))),
        after("no load", &|learner, at| learner.sample(at, load(0.0))),
    ];
    for (name, rows) in few {
        assert!(rows <= 1, "{name}: {rows}");
    }
}

#[test]
fn a_step_is_the_mean_of_its_samples() {
    let mut learner = CapacityLearner::default();
    for step in 0..40 {
        for part in 0..10 {
            // Requests and CPU are not measured over the same second.
            let (rate, cores) = if part % 2 == 0 { (20.0, 0.8) } else { (40.0, 0.4) };
            learner.sample(step * 10 + part + 1, Load { rate, cores, limit: None, replicas: 1 });
        }
        learner.close();
    }
    let fit = learner.at(0.7).expect("they are alike");
    assert!((fit.rate - 35.0).abs() < 1e-4, "{fit:?}");
}

#[test]
fn what_is_missing_is_told() {
    let learned = |rows: &dyn Fn(u32) -> (f64, f64), count: u32, asked: f64| {
        let mut service = Service::default();
        for step in 0..count {
            let (rate, cores) = rows(step);
            service.row(rate, cores);
        }
        service.learner.at(asked).map_err(|why| why.to_string())
    };
    let noise = |step: u32| f64::from(step * 7919 % 101) / 50.0 - 1.0;
    let few = learned(&|_| (10.0, 0.2), 12, 0.7);
    let far = learned(&|step| (10.0 + noise(step), 0.1 + 0.01 * noise(step) + 0.01 * noise(step + 3)), 100, 0.7);
    let even = learned(&|_| (10.0, 0.1), 100, 0.7);
    let unlike = learned(&|step| (10.0, 0.5 * (3.0 * noise(step)).exp()), 100, 0.7);
    let text: Vec<String> =
        [few, far, even, unlike].map(|fit| fit.map_or_else(|why| why, |fit| format!("{fit:?}"))).into();
    assert_eq!(
        text,
        [
            "30 steady steps are needed, 23 so far",
            "the load of a replica spans 1.2 times, so that the line is uncertain by 59 %: a wider span of load is needed, or \
             one nearer to 0.70 cores (0.10 now)",
            "the load of a replica spans 1.0 times, so that the line says nothing: a wider span of load is needed, or one \
             nearer to 0.70 cores (0.10 now)",
            "the load of a replica spans 1.0 times, so that the line says nothing, and what 1 of it costs is uncertain by 61 \
             %: a wider span of load is needed, or CPU that goes by it",
        ]
    );
}

#[test]
fn it_goes_on_after_a_restart_and_is_small() {
    let mut service = Service { noise: 0.02, idle: 0.05, ..Service::default() };
    let load = |step: u32| 250.0 + 240.0 * (TAU * f64::from(step) / 777.0).sin();
    (0..3000).for_each(|step| service.step(load(step)));
    let text = serde_json::to_string(&service.learner).expect("it can be written");
    assert!(text.len() < 3072, "{} bytes", text.len());
    let mut again = Service { learner: serde_json::from_str(&text).expect("it can be read"), ..service.clone() };
    for step in 3000..3500 {
        service.step(load(step));
        again.step(load(step));
        assert_eq!(service.learner, again.learner);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_that_is_measured_breaks_it(
        steps in prop::collection::vec((any::<f64>(), any::<f64>(), prop::option::of(any::<f64>()), 0..3_u32), 0..300),
        asked in any::<f64>(),
    ) {
        let mut learner = CapacityLearner::default();
        for (at, (rate, cores, limit, replicas)) in steps.into_iter().enumerate() {
            learner.sample(at as u64 / 2, Load { rate, cores, limit, replicas });
            learner.close();
        }
        known_is_finite(&learner, asked)?;
    }

    #[test]
    fn nothing_that_looks_steady_breaks_it(
        scale in -37..37_i32,
        steps in prop::collection::vec((0.0..3.0_f64, 0.0..3.0_f64), 0..300),
        asked in 0.0..10.0_f64,
    ) {
        let mut service = Service::default();
        for (rate, cores) in steps {
            service.row(rate * 10_f64.powi(scale), cores);
        }
        known_is_finite(&service.learner, asked)?;
    }
}

fn known_is_finite(learner: &CapacityLearner, asked: f64) -> Result<(), TestCaseError> {
    if let Ok(CapacityFit { rate, within, .. }) = learner.at(asked) {
        prop_assert!(rate > 0.0 && rate.is_finite() && (0.0..=0.15).contains(&within), "{rate} {within}");
    }
    let text = serde_json::to_string(learner).expect("it can be written");
    prop_assert!(text.len() < 3072, "{} bytes", text.len());
    let again: CapacityLearner = serde_json::from_str(&text).expect("it can be read");
    prop_assert_eq!(&again, learner);
    Ok(())
}

/// Replicas whose count goes by their load.
#[derive(Clone, Debug)]
struct Service {
    learner: CapacityLearner,
    /// Cores for one request a second, and of a replica without any.
    slope: f64,
    idle: f64,
    /// The spread of both, and of the load.
    noise: f64,
    /// Where the count does not go by the load.
    replicas: Option<u32>,
    now: u64,
    running: u32,
    random: u64,
}

impl Default for Service {
    fn default() -> Self {
        let learner = CapacityLearner::default();
        Self { learner, slope: 0.02, idle: 0.0, noise: 0.0, replicas: None, now: 0, running: 4, random: 1 }
    }
}

impl Service {
    /// A step of ten samples at about a load; replicas that are needed serve from the next step on.
    fn step(&mut self, load: f64) {
        let load = load * (1.0 + 0.04 * self.random());
        for _ in 0..10 {
            let rate = load / f64::from(self.running);
            let cores = (self.idle + self.slope * rate) * (1.0 + self.noise * self.random());
            let rate = rate * (1.0 + self.noise * self.random());
            self.now += 1;
            self.learner.sample(self.now, Load { rate, cores, limit: None, replicas: self.running });
        }
        self.learner.close();
        let wanted = (load * self.slope / (ASKED - self.idle)).ceil();
        let down = wanted < f64::from(self.running) - 1.0;
        if self.replicas.is_none() && (down || wanted > f64::from(self.running)) {
            self.running = (2..1000).find(|count| f64::from(*count) >= wanted).unwrap_or(1000);
        }
        self.running = self.replicas.unwrap_or(self.running);
    }

    /// One sample that is a step, whatever was before.
    fn row(&mut self, rate: f64, cores: f64) {
        for _ in 0..2 {
            self.now += 1;
            self.learner.sample(self.now, Load { rate, cores, limit: None, replicas: 1 });
            self.learner.close();
        }
    }

    fn fit(&self) -> CapacityFit {
        self.learner.at(ASKED).unwrap_or_else(|why| panic!("{why}"))
    }

    /// From −1 to 1.
    fn random(&mut self) -> f64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from((self.random >> 33) as u32) / f64::from(1 << 30) - 1.0
    }
}
