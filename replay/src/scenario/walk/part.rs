//! One part of what is drawn, piece by piece.

use std::f64::consts::TAU;

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, StandardNormal};

use super::{Frame, NEVER, cell_ends, middle, nanos};
use crate::{
    chance::{self, Purpose},
    scenario::Part,
};

/// A part on its way through time.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    shape: Shape,
    piece: Piece,
    every: u64,
}

/// A value that holds until then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) value: f64,
    pub(super) until: u64,
}

/// A [`Part`] in nanoseconds, with what it remembers.
#[derive(Clone, Debug)]
enum Shape {
    Level(f64),
    Sine { amplitude: f64, period: u64, phase: u64 },
    Step { at: u64, ends: u64, by: f64 },
    Ramp { from: u64, ends: u64, by: f64 },
    Flash { at: u64, top: u64, by: f64, fade: u64 },
    Daily { peak: f64, night: f64, at: u64, weekend: f64, begins: u64 },
    Bursts { low: f64, high: f64, every: u64, lasts: u64, bursting: bool, numbers: Box<ChaCha8Rng> },
    Sawtooth { amplitude: f64, period: u64 },
    OnOff { level: f64, on: u64, period: u64 },
    Noise { spread: f64, every: u64, numbers: Box<ChaCha8Rng> },
}

const DAY: u64 = 86_400 * 1_000_000_000;

/// The shortest cycle: the core's time is in milliseconds, too. A bound on how many pieces there can be.
const SHORTEST: u64 = 1_000_000;

/// After so many time constants less is left of a flash than can be told from nothing, beside its height.
const FADED: u64 = 37;

impl Lane {
    /// The part in place `item` of its list.
    pub(super) fn new(part: &Part, item: u32, frame: Frame) -> Self {
        let shape = Shape::new(part, || Box::new(chance::stream(frame.seed, Purpose::Load { item })), frame);
        Self { shape, piece: Piece { value: 0.0, until: 0 }, every: frame.every }
    }

    /// Whether it multiplies what came before it, instead of adding to it.
    pub(super) fn multiplies(&self) -> bool {
        matches!(self.shape, Shape::Noise { .. })
    }

    /// What holds at `at`, which is never before that of the call before it.
    pub(super) fn piece(&mut self, at: u64) -> Piece {
        // A lane is asked at each of its own ends, so that none of its pieces is passed over.
        if self.piece.until <= at {
            self.piece = self.shape.piece(at, self.every);
        }
        self.piece
    }
}

impl Shape {
    fn new(part: &Part, numbers: impl Fn() -> Box<ChaCha8Rng>, frame: Frame) -> Self {
        match *part {
            Part::Level(level) => Self::Level(level),
            Part::Sine { amplitude, period, phase } => {
                let period = nanos(period).max(SHORTEST);
                Self::Sine { amplitude, period, phase: nanos(phase) % period }
            }
            Part::Step { at, by, lasts } => {
                let ends = lasts.map_or(NEVER, |lasts| nanos(at.saturating_add(lasts)));
                Self::Step { at: nanos(at), ends, by }
            }
            Part::Ramp { from, over, by } => {
                Self::Ramp { from: nanos(from), ends: nanos(from.saturating_add(over)), by }
            }
            Part::Flash { at, rise, by, fade } => {
                Self::Flash { at: nanos(at), top: nanos(at.saturating_add(rise)), by, fade: nanos(fade) }
            }
            Part::Daily { peak, night, at, weekend } => {
                Self::Daily { peak, night, at: nanos(at) % DAY, weekend, begins: frame.begins }
            }
            Part::Bursts { low, high, every, lasts } => {
                let (every, lasts) = (nanos(every), nanos(lasts));
                let mut numbers = numbers();
                // As if it had gone on forever: the first state is as likely as any later one.
                let (between, within): (f64, f64) = (Exp1.sample(&mut numbers), Exp1.sample(&mut numbers));
                let bursting = within * lasts as f64 > between * every as f64;
                Self::Bursts { low, high, every, lasts, bursting: !bursting, numbers }
            }
            Part::Sawtooth { amplitude, period } => Self::Sawtooth { amplitude, period: nanos(period).max(SHORTEST) },
            Part::OnOff { level, on, off } => {
                let on = nanos(on).max(SHORTEST);
                Self::OnOff { level, on, period: on.saturating_add(nanos(off)) }
            }
            // Draws are independent: one for each piece is what the middles of pieces would find of shorter spans.
            Part::Noise { spread, every } => {
                Self::Noise { spread, every: nanos(every).max(frame.every), numbers: numbers() }
            }
        }
    }

