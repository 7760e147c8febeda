//! A number that stands for everything that happened in a run.

use std::fmt;

use crate::{
    scaler::Scaler,
    simulation::{Change, Segment, Watch},
};

/// A digest of everything that happened in a run: of each segment and each change, to the bit. FNV-1a over 64-bit words, from
/// Fowler, Noll, Vo; good enough to tell two runs apart, and no protection against anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    fn add(&mut self, word: u64) {
        // The upper half is folded in, for a product carries upwards only.
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        self.0 ^= self.0 >> 32;
    }
}

impl Watch for Digest {
    fn segment(&mut self, segment: &Segment) {
        self.add(segment.from.as_millis());
        self.add(segment.to.as_millis());
        for count in [segment.target, segment.ready, segment.starting, segment.stopping, segment.needed] {
            self.add(u64::from(count));
        }
        let Segment { offered, served, lost, queue_from, queue_to, in_flight, slow, tolerating, .. } = *segment;
        let Segment { latency, capacity, busy_cores, .. } = *segment;
        for value in [offered, served, lost, queue_from, queue_to, in_flight, slow, tolerating, capacity, busy_cores] {
            self.add(value.to_bits());
        }
        for value in [latency.shift, latency.tail, latency.scale] {
            self.add(value.to_bits());
        }
    }

    fn change(&mut self, change: &Change, _scaler: &dyn Scaler) {
        self.add(change.at.as_millis());
        self.add(u64::from(change.from));
        self.add(u64::from(change.to));
        for bytes in change.why.as_bytes().chunks(8) {
            self.add(bytes.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte)));
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
