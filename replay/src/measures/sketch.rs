//! The distribution of response times over many requests, in bounded memory.

use std::collections::BTreeMap;

use crate::simulation::Latency;

/// A mixture of many [`Latency`] laws, of which quantiles can be read.
///
/// `shift` and `scale` of each law are rounded to buckets whose edges are 2 % apart, so that laws that are nearly the same
/// share an entry. Each response time moves by no more than 1 % with that, and so does every quantile. Where there are more
/// than [`Sketch::MOST`] entries, they are spread out over one histogram of such buckets, and quantiles are off by 2 % at
/// most. Below a microsecond all is zero. Two sketches can be merged, in any order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sketch {
    /// By bucket of `shift` and bucket of `scale`: requests that took `shift`, and requests that took longer.
    laws: BTreeMap<(u16, u16), (f64, f64)>,
    /// Requests by bucket; empty, or all buckets.
    spread: Vec<f64>,
    count: f64,
    sum: f64,
}

const SMALLEST: f64 = 1e-6;
const RATIO: f64 = 1.02;
/// Up to a million seconds: `ln(1e12) / ln(1.02)`.
const BUCKETS: u16 = 1396;

impl Sketch {
    /// So many laws are told apart before they are spread out.
    pub const MOST: usize = 1024;

    /// Adds `count` requests that follow this law.
    pub fn add(&mut self, law: &Latency, count: f64) {
        if count <= 0.0 || !count.is_finite() {
            return;
        }
        let longer = if law.scale > 0.0 { law.tail.clamp(0.0, 1.0) } else { 0.0 };
        let scale = if longer > 0.0 { bucket(law.scale) } else { 0 };
        self.add_entry((bucket(law.shift), scale), (count * (1.0 - longer), count * longer));
        self.count += count;
        self.sum += count * law.mean();
    }

    /// Adds all that another one has.
    pub fn merge(&mut self, other: &Self) {
        for (law, counts) in &other.laws {
            self.add_entry(*law, *counts);
        }
        if !other.spread.is_empty() {
            self.spread.resize(usize::from(BUCKETS) + 1, 0.0);
            self.spread.iter_mut().zip(&other.spread).for_each(|(mine, theirs)| *mine += theirs);
        }
        self.count += other.count;
        self.sum += other.sum;
    }

    /// Requests.
    pub fn count(&self) -> f64 {
        self.count
    }

    /// The mean in seconds, exactly; `None` where there are no requests.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }

    /// The time in seconds that a share of `quantile`, 0 to 1, did not exceed; `None` where there are no requests.
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        if self.count <= 0.0 {
            return None;
        }
        // What rounding makes of a share that is just reached is reached.
        let above = (1.0 - quantile) * self.count + 1e-12 * self.count;
        if self.above(0.0) <= above {
            return Some(0.0);
        }
        let (mut low, mut high) = ((SMALLEST / 2.0).ln(), (middle(BUCKETS) * 1e3).ln());
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if self.above(middle.exp()) <= above {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high.exp())
    }

    /// How many requests took longer than so many seconds.
    fn above(&self, seconds: f64) -> f64 {
        let laws = self.laws.iter().map(|(&(shift, scale), &(at, longer))| {
            let left = seconds - middle(shift);
            if left < 0.0 { at + longer } else { tail(left, scale, longer) }
        });
        let spread = (0..).zip(&self.spread).filter(|&(bucket, _)| middle(bucket) > seconds).map(|(_, count)| count);
        laws.sum::<f64>() + spread.sum::<f64>()
    }

    fn add_entry(&mut self, law: (u16, u16), (at, longer): (f64, f64)) {
        if self.laws.len() >= Self::MOST && !self.laws.contains_key(&law) {
            self.spread_out();
        }
        let entry = self.laws.entry(law).or_default();
        entry.0 += at;
        entry.1 += longer;
    }

    fn spread_out(&mut self) {
        self.spread.resize(usize::from(BUCKETS) + 1, 0.0);
        for ((shift, scale), (at, longer)) in std::mem::take(&mut self.laws) {
            self.spread[usize::from(shift)] += at;
            let mut left = longer;
            for bucket in shift..BUCKETS {
                let after = tail(upper(bucket) - middle(shift), scale, longer);
                self.spread[usize::from(bucket)] += left - after;
                left = after;
                if left <= longer * 1e-15 {
                    break;
                }
            }
            self.spread[usize::from(BUCKETS)] += left;
        }
    }
}

