//! Counters of one replica, and the rates between two readings of them.

use std::time::Duration;

use bus::payload::ReplicaSample;

/// Two readings closer than this say little about a rate: one scheduler tick more or less would show as load.
/// The later one is then left out, and the earlier one stays the base.
pub const LEAST_ELAPSED: Duration = Duration::from_millis(50);

/// What was read of one replica at one moment. What could not be read is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// When it was read, since any fixed moment. Only differences between readings of one source mean anything.
    pub at: Duration,
    /// CPU time used, in nanoseconds.
    pub cpu_nanos: Option<u64>,
    /// Time denied by the CPU limit, in nanoseconds.
    pub throttled_nanos: Option<u64>,
    /// Working set, in bytes.
    pub memory_bytes: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
    /// Bytes read from block devices.
    pub block_read_bytes: Option<u64>,
    /// Bytes written to block devices.
    pub block_write_bytes: Option<u64>,
    /// Bytes received.
    pub network_receive_bytes: Option<u64>,
    /// Bytes sent.
    pub network_transmit_bytes: Option<u64>,
}

/// Fills the fields of a sample that are levels, and, where there is an earlier reading, those that are rates.
///
/// A counter that is lower than before was reset; it gives no rate this time.
pub(crate) fn fill(sample: &mut ReplicaSample, previous: Option<&Reading>, current: &Reading) {
    sample.memory_bytes = current.memory_bytes;
    sample.pids = current.pids;
    let Some(previous) = previous else { return };
    let elapsed = current.at.saturating_sub(previous.at);
    let rate = |counter: fn(&Reading) -> Option<u64>| per_second(counter(previous), counter(current), elapsed);
    let seconds_per_second = |nanos: f64| nanos / 1e9;
    sample.cpu_cores = rate(|reading| reading.cpu_nanos).map(seconds_per_second);
    sample.cpu_throttled = rate(|reading| reading.throttled_nanos).map(seconds_per_second);
    sample.block_read_bytes_per_second = rate(|reading| reading.block_read_bytes);
    sample.block_write_bytes_per_second = rate(|reading| reading.block_write_bytes);
    sample.network_receive_bytes_per_second = rate(|reading| reading.network_receive_bytes);
    sample.network_transmit_bytes_per_second = rate(|reading| reading.network_transmit_bytes);
}

/// Increase per second between two values of a counter. `None` without both, after a reset, and when too little
/// time has passed.
pub(crate) fn per_second(previous: Option<u64>, current: Option<u64>, elapsed: Duration) -> Option<f64> {
    let increase = current?.checked_sub(previous?)?;
    (elapsed >= LEAST_ELAPSED).then(|| increase as f64 / elapsed.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_increases_by_the_time_between_the_readings() {
        let previous = Reading {
            at: Duration::from_secs(10),
            cpu_nanos: Some(1_000_000_000),
            throttled_nanos: Some(0),
            network_receive_bytes: Some(100),
            block_write_bytes: Some(4096),
            ..Reading::default()
        };
        let current = Reading {
            at: Duration::from_secs(12),
            cpu_nanos: Some(4_000_000_000),
            throttled_nanos: Some(500_000_000),
            memory_bytes: Some(7),
            pids: Some(3),
            network_receive_bytes: Some(300),
            network_transmit_bytes: Some(9),
            block_write_bytes: Some(4096),
            ..Reading::default()
        };
        let mut sample = ReplicaSample::default();
        fill(&mut sample, Some(&previous), &current);
        let expected = ReplicaSample {
            cpu_cores: Some(1.5),
            cpu_throttled: Some(0.25),
            memory_bytes: Some(7),
            pids: Some(3),
            network_receive_bytes_per_second: Some(100.0),
            block_write_bytes_per_second: Some(0.0),
            ..ReplicaSample::default()
        };
        assert_eq!(sample, expected);
    }

    #[test]
    fn a_first_reading_has_levels_and_no_rates() {
        let mut sample = ReplicaSample::default();
        let reading = Reading { cpu_nanos: Some(5), memory_bytes: Some(7), ..Reading::default() };
        fill(&mut sample, None, &reading);
        assert_eq!(sample, ReplicaSample { memory_bytes: Some(7), ..ReplicaSample::default() });
    }

    #[test]
    fn absence_and_reset_are_not_zero() {
        let second = Duration::from_secs(1);
        let cases = [
            ("increase", Some(1), Some(3), second, Some(2.0)),
            ("standing still is a measured zero", Some(3), Some(3), second, Some(0.0)),
            ("backwards is a reset", Some(3), Some(1), second, None),
            ("not read now", Some(3), None, second, None),
            ("not read before", None, Some(3), second, None),
            ("too close", Some(1), Some(3), Duration::from_millis(49), None),
            ("no time at all", Some(1), Some(3), Duration::ZERO, None),
        ];
        for (name, previous, current, elapsed, expected) in cases {
            assert_eq!(per_second(previous, current, elapsed), expected, "{name}");
        }
    }
}
