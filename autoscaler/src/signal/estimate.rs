//! What the whole service is asked for, where only some of the replicas that serve are measured.
//!
//! ```text
//! part     = mean over the span of  1 / serving(t), where it serves    what one replica has of a load that is shared evenly
//! whole    = measured total / the parts of those that are measured
//! of each  = the least of its part of the whole and of what it used itself
//! ```
//!
//! Load that is shared is shared by all that serve: each one that begins to takes its part away from the others. What it uses
//! itself meanwhile says nothing of load, for starting costs something too, but it never carries more than that: so a replica
//! that no request finds yet is not taken for a busy one, and what a start costs is never taken for load.

use std::time::Duration;

use super::count;
use crate::time::Timestamp;

/// A replica that warms up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unmeasured {
    /// It serves since then, as far as is known.
    pub(super) from: Timestamp,
    /// What it used itself since; nothing where that is not known.
    pub(super) used: Option<f64>,
    /// Its health check says that it serves; without one, only that its process runs is known.
    pub(super) serves: bool,
}

/// The time that measured values are of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    /// Nothing where only its end is known.
    pub(super) from: Option<Timestamp>,
    pub(super) until: Timestamp,
}

/// The demand that the total over so many measured replicas is a part of, where others serve as well; these by time.
pub(super) fn demand(total: f64, measured: u32, span: Span, others: &[&Unmeasured]) -> f64 {
    let whole = seconds(span.from.unwrap_or(span.until), span.until);
    // Of a span whose beginning is not known, all or nothing.
    let served = |other: &Unmeasured| match span.from {
        _ if !span.until.is_after(other.from) => 0.0,
        Some(from) if whole > 0.0 => seconds(from.max(other.from), span.until) / whole,
        _ => 1.0,
    };
    let measured = f64::from(measured);
    let mut serving = measured + f64::from(count(others.len()));
    let (mut part, mut counted) = (0.0, 0.0);
    let mut parts = Vec::with_capacity(others.len());
    for other in others.iter().rev() {
        part += (served(other) - counted) / serving;
        counted = served(other);
        serving -= 1.0;
        parts.push(part);
    }
    part += (1.0 - counted) / serving;
    let demand = total / (part * measured);
    let of = |(other, part): (&&Unmeasured, &f64)| other.used.map_or(demand * part, |used| used.min(demand * part));
    total + others.iter().rev().zip(&parts).map(of).sum::<f64>()
}

fn seconds(from: Timestamp, until: Timestamp) -> f64 {
    if until.is_after(from) { until.since(from) } else { Duration::ZERO }.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + second * 1000)
    }

    fn other(from: u64, used: Option<f64>) -> Unmeasured {
        Unmeasured { from: at(from), used, serves: true }
    }

    #[test]
    fn who_serves_has_its_part_of_the_load_and_never_more_than_it_uses() {
        let (ten, unknown) = (Span { from: Some(at(0)), until: at(10) }, Span { from: None, until: at(10) });
        for (name, total, measured, span, others, expected) in [
            ("all are measured", 6.0, 3, ten, vec![], 6.0),
            ("one of four is not", 6.0, 3, ten, vec![other(0, None)], 8.0),
            ("two of five", 6.0, 3, ten, vec![other(0, None); 2], 10.0),
            ("what it uses to start is not load", 6.0, 3, ten, vec![other(0, Some(9.0))], 8.0),
            ("it has nothing to do yet", 6.0, 3, ten, vec![other(0, Some(0.1))], 6.1),
            ("it serves from now on", 6.0, 3, ten, vec![other(10, None)], 6.0),
            ("after the newest sample", 6.0, 3, ten, vec![other(12, None)], 6.0),
            ("8 were asked for, by three and for half of the time by four", 7.0, 3, ten, vec![other(5, None)], 8.0),
            ("the span is not known, it served before its end", 6.0, 3, unknown, vec![other(9, None)], 8.0),
            ("the span is not known, it did not", 6.0, 3, unknown, vec![other(10, None)], 6.0),
            ("nothing is asked for", 0.0, 3, ten, vec![other(0, Some(1.0))], 0.0),
        ] {
            let found = demand(total, measured, span, &others.iter().collect::<Vec<_>>());
            assert!((found - expected).abs() < 1e-9, "{name}: {found}, not {expected}");
        }
    }

    proptest! {
        #[test]
        fn evenly_shared_load_is_told_as_it_is_whoever_warms_up_since_whenever(
            load in 0.0..1000.0_f64,
            measured in 1..20_u32,
            mut since in proptest::collection::vec(0..70_u64, 0..20),
        ) {
            since.sort_unstable();
            let (from, until) = (10, 60);
            let serving = |second: u64| f64::from(measured) + since.iter().map(|at| f64::from(u8::from(*at <= second))).sum::<f64>();
            let each: f64 = (from..until).map(|second| load / serving(second)).sum::<f64>() / 50.0;
            let others: Vec<_> = since.iter().map(|at| other(*at, None)).collect();
            let span = Span { from: Some(at(from)), until: at(until) };
            let found = demand(each * f64::from(measured), measured, span, &others.iter().collect::<Vec<_>>());
            prop_assert!((found - load).abs() < 1e-6 * load.max(1.0), "{found} of {load}");
        }
    }
}