/// Of `longer` requests, so many took more than `seconds` longer.
fn tail(seconds: f64, scale: u16, longer: f64) -> f64 {
    match middle(scale) {
        scale if longer > 0.0 && scale > 0.0 => longer * (-seconds / scale).exp(),
        _ => 0.0,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held to the buckets that there are")]
fn bucket(seconds: f64) -> u16 {
    if seconds.is_nan() || seconds <= SMALLEST {
        return 0;
    }
    (1.0 + ((seconds / SMALLEST).ln() / RATIO.ln()).floor()).min(f64::from(BUCKETS)) as u16
}

/// What stands for a bucket: the geometric mean of its edges.
fn middle(bucket: u16) -> f64 {
    if bucket == 0 { 0.0 } else { SMALLEST * RATIO.powf(f64::from(bucket) - 0.5) }
}

fn upper(bucket: u16) -> f64 {
    SMALLEST * RATIO.powi(i32::from(bucket))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn law() -> impl Strategy<Value = (Latency, f64)> {
        ((0.0..10.0_f64), (0.0..=1.0_f64), (0.0..10.0_f64), (0.1..1000.0_f64))
            .prop_map(|(shift, tail, scale, count)| (Latency { shift, tail, scale }, count))
    }

    fn of(laws: &[(Latency, f64)]) -> Sketch {
        let mut sketch = Sketch::default();
        for (law, count) in laws {
            sketch.add(law, *count);
        }
        sketch
    }

    fn above(laws: &[(Latency, f64)], seconds: f64) -> f64 {
        laws.iter().map(|(law, count)| count * law.share_above(seconds)).sum::<f64>()
    }

    #[test]
    fn quantiles_of_one_law_are_those_of_its_formula() {
        let law = Latency { shift: 0.02, tail: 0.8, scale: 0.1 };
        let mut sketch = Sketch::default();
        sketch.add(&law, 7.0);
        for quantile in [0.1, 0.5, 0.95, 0.99, 0.999] {
            let (found, is) = (sketch.quantile(quantile).unwrap_or(f64::NAN), law.quantile(quantile));
            assert!((found / is - 1.0).abs() < 0.0101, "{quantile}: {found} for {is}");
        }
        assert_eq!(sketch.mean(), Some(law.mean()));
    }

    #[test]
    fn of_no_requests_there_is_no_quantile() {
        let mut sketch = Sketch::default();
        sketch.add(&Latency { shift: 1.0, tail: 0.0, scale: 0.0 }, 0.0);
        assert_eq!((sketch.quantile(0.5), sketch.mean()), (None, None));
    }

    #[test]
    fn memory_has_a_bound_whatever_is_added() {
        let mut sketch = Sketch::default();
        let mut laws = Vec::new();
        for step in 0..20_000_u32 {
            let x = f64::from(step);
            let law =
                Latency { shift: 0.001 + (x * 0.37).sin().abs(), tail: 0.5, scale: 0.001 + (x * 0.73).cos().abs() };
            sketch.add(&law, 1.0);
            laws.push((law, 1.0));
        }
        assert!(sketch.laws.len() <= Sketch::MOST, "{}", sketch.laws.len());
        for quantile in [0.5, 0.95, 0.99] {
            let found = sketch.quantile(quantile).unwrap_or(f64::NAN);
            let allowed = (1.0 - quantile) * 20_000.0;
            assert!(above(&laws, found * 1.0205) <= allowed && above(&laws, found / 1.0205) >= allowed, "{quantile}");
        }
    }

    proptest! {
        #[test]
        fn every_quantile_of_a_mixture_is_within_a_hundredth(laws in prop::collection::vec(law(), 1..20), quantile in 0.01..0.999_f64) {
            let sketch = of(&laws);
            let found = sketch.quantile(quantile).unwrap_or(f64::NAN);
            let allowed = (1.0 - quantile) * laws.iter().map(|(_, count)| count).sum::<f64>();
            prop_assert!(above(&laws, found * 1.0101 + 1e-5) <= allowed * (1.0 + 1e-6));
            prop_assert!(above(&laws, found / 1.0101 - 1e-5) >= allowed * (1.0 - 1e-6));
        }

        #[test]
        fn merged_sketches_know_what_both_knew(
            left in prop::collection::vec(law(), 0..9), right in prop::collection::vec(law(), 1..9), quantile in 0.01..0.999_f64,
        ) {
            let (mut merged, all) = (of(&left), of(&[left.clone(), right.clone()].concat()));
            merged.merge(&of(&right));
            let (found, is) = (merged.quantile(quantile).unwrap_or(-1.0), all.quantile(quantile).unwrap_or(-2.0));
            prop_assert!((found - is).abs() <= 1e-9 * is, "{found} for {is}");
        }
    }
}
