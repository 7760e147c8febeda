//! Work that costs a given CPU time.

use std::{hint::black_box, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// Computes until this thread has used `cost` of CPU. Under a CPU limit that lasts longer than `cost`, as real work does:
/// a loop that watched the clock on the wall would cost less the less it may have.
pub(crate) fn burn(cost: Duration) {
    let end = used().saturating_add(cost);
    let mut value: u64 = 1;
    while used() < end {
        for _ in 0..10_000 {
            value = black_box(value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
    }
}

/// CPU time of this thread so far.
fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_the_cpu_time_it_says() {
        let before = used();
        burn(Duration::from_millis(20));
        let cost = used().saturating_sub(before);
        assert!(cost >= Duration::from_millis(20) && cost < Duration::from_millis(40), "{cost:?}");
    }
}