    /// What holds from `at`, an end of its own, on.
    fn piece(&mut self, at: u64, every: u64) -> Piece {
        let cell = |end: u64| cell_ends(at, every).min(end);
        match *self {
            Self::Level(value) => Piece { value, until: NEVER },
            Self::Sine { amplitude, period, phase } => {
                let until = cell(NEVER);
                let turns = ((middle(at, until) % period) as f64 + phase as f64) / period as f64;
                Piece { value: amplitude * (TAU * turns).sin(), until }
            }
            Self::Step { at: begins, .. } | Self::Ramp { from: begins, .. } | Self::Flash { at: begins, .. }
                if at < begins =>
            {
                Piece { value: 0.0, until: begins }
            }
            Self::Step { ends, by, .. } if at < ends => Piece { value: by, until: ends },
            Self::Step { .. } => Piece { value: 0.0, until: NEVER },
            Self::Ramp { from, ends, by } if at < ends => {
                let until = cell(ends);
                Piece { value: by * share(from, middle(at, until), ends), until }
            }
            Self::Ramp { by, .. } => Piece { value: by, until: NEVER },
            Self::Flash { at: begins, top, by, .. } if at < top => {
                let until = cell(top);
                Piece { value: by * share(begins, middle(at, until), top), until }
            }
            Self::Flash { top, by, fade, .. } => fading(at, cell(NEVER), top, by, fade),
            Self::Daily { peak, night, at: busiest, weekend, begins } => {
                let now = begins.saturating_add(at);
                let until = cell(at.saturating_add(DAY - now % DAY));
                let now = begins.saturating_add(middle(at, until));
                let share = weekly(now, night, busiest, weekend);
                Piece { value: peak * share, until }
            }
            Self::Bursts { low, high, every, lasts, ref mut bursting, ref mut numbers } => {
                *bursting = !*bursting;
                let (value, mean) = if *bursting { (high, lasts) } else { (low, every) };
                Piece { value, until: at.saturating_add(stay(mean, numbers)) }
            }
            Self::Sawtooth { amplitude, period } => {
                let begins = at - at % period;
                let ends = begins.saturating_add(period);
                let until = cell(ends);
                Piece { value: amplitude * share(begins, middle(at, until), ends), until }
            }
            Self::OnOff { level, on, period } => {
                let begins = at - at % period;
                let (value, until) = if at - begins < on { (level, on) } else { (0.0, period) };
                Piece { value, until: begins.saturating_add(until) }
            }
            Self::Noise { spread, every, ref mut numbers } => {
                let normal: f64 = StandardNormal.sample(numbers);
                Piece { value: (1.0 + spread * normal).max(0.0), until: cell_ends(at, every) }
            }
        }
    }
}

/// How much of the way from one moment to another is gone.
fn share(from: u64, now: u64, to: u64) -> f64 {
    (now - from) as f64 / (to - from) as f64
}

fn fading(at: u64, until: u64, top: u64, by: f64, fade: u64) -> Piece {
    if at - top >= fade.saturating_mul(FADED) {
        return Piece { value: 0.0, until: NEVER };
    }
    Piece { value: by * (-((middle(at, until) - top) as f64) / fade as f64).exp(), until }
}

/// The share of the peak at a wall-clock time: a raised cosine, and less of it at the weekend.
fn weekly(now: u64, night: f64, busiest: u64, weekend: f64) -> f64 {
    let from_peak = ((now % DAY) as f64 - busiest as f64) / DAY as f64;
    let day = night + (1.0 - night) * f64::midpoint(1.0, (TAU * from_peak).cos());
    // 1 January 1970 was a Thursday.
    let is_weekend = matches!((now / DAY + 3) % 7, 5 | 6);
    if is_weekend { day * weekend } else { day }
}

/// An exponential stay.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive; a cast saturates")]
fn stay(mean: u64, numbers: &mut ChaCha8Rng) -> u64 {
    let drawn: f64 = Exp1.sample(numbers);
    ((mean as f64 * drawn) as u64).max(SHORTEST)
}
