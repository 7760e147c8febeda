//! What comes, from moment to moment.

use std::{iter::Peekable, time::Duration};

use autoscaler::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson};

use super::flow::{Inflow, Passed};
use crate::{
    chance::{self, Purpose},
    scenario::{Arrivals, Load, LoadKind, Scenario, Walk},
    service::{BUSIEST, Crew, Steady},
};

/// The load as it comes.
pub(crate) struct Incoming<'a> {
    kind: LoadKind,
    cpu: f64,
    begins: Timestamp,
    every: Duration,
    walk: Peekable<Walk<'a>>,
    next: Option<Timestamp>,
    /// What holds now, in the unit of the load.
    value: f64,
    /// Poisson: what comes per second in this step, and when the step ends.
    numbers: Option<ChaCha8Rng>,
    drawn: f64,
    step_ends: Timestamp,
    /// Partly open: sessions that think between two requests.
    thinking: f64,
}

impl<'a> Incoming<'a> {
    pub(crate) fn new(scenario: &'a Scenario, load: &'a Load) -> Self {
        let open = !matches!(load.kind, LoadKind::Users { .. });
        let poisson = load.arrivals == Arrivals::Poisson && open;
        let begins = scenario.begins;
        let mut incoming = Self {
            kind: load.kind,
            cpu: load.service.cpu,
            begins,
            every: scenario.every,
            walk: load.demand.source.walk(scenario).peekable(),
            next: Some(begins),
            value: 0.0,
            numbers: poisson.then(|| chance::stream(scenario.seed, Purpose::Arrivals)),
            drawn: 0.0,
            step_ends: begins,
            thinking: 0.0,
        };
        incoming.move_to(begins);
        if let LoadKind::Sessions { think, requests } = load.kind {
            incoming.thinking = incoming.value * (requests - 1.0).max(0.0) * think.as_secs_f64();
        }
        incoming
    }

    /// The load at this moment, in its unit.
    pub(crate) fn value(&self) -> f64 {
        self.value
    }

    /// When it next changes.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let step = self.numbers.is_some().then_some(self.step_ends);
        [self.next, step].into_iter().flatten().min()
    }

    /// Takes on what holds at `now`.
    pub(crate) fn move_to(&mut self, now: Timestamp) {
        while self.next.is_some_and(|next| next <= now) {
            if let Some((_, value)) = self.walk.next() {
                self.value = value.unwrap_or(0.0);
            }
            self.next = self.walk.peek().map(|(at, _)| self.begins.plus(*at));
        }
        if self.step_ends <= now {
            self.draw(now);
        }
    }

    fn draw(&mut self, now: Timestamp) {
        let Some(numbers) = &mut self.numbers else { return };
        self.step_ends = now.plus(self.every);
        let rate = if self.kind == LoadKind::Cores { self.value / self.cpu } else { self.value };
        let seconds = self.every.as_secs_f64();
        self.drawn = Poisson::new(rate * seconds).map_or(0.0, |poisson| poisson.sample(numbers) / seconds);
    }

    /// What comes from now on.
    pub(crate) fn inflow(&self, crew: &Crew, seconds: f64, steady_at: &impl Fn(f64) -> Steady) -> Inflow {
        let value = if self.numbers.is_some() { self.drawn } else { self.value };
        match self.kind {
            LoadKind::Cores if self.numbers.is_none() => Inflow::Open { rate: value / self.cpu },
            LoadKind::Requests | LoadKind::Jobs | LoadKind::Cores => Inflow::Open { rate: value },
            LoadKind::Users { think } => closed(value, think.as_secs_f64().max(1e-3), crew, steady_at),
            LoadKind::Sessions { think, .. } => {
                let think = think.as_secs_f64().max(1e-3);
                // The thinkers of the middle of the span.
                let back = self.thinking * (1.0 - (-seconds / think).exp()) / seconds;
                Inflow::Open { rate: value + back }
            }
        }
    }

    /// Sessions go on, those that were answered and those that have more to ask.
    pub(crate) fn passed(&mut self, passed: &Passed, seconds: f64) {
        let LoadKind::Sessions { think, requests } = self.kind else { return };
        let think = think.as_secs_f64().max(1e-3);
        let staying = (-seconds / think).exp();
        let goes_on = 1.0 - 1.0 / requests.max(1.0);
        self.thinking = self.thinking * staying + passed.served * goes_on;
    }
}

/// Users find the rate at which `N = X (R(X) + Z)`. The arrival theorem says that each finds the queue of one user fewer;
/// by Schweitzer's approximation that is an open queue at `(N - 1) / N` of the rate.
fn closed(users: f64, think: f64, crew: &Crew, steady_at: &impl Fn(f64) -> Steady) -> Inflow {
    let others = ((users - 1.0) / users.max(1.0)).max(0.0);
    let time = |rate: f64| steady_at(rate * others).latency.mean();
    let full = time(crew.rate.max(0.0) * if others > 0.0 { 1.0 } else { BUSIEST });
    if crew.rate <= 0.0 || users >= crew.rate * (full + think) {
        return Inflow::Closed { thinking: users - crew.rate * full, think };
    }
    let (mut low, mut high) = (0.0, crew.rate);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if middle * (time(middle) + think) < users {
            low = middle;
        } else {
            high = middle;
        }
    }
    // While something waits, so many fewer think.
    let rate = f64::midpoint(low, high);
    Inflow::Closed { thinking: rate * think, think }
}
