//! Values over time: drawn, or read from a file.

use std::{sync::Arc, time::Duration};

/// A value that holds from each of its moments to the next. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Moments since the beginning of the scenario, ascending, each once; the first is what holds at the beginning, too.
    pub at: Arc<[Duration]>,
    /// As many values; `None` is a gap.
    pub values: Arc<[Option<f64>]>,
}

/// Where a quantity over time comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Parts laid over each other, in their order.
    Drawn(Vec<Part>),
    /// Columns of a file beside the scenario.
    File(Columns),
}

/// A column of a CSV file, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    /// The file, relative to the scenario's own.
    pub file: String,
    /// The column of moments: seconds, milliseconds or RFC 3339.
    pub time: String,
    /// The column of values.
    pub value: String,
    /// What a gap means.
    pub gaps: Gaps,
    /// Values are multiplied by this.
    pub scale: f64,
    /// What was read, scaled, gaps included.
    pub series: Series,
}

/// What a gap in a series means. Samples are missing where a signal has a gap that is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gaps {
    /// It is an error to have one.
    #[default]
    Refuse,
    /// The value before it goes on.
    Hold,
    /// Nothing came.
    Zero,
    /// A straight line from the value before to the value after it.
    Linear,
    /// There is no value: for signals only.
    Keep,
}

/// One part of what is drawn. Amounts are in the unit of what is drawn; moments are since the beginning. What comes out
/// of all parts together is never below zero.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Always so much.
    Level(f64),
    /// `amplitude * sin(2π (t + phase) / period)`.
    Sine {
        /// Half the difference between highest and lowest.
        amplitude: f64,
        /// Above zero.
        period: Duration,
        /// How far into the period it begins.
        phase: Duration,
    },
    /// So much more from a moment on.
    Step {
        /// From then on.
        at: Duration,
        /// So much more.
        by: f64,
        /// For so long; absent: to the end.
        lasts: Option<Duration>,
    },
    /// From a moment on, evenly more.
    Ramp {
        /// From then on.
        from: Duration,
        /// Until so much later; above zero.
        over: Duration,
        /// So much more in the end, and from then on.
        by: f64,
    },
    /// Many come at once, and go slowly.
    Flash {
        /// When it begins.
        at: Duration,
        /// How long it rises, evenly.
        rise: Duration,
        /// So much more at its height.
        by: f64,
        /// Time constant of its exponential fading; above zero.
        fade: Duration,
    },
    /// A day with its night, and a week with its weekend, by UTC: a raised cosine around the peak.
    Daily {
        /// At the busiest hour.
        peak: f64,
        /// Share of the peak in the quietest hour, 0 to 1.
        night: f64,
        /// Time of day of the peak.
        at: Duration,
        /// Saturdays and Sundays have this share of it.
        weekend: f64,
    },
    /// A Markov-modulated rate of two states, with exponential stays.
    Bursts {
        /// Between bursts.
        low: f64,
        /// In a burst.
        high: f64,
        /// Mean time from the end of one to the beginning of the next; above zero.
        every: Duration,
        /// Mean length of one; above zero.
        lasts: Duration,
    },
    /// Rises evenly from nothing to the amplitude, falls back at once, and again.
    Sawtooth {
        /// The height.
        amplitude: f64,
        /// Above zero.
        period: Duration,
    },
    /// There for a while, away for a while.
    OnOff {
        /// So much while it is on.
        level: f64,
        /// How long it is on; above zero.
        on: Duration,
        /// How long it is off.
        off: Duration,
    },
    /// Multiplies all parts before it by `1 + N(0, spread²)`, anew after each span.
    Noise {
        /// Standard deviation, as a share.
        spread: f64,
        /// How long one value holds; above zero.
        every: Duration,
    },
}
