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
    /// Closed: what so many users found at such replicas.
    found: Option<(Crew, f64, Inflow)>,
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
            found: None,
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

    /// No span may be longer, where those who come depend on those who went.
    pub(crate) fn longest(&self) -> Option<Duration> {
        match self.kind {
            LoadKind::Sessions { think, .. } => Some((think / 4).max(Duration::from_millis(1))),
            _ => None,
        }
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
    pub(crate) fn inflow(&mut self, crew: &Crew, seconds: f64, steady_at: &impl Fn(f64) -> Steady) -> Inflow {
        let value = if self.numbers.is_some() { self.drawn } else { self.value };
        match self.kind {
            LoadKind::Cores if self.numbers.is_none() => Inflow::Open { rate: value / self.cpu },
            LoadKind::Requests | LoadKind::Jobs | LoadKind::Cores => Inflow::Open { rate: value },
            LoadKind::Users { think } => match self.found {
                Some((with, users, inflow)) if with == *crew && users.to_bits() == value.to_bits() => inflow,
                _ => {
                    let inflow = closed(value, think.as_secs_f64().max(1e-3), crew, steady_at);
                    self.found = Some((*crew, value, inflow));
                    inflow
                }
            },
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
    // Users less those that there would be at a rate: rises from `-users`. Regula falsi, as Illinois has it.
    let excess = |rate: f64| rate * (time(rate) + think) - users;
    let (mut low, mut below) = (0.0, -users);
    let (mut high, mut above) = (crew.rate, crew.rate * (full + think) - users);
    for _ in 0..60 {
        if high - low <= 1e-12 * high || above <= 0.0 || below >= 0.0 {
            break;
        }
        let middle = (low * above - high * below) / (above - below);
        let found = excess(middle);
        if found.abs() <= 1e-12 * users {
            (low, high) = (middle, middle);
        } else if found < 0.0 {
            (low, below, above) = (middle, found, above / 2.0);
        } else {
            (high, above, below) = (middle, found, below / 2.0);
        }
    }
    // While something waits, so many fewer think.
    let rate = f64::midpoint(low, high);
    Inflow::Closed { thinking: rate * think, think }
}
