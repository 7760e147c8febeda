//! How many replicas the load needs, without anybody who scales.

use autoscaler::Timestamp;

use crate::{
    scenario::{Fault, Load, Scenario, Walk, What},
    service::{Needs, Pace},
};

/// A span in which the need stays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemandStep {
    /// Its first moment.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// The fewest replicas that would do.
    pub needed: u32,
}

/// What is needed over time, as [`Segment::needed`](super::Segment::needed) says it in a run; none in an open loop. Spans
/// come in order and without gaps; neighbours may need the same.
pub fn demand(scenario: &Scenario) -> impl Iterator<Item = DemandStep> + '_ {
    scenario.load().into_iter().flat_map(move |load| Demand::new(scenario, load))
}

struct Demand<'a> {
    scenario: &'a Scenario,
    load: &'a Load,
    walk: std::iter::Peekable<Walk<'a>>,
    value: f64,
    now: Timestamp,
    /// Moments at which the pace changes.
    turns: Vec<Timestamp>,
    needs: Vec<(Pace, Needs)>,
}

impl<'a> Demand<'a> {
    fn new(scenario: &'a Scenario, load: &'a Load) -> Self {
        let mut turns: Vec<Timestamp> = scenario
            .faults
            .iter()
            .filter(|fault| matches!(fault.what, What::Deploy { .. } | What::Neighbour { .. }))
            .flat_map(|fault| [fault.at, fault.at + fault.lasts])
            .map(|at| scenario.begins.plus(at))
            .collect();
        turns.sort();
        Self {
            scenario,
            load,
            walk: load.demand.source.walk(scenario).peekable(),
            value: 0.0,
            now: scenario.begins,
            turns,
            needs: Vec::new(),
        }
    }

    fn needs(&mut self) -> &Needs {
        let pace = pace_at(self.scenario, self.load, self.now);
        let known = self.needs.iter().position(|(other, _)| *other == pace).unwrap_or_else(|| {
            let most = self.scenario.replicas.max;
            self.needs.push((pace, Needs::new(self.load, &self.scenario.objective, pace, most)));
            self.needs.len() - 1
        });
        &self.needs[known].1
    }
}

impl Iterator for Demand<'_> {
    type Item = DemandStep;

    fn next(&mut self) -> Option<DemandStep> {
        let (from, begins, ends) = (self.now, self.scenario.begins, self.scenario.ends());
        if from >= ends {
            return None;
        }
        while let Some((_, value)) = self.walk.next_if(|(at, _)| begins.plus(*at) <= from) {
            self.value = value.unwrap_or(0.0);
        }
        let change = self.walk.peek().map(|(at, _)| begins.plus(*at));
        let turn = self.turns.iter().copied().find(|at| *at > from);
        let to = [change, turn].into_iter().flatten().fold(ends, Ord::min);
        let value = self.value;
        let needed = self.needs().needed(value);
        self.now = to;
        Some(DemandStep { from, to, needed })
    }
}

/// How fast replicas of the newest version are then.
fn pace_at(scenario: &Scenario, load: &Load, now: Timestamp) -> Pace {
    let mut pace = Pace::of(&load.service);
    let mut left = 1.0;
    let mut faults: Vec<&Fault> = scenario.faults.iter().collect();
    faults.sort_by_key(|fault| fault.at);
    for fault in faults.into_iter().filter(|fault| scenario.begins.plus(fault.at) <= now) {
        match &fault.what {
            What::Deploy { takes, cpu } => {
                pace.takes = takes.unwrap_or(pace.takes);
                pace.cpu = cpu.unwrap_or(pace.cpu);
            }
            What::Neighbour { share } if now < scenario.begins.plus(fault.at + fault.lasts) => left *= 1.0 - share,
            _ => {}
        }
    }
    Pace { neighbour: 1.0 - left, ..pace }
}
