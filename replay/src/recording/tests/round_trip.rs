//! The loop closed over itself: a simulated service is recorded under one policy, fitted, and run under another one, which
//! comes out as the service itself does under that.

use std::time::Duration;

use autoscaler::{
    Evaluation, Event, Timestamp, Verdict, explain,
    journal::{self, Decided, Entry, What},
    policy_file,
};

use crate::{
    Scaler, Scenario,
    measures::Meter,
    recording::{Reads, read},
    scaler::{PolicyScaler, Seen},
    scenario::{Part, Play, Replicas, ServiceModel, Spans, Start},
    simulation::{
        Segment, Watch, run,
        tests::{model, scenario, seconds},
    },
};

/// Under which it is recorded.
const RECORDED: &str = "
service: shop/web
replicas: { min: 2, max: 30 }
rules: [{ target: { signal: cpu, per_replica: 60% } }]
guards: { down: { stabilize: 2m } }
";

/// What is asked: what if replicas were fuller, and went later?
const ANOTHER: &str = "
service: shop/web
replicas: { min: 2, max: 30 }
rules: [{ target: { signal: cpu, per_replica: 75%, window: 30s } }]
guards: { down: { stabilize: 5m } }
";

#[test]
fn a_fitted_model_answers_for_another_policy_as_the_service_would() {
    let start = Start { boot: Spans(vec![seconds(3)]), ready: Spans(vec![seconds(1)]), ..Start::default() };
    let of_threads = ServiceModel { takes: 0.05, cpu: 0.02, at_once: 8, ..model() };
    for (name, service) in [("its CPU bounds it", model()), ("it mostly waits", of_threads)] {
        let mut original = drawn();
        let Play::Load(load) = &mut original.play else { panic!("a closed loop") };
        load.service = ServiceModel { start: start.clone(), ..service };
        let fitted = fitted(&original, name);
        let (truth, found) = (came_to(&original), came_to(&fitted));
        let off = |what: fn(&CameTo) -> f64| (what(&found) / what(&truth) - 1.0).abs();
        assert!(off(|came_to| came_to.replicas) < 0.05, "{name}: {truth:?} {found:?}");
        assert!(off(|came_to| came_to.cores) < 0.05, "{name}: {truth:?} {found:?}");
        assert!(off(|came_to| came_to.p95) < 0.10, "{name}: {truth:?} {found:?}");
    }
}

/// Two hours of load that comes and goes three times.
fn drawn() -> Scenario {
    let parts = vec![
        Part::Level(200.0),
        Part::Sine { amplitude: 150.0, period: seconds(2400), phase: Duration::ZERO },
        Part::Noise { spread: 0.05, every: seconds(10) },
    ];
    Scenario { replicas: Replicas { start: 6, min: 2, max: 30 }, ..scenario(parts, seconds(7200)) }
}

/// The model of what a controller would have kept of it.
fn fitted(original: &Scenario, name: &str) -> Scenario {
    let mut recorder = Recorder { policy: policy(RECORDED), entries: Vec::new() };
    run(original, &mut recorder, &mut []).expect("a closed loop");
    let text = journal::write(&recorder.entries);
    let entries = journal::read(&text).unwrap_or_else(|errors| panic!("{name}: {errors}"));
    let recording = read(&entries, &Reads::guess(&entries)).expect("replicas were listed");
    let (load, _) = recording.load("web.csv").unwrap_or_else(|why| panic!("{name}: {why}"));
    let replicas = Replicas { start: recording.ready_at_first, ..original.replicas };
    Scenario { replicas, play: Play::Load(Box::new(load)), ..original.clone() }
}

#[derive(Debug, Default)]
struct CameTo {
    /// The mean.
    replicas: f64,
    /// The mean of those busy.
    cores: f64,
    /// Seconds.
    p95: f64,
}

impl Watch for CameTo {
    fn segment(&mut self, segment: &Segment) {
        let seconds = segment.to.since(segment.from).as_secs_f64();
        self.replicas += f64::from(segment.ready) * seconds;
        self.cores += segment.busy_cores * seconds;
    }
}

fn came_to(scenario: &Scenario) -> CameTo {
    let (mut came_to, mut meter) = (CameTo::default(), Meter::new(scenario));
    run(scenario, &mut policy(ANOTHER), &mut [&mut came_to, &mut meter]).expect("a closed loop");
    let lasts = scenario.lasts.as_secs_f64();
    CameTo {
        replicas: came_to.replicas / lasts,
        cores: came_to.cores / lasts,
        p95: meter.latency().quantile(0.95).expect("some were served"),
    }
}

fn policy(text: &str) -> PolicyScaler {
    PolicyScaler::new("policy", policy_file::parse("policy", text).expect("a policy").policies.remove(0))
}

/// A policy, and what a controller keeps of what it is told and decides.
struct Recorder {
    policy: PolicyScaler,
    entries: Vec<Entry>,
}

impl Scaler for Recorder {
    fn name(&self) -> String {
        self.policy.name()
    }

    fn decide(&mut self, seen: &Seen, told: &mut Vec<Event>, now: Timestamp) -> Option<u32> {
        self.entries.extend(told.iter().map(|event| Entry { at: now, what: What::Event(event.clone()) }));
        let replicas = self.policy.decide(seen, told, now);
        if let Some(evaluation) = self.policy.evaluation() {
            let number = evaluation.number;
            self.entries.push(Entry { at: now, what: What::Looked { number } });
            if matches!(evaluation.verdict, Verdict::Scale { .. }) {
                let decided = Decided { number, verdict: evaluation.verdict, sentence: explain::sentence(evaluation) };
                self.entries.push(Entry { at: now, what: What::Decided(decided) });
            }
        }
        replicas
    }

    fn next_look(&self) -> Option<Timestamp> {
        self.policy.next_look()
    }

    fn why(&self) -> String {
        self.policy.why()
    }

    fn evaluation(&self) -> Option<&Evaluation> {
        self.policy.evaluation()
    }

    fn wants_events(&self) -> bool {
        true
    }
}
