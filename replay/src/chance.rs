//! Random numbers that repeat.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// What random numbers are drawn for. Each purpose has a stream of its own, so that one more draw for one of them changes
/// nothing for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The load, where it is drawn; `item` is the place of the part in its list.
    Load {
        /// The place of the part in its list.
        item: u32,
    },
    /// How many requests come within a step.
    Arrivals,
    /// How long the start of a replica takes, and whether it fails. `ordinal` counts the starts, so that the same start
    /// takes the same time whoever asks for it.
    Start {
        /// Starts before this one.
        ordinal: u64,
    },
    /// Which replica a fault hits.
    Faults,
    /// Anything about single requests, in the simulation that knows these.
    Requests,
    /// Resampling for intervals of confidence.
    Bootstrap,
}

/// The random numbers of one purpose under one seed.
pub fn stream(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut numbers = ChaCha8Rng::seed_from_u64(seed);
    numbers.set_stream(match purpose {
        Purpose::Arrivals => 1,
        Purpose::Faults => 2,
        Purpose::Requests => 3,
        Purpose::Bootstrap => 4,
        Purpose::Load { item } => (1 << 32) + u64::from(item),
        Purpose::Start { ordinal } => (1 << 63) + (ordinal & (u64::MAX >> 1)),
    });
    numbers
}
