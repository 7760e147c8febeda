//! What a `forecast` rule promises, each as a story: a load, replicas that take their time to start, and what is wanted.

mod beside_reactive;
mod foresight;
mod learned;
mod wishes;

use std::{f64::consts::TAU, time::Duration};

use autoscaler::{
    Autoscaler, Evaluation, Event, Memory, Policy, Timestamp,
    evaluation::{ForecastReason, Outlook, RuleReason},
    event::{Observation, Reading, Replica, ReplicaId, Sample, Subject},
    policy_file,
    quantity::SignalName,
};

use crate::driver::{as_seen, seconds};

/// 2026-11-16, a Monday, midnight UTC.
const MONDAY: Timestamp = Timestamp::from_millis(1_794_787_200_000);
const GIVEN: &str = "signal: requests, per_replica: 100/s, horizon: 10s";

/// One service, its load and the clock.
#[derive(Clone)]
struct World {
    autoscaler: Autoscaler,
    now: Timestamp,
    /// From one sample to the next.
    pace: Duration,
    /// How long a replica takes to serve.
    start: Duration,
    replicas: Vec<Replica>,
    made: u32,
    /// Cores for one request a second, and of a replica without any.
    work: (f64, f64),
    newest: Vec<Sample>,
}

impl World {
    /// With replicas that have served for long. Starts take half of the time from one sample to the next.
    fn new(rule: &str, pace: u64, replicas: u32) -> Self {
        Self::beside(rule, "", pace, replicas)
    }

    /// The same with something after the rule.
    fn beside(rule: &str, after: &str, pace: u64, replicas: u32) -> Self {
        let mut world = Self {
            autoscaler: Autoscaler::new(policy(rule, after)),
            now: MONDAY,
            pace: seconds(pace),
            start: seconds(pace) / 2,
            replicas: Vec::new(),
            made: 0,
            work: (0.001, 0.0),
            newest: Vec::new(),
        };
        for _ in 0..replicas {
            world.make(None);
        }
        world
    }

    fn requests(&mut self, load: f64) -> Evaluation {
        self.step(&[("requests", load)])
    }

    /// Time goes on to the next sample; what is decided then is done.
    fn step(&mut self, values: &[(&str, f64)]) -> Evaluation {
        self.now = self.now.plus(self.pace);
        self.observe();
        let sample = |signal: &str, of, value| Sample {
            signal: SignalName::new(signal),
            of,
            at: self.now,
            reading: Reading::Value(value),
        };
        let load = values.first().map_or(0.0, |(_, value)| *value) / f64::from(self.serving().max(1));
        let serving = self.replicas.iter().filter(|replica| self.serves(replica));
        let cores = (self.work.0 * load + self.work.1).min(1.0);
        let cpu = serving.map(|replica| sample("cpu", Subject::Replica(replica.id.clone()), cores));
        let own = values.iter().map(|(signal, value)| sample(signal, Subject::Service, *value));
        self.newest = cpu.chain(own).collect();
        self.autoscaler.handle_event(Event::Samples(self.newest.clone()), self.now);
        let evaluation = self.evaluate();
        self.autoscaler.record(&evaluation);
        if let Some(target) = evaluation.verdict.replicas() {
            while self.replicas() < target {
                self.make(Some(self.now));
            }
            self.replicas.truncate(target as usize);
            self.observe();
        }
        evaluation
    }

    fn evaluate(&self) -> Evaluation {
        self.autoscaler.evaluate(self.now)
    }

    fn edit(&mut self, rule: &str) {
        self.autoscaler.handle_event(Event::PolicyReplaced(Box::new(policy(rule, ""))), self.now);
    }

    /// The controller ends and another goes on with what was remembered. The agents tell it what they told last.
    fn restart(&mut self) {
        let memory = serde_json::to_string(self.autoscaler.memory()).expect("memory is JSON");
        let memory: Memory = serde_json::from_str(&memory).unwrap_or_else(|error| panic!("{error}: {memory}"));
        self.autoscaler = Autoscaler::restore(self.autoscaler.policy().clone(), memory);
        self.observe();
        self.autoscaler.handle_event(Event::Samples(self.newest.clone()), self.now);
    }

    fn replicas(&self) -> u32 {
        u32::try_from(self.replicas.len()).unwrap_or(u32::MAX)
    }

    /// Replicas that serve when the next sample comes.
    fn serving(&self) -> u32 {
        let at = self.now;
        u32::try_from(
            self.replicas
                .iter()
                .filter(|replica| replica.ready_since.is_some_and(|since| since <= at.plus(self.pace)))
                .count(),
        )
        .unwrap_or(u32::MAX)
    }

    fn serves(&self, replica: &Replica) -> bool {
        replica.ready_since.is_some_and(|since| since <= self.now)
    }

    /// Of those that were found nobody knows when they started.
    fn make(&mut self, asked: Option<Timestamp>) {
        self.made += 1;
        self.replicas.push(Replica {
            id: ReplicaId::new(format!("replica-{:04}", self.made)),
            started: asked,
            ready_since: Some(asked.map_or(Timestamp::from_millis(1), |asked| asked.plus(self.start))),
            cpu_limit_cores: Some(1.0),
            ..Replica::default()
        });
    }

    fn observe(&mut self) {
        let replicas = as_seen(&self.replicas, self.now);
        self.autoscaler.handle_event(Event::Observed(Observation { replicas, ..Observation::default() }), self.now);
    }
}

fn policy(rule: &str, after: &str) -> Policy {
    let text = format!(
        "service: shop/web\nreplicas: {{ min: 1, max: 1000 }}\nsignals: {{ requests: published, waiting: published }}\n\
         guards: {{ base: none, stale_after: 10m }}\nrules:\n- forecast: {{ {rule}, window: 1s }}\n{after}\n"
    );
    let file = policy_file::parse("policy.yaml", &text).unwrap_or_else(|errors| panic!("{text}: {errors}"));
    file.policies.into_iter().next().expect("there is one")
}

fn reason(evaluation: &Evaluation) -> &ForecastReason {
    match &evaluation.recommendations[0].reason {
        RuleReason::Forecast(reason) => reason,
        other => panic!("{other:?}"),
    }
}

/// The bound at the horizon.
fn bound(evaluation: &Evaluation) -> f64 {
    match &reason(evaluation).outlook {
        Outlook::Known { by, .. } => by.ahead,
        other => panic!("{other:?}"),
    }
}

/// From 100 to 900 and back, once in so many steps.
fn wave(step: u64, steps: u64) -> f64 {
    let phase = f64::from(u32::try_from(step % steps).unwrap_or(0)) / f64::from(u32::try_from(steps).unwrap_or(1));
    (500.0 - 400.0 * (TAU * phase).cos()).round()
}

/// Of a day by its half hours: much from 8 to 18, little otherwise.
fn busy(half_hour: u64) -> f64 {
    if (16..36).contains(&(half_hour % 48)) { 1000.0 } else { 100.0 }
}

/// About normal, with mean 0 and deviation 1; the same for the same step.
fn noise(step: u64) -> f64 {
    let uniform = |draw: u64| {
        let mut bits = step.wrapping_mul(12).wrapping_add(draw).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f64::from(u32::try_from((bits ^ (bits >> 31)) >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    };
    (0..12).map(uniform).sum::<f64>() - 6.0
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
fn whole(value: f64) -> u32 {
    value.ceil() as u32
}
