//! Signals written down by value: whatever is decided, they stay as they are.

use autoscaler::{
    Autoscaler, Evaluation, Event, Policy, Timestamp, Verdict,
    event::{Observation, Reading, Replica, ReplicaId, Sample, Subject},
    explain,
    journal::Decided,
    quantity::SignalName,
};

use super::{Played, Step};
use crate::{
    Scenario,
    scenario::{Play, Signals, Walk},
};

/// Tells a policy the values of a scenario's signals, a sample of each as often as the scenario says. Replicas are there, and
/// serve, as soon as they are wanted; `cpu` and `memory` are what all of them use together. `each` hears every evaluation.
/// A scenario without values is played without a sample.
pub fn play_values(scenario: &Scenario, policy: &Policy, mut each: impl FnMut(&Evaluation)) -> Played {
    let columns = match &scenario.play {
        Play::Signals(Signals::Values(columns)) => columns.as_slice(),
        _ => &[],
    };
    let mut signals: Vec<Signal<'_>> =
        columns.iter().map(|(name, source)| Signal::new(SignalName::new(name), source.walk(scenario))).collect();
    let mut autoscaler = Autoscaler::new(policy.clone());
    let mut played = Played { from: scenario.begins, to: scenario.ends(), ..Played::default() };
    let mut replicas = scenario.replicas.start;
    let mut now = scenario.begins;
    autoscaler.handle_event(Event::Observed(observation(replicas, scenario.begins)), now);
    while now <= scenario.ends() {
        let after = now.since(scenario.begins);
        let samples = signals.iter_mut().flat_map(|signal| signal.samples(after, now, replicas)).collect();
        autoscaler.handle_event(Event::Samples(samples), now);
        let evaluation = autoscaler.evaluate(now);
        autoscaler.record(&evaluation);
        played.looks += 1;
        each(&evaluation);
        if let Verdict::Scale { to, .. } = evaluation.verdict {
            replicas = to;
            // The next samples are of these already.
            autoscaler.handle_event(Event::Observed(observation(replicas, scenario.begins)), now);
            let (number, verdict) = (evaluation.number, evaluation.verdict);
            let decided = Decided { number, verdict, sentence: explain::sentence(&evaluation) };
            played.steps.push(Step { at: now, decided });
        }
        now = now.plus(scenario.every);
    }
    played
}

fn observation(count: u32, since: Timestamp) -> Observation {
    let replicas = (0..count).map(|number| Replica {
        id: ReplicaId::new(format!("{number:064x}")),
        started: Some(since),
        ready_since: Some(since),
        ..Replica::default()
    });
    Observation { replicas: replicas.collect(), ..Observation::default() }
}

/// A signal and where it is.
struct Signal<'a> {
    name: SignalName,
    walk: std::iter::Peekable<Walk<'a>>,
    value: Option<f64>,
}

impl<'a> Signal<'a> {
    fn new(name: SignalName, walk: Walk<'a>) -> Self {
        Self { name, walk: walk.peekable(), value: None }
    }

    /// What is measured at a moment; nothing in a gap.
    fn samples(&mut self, after: std::time::Duration, at: Timestamp, replicas: u32) -> Vec<Sample> {
        while let Some((_, value)) = self.walk.next_if(|(from, _)| *from <= after) {
            self.value = value;
        }
        let Some(value) = self.value else { return Vec::new() };
        let sample = |of, value| Sample { signal: self.name.clone(), of, at, reading: Reading::Value(value) };
        if !SignalName::OF_REPLICAS.contains(&self.name.as_str()) {
            return vec![sample(Subject::Service, value)];
        }
        let ids = (0..replicas).map(|number| ReplicaId::new(format!("{number:064x}")));
        ids.map(|id| sample(Subject::Replica(id), value / f64::from(replicas))).collect()
    }
}
